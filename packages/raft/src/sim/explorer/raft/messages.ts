/**
 * Messages as numbers. A message names members in two places only, sender and receiver, so it is
 * kept as "to the next" or "to the one after": a body, a direction, and the place of its sender.
 * Turning the ring of members changes the sender alone; mirroring it turns the direction round.
 */
import {
  assert,
  logIndex,
  type NodeId,
  type Term,
  term,
  unreachable,
} from "../../../base/index.ts";
import {
  type AppendOutcome,
  describeMessage,
  type Entry,
  type LogPosition,
  type Message,
  type VoteRefusal,
} from "../../../core/index.ts";
import type { Chain } from "./changes.ts";
import { leaseSettings } from "./clocks.ts";
import { DigitReader, DigitWriter } from "./digits.ts";
import { entryCode, entryOf, firstEntryOf, idAt, placeOf } from "./entries.ts";

/** A whole snapshot on its way to a peer: hosts bring it, the core sees no byte of it. */
export interface SnapshotMessage {
  readonly kind: "snapshot";
  readonly from: NodeId;
  readonly to: NodeId;
  /** Of the leader that said that it was needed. */
  readonly term: Term;
  readonly position: LogPosition;
  /** What the machines hold in it: the entries that they applied. */
  readonly content: readonly Entry[];
}

/** Tells the leader's host that all of a snapshot has come. */
export interface SnapshotReport {
  readonly kind: "snapshot-report";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
}

/** What is under way in the explored worlds. */
export type WorldMessage = Message | SnapshotMessage | SnapshotReport;

const kinds: readonly WorldMessage["kind"][] = [
  "request-vote",
  "request-vote-response",
  "append-entries",
  "append-entries-response",
  "read-index",
  "read-index-response",
  "timeout-now",
  "snapshot",
  "snapshot-report",
];

const refusals: readonly (VoteRefusal | null)[] = [
  null,
  "stale-term",
  "voted-for-other",
  "log-behind",
  "leader-alive",
  "must-catch-up",
];

/** All that is ever promised. */
const { leaseMs } = leaseSettings;

/** Bytes of a message in a state: 53 bits. */
export const messageBytes = 7;

/** Entries in one append, and the numbers of appends to one peer. */
const appendEntriesLimit = 5;
const sequenceLimit = 32;

/** Without the sender's place; the direction is its lowest digit. `to` is 1 or 2 places on. */
export function encodeMessage(message: WorldMessage, direction: number): number {
  const kind = kinds.indexOf(message.kind);
  const digits = new DigitWriter().put(direction - 1, 2).put(kind, kinds.length);
  digits.put(message.term, 8);
  switch (message.kind) {
    case "request-vote":
      putPosition(digits.put(message.pre ? 1 : 0, 2), message.last);
      digits.put(message.transfer === true ? 1 : 0, 2);
      break;
    case "request-vote-response":
      digits.put(message.pre ? 1 : 0, 2).put(message.campaignTerm, 8);
      digits.put(refusals.indexOf(message.refused), 6);
      break;
    case "append-entries":
      putPosition(digits, message.prev).put(message.entries.length, appendEntriesLimit + 1);
      for (const entry of message.entries) digits.put(entryCode(entry), 32);
      digits.put(message.commit, 8).put(message.round, 8).put(message.sequence, sequenceLimit);
      if (message.promiseMs !== undefined) digits.put(message.promiseMs > 0 ? 2 : 1, 3);
      break;
    case "append-entries-response":
      digits.put(message.round, 8).put(message.sequence, sequenceLimit);
      putOutcome(digits, message.outcome).put(message.promisedMs === undefined ? 0 : 1, 2);
      break;
    case "read-index":
      digits.put(message.batch, 8).put(message.boot, 8);
      break;
    case "read-index-response":
      digits
        .put(message.batch, 8)
        .put(message.boot, 8)
        .put(message.index ?? 0, 8);
      break;
    case "timeout-now":
      digits.put(message.round, 8);
      break;
    case "snapshot":
      putPosition(digits, message.position);
      for (const entry of message.content.slice(1)) digits.put(entryCode(entry), 32);
      break;
    case "snapshot-report":
      break;
    default:
      unreachable(message, "encodeMessage: a message of unknown kind");
  }
  return digits.value;
}

/** The direction from one place to another: 1 or 2 places on. */
export function directionOf(message: WorldMessage): number {
  return (placeOf(message.to) - placeOf(message.from) + 3) % 3;
}

function putPosition(digits: DigitWriter, position: LogPosition): DigitWriter {
  return digits.put(position.index, 8).put(position.term, 8);
}

function putOutcome(digits: DigitWriter, outcome: AppendOutcome): DigitWriter {
  switch (outcome.kind) {
    case "accepted":
      return digits.put(0, 3).put(outcome.matched, 8).put(outcome.verified, 8);
    case "conflict":
      return putPosition(putPosition(digits.put(1, 3), outcome.prev), outcome.hint);
    case "stale-term":
      return digits.put(2, 3);
    default:
      return unreachable(outcome, "putOutcome: an outcome of unknown kind");
  }
}

