/**
 * Changes of the members, asked of any member: it hands them to the leader, and finds out by its
 * own log what became of them. What can only be refused for now (no leader, another change under
 * way) is asked again until the deadline. Also the leader's side of it.
 */
import type { LogIndex, NodeId, QuorateError, Term } from "../../base/index.ts";
import {
  type ChangeResult,
  isChangePending,
  type MemberChange,
  type Raft,
  termAt,
} from "../../core/index.ts";
import type {
  ChangeAnswer,
  ChangeMembersRequest,
  ChangeMembersResponse,
  PeerMessage,
} from "../../transport/index.ts";
import { addDeadline, type Deadlines } from "../deadlines.ts";
import {
  inSnapshot,
  leaderLost,
  noQuorum,
  overloaded,
  overwritten,
  type Reachability,
  timedOut,
} from "../errors.ts";
import type { NodeEvents } from "../events.ts";
import type { NodeLimits } from "../limits.ts";
import type { RequestOwner } from "../requests.ts";
import type { VersionGate } from "../versions/version-gate.ts";
import { isMade, promotionsOf } from "./change-goal.ts";
import {
  type AskedChange,
  type ChangeDone,
  ChangeRequest,
  type ProgressListener,
} from "./change-request.ts";
import { fromChangeRefusal, learnerGone, membersChanging } from "./membership-errors.ts";

export interface MemberChangesHost {
  readonly raft: Raft;
  readonly limits: NodeLimits;
  readonly deadlines: Deadlines;
  nowMs(): number;
  isConnected(peer: NodeId): boolean;
  send(message: PeerMessage): boolean;
  reachability(): Reachability;
  schedule(): void;
  /** Gives the core a change. */
  change(changes: readonly MemberChange[]): ChangeResult;
  /** As the leader: whether who is to be added has too old a program. */
  readonly gate: Pick<VersionGate, "refuseChange">;
}

interface SentChange {
  readonly to: NodeId;
  readonly term: Term;
  readonly request: ChangeRequest;
}

/** Changes asked of this member and not settled; more are somebody's mistake. */
const pendingChangesMax = 100;

export class MemberChanges implements RequestOwner<ChangeRequest> {
  readonly #host: MemberChangesHost;
  /** All that have not settled, in the order of their coming. */
  readonly #pending = new Set<ChangeRequest>();
  readonly #sent = new Map<number, SentChange>();
  /** Goes on from the number of this run: an answer to a run before it finds nothing. */
  #id: number;
  /** No leader took the waiting ones: not asked again before this time. */
  #retryMs = 0;

  constructor(host: MemberChangesHost) {
    this.#host = host;
    this.#id = host.raft.boot;
  }

