/**
 * Changing the members. A configuration is in force as soon as it is in the log, and no longer when
 * it is removed from there. A change of the voters is two entries: a joint configuration, in which
 * both the old and the new voters decide, and, once that is committed, the new voters alone; the
 * second is appended by whoever leads then. One change is under way at a time.
 *
 * @thesis chapter 4; @paper §6
 */
import { assert, type LogIndex, type NodeId, type Term } from "../base/index.ts";
import { configurationFor } from "./compaction.ts";
import { allMembers, type Configuration, isVoter } from "./configuration.ts";
import { encodeConfiguration } from "./configuration-codec.ts";
import {
  configurationAt,
  configurationBefore,
  lastIndex,
  type PlacedConfiguration,
} from "./log.ts";
import {
  type MemberChange,
  type PlanRefusal,
  planChange,
  withoutOutgoing,
} from "./membership-plan.ts";
import { checkReadiness, type PreflightRefusal } from "./membership-preflight.ts";
import { createProgress } from "./progress.ts";
import { appendOwn, sendHeartbeat } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import type { Leadership, Raft } from "./state.ts";

export type ChangeRefusal =
  | { readonly why: "not-leader" }
  /** No entry of the own term is committed yet: ask again. @thesis §4.1 (as corrected in 2015) */
  | { readonly why: "term-not-started" }
  /** The leader is handing over. */
  | { readonly why: "transferring" }
  /** `index`: of the configuration that is to be left, or committed, first. */
  | { readonly why: "change-in-flight"; readonly index: LogIndex }
  | PlanRefusal
  | PreflightRefusal;

export type ChangeResult =
  /**
   * The configuration is in the leader's log and in force; `index` is that of the joint one if the
   * voters change. The change is done when a configuration that is not joint is committed at
   * `index` or after it.
   */
  | { readonly kind: "appended"; readonly index: LogIndex; readonly term: Term }
  | ({ readonly kind: "refused" } & ChangeRefusal);

/**
 * Appends a change of the members at the leader: all steps together, or nothing. Counts in the
 * budget of uncommitted bytes and is never refused for it: an overloaded cluster may need a member.
 */
export function changeMembership(raft: Raft, changes: readonly MemberChange[]): ChangeResult {
  const { leadership } = raft;
  if (leadership === null) return { kind: "refused", why: "not-leader" };
  if (raft.commit < leadership.termStart) return { kind: "refused", why: "term-not-started" };
  if (leadership.transfer !== null) return { kind: "refused", why: "transferring" };
  if (isChangePending(raft)) {
    return { kind: "refused", why: "change-in-flight", index: raft.configurationIndex };
  }
  const plan = planChange(raft.configuration, changes);
  if (plan.kind === "refused") return plan;
  const refusal = checkReadiness(raft, leadership, changes, plan.configuration);
  if (refusal !== null) return { kind: "refused", ...refusal };
  const index = appendConfiguration(raft, leadership, plan.configuration);
  return { kind: "appended", index, term: raft.hardState.term };
}

/** Whether the configuration in force is not known to be committed, or is to be left. */
export function isChangePending(raft: Raft): boolean {
  return (
    raft.configurationIndex !== raft.committedConfigurationIndex ||
    raft.configuration.outgoing !== null
  );
}

/** Puts a configuration into the leader's log and so into force; new members are sent to. */
function appendConfiguration(raft: Raft, leadership: Leadership, next: Configuration): LogIndex {
  appendOwn(raft, leadership, "configuration", [encodeConfiguration(next)]);
  refreshConfiguration(raft);
  const index = raft.configurationIndex;
  assert(index === lastIndex(raft.log), "what was appended is in force");
  for (const { id } of allMembers(raft.configuration)) {
    if (id === raft.id || leadership.peers.has(id)) continue;
    leadership.peers.set(id, createProgress(index, raft.nowTick));
  }
  return index;
}

/** The log has gained or lost configurations. @thesis §4.1 */
export function refreshConfiguration(raft: Raft): void {
  const known = knownCommitted(raft);
  const newest = configurationAt(raft.log, lastIndex(raft.log), known);
  const before = configurationBefore(raft.log, newest, known);
  raft.configuration = newest.configuration;
  raft.configurationIndex = newest.index;
  raft.committedConfiguration = before.configuration;
  raft.committedConfigurationIndex = before.index;
  raft.outbox.configurationChanged = true;
}

/** By the commit index alone: what showed that more is committed may have been removed. */
function knownCommitted(raft: Raft): PlacedConfiguration {
  const committed = Math.max(raft.commit, 1) as LogIndex; // the first entry is from the start
  const { committedConfiguration: configuration, committedConfigurationIndex: index } = raft;
  return index > committed ? configurationFor(raft, committed) : { configuration, index };
}

/** Moves a change on: called whenever the commit index has grown. */
export function onCommitAdvanced(raft: Raft): void {
  if (!isChangePending(raft)) return;
  refreshCommitted(raft);
  const { leadership } = raft;
  if (leadership === null || raft.commit < raft.configurationIndex) return;
  if (raft.configuration.outgoing !== null) leaveJoint(raft, leadership);
  else completeChange(raft, leadership);
}

/** The commit index has grown, perhaps over configurations. */
export function refreshCommitted(raft: Raft): void {
  const known = {
    configuration: raft.committedConfiguration,
    index: raft.committedConfigurationIndex,
  };
  const newest = configurationAt(raft.log, raft.commit, known);
  if (newest.index === known.index) return;
  const isEffective = newest.index === raft.configurationIndex;
  raft.committedConfiguration = isEffective ? raft.configuration : newest.configuration;
  raft.committedConfigurationIndex = newest.index;
  raft.outbox.configurationChanged = true;
}

/**
 * Both halves know of the new one: from here on it decides alone. Any leader does this, whoever
 * began, with the first entry that it commits. @thesis §4.3
 */
function leaveJoint(raft: Raft, leadership: Leadership): void {
  assert(
    raft.committedConfigurationIndex === raft.configurationIndex,
    "a joint configuration is left once entering it is committed",
  );
  appendConfiguration(raft, leadership, withoutOutgoing(raft.configuration));
}

/**
 * The new voters decide alone, and that is committed. Who has left hears of it once more, so that
 * it keeps quiet, and then nothing; a leader that is no voter has served until here. @thesis §4.2.2
 */
function completeChange(raft: Raft, leadership: Leadership): void {
  const isLeaving = !isVoter(raft.configuration, raft.id);
  const members = new Set<NodeId>(allMembers(raft.configuration).map(({ id }) => id));
  for (const [peer, progress] of leadership.peers) {
    const hasLeft = !members.has(peer);
    if (hasLeft || isLeaving) sendHeartbeat(raft, leadership, peer, progress);
    if (hasLeft) leadership.peers.delete(peer);
  }
  if (isLeaving) becomeFollower(raft, null);
}
