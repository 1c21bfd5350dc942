import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestArbitrary, txnArbitrary } from "../../test/support/kv-arbitraries.ts";
import { rangeRequest } from "../../test/support/kv-requests.ts";
import { KvTwin, twinHasDuplicates } from "../../test/support/kv-twin.ts";
import type { RequestOp } from "../proto/index.ts";
import {
  checkTxn,
  createStore,
  defaultKvLimits,
  deleteRange,
  hashStore,
  kvErrors,
  put,
  range,
  type Store,
  txn,
} from "./index.ts";
import { isTombstone } from "./key-history.ts";

type Request = Exclude<RequestOp, { kind: "none" }>;

function apply(store: Store, op: Request, wanted = true) {
  switch (op.kind) {
    case "range":
      return range(store, op.request);
    case "put":
      return put(store, op.request, wanted);
    case "delete-range":
      return deleteRange(store, op.request, wanted);
    case "txn":
      return txn(store, op.request, wanted);
    default:
      return op satisfies never;
  }
}

function answerOf(answer: ReturnType<typeof apply>) {
  if (answer.kind === "kv-error") return { error: answer.text };
  return { revision: answer.revision, response: answer.response };
}

/** Everything that the store's counters claim, counted anew. */
function checkCounters(store: Store): void {
  const everything = range(store, rangeRequest("\0", { rangeEnd: new Uint8Array(1) }));
  if (everything.kind === "kv-error") throw new Error("reading all keys is never refused");
  const { kvs } = everything.response;
  const sizeOf = (of: typeof kvs) =>
    of.reduce((sum, kv) => sum + kv.key.length + kv.value.length + 64, 0);
  const log: typeof kvs = [];
  store.log.visitFrom(0, (version) => log.push(version));
  expect(store.liveKeyCount).toBe(kvs.length);
  expect(store.sizeInUseBytes).toBe(sizeOf(kvs));
  expect(store.sizeBytes).toBe(sizeOf(log));
  expect(log.length).toBe(store.log.length);
}

describe("store", () => {
  it("answers as its dumb twin does, at every revision", () => {
    fc.assert(
      fc.property(fc.array(requestArbitrary, { maxLength: 40 }), (requests) => {
        const store = createStore();
        const twin = new KvTwin();
        for (const request of requests) {
          expect(answerOf(apply(store, request))).toEqual(twin.apply(request));
          expect(store.revision).toBe(twin.revision);
        }
        for (let revision = 1; revision <= store.revision; revision++) {
          const all = rangeRequest("\0", { rangeEnd: new Uint8Array(1), revision });
          const op: Request = { kind: "range", request: all };
          expect(answerOf(apply(store, op))).toEqual(twin.apply(op));
        }
        checkCounters(store);
      }),
      { numRuns: 400 },
    );
  });

  it("comes to the same state with or without an answer, and refuses without a trace", () => {
    fc.assert(
      fc.property(fc.array(requestArbitrary, { maxLength: 40 }), (requests) => {
        const asked = createStore();
        const silent = createStore();
        for (const request of requests) {
          const before = hashStore(asked);
          const answer = apply(asked, request);
          apply(silent, request, false);
          if (answer.kind === "kv-error") expect(hashStore(asked)).toBe(before);
        }
        expect(hashStore(silent)).toBe(hashStore(asked));
      }),
      { numRuns: 200 },
    );
  });

  it("keeps its log so that the changes of each revision can be derived", () => {
    fc.assert(
      fc.property(fc.array(requestArbitrary, { maxLength: 30 }), (requests) => {
        const store = createStore();
        for (const request of requests) apply(store, request);
        const state = new Map<string, unknown>();
        store.log.visitFrom(2, (version) => {
          if (isTombstone(version)) state.delete(String(version.key));
          else state.set(String(version.key), version);
        });
        const all = range(store, rangeRequest("\0", { rangeEnd: new Uint8Array(1) }));
        if (all.kind === "kv-error") throw new Error("reading all keys is never refused");
        expect(new Set(state.values())).toEqual(new Set(all.response.kvs));
      }),
    );
  });

  it("finds duplicate writes of a transaction as the pairwise comparison does", () => {
    fc.assert(
      fc.property(txnArbitrary, (request) => {
        const isRefused = checkTxn(request, defaultKvLimits) === kvErrors.duplicateKey;
        fc.pre(isRefused || checkTxn(request, defaultKvLimits) === null);
        expect(isRefused).toBe(
          twinHasDuplicates(request.success) || twinHasDuplicates(request.failure),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});
