/**
 * Why things are as they are, from what a member knows at a moment: its core, its connections and
 * what its witness has seen. A pure function: the same facts give the same answer. Called by
 * `node.ts`.
 */
import { type LogIndex, logIndex, type NodeId } from "../../base/index.ts";
import {
  allMembers,
  allVoters,
  type Campaign,
  type Configuration,
  entryBytes,
  isChangePending,
  isQuorum,
  isVoter,
  type Log,
  lastIndex,
  majority,
  type Raft,
  termAt,
} from "../../core/index.ts";
import type { PeerState } from "../peers.ts";
import type { DiskDamage } from "../repair.ts";
import type { NotEnabled } from "../versions/version-errors.ts";
import { describeFinding, severityOf } from "./describe-finding.ts";
import type { CampaignSummary } from "./elections.ts";
import type { CatchUpFinding, FailedCampaignsFinding, Finding, Severity } from "./findings.ts";
import { holdersOf, type PeerSighting, type Sightings } from "./witness.ts";

/** What is known at a moment. */
export interface ExplainFacts {
  readonly raft: Raft;
  readonly nowMs: number;
  readonly tickMs: number;
  /** How long a unit may take before the disk is called slow. Milliseconds. */
  readonly slowStorageMs: number;
  readonly sightings: Sightings;
  /** What was wrong with the disk; left out: nothing was. */
  readonly damage?: DiskDamage | null;
  /** Versions of machines that this program has and that are not enabled; left out: none. */
  readonly held?: readonly NotEnabled[];
  /** Of each other voter, as this member's connections are. */
  readonly peerOf: (id: NodeId) => PeerState;
  /** Refused connections of no known peer, or null. */
  readonly strangers: PeerState["refused"];
  /** Null while the member runs. */
  readonly stopped: { readonly error: Error | null } | null;
}

/** A finding with its sentence. */
export type Explained = Finding & { readonly severity: Severity; readonly text: string };

/** The answer of `node.explain()`. */
export interface Explanation {
  readonly id: string;
  /** The worst of `findings`. */
  readonly severity: Severity;
  /** All sentences, the most important first. */
  readonly text: string;
  readonly findings: readonly Explained[];
}

const severities: readonly Severity[] = ["ok", "notice", "trouble"];

/** Says who leads or why nobody does, who holds back commitment, and how each peer is doing. */
export function explain(facts: ExplainFacts): Explanation {
  const { id } = facts.raft;
  const findings = findAll(facts).map((finding): Explained => {
    return { ...finding, severity: severityOf(finding), text: describeFinding(finding, id) };
  });
  const worst = Math.max(...findings.map(({ severity }) => severities.indexOf(severity)));
  return {
    id,
    severity: severities[worst] ?? "ok",
    text: findings.map(({ text }) => text).join("\n"),
    findings,
  };
}

function findAll(facts: ExplainFacts): Finding[] {
  const { stopped } = facts;
  if (stopped !== null) return [{ kind: "stopped", error: stopped.error?.message ?? null }];
  return [
    ...findLeader(facts),
    ...findTransfer(facts),
    ...findQuorum(facts),
    ...findElection(facts),
    ...findAbstaining(facts),
    ...findCatchUp(facts),
    ...findDamage(facts),
    ...findStorage(facts),
    ...findCommit(facts),
    ...findChange(facts),
    ...findHeldVersions(facts),
    ...findPeers(facts),
    ...findRefused(facts),
  ];
}

// --- who leads, or why nobody does ---------------------------------------------------------------

function findLeader({ raft, nowMs, tickMs, sightings }: ExplainFacts): Finding[] {
  const { leader, leaderContactTick } = raft;
  const { term } = raft.hardState;
  const { elections } = sightings;
  const forMs = nowMs - elections.sinceMs;
  if (leader === null) {
    const { previous, why } = elections.loss ?? { previous: null, why: "start" };
    return [{ kind: "no-leader", term, forMs, previous, why }];
  }
  const isSelf = leader === raft.id;
  const silentMs =
    isSelf || leaderContactTick === null ? null : (raft.nowTick - leaderContactTick) * tickMs;
  return [{ kind: "leader", leader, isSelf, term, forMs, silentMs }];
}

