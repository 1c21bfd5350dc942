/**
 * Linearizable reads without a log entry (ReadIndex). The leader notes its commit index, proves by
 * a heartbeat round that it still leads, and only answers to rounds started after the read was
 * registered count: the round is the leader's own token. Many reads share a round. A follower asks
 * its leader for the index.
 *
 * @thesis §6.4; @etcd raft/read_only.go (and issue 20418: tokens of the asker are not safe)
 */
import { assert, type LogIndex, type NodeId } from "../base/index.ts";
import type { ReadIndex, ReadIndexResponse } from "./messages.ts";
import { quorumValue } from "./quorum.ts";
import { startRound } from "./replication.ts";
import { failReads, type Leadership, type Raft, type ReadOrigin } from "./state.ts";
import { adoptTerm } from "./terms.ts";

export function onRead(raft: Raft, id: number): void {
  if (raft.leadership !== null) addLocalRead(raft.leadership, id);
  else if (raft.leader !== null) raft.readsToAsk.push(id);
  else failReads(raft, [id], "no-leader");
}

function addLocalRead(leadership: Leadership, id: number): void {
  leadership.newReads.push({ kind: "local", ids: [id] });
}

/**
 * Opens one round for all reads since the last take. Called once a take, before the appends are
 * sent.
 */
export function registerReads(raft: Raft, leadership: Leadership): void {
  if (leadership.newReads.length === 0) return;
  startRound(raft, leadership);
  // Before the no-op is committed `commit` may lag behind what earlier leaders answered; the no-op
  // does not.
  const index = Math.max(raft.commit, leadership.termStart) as LogIndex; // one of two indexes
  for (const origin of leadership.newReads) {
    leadership.pendingReads.push({ round: leadership.round, index, origin });
  }
  leadership.newReads = [];
  maybeConfirmReads(raft);
}

/** Answers the reads whose round a majority has answered. */
export function maybeConfirmReads(raft: Raft): void {
  const leadership = raft.leadership;
  if (leadership === null || leadership.pendingReads.length === 0) return;
  const confirmed = majorityRound(raft, leadership);
  let count = 0;
  for (const read of leadership.pendingReads) {
    if (read.round > confirmed) break;
    answerRead(raft, read.origin, read.index);
    count++;
  }
  if (count > 0) leadership.pendingReads.splice(0, count);
}

function majorityRound(raft: Raft, leadership: Leadership): number {
  return quorumValue(raft.configuration, (id) => {
    if (id === raft.id) return leadership.round;
    return leadership.peers.get(id)?.ackedRound ?? 0;
  });
}

function answerRead(raft: Raft, origin: ReadOrigin, index: LogIndex | null): void {
  if (origin.kind === "local") {
    if (index === null) failReads(raft, origin.ids, "leader-changed");
    else raft.outbox.answers.push({ kind: "read-answered", ids: origin.ids, index });
    return;
  }
  respondRead(raft, origin.from, origin.batch, origin.boot, index);
}

function respondRead(
  raft: Raft,
  to: NodeId,
  batch: number,
  boot: number,
  index: LogIndex | null,
): void {
  raft.outbox.sends.push({
    kind: "send",
    after: raft.hardStateUnit,
    message: {
      kind: "read-index-response",
      from: raft.id,
      to,
      term: raft.hardState.term,
      batch,
      boot,
      index,
    },
  });
}

export function onReadIndex(raft: Raft, request: ReadIndex): void {
  if (request.term > raft.hardState.term) adoptTerm(raft, request.term, null);
  const { from, batch, boot } = request;
  if (raft.leadership === null) respondRead(raft, from, batch, boot, null);
  else raft.leadership.newReads.push({ kind: "peer", from, batch, boot });
}

/** This stint is over: its reads know nothing any more. */
export function failLeaderReads(raft: Raft, leadership: Leadership): void {
  for (const origin of leadership.newReads) answerRead(raft, origin, null);
  for (const read of leadership.pendingReads) answerRead(raft, read.origin, null);
}

// --- at the follower -----------------------------------------------------------------------------

/** Asks the leader once for all reads since the last take. */
export function askReads(raft: Raft): void {
  if (raft.readsToAsk.length === 0) return;
  assert(raft.leader !== null, "askReads: reads wait only for a known leader");
  raft.readBatch++;
  raft.readsAsked.set(raft.readBatch, { ids: raft.readsToAsk, tick: raft.nowTick });
  raft.readsToAsk = [];
  raft.outbox.sends.push({
    kind: "send",
    after: raft.hardStateUnit,
    message: {
      kind: "read-index",
      from: raft.id,
      to: raft.leader,
      term: raft.hardState.term,
      batch: raft.readBatch,
      boot: raft.boot,
    },
  });
}

export function onReadIndexResponse(raft: Raft, response: ReadIndexResponse): void {
  if (response.term > raft.hardState.term) adoptTerm(raft, response.term, null);
  if (response.boot !== raft.boot) return;
  const asked = raft.readsAsked.get(response.batch);
  if (asked === undefined) return;
  raft.readsAsked.delete(response.batch);
  const { ids } = asked;
  if (response.index === null) failReads(raft, ids, "leader-changed");
  else raft.outbox.answers.push({ kind: "read-answered", ids, index: response.index });
}

/** The leader that was asked is no longer known as such, or cannot be reached. */
export function failAskedReads(raft: Raft): void {
  for (const { ids } of raft.readsAsked.values()) failReads(raft, ids, "leader-changed");
  raft.readsAsked.clear();
  failReads(raft, raft.readsToAsk, "leader-changed");
  raft.readsToAsk = [];
}

/** Question or answer was lost: what was not answered within an election timeout never will be. */
export function failUnansweredReads(raft: Raft): void {
  for (const [batch, asked] of raft.readsAsked) {
    if (raft.nowTick - asked.tick < raft.settings.electionTicks) break;
    raft.readsAsked.delete(batch);
    failReads(raft, asked.ids, "no-leader");
  }
}
