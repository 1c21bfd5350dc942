/**
 * What a world remembers besides its members and messages: what was committed, who led with what
 * log, for whom votes left, what reads must see at least, and how much of the bounds is used up.
 * Written once, never changed: each function gives a new history.
 */
import { assert } from "../../../base/index.ts";
import type { Bounds } from "./bounds.ts";
import { memberCount } from "./bounds.ts";
import { codeAt } from "./entries.ts";

/** The leader of a term, and its log as it was elected with and appended to since. */
export interface Reign {
  /** -1: nobody yet. */
  readonly place: number;
  readonly length: number;
  readonly log: number;
}

/** A read that was asked for; `least` is what was committed anywhere by then. */
export interface AskedRead {
  /** -1: settled, or not asked yet. */
  readonly place: number;
  readonly least: number;
}

export interface History {
  readonly timeouts: number;
  readonly ticks: number;
  readonly crashes: number;
  readonly proposals: number;
  readonly reads: number;
  /** Messages that arrived and stayed under way, where that is limited. */
  readonly duplicates: number;
  readonly snapshots: number;
  /** Steps of time that have passed. */
  readonly time: number;
  readonly transfers: number;
  readonly gones: number;
  readonly wakes: number;
  /** By place: the term whose leader it saw gone and has not heard since; 0: none. */
  readonly lost: readonly number[];
  /** What is committed, by anybody: a packed log; the configuration is from the start. */
  readonly canonLength: number;
  readonly canon: number;
  /** The number of the configuration by which that was decided; 0: the first. */
  readonly decidedBy: number;
  /** The term of who committed entry k first, at k. */
  readonly commitTerms: readonly number[];
  /** By term. */
  readonly reigns: readonly Reign[];
  /** By place, then term: for whom a vote left; -1: for nobody. */
  readonly votes: readonly (readonly number[])[];
  /** By number; the first is 1. */
  readonly asked: readonly AskedRead[];
}

const noReign: Reign = { place: -1, length: 0, log: 0 };
const notAsked: AskedRead = { place: -1, least: 0 };

export function createHistory(bounds: Bounds): History {
  const terms = bounds.termMax + 1;
  return {
    timeouts: 0,
    ticks: 0,
    crashes: 0,
    proposals: 0,
    reads: 0,
    duplicates: 0,
    snapshots: 0,
    time: 0,
    transfers: 0,
    gones: 0,
    wakes: 0,
    lost: [0, 0, 0],
    canonLength: 1,
    canon: 0,
    decidedBy: 0,
    commitTerms: [0, 1],
    reigns: Array.from({ length: terms }, () => noReign),
    votes: Array.from({ length: memberCount }, () => Array.from({ length: terms }, () => -1)),
    asked: Array.from({ length: bounds.readsMax + 1 }, () => notAsked),
  };
}

export function reignOf(history: History, term: number): Reign {
  return history.reigns[term] ?? noReign;
}

export function withReign(history: History, term: number, reign: Reign): History {
  return { ...history, reigns: history.reigns.with(term, reign) };
}

export function voteOf(history: History, place: number, term: number): number {
  return history.votes[place]?.[term] ?? -1;
}

export function withVote(history: History, place: number, term: number, vote: number): History {
  const votes = history.votes[place] ?? [];
  return { ...history, votes: history.votes.with(place, votes.with(term, vote)) };
}

/** `log` is committed up to `length`, by a member of this term and this configuration. */
export function withCommit(
  history: History,
  length: number,
  log: number,
  term: number,
  decidedBy: number,
): History {
  const commitTerms = [...history.commitTerms];
  for (let k = history.canonLength + 1; k <= length; k++) commitTerms.push(term);
  const canon = log & ((1 << (5 * (length - 1))) - 1);
  return { ...history, canonLength: length, canon, decidedBy, commitTerms };
}

export function readOf(history: History, id: number): AskedRead {
  return history.asked[id] ?? notAsked;
}

export function withRead(history: History, id: number, place: number): History {
  const read: AskedRead = place < 0 ? notAsked : { place, least: history.canonLength };
  return { ...history, asked: history.asked.with(id, read) };
}

/** Nobody waits any more for what the member at `place` asked. */
export function withoutReadsOf(history: History, place: number): History {
  let next = history;
  for (const [id, read] of history.asked.entries()) {
    if (read.place === place) next = withRead(next, id, -1);
  }
  return next;
}

