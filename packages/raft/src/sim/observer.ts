/**
 * The seam between worlds and checkers: everything that happens between a member's core and its
 * host, told in order as it happens. Worlds (bare cores, whole members) call it; invariants and the
 * refinement check listen. An observer throws when what it sees is wrong; the world stops then.
 */
import type { LogIndex, NodeId } from "../base/index.ts";
import type {
  ChangeResult,
  Effect,
  Entry,
  Input,
  InstallSnapshot,
  LogPosition,
  MemberChange,
  Message,
  Persist,
  PlacedSnapshot,
  ProposeResult,
  Raft,
  SnapshotNeeded,
  TransferResult,
} from "../core/index.ts";

/** What a start found on disk, in terms of what was handed to it before the end. */
export interface Recovery {
  /** Of the units under way when the process ended, the first ones that are on disk. */
  readonly keptUnits: number;
  /**
   * Declared damage: the entries, from the first on, that are left of the log; null: no damage. The
   * member abstains then. As many as there were: it does not know that nothing is lost.
   */
  readonly keptEntries: number | null;
  /**
   * Of the units under way, the first ones whose hard state is on disk, at least `keptUnits`: units
   * that wait for the disk together are written together, the newest hard state before the entries.
   * Left out: `keptUnits`.
   */
  readonly keptHardStates?: number;
  /**
   * With `keptEntries`: entries behind those that came back, because the damage took the unit that
   * had removed them. Left out: none.
   */
  readonly restored?: readonly Entry[];
  /** What is there of snapshots. Left out: what was told before. */
  readonly snapshots?: RecoveredSnapshots;
}

/** What a start found besides its log. */
export interface RecoveredSnapshots {
  /** The log on disk begins behind this entry, wherever the core's began. */
  readonly base: LogIndex;
  /** An own one that got to the disk without a word, at the end of the process before. */
  readonly saved: PlacedSnapshot | null;
}

/** What happens to snapshots and is neither an input nor an effect. */
export type SnapshotEvent =
  /** One of the own machines is on disk as a whole; the core hears of it later, or never. */
  | { readonly kind: "saved"; readonly snapshot: PlacedSnapshot }
  /** After `compactLog(raft, …)`, which returned `base`. */
  | { readonly kind: "compacted"; readonly base: LogPosition }
  /** A leader's host brings its snapshot to a peer of its own accord, in the leader's term. */
  | { readonly kind: "offered"; readonly needed: SnapshotNeeded }
  /** The disk has dropped entries up to `index`. */
  | { readonly kind: "dropped"; readonly index: LogIndex };
/** What the clocks of the specification count. `ticks`: for `stickyFor`; `ms`: for leases. */
export interface ObservedTime {
  readonly unit: "ticks" | "ms";
  /** In that unit. */
  readonly stickyFor?: number;
  readonly clockDrift?: number;
}

/** `at` is the member's place: 0, 1, 2 … */
export interface CoreObserver {
  /** A process begins; `raft` is as created from disk. The first start recovers nothing. */
  onStart(at: number, raft: Raft, recovery: Recovery): void;
  /** After `step(raft, input)`. */
  onStep(at: number, raft: Raft, input: Input): void;
  /** After `propose(raft, commands)`. */
  onPropose(at: number, raft: Raft, commands: readonly Uint8Array[], result: ProposeResult): void;
  /** After `changeMembership(raft, changes)`. */
  onChange(at: number, raft: Raft, changes: readonly MemberChange[], result: ChangeResult): void;
  /** After `transferLeadership(raft, to)`. */
  onTransfer(at: number, raft: Raft, to: NodeId | null, result: TransferResult): void;
  /** After `takeEffects(raft)`, before any of the effects is handed out. */
  onTake(at: number, raft: Raft, effects: readonly Effect[]): void;
  /** `unit` is on disk (all before it are); before the core hears `persisted`. */
  onDurable(at: number, unit: Persist | InstallSnapshot): void;
  /** Left out: in this observer's worlds nobody takes snapshots. */
  onSnapshot?(at: number, raft: Raft, event: SnapshotEvent): void;
  /** A message leaves the member: it may arrive any number of times from now on. */
  onLeave(at: number, message: Message): void;
  /** The process ends, at any instant. What was under way may or may not be on disk. */
  onCrash(at: number): void;
}
