/** What a member is made of: given by `open-member.ts`, and by tests. */
import type { Configuration, Raft } from "../core/index.ts";
import type { VersionedMachines } from "../machine/index.ts";
import type { Clock, DirectoryLock, Random } from "../ports/index.ts";
import type { LogStore } from "../storage/index.ts";
import type { MetricsHook } from "./insight/metrics.ts";
import type { NodeLimits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { PeerMemory } from "./membership/peer-memory.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { MemberObserver } from "./observer.ts";
import type { KnownMachines } from "./proposals.ts";
import type { FlightRecorder } from "./recorder/flight-recorder.ts";
import type { RecordingPlace } from "./recorder/save-recording.ts";
import type { DiskDamage } from "./repair.ts";
import type { SnapshotMachines } from "./snapshots/member-snapshots.ts";

/** The part of a machine set that a member drives. */
export interface AppliedMachines extends KnownMachines, SnapshotMachines {
  /** @throws what must stop the member */
  apply(data: Uint8Array, index: number, term: number, wanted: boolean): unknown;
  /** A hash of the state now; null or left out: it is not compared. */
  hashState?(): number | null;
  /** Left out: all that is known is in force. */
  readonly versions?: VersionedMachines;
}

export interface MemberParts {
  readonly raft: Raft;
  readonly store: LogStore;
  /** Released when all else is closed; null without a directory. */
  readonly lock: DirectoryLock | null;
  readonly machines: AppliedMachines;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: NodeLimits;
  readonly logger: Logger;
  /** Checks the core's invariants after every turn; tests and simulation. */
  readonly check: ((raft: Raft) => void) | null;
  /** Hears all that the core does; null in production. */
  readonly observer: MemberObserver | null;
  /** Hears what is counted and measured; null: nothing is. */
  readonly metrics: MetricsHook | null;
  /** What the members of the process hold together; without it nobody counts. */
  readonly memory?: MemoryBudget | null;
  /** Keeps the newest inputs of the core; null: nobody does. */
  readonly recorder: FlightRecorder | null;
  /** Where recordings are written; null without a directory. */
  readonly recordings: RecordingPlace | null;
  /** What is remembered of the peers; without it the transport remembers what it likes. */
  readonly peerMemory?: PeerMemory;
  /** What was wrong with its disk; null or left out: nothing was. */
  readonly damage?: DiskDamage | null;
  /** Versions of machines are enabled as soon as they can be; true unless given. */
  readonly enablesVersions?: boolean;
  /** Of a member that joins: who the members were when it asked. */
  readonly firstSeen?: Configuration;
}
