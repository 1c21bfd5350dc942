/**
 * The state of a refinement under way, and how it fails: one message that names the member, what
 * happened to it, what the specification has against it, and both states.
 */
import { type NodeId, unreachable } from "../../base/index.ts";
import {
  describeEffect,
  describeMember,
  describeMessage,
  type Effect,
  type Input,
  type InstallSnapshot,
  lastIndex,
  type MemberChange,
  type Message,
  type Persist,
  type Raft,
} from "../../core/index.ts";
import type { SnapshotEvent } from "../observer.ts";
import type {
  Server,
  SpecInstallSnapshot,
  Specification,
  SpecLog,
  SpecMember,
} from "../spec/index.ts";
import { lastOf, type Mirror } from "./mirror.ts";
import { RefinementError } from "./refinement-error.ts";
import type { Words } from "./words.ts";

/** What is being explained. */
export type Occasion =
  | { readonly kind: "start" }
  | { readonly kind: "propose"; readonly count: number }
  | { readonly kind: "change"; readonly changes: readonly MemberChange[] }
  | { readonly kind: "transfer"; readonly to: NodeId | null }
  | { readonly kind: "take"; readonly effects: readonly Effect[] }
  | { readonly kind: "durable"; readonly unit: Persist | InstallSnapshot }
  | { readonly kind: "snapshot"; readonly event: SnapshotEvent }
  | { readonly kind: "leave"; readonly message: Message }
  | { readonly kind: "crash" }
  | { readonly kind: "step"; readonly input: Input };

/** A snapshot that may come, and the log that it stands for. */
export interface Offer {
  readonly message: SpecInstallSnapshot;
  readonly log: SpecLog;
}

/** What the specification can do. */
export type SpecAction = Exclude<
  keyof Specification,
  "members" | "hasLeft" | "firstConfiguration" | "configurationOf" | "committedConfigurationOf"
>;

export interface Explanation {
  readonly spec: Specification;
  readonly words: Words;
  readonly mirrors: readonly Mirror[];
  /** Snapshots that leaders said were needed. */
  readonly offers: Map<string, Offer>;
  /** Of the clocks; null: milliseconds if there are leases, else nobody looks at clocks. */
  readonly unit: "ticks" | "ms" | null;
  /** Actions of the specification that were run. */
  actions: number;
  /** Inputs and proposals that were explained. */
  steps: number;
  /** The action that runs or ran last on this occasion, or null: none yet. */
  action: SpecAction | null;
}

/** Names the action that is called next. */
export function announce(explanation: Explanation, action: SpecAction): void {
  explanation.actions++;
  explanation.action = action;
}

export function specMemberOf(explanation: Explanation, at: Server): SpecMember {
  const member = explanation.spec.members[at];
  if (member === undefined) throw new RangeError(`the specification has no member ${at}`);
  return member;
}

/** What the core did is no action of the specification: thrown and completed at the edge. */
export class Difference extends Error {
  override readonly name = "Difference";
}

/** @throws Difference unless `holds`; `describe` is called only then */
export function demand(holds: boolean, describe: () => string): asserts holds {
  if (!holds) throw new Difference(describe());
}

export function createRefinementError(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft | null,
  occasion: Occasion,
  error: Error,
): RefinementError {
  const isDifference = error instanceof Difference;
  const action = isDifference ? null : explanation.action;
  const why = isDifference
    ? error.message
    : `the specification refuses ${action}: ${error.message}`;
  const after = isDifference && explanation.action !== null ? ` (after ${explanation.action})` : "";
  const message = [
    `${mirror.id}, ${describeOccasion(occasion)}: ${why}${after}`,
    `real: ${raft === null ? "down" : describeReal(raft)}`,
    `before: ${describeBefore(mirror)}`,
    `spec: ${describeSpec(explanation, specMemberOf(explanation, mirror.at))}`,
  ].join("; ");
  return new RefinementError(message, mirror.at, action, error);
}

