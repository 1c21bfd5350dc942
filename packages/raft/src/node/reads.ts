/**
 * Linearizable reads on their way: the core finds the index, then the machines must have applied it. A read that
 * finds no leader, or loses its answer, asks again until its deadline; it changes nothing, so that is safe.
 */
import type { LogIndex, QuorateError } from "../base/index.ts";
import { type Raft, type ReadAnswered, step } from "../core/index.ts";
import { addDeadline, type Deadlines, type Expiring } from "./deadlines.ts";
import { noQuorum, overloaded, type Reachability, stoppedError, timedOut } from "./errors.ts";
import type { NodeLimits } from "./limits.ts";

/** Null: the machines may be read now. Runs exactly once and does not throw. */
export type ReadDone = (error: QuorateError | null) => void;

export interface ReadsHost {
  readonly raft: Raft;
  readonly limits: NodeLimits;
  readonly deadlines: Deadlines;
  nowMs(): number;
  reachability(): Reachability;
  schedule(): void;
}

/** Who is told when a read settles or must. */
export interface ReadOwner {
  onSettled(): void;
  onExpired(request: ReadRequest): void;
}

export class ReadRequest implements Expiring {
  readonly startedMs: number;
  readonly deadlineMs: number;
  askedMs = 0;
  /** Null until the core has answered. */
  index: LogIndex | null = null;
  isSettled = false;
  readonly #done: ReadDone;
  readonly #owner: ReadOwner;

  constructor(owner: ReadOwner, startedMs: number, timeoutMs: number, done: ReadDone) {
    this.#owner = owner;
    this.startedMs = startedMs;
    this.deadlineMs = startedMs + timeoutMs;
    this.#done = done;
  }

  settle(error: QuorateError | null): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#owner.onSettled();
    this.#done(error);
  }

  expire(): void {
    this.#owner.onExpired(this);
  }
}

export class Reads implements ReadOwner {
  readonly #host: ReadsHost;
  readonly #retryMs: number;
  #id = 0;
  #pendingCount = 0;
  /** Ask the core at the next tick. */
  #toAsk: ReadRequest[] = [];
  /** By the id given to the core, oldest first. */
  readonly #asked = new Map<number, ReadRequest>();
  /** Answered; the machines are not there yet. */
  #toApply: ReadRequest[] = [];

  constructor(host: ReadsHost) {
    this.#host = host;
    this.#retryMs = 5 * host.limits.heartbeatMs;
  }

  read(timeoutMs: number, done: ReadDone): ReadRequest | QuorateError {
    const { limits, deadlines } = this.#host;
    if (this.#pendingCount >= limits.pendingCountMax) {
      return overloaded("pendingCountMax", limits.pendingCountMax);
    }
    this.#pendingCount++;
    const nowMs = this.#host.nowMs();
    const request = new ReadRequest(this, nowMs, timeoutMs, done);
    addDeadline(deadlines, timeoutMs, request);
    this.#ask(request, nowMs);
    this.#host.schedule();
    return request;
  }

  #ask(request: ReadRequest, nowMs: number): void {
    if (this.#host.raft.leader === null) {
      this.#toAsk.push(request);
      return;
    }
    this.#id++;
    request.askedMs = nowMs;
    this.#asked.set(this.#id, request);
    step(this.#host.raft, { kind: "read", id: this.#id });
  }

  /** Asks again what found no leader or got no answer. */
  onTick(nowMs: number): void {
    for (const [id, request] of this.#asked) {
      if (nowMs - request.askedMs < this.#retryMs) break;
      this.#asked.delete(id);
      if (!request.isSettled) this.#toAsk.push(request);
    }
    if (this.#toAsk.length === 0 || this.#host.raft.leader === null) return;
    const requests = this.#toAsk;
    this.#toAsk = [];
    for (const request of requests) if (!request.isSettled) this.#ask(request, nowMs);
  }

  onAnswered(answer: ReadAnswered): void {
    for (const id of answer.ids) {
      const request = this.#asked.get(id);
      if (request === undefined) continue;
      this.#asked.delete(id);
      if (request.isSettled) continue;
      if ("failed" in answer) this.#toAsk.push(request);
      else if (answer.index <= this.#host.raft.applied) request.settle(null);
      else {
        request.index = answer.index;
        this.#toApply.push(request);
      }
    }
  }

  /** The machines have applied up to `index`. */
  onApplied(index: LogIndex): void {
    if (this.#toApply.length === 0) return;
    const ready = this.#toApply.filter((request) => (request.index ?? 0) <= index);
    if (ready.length === 0) return;
    this.#toApply = this.#toApply.filter((request) => (request.index ?? 0) > index);
    for (const request of ready) request.settle(null);
  }

  onSettled(): void {
    this.#pendingCount--;
  }

  onExpired(request: ReadRequest): void {
    const waitedMs = this.#host.nowMs() - request.startedMs;
    if (request.index !== null) request.settle(timedOut("read", waitedMs, "not-applied"));
    else request.settle(noQuorum("read", waitedMs, this.#host.reachability()));
    this.#toAsk = this.#toAsk.filter((one) => one !== request);
    this.#toApply = this.#toApply.filter((one) => one !== request);
  }

  settleAll(cause: unknown): void {
    const error = stoppedError("not-applied", cause);
    for (const request of this.#asked.values()) request.settle(error);
    for (const request of [...this.#toAsk, ...this.#toApply]) request.settle(error);
    this.#asked.clear();
    this.#toAsk = [];
    this.#toApply = [];
  }
}
