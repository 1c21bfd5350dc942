/**
 * A recording: the state of a core at some time and everything it was given from then on, as a file
 * of JSON lines (`docs/formats.md`). Written by `flight-recorder.ts`, read by `replay.ts`.
 */
import {
  FormatError,
  type LogIndex,
  logIndex,
  type NodeId,
  nodeId,
  term,
} from "../../base/index.ts";
import type { Entry, EntryKind, Input, Log, MemberChange, Raft, Role } from "../../core/index.ts";
import { decodePlain, encodePlain } from "./plain-value.ts";

/** Of the format; others are refused. */
export const recordingVersion = 1;
const formatName = "quorate-recording";

/** A take, and what the core looked like after it. */
export type TakeRecord =
  /** Nothing was to be done; or with null: it threw. */
  | { readonly kind: "take"; readonly effects: 0 | null }
  | {
      readonly kind: "take";
      readonly effects: number;
      readonly role: Role;
      readonly term: number;
      readonly commit: number;
      readonly last: number;
    };

export interface ProposeRecord {
  readonly kind: "propose";
  readonly commands: readonly Uint8Array[];
}

export interface ChangeRecord {
  readonly kind: "change";
  readonly changes: readonly MemberChange[];
}

/** Asked to hand over the leadership; null: to whom it likes. */
export interface TransferRecord {
  readonly kind: "transfer";
  readonly to: NodeId | null;
}

/** What the core was given. */
export type RecordedStep = Input | ProposeRecord | ChangeRecord | TransferRecord | TakeRecord;

/** The whole state, its log apart: it is by far the largest part. */
export interface Checkpoint {
  readonly state: Omit<Raft, "log">;
  readonly log: Log;
}

/** From one checkpoint to the next. */
export interface Segment {
  readonly checkpoint: Checkpoint;
  readonly steps: readonly RecordedStep[];
}

export interface Recording {
  readonly member: string;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** What ended the member, or null. */
  readonly error: string | null;
  /** In order; the next begins with the state at which the one before ends. */
  readonly segments: readonly Segment[];
  readonly end: Checkpoint;
}

/** With a line end after each line. */
export function encodeRecording(recording: Recording): string {
  const { member, wallMs, error, segments, end } = recording;
  const lines: unknown[] = [
    { format: formatName, version: recordingVersion, member, wallMs, error },
  ];
  for (const { checkpoint, steps } of segments) {
    lines.push({ checkpoint: encodeCheckpoint(checkpoint) });
    for (const step of steps) lines.push(encodeStep(step));
  }
  lines.push({ end: encodeCheckpoint(end) });
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
}

/** @throws FormatError that names the line */
export function decodeRecording(text: string): Recording {
  const lines = text.split("\n").filter((line) => line !== "");
  const [head, ...rest] = lines.map((line, at) => parseLine(line, at + 1));
  if (head?.["format"] !== formatName) throw new FormatError("line 1: this is no recording");
  if (head["version"] !== recordingVersion) {
    const fact = `version ${String(head["version"])} of the format; this program reads`;
    throw new FormatError(`line 1: ${fact} ${recordingVersion}`);
  }
  const { member, wallMs, error } = head;
  if (typeof member !== "string" || typeof wallMs !== "number") {
    throw new FormatError("line 1: member or wallMs is missing");
  }
  const segments: { checkpoint: Checkpoint; steps: RecordedStep[] }[] = [];
  let end: Checkpoint | null = null;
  for (const [at, line] of rest.entries()) {
    if (end !== null) throw new FormatError(`line ${at + 2}: nothing follows the end`);
    if (line["checkpoint"] !== undefined) {
      segments.push({ checkpoint: decodeCheckpoint(line["checkpoint"]), steps: [] });
    } else if (line["end"] !== undefined) end = decodeCheckpoint(line["end"]);
    else if (segments.length === 0) throw new FormatError(`line ${at + 2}: a checkpoint is first`);
    else segments.at(-1)?.steps.push(decodeStep(line, at + 2));
  }
  if (end === null) throw new FormatError("the last line is missing: the file was cut off");
  return { member, wallMs, error: typeof error === "string" ? error : null, segments, end };
}

