/**
 * The store alone, single-threaded, without log, network or codec: puts on existing and on new keys
 * of 16 to 64 random bytes with 256-byte values, one-key ranges, and a count over all with a limit.
 * Prints one JSON line. Run: npx tsx bench/kv.ts [keys]
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createStore, put, range, type Store } from "../packages/quorate/src/kv/index.ts";
import type { PutRequest, RangeRequest } from "../packages/quorate/src/proto/index.ts";

const keyCount = Number(process.argv[2] ?? 200_000);
const valueBytes = 256;
const empty = new Uint8Array(0);

/** A small linear congruential generator: the same keys in every run. */
let seed = 42;
function randomBelow(max: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 0x1_0000_0000) * max);
}

/** A put as it arrives: key and value are views of one command. */
function putOf(key: Uint8Array): PutRequest {
  const command = new Uint8Array(key.length + valueBytes + 12);
  command.set(key, 4);
  const value = command.subarray(12 + key.length);
  const keyView = command.subarray(4, 4 + key.length);
  return { key: keyView, value, lease: 0n, prevKv: false, ignoreValue: false, ignoreLease: false };
}

function rangeOf(key: Uint8Array, options: Partial<RangeRequest> = {}): RangeRequest {
  return {
    key,
    rangeEnd: empty,
    limit: 0,
    revision: 0,
    sortOrder: "NONE",
    sortTarget: "KEY",
    serializable: false,
    keysOnly: false,
    countOnly: false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
    ...options,
  };
}

function perSecond(count: number, run: () => void): number {
  const start = performance.now();
  run();
  return Math.round((count / (performance.now() - start)) * 1_000);
}

function putAll(store: Store, requests: readonly PutRequest[]): number {
  return perSecond(requests.length, () => {
    for (const request of requests) put(store, request, true);
  });
}

/** After a full collection. */
function memoryBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const keys = Array.from({ length: keyCount }, () =>
  Uint8Array.from({ length: 16 + randomBelow(49) }, () => randomBelow(256)),
);
const store = createStore();
const firstPuts = keys.map(putOf);
const bytesBefore = memoryBytes();
const newKeyPutsPerSecond = putAll(store, firstPuts);
const bytesAfter = memoryBytes();
const existingKeyPutsPerSecond = putAll(store, keys.map(putOf));
const ranges = keys.map((key) => rangeOf(key));
let found = 0;
const rangesPerSecond = perSecond(ranges.length, () => {
  for (const request of ranges) {
    const answer = range(store, request);
    if (answer.kind === "range") found += answer.response.count;
  }
});
if (found !== keyCount) throw new Error(`Expected ${keyCount} keys, found ${found}.`);
const everything = rangeOf(new Uint8Array(1), { rangeEnd: new Uint8Array(1), limit: 10 });
const start = performance.now();
range(store, everything);
const limitedRangeMs = performance.now() - start;

console.log(
  JSON.stringify({
    benchmark: "kv",
    keyCount,
    valueBytes,
    newKeyPutsPerSecond,
    existingKeyPutsPerSecond,
    rangesPerSecond,
    limitedRangeMs: Number(limitedRangeMs.toFixed(2)),
    /** What the store adds to the commands: the values are views of them. */
    overheadBytesPerNewKey: Math.round((bytesAfter - bytesBefore) / keyCount),
  }),
);
