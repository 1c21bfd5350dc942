/**
 * Every entry that any log ever held, as a tree: two logs that agree up to an index hold the same
 * object there. So "these logs are equal up to k" is one comparison of references, and log matching
 * is checked when an entry is appended anywhere: its index and term must already stand for this
 * entry after this parent, or be new.
 */
import type { Entry } from "../../core/index.ts";
import { check, type Evaluations } from "../violation.ts";
import { createElectorate, type Electorate, nobody, type Places } from "./electorate.ts";

export interface Past {
  readonly entry: Entry;
  readonly parent: Past | null;
  /** Of this entry and all before it. */
  readonly hash: number;
  /** In force once this is appended. */
  readonly electorate: Electorate;
}

export interface LogTree {
  readonly byPosition: Map<number, Past>;
  readonly places: Places;
  /** Of all configuration entries that any log ever held. */
  readonly electorates: Electorate[];
}

const indexesMax = 2 ** 22;

export function createLogTree(places: Places): LogTree {
  return { byPosition: new Map(), places, electorates: [] };
}

/**
 * The place of `entry` after `parent`. S3, S14 are checked; an entry that nobody held before must
 * be `isCreator`'s: a leader's, of its own term.
 */
export function recall(
  tree: LogTree,
  evaluations: Evaluations,
  parent: Past | null,
  entry: Entry,
  isCreator: boolean,
): Past {
  const before = parent?.entry;
  const place = (): string => `entry ${entry.index}/${entry.term}`;
  check(evaluations, "S14", entry.index === (before?.index ?? 0) + 1, () => `${place()}: a gap`);
  check(evaluations, "S14", entry.term >= (before?.term ?? 0), () => `${place()}: term falls`);
  const key = entry.term * indexesMax + entry.index;
  const known = tree.byPosition.get(key);
  if (known === undefined) {
    check(evaluations, "S3", isCreator, () => `${place()} comes from no leader of its term`);
    const electorate = electorateAfter(tree, parent?.electorate ?? nobody, entry);
    const past: Past = { entry, parent, hash: chainHash(parent?.hash ?? 0, entry), electorate };
    tree.byPosition.set(key, past);
    return past;
  }
  check(evaluations, "S3", known.parent === parent, () => `${place()} follows two different logs`);
  check(evaluations, "S3", isSame(known.entry, entry), () => `${place()} stands for two entries`);
  return known;
}

function electorateAfter(tree: LogTree, before: Electorate, entry: Entry): Electorate {
  if (entry.kind !== "configuration") return before;
  const electorate = createElectorate(tree.places, entry.index, entry.data, before);
  tree.electorates.push(electorate);
  return electorate;
}

function isSame(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.data.length !== b.data.length) return false;
  return a.data.every((byte, at) => byte === b.data[at]);
}

/** Of a log with `entry` behind what has the hash `before`: what machines make of it. */
export function chainHash(before: number, entry: Entry): number {
  let hash = mix(mix(before, entry.index), entry.term);
  for (const byte of entry.data) hash = mix(hash, byte);
  return hash;
}

/** One round of a 32-bit hash. */
export function mix(hash: number, value: number): number {
  const mixed = Math.imul((hash ^ value) >>> 0, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
