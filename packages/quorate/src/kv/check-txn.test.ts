import { describe, expect, it } from "vitest";
import {
  bytes,
  compareRequest,
  deleteRangeRequest,
  op,
  putRequest,
  rangeRequest,
  txnRequest,
} from "../../test/support/kv-requests.ts";
import type { RequestOp, TxnRequest } from "../proto/index.ts";
import {
  checkDeleteRange,
  checkPut,
  checkRange,
  checkTxn,
  defaultKvLimits,
  isReadOnly,
  isSerializable,
  kvErrors,
} from "./index.ts";

const limits = { txnOpsMax: 4 };
const many = (count: number): RequestOp[] => Array.from({ length: count }, () => op.range("r"));
const none: RequestOp = { kind: "none" };

describe("checks of single requests", () => {
  it("refuse an empty key", () => {
    expect(checkRange(rangeRequest(""))).toBe(kvErrors.emptyKey);
    expect(checkPut(putRequest(""))).toBe(kvErrors.emptyKey);
    expect(checkDeleteRange(deleteRangeRequest("", "\0"))).toBe(kvErrors.emptyKey);
    expect(checkRange(rangeRequest("\0"))).toBeNull();
    expect(checkDeleteRange(deleteRangeRequest("\0"))).toBeNull();
  });

  it("refuse a value or lease beside the wish to keep the old one", () => {
    const ignoreValue = { ignoreValue: true };
    const ignoreLease = { ignoreLease: true, lease: 1n };
    expect(checkPut(putRequest("a", "v", ignoreValue))).toBe(kvErrors.valueProvided);
    expect(checkPut(putRequest("a", "v", ignoreLease))).toBe(kvErrors.leaseProvided);
    const both = { ...ignoreValue, ...ignoreLease };
    expect(checkPut(putRequest("a", "v", both))).toBe(kvErrors.valueProvided);
    expect(checkPut(putRequest("", "v", both))).toBe(kvErrors.emptyKey);
    expect(checkPut(putRequest("a", "", { ignoreValue: true, ignoreLease: true }))).toBeNull();
    expect(checkPut(putRequest("a", "", { lease: 9n }))).toBeNull();
  });
});

describe("checkTxn: operations", () => {
  const nested = (depth: number): RequestOp =>
    depth === 0 ? op.range("r") : op.txn([nested(depth - 1)]);

  it.each<[string, TxnRequest, unknown]>([
    ["nothing", txnRequest([]), null],
    ["as many as allowed", txnRequest(many(4), many(4)), null],
    ["one too many if it holds", txnRequest(many(5)), kvErrors.tooManyOps],
    ["one too many if not", txnRequest([], many(5)), kvErrors.tooManyOps],
    [
      "one compare too many",
      txnRequest(
        [],
        [],
        Array.from({ length: 5 }, () => compareRequest("a")),
      ),
      kvErrors.tooManyOps,
    ],
    ["nested: what the longest list left", txnRequest([op.txn(many(3))]), null],
    ["nested: one more", txnRequest([op.txn(many(4))]), kvErrors.tooManyOps],
    [
      "nested: the other branch counts",
      txnRequest([op.txn(many(3))], many(2)),
      kvErrors.tooManyOps,
    ],
    ["nested: each has the same", txnRequest([op.txn(many(2)), op.txn(many(2))]), null],
    ["nesting as deep as the budget", txnRequest([nested(3)]), null],
    ["nesting deeper", txnRequest([nested(4)]), kvErrors.tooManyOps],
    [
      "too many comes before an empty key",
      txnRequest([op.put(""), ...many(4)]),
      kvErrors.tooManyOps,
    ],
    ["an empty key in a compare", txnRequest([none], [], [compareRequest("")]), kvErrors.emptyKey],
    ["an empty key in a put", txnRequest([op.put("")]), kvErrors.emptyKey],
    ["an empty key in the other branch", txnRequest([], [op.range("")]), kvErrors.emptyKey],
    ["an empty key below", txnRequest([op.txn([], [op.deleteRange("")])]), kvErrors.emptyKey],
    ["an empty operation", txnRequest([op.put("a"), none]), kvErrors.keyNotFound],
    [
      "an empty operation before a later empty key",
      txnRequest([none, op.put("")]),
      kvErrors.keyNotFound,
    ],
    ["an empty operation below", txnRequest([op.txn([none])]), kvErrors.keyNotFound],
    [
      "a put's own check",
      txnRequest([op.put("a", "v", { ignoreValue: true })]),
      kvErrors.valueProvided,
    ],
    [
      "its own check before duplicates",
      txnRequest([op.put("a"), op.put("a"), none]),
      kvErrors.keyNotFound,
    ],
  ])("%s", (_title, request, expected) => {
    expect(checkTxn(request, limits)).toBe(expected);
  });

  it("allows 128 by default", () => {
    expect(checkTxn(txnRequest(many(128)), defaultKvLimits)).toBeNull();
    expect(checkTxn(txnRequest(many(129)), defaultKvLimits)).toBe(kvErrors.tooManyOps);
  });
});

