/**
 * What a leader knows of one peer, and how much it may send. @paper Figure 2 (nextIndex,
 * matchIndex)
 * @etcd raft/tracker/progress.go (probe, replicate, snapshot)
 */
import { assert, type LogIndex, noIndex } from "../base/index.ts";
import type { LogPosition } from "./entry.ts";
import { type Standing, usualStanding } from "./messages.ts";
import type { Settings } from "./settings.ts";

/** One append with entries that was sent and is not acknowledged. */
export interface Inflight {
  readonly sequence: number;
  readonly last: LogIndex;
  readonly bytes: number;
}

/** The host was told that the peer needs a snapshot, and has not said how it went. */
export interface SnapshotOffer {
  /** The log behind this is kept while the offer stands. */
  readonly position: LogPosition;
  /** Of the newest sign that it gets there. */
  tick: number;
  /** It is said to have got there: from now on its answers are about that. */
  isSent: boolean;
}

/** @invariant `matched < next` */
export interface Progress {
  /** The peer's log equals ours up to here, on its disk. */
  matched: LogIndex;
  /** The next entry to send; all before are acknowledged or in flight. */
  next: LogIndex;
  /**
   * `probe`: where the logs part is unknown; one message, then wait for its answer or the next
   * heartbeat. `replicate`: appends are sent ahead of their answers, within the window. `snapshot`:
   * the peer lacks our base; it gets heartbeats only, until it has one.
   */
  mode: "probe" | "replicate" | "snapshot";
  /** In `snapshot`; else null. */
  offer: SnapshotOffer | null;
  /** In `probe`: the message that waits for its answer, or null. */
  probeSequence: number | null;
  /**
   * In `probe`: the first append that asks from this `next`. Its answer counts although heartbeats
   * have asked again since: where answers take longer than a heartbeat interval, the newest
   * question never has one in time.
   */
  probeSince: number;
  /** In sending order. @invariant within the window; last entries ascend. */
  inflight: Inflight[];
  inflightBytes: number;
  /** Number of the last append sent to this peer. */
  sequence: number;
  /** The append whose answer gave `matched`. */
  matchedSequence: number;
  sentRound: number;
  /** The newest heartbeat round that the peer answered in this term. */
  ackedRound: number;
  /** The commit index that was last sent. */
  sentCommit: LogIndex;
  /** When the newest answered round was sent, in the leader's ticks: contact by sending time. */
  contactTick: number;
  /** As in its last answer. */
  standing: Standing;
  /** It has said that it is full: it gets heartbeats only. */
  isFull: boolean;
  /** The append whose answer said so, or that it is not. */
  fullSequence: number;
  /** In `probe`: bytes of the entries in messages that were not answered. */
  probeBytes: number;
  /** Until when its promise to elect nobody counts, by the leader's clock; 0: not at all. */
  leaseUntilMs: number;
}

export function createProgress(next: LogIndex, nowTick: number): Progress {
  return {
    matched: noIndex,
    next,
    mode: "probe",
    offer: null,
    probeSequence: null,
    probeSince: 1,
    inflight: [],
    inflightBytes: 0,
    sequence: 0,
    matchedSequence: 0,
    sentRound: 0,
    ackedRound: 0,
    sentCommit: noIndex,
    contactTick: nowTick,
    standing: usualStanding,
    isFull: false,
    fullSequence: 0,
    probeBytes: 0,
    leaseUntilMs: 0,
  };
}

export function mayReplicate(progress: Progress, settings: Settings): boolean {
  return (
    !progress.isFull &&
    progress.inflight.length < settings.inflightMessagesMax &&
    (progress.inflightBytes < settings.inflightBytesMax || progress.inflight.length === 0)
  );
}

export function recordInflight(progress: Progress, inflight: Inflight): void {
  progress.inflight.push(inflight);
  progress.inflightBytes += inflight.bytes;
}

/** What is in flight no longer counts; the next message asks again from `next`. */
export function becomeProbe(progress: Progress, next: LogIndex): void {
  assert(next > progress.matched, "matched < next", () => `${progress.matched}, ${next}`);
  progress.mode = "probe";
  progress.offer = null;
  progress.probeSequence = null;
  progress.probeSince = progress.sequence + 1;
  progress.probeBytes = 0;
  progress.next = next;
  progress.inflight = [];
  progress.inflightBytes = 0;
}

/** Nothing can be sent but what `position` stands for: appends wait until the peer has that. */
export function becomeSnapshot(progress: Progress, position: LogPosition, tick: number): void {
  becomeProbe(progress, (position.index + 1) as LogIndex); // index plus one
  progress.mode = "snapshot";
  progress.offer = { position, tick, isSent: false };
}

/**
 * The peer's log equals ours up to `verified`, says its answer to append `sequence`. What of that
 * it has in memory only stays in flight: a restart loses it, and then it is sent again.
 */
export function becomeReplicate(progress: Progress, verified: LogIndex, sequence: number): void {
  assert(verified >= progress.matched, "what is on the peer's disk was verified");
  progress.mode = "replicate";
  progress.offer = null;
  progress.probeSequence = null;
  progress.probeBytes = 0;
  progress.next = (verified + 1) as LogIndex; // index plus one
  if (verified > progress.matched) recordInflight(progress, { sequence, last: verified, bytes: 0 });
}

/** The peer holds everything up to `matched` on its disk. Frees the window that this closes. */
export function advanceMatched(progress: Progress, matched: LogIndex, sequence: number): boolean {
  if (matched <= progress.matched) return false;
  progress.matched = matched;
  progress.matchedSequence = sequence;
  if (progress.next <= matched) progress.next = (matched + 1) as LogIndex; // index plus one
  let freed = 0;
  for (const inflight of progress.inflight) {
    if (inflight.last > matched) break;
    progress.inflightBytes -= inflight.bytes;
    freed++;
  }
  if (freed > 0) progress.inflight.splice(0, freed);
  return true;
}

/**
 * What the answer to append `sequence` says of the peer's room. Answers overtake each other, and
 * those that wait for the peer's disk are older than they look: of two to the same append the one
 * that says that there is room is the later one.
 */
export function recordFullness(progress: Progress, sequence: number, isFull: boolean): void {
  const { fullSequence } = progress;
  if (sequence < fullSequence || (sequence === fullSequence && isFull)) return;
  progress.fullSequence = sequence;
  progress.isFull = isFull;
}

/**
 * Whether appends up to number `sequence` were lost: the peer has seen that one and yet verified
 * less than an earlier one carried.
 */
export function hasLost(progress: Progress, sequence: number, verified: LogIndex): boolean {
  for (const inflight of progress.inflight) {
    if (inflight.sequence > sequence) return false;
    if (inflight.last > verified) return true;
  }
  return false;
}
