/**
 * The one way in to a member's core: whatever it is given is first noted by the flight recorder,
 * and then told to the observer. Called by `member.ts`.
 */
import type { NodeId } from "../base/index.ts";
import {
  type ChangeResult,
  changeMembership,
  type Effect,
  type Input,
  type MemberChange,
  type ProposeResult,
  propose,
  type Raft,
  step,
  type TransferResult,
  takeEffects,
  transferLeadership,
} from "../core/index.ts";
import type { MemberObserver } from "./observer.ts";
import type { FlightRecorder } from "./recorder/flight-recorder.ts";

export interface CoreDoorParts {
  readonly raft: Raft;
  readonly recorder: FlightRecorder | null;
  readonly observer: MemberObserver | null;
}

export class CoreDoor {
  readonly #raft: Raft;
  readonly #recorder: FlightRecorder | null;
  readonly #observer: MemberObserver | null;
  readonly #onStepped: (input: Input) => void;

  constructor({ raft, recorder, observer }: CoreDoorParts, onStepped: (input: Input) => void) {
    this.#raft = raft;
    this.#recorder = recorder;
    this.#observer = observer;
    this.#onStepped = onStepped;
  }

  step(input: Input): void {
    this.#recorder?.onStep(input);
    step(this.#raft, input);
    this.#observer?.onStep(input);
    this.#onStepped(input);
  }

  propose(commands: readonly Uint8Array[]): ProposeResult {
    this.#recorder?.onPropose(commands);
    const result = propose(this.#raft, commands);
    this.#observer?.onPropose(commands, result);
    return result;
  }

  change(changes: readonly MemberChange[]): ChangeResult {
    this.#recorder?.onChange(changes);
    const result = changeMembership(this.#raft, changes);
    this.#observer?.onChange?.(changes, result);
    return result;
  }

  transfer(to: NodeId | null): TransferResult {
    this.#recorder?.onTransfer(to);
    const result = transferLeadership(this.#raft, to);
    this.#observer?.onTransfer?.(to, result);
    return result;
  }

  /** The host has cut the log (`compactLog`). */
  onCut(): void {
    this.#recorder?.onCut();
    this.#observer?.onCompact?.(this.#raft.log.base);
  }

  take(): readonly Effect[] {
    this.#recorder?.onTake();
    const effects = takeEffects(this.#raft);
    this.#recorder?.onTaken(effects);
    this.#observer?.onTake(effects);
    return effects;
  }
}