/** Measured against etcd 3.4.23, the surprising ones too. */
describe("checkTxn: duplicate keys", () => {
  const a = op.put("a");
  const deleteA = op.deleteRange("a");

  it.each<[string, RequestOp[], boolean]>([
    ["two keys", [a, op.put("b")], false],
    ["one key twice", [a, a], true],
    ["a put and a delete of it", [a, deleteA], true],
    ["a delete and a put of it", [deleteA, a], true],
    ["a put in a deleted range", [op.put("b"), op.deleteRange("a", "c")], true],
    ["a put at the end of a deleted range", [op.put("c"), op.deleteRange("a", "c")], false],
    ["a put with a range that deletes nothing", [a, op.deleteRange("a", "a")], false],
    ["a put with an open-ended delete", [op.put("b"), op.deleteRange("a", "\0")], false],
    ["overlapping deletes", [op.deleteRange("a", "c"), op.deleteRange("b", "d"), deleteA], false],
    ["a put and a range over it", [a, op.range("a")], false],
    ["a put and a nested put", [op.txn([a]), a], true],
    ["a put and a nested put in the other branch", [op.txn([], [a]), a], true],
    ["a put, and then a nested one", [a, op.txn([a])], true],
    ["two nested puts", [op.txn([a]), op.txn([a])], true],
    ["the two branches of a nested one", [op.txn([a], [a])], false],
    ["the two branches of a nested one, and another", [op.txn([a], [a]), op.txn([], [a])], true],
    ["a nested put, deleted outside", [op.txn([a]), deleteA], true],
    ["a nested delete, put outside", [op.txn([deleteA]), a], true],
    ["a nested delete, put in a later nested one", [op.txn([deleteA]), op.txn([a])], true],
    ["a nested put, deleted in a later nested one", [op.txn([a]), op.txn([deleteA])], false],
    ["deleted in one branch, put in the other", [op.txn([deleteA], [a])], false],
    ["put in one branch, deleted in the other", [op.txn([a], [deleteA])], false],
    ["twice, two levels down", [op.txn([op.txn([a, a])])], true],
    ["levels apart", [op.txn([op.txn([a])]), op.txn([], [op.txn([], [a])])], true],
  ])("%s", (_title, ops, isDuplicate) => {
    const expected = isDuplicate ? kvErrors.duplicateKey : null;
    expect(checkTxn(txnRequest(ops), defaultKvLimits)).toBe(expected);
    expect(checkTxn(txnRequest([], ops), defaultKvLimits)).toBe(expected);
  });

  it("does not set the two branches against each other", () => {
    expect(checkTxn(txnRequest([a], [a, op.put("b")]), defaultKvLimits)).toBeNull();
  });
});

describe("isReadOnly, isSerializable", () => {
  const serializable = op.range("a", { serializable: true });

  it.each<[string, TxnRequest, boolean, boolean]>([
    ["nothing", txnRequest([]), true, true],
    ["only compares", txnRequest([], [], [compareRequest("a")]), true, true],
    ["linearizable ranges", txnRequest([op.range("a")]), true, false],
    ["serializable ranges", txnRequest([serializable], [serializable]), true, true],
    ["one linearizable range", txnRequest([serializable], [op.range("a")]), true, false],
    ["a put in a branch", txnRequest([serializable], [op.put("a")]), false, false],
    ["a delete", txnRequest([op.deleteRange("a", "a", { rangeEnd: bytes("b") })]), false, false],
    ["a nested one is a write to etcd", txnRequest([op.txn([serializable])]), false, false],
  ])("%s", (_title, request, readOnly, local) => {
    expect([isReadOnly(request), isSerializable(request)]).toEqual([readOnly, local]);
  });
});
