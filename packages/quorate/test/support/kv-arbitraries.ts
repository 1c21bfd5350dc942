/**
 * Random requests over a small key space, so that they meet each other. Used by the properties of
 * the store and by the comparison with etcd.
 */
import fc from "fast-check";
import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../../src/proto/index.ts";
import { bytes } from "./kv-requests.ts";

const keyTexts = ["a", "a\0", "aa", "ab", "b", "b\xff", "c", "\x01", "\xff", "\xff\xff", "é", "z"];

const key = fc.constantFrom(...keyTexts).map(bytes);

const rangeEnd = fc
  .oneof(
    { weight: 3, arbitrary: fc.constant("") },
    { weight: 2, arbitrary: fc.constant("\0") },
    { weight: 4, arbitrary: fc.constantFrom(...keyTexts) },
  )
  .map(bytes);

const value = fc.constantFrom("", "x", "y", "xx", "\xff").map(bytes);
const revision = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(-2, -1, 1_000_000) },
);
const bound = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 12 }) },
);
const rarely = fc.oneof(
  { weight: 6, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
);

export const rangeArbitrary: fc.Arbitrary<RangeRequest> = fc.record({
  key,
  rangeEnd,
  limit: fc.oneof(fc.constant(0), fc.integer({ min: -1, max: 5 })),
  revision,
  sortOrder: fc.constantFrom("NONE", "ASCEND", "DESCEND"),
  sortTarget: fc.constantFrom("KEY", "VERSION", "CREATE", "MOD", "VALUE"),
  serializable: fc.boolean(),
  keysOnly: rarely,
  countOnly: rarely,
  minModRevision: bound,
  maxModRevision: bound,
  minCreateRevision: bound,
  maxCreateRevision: bound,
});

export const putArbitrary: fc.Arbitrary<PutRequest> = fc
  .record({
    key,
    value,
    lease: fc.oneof(
      { weight: 15, arbitrary: fc.constant(0n) },
      { weight: 1, arbitrary: fc.constant(77n) },
    ),
    prevKv: fc.boolean(),
    ignoreValue: rarely,
    ignoreLease: rarely,
  })
  .map((request) => (request.ignoreValue ? { ...request, value: bytes("") } : request));

export const deleteRangeArbitrary: fc.Arbitrary<DeleteRangeRequest> = fc.record({
  key,
  rangeEnd,
  prevKv: fc.boolean(),
});

const compareArbitrary: fc.Arbitrary<Compare> = fc
  .record({
    result: fc.constantFrom("EQUAL", "GREATER", "LESS", "NOT_EQUAL"),
    target: fc.constantFrom("VERSION", "CREATE", "MOD", "VALUE", "LEASE"),
    key,
    rangeEnd,
    version: fc.integer({ min: 0, max: 3 }),
    createRevision: fc.integer({ min: 0, max: 12 }),
    modRevision: fc.integer({ min: 0, max: 12 }),
    value,
    lease: fc.constantFrom(0n, 1n),
  })
  // The wire carries one of the five; the others are zero.
  .map((compare) => ({
    ...compare,
    version: compare.target === "VERSION" ? compare.version : 0,
    createRevision: compare.target === "CREATE" ? compare.createRevision : 0,
    modRevision: compare.target === "MOD" ? compare.modRevision : 0,
    value: compare.target === "VALUE" ? compare.value : bytes(""),
    lease: compare.target === "LEASE" ? compare.lease : 0n,
  }));

function opsArbitrary(depth: number): fc.Arbitrary<RequestOp[]> {
  const leaves: fc.WeightedArbitrary<RequestOp>[] = [
    { weight: 3, arbitrary: rangeArbitrary.map((request) => ({ kind: "range", request })) },
    { weight: 5, arbitrary: putArbitrary.map((request) => ({ kind: "put", request })) },
    {
      weight: 2,
      arbitrary: deleteRangeArbitrary.map((request) => ({ kind: "delete-range", request })),
    },
  ];
  if (depth > 0) {
    const nested = txnArbitraryOf(depth - 1);
    leaves.push({ weight: 3, arbitrary: nested.map((request) => ({ kind: "txn", request })) });
  }
  return fc.array(fc.oneof(...leaves), { maxLength: 4 });
}

function txnArbitraryOf(depth: number): fc.Arbitrary<TxnRequest> {
  return fc.record({
    compare: fc.array(compareArbitrary, { maxLength: 2 }),
    success: opsArbitrary(depth),
    failure: opsArbitrary(depth),
  });
}

export const txnArbitrary: fc.Arbitrary<TxnRequest> = txnArbitraryOf(2);

/** Any request; reads are rarer than writes. */
export const requestArbitrary: fc.Arbitrary<Exclude<RequestOp, { kind: "none" }>> = fc.oneof(
  {
    weight: 3,
    arbitrary: rangeArbitrary.map((request) => ({ kind: "range" as const, request })),
  },
  { weight: 5, arbitrary: putArbitrary.map((request) => ({ kind: "put" as const, request })) },
  {
    weight: 2,
    arbitrary: deleteRangeArbitrary.map((request) => ({ kind: "delete-range" as const, request })),
  },
  { weight: 5, arbitrary: txnArbitrary.map((request) => ({ kind: "txn" as const, request })) },
);
