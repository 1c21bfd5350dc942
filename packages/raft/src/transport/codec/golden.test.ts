/**
 * The bytes of each kind of frame, as files. A difference is a new protocol version, not a new
 * file: members of the version before must still be understood. `QUORATE_REWRITE_GOLDEN=1` writes
 * files that are missing.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { concatBytes, crc32, logIndex, nodeId, term } from "../../base/index.ts";
import type { BulkMessage } from "../bulk-message.ts";
import type { PeerMessage } from "../peer-message.ts";
import {
  decodeIntroduction,
  decodeJoin,
  decodeJoinAnswer,
  encodeIntroduction,
  encodeJoin,
  encodeJoinAnswer,
} from "./admission-codec.ts";
import { decodeBulk, encodeBulk } from "./bulk-codec.ts";
import { bulkHelloKind, type Frame } from "./frame.ts";
import { FrameParser } from "./frame-parser.ts";
import { FrameWriter } from "./frame-writer.ts";
import {
  decodeAnswer,
  decodeHello,
  encodeHello,
  encodeRefusal,
  encodeWelcome,
} from "./handshake-codec.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";

const folder = fileURLToPath(new URL("../../../test/golden/transport/", import.meta.url));
const ends = { from: nodeId("a"), to: nodeId("b") };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const position = (index: number, at: number) => ({ index: logIndex(index), term: term(at) });
const large = 2 ** 53 - 1;

const messages: Readonly<Record<string, PeerMessage>> = {
  "request-vote": {
    ...{ kind: "request-vote", ...ends, term: term(7), pre: false },
    last: position(large, 6),
  },
  "request-vote-pre": {
    kind: "request-vote",
    ...ends,
    term: term(8),
    pre: true,
    last: position(41, 6),
  },
  "request-vote-transfer": {
    ...{ kind: "request-vote", ...ends, term: term(8), pre: false },
    ...{ last: position(41, 7), transfer: true },
  },
  "timeout-now": { kind: "timeout-now", ...ends, term: term(7), round: 301 },
  "append-entries-promise": {
    ...{ kind: "append-entries", ...ends, term: term(7), prev: position(41, 6), entries: [] },
    ...{ commit: logIndex(40), round: 300, sequence: 12, promiseMs: 500 },
  },
  "append-entries-release": {
    ...{ kind: "append-entries", ...ends, term: term(7), prev: position(41, 6), entries: [] },
    ...{ commit: logIndex(40), round: 300, sequence: 12, promiseMs: 0 },
  },
  "append-entries-response-promised": {
    ...{ kind: "append-entries-response", ...ends, term: term(7), round: 301, sequence: 13 },
    outcome: { kind: "accepted", matched: logIndex(43), verified: logIndex(44) },
    promisedMs: 500,
  },
  "append-entries-response-standing": {
    ...{ kind: "append-entries-response", ...ends, term: term(7), round: 301, sequence: 13 },
    outcome: { kind: "accepted", matched: logIndex(43), verified: logIndex(44) },
    standing: { priority: 3, isHealthy: false },
  },
  "append-entries-response-full": {
    ...{ kind: "append-entries-response", ...ends, term: term(7), round: 301, sequence: 13 },
    outcome: { kind: "accepted", matched: logIndex(43), verified: logIndex(44) },
    isFull: true,
  },
  "request-vote-response-granted": {
    ...{ kind: "request-vote-response", ...ends, term: term(7), pre: false },
    ...{ campaignTerm: term(7), refused: null },
  },
  "request-vote-response-refused": {
    ...{ kind: "request-vote-response", ...ends, term: term(9), pre: true },
    ...{ campaignTerm: term(8), refused: "log-behind" },
  },
  "append-entries-heartbeat": {
    ...{ kind: "append-entries", ...ends, term: term(7), prev: position(41, 6), entries: [] },
    ...{ commit: logIndex(40), round: 300, sequence: 12 },
  },
  "append-entries": {
    ...{ kind: "append-entries", ...ends, term: term(7), prev: position(41, 5) },
    entries: [
      { index: logIndex(42), term: term(5), kind: "configuration", data: bytes("members") },
      { index: logIndex(43), term: term(7), kind: "no-op", data: new Uint8Array(0) },
      { index: logIndex(44), term: term(7), kind: "command", data: bytes("set a 1") },
    ],
    ...{ commit: logIndex(41), round: 301, sequence: 13 },
  },
  "append-entries-response-accepted": {
    ...{ kind: "append-entries-response", ...ends, term: term(7), round: 301, sequence: 13 },
    outcome: { kind: "accepted", matched: logIndex(43), verified: logIndex(44) },
  },
  "append-entries-response-conflict": {
    ...{ kind: "append-entries-response", ...ends, term: term(7), round: 301, sequence: 13 },
    outcome: { kind: "conflict", prev: position(41, 5), hint: position(30, 4) },
  },
  "append-entries-response-stale-term": {
    ...{ kind: "append-entries-response", ...ends, term: term(8), round: 301, sequence: 13 },
    outcome: { kind: "stale-term" },
  },
  "read-index": { kind: "read-index", ...ends, term: term(7), batch: 5, boot: 99 },
  "read-index-response": {
    ...{ kind: "read-index-response", ...ends, term: term(7), batch: 5, boot: 99 },
    index: logIndex(44),
  },
  "read-index-response-unknown": {
    ...{ kind: "read-index-response", ...ends, term: term(8), batch: 5, boot: 99 },
    index: null,
  },
  forward: { kind: "forward", ...ends, id: 17, commands: [bytes("set a 1"), bytes("")] },
  "forward-response-appended": {
    ...{ kind: "forward-response", ...ends, id: 17 },
    result: { kind: "appended", first: logIndex(45), term: term(7) },
  },
  "forward-response-refused": {
    ...{ kind: "forward-response", ...ends, id: 17 },
    result: { kind: "refused", why: "not-leader" },
  },
  "forward-response-unknown-machine": {
    ...{ kind: "forward-response", ...ends, id: 17 },
    result: { kind: "refused", why: "unknown-machine" },
  },
  "forward-response-not-enabled": {
    ...{ kind: "forward-response", ...ends, id: 17 },
    result: {
      ...{ kind: "refused", why: "not-enabled" },
      held: {
        ...{ machine: "bank", version: 3, enabled: 2 },
        lacking: [
          { id: nodeId("b"), version: 2 },
          { id: nodeId("c"), version: null },
        ],
      },
    },
  },
  "change-members-response-older-program": {
    ...{ kind: "change-members-response", ...ends, id: 9 },
    answer: {
      ...{ kind: "refused", why: "older-program", id: nodeId("d") },
      ...{ machine: "bank", version: 2, known: 1 },
    },
  },
  "change-members-response-other-members": {
    ...{ kind: "change-members-response", ...ends, id: 9 },
    answer: { kind: "refused", why: "other-members", index: logIndex(6) },
  },
  "change-members": {
    ...{ kind: "change-members", ...ends, id: 9, expected: logIndex(5) },
    changes: [
      {
        ...{ kind: "add", id: nodeId("d"), address: "h:4", as: "learner" },
        whenReady: { replaces: nodeId("c") },
      },
      { kind: "update-address", id: nodeId("a"), address: "h:7" },
      { kind: "demote", id: nodeId("b") },
    ],
  },
  "change-members-response-appended": {
    ...{ kind: "change-members-response", ...ends, id: 9 },
    answer: { kind: "appended", index: logIndex(45), term: term(7) },
  },
  "change-members-response-refused": {
    ...{ kind: "change-members-response", ...ends, id: 9 },
    answer: {
      ...{ kind: "refused", why: "would-lose-quorum" },
      loss: {
        ...{ half: "new", voters: 3, needed: 2, ready: 1 },
        unready: [
          { id: nodeId("b"), why: "silent" },
          { id: nodeId("d"), why: "behind" },
        ],
      },
    },
  },
  "learner-progress": {
    ...{ kind: "learner-progress", ...ends, learner: nodeId("d") },
    ...{ matched: logIndex(40), commit: logIndex(44), hold: "behind" },
  },
  "state-hash": { kind: "state-hash", ...ends, index: logIndex(20_000), hash: large },
  "snapshot-offer": {
    ...{ kind: "snapshot-offer", ...ends, term: term(7) },
    snapshot: { position: position(large, 6), bytes: 66_592, hash: "0123456789abcdef" },
    sources: [nodeId("a"), nodeId("member-3")],
  },
  "snapshot-status": {
    ...{ kind: "snapshot-status", ...ends, term: term(7) },
    snapshot: { position: position(44, 6), bytes: 66_592, hash: "0123456789abcdef" },
    ...{ receivedBytes: 66_048, state: "waiting" },
  },
};

const bulkMessages: Readonly<Record<string, BulkMessage>> = {
  "snapshot-open": {
    kind: "snapshot-open",
    snapshot: { position: position(44, 6), bytes: 66_592, hash: "0123456789abcdef" },
  },
  "snapshot-read": { kind: "snapshot-read", offset: 66_048, length: 544 },
  "snapshot-block": { kind: "snapshot-block", offset: 66_048, data: bytes("bytes of the file") },
  "snapshot-refused": { kind: "snapshot-refused", why: "busy", retryMs: 500 },
};

const identity = {
  clusterId: "0123456789abcdef",
  id: nodeId("a"),
  incarnation: "00000000000000a1",
  boot: "fedcba9876543210",
};
const hello = { versions: { oldest: 1, newest: 1 }, identity, to: nodeId("b") };
const welcome = { version: 1, identity: { ...identity, id: nodeId("b") } };
const refusal = { code: 2, text: "member a is of another cluster" };

const introduction = {
  address: "10.0.0.4:2380",
  standing: { term: term(7), last: logIndex(44), commit: logIndex(41), mustCatchUp: true },
  machines: [
    { machine: "bank", version: 2 },
    { machine: "kv", version: 1 },
  ],
};
const joinRequest = { id: nodeId("d"), address: "10.0.0.4:2380" };
const joinAnswer = {
  clusterId: "0123456789abcdef",
  from: nodeId("a"),
  configuration: bytes("members"),
};

interface Sample {
  readonly name: string;
  readonly write: (writer: FrameWriter) => void;
  /** The frame, where it is made without a writer. */
  readonly chunks?: readonly Uint8Array[];
  readonly read: (frame: Frame) => unknown;
  readonly value: unknown;
}

