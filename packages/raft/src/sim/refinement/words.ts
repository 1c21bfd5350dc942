/**
 * The dictionary between the core's words and the specification's: members are places, entries are
 * pairs of term and value, messages lose what only speed needs. The same object is translated once;
 * equal entries are one object, so that worlds that encode messages and worlds that pass objects on
 * read alike.
 */
import { assert, type NodeId, unreachable } from "../../base/index.ts";
import {
  type AppendEntriesResponse,
  type Configuration,
  decodeConfiguration,
  type Entry,
  type EntryKind,
  type Member,
  type Message,
} from "../../core/index.ts";
import type {
  Server,
  SpecAppendEntriesResponse,
  SpecConfiguration,
  SpecEntry,
  SpecLog,
  SpecMessage,
} from "../spec/index.ts";

/** An entry's content at one position. Nearly always there is one for each position. */
interface Known {
  readonly kind: EntryKind;
  readonly data: Uint8Array;
  readonly word: SpecEntry;
  readonly next: Known | null;
}

export interface Words {
  readonly ids: readonly NodeId[];
  readonly places: ReadonlyMap<NodeId, Server>;
  /** By term and index. */
  readonly known: Map<number, Known>;
  readonly entries: WeakMap<Entry, SpecEntry>;
  readonly messages: WeakMap<Message, SpecMessage>;
  readonly configurations: WeakMap<Configuration, SpecConfiguration>;
  nextValue: number;
}

const indexesMax = 2 ** 26;
const noEntries: SpecLog = [];

export function createWords(ids: readonly NodeId[]): Words {
  return {
    ids,
    places: new Map(ids.map((id, at) => [id, at])),
    known: new Map(),
    entries: new WeakMap(),
    messages: new WeakMap(),
    configurations: new WeakMap(),
    nextValue: 1,
  };
}

export function placeOf(words: Words, id: NodeId): Server {
  const at = words.places.get(id);
  assert(at !== undefined, "only members are spoken of", () => id);
  return at;
}

/**
 * The same for entries of equal position and content. The value names content and position: an
 * entry that moved is another.
 */
export function wordOf(words: Words, entry: Entry): SpecEntry {
  const translated = words.entries.get(entry);
  if (translated !== undefined) return translated;
  const word = intern(words, entry);
  words.entries.set(entry, word);
  return word;
}

function intern(words: Words, entry: Entry): SpecEntry {
  const key = entry.term * indexesMax + entry.index;
  const first = words.known.get(key) ?? null;
  for (let known = first; known !== null; known = known.next) {
    if (known.kind === entry.kind && isEqual(known.data, entry.data)) return known.word;
  }
  const word = createWord(words, entry);
  words.known.set(key, { kind: entry.kind, data: entry.data, word, next: first });
  return word;
}

function createWord(words: Words, { term, kind, data }: Entry): SpecEntry {
  const value = words.nextValue++;
  if (kind !== "configuration") return { term, value };
  return { term, value, configuration: configurationWordOf(words, decodeConfiguration(data)) };
}

export function configurationWordOf(words: Words, real: Configuration): SpecConfiguration {
  const translated = words.configurations.get(real);
  if (translated !== undefined) return translated;
  const placesOf = (members: readonly Member[]): Server[] =>
    members.map(({ id }) => placeOf(words, id));
  const word: SpecConfiguration = {
    voters: placesOf(real.voters),
    outgoing: real.outgoing === null ? null : placesOf(real.outgoing),
    learners: placesOf(real.learners),
    removed: real.removed.map((id) => placeOf(words, id)),
  };
  words.configurations.set(real, word);
  return word;
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function wordsOf(words: Words, entries: readonly Entry[]): SpecLog {
  if (entries.length === 0) return noEntries;
  const log: SpecEntry[] = [];
  for (const entry of entries) log.push(wordOf(words, entry));
  return log;
}

/** What a batch of reads that a peer asks for is called. */
export function readName(from: NodeId, boot: number, batch: number): string {
  return `${from}/${boot}/${batch}`;
}

type SpecOf<Of extends Message> = Extract<SpecMessage, { readonly kind: Of["kind"] }>;

export function messageOf<Of extends Message>(words: Words, message: Of): SpecOf<Of> {
  let spec = words.messages.get(message);
  if (spec === undefined) {
    spec = translate(words, message);
    words.messages.set(message, spec);
  }
  return spec as SpecOf<Of>; // a translation is of the same kind
}

function translate(words: Words, message: Message): SpecMessage {
  const { term } = message;
  const from = placeOf(words, message.from);
  const to = placeOf(words, message.to);
  switch (message.kind) {
    case "request-vote": {
      const { kind, pre, last } = message;
      const word = { kind, from, to, term, pre, lastIndex: last.index, lastTerm: last.term };
      return message.transfer === true ? { ...word, transfer: true } : word;
    }
    case "request-vote-response": {
      const { kind, pre, campaignTerm, refused } = message;
      return { kind, from, to, term, pre, campaignTerm, granted: refused === null };
    }
    case "append-entries": {
      const { kind, prev, commit, round, promiseMs } = message;
      const entries = wordsOf(words, message.entries);
      const position = { prevIndex: prev.index, prevTerm: prev.term };
      const word = { kind, from, to, term, ...position, entries, leaderCommit: commit, round };
      if (promiseMs === undefined) return word;
      return promiseMs > 0 ? { ...word, lease: promiseMs } : { ...word, release: true };
    }
    case "append-entries-response":
      return translateAnswer(message, from, to);
    case "read-index": {
      const read = readName(message.from, message.boot, message.batch);
      return { kind: message.kind, from, to, term, read };
    }
    case "read-index-response": {
      const read = readName(message.to, message.boot, message.batch);
      return { kind: message.kind, from, to, term, read, index: message.index };
    }
    case "timeout-now":
      return { kind: message.kind, from, to, term };
    default:
      return unreachable(message, "messageOf: a message of unknown kind");
  }
}

/** The round in "your term is old" is one of another leader: as an answer it says nothing. */
function translateAnswer(
  message: AppendEntriesResponse,
  from: Server,
  to: Server,
): SpecAppendEntriesResponse {
  const { kind, term, round, outcome, promisedMs } = message;
  const promised = promisedMs === undefined ? null : { promise: promisedMs };
  if (outcome.kind === "accepted") return { kind, from, to, term, round, outcome, ...promised };
  const heard = outcome.kind === "stale-term" ? 0 : round;
  return { kind, from, to, term, round: heard, outcome: { kind: "refused" }, ...promised };
}