/** The member at `place` has seen that the leader of `term` is gone; 0: or has heard it again. */
export function withLost(history: History, place: number, term: number): History {
  if (history.lost[place] === term) return history;
  return { ...history, lost: history.lost.with(place, term) };
}

/** Where places go: see `places.ts`. */
export type PlaceMap = (place: number) => number;

/** Writes the history with its members moved; gives the place after it. */
export function encodeHistory(
  history: History,
  from: PlaceMap,
  to: PlaceMap,
  bytes: Uint8Array,
): number {
  let at = 0;
  bytes[at++] = history.crashes | (history.proposals << 4);
  bytes[at++] = history.duplicates | (history.timeouts << 4);
  bytes[at++] = history.ticks | (history.reads << 4);
  bytes[at++] = history.snapshots | (history.time << 4);
  bytes[at++] = history.transfers | (history.gones << 2) | (history.wakes << 4);
  let lost = 0;
  for (let place = 0; place < memberCount; place++) {
    lost |= (history.lost[from(place)] ?? 0) << (3 * place);
  }
  bytes[at++] = lost;
  bytes[at++] = lost >> 8;
  bytes[at++] = history.canonLength | (history.decidedBy << 4);
  for (let k = 2; k <= history.canonLength; k++) {
    bytes[at++] = codeAt(history.canon, k) | ((history.commitTerms[k] ?? 0) << 5);
  }
  for (let term = 2; term < history.reigns.length; term++) {
    const { place, length, log } = reignOf(history, term);
    bytes[at++] = (place < 0 ? 0 : to(place) + 1) | (length << 2);
    for (let k = 2; k <= length; k++) bytes[at++] = codeAt(log, k);
  }
  for (let place = 0; place < memberCount; place++) {
    const votes = history.votes[from(place)] ?? [];
    let packed = 0;
    for (let term = 2; term < votes.length; term++) {
      const vote = votes[term] ?? -1;
      if (vote >= 0) packed |= (to(vote) + 1) << (2 * (term - 2));
    }
    bytes[at++] = packed;
    bytes[at++] = packed >> 8;
  }
  for (let id = 1; id < history.asked.length; id++) {
    const { place, least } = readOf(history, id);
    bytes[at++] = place < 0 ? 0 : (to(place) + 1) | (least << 2);
  }
  return at;
}

export function decodeHistory(bytes: Uint8Array, bounds: Bounds): History {
  let at = 0;
  const take = (): number => {
    const byte = bytes[at++];
    assert(byte !== undefined, "a history has all its bytes");
    return byte;
  };
  const takeLog = (length: number): number => {
    let log = 0;
    for (let k = 2; k <= length; k++) log |= take() << (5 * (k - 2));
    return log;
  };
  const counts = take();
  const first = take();
  const second = take();
  const third = take();
  const leadership = take();
  const lost = take() | (take() << 8);
  const committed = take();
  const canonLength = committed & 15;
  const commitTerms = [0, 1];
  let canon = 0;
  for (let k = 2; k <= canonLength; k++) {
    const byte = take();
    canon |= (byte & 31) << (5 * (k - 2));
    commitTerms.push(byte >> 5);
  }
  const reigns: Reign[] = [noReign, noReign];
  for (let term = 2; term <= bounds.termMax; term++) {
    const head = take();
    reigns.push({ place: (head & 3) - 1, length: head >> 2, log: takeLog(head >> 2) });
  }
  const votes = Array.from({ length: memberCount }, () => {
    const packed = take() | (take() << 8);
    return Array.from({ length: bounds.termMax + 1 }, (_, term) =>
      term < 2 ? -1 : ((packed >> (2 * (term - 2))) & 3) - 1,
    );
  });
  const asked: AskedRead[] = [notAsked];
  for (let id = 1; id <= bounds.readsMax; id++) {
    const byte = take();
    asked.push(byte === 0 ? notAsked : { place: (byte & 3) - 1, least: byte >> 2 });
  }
  assert(at === bytes.length, "a history has no bytes too many");
  return {
    crashes: counts & 15,
    proposals: counts >> 4,
    ticks: second & 15,
    reads: second >> 4,
    duplicates: first & 15,
    timeouts: first >> 4,
    snapshots: third & 15,
    time: third >> 4,
    transfers: leadership & 3,
    gones: (leadership >> 2) & 3,
    wakes: leadership >> 4,
    lost: [lost & 7, (lost >> 3) & 7, lost >> 6],
    canonLength,
    canon,
    decidedBy: committed >> 4,
    commitTerms,
    reigns,
    votes,
    asked,
  };
}
