/**
 * A disk image made of the real persist effects alone, in the specification's words. There are two
 * of each member: what was handed to the disk, and what is on it.
 */
import type { HardState, InstallSnapshot, Persist } from "../../core/index.ts";
import type { Server, SpecDisk, SpecEntry, SpecLog } from "../spec/index.ts";
import { placeOf, type Words, wordOf } from "./words.ts";

export interface Image {
  term: number;
  votedFor: Server | null;
  abstains: boolean;
  /** The longest promise. */
  promised: number;
  /** Entry k is at k - 1. */
  readonly log: SpecEntry[];
}

export function createImage(words: Words, hardState: HardState, log: SpecLog): Image {
  const image: Image = { term: 0, votedFor: null, abstains: false, promised: 0, log: [...log] };
  applyHardState(words, image, hardState);
  return image;
}

export function copyImage(image: Image): Image {
  return { ...image, log: [...image.log] };
}

/** As `applyUnit`. `logs`: what received snapshots stand for, by their ids. */
export function applyAny(
  words: Words,
  image: Image,
  unit: Persist | InstallSnapshot,
  logs: ReadonlyMap<number, SpecLog>,
): number {
  if (unit.kind === "persist") return applyUnit(words, image, unit);
  if (!unit.replacesLog) return Number.POSITIVE_INFINITY;
  image.log.length = 0;
  for (const word of logs.get(unit.id) ?? []) image.log.push(word);
  return 1;
}

/** Gives back the lowest index that it wrote or removed; infinity: none. */
function applyUnit(words: Words, image: Image, unit: Persist): number {
  let low = Number.POSITIVE_INFINITY;
  if (unit.hardState !== null) applyHardState(words, image, unit.hardState);
  if (unit.truncateFrom !== null) {
    low = unit.truncateFrom;
    image.log.length = Math.min(image.log.length, unit.truncateFrom - 1);
  }
  for (const entry of unit.entries) {
    // A gap shows as another length than the specification's.
    if (entry.index === image.log.length + 1) image.log.push(wordOf(words, entry));
    low = Math.min(low, entry.index);
  }
  return low;
}

export function applyHardState(words: Words, image: Image, hardState: HardState): void {
  image.term = hardState.term;
  image.votedFor = hardState.votedFor === null ? null : placeOf(words, hardState.votedFor);
  image.abstains = hardState.mustCatchUp;
  image.promised = hardState.promisedMs ?? 0;
}

/**
 * The first thing that differs, the log from index `from` on (the entry before it, too), or null.
 */
export function describeDifference(image: Image, spec: SpecDisk, from: number): string | null {
  if (image.term !== spec.currentTerm) return `term ${image.term}, not ${spec.currentTerm}`;
  if (image.votedFor !== spec.votedFor) return `vote ${image.votedFor}, not ${spec.votedFor}`;
  if (image.abstains !== spec.abstains) return `abstains ${image.abstains}, not ${spec.abstains}`;
  if (image.promised < spec.promised) return `promise ${image.promised}, not ${spec.promised}`;
  const { log } = image;
  if (log.length !== spec.log.length) return `${log.length} entries, not ${spec.log.length}`;
  for (let at = Math.max(0, Math.min(from, log.length) - 2); at < log.length; at++) {
    if (!isSame(log[at], spec.log[at])) return `another entry ${at + 1}`;
  }
  return null;
}

export function isSame(a: SpecEntry | undefined, b: SpecEntry | undefined): boolean {
  return a === b || (a?.term === b?.term && a?.value === b?.value);
}
