/**
 * The one error of the public edge. Below it refusals are values. `docs/errors.md` lists the codes.
 */

/** Did my command take effect? */
export type Outcome = "not-applied" | "applied" | "unknown";

/** Stable; documented in `docs/errors.md`. */
export type ErrorCode = keyof ErrorDetails;

/** What each code tells besides its text. */
export interface ErrorDetails {
  /** No leader was known until the deadline. */
  NO_QUORUM: {
    readonly needed: number;
    readonly reachable: readonly string[];
    readonly unreachable: readonly string[];
    /**
     * Of each unreachable one: where it should be, why it is not (null: not known yet), since when.
     */
    readonly causes: readonly {
      readonly id: string;
      readonly address: string;
      readonly reason: string | null;
      readonly forMs: number;
    }[];
  };
  TIMEOUT: { readonly waitedMs: number };
  /** The entry was overwritten by another leader's, or the leader changed while waiting. */
  LEADERSHIP_LOST: { readonly term: number };
  TOO_LARGE: { readonly bytes: number; readonly bytesMax: number };
  OVERLOADED: { readonly limit: string; readonly limitValue: number };
  BAD_CONFIG: { readonly option: string; readonly value: string };
  DATA_DIR_IN_USE: { readonly directory: string };
  WRONG_CLUSTER: { readonly expected: string; readonly found: string };
  /** A file is damaged, or a disk operation failed. */
  CORRUPT: {
    readonly file: string;
    readonly offset: number | null;
    readonly record: string | null;
  };
  STORAGE_FAILED: { readonly file: string; readonly systemCode: string };
  /** The disk is full; the member goes on. */
  NO_SPACE: { readonly file: string; readonly systemCode: string };
  /**
   * The codec cannot carry an argument: `path` names the place in it, such as `argument.items[3]`.
   */
  BAD_ARGUMENT: { readonly machine: string; readonly command: string; readonly path: string };
  UNKNOWN_COMMAND: { readonly machine: string; readonly command: string | null };
  /**
   * The reducer threw, and the command had no effect on any member; or, with outcome `applied`, its
   * result cannot leave the machine.
   */
  COMMAND_FAILED: { readonly machine: string; readonly command: string; readonly reason: string };
  /**
   * The session has ended: it was silent for its time, or was closed. `sequence` is that of the
   * command, null for one that was not sent any more.
   */
  SESSION_EXPIRED: { readonly session: number; readonly sequence: number | null };
  /** A command of a session was applied, once, and the reply that the session kept is gone. */
  REPLY_LOST: { readonly session: number; readonly sequence: number };
  /** The guard of reducers found that members would differ: nothing got into the log. */
  NONDETERMINISTIC: { readonly machine: string; readonly command: string; readonly reason: string };
  /**
   * Ends a member whose machines' state at `index` is another one than that of `agreeing`, a
   * majority.
   */
  DIVERGED: { readonly index: number; readonly agreeing: readonly string[] };
  /** A member of this name is there, with this address. */
  MEMBER_EXISTS: { readonly id: string; readonly address: string };
  /** The member `by` has the address. */
  ADDRESS_TAKEN: { readonly id: string; readonly address: string; readonly by: string };
  MEMBER_UNKNOWN: { readonly id: string; readonly members: readonly string[] };
  /** The name was removed for good; as the end of a member, its own. */
  MEMBER_REMOVED: { readonly id: string };
  NOT_A_LEARNER: { readonly id: string };
  /** `silent`: not heard from; `behind`: it lacks more than `lagMax` committed entries. */
  LEARNER_NOT_READY: {
    readonly id: string;
    readonly why: "silent" | "behind";
    readonly matched: number;
    readonly commit: number;
    readonly lagMax: number;
  };
  /** Of the voters before (`old`) or after the change `ready` are ready, and `needed` must be. */
  WOULD_LOSE_QUORUM: {
    readonly half: "old" | "new";
    readonly voters: number;
    readonly needed: number;
    readonly ready: number;
    readonly unready: readonly { readonly id: string; readonly why: "silent" | "behind" }[];
  };
  TOO_MANY_MEMBERS: { readonly limit: "membersMax" | "removedMax"; readonly limitValue: number };
  /** Another change was under way until the deadline; `index` is that of its entry. */
  MEMBERS_CHANGING: { readonly index: number };
  /** The members are not those of `ifMembers`, but those of the entry at `index`. */
  MEMBERS_CHANGED: { readonly index: number };
  /**
   * This member's directory is not the one that `by` has met, or is an older copy: what it promised
   * may be forgotten. Ends the member.
   */
  STALE_DIRECTORY: {
    readonly id: string;
    readonly why: "other-incarnation" | "older-state";
    readonly by: string;
  };
  /** Nobody let this member in. */
  CANNOT_JOIN: {
    readonly attempts: readonly { readonly address: string; readonly reason: string }[];
  };
  /** Only the leader hands over; `leader` as known here. */
  NOT_LEADER: { readonly leader: string | null };
  /** The leadership is not handed over, to `to` if that is known. Nothing was begun. */
  TRANSFER_REFUSED: {
    readonly to: string | null;
    readonly why:
      | "term-not-started"
      | "transfer-in-flight"
      | "change-in-flight"
      | "no-target"
      | "to-self"
      | "not-voter"
      | "unreachable"
      | "unhealthy"
      | "behind";
  };
  /** It was begun, and `to` does not lead: `leader` does, as known here. */
  TRANSFER_FAILED: {
    readonly to: string;
    readonly why: "timed-out" | "unfit" | "other-leader";
    readonly leader: string | null;
  };
  /**
   * The command is of a `version` of the machine that is not enabled; `enabled` is, or 0: no
   * command of the machine was ever applied. `lacking`: the members that cannot apply it, and up to
   * which version they can (null: they have not told in this run, or are not there).
   */
  NOT_ENABLED_YET: {
    readonly machine: string;
    readonly version: number;
    readonly enabled: number;
    readonly lacking: readonly { readonly id: string; readonly version: number | null }[];
  };
  /**
   * The member's program lacks a version of a machine that is enabled. Ends the member, or refuses
   * to start or to add it; `by`: who says so, null: its own log.
   */
  PROGRAM_TOO_OLD: { readonly id: string; readonly by: string | null };
  /** The caller's `signal` was aborted. */
  ABORTED: Record<never, never>;
  STOPPED: Record<never, never>;
}

export interface QuorateErrorOptions<Code extends ErrorCode> {
  readonly outcome: Outcome;
  readonly retry: "now" | "after" | "never";
  /** One imperative sentence. */
  readonly hint: string;
  readonly details: ErrorDetails[Code];
  readonly cause?: unknown;
}

/** `switch (error.code)` narrows `details` through `isQuorateError(error, code)`. */
export class QuorateError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "QuorateError";
  readonly code: Code;
  readonly outcome: Outcome;
  readonly retry: "now" | "after" | "never";
  readonly hint: string;
  readonly details: ErrorDetails[Code];

  constructor(code: Code, message: string, options: QuorateErrorOptions<Code>) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.outcome = options.outcome;
    this.retry = options.retry;
    this.hint = options.hint;
    this.details = options.details;
  }
}

/** Whether `error` is ours and has this code; narrows `details`. */
export function isQuorateError<Code extends ErrorCode>(
  error: unknown,
  code: Code,
): error is QuorateError<Code> {
  return error instanceof QuorateError && error.code === code;
}
