/**
 * A state of Ongaro's specification of Raft as a few words, and the smallest form of it among all
 * renumberings of the servers. Used by `ongaro-raft.ts` only.
 *
 * A log is up to three entries of four bits, the first lowest: term (1 to 3) times four plus value.
 * Two things that the specification keeps apart are one here: whom `voterLog` knows are those in
 * `votesGranted`.
 */
import { permutations } from "../digraphs.ts";

/** A field of a word. */
export interface Field {
  readonly shift: number;
  readonly mask: number;
}

function field(shift: number, bits: number): Field {
  return { shift, mask: (1 << bits) - 1 };
}

export function getField(word: number, { shift, mask }: Field): number {
  return (word >>> shift) & mask;
}

export function setField(word: number, { shift, mask }: Field, value: number): number {
  return (word & ~(mask << shift)) | (value << shift);
}

/** The first word of a server. */
export const server: Readonly<
  Record<
    | "term"
    | "role"
    | "votedFor"
    | "commitIndex"
    | "votesResponded"
    | "votesGranted"
    | "leaderCount"
    | "log",
    Field
  >
> = {
  term: field(0, 2),
  role: field(2, 2),
  /** 0 for nobody, else the server's number and one. */
  votedFor: field(4, 2),
  commitIndex: field(6, 2),
  /** Sets of servers are masks. */
  votesResponded: field(8, 3),
  votesGranted: field(11, 3),
  leaderCount: field(14, 2),
  log: field(16, 12),
};

/** The second word of a server, by peer. */
export const nextIndex: readonly Field[] = [field(0, 3), field(3, 3), field(6, 3)];
export const matchIndex: readonly Field[] = [field(9, 2), field(11, 2), field(13, 2)];

/** A message; the words of `State.messages`. */
export const message: Readonly<
  Record<
    | "count"
    | "source"
    | "target"
    | "kind"
    | "term"
    | "lastLogTerm"
    | "lastLogIndex"
    | "voteGranted"
    | "log"
    | "prevLogIndex"
    | "prevLogTerm"
    | "entry"
    | "commitIndex"
    | "success"
    | "matchIndex",
    Field
  >
> = {
  /** 1: to be received; 0: it was sent once and is received, and cannot be sent again. */
  count: field(0, 1),
  source: field(1, 2),
  target: field(3, 2),
  kind: field(5, 2),
  term: field(7, 2),
  /** RequestVote request. */
  lastLogTerm: field(9, 2),
  lastLogIndex: field(11, 2),
  /** RequestVote response; `log` also of AppendEntries requests, for the history. */
  voteGranted: field(9, 1),
  log: field(19, 12),
  /** AppendEntries request; no entry is 0. */
  prevLogIndex: field(9, 2),
  prevLogTerm: field(11, 2),
  entry: field(13, 4),
  commitIndex: field(17, 2),
  /** AppendEntries response. */
  success: field(9, 1),
  matchIndex: field(10, 2),
};

/** The first of the three words of an election; the voters' logs are in the others. */
export const election: Readonly<Record<"term" | "leader" | "votes" | "log", Field>> = {
  term: field(0, 2),
  leader: field(2, 2),
  votes: field(4, 3),
  log: field(7, 12),
};

const serversMax = 3;
const wordsPerServer = 3;
const wordsPerElection = 3;
/** Far above what the bounds allow; a full list throws by its typed array's length. */
const messagesMax = 500;
const voterLogs = [field(0, 12), field(12, 12), field(15, 12)] as const;

/** A list of words with a length; cheap to copy. */
export class Words {
  readonly items: Int32Array;
  count = 0;

  constructor(capacity: number) {
    this.items = new Int32Array(capacity);
  }

  at(index: number): number {
    return this.items[index] as number; // the callers stay below `count`
  }

  set(index: number, word: number): void {
    this.items[index] = word;
  }

  push(word: number): void {
    this.items[this.count++] = word;
  }

  copyFrom(other: Words): void {
    for (let index = 0; index < other.count; index++) this.items[index] = other.at(index);
    this.count = other.count;
  }

  /** The position of a word, or -1. */
  find(word: number): number {
    for (let index = 0; index < this.count; index++) if (this.at(index) === word) return index;
    return -1;
  }

  /** Insertion sort: the lists are short and nearly in order. */
  sort(): void {
    for (let index = 1; index < this.count; index++) {
      const word = this.at(index);
      let to = index;
      for (; to > 0 && this.at(to - 1) > word; to--) this.items[to] = this.at(to - 1);
      this.items[to] = word;
    }
  }

  /** Below, at or above zero as this list comes before, is, or comes after the other. */
  compare(other: Words): number {
    if (this.count !== other.count) return this.count - other.count;
    for (let index = 0; index < this.count; index++) {
      if (this.at(index) !== other.at(index)) return this.at(index) - other.at(index);
    }
    return 0;
  }
}

