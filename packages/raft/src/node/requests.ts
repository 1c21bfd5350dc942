/**
 * A command on its way: from the caller into the log of the leader, and back as the result that
 * this member's machine computes at its place. Settles exactly once, with what is known of its
 * outcome.
 */
import type { LogIndex, QuorateError, Term } from "../base/index.ts";
import type { Expiring } from "./deadlines.ts";
import { stoppedError, uncertain } from "./errors.ts";

/**
 * With `error` null, `result` is what the machine returned. Runs exactly once and does not throw.
 */
export type CommandDone = (error: QuorateError | null, result?: unknown) => void;

/** Who keeps requests and must hear of their ends. */
export interface RequestOwner<Request> {
  /** Its deadline has come: settles it. */
  onExpired(request: Request): void;
  /** It settles: called before its `done`. */
  onSettled(request: Request): void;
}

/**
 * `gathered`: waits for the end of the turn. `waiting`: for a leader. `forwarded`: sent to the
 * leader, its place unknown. `placed`: in some leader's log at a known place.
 */
export type CommandPlace = "gathered" | "waiting" | "forwarded" | "placed";

export class CommandRequest implements Expiring {
  readonly data: Uint8Array;
  readonly startedMs: number;
  readonly deadlineMs: number;
  place: CommandPlace = "gathered";
  /** The leader's term, once `placed`. */
  term: Term | null = null;
  index: LogIndex | null = null;
  isSettled = false;
  /** Applied twice it does no harm: it may be sent again though its outcome is unknown. */
  readonly isRepeatable: boolean;
  /** An earlier attempt may be in a log, or come into one. */
  isUncertain = false;
  readonly #done: CommandDone;
  readonly #owner: RequestOwner<CommandRequest>;

  constructor(
    owner: RequestOwner<CommandRequest>,
    data: Uint8Array,
    startedMs: number,
    timeoutMs: number,
    done: CommandDone,
    isRepeatable = false,
  ) {
    this.isRepeatable = isRepeatable;
    this.#owner = owner;
    this.data = data;
    this.startedMs = startedMs;
    this.deadlineMs = startedMs + timeoutMs;
    this.#done = done;
  }

  /** Whether the command may be in a log: then an error cannot say "not applied". */
  get mayBeApplied(): boolean {
    return this.isUncertain || this.place === "forwarded" || this.place === "placed";
  }

  /** Ignored after the first. */
  settle(error: QuorateError | null, result?: unknown): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#owner.onSettled(this);
    // What is certain of this attempt says nothing of an earlier one.
    const isTooSure = this.isUncertain && error?.outcome === "not-applied";
    this.#done(isTooSure ? uncertain(error) : error, result);
  }

  expire(): void {
    this.#owner.onExpired(this);
  }

  fail(cause: unknown): void {
    this.settle(stoppedError(this.mayBeApplied ? "unknown" : "not-applied", cause));
  }
}
