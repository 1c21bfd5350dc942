/**
 * Explains reads: a leader registers what came in since the last take and opens a round for it; a
 * majority's answers confirm it. Others ask by message and may only repeat the leader's answer.
 */
import type { Effect, Raft, ReadAnswered, ReadIndex, ReadIndexResponse } from "../../core/index.ts";
import { explainTerm, openRound } from "./elections.ts";
import { announce, demand, type Explanation } from "./explanation.ts";
import type { AskedRead, Mirror } from "./mirror.ts";
import { messageOf, readName } from "./words.ts";

/** What the specification calls a read of this life. */
export function nameOfRead({ id, lives }: Mirror, read: number): string {
  return `${id}#${lives}:${read}`;
}

export function explainRead(mirror: Mirror, raft: Raft, id: number): void {
  mirror.openReads.add(id);
  const name = nameOfRead(mirror, id);
  if (raft.leadership !== null) mirror.newReads.push({ name, id, isRepeated: false });
  else if (raft.leader !== null) mirror.readsToAsk.push(id);
}

/** A peer asks. */
export function explainReadIndex(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  request: ReadIndex,
): void {
  explainTerm(explanation, mirror, raft, messageOf(explanation.words, request));
  if (raft.leadership === null) return;
  const name = readName(request.from, request.boot, request.batch);
  const isPending = (read: AskedRead): boolean => read.name === name;
  const isRepeated = mirror.newReads.some(isPending) || mirror.pendingReads.some(isPending);
  mirror.newReads.push({ name, id: null, isRepeated });
}

/** The leader answers a question of this life. */
export function explainReadIndexResponse(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  response: ReadIndexResponse,
): void {
  explainTerm(explanation, mirror, raft, messageOf(explanation.words, response));
  if (response.boot !== raft.boot) return;
  const ids = mirror.readsAsked.get(response.batch);
  if (ids === undefined) return;
  mirror.readsAsked.delete(response.batch);
  if (response.index === null) return;
  for (const id of ids) mirror.answers.set(id, response.index);
}

/** At a take: what came in since the last one shares one new round. */
export function explainNewReads(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  if (raft.leadership === null || mirror.newReads.length === 0) return;
  for (const read of mirror.newReads) {
    mirror.pendingReads.push(read);
    if (read.isRepeated) continue;
    announce(explanation, "registerRead");
    explanation.spec.registerRead(mirror.at, read.name);
  }
  mirror.newReads.length = 0;
  openRound(explanation, mirror);
  confirmReads(explanation, mirror, raft);
}

/** The core has answered the oldest of the reads that waited. */
export function confirmReads(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  if (raft.leadership === null) return;
  const left = raft.leadership.pendingReads.length;
  while (mirror.pendingReads.length > left) {
    const read = mirror.pendingReads.shift();
    if (read === undefined) return;
    if (read.isRepeated) continue;
    announce(explanation, "confirmRead");
    const index = explanation.spec.confirmRead(mirror.at, read.name);
    if (read.id !== null) mirror.answers.set(read.id, index);
  }
}

/** At a take: which reads were asked for by which message. */
export function explainAsked(mirror: Mirror, effects: readonly Effect[]): void {
  if (mirror.readsToAsk.length === 0) return;
  const ids = mirror.readsToAsk;
  mirror.readsToAsk = [];
  for (const effect of effects) {
    if (effect.kind !== "send" || effect.message.kind !== "read-index") continue;
    mirror.readsAsked.set(effect.message.batch, ids);
  }
}

/** Every read is answered once, and with an index only if that was confirmed for it. */
export function explainAnswer(mirror: Mirror, answer: ReadAnswered): void {
  for (const id of answer.ids) {
    demand(mirror.openReads.delete(id), () => `read ${id} was not asked or is answered twice`);
    const confirmed = mirror.answers.get(id);
    mirror.answers.delete(id);
    if (!("index" in answer)) continue;
    demand(
      confirmed === answer.index,
      () => `read ${id} may be served at ${answer.index}; confirmed is ${confirmed ?? "nothing"}`,
    );
  }
}
