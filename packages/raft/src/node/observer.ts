/**
 * The flight recorder's seat: everything that happens between a member's core and its host, told in
 * order as it happens. The simulator's checkers listen here; in production nobody does, and nothing
 * is paid for it. Called by `member.ts`.
 */
import type { NodeId } from "../base/index.ts";
import type {
  ChangeResult,
  Effect,
  Input,
  InstallSnapshot,
  LogPosition,
  MemberChange,
  Message,
  Persist,
  ProposeResult,
  Raft,
  TransferResult,
} from "../core/index.ts";

/** What a method throws ends the member, like a broken invariant. */
export interface MemberObserver {
  /** The member begins to run; `raft` is as made from what was found, nothing is stepped yet. */
  onStart(raft: Raft): void;
  /** After the core was given `input`. */
  onStep(input: Input): void;
  /** After the core was given `commands`. */
  onPropose(commands: readonly Uint8Array[], result: ProposeResult): void;
  /** After the core was given a change of the members. */
  onChange?(changes: readonly MemberChange[], result: ChangeResult): void;
  /** After the core was asked to hand over the leadership. */
  onTransfer?(to: NodeId | null, result: TransferResult): void;
  /** After effects were taken, before any of them is performed. */
  onTake(effects: readonly Effect[]): void;
  /** `unit` is on disk, with all before it; before the core hears `persisted`. */
  onDurable(unit: Persist): void;
  /** A snapshot and all units before it are on disk; before the core hears `persisted`. */
  onInstalled?(effect: InstallSnapshot): void;
  /** The core's log begins later than before: its machines' own snapshot holds what went. */
  onCompact?(base: LogPosition): void;
  /** A leader tells a peer of a snapshot that it can fetch: not always the one that is needed. */
  onOffered?(peer: NodeId, position: LogPosition): void;
  /** A message of the core is handed to the transport, which may lose it. */
  onLeave(message: Message): void;
  /** The member runs no more: it was stopped or has failed. A killed process tells nothing. */
  onEnd(): void;
}