function parseLine(line: string, number: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new FormatError(`line ${number}: this is no JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FormatError(`line ${number}: this is no object`);
  }
  return value as Record<string, unknown>; // an object of JSON
}

// --- steps ---------------------------------------------------------------------------------------

function encodeStep(step: RecordedStep): unknown {
  if (step.kind === "propose") return { propose: step.commands.map(({ length }) => length) };
  if (step.kind === "change") return { change: encodePlain(step.changes) };
  if (step.kind === "transfer") return { transfer: step.to };
  if (step.kind === "take") return { take: encodeTake(step) };
  return { step: encodePlain(step) };
}

type TakeFields = [effects: number, role: Role, term: number, commit: number, last: number];

function encodeTake(record: TakeRecord): unknown {
  if (!("role" in record)) return record.effects;
  return [record.effects, record.role, record.term, record.commit, record.last];
}

function decodeStep(line: Readonly<Record<string, unknown>>, number: number): RecordedStep {
  const { step, propose, change, transfer, take } = line;
  if (Array.isArray(propose)) {
    return { kind: "propose", commands: propose.map((length) => new Uint8Array(Number(length))) };
  }
  if (change !== undefined) {
    const changes = decodePlain(change) as readonly MemberChange[]; // as written
    return { kind: "change", changes };
  }
  if (transfer === null) return { kind: "transfer", to: null };
  if (typeof transfer === "string") return { kind: "transfer", to: nodeId(transfer) };
  if (take === 0 || take === null) return { kind: "take", effects: take };
  if (Array.isArray(take) && take.length === 5) {
    const [effects, role, ofTerm, commit, last] = take as TakeFields; // as written
    return { kind: "take", effects, role, term: ofTerm, commit, last };
  }
  if (typeof step === "object" && step !== null && "kind" in step) {
    return decodePlain(step) as Input; // as written; the core asserts on what it does not know
  }
  throw new FormatError(
    `line ${number}: this is no step, propose, change, transfer, take, checkpoint or end`,
  );
}

// --- checkpoints ---------------------------------------------------------------------------------

/** Entries of one term and kind in a row: how long their data are, or with bytes the data. */
type Run = readonly [term: number, kind: EntryKind, lengths: readonly number[]] | ConfigurationRun;
type ConfigurationRun = readonly [term: number, kind: EntryKind, data: unknown];

export function encodeCheckpoint({ state, log }: Checkpoint): unknown {
  const { index, term: ofTerm } = log.base;
  return { state: encodePlain(state), base: [index, ofTerm], log: encodeEntries(log.entries) };
}

function encodeEntries(entries: readonly Entry[]): Run[] {
  const runs: Run[] = [];
  let lengths: number[] = [];
  let before: Entry | null = null;
  for (const entry of entries) {
    if (entry.kind !== "command" && entry.kind !== "no-op") {
      runs.push([entry.term, entry.kind, encodePlain(entry.data)]);
    } else if (before?.kind === entry.kind && before.term === entry.term) {
      lengths.push(entry.data.length);
    } else {
      lengths = [entry.data.length];
      runs.push([entry.term, entry.kind, lengths]);
    }
    before = entry;
  }
  return runs;
}

function decodeCheckpoint(value: unknown): Checkpoint {
  const found = value as { state?: unknown; base?: [number, number]; log?: Run[] }; // checked below
  if (typeof found.state !== "object" || !Array.isArray(found.base) || !Array.isArray(found.log)) {
    throw new FormatError("a checkpoint has state, base and log");
  }
  const [index, ofTerm] = found.base;
  const base = { index: logIndex(index), term: term(ofTerm) };
  // Its fields are compared when it is run again.
  const state = decodePlain(found.state) as Checkpoint["state"];
  return { state, log: { ...found.log, base, entries: decodeEntries(base.index, found.log) } };
}

function decodeEntries(base: LogIndex, runs: readonly Run[]): Entry[] {
  const entries: Entry[] = [];
  let index = base;
  const add = (ofTerm: number, kind: EntryKind, data: Uint8Array) => {
    index = logIndex(index + 1);
    entries.push({ index, term: term(ofTerm), kind, data });
  };
  for (const [ofTerm, kind, held] of runs) {
    if (Array.isArray(held)) for (const length of held) add(ofTerm, kind, new Uint8Array(length));
    else add(ofTerm, kind, decodePlain(held) as Uint8Array); // as written
  }
  return entries;
}