const samples: readonly Sample[] = [
  ...Object.entries(messages).map(([name, message]) => ({
    name,
    write: (writer: FrameWriter) => encodeMessage(writer, message),
    read: (frame: Frame) => decodeMessage(frame, ends),
    value: message,
  })),
  ...Object.entries(bulkMessages).map(([name, message]) => ({
    name,
    write: () => {},
    chunks: encodeBulk(message, crc32),
    read: decodeBulk,
    value: message,
  })),
  {
    name: "bulk-hello",
    write: (writer) => encodeHello(writer, hello, bulkHelloKind),
    read: (frame) => [frame.kind, decodeHello(frame).hello],
    value: [5, hello],
  },
  {
    name: "hello",
    write: (writer) => encodeHello(writer, hello),
    read: (frame) => decodeHello(frame).hello,
    value: hello,
  },
  {
    name: "welcome",
    write: (writer) => encodeWelcome(writer, welcome),
    read: decodeAnswer,
    value: { kind: "welcome", ...welcome },
  },
  {
    name: "refusal",
    write: (writer) => encodeRefusal(writer, refusal),
    read: decodeAnswer,
    value: { kind: "refusal", ...refusal },
  },
  {
    name: "introduction",
    write: (writer) => encodeIntroduction(writer, introduction, 1),
    read: (frame) => decodeIntroduction(frame, 1),
    value: { ...introduction, machines: null },
  },
  {
    name: "introduction-2",
    write: (writer) => encodeIntroduction(writer, introduction, 2),
    read: (frame) => decodeIntroduction(frame, 2),
    value: introduction,
  },
  {
    name: "join",
    write: (writer) => encodeJoin(writer, joinRequest, { oldest: 1, newest: 1 }),
    read: (frame) => decodeJoin(frame).request,
    value: joinRequest,
  },
  {
    name: "join-answer",
    write: (writer) => encodeJoinAnswer(writer, joinAnswer),
    read: decodeJoinAnswer,
    value: joinAnswer,
  },
  {
    name: "alive",
    write: (writer) => {
      writer.begin(0);
      writer.end(4);
    },
    read: (frame) => [frame.kind, frame.payload.length],
    value: [4, 0],
  },
];