function findTransfer({ raft, tickMs }: ExplainFacts): Finding[] {
  const transfer = raft.leadership?.transfer ?? null;
  if (transfer === null) return [];
  const { to, why, sinceTick } = transfer;
  return [{ kind: "transferring", to, why, forMs: (raft.nowTick - sinceTick) * tickMs }];
}

/** Said where it matters: without a leader, or at a leader that is about to step down. */
function findQuorum({ raft, nowMs, peerOf }: ExplainFacts): Finding[] {
  if (raft.leader !== null && raft.leader !== raft.id) return [];
  const voters = allVoters(raft.configuration);
  const isUp = (id: NodeId) => id === raft.id || peerOf(id).connected;
  if (voters.length === 0 || isQuorum(raft.configuration, isUp)) return [];
  const reachable = voters.filter(({ id }) => isUp(id)).map(({ id }) => id);
  const needed = neededOf(raft.configuration);
  const unreachable = voters
    .filter(({ id }) => !isUp(id))
    .map(({ id, address }) => {
      const { reason, downSinceMs } = peerOf(id);
      return { id, address, reason, forMs: Math.round(nowMs - (downSinceMs ?? nowMs)) };
    });
  const isIsolated = reachable.every((id) => id === raft.id);
  return [{ kind: "no-quorum", needed, reachable, unreachable, isIsolated }];
}

/** Voters that must be there: while two halves decide, as many as the larger one needs. */
function neededOf({ voters, outgoing }: Configuration): number {
  return majority(Math.max(voters.length, outgoing?.length ?? 0));
}

function findElection(facts: ExplainFacts): Finding[] {
  const { raft, tickMs, sightings } = facts;
  if (raft.leader !== null) return [];
  const found: Finding[] = [];
  const isWaiting = raft.hardState.mustCatchUp && raft.configuration.voters.length === 0;
  if (isWaiting) {
    found.push({ kind: "no-candidate", why: "must-catch-up" });
  } else if (!isVoter(raft.configuration, raft.id)) {
    const isBlank = raft.configuration.voters.length === 0;
    found.push({ kind: "no-candidate", why: isBlank ? "joining" : "not-a-voter" });
  } else if (raft.hardState.mustCatchUp) {
    found.push({ kind: "no-candidate", why: "must-catch-up" });
  } else if (raft.campaign !== null) {
    found.push(findCampaign(facts, raft.campaign));
  } else {
    const inMs = Math.max(0, raft.electionTimeout - raft.electionElapsed) * tickMs;
    found.push({ kind: "election-due", inMs });
  }
  const { campaigns, campaignCount } = sightings.elections;
  const lost = campaigns.filter(({ outcome }) => outcome !== "won");
  if (lost.length > 0) found.push(summarizeFailed(lost, campaignCount));
  return found;
}

/**
 * Those that are known to abstain: this member, and who said so when it was last asked for its
 * vote.
 */
function findAbstaining({ raft, sightings }: ExplainFacts): Finding[] {
  const voters = allVoters(raft.configuration).map(({ id }) => id);
  const refused = sightings.elections.campaigns.at(-1)?.refused ?? [];
  const saidSo = (id: NodeId): boolean =>
    raft.leader === null && refused.some((one) => one.id === id && one.why === "must-catch-up");
  const isAbstaining = (id: NodeId): boolean =>
    id === raft.id ? raft.hardState.mustCatchUp : saidSo(id);
  const abstaining = voters.filter(isAbstaining);
  if (abstaining.length === 0 || isQuorum(raft.configuration, (id) => !isAbstaining(id))) return [];
  const others = voters.filter((id) => !isAbstaining(id));
  return [{ kind: "abstaining", abstaining, others, needed: neededOf(raft.configuration) }];
}

