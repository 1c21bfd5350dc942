/**
 * What encoding and decoding appends costs per entry, checksums included. Prints one JSON line.
 *
 *     npx tsx bench/message-codec.ts
 */
import { logIndex, nodeId, term } from "../packages/raft/src/base/index.ts";
import type { AppendEntries, Entry } from "../packages/raft/src/core/index.ts";
import { osCrc32 } from "../packages/raft/src/ports/os/index.ts";
import { FrameParser } from "../packages/raft/src/transport/codec/frame-parser.ts";
import { FrameWriter } from "../packages/raft/src/transport/codec/frame-writer.ts";
import {
  decodeMessage,
  encodeMessage,
} from "../packages/raft/src/transport/codec/message-codec.ts";

const ends = { from: nodeId("a"), to: nodeId("b") };
const entriesPerMessage = 1000;
const entryDataBytes = 256;
const rounds = 2000;
/** What the system hands out at a time. */
const chunkBytes = 64 * 1024;

function createAppend(): AppendEntries {
  const entries: Entry[] = [];
  for (let index = 1; index <= entriesPerMessage; index++) {
    const data = new Uint8Array(entryDataBytes).fill(index);
    entries.push({ index: logIndex(index), term: term(1), kind: "command", data });
  }
  const prev = { index: logIndex(0), term: term(0) };
  const rest = { commit: logIndex(0), round: 1, sequence: 1 };
  return { kind: "append-entries", ...ends, term: term(1), prev, entries, ...rest };
}

function measure(work: () => void): number {
  for (let i = 0; i < rounds / 10; i++) work();
  const startMs = performance.now();
  for (let i = 0; i < rounds; i++) work();
  return Number((((performance.now() - startMs) * 1e6) / rounds / entriesPerMessage).toFixed(0));
}

const message = createAppend();
const writer = new FrameWriter(osCrc32, 64 * 1024);
const encodeNanos = measure(() => {
  encodeMessage(writer, message);
  writer.take();
});
encodeMessage(writer, message);
const [bytes = new Uint8Array(0)] = writer.take();
let decodedCount = 0;
const decodeNanos = measure(() => {
  const parser = new FrameParser(osCrc32, 16 * 1024 * 1024);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    parser.push(bytes.subarray(at, at + chunkBytes));
    for (let frame = parser.next(); frame !== null; frame = parser.next()) {
      const decoded = decodeMessage(frame, ends);
      if (decoded.kind === "append-entries") decodedCount += decoded.entries.length;
    }
  }
});
const figures = { encodeNanosPerEntry: encodeNanos, decodeNanosPerEntry: decodeNanos };
console.log(
  JSON.stringify({ benchmark: "message-codec", entryDataBytes, ...figures, decodedCount }),
);
