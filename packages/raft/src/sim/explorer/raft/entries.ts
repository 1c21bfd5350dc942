/**
 * Entries as five bits: the term in three, and what it is in two (0: a no-op; 1, 2, 3: a command,
 * or where members change a configuration).
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
import { type Chain, numberOf } from "./changes.ts";

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

/** The first entry, where members change or not. */
export function firstEntryOf(chain: Chain | null): Entry {
  return chain === null ? firstEntry : entryOf(1, 4, chain);
}

export function entryCode(entry: Entry): number {
  if (entry.kind === "configuration") return entry.term * 4 + numberOf(entry.data);
  return entry.term * 4 + (entry.kind === "no-op" ? 0 : (entry.data[0] ?? 0));
}

type Entries = readonly (readonly Entry[])[];

const entriesByCode = createEntries(null);
const entriesOfChains = new Map<Chain, Entries>();

function createEntries(chain: Chain | null): Entries {
  return Array.from({ length: entriesLimit + 2 }, (_, index) =>
    Array.from({ length: 32 }, (_, code) => createEntry(index, code, chain)),
  );
}

function createEntry(index: number, code: number, chain: Chain | null): Entry {
  const number = code % 4;
  const at = { index: logIndex(index), term: term(code >> 2) };
  const configuration = chain?.bytes[index === 1 ? 0 : number];
  if (number === 0 && index !== 1) return { ...at, kind: "no-op", data: new Uint8Array(0) };
  if (configuration !== undefined) return { ...at, kind: "configuration", data: configuration };
  return { ...at, kind: "command", data: commandOf(number) };
}

function entriesOf(chain: Chain): Entries {
  const known = entriesOfChains.get(chain);
  if (known !== undefined) return known;
  const made = createEntries(chain);
  entriesOfChains.set(chain, made);
  return made;
}

/** The command with this number: one byte. */
export function commandOf(number: number): Uint8Array {
  return new Uint8Array([number]);
}

/** The one object for this entry: the core never changes entries. */
export function entryOf(index: number, code: number, chain: Chain | null = null): Entry {
  const entry = (chain === null ? entriesByCode : entriesOf(chain))[index]?.[code];
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
