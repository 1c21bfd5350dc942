/** The store in snapshots: taken while writes go on, read again, damaged. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestArbitrary } from "../../test/support/kv-arbitraries.ts";
import { bytes, putRequest, rangeRequest } from "../../test/support/kv-requests.ts";
import {
  encodeDeleteRangeRequest,
  encodePutRequest,
  encodeTxnRequest,
  type RequestOp,
} from "../proto/index.ts";
import {
  createKvMachine,
  createStore,
  encodeCommand,
  hashStore,
  type KvMachine,
  put,
  range,
  type Store,
  StoreCapture,
  StoreFormatError,
  StoreRestore,
} from "./index.ts";
import { recordVersion } from "./store.ts";
import { pieceVersionsMax } from "./store-capture.ts";

type Request = Exclude<RequestOp, { kind: "none" }>;

function apply(machine: KvMachine, one: Request): unknown {
  const context = { index: 1, term: 1, wanted: true };
  switch (one.kind) {
    case "range":
      return range(machine.store, one.request);
    case "put":
      return machine.apply(encodeCommand("put", encodePutRequest(one.request)), context);
    case "delete-range": {
      const command = encodeCommand("delete-range", encodeDeleteRangeRequest(one.request));
      return machine.apply(command, context);
    }
    case "txn":
      return machine.apply(encodeCommand("txn", encodeTxnRequest(one.request)), context);
    default:
      return one satisfies never;
  }
}

function drain(capture: StoreCapture, maxBytes = 1 << 20): Uint8Array {
  const parts: number[][] = [];
  for (let piece = capture.next(maxBytes); piece !== null; piece = capture.next(maxBytes)) {
    expect(piece.length).toBeGreaterThan(0);
    expect(piece.length).toBeLessThanOrEqual(maxBytes);
    parts.push([...piece]);
  }
  return Uint8Array.from(parts.flat());
}

function feed(restore: StoreRestore, whole: Uint8Array, pieceBytes: number): void {
  for (let at = 0; at < whole.length; at += pieceBytes) {
    // A piece is good during the call only.
    const piece = whole.slice(at, at + pieceBytes);
    restore.write(piece);
    piece.fill(0xee);
  }
  restore.finish();
}

function read(whole: Uint8Array, pieceBytes = 11): Store {
  let store: Store | null = null;
  const restore = new StoreRestore((found) => {
    store = found;
  });
  feed(restore, whole, pieceBytes);
  if (store === null) throw new Error("nothing was read");
  return store;
}

function countersOf(store: Store) {
  const { revision, compactedRevision, liveKeyCount, sizeBytes, sizeInUseBytes } = store;
  return { revision, compactedRevision, liveKeyCount, sizeBytes, sizeInUseBytes };
}

describe("a store in a snapshot", () => {
  it("is of its moment whatever is written meanwhile, and goes on elsewhere", () => {
    const property = fc.property(
      fc.array(requestArbitrary, { maxLength: 40 }),
      fc.nat(40),
      fc.integer({ min: 1, max: 60 }),
      (requests, cut, pieceBytes) => {
        const [machine, twin] = [createKvMachine(), createKvMachine()];
        for (const one of requests.slice(0, cut)) {
          apply(machine, one);
          apply(twin, one);
        }
        const capture = machine.capture();
        const parts: number[] = [];
        for (const one of requests.slice(cut)) {
          parts.push(...(capture.next(pieceBytes) ?? []));
          apply(machine, one);
        }
        const whole = Uint8Array.from([...parts, ...drain(capture, pieceBytes)]);
        expect(whole).toEqual(drain(twin.capture()));

        const other = createKvMachine();
        apply(other, { kind: "put", request: putRequest("other", "gone") });
        feed(other.restore(), whole, pieceBytes);
        expect(drain(other.capture())).toEqual(whole);
        expect(hashStore(other.store)).toBe(hashStore(twin.store));
        expect(countersOf(other.store)).toEqual(countersOf(twin.store));
        for (let revision = 1; revision <= twin.store.revision; revision++) {
          const all = rangeRequest("\0", { rangeEnd: bytes("\0"), revision });
          expect(range(other.store, all)).toEqual(range(twin.store, all));
        }
        for (const one of requests.slice(cut)) expect(apply(other, one)).toEqual(apply(twin, one));
        expect(drain(other.capture())).toEqual(drain(machine.capture()));
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  it("keeps what compaction left: revisions that are gone, versions without a beginning", () => {
    const store = createStore();
    store.revision = 6;
    const version = { key: bytes("a"), createRevision: 3, value: bytes("x"), lease: -7n };
    recordVersion(store, "a", undefined, { ...version, modRevision: 7, version: 5 });
    store.revision = 9;
    const history = store.keys.find("a");
    recordVersion(store, "a", history, { ...version, modRevision: 10, version: 6 });
    store.compactedRevision = 9;
    const whole = drain(new StoreCapture(store));
    const again = read(whole);
    expect(countersOf(again)).toEqual(countersOf(store));
    expect(drain(new StoreCapture(again))).toEqual(whole);
    store.compactedRevision = 6;
    expect(() => read(drain(new StoreCapture(store)))).toThrow("its key has no version before it");
  });

  it("of 100,000 keys takes no pause to freeze, and a bounded one for each piece", () => {
    const keys = 100_000;
    const machine = createKvMachine();
    const store = machine.store;
    for (let i = 0; i < keys; i++) put(store, putRequest(`key ${i}`, `value ${i}`), false);
    const frozenHash = hashStore(store);
    const start = performance.now();
    const capture = machine.capture();
    const captureMs = performance.now() - start;
    const restore = new StoreRestore((found) => {
      expect(hashStore(found)).toBe(frozenHash);
      expect(found.liveKeyCount).toBe(keys);
    });
    let [longestMs, pieces, written, restoreMs] = [0, 0, 0, 0];
    for (;;) {
      const pieceStart = performance.now();
      const piece = capture.next(1 << 20);
      longestMs = Math.max(longestMs, performance.now() - pieceStart);
      if (piece === null) break;
      expect(capture.versionsOfPiece).toBeLessThanOrEqual(pieceVersionsMax);
      pieces++;
      written += piece.length;
      put(store, putRequest(`key ${pieces}`, "later"), false);
      const restoreStart = performance.now();
      restore.write(piece);
      restoreMs = Math.max(restoreMs, performance.now() - restoreStart);
    }
    restore.finish();
    expect(pieces).toBeGreaterThanOrEqual(keys / pieceVersionsMax);
    console.log(
      `kv, ${keys} keys, ${written} bytes: capture ${captureMs.toFixed(2)} ms, ${pieces} pieces, ` +
        `the longest ${longestMs.toFixed(1)} ms to write, ${restoreMs.toFixed(1)} ms to read`,
    );
  });

  it("can be let go before its end", () => {
    const machine = createKvMachine();
    put(machine.store, putRequest("a", "1"), false);
    const capture = machine.capture();
    expect(capture.next(5)).toHaveLength(5);
    capture.release();
    expect(capture.next(5)).toBeNull();
  });
});

describe("the bytes of a store", () => {
  function sample(): Uint8Array {
    const machine = createKvMachine();
    const requests: Request[] = [
      { kind: "put", request: putRequest("a", "1") },
      { kind: "put", request: putRequest("b", "") },
      { kind: "put", request: putRequest("a", "22") },
      { kind: "delete-range", request: { key: bytes("a"), rangeEnd: bytes("z"), prevKv: false } },
      { kind: "put", request: putRequest("a", "3") },
    ];
    for (const one of requests) apply(machine, one);
    return drain(machine.capture());
  }

  it("are those of the golden file", () => {
    const file = new URL("../../test/golden/store-snapshot-v1.hex", import.meta.url);
    const golden = readFileSync(file, "utf8").replaceAll(/\s/g, "");
    expect(Buffer.from(sample()).toString("hex")).toBe(golden);
    expect(read(Buffer.from(golden, "hex")).revision).toBe(6);
  });

  it("are noticed wherever they are cut short", () => {
    const whole = sample();
    for (let length = 0; length < whole.length; length++) {
      expect(() => read(whole.subarray(0, length)), String(length)).toThrow(StoreFormatError);
    }
    expect(() => read(Uint8Array.of(...whole, 0))).toThrow("bytes behind its end");
  });

  it("are refused when damaged, or read as exactly what they are", () => {
    const whole = sample();
    let [refused, taken] = [0, 0];
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = whole.slice();
      damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      try {
        const store = read(damaged);
        taken++;
        expect(drain(new StoreCapture(store)), `bit ${bit}`).toEqual(damaged);
      } catch (error) {
        expect(error, `bit ${bit}`).toBeInstanceOf(StoreFormatError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(900);
    expect(taken).toBeGreaterThan(50);
  });

  it("cost no memory for what they only claim to hold", () => {
    const whole = sample();
    whole.fill(0xff, 25, 29); // the length of the first key
    expect(() => read(whole)).toThrow("ends in the middle");
    whole.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], 16); // the number of versions
    expect(() => read(whole)).toThrow("ends in the middle");
  });
});
