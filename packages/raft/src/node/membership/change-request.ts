/**
 * A change of the members on its way: from the caller to the leader, into the log, and until it is
 * in force for good. Settles exactly once, with what is known of its outcome.
 */
import type { LogIndex, QuorateError, Term } from "../../base/index.ts";
import { isQuorateError, type NodeId } from "../../base/index.ts";
import type { MemberChange } from "../../core/index.ts";
import type { Expiring } from "../deadlines.ts";
import { stoppedError, uncertain } from "../errors.ts";
import type { NodeEvents } from "../events.ts";
import type { RequestOwner } from "../requests.ts";
import { isRepeatable, removesSelf } from "./change-goal.ts";

/** Null: it is done. Runs exactly once and does not throw. */
export type ChangeDone = (error: QuorateError | null) => void;

export type ProgressListener = (progress: NodeEvents["member-progress"]) => void;

/**
 * `waiting`: for a leader that takes it; `sent`: to the leader, unanswered; `placed`: its entry is
 * in the leader's log at a known place; `committed`: for what follows from it.
 */
export type ChangePlace = "waiting" | "sent" | "placed" | "committed";

/** What is asked for. */
export interface AskedChange {
  readonly changes: readonly MemberChange[];
  /** Only if the members are those of this entry; null: whoever they are. */
  readonly expected: LogIndex | null;
}

export class ChangeRequest implements AskedChange, Expiring {
  readonly changes: readonly MemberChange[];
  readonly expected: LogIndex | null;
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly onProgress: ProgressListener | null;
  place: ChangePlace = "waiting";
  /** Once placed. */
  index: LogIndex | null = null;
  term: Term | null = null;
  /** What it was last refused for, while it is asked again. */
  refusal: QuorateError | null = null;
  /** An earlier attempt may be in a log, or come into one. */
  isUncertain = false;
  isSettled = false;
  readonly #self: NodeId;
  readonly #done: ChangeDone;
  readonly #owner: RequestOwner<ChangeRequest>;

  constructor(
    owner: RequestOwner<ChangeRequest>,
    self: NodeId,
    { changes, expected }: AskedChange,
    times: { readonly startedMs: number; readonly timeoutMs: number },
    done: ChangeDone,
    onProgress: ProgressListener | null,
  ) {
    this.#owner = owner;
    this.#self = self;
    this.changes = changes;
    this.expected = expected;
    this.startedMs = times.startedMs;
    this.deadlineMs = times.startedMs + times.timeoutMs;
    this.#done = done;
    this.onProgress = onProgress;
  }

  /** Whether it may be asked again though its outcome is unknown. */
  get isRepeatable(): boolean {
    return isRepeatable(this.changes);
  }

  /** Whether it may be in a log: then an error cannot say "not applied". */
  get mayBeApplied(): boolean {
    return this.isUncertain || this.place !== "waiting";
  }

  /** Ignored after the first. */
  settle(error: QuorateError | null): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#owner.onSettled(this);
    // What is certain of this attempt says nothing of an earlier one.
    const isTooSure = this.isUncertain && error?.outcome === "not-applied";
    this.#done(isTooSure ? uncertain(error) : error);
  }

  expire(): void {
    this.#owner.onExpired(this);
  }

  /** A member that has removed itself hears of it by its end. */
  fail(cause: unknown): void {
    const isItsEnd = isQuorateError(cause, "MEMBER_REMOVED");
    if (isItsEnd && removesSelf(this.changes, this.#self)) this.settle(null);
    else this.settle(stoppedError(this.mayBeApplied ? "unknown" : "not-applied", cause));
  }
}
