/**
 * The records inside a write unit. The encoder is on the path of every entry: it writes into one
 * buffer that lives as long as the log; the decoder makes views into the bytes of the segment.
 */
import {
  assert,
  ByteReader,
  FormatError,
  type LogIndex,
  logIndex,
  term,
} from "../../base/index.ts";
import type { Entry, EntryKind } from "../../core/index.ts";
import { sectorBytes } from "../sealed-block.ts";
import { unitBytes, unitHeaderBytes } from "./unit.ts";

const typeEntry = 1;
const typeTruncate = 2;
const typeCommit = 3;

/** Bytes of an entry record before its data: type, kind, index, term, length. */
export const entryRecordBytes = 22;
const shortRecordBytes = 9;

const kindCodes: Readonly<Record<EntryKind, number>> = {
  "no-op": 0,
  command: 1,
  configuration: 2,
};
const kinds: readonly EntryKind[] = ["no-op", "command", "configuration"];

/**
 * Buffers above this are not kept after their unit, so that one huge unit does not cost memory for
 * ever.
 */
const keptBytesMax = 16 * 1024 * 1024;
const firstBytes = 64 * 1024;

/** Builds the body of one unit at a time, with room for the header before it. */
export class UnitBuilder {
  #bytes = new Uint8Array(firstBytes);
  #view = new DataView(this.#bytes.buffer);
  #at = unitHeaderBytes;
  recordCount = 0;
  firstIndex = 0;
  lastIndex = 0;

  /**
   * Starts over with room for a body of `bodyBytesMax`. The bytes of the last unit must be written
   * out.
   */
  reset(bodyBytesMax: number): void {
    const needed = unitBytes(bodyBytesMax);
    if (needed > this.#bytes.length || this.#bytes.length > keptBytesMax) {
      let size = firstBytes;
      while (size < needed) size *= 2;
      this.#bytes = new Uint8Array(Math.min(size, Math.max(needed, keptBytesMax)));
      this.#view = new DataView(this.#bytes.buffer);
    }
    this.#at = unitHeaderBytes;
    this.recordCount = 0;
    this.firstIndex = 0;
    this.lastIndex = 0;
  }

  get bodyBytes(): number {
    return this.#at - unitHeaderBytes;
  }

  entry(entry: Entry): void {
    const { index, data } = entry;
    const view = this.#view;
    const at = this.#at;
    view.setUint8(at, typeEntry);
    view.setUint8(at + 1, kindCodes[entry.kind]);
    setU64(view, at + 2, index);
    setU64(view, at + 10, entry.term);
    view.setUint32(at + 18, data.length, true);
    this.#bytes.set(data, at + entryRecordBytes);
    this.#at = at + entryRecordBytes + data.length;
    this.recordCount++;
    if (this.firstIndex === 0 || index < this.firstIndex) this.firstIndex = index;
    if (index > this.lastIndex) this.lastIndex = index;
  }

  truncate(from: LogIndex): void {
    this.#short(typeTruncate, from);
  }

  commit(index: LogIndex): void {
    this.#short(typeCommit, index);
  }

  /**
   * The whole unit, its header still to be sealed, its padding zero; valid until the next `reset`.
   */
  finish(): { readonly bytes: Uint8Array; readonly view: DataView } {
    const end = unitBytes(this.bodyBytes);
    assert(end <= this.#bytes.length, "a unit stays inside the room asked for");
    assert(end % sectorBytes === 0, "a unit ends on a sector");
    this.#bytes.fill(0, this.#at, end);
    return { bytes: this.#bytes.subarray(0, end), view: this.#view };
  }

  #short(type: number, value: number): void {
    this.#view.setUint8(this.#at, type);
    setU64(this.#view, this.#at + 1, value);
    this.#at += shortRecordBytes;
    this.recordCount++;
  }
}

/** The most bytes that a request of these entries may take in a body. */
export function recordBytesMax(entries: readonly Entry[]): number {
  let bytes = 2 * shortRecordBytes;
  for (const entry of entries) bytes += entryRecordBytes + entry.data.length;
  return bytes;
}

export type LogRecord =
  | { readonly kind: "entry"; readonly entry: Entry }
  | { readonly kind: "truncate"; readonly from: LogIndex }
  | { readonly kind: "commit"; readonly index: LogIndex };

/** A sound unit holds a record that this version does not know. */
export class UnknownRecordError extends Error {
  override readonly name = "UnknownRecordError";
}

/**
 * The records of a body whose checksum was right; entry data are views.
 *
 * @throws UnknownRecordError for an unknown record or entry kind, FormatError for anything else
 */
export function decodeRecords(body: Uint8Array, recordCount: number): readonly LogRecord[] {
  const reader = new ByteReader(body);
  const records: LogRecord[] = [];
  for (let i = 0; i < recordCount; i++) records.push(decodeRecord(reader));
  if (reader.remaining > 0) throw new FormatError(`${reader.remaining} bytes after the records`);
  return records;
}

function decodeRecord(reader: ByteReader): LogRecord {
  const type = reader.u8();
  switch (type) {
    case typeEntry:
      return { kind: "entry", entry: decodeEntry(reader) };
    case typeTruncate:
      return { kind: "truncate", from: logIndex(reader.u64()) };
    case typeCommit:
      return { kind: "commit", index: logIndex(reader.u64()) };
    default:
      throw new UnknownRecordError(`a record of type ${type}`);
  }
}

function decodeEntry(reader: ByteReader): Entry {
  const code = reader.u8();
  const kind = kinds[code];
  if (kind === undefined) throw new UnknownRecordError(`an entry of kind ${code}`);
  const index = logIndex(reader.u64());
  const entryTerm = term(reader.u64());
  return { index, term: entryTerm, kind, data: reader.raw(reader.u32()) };
}

function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}
