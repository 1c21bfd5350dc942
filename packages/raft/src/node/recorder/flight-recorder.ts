/**
 * Keeps the newest inputs of a core in memory, with the state they began at, so that a broken
 * invariant can be looked at and run again. Inputs are kept by reference: it costs one push a step.
 * Called by `member.ts`.
 */
import { assert, type NodeId } from "../../base/index.ts";
import {
  type Effect,
  type Entry,
  entryBytes,
  entryOverheadBytes,
  type Input,
  type Log,
  lastIndex,
  type MemberChange,
  type Raft,
} from "../../core/index.ts";
import { copyPlain } from "./plain-value.ts";
import {
  type Checkpoint,
  encodeRecording,
  type RecordedStep,
  type Segment,
  type TakeRecord,
} from "./recording.ts";

/** What a step counts besides its entries. Bytes; about what its objects take. */
const stepBytes = 160;

const takeThatThrows: TakeRecord = Object.freeze({ kind: "take", effects: null });
/** Most takes: nothing but how many effects there were is noted. */
const emptyTake: TakeRecord = Object.freeze({ kind: "take", effects: 0 });

/**
 * Entries that were committed when it was made are never removed by the core: they are in the log
 * still, when the recording is written.
 */
interface Start {
  readonly state: Checkpoint["state"];
  readonly base: Log["base"];
  /** Length of the part that is not copied. */
  readonly committedCount: number;
  readonly tail: readonly Entry[];
}

interface Stretch {
  readonly start: Start;
  readonly steps: RecordedStep[];
  bytes: number;
}

export class FlightRecorder {
  readonly #raft: Raft;
  readonly #bytesMax: number;
  /** The one before, full; null at first. */
  #older: Stretch | null = null;
  #newer: Stretch;
  /** The steps of `#newer`: one look-up less on the way of each step. */
  #steps: RecordedStep[];
  #base: Log["base"];

  /** `bytesMax`: of what is kept, entries included; at least half of it is always there. */
  constructor(raft: Raft, bytesMax: number) {
    this.#raft = raft;
    this.#bytesMax = bytesMax;
    this.#base = raft.log.base;
    this.#newer = { start: startOf(raft), steps: [], bytes: 0 };
    this.#steps = this.#newer.steps;
  }

  /** Before the core is given `input`: the one that breaks it is the one that counts. */
  onStep(input: Input): void {
    this.#steps.push(input);
    if (input.kind === "receive" && input.message.kind === "append-entries") {
      for (const entry of input.message.entries) this.#newer.bytes += entryBytes(entry);
    }
  }

  /** Before the core is given `commands`. */
  onPropose(commands: readonly Uint8Array[]): void {
    this.#steps.push({ kind: "propose", commands });
    for (const command of commands) this.#newer.bytes += command.length + entryOverheadBytes;
  }

  /** Before the core is given a change of the members. */
  onChange(changes: readonly MemberChange[]): void {
    this.#steps.push({ kind: "change", changes });
  }

  /** Before the core is asked to hand over. */
  onTransfer(to: NodeId | null): void {
    this.#steps.push({ kind: "transfer", to });
  }

  /** Before effects are taken. */
  onTake(): void {
    const raft = this.#raft;
    if (this.#base !== raft.log.base) this.#restart();
    const half = this.#bytesMax / 2;
    if (this.#newer.bytes + this.#steps.length * stepBytes > half) this.#turnOver();
    this.#steps.push(takeThatThrows);
  }

  /** After effects were taken. */
  onTaken(effects: readonly Effect[]): void {
    const raft = this.#raft;
    const steps = this.#steps;
    assert(steps.at(-1) === takeThatThrows, "a take ends where it began");
    steps[steps.length - 1] =
      effects.length === 0
        ? emptyTake
        : {
            kind: "take",
            effects: effects.length,
            role: raft.role,
            term: raft.hardState.term,
            commit: raft.commit,
            last: lastIndex(raft.log),
          };
  }

  /** The recording as text. `error`: what ended the member. */
  encode(wallMs: number, error: Error | null): string {
    const raft = this.#raft;
    const stretches = this.#older === null ? [this.#newer] : [this.#older, this.#newer];
    const segments = stretches.map(({ start, steps }): Segment => {
      return { checkpoint: this.#checkpointOf(start), steps };
    });
    const { log, ...state } = raft;
    return encodeRecording({
      ...{ member: raft.id, wallMs, error: error?.message ?? null, segments },
      end: { state, log },
    });
  }

  /** The log begins later than before, by no input: what was kept cannot be made whole any more. */
  onCut(): void {
    if (this.#base !== this.#raft.log.base) this.#restart();
  }

  #checkpointOf({ state, base, committedCount, tail }: Start): Checkpoint {
    const committed = this.#raft.log.entries.slice(0, committedCount);
    return { state, log: { ...this.#raft.log, base, entries: [...committed, ...tail] } };
  }

  #turnOver(): void {
    this.#older = this.#newer;
    this.#newer = { start: startOf(this.#raft), steps: [], bytes: 0 };
    this.#steps = this.#newer.steps;
  }

  /** The log was compacted: older checkpoints cannot be made whole any more. */
  #restart(): void {
    this.#base = this.#raft.log.base;
    this.#turnOver();
    this.#older = null;
  }
}

function startOf(raft: Raft): Start {
  const { log, ...state } = raft;
  const committedCount = Math.max(0, raft.commit - log.base.index);
  return {
    state: copyPlain(state),
    base: log.base,
    committedCount,
    tail: log.entries.slice(committedCount),
  };
}

/** Such as `recording-20260131T235959Z.jsonl`: when it was written, in UTC. */
export function recordingFileName(wallMs: number): string {
  const seconds = Math.floor(wallMs / 1000);
  const [year, month, day] = civilDate(Math.floor(seconds / 86_400));
  const time = seconds % 86_400;
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const clock = `${two(time / 3600)}${two((time / 60) % 60)}${two(time % 60)}`;
  return `recording-${String(year).padStart(4, "0")}${two(month)}${two(day)}T${clock}Z.jsonl`;
}

export function isRecordingFileName(name: string): boolean {
  return /^recording-\d{8}T\d{6}Z\.jsonl$/.test(name);
}

/** Gregorian date of a day counted from 1970-01-01. */
function civilDate(day: number): [year: number, month: number, day: number] {
  let rest = day;
  let year = 1970;
  for (;;) {
    const length = isLeap(year) ? 366 : 365;
    if (rest < length) break;
    rest -= length;
    year++;
  }
  const lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  let month = 0;
  for (; month < 11 && rest >= (lengths[month] ?? 0); month++) rest -= lengths[month] ?? 0;
  return [year, month + 1, rest + 1];
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}