  /** `done` never runs inside the call. A returned error is the answer, too. */
  request(
    asked: AskedChange,
    timeoutMs: number,
    done: ChangeDone,
    onProgress: ProgressListener | null,
  ): ChangeRequest | QuorateError {
    if (this.#pending.size >= pendingChangesMax) {
      return overloaded("pendingChangesMax", pendingChangesMax);
    }
    const { raft, deadlines } = this.#host;
    const times = { startedMs: this.#host.nowMs(), timeoutMs };
    const request = new ChangeRequest(this, raft.id, asked, times, done, onProgress);
    addDeadline(deadlines, timeoutMs, request);
    this.#pending.add(request);
    this.#retryMs = 0;
    this.#host.schedule();
    return request;
  }

  /** Hands what waits to the leader. Called at the beginning of a turn. */
  flush(): void {
    if (this.#pending.size === 0) return;
    const { raft } = this.#host;
    if (raft.leader === null || this.#host.nowMs() < this.#retryMs) return;
    for (const request of [...this.#pending]) {
      if (request.place !== "waiting") continue;
      if (raft.leadership !== null) this.#onAnswer(request, this.#answer(request));
      else if (this.#host.isConnected(raft.leader)) this.#send(request, raft.leader);
    }
  }

  #send(request: ChangeRequest, to: NodeId): void {
    const { raft } = this.#host;
    const id = this.#id + 1;
    const { changes, expected } = request;
    const message = { from: raft.id, to, id, changes, expected };
    if (!this.#host.send({ kind: "change-members", ...message })) return;
    this.#id = id;
    this.#sent.set(id, { to, term: raft.hardState.term, request });
    request.place = "sent";
  }

  onTick(): void {
    if (this.#pending.size > 0 && this.#host.nowMs() >= this.#retryMs) this.#host.schedule();
  }

  // --- at the leader -----------------------------------------------------------------------------

  onRequest(message: ChangeMembersRequest): void {
    const answer = this.#answer(message);
    const { from: to, id } = message;
    const from = this.#host.raft.id;
    this.#host.send({ kind: "change-members-response", from, to, id, answer });
  }

  /** What is made already is not made again: who asks may have asked before. */
  #answer({ changes, expected }: AskedChange): ChangeAnswer {
    const { raft } = this.#host;
    if (raft.leadership === null) return { kind: "refused", why: "not-leader" };
    const index = raft.configurationIndex;
    if (!isMade(changes, raft.configuration)) {
      const older = this.#host.gate.refuseChange(changes);
      if (older !== null) return { kind: "refused", ...older };
      // What is under way is waited for: it may be withdrawn, and the members be the expected ones.
      const isOther = !isChangePending(raft) && (expected ?? index) !== index;
      return isOther
        ? { kind: "refused", why: "other-members", index }
        : this.#host.change(changes);
    }
    if (!isChangePending(raft)) return { kind: "made" };
    const term = termAt(raft.log, index);
    return term === undefined ? { kind: "made" } : { kind: "appended", index, term };
  }

  // --- at the member that was asked --------------------------------------------------------------

  onResponse({ id, from, answer }: ChangeMembersResponse): void {
    const sent = this.#sent.get(id);
    if (sent === undefined || sent.to !== from) return;
    this.#sent.delete(id);
    this.#onAnswer(sent.request, answer);
  }

  #onAnswer(request: ChangeRequest, answer: ChangeAnswer): void {
    if (request.isSettled) return;
    switch (answer.kind) {
      case "made":
        request.place = "committed";
        this.#look(request);
        break;
      case "appended":
        this.#onPlaced(request, answer.index, answer.term);
        break;
      case "refused":
        this.#onRefused(request, answer);
        break;
      default:
        answer satisfies never;
    }
  }

  #onRefused(
    request: ChangeRequest,
    refusal: Extract<ChangeAnswer, { readonly kind: "refused" }>,
  ): void {
    const { why } = refusal;
    switch (why) {
      case "not-leader":
      case "term-not-started":
      case "transferring":
      case "change-in-flight":
        request.place = "waiting";
        request.refusal = why === "change-in-flight" ? membersChanging(refusal.index) : null;
        this.#retryMs = this.#host.nowMs() + this.#host.limits.heartbeatMs;
        break;
      default:
        request.settle(fromChangeRefusal(refusal, this.#host.raft.configuration));
    }
  }

  #onPlaced(request: ChangeRequest, index: LogIndex, term: Term): void {
    request.place = "placed";
    request.index = index;
    request.term = term;
    const { raft } = this.#host;
    if (index > raft.applied) return;
    const found = termAt(raft.log, index);
    // What is below the log's beginning was committed, whoever appended it.
    if (found === undefined || found === term) this.#onCommitted(request);
    else this.#onOverwritten(request, term);
  }

  /** The machines have applied the entry at `index` of `term`: it is committed. */
  onApplied(index: LogIndex, term: Term): void {
    if (this.#pending.size === 0) return;
    for (const request of [...this.#pending]) {
      if (request.place !== "placed" || request.index !== index) continue;
      if (request.term === term) this.#onCommitted(request);
      else this.#onOverwritten(request, request.term ?? term);
    }
  }

  /** The log up to `index` was replaced by a snapshot: what is in force there is all that shows. */
  onRestored(index: LogIndex): void {
    for (const request of [...this.#pending]) {
      if (request.place !== "placed" || request.index === null || request.index > index) continue;
      const { term } = request;
      if (isMade(request.changes, this.#host.raft.committedConfiguration)) {
        this.#onCommitted(request);
      } else if (request.isRepeatable) {
        request.index = null;
        request.term = null;
        request.isUncertain = true;
        request.place = "waiting";
        this.#host.schedule();
      } else {
        request.settle(inSnapshot(term ?? 0, index));
      }
    }
  }

  #onCommitted(request: ChangeRequest): void {
    request.place = "committed";
    this.#look(request);
  }

  /** Another leader's entry is in its place: it is certainly in no log. */
  #onOverwritten(request: ChangeRequest, term: Term): void {
    request.index = null;
    request.term = null;
    request.place = "waiting";
    if (request.isRepeatable) this.#host.schedule();
    else request.settle(overwritten(term));
  }

  /** A configuration came, went, or is committed. */
  onConfiguration(): void {
    for (const request of [...this.#pending]) this.#look(request);
  }

  /** Whether what follows from the change has happened: it is done with a committed whole one. */
  #look(request: ChangeRequest): void {
    if (request.place !== "committed") return;
    const { committedConfiguration, committedConfigurationIndex } = this.#host.raft;
    if (request.index !== null && committedConfigurationIndex < request.index) return;
    if (committedConfiguration.outgoing !== null) return;
    const { waiting, gone } = promotionsOf(request.changes, committedConfiguration);
    const [lost] = gone;
    if (lost !== undefined) request.settle(learnerGone(lost));
    else if (waiting.length === 0) request.settle(null);
  }

  onProgress(progress: NodeEvents["member-progress"]): void {
    for (const { changes, onProgress } of [...this.#pending]) {
      if (changes.some(({ id }) => id === progress.id)) onProgress?.(progress);
    }
  }

  // --- ends --------------------------------------------------------------------------------------

  /** Another leader, or none: what was sent to the one before is not answered any more. */
  onLeader(leader: NodeId | null, term: Term): void {
    this.#retryMs = 0;
    this.#abandon((to, sent) => to !== leader || sent !== term);
  }

  /** The connection to `peer` broke. */
  onDisconnected(peer: NodeId): void {
    this.#abandon((to) => to === peer);
  }

  #abandon(isAbandoned: (to: NodeId, term: Term) => boolean): void {
    for (const [id, { to, term, request }] of [...this.#sent]) {
      if (!isAbandoned(to, term)) continue;
      this.#sent.delete(id);
      if (!request.isRepeatable) {
        request.settle(leaderLost(term));
        continue;
      }
      request.isUncertain = true;
      request.place = "waiting";
      this.#host.schedule();
    }
  }

  abort(request: ChangeRequest, error: QuorateError): void {
    request.settle(error);
  }

  onExpired(request: ChangeRequest): void {
    const { raft } = this.#host;
    const action = "change the members";
    const waitedMs = this.#host.nowMs() - request.startedMs;
    if (request.place !== "waiting") request.settle(timedOut(action, waitedMs, "unknown"));
    else if (request.refusal !== null) request.settle(request.refusal);
    else if (raft.leader !== null) request.settle(timedOut(action, waitedMs, "not-applied"));
    else request.settle(noQuorum(action, waitedMs, this.#host.reachability()));
  }

  onSettled(request: ChangeRequest): void {
    this.#pending.delete(request);
    for (const [id, sent] of this.#sent) if (sent.request === request) this.#sent.delete(id);
  }
}
