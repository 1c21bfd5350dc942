/**
 * What the core wants done, as data. A take returns effects in order; the host hands each out
 * without waiting for the one before, except that a `send` leaves only when the unit named by
 * `after` is durable. Host, simulator and model checker obey this same rule (`mayRelease`).
 */
import type { LogIndex, NodeId, PersistUnit, Term } from "../base/index.ts";
import type { Configuration } from "./configuration.ts";
import type { Entry, LogPosition } from "./entry.ts";
import type { Message } from "./messages.ts";

/**
 * What must survive a crash besides the log. Stored as one unit, with a second copy. @paper Figure
 * 2
 *
 * @invariant never replaced by one of a lower term, nor by another vote in the same term.
 */
export interface HardState {
  readonly term: Term;
  readonly votedFor: NodeId | null;
  /**
   * Recovery found damage that may have been acknowledged: this member neither votes nor campaigns
   * until it holds all that a leader elected without it has committed.
   */
  readonly mustCatchUp: boolean;
  /**
   * The longest time in milliseconds for which this member ever promised a leader to elect nobody;
   * absent: it never did. Waited out after each start. @invariant never decreases
   */
  readonly promisedMs?: number;
}

/**
 * Make this durable as one unit, units in order: first the hard state if there is one, then the
 * truncation, then the entries. Answered by the input `persisted` with the same `unit`.
 */
export interface Persist {
  readonly kind: "persist";
  readonly unit: PersistUnit;
  /** Null when unchanged. */
  readonly hardState: HardState | null;
  /** Entries from this index on are no longer part of the log; null when nothing is removed. */
  readonly truncateFrom: LogIndex | null;
  readonly entries: readonly Entry[];
  /**
   * The commit index as known now: a hint that makes restarts quick, stored with the rest, synced
   * for nobody.
   */
  readonly commit: LogIndex;
}

export interface Send {
  readonly kind: "send";
  readonly message: Message;
  /** Leaves only when this unit and all before it are durable; 0: at once. */
  readonly after: PersistUnit;
}

/** Committed entries in order, each exactly once in a run of the process. Answered by `applied`. */
export interface Apply {
  readonly kind: "apply";
  readonly entries: readonly Entry[];
}

export type ReadFailure = "no-leader" | "leader-changed";

/**
 * The reads may be served by the machine's state at `index` or later; or nothing is known and why.
 */
export type ReadAnswered = {
  readonly kind: "read-answered";
  /** As given in the input `read`. */
  readonly ids: readonly number[];
} & ({ readonly index: LogIndex } | { readonly failed: ReadFailure });

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

/** Role, term or known leader changed; at most one a take, with the newest values. */
export interface RoleChanged {
  readonly kind: "role-changed";
  readonly role: Role;
  readonly term: Term;
  readonly leader: NodeId | null;
}

/**
 * A configuration was appended, rolled back, or became known to be committed; at most one a take,
 * with the newest values.
 */
export interface ConfigurationChanged {
  readonly kind: "configuration-changed";
  /** In force: the newest in the log, committed or not. */
  readonly configuration: Configuration;
  readonly index: LogIndex;
  /** The newest that is known to be committed; the same one while no change is under way. */
  readonly committed: Configuration;
  readonly committedIndex: LogIndex;
}

/** Why a leader hands over: it was asked to, a member of higher priority is there, or its disk. */
export type TransferReason = "asked" | "priority" | "disk";

/** A transfer that was begun is over; this member goes on as what `role-changed` says. */
export interface TransferEnded {
  readonly kind: "transfer-ended";
  readonly to: NodeId;
  readonly why: TransferReason;
  /**
   * `stepped-down`: this stint is over. Who leads next is told by `role-changed`; it is `to` unless
   * something else happened at the same moment. `timed-out`: not within an election timeout.
   * `unfit`: the target says that its disk is unhealthy. After both the leader takes proposals
   * again.
   */
  readonly outcome: "stepped-down" | "timed-out" | "unfit";
}

/** Answered by the input `wake` after `delayMs` milliseconds; replaces one that is under way. */
export interface WakeIn {
  readonly kind: "wake-in";
  readonly delayMs: number;
}

/**
 * Make the received snapshot `id` count, as a unit between `persist` effects (`LogStore.install`),
 * and restore the machines from it when they have applied what they were given before. Answered by
 * `persisted` with the same `unit`, and by `applied` with the position's index once they have:
 * until then nothing more is given to apply.
 */
export interface InstallSnapshot {
  readonly kind: "install-snapshot";
  readonly unit: PersistUnit;
  /** As given in the input `snapshot-received`. */
  readonly id: number;
  readonly position: LogPosition;
  /**
   * All of the log goes, and it begins behind the position; else all of it stays. Storage judges
   * the same (`LogStore.effectOf`).
   */
  readonly replacesLog: boolean;
}

/**
 * The received snapshot `id` shall not be installed. `covered`: this member has what is in it, or
 * leads and so has it in its log. `conflict`: it contradicts what is committed here; one of the two
 * is not of this cluster's history, and somebody has to look at that.
 */
export interface SnapshotRefused {
  readonly kind: "snapshot-refused";
  readonly id: number;
  readonly why: "covered" | "conflict";
}

/**
 * A peer lacks entries that the leader does not have any more. Told once, until the host reports
 * how it went, the peer shows that it has what it needs, or `snapshotTicks` have passed without a
 * sign. The peer may take the snapshot from any member that has the same.
 */
export interface SnapshotNeeded {
  readonly kind: "snapshot-needed";
  readonly peer: NodeId;
  /** Of the newest durable one here. */
  readonly position: LogPosition;
  /**
   * The leader's term: what is in the snapshot is known to be committed in it. Goes along with the
   * snapshot into the peer's `snapshot-received`.
   */
  readonly term: Term;
}

export type Effect =
  | Persist
  | Send
  | Apply
  | ReadAnswered
  | RoleChanged
  | ConfigurationChanged
  | TransferEnded
  | WakeIn
  | InstallSnapshot
  | SnapshotRefused
  | SnapshotNeeded;

/** The one rule of release: `durable` is the newest unit whose completion was reported. */
export function mayRelease(send: Send, durable: PersistUnit): boolean {
  return send.after <= durable;
}
