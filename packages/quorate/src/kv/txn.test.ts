import { describe, expect, it } from "vitest";
import {
  bytes,
  compareRequest,
  deleteRangeRequest,
  op,
  putRequest,
  rangeRequest,
  text,
  txnRequest,
} from "../../test/support/kv-requests.ts";
import type { RequestOp, TxnRequest, TxnResponse } from "../proto/index.ts";
import {
  createStore,
  deleteRange,
  hashStore,
  kvErrors,
  put,
  range,
  type Store,
  txn,
} from "./index.ts";

function storeWith(...keys: string[]): Store {
  const store = createStore();
  for (const key of keys) put(store, putRequest(key, "old"), false);
  return store;
}

/** Each answer in a few characters: kind, header revision, what it says. */
function summary(response: TxnResponse): string {
  const parts = response.responses.map((each) => {
    const revision = each.response.header?.revision;
    if (each.kind === "txn") return `txn@${revision}${summary(each.response)}`;
    if (each.kind === "put") return `put@${revision}`;
    if (each.kind === "delete-range") return `delete@${revision}:${each.response.deleted}`;
    const kvs = each.response.kvs.map(
      (kv) => `${text(kv.key)}=${text(kv.value)}@${kv.modRevision}`,
    );
    return `range@${revision}:${kvs.join(",")}`;
  });
  return `(${response.succeeded ? "then" : "else"}${parts.map((part) => ` ${part}`).join("")})`;
}

function run(store: Store, request: TxnRequest): string {
  const answer = txn(store, request, true);
  if (answer.kind === "kv-error") return answer.text;
  expect(answer.revision).toBe(store.revision);
  expect(answer.response.header).toBeNull();
  return `${answer.revision} ${summary(answer.response)}`;
}

const exists = compareRequest("a", { result: "GREATER" });

describe("txn", () => {
  it.each<[string, TxnRequest, string]>([
    ["nothing", txnRequest([]), "2 (then)"],
    ["the branch that holds", txnRequest([op.put("b")], [], [exists]), "3 (then put@3)"],
    [
      "the branch that does not",
      txnRequest([op.put("b")], [op.range("a")], [compareRequest("a")]),
      "2 (else range@2:a=old@2)",
    ],
    [
      "one revision for all writes, seen by later reads",
      txnRequest([
        op.range("b"),
        op.put("b", "1"),
        op.put("c", "2"),
        op.range("b", { rangeEnd: bytes("z") }),
      ]),
      "3 (then range@2: put@3 put@3 range@3:b=1@3,c=2@3)",
    ],
    [
      "a delete of nothing before and after a change",
      txnRequest([op.deleteRange("x"), op.put("b"), op.deleteRange("x")]),
      "3 (then delete@2:0 put@3 delete@3:0)",
    ],
    ["only a delete of nothing", txnRequest([op.deleteRange("x")]), "2 (then delete@2:0)"],
    [
      "a deleted key is gone for what follows",
      txnRequest([op.deleteRange("a"), op.range("a"), op.deleteRange("a")]),
      "3 (then delete@3:1 range@3: delete@3:0)",
    ],
    [
      "an old revision, read after a change",
      txnRequest([op.deleteRange("a"), op.range("a", { revision: 2 })]),
      "3 (then delete@3:1 range@3:a=old@2)",
    ],
    [
      "nested, whose own header is empty",
      txnRequest([op.put("b"), op.txn([op.range("b"), op.txn([op.put("c")])])]),
      "3 (then put@3 txn@0(then range@3:b=@3 txn@0(then put@3)))",
    ],
    [
      "nested compares look at the state before all",
      txnRequest([op.deleteRange("a"), op.txn([op.put("b")], [op.put("c")], [exists])]),
      "3 (then delete@3:1 txn@0(then put@3))",
    ],
    [
      "a nested put, then deleted by a later nested one",
      txnRequest([op.txn([op.put("b", "x")]), op.txn([op.deleteRange("b")]), op.range("b")]),
      "3 (then txn@0(then put@3) txn@0(then delete@3:1) range@3:)",
    ],
    [
      "an open-ended delete, then a put",
      txnRequest([op.deleteRange("\0", "\0"), op.put("a", "new"), op.range("a")]),
      "3 (then delete@3:1 put@3 range@3:a=new@3)",
    ],
  ])("%s", (_title, request, expected) => {
    expect(run(storeWith("a"), request)).toBe(expected);
  });

  it("keeps both versions of a key deleted and made anew in one revision", () => {
    const store = storeWith("a");
    run(store, txnRequest([op.deleteRange("\0", "\0"), op.put("a", "new")]));
    const changes: string[] = [];
    store.log.visitFrom(3, (version) => changes.push(`${text(version.key)} v${version.version}`));
    expect(changes).toEqual(["a v0", "a v1"]);
    put(store, putRequest("a", "newer"), true);
    expect(range(store, rangeRequest("a", { revision: 3 }))).toMatchObject({
      response: { kvs: [{ value: bytes("new"), createRevision: 3, version: 1 }] },
    });
    expect(range(store, rangeRequest("a", { revision: 2 }))).toMatchObject({
      response: { kvs: [{ value: bytes("old") }] },
    });
  });

  it("applies silently when the answer is not wanted", () => {
    const request = txnRequest([op.put("b"), op.txn([op.put("c")]), op.range("a")], [], [exists]);
    const asked = storeWith("a");
    const silent = storeWith("a");
    txn(asked, request, true);
    expect(txn(silent, request, false)).toEqual({
      kind: "txn",
      revision: 3,
      response: { header: null, succeeded: true, responses: [] },
    });
    expect(hashStore(silent)).toBe(hashStore(asked));
  });
});

