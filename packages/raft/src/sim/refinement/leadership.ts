/** Explains time, lost links, transfers, promises and reads by leases. */
import type { AppendEntries, LeaderGone, LeaseRead, Raft, TimeoutNow } from "../../core/index.ts";
import { explainTerm, openRound } from "./elections.ts";
import { announce, demand, type Explanation, specMemberOf } from "./explanation.ts";
import type { Mirror } from "./mirror.ts";
import { explainRead, nameOfRead } from "./reads.ts";
import { messageOf, placeOf } from "./words.ts";

/** Clocks of whole members count fractions: sums of these are exact. */
const partsPerMs = 1024;

/** The member's clock went on, or so it saw. */
export function explainTime(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  nowMs: number,
  ticks: number,
): void {
  const unit = explanation.unit ?? (raft.settings.leaseReads ? "ms" : null);
  if (unit === null) return;
  const clockMs = Math.floor(nowMs * partsPerMs) / partsPerMs;
  const by = unit === "ticks" ? ticks : clockMs - (mirror.clockMs ?? clockMs);
  mirror.clockMs = clockMs;
  if (by === 0) return;
  announce(explanation, "advanceClock");
  explanation.spec.advanceClock(mirror.at, by);
}

export function explainLeaderGone(
  explanation: Explanation,
  mirror: Mirror,
  { peer }: LeaderGone,
): void {
  announce(explanation, "loseLink");
  explanation.spec.loseLink(mirror.at, placeOf(explanation.words, peer));
}

// --- transfers -----------------------------------------------------------------------------------

/**
 * Who leads on may have given a transfer up, opened rounds, and begun a transfer; in this order.
 * Rounds are opened by each of the two, the second only if promises are to be given back, and by
 * heartbeats: `beats` at most.
 */
export function explainHandover(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  beats: 0 | 1,
): void {
  const { leadership, settings } = raft;
  if (leadership === null || leadership !== mirror.leadership) return;
  const { transfer } = leadership;
  const isOther = transfer !== mirror.transfer;
  let roundsMax: number = beats;
  if (isOther && mirror.transfer !== null) {
    roundsMax++;
    announce(explanation, "endTransfer");
    explanation.spec.endTransfer(mirror.at);
  }
  if (isOther && transfer !== null && settings.leaseReads) roundsMax++;
  for (let count = 0; count < roundsMax && mirror.round < leadership.round; count++) {
    openRound(explanation, mirror);
  }
  if (isOther && transfer !== null) {
    announce(explanation, "startTransfer");
    explanation.spec.startTransfer(mirror.at, placeOf(explanation.words, transfer.to));
  }
  mirror.transfer = transfer;
}

/** Compared after every step. */
export function compareTransfer(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  const to = raft.leadership?.transfer?.to ?? null;
  if (to === null && mirror.transfer === null) return;
  const { transferTo } = specMemberOf(explanation, mirror.at);
  const at = to === null ? null : placeOf(explanation.words, to);
  demand(at === transferTo, () => `it hands over to ${to ?? "nobody"}, not to ${transferTo}`);
}

export function explainTimeoutNow(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  order: TimeoutNow,
): void {
  const word = messageOf(explanation.words, order);
  if (order.term > mirror.hardState.term) explainTerm(explanation, mirror, raft, word);
  if (raft.campaign === null || raft.campaign === mirror.campaign) return;
  announce(explanation, "timeoutNow");
  explanation.spec.timeoutNow(mirror.at, word);
}

// --- leases --------------------------------------------------------------------------------------

/** A request that was taken over or followed asks for a promise, or gives promises back. */
export function explainPromise(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  request: AppendEntries,
): void {
  const { promiseMs, term, round } = request;
  if (promiseMs === undefined) return;
  const { promise } = raft;
  // Overtaken, or nothing to give back.
  if (promise.term !== term || promise.round !== round) return;
  const word = messageOf(explanation.words, request);
  if (promiseMs > 0) {
    announce(explanation, "promiseLease");
    explanation.spec.promiseLease(mirror.at, word);
  } else {
    announce(explanation, "releaseLease");
    explanation.spec.releaseLease(mirror.at, word);
  }
}

/** Answered at once, or as every read. */
export function explainLeaseRead(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  { id }: LeaseRead,
): void {
  const answer = raft.outbox.answers.at(-1);
  const isAnswered = answer?.kind === "read-answered" && "index" in answer;
  if (!isAnswered || answer.ids[0] !== id) {
    explainRead(mirror, raft, id);
    return;
  }
  mirror.openReads.add(id);
  announce(explanation, "leaseRead");
  mirror.answers.set(id, explanation.spec.leaseRead(mirror.at, nameOfRead(mirror, id)));
}
