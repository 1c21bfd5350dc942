/**
 * What the members of one process hold together and have not worked off: commands without an
 * answer, entries that are not committed, on disk or applied. Above the limit each member goes on
 * with one append at a time (`Backlog.isTight`), so that none stands still for another's sake.
 * Called by the members, each with a share of its own.
 */
import { assert } from "../base/index.ts";
import type { Raft } from "../core/index.ts";
import { badConfig } from "./errors.ts";

/** A quarter of the memory of a small machine; four times what one group may leave uncommitted. */
export const memoryBytesMaxDefault: number = 256 * 1024 * 1024;

/** Shared by the members of a process that are started with it. */
export class MemoryBudget {
  /** Bytes from which on all members take only what they have worked off. */
  readonly bytesMax: number;
  readonly #shares = new Set<MemoryShare>();
  #heldBytes = 0;
  #isTight = false;

  /** @throws QuorateError `BAD_CONFIG` for what is no number of bytes */
  constructor(bytesMax: number = memoryBytesMaxDefault) {
    if (!Number.isSafeInteger(bytesMax) || bytesMax < 1) {
      const fact = "it must be a whole number of bytes from 1";
      throw badConfig("memory.bytesMax", String(bytesMax), fact, "Correct it, or leave it out.");
    }
    this.bytesMax = bytesMax;
  }

  /** Bytes that all members hold now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** More than `bytesMax` was reached, and not three quarters of it since. */
  get isTight(): boolean {
    return this.#isTight;
  }

  /** For one member; `onChange` hears at once how it is, and each time that it changes. */
  open(onChange: (isTight: boolean) => void): MemoryShare {
    const share = new MemoryShare(onChange, (change) => this.#onHeld(change));
    this.#shares.add(share);
    share.onClose = () => this.#shares.delete(share);
    if (this.#isTight) onChange(true);
    return share;
  }

  #onHeld(change: number): void {
    this.#heldBytes += change;
    assert(this.#heldBytes >= 0, "nobody gives back more than was taken");
    const limit = this.#isTight ? 0.75 * this.bytesMax : this.bytesMax;
    const isTight = this.#heldBytes > limit;
    if (isTight === this.#isTight) return;
    this.#isTight = isTight;
    for (const share of [...this.#shares]) share.onChange(isTight);
  }
}

/** What one member holds of a budget. */
export class MemoryShare {
  readonly onChange: (isTight: boolean) => void;
  readonly #onHeld: (change: number) => void;
  onClose: () => void = () => {};
  #bytes = 0;

  constructor(onChange: (isTight: boolean) => void, onHeld: (change: number) => void) {
    this.onChange = onChange;
    this.#onHeld = onHeld;
  }

  /** It holds `bytes` now, whatever it held before. */
  hold(bytes: number): void {
    const change = bytes - this.#bytes;
    if (change === 0) return;
    this.#bytes = bytes;
    this.#onHeld(change);
  }

  /** The member is gone, and so is all that it held. */
  close(): void {
    this.onClose();
    this.hold(0);
  }
}

/**
 * Of a member: entries that are not committed or not on disk (what is both counts once), entries
 * that are not applied, and commands without an answer.
 */
export function heldBytesOf({ backlog, leadership }: Raft, pendingBytes: number): number {
  const { unsyncedBytes, unappliedBytes } = backlog;
  return Math.max(unsyncedBytes, leadership?.uncommittedBytes ?? 0) + unappliedBytes + pendingBytes;
}

/** For members that are started without a budget of their own: all those of this process. */
export function processMemory(): MemoryBudget {
  shared ??= new MemoryBudget();
  return shared;
}

let shared: MemoryBudget | null = null;