describe("txn: refused at apply, with nothing changed", () => {
  const keep = op.put("x", "", { ignoreValue: true });
  const leased = op.put("y", "", { lease: 7n });
  const future = op.range("a", { revision: 3 });
  const before = op.put("b");

  it.each<[string, RequestOp[], unknown]>([
    ["a missing key to keep the value of", [before, keep], kvErrors.keyNotFound],
    [
      "a missing key to keep the lease of",
      [op.put("x", "v", { ignoreLease: true })],
      kvErrors.keyNotFound,
    ],
    ["an unknown lease", [before, leased], kvErrors.leaseNotFound],
    [
      "of one put, the key before the lease",
      [op.put("x", "", { ignoreValue: true, lease: 7n })],
      kvErrors.keyNotFound,
    ],
    ["of several, the first put", [leased, keep], kvErrors.leaseNotFound],
    ["a future revision", [before, future], kvErrors.futureRevision],
    ["a compacted revision", [before, op.range("a", { revision: 1 })], kvErrors.compacted],
    ["a negative revision", [op.range("a", { revision: -1 })], kvErrors.compacted],
    ["puts before ranges", [future, op.txn([keep])], kvErrors.keyNotFound],
    ["a nested range", [before, op.txn([op.txn([future])])], kvErrors.futureRevision],
    [
      "a key that the transaction deletes first",
      [op.deleteRange("\0", "\0"), op.put("a", "", { ignoreValue: true })],
      kvErrors.keyNotFound,
    ],
    ["an empty operation", [before, { kind: "none" }], kvErrors.keyNotFound],
  ])("%s", (_title, ops, refusal) => {
    const store = storeWith("a");
    store.compactedRevision = 2;
    const hash = hashStore(store);
    expect(txn(store, txnRequest(ops), true)).toBe(refusal);
    expect(txn(store, txnRequest([op.txn(ops)]), false)).toBe(refusal);
    expect(hashStore(store)).toBe(hash);
    expect(store.revision).toBe(2);
  });

  it("does not look at the branch that is not taken", () => {
    const store = storeWith("a");
    expect(run(store, txnRequest([before], [keep, leased, future]))).toBe("3 (then put@3)");
  });

  it("takes a revision of -1 as the newest while nothing was compacted, as etcd does", () => {
    const request = (revision: number) => txnRequest([op.range("a", { revision })]);
    expect(run(storeWith("a"), request(-1))).toBe("2 (then range@2:a=old@2)");
    expect(run(storeWith("a"), request(-2))).toBe(kvErrors.compacted.text);
  });

  it("counts a key made earlier in the transaction as there", () => {
    const store = storeWith();
    const request = txnRequest([op.put("x", "v"), keep, op.range("x")]);
    expect(run(store, request)).toBe("2 (then put@2 put@2 range@2:x=v@2)");
    deleteRange(store, deleteRangeRequest("x"), false);
    const again = txnRequest([op.deleteRange("a", "z"), op.put("x", "w"), keep, op.range("x")]);
    expect(run(store, again)).toBe("4 (then delete@3:0 put@4 put@4 range@4:x=w@4)");
    const deleted = txnRequest([op.put("x"), op.deleteRange("w", "y"), keep]);
    expect(run(store, deleted)).toBe(kvErrors.keyNotFound.text);
  });
});
