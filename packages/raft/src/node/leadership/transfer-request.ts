/**
 * A transfer of the leadership that somebody waits for: until it has begun, until this member has
 * stepped down, and until it knows who leads. Settles exactly once.
 */
import type { NodeId, QuorateError } from "../../base/index.ts";
import type { Expiring } from "../deadlines.ts";
import { stoppedError } from "../errors.ts";
import type { RequestOwner } from "../requests.ts";

/** With `error` null, `leader` leads. Runs exactly once and does not throw. */
export type TransferDone = (error: QuorateError | null, leader?: NodeId) => void;

/** `waiting`: may not begin yet; `begun`; `stepped-down`: until the next leader is known. */
export type TransferPlace = "waiting" | "begun" | "stepped-down";

export class TransferRequest implements Expiring {
  /** Null: to whoever is fittest. */
  readonly wanted: NodeId | null;
  readonly startedMs: number;
  readonly deadlineMs: number;
  place: TransferPlace = "waiting";
  /** Whom the leader hands over to, once begun. */
  to: NodeId | null = null;
  /** What it waits for, as an error. */
  refusal: QuorateError | null = null;
  isSettled = false;
  readonly #done: TransferDone;
  readonly #owner: RequestOwner<TransferRequest>;

  constructor(
    owner: RequestOwner<TransferRequest>,
    wanted: NodeId | null,
    times: { readonly startedMs: number; readonly timeoutMs: number },
    done: TransferDone,
  ) {
    this.#owner = owner;
    this.wanted = wanted;
    this.startedMs = times.startedMs;
    this.deadlineMs = times.startedMs + times.timeoutMs;
    this.#done = done;
  }

  /** Whether the leadership may change because of it. */
  get mayBeApplied(): boolean {
    return this.place !== "waiting";
  }

  /** Ignored after the first. */
  settle(error: QuorateError | null, leader?: NodeId): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#owner.onSettled(this);
    if (leader === undefined) this.#done(error);
    else this.#done(error, leader);
  }

  expire(): void {
    this.#owner.onExpired(this);
  }

  fail(cause: unknown): void {
    this.settle(stoppedError(this.mayBeApplied ? "unknown" : "not-applied", cause));
  }
}
