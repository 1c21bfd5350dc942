/**
 * What happens to a member, as data. Proposals have their own door (`propose`), because they are
 * answered at once.
 */
import type { LogIndex, NodeId, PersistUnit } from "../base/index.ts";
import type { Message } from "./messages.ts";

/**
 * One tick has passed. After a stall the host sends one tick, not the missed ones: a stall is not
 * silence.
 */
export interface Tick {
  readonly kind: "tick";
  /** The monotonic clock, for what must tell a stall from silence. */
  readonly nowMs: number;
  /** Uniform in [0, 1), drawn by the host; used for timers that are set until the next tick. */
  readonly jitter: number;
}

/** A decoded message of a peer of the same cluster. */
export interface Receive {
  readonly kind: "receive";
  readonly message: Message;
}

/** Asks for a linearizable read; answered by `read-answered`. `id` is unique in this run. */
export interface Read {
  readonly kind: "read";
  readonly id: number;
}

/**
 * As `read`, and answered at once if this member leads and has a lease at this very moment.
 */
export interface LeaseRead {
  readonly kind: "lease-read";
  readonly id: number;
  /**
   * The monotonic clock of the ticks, looked at after the read was asked for and right before this
   * step: whatever time was lost before, in a pause or a queue, has then passed.
   */
  readonly nowMs: number;
}

/** Unit `unit` and all before it are on disk. Merged monotonically. */
export interface Persisted {
  readonly kind: "persisted";
  readonly unit: PersistUnit;
}

/** The machines have applied up to `index`. */
export interface Applied {
  readonly kind: "applied";
  readonly index: LogIndex;
}

/** What was in flight to this peer may be lost: its connection ended. */
export interface PeerUnreachable {
  readonly kind: "peer-unreachable";
  readonly peer: NodeId;
}

/** A connection to the peer was made: try again at once. */
export interface PeerReachable {
  readonly kind: "peer-reachable";
  readonly peer: NodeId;
}

/**
 * The host's watch over its disk has changed its mind. Who is unhealthy neither stands for election
 * nor takes over, and a leader hands over if it can. Healthy until told otherwise.
 */
export interface DiskHealth {
  readonly kind: "disk-health";
  readonly isHealthy: boolean;
}

/**
 * The connection to `peer` ended, and no new handshake with the same process of it could be
 * completed: nobody listens there, nobody answers, or one with another boot id does (then this
 * comes after `peer-reachable`). More than `peer-unreachable`, which comes first.
 */
export interface LeaderGone {
  readonly kind: "leader-gone";
  readonly peer: NodeId;
  /** Uniform in [0, 1), drawn by the host for this input. */
  readonly jitter: number;
}

/** The time of the last `wake-in` has passed. At any other time it does no harm. */
export interface Wake {
  readonly kind: "wake";
  /** Uniform in [0, 1), drawn by the host for this input. */
  readonly jitter: number;
}

export type Input =
  | Tick
  | Receive
  | Read
  | LeaseRead
  | Persisted
  | Applied
  | PeerUnreachable
  | PeerReachable
  | DiskHealth
  | LeaderGone
  | Wake;