/** All variables of the specification. */
export class State {
  /** Three words a server: `server`, `nextIndex` with `matchIndex`, and what voters' logs need. */
  readonly servers: Words = new Words(serversMax * wordsPerServer);
  /** Client requests so far. */
  requests = 0;
  /** Every log there ever was. */
  readonly logs: Words = new Words(256);
  /** Every successful election, three words each. */
  readonly elections: Words = new Words(64 * wordsPerElection);
  /** The domain of the bag of messages. */
  readonly messages: Words = new Words(messagesMax);

  copyFrom(other: State): void {
    this.servers.copyFrom(other.servers);
    this.requests = other.requests;
    this.logs.copyFrom(other.logs);
    this.elections.copyFrom(other.elections);
    this.messages.copyFrom(other.messages);
  }

  get(index: number, which: Field): number {
    return getField(this.servers.at(index * wordsPerServer), which);
  }

  set(index: number, which: Field, value: number): void {
    const at = index * wordsPerServer;
    this.servers.set(at, setField(this.servers.at(at), which, value));
  }

  getProgress(index: number, which: Field): number {
    return getField(this.servers.at(index * wordsPerServer + 1), which);
  }

  setProgress(index: number, which: Field, value: number): void {
    const at = index * wordsPerServer + 1;
    this.servers.set(at, setField(this.servers.at(at), which, value));
  }

  getVoterLog(index: number, voter: number): number {
    return getField(this.servers.at(voterLogAt(index * wordsPerServer + 2, voter)), slot(voter));
  }

  setVoterLog(index: number, voter: number, log: number): void {
    const at = voterLogAt(index * wordsPerServer + 2, voter);
    this.servers.set(at, setField(this.servers.at(at), slot(voter), log));
  }

  /** Adds a log to those that there ever were. */
  addLog(log: number): void {
    if (this.logs.find(log) >= 0) return;
    this.logs.push(log);
    this.logs.sort();
  }

  /** Adds the election of a server that is about to lead, with its voters' logs. */
  addElection(index: number): void {
    let head = setField(0, election.term, this.get(index, server.term));
    head = setField(head, election.leader, index);
    head = setField(head, election.votes, this.get(index, server.votesGranted));
    head = setField(head, election.log, this.get(index, server.log));
    let last = 0;
    last = setField(last, slot(2), this.getVoterLog(index, 2));
    const words = [head, last, this.servers.at(index * wordsPerServer + 2)];
    for (let at = 0; at < this.elections.count; at += wordsPerElection) {
      if (words.every((word, offset) => this.elections.at(at + offset) === word)) return;
    }
    for (const word of words) this.elections.push(word);
  }
}

/** Voters 0 and 1 have their logs in the last word, voter 2 in the one before it. */
function voterLogAt(lastWord: number, voter: number): number {
  return voter < 2 ? lastWord : lastWord - 1;
}

function slot(voter: number): Field {
  return voterLogs[voter] as Field; // three servers at most
}

/** One renumbering of the servers. */
interface Renumbering {
  /** New number of each server. */
  readonly to: readonly number[];
  /** Old number of each server. */
  readonly from: readonly number[];
  /** New mask of each set of servers. */
  readonly sets: Int32Array;
}

/** Writes and reads states; writes the least of all renumberings of a state. */
export class StateCodec {
  readonly #count: number;
  readonly #renumberings: readonly Renumbering[];
  readonly #best = new State();
  readonly #candidate = new State();
  readonly #buffer = new Int32Array(2048);
  readonly #bytes = new Uint8Array(this.#buffer.buffer);

  /** With `isSymmetric` false, states are written as they are. */
  constructor(count: number, isSymmetric: boolean) {
    this.#count = count;
    const orders = permutations(count);
    this.#renumberings = (isSymmetric ? orders : orders.slice(0, 1)).map(createRenumbering);
  }