function findCampaign({ raft, nowMs, sightings }: ExplainFacts, campaign: Campaign): Finding {
  const { pre, term, grants, refusals } = campaign;
  const voters = allVoters(raft.configuration).map(({ id }) => id);
  const ownVoteUnderWay = !pre && !grants.has(raft.id);
  const { elections } = sightings;
  return {
    kind: "campaign",
    pre,
    term,
    granted: voters.filter((id) => grants.has(id)),
    refused: voters
      .filter((id) => refusals.has(id))
      .map((id) => ({ id, why: elections.refusalOf(id) })),
    unanswered: voters.filter((id) => id !== raft.id && !grants.has(id) && !refusals.has(id)),
    needed: neededOf(raft.configuration),
    ownVoteUnderWay,
    forMs: nowMs - elections.campaignSinceMs,
  };
}

/** `count` counts those too that are no longer remembered, and PreVotes that were won. */
function summarizeFailed(lost: readonly CampaignSummary[], total: number): FailedCampaignsFinding {
  const counts = new Map<NonNullable<CampaignSummary["refused"][number]["why"]>, number>();
  let splitCount = 0;
  for (const { refused, pre } of lost) {
    const whys = refused.map(({ why }) => why);
    if (!pre && whys.includes("voted-for-other")) splitCount++;
    for (const why of whys) if (why !== null) counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  const refusals = [...counts].map(([why, count]) => ({ why, count }));
  refusals.sort((a, b) => b.count - a.count);
  const count = Math.max(lost.length, total - lost.length);
  return { kind: "failed-campaigns", count, splitCount, refusals, recent: lost };
}

// --- this member's own state ---------------------------------------------------------------------

function findCatchUp(facts: ExplainFacts): Finding[] {
  const { raft, nowMs, sightings } = facts;
  const { mustCatchUp } = raft.hardState;
  const { commit, leaderCommit, durableIndex } = raft;
  const isBehind = raft.leadership === null && leaderCommit > commit;
  if (!mustCatchUp && !isBehind) return [];
  const sinceMs = mustCatchUp ? sightings.startMs : sightings.behindSinceMs;
  const forMs = sinceMs === null ? null : nowMs - sinceMs;
  const durable = durableIndex;
  const waitsFor = waitsForOf(facts);
  return [{ kind: "catch-up", mustCatchUp, commit, leaderCommit, durable, forMs, waitsFor }];
}

function waitsForOf({ raft, peerOf }: ExplainFacts): CatchUpFinding["waitsFor"] {
  const { leaderCommit } = raft;
  if (raft.leader === null) return "leader";
  if (leaderCommit > raft.verified) return "entries";
  if (leaderCommit > raft.durableIndex) return "disk";
  if (!raft.hardState.mustCatchUp) return "entries";
  if (termAt(raft.log, leaderCommit) !== raft.hardState.term) return "own-term-entry";
  const isThere = (id: NodeId) => id !== raft.id && peerOf(id).connected;
  return isQuorum(raft.configuration, isThere) ? "election" : "contact";
}

/** For as long as the files lie there. */
function findDamage({ raft, damage = null }: ExplainFacts): Finding[] {
  if (damage === null) return [];
  const { reasons, kept } = damage;
  return [{ kind: "disk-damage", reasons, kept, mustCatchUp: raft.hardState.mustCatchUp }];
}

function findStorage(facts: ExplainFacts): Finding[] {
  const { raft } = facts;
  const slow = findSlowUnit(facts);
  if (raft.isDiskHealthy) return slow;
  return [...slow, { kind: "disk-unhealthy", isLeader: raft.leadership !== null }];
}

function findSlowUnit({ nowMs, slowStorageMs, sightings }: ExplainFacts): Finding[] {
  const { units } = sightings;
  const first = units[0];
  if (first === undefined || nowMs - first.sinceMs < slowStorageMs) return [];
  let entries = 0;
  let bytes = 0;
  for (const unit of units) {
    entries += unit.entries;
    bytes += unit.bytes;
  }
  const forMs = nowMs - first.sinceMs;
  return [{ kind: "storage-slow", unit: first.unit, units: units.length, entries, bytes, forMs }];
}

// --- commitment ----------------------------------------------------------------------------------

function findCommit({ raft, nowMs, sightings }: ExplainFacts): Finding[] {
  const found: Finding[] = [];
  const { commit, applied, leadership } = raft;
  const last = lastIndex(raft.log);
  const { commitSinceMs, applySinceMs } = sightings;
  if (last > commit) {
    const voters = allVoters(raft.configuration).map(({ id }) => id);
    const holders = holdersOf(raft);
    found.push({
      kind: "commit-held",
      commit,
      last,
      forMs: commitSinceMs === null ? 0 : nowMs - commitSinceMs,
      needed: neededOf(raft.configuration),
      have: leadership === null ? [] : voters.filter((id) => !holders.includes(id)),
      heldBy: leadership === null ? null : holders,
      leader: raft.leader,
    });
  }
  if (applied < commit && applySinceMs !== null) {
    found.push({ kind: "apply-behind", commit, applied, forMs: nowMs - applySinceMs });
  }
  return found;
}

// --- the members ---------------------------------------------------------------------------------

function findChange({ raft }: ExplainFacts): Finding[] {
  const { configuration, configurationIndex: index, committedConfigurationIndex } = raft;
  const joint = configuration.outgoing !== null;
  const committed = committedConfigurationIndex === index;
  const found: Finding[] = [];
  if (isChangePending(raft)) found.push({ kind: "members-changing", index, joint, committed });
  for (const { id, whenReady } of configuration.learners) {
    if (whenReady === undefined) continue;
    found.push({ kind: "learner-waits", id, replaces: whenReady.replaces });
  }
  return found;
}

/** The leader decides what is enabled, so it knows who holds that back. */
function findHeldVersions({ raft, held = [] }: ExplainFacts): Finding[] {
  if (raft.leadership === null) return [];
  return held.map((one) => ({ kind: "version-held", ...one }));
}

// --- the others ----------------------------------------------------------------------------------

function findPeers(facts: ExplainFacts): Finding[] {
  const { raft, nowMs, peerOf } = facts;
  if (raft.leadership !== null) {
    return [...raft.leadership.peers.keys()].map((id) => findPeer(facts, id));
  }
  const others = allMembers(raft.configuration).filter(({ id }) => id !== raft.id);
  return others.flatMap(({ id }): Finding[] => {
    const { connected, reason, downSinceMs } = peerOf(id);
    if (connected) return [];
    return [{ kind: "disconnected", id, reason, forMs: nowMs - (downSinceMs ?? nowMs) }];
  });
}

function findPeer({ raft, nowMs, tickMs, sightings, peerOf }: ExplainFacts, id: NodeId): Finding {
  const progress = raft.leadership?.peers.get(id);
  const matched = progress?.matched ?? logIndex(0);
  const last = lastIndex(raft.log);
  const seen: PeerSighting = sightings.peers.get(id) ?? { state: "probing", sinceMs: nowMs };
  const peer = peerOf(id);
  const sinceMs = peer.connected ? seen.sinceMs : (peer.downSinceMs ?? seen.sinceMs);
  return {
    kind: "peer",
    id,
    state: peer.connected ? seen.state : "unreachable",
    forMs: nowMs - sinceMs,
    matched,
    behindEntries: last - matched,
    behindBytes: bytesAbove(raft.log, matched),
    inflightMessages: progress?.inflight.length ?? 0,
    inflightBytes: progress?.inflightBytes ?? 0,
    reason: peer.connected ? null : peer.reason,
    silentMs: (raft.nowTick - (progress?.contactTick ?? raft.nowTick)) * tickMs,
  };
}

/** Of the entries above `index` that are in the log. */
function bytesAbove(log: Log, index: LogIndex): number {
  let bytes = 0;
  for (let at = Math.max(0, index - log.base.index); at < log.entries.length; at++) {
    const entry = log.entries[at];
    if (entry !== undefined) bytes += entryBytes(entry);
  }
  return bytes;
}

function findRefused({ raft, nowMs, peerOf, strangers }: ExplainFacts): Finding[] {
  const found: Finding[] = [];
  const add = (id: NodeId | null, refused: PeerState["refused"]) => {
    if (refused === null) return;
    const { reason, count, atMs } = refused;
    found.push({ kind: "refused-peer", id, reason, count, agoMs: nowMs - atMs });
  };
  for (const { id } of allMembers(raft.configuration)) {
    if (id !== raft.id) add(id, peerOf(id).refused);
  }
  add(null, strangers);
  return found;
}