function describeReal(raft: Raft): string {
  const { commit, applying, durableIndex, campaign, leadership, log } = raft;
  const length = `last=${lastIndex(log)} base=${log.base.index}`;
  let text = `${describeMember(raft)} ${length} applying=${applying}`;
  text += ` durable=${durableIndex}`;
  if (campaign !== null) text += ` votes=${[...campaign.grants].join(",")}`;
  if (leadership === null) return text;
  for (const [peer, progress] of leadership.peers) text += ` ${peer}=${progress.matched}`;
  return `${text} round=${leadership.round} commit=${commit}`;
}

function describeBefore(mirror: Mirror): string {
  const { role, hardState, commit } = mirror;
  const { term, votedFor, mustCatchUp } = hardState;
  const vote = `term=${term} voted=${votedFor ?? "-"}${mustCatchUp ? " must-catch-up" : ""}`;
  return `${role} ${vote} last=${lastOf(mirror)} commit=${commit}`;
}

function describeSpec(explanation: Explanation, member: SpecMember): string {
  const { ids } = explanation.words;
  const { currentTerm, votedFor, log, commitIndex, lastApplied, disk } = member;
  const last = `${log.at(-1)?.term ?? 0}/${log.length}`;
  const nameOf = (at: Server | null): string => (at === null ? "-" : (ids[at] ?? String(at)));
  const vote = `term=${currentTerm} voted=${nameOf(votedFor)}`;
  const abstains = member.abstains ? " abstains" : "";
  let text = `${member.role} ${vote} last=${last} commit=${commitIndex}${abstains}`;
  text += ` applied=${lastApplied} votes=${[...member.votesGranted].map(nameOf).join(",")}`;
  text += ` pre-votes=${[...member.preVotesGranted].map(nameOf).join(",")}`;
  if (member.role === "leader") {
    for (const [peer, matched] of member.matchIndex) text += ` ${nameOf(peer)}=${matched}`;
  }
  const onDisk = `term=${disk.currentTerm} voted=${nameOf(disk.votedFor)}`;
  const end = `${disk.log.at(-1)?.term ?? 0}/${disk.log.length}`;
  return `${text}, disk ${onDisk} last=${end}, ${member.writes.length} writes under way`;
}

export function describeOccasion(occasion: Occasion): string {
  switch (occasion.kind) {
    case "start":
      return "start";
    case "crash":
      return "crash";
    case "propose":
      return `propose ${occasion.count} commands`;
    case "change":
      return `change ${occasion.changes.map(({ kind, id }) => `${kind} ${id}`).join(", ")}`;
    case "transfer":
      return `transfer to ${occasion.to ?? "the fittest"}`;
    case "take":
      return `take [${occasion.effects.map(describeEffect).join("; ")}]`;
    case "durable":
      return `durable ${describeEffect(occasion.unit)}`;
    case "snapshot":
      return `snapshot ${occasion.event.kind}`;
    case "leave":
      return `leave ${describeMessage(occasion.message)}`;
    case "step":
      return describeInput(occasion.input);
    default:
      return unreachable(occasion, "describeOccasion: of unknown kind");
  }
}

function describeInput(input: Input): string {
  switch (input.kind) {
    case "tick":
      return "tick";
    case "receive":
      return `receive ${describeMessage(input.message)}`;
    case "read":
      return `read ${input.id}`;
    case "persisted":
      return `persisted ${input.unit}`;
    case "applied":
      return `applied ${input.index}`;
    case "lease-read":
      return `lease-read ${input.id}`;
    case "leader-gone":
      return `leader-gone ${input.peer}`;
    case "wake":
      return "wake";
    case "disk-health":
      return input.isHealthy ? "disk healthy" : "disk unhealthy";
    case "memory":
      return input.isTight ? "memory tight" : "memory free";
    case "peer-reachable":
    case "peer-unreachable":
    case "snapshot-sent":
    case "snapshot-failed":
    case "snapshot-moving":
      return `${input.kind} ${input.peer}`;
    case "snapshot-saved":
    case "snapshot-received":
      return `${input.kind} ${input.position.index}`;
    default:
      return unreachable(input, "describeInput: an input of unknown kind");
  }
}