/** The message as sent by the member at `from`; with `isMirrored` in the other direction. */
export function decodeMessage(
  value: number,
  from: number,
  isMirrored = false,
  changes: Chain | null = null,
): WorldMessage {
  const digits = new DigitReader(value);
  const direction = digits.take(2) + 1;
  const to = (from + (isMirrored ? 3 - direction : direction)) % 3;
  const kind = kinds[digits.take(kinds.length)];
  assert(kind !== undefined, "a message has a kind");
  const envelope = { from: idAt(from), to: idAt(to), term: term(digits.take(8)) };
  switch (kind) {
    case "request-vote": {
      const request = { pre: digits.take(2) === 1, last: takePosition(digits) };
      const mark = digits.take(2) === 1 ? { transfer: true as const } : null;
      return { kind, ...envelope, ...request, ...mark };
    }
    case "request-vote-response":
      return {
        kind,
        ...envelope,
        pre: digits.take(2) === 1,
        campaignTerm: term(digits.take(8)),
        refused: refusals[digits.take(6)] ?? null,
      };
    case "append-entries": {
      const prev = takePosition(digits);
      const entries: Entry[] = [];
      const count = digits.take(appendEntriesLimit + 1);
      for (let i = 1; i <= count; i++) {
        entries.push(entryOf(prev.index + i, digits.take(32), changes));
      }
      const commit = logIndex(digits.take(8));
      const round = digits.take(8);
      const sequence = digits.take(sequenceLimit);
      const append = { kind, ...envelope, prev, entries, commit, round, sequence };
      const asked = digits.take(3);
      return asked === 0 ? append : { ...append, promiseMs: asked === 1 ? 0 : leaseMs };
    }
    case "append-entries-response": {
      const round = digits.take(8);
      const sequence = digits.take(sequenceLimit);
      const answer = { kind, ...envelope, round, sequence, outcome: takeOutcome(digits) };
      return digits.take(2) === 0 ? answer : { ...answer, promisedMs: leaseMs };
    }
    case "read-index":
      return { kind, ...envelope, batch: digits.take(8), boot: digits.take(8) };
    case "read-index-response": {
      const batch = digits.take(8);
      const boot = digits.take(8);
      const index = digits.take(8);
      return { kind, ...envelope, batch, boot, index: index === 0 ? null : logIndex(index) };
    }
    case "timeout-now":
      return { kind, ...envelope, round: digits.take(8) };
    case "snapshot": {
      const position = takePosition(digits);
      const content = [firstEntryOf(changes)];
      for (let at = 2; at <= position.index; at++) {
        content.push(entryOf(at, digits.take(32), changes));
      }
      return { kind, ...envelope, position, content };
    }
    case "snapshot-report":
      return { kind, ...envelope };
    default:
      return unreachable(kind, "decodeMessage: a kind of message without a decoder");
  }
}

function takePosition(digits: DigitReader): LogPosition {
  return { index: logIndex(digits.take(8)), term: term(digits.take(8)) };
}

function takeOutcome(digits: DigitReader): AppendOutcome {
  const kind = digits.take(3);
  if (kind === 0) {
    const matched = logIndex(digits.take(8));
    return { kind: "accepted", matched, verified: logIndex(digits.take(8)) };
  }
  if (kind === 1) {
    const prev = takePosition(digits);
    return { kind: "conflict", prev, hint: takePosition(digits) };
  }
  return { kind: "stale-term" };
}

/** For people. */
export function describeWorldMessage(message: WorldMessage): string {
  const { from, to, term } = message;
  switch (message.kind) {
    case "snapshot": {
      const { position } = message;
      return `snapshot ${position.term}/${position.index} of term ${term}, ${from} to ${to}`;
    }
    case "snapshot-report":
      return `report of a snapshot of term ${term}, ${from} to ${to}`;
    default:
      return describeMessage(message);
  }
}

/** The same number with its direction turned round. */
export function mirrorValue(value: number): number {
  return value % 2 === 0 ? value + 1 : value - 1;
}

/** Writes `messageBytes` bytes, highest first, so that bytes and numbers have the same order. */
export function writeValue(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32);
  bytes[at] = high >>> 16;
  bytes[at + 1] = high >>> 8;
  bytes[at + 2] = high;
  bytes[at + 3] = value / 2 ** 24; // stores keep the lowest eight bits
  bytes[at + 4] = value / 2 ** 16;
  bytes[at + 5] = value / 2 ** 8;
  bytes[at + 6] = value;
}

export function readValue(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  const low =
    ((bytes[at + 3] ?? 0) << 24) |
    ((bytes[at + 4] ?? 0) << 16) |
    ((bytes[at + 5] ?? 0) << 8) |
    (bytes[at + 6] ?? 0);
  return high * 2 ** 32 + (low >>> 0);
}
