/**
 * Entries as five bits: the term in three, and what it is in two (0: a no-op; 1, 2, 3: a command).
 * The first entry, the configuration, is the same everywhere and never encoded. A log is one
 * number, so "equal up to k" is one comparison.
 */
import { assert, type LogIndex, logIndex, type NodeId, nodeId, term } from "../../../base/index.ts";
import {
  type Configuration,
  createConfiguration,
  type Entry,
  encodeConfiguration,
} from "../../../core/index.ts";
import { entriesLimit } from "./bounds.ts";

/** The members by place. */
export const ids: readonly [NodeId, NodeId, NodeId] = [nodeId("a"), nodeId("b"), nodeId("c")];

/** The place of a member: 0, 1, 2. */
export function placeOf(id: NodeId): number {
  return id === ids[0] ? 0 : id === ids[1] ? 1 : 2;
}

export function idAt(place: number): NodeId {
  return place === 0 ? ids[0] : place === 1 ? ids[1] : ids[2];
}

export const firstConfiguration: Configuration = createConfiguration(
  ids.map((id) => ({ id, address: "127.0.0.1:1" })),
);

/** Every log begins with it: the bootstrap of the cluster. */
export const firstEntry: Entry = {
  index: logIndex(1),
  term: term(1),
  kind: "configuration",
  data: encodeConfiguration(firstConfiguration),
};

export const firstIndex: LogIndex = firstEntry.index;

export function entryCode(entry: Entry): number {
  assert(entry.kind !== "configuration", "the models never change the configuration");
  return entry.term * 4 + (entry.kind === "no-op" ? 0 : (entry.data[0] ?? 0));
}

const entriesByCode: readonly (readonly Entry[])[] = Array.from(
  { length: entriesLimit + 2 },
  (_, index) => Array.from({ length: 32 }, (_, code) => createEntry(index, code)),
);

function createEntry(index: number, code: number): Entry {
  const command = code % 4;
  return {
    index: logIndex(index),
    term: term(code >> 2),
    kind: command === 0 ? "no-op" : "command",
    data: command === 0 ? new Uint8Array(0) : commandOf(command),
  };
}

/** The command with this number: one byte. */
export function commandOf(number: number): Uint8Array {
  return new Uint8Array([number]);
}

/** The one object for this entry: the core never changes entries. */
export function entryOf(index: number, code: number): Entry {
  const entry = entriesByCode[index]?.[code];
  assert(entry !== undefined, "the bounds of the model leave room for every entry");
  return entry;
}

/** Entries 2, 3 … of a log as one number, five bits each, the second entry lowest. */
export function packLog(entries: readonly Entry[]): number {
  let packed = 0;
  for (let at = 1; at < entries.length; at++) {
    const entry = entries[at];
    if (entry !== undefined) packed |= entryCode(entry) << (5 * (at - 1));
  }
  return packed;
}

/** The code at `index`, 2 or more. */
export function codeAt(packed: number, index: number): number {
  return (packed >>> (5 * (index - 2))) & 31;
}

/** The term of the entry at `index` of a packed log; that of the configuration is 1. */
export function termInLog(packed: number, index: number): number {
  return index <= 1 ? 1 : codeAt(packed, index) >> 2;
}

/** Whether two packed logs, both of `index` entries or more, are equal up to `index`. */
export function isEqualUpTo(a: number, b: number, index: number): boolean {
  return index <= 1 || ((a ^ b) & ((1 << (5 * (index - 1))) - 1)) === 0;
}

/** `2/0 2/1`: a packed log for people, as term/command. */
export function describeLog(packed: number, length: number): string {
  const parts: string[] = [];
  for (let index = 2; index <= length; index++) {
    const code = codeAt(packed, index);
    parts.push(code % 4 === 0 ? `${code >> 2}` : `${code >> 2}:${code % 4}`);
  }
  return parts.length === 0 ? "-" : parts.join(" ");
}