describe("golden frames", () => {
  it.each(samples)("$name", ({ name, write, chunks, read, value }) => {
    const writer = new FrameWriter(crc32, 0);
    write(writer);
    const text = toText(concatBytes(chunks ?? writer.take()));
    const file = `${folder}${name}.hex`;
    if (process.env["QUORATE_REWRITE_GOLDEN"] === "1" && !existsSync(file)) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, text);
    }
    const stored = readFileSync(file, "utf8");
    expect(text).toBe(stored);
    const parser = new FrameParser(crc32, 1 << 20);
    parser.push(fromText(stored));
    const parsed = parser.next();
    expect(parsed === null ? null : read(parsed)).toEqual(value);
  });

  it("has no file that no test reproduces", () => {
    const names = samples.map((sample) => `${sample.name}.hex`);
    expect(readdirSync(folder).sort()).toEqual(names.sort());
  });
});

/** Sixteen bytes a line, so that the first line is the header. */
function toText(data: Uint8Array): string {
  let text = "";
  data.forEach((byte, i) => {
    text += byte.toString(16).padStart(2, "0") + (i % 16 === 15 ? "\n" : " ");
  });
  return `${text.trim()}\n`;
}

function fromText(text: string): Uint8Array {
  return Uint8Array.from(text.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16));
}
