/**
 * What happens to a member, as data. Proposals have their own door (`propose`), because they are
 * answered at once.
 */
import type { LogIndex, NodeId, PersistUnit, Term } from "../base/index.ts";
import type { Configuration } from "./configuration.ts";
import type { LogPosition } from "./entry.ts";
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

/** The machines have applied up to `index`, or hold the state of a snapshot of it. */
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
 * The host's process is short of memory, or is so no longer: until then this member takes only what
 * it has worked off, and a leader no more than that. Not short of it until told otherwise.
 */
export interface Memory {
  readonly kind: "memory";
  readonly isTight: boolean;
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

/**
 * A snapshot of the own machines is durable and counts: the log up to there may go.
 * @invariant applied here; entries up to there are on disk
 */
export interface SnapshotSaved {
  readonly kind: "snapshot-saved";
  readonly position: LogPosition;
}

/**
 * A whole snapshot has come from the cluster and is sealed under a name that only the host knows.
 * Answered in the next take by `install-snapshot` or `snapshot-refused`.
 */
export interface SnapshotReceived {
  readonly kind: "snapshot-received";
  /** Names the sealed file; unique in this run. */
  readonly id: number;
  readonly position: LogPosition;
  /**
   * In which the position is known to be committed: that of the leader who said that it was needed
   * (`snapshot-needed`), not the position's own. @invariant at least the position's
   */
  readonly term: Term;
  /** In force at the position. */
  readonly configuration: Configuration;
  /** Of its entry, not of the snapshot. @invariant from 1 to the position's */
  readonly configurationIndex: LogIndex;
}

/** To a leader: the peer that needed a snapshot says that it has all of it, and its core knows. */
export interface SnapshotSent {
  readonly kind: "snapshot-sent";
  readonly peer: NodeId;
}

/**
 * To a leader: the peer that needs a snapshot does not get it; a heartbeat later it is asked anew.
 */
export interface SnapshotFailed {
  readonly kind: "snapshot-failed";
  readonly peer: NodeId;
}

/** To a leader: the peer that needs a snapshot has got another part of it. */
export interface SnapshotMoving {
  readonly kind: "snapshot-moving";
  readonly peer: NodeId;
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
  | Memory
  | LeaderGone
  | Wake
  | SnapshotSaved
  | SnapshotReceived
  | SnapshotSent
  | SnapshotFailed
  | SnapshotMoving;
