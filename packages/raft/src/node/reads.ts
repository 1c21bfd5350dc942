/**
 * Linearizable reads on their way: the core finds the index, then the machines must have applied
 * it. A read that finds no leader, or loses its answer, asks again until its deadline; it changes
 * nothing, so that is safe.
 */
import type { LogIndex, NodeId, QuorateError } from "../base/index.ts";
import type { Input, Raft, ReadAnswered } from "../core/index.ts";
import { addDeadline, type Deadlines, type Expiring } from "./deadlines.ts";
import { noQuorum, overloaded, type Reachability, stoppedError, timedOut } from "./errors.ts";
import type { NodeLimits } from "./limits.ts";
import type { RequestOwner } from "./requests.ts";

/** Null: the machines may be read now. Runs exactly once and does not throw. */
export type ReadDone = (error: QuorateError | null) => void;

export interface ReadsHost {
  readonly raft: Raft;
  readonly limits: NodeLimits;
  readonly deadlines: Deadlines;
  nowMs(): number;
  isConnected(peer: NodeId): boolean;
  reachability(): Reachability;
  schedule(): void;
  /** The machines are between two states. */
  isRestoring(): boolean;
  /** Gives the core an input. */
  step(input: Input): void;
}

export class ReadRequest implements Expiring {
  readonly startedMs: number;
  readonly deadlineMs: number;
  /** A lease of the leader is enough. */
  readonly byLease: boolean;
  /** The id given to the core, and when; 0 before. */
  askedId = 0;
  askedMs = 0;
  /** Null until the core has answered. */
  index: LogIndex | null = null;
  isSettled = false;
  readonly #done: ReadDone;
  readonly #owner: RequestOwner<ReadRequest>;

  constructor(
    owner: RequestOwner<ReadRequest>,
    startedMs: number,
    timeoutMs: number,
    done: ReadDone,
    byLease: boolean,
  ) {
    this.byLease = byLease;
    this.startedMs = startedMs;
    this.deadlineMs = startedMs + timeoutMs;
    this.#done = done;
    this.#owner = owner;
  }

  /** Ignored after the first. */
  settle(error: QuorateError | null): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#owner.onSettled(this);
    this.#done(error);
  }

  expire(): void {
    this.#owner.onExpired(this);
  }

  fail(cause: unknown): void {
    this.settle(stoppedError("not-applied", cause));
  }
}

/** @invariant none of its collections holds a settled request. */
export class Reads implements RequestOwner<ReadRequest> {
  readonly #host: ReadsHost;
  readonly #retryMs: number;
  #id = 0;
  #pendingCount = 0;
  /** Ask the core when a leader can be asked; at the next tick what was lost. */
  #toAsk = new Set<ReadRequest>();
  /** By the id given to the core, oldest first. */
  readonly #asked = new Map<number, ReadRequest>();
  /** Answered; the machines are not there yet. */
  readonly #toApply = new Set<ReadRequest>();

  constructor(host: ReadsHost) {
    this.#host = host;
    this.#retryMs = 5 * host.limits.heartbeatMs;
  }

  /** `done` never runs inside the call. */
  read(timeoutMs: number, done: ReadDone, byLease = false): ReadRequest | QuorateError {
    const { limits, deadlines } = this.#host;
    if (this.#pendingCount >= limits.pendingCountMax) {
      return overloaded("pendingCountMax", limits.pendingCountMax);
    }
    this.#pendingCount++;
    const nowMs = this.#host.nowMs();
    const request = new ReadRequest(this, nowMs, timeoutMs, done, byLease);
    addDeadline(deadlines, timeoutMs, request);
    this.#ask(request, nowMs);
    this.#host.schedule();
    return request;
  }

  #ask(request: ReadRequest, nowMs: number): void {
    if (!this.#canAsk()) {
      this.#toAsk.add(request);
      return;
    }
    this.#id++;
    request.askedId = this.#id;
    request.askedMs = nowMs;
    this.#asked.set(this.#id, request);
    const id = this.#id;
    // The clock is looked at here and not before: whatever this process has slept is seen in it.
    if (request.byLease) this.#host.step({ kind: "lease-read", id, nowMs: this.#host.nowMs() });
    else this.#host.step({ kind: "read", id });
  }

  /** What is sent to a leader without a connection would be lost, and asked again late. */
  #canAsk(): boolean {
    const { leader } = this.#host.raft;
    return leader !== null && this.#host.isConnected(leader);
  }

  /** Another leader is known: asked at once, not a tick later. */
  onLeader(): void {
    if (this.#toAsk.size > 0) this.#askAll(this.#host.nowMs());
  }

  /** Asks again what found no leader or got no answer. */
  onTick(nowMs: number): void {
    for (const [id, request] of this.#asked) {
      if (nowMs - request.askedMs < this.#retryMs) break;
      this.#asked.delete(id);
      this.#toAsk.add(request);
    }
    this.#askAll(nowMs);
  }

  #askAll(nowMs: number): void {
    if (this.#toAsk.size === 0 || !this.#canAsk()) return;
    const requests = this.#toAsk;
    this.#toAsk = new Set();
    for (const request of requests) this.#ask(request, nowMs);
    this.#host.schedule();
  }

  onAnswered(answer: ReadAnswered): void {
    for (const id of answer.ids) {
      const request = this.#asked.get(id);
      if (request === undefined) continue;
      this.#asked.delete(id);
      if ("failed" in answer) this.#toAsk.add(request);
      else if (this.#isReadable(answer.index)) request.settle(null);
      else {
        request.index = answer.index;
        this.#toApply.add(request);
      }
    }
  }

  #isReadable(index: LogIndex): boolean {
    return index <= this.#host.raft.applied && !this.#host.isRestoring();
  }

  /** The machines have applied up to `index`. */
  onApplied(index: LogIndex): void {
    for (const request of this.#toApply) {
      if (request.index !== null && request.index <= index) request.settle(null);
    }
  }

  onExpired(request: ReadRequest): void {
    const { raft } = this.#host;
    const waitedMs = this.#host.nowMs() - request.startedMs;
    const hasLeader = raft.leader !== null || request.index !== null;
    if (hasLeader) request.settle(timedOut("read", waitedMs, "not-applied"));
    else request.settle(noQuorum("read", waitedMs, this.#host.reachability()));
  }

  onSettled(request: ReadRequest): void {
    this.#pendingCount--;
    this.#toAsk.delete(request);
    this.#asked.delete(request.askedId);
    this.#toApply.delete(request);
  }
}