  read(bytes: Uint8Array, state: State): void {
    this.#bytes.set(bytes);
    const words = this.#buffer;
    let at = 0;
    const take = (into: Words, count: number): void => {
      into.count = count;
      for (let index = 0; index < count; index++) into.set(index, words[at++] ?? 0);
    };
    take(state.servers, this.#count * wordsPerServer);
    const head = words[at++] ?? 0;
    state.requests = head & 0xff;
    take(state.logs, (head >>> 8) & 0xff);
    take(state.elections, (head >>> 16) & 0xff);
    take(state.messages, bytes.length / 4 - at);
  }

  /** Canonical bytes, valid until the next write. */
  write(state: State): Uint8Array {
    const least = this.#canonize(state);
    const words = this.#buffer;
    let at = 0;
    const put = (list: Words): void => {
      for (let index = 0; index < list.count; index++) words[at++] = list.at(index);
    };
    put(least.servers);
    words[at++] = state.requests | (state.logs.count << 8) | (state.elections.count << 16);
    put(state.logs);
    put(least.elections);
    put(least.messages);
    return this.#bytes.subarray(0, at * 4);
  }

  #canonize(state: State): State {
    const best = this.#best;
    const candidate = this.#candidate;
    let isFirst = true;
    for (const renumbering of this.#renumberings) {
      this.#renumberServers(state, renumbering, candidate.servers);
      const order = isFirst ? -1 : candidate.servers.compare(best.servers);
      if (order > 0) continue;
      renumberElections(state.elections, renumbering, candidate.elections);
      renumberMessages(state.messages, renumbering, candidate.messages);
      if (order === 0) {
        const next = candidate.elections.compare(best.elections);
        if (next > 0) continue;
        if (next === 0 && candidate.messages.compare(best.messages) >= 0) continue;
      }
      isFirst = false;
      best.servers.copyFrom(candidate.servers);
      best.elections.copyFrom(candidate.elections);
      best.messages.copyFrom(candidate.messages);
    }
    return best;
  }

  #renumberServers(state: State, { from, to, sets }: Renumbering, into: Words): void {
    into.count = 0;
    for (let index = 0; index < this.#count; index++) {
      const at = (from[index] ?? 0) * wordsPerServer;
      const word = state.servers.at(at);
      const progress = state.servers.at(at + 1);
      const logs = state.servers.at(at + 2);
      const voted = getField(word, server.votedFor);
      let newWord = word;
      if (voted > 0) newWord = setField(newWord, server.votedFor, (to[voted - 1] ?? 0) + 1);
      newWord = renumberSet(newWord, server.votesResponded, sets);
      newWord = renumberSet(newWord, server.votesGranted, sets);
      into.push(newWord);
      this.#renumberPeers(progress, logs, from, into);
    }
  }

  /** The second and third word of a server. */
  #renumberPeers(progress: number, logs: number, from: readonly number[], into: Words): void {
    let newProgress = 0;
    let newLogs = 0;
    for (let peer = 0; peer < this.#count; peer++) {
      const old = from[peer] ?? 0;
      newProgress |= getField(progress, nextIndex[old] as Field) << (3 * peer);
      newProgress |= getField(progress, matchIndex[old] as Field) << (9 + 2 * peer);
      const log = getField(old < 2 ? logs : progress, slot(old));
      if (peer < 2) newLogs |= log << slot(peer).shift;
      else newProgress |= log << slot(peer).shift;
    }
    into.push(newProgress);
    into.push(newLogs);
  }
}

function createRenumbering(to: readonly number[]): Renumbering {
  const from = to.map((_, index) => to.indexOf(index));
  const sets = new Int32Array(1 << to.length);
  for (let set = 0; set < sets.length; set++) {
    let image = 0;
    for (const [old, index] of to.entries()) if ((set & (1 << old)) !== 0) image |= 1 << index;
    sets[set] = image;
  }
  return { to, from, sets };
}

function renumberSet(word: number, which: Field, sets: Int32Array): number {
  return setField(word, which, sets[getField(word, which)] ?? 0);
}

function renumberMessages(messages: Words, { to }: Renumbering, into: Words): void {
  into.count = messages.count;
  for (let index = 0; index < messages.count; index++) {
    const word = messages.at(index);
    const source = to[getField(word, message.source)] ?? 0;
    const target = to[getField(word, message.target)] ?? 0;
    into.set(index, (word & ~0x1e) | (source << 1) | (target << 3));
  }
  into.sort();
}

function renumberElections(elections: Words, { to, from, sets }: Renumbering, into: Words): void {
  into.count = elections.count;
  for (let at = 0; at < elections.count; at += wordsPerElection) {
    let head = elections.at(at);
    head = setField(head, election.leader, to[getField(head, election.leader)] ?? 0);
    into.set(at, renumberSet(head, election.votes, sets));
    let last = 0;
    let others = 0;
    for (const [peer, old] of from.entries()) {
      const log = getField(elections.at(at + (old < 2 ? 2 : 1)), slot(old));
      if (peer < 2) others |= log << slot(peer).shift;
      else last |= log << slot(peer).shift;
    }
    into.set(at + 1, last);
    into.set(at + 2, others);
  }
  sortElections(into);
}

/** Orders elections by their words; there are few. */
function sortElections(elections: Words): void {
  if (elections.count <= wordsPerElection) return;
  const rows: number[][] = [];
  for (let at = 0; at < elections.count; at += wordsPerElection) {
    rows.push([elections.at(at), elections.at(at + 1), elections.at(at + 2)]);
  }
  rows.sort((a, b) => {
    const index = a.findIndex((word, offset) => word !== b[offset]);
    return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
  });
  for (const [row, words] of rows.entries()) {
    for (const [offset, word] of words.entries()) {
      elections.set(row * wordsPerElection + offset, word);
    }
  }
}
