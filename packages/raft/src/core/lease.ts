/**
 * Lease reads: a leader that a quorum has promised to elect nobody for a while is the only one that
 * can commit anything in that time, and answers reads without a round. What a promise is, who may
 * give it back, and why clocks are enough: decision 0053.
 *
 * Each side measures so that it errs to its own disadvantage. The leader counts a promise from the
 * tick before the round that asked for it was sent, less what clocks may drift. Who promised counts
 * from the first tick after it, and until the last tick says that the time is over.
 *
 * @thesis §6.4.1; with promises in place of the assumption that nobody's timer is short
 */
import { assert, type LogIndex } from "../base/index.ts";
import type { LeaseRead } from "./inputs.ts";
import type { AppendEntries, AppendEntriesResponse } from "./messages.ts";
import type { Progress } from "./progress.ts";
import { quorumValue } from "./quorum.ts";
import { onRead } from "./reads.ts";
import { startRound } from "./replication.ts";
import { leaseMsMax } from "./settings.ts";
import { type Leadership, type LeasePromise, type Raft, setHardState } from "./state.ts";

// --- who promises --------------------------------------------------------------------------------

/**
 * Whether this member has promised to elect nobody, itself included, and the time has not run out.
 * Then it gives neither votes nor pre-votes, in whatever term, and does not stand.
 */
export function holdsPromise({ promise, nowMs }: Raft): boolean {
  if (promise.pendingMs > 0 || nowMs < promise.untilMs) return true;
  return promise.formerPendingMs > 0 || nowMs < promise.formerUntilMs;
}

/** What was promised since the last tick counts from this one. Called first in each tick. */
export function tickPromise({ promise, nowMs }: Raft): void {
  if (promise.pendingMs > 0) {
    promise.untilMs = Math.max(promise.untilMs, nowMs + promise.pendingMs);
    promise.pendingMs = 0;
  }
  if (promise.formerPendingMs > 0) {
    promise.formerUntilMs = nowMs + promise.formerPendingMs;
    promise.formerPendingMs = 0;
  }
}

/**
 * The leader of this term asks for a promise, or gives back those that its earlier rounds got. A
 * longer one than ever is durable before the answer leaves. Returns the milliseconds promised.
 */
export function givePromise(raft: Raft, request: AppendEntries): number {
  const { promise } = raft;
  const { promiseMs, term, round } = request;
  if (promiseMs === undefined) return 0;
  const isSameLeader = promise.term === term;
  if (isSameLeader && round < promise.round) return 0; // overtaken
  if (promiseMs === 0 && !isSameLeader) return 0; // nothing was promised to it in this life
  promise.term = term;
  promise.round = round;
  return promiseMs === 0 ? release(promise) : makePromise(raft, Math.min(promiseMs, leaseMsMax));
}

function release(promise: LeasePromise): 0 {
  promise.untilMs = 0;
  promise.pendingMs = 0;
  return 0;
}

function makePromise(raft: Raft, promisedMs: number): number {
  const { promise, hardState } = raft;
  promise.pendingMs = Math.max(promise.pendingMs, promisedMs);
  if (promisedMs > (hardState.promisedMs ?? 0)) setHardState(raft, { ...hardState, promisedMs });
  return promisedMs;
}

// --- who leads -----------------------------------------------------------------------------------

/** What an append asks for: while the leader hands over, that promises are forgotten. */
export function promiseAsked(
  { settings }: Raft,
  { transfer }: Leadership,
): { readonly promiseMs: number } | null {
  if (!settings.leaseReads) return null;
  return { promiseMs: transfer === null ? settings.leaseMs : 0 };
}

/** Counts a promise from when the round that it answers was sent. Called before `recordContact`. */
export function recordPromise(
  raft: Raft,
  leadership: Leadership,
  progress: Progress,
  { round, promisedMs }: AppendEntriesResponse,
): void {
  const { leaseFromRound, roundTicks } = leadership;
  if (promisedMs === undefined || round <= progress.ackedRound) return;
  if (leaseFromRound === null || round < leaseFromRound) return;
  assert(round <= leadership.round, "promises answer rounds that were sent");
  for (const sent of roundTicks) {
    if (sent.round > round) break;
    const untilMs = sent.ms + withoutDrift(raft, promisedMs);
    progress.leaseUntilMs = Math.max(progress.leaseUntilMs, untilMs);
  }
}

/** What is certain of a time that the fastest clock measures, measured by the slowest. */
function withoutDrift({ settings }: Raft, durationMs: number): number {
  const { leaseDriftPermille: drift } = settings;
  return (durationMs * (1000 - drift)) / (1000 + drift);
}

/**
 * Whether nobody else can have committed anything by `nowMs` of the own clock: a quorum, of a joint
 * configuration one of each half, has promised for longer. The leader itself votes for nobody.
 */
export function hasLease(raft: Raft, leadership: Leadership, nowMs: number): boolean {
  if (!raft.settings.leaseReads || leadership.transfer !== null) return false;
  const untilMs = quorumValue(raft.configuration, (id) => {
    if (id === raft.id) return Number.MAX_SAFE_INTEGER;
    return leadership.peers.get(id)?.leaseUntilMs ?? 0;
  });
  return nowMs < untilMs;
}

/**
 * Answers at once with the commit index if there is a lease at this moment and an entry of the own
 * term is committed; else as every read.
 */
export function onLeaseRead(raft: Raft, { id, nowMs }: LeaseRead): void {
  const { leadership, commit } = raft;
  if (leadership === null || commit < leadership.termStart || !hasLease(raft, leadership, nowMs)) {
    onRead(raft, id);
    return;
  }
  const index: LogIndex = commit;
  raft.outbox.answers.push({ kind: "read-answered", ids: [id], index });
}

/**
 * The leader gives up its lease, and opens the round that gives the promises back. Returns that
 * round; 0 if there is no lease to give up.
 */
export function voidLease(raft: Raft, leadership: Leadership): number {
  if (!raft.settings.leaseReads) return 0;
  leadership.leaseFromRound = null;
  for (const progress of leadership.peers.values()) progress.leaseUntilMs = 0;
  startRound(raft, leadership);
  return leadership.round;
}
