/**
 * The store against a real etcd: the same random requests, the same answers, revisions and
 * refusals. Needs Debian's `etcd-server`; on CI its absence is a failure.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireProgram } from "../../../../tools/debian-programs.ts";
import {
  checkDeleteRange,
  checkPut,
  checkRange,
  checkTxn,
  createStore,
  defaultKvLimits,
  deleteRange,
  type KvError,
  put,
  range,
  type Store,
  txn,
} from "../../src/kv/index.ts";
import type { RangeRequest, RequestOp, ResponseOp, TxnRequest } from "../../src/proto/index.ts";
import { type EtcdProcess, startEtcd } from "../support/etcd-process.ts";
import { requestArbitrary } from "../support/kv-arbitraries.ts";
import { gatewayPaths, requestToJson, responseFromJson } from "../support/kv-json.ts";

type Operation = Exclude<RequestOp, { kind: "none" }>;
type Answer = { response: ResponseOp["response"] } | { code: number; text: string };

const etcdProgram = requireProgram("etcd");
if (etcdProgram.kind === "missing") console.warn(`left out: ${etcdProgram.reason}`);

const codes: { readonly [Code in KvError["code"]]: number } = {
  InvalidArgument: 3,
  NotFound: 5,
  OutOfRange: 11,
};

/** As a server would: checks first, then the store, then the revision into the header. */
function answerOf(store: Store, op: Operation): Answer {
  const result = check(op) ?? apply(store, op);
  if (result.kind === "kv-error") return { code: codes[result.code], text: result.text };
  const { revision, response } = result;
  const header = { clusterId: 0n, memberId: 0n, revision, raftTerm: 0 };
  return { response: { ...response, header } };
}

function check(op: Operation): KvError | null {
  if (op.kind === "range") return checkRange(op.request);
  if (op.kind === "put") return checkPut(op.request);
  if (op.kind === "delete-range") return checkDeleteRange(op.request);
  return checkTxn(op.request, defaultKvLimits);
}

function apply(store: Store, op: Operation) {
  if (op.kind === "range") return range(store, op.request);
  if (op.kind === "put") return put(store, op.request, true);
  if (op.kind === "delete-range") return deleteRange(store, op.request, true);
  return txn(store, op.request, true);
}

async function etcdAnswerOf(etcd: EtcdProcess, op: Operation): Promise<Answer> {
  const answer = await fetch(`${etcd.clientUrl}/v3/kv/${gatewayPaths[op.kind]}`, {
    method: "POST",
    body: JSON.stringify(requestToJson(op)),
  });
  const json = (await answer.json()) as { [field: string]: unknown }; // the gateway's JSON objects
  if (typeof json["error"] === "string") return { code: Number(json["code"]), text: json["error"] };
  return { response: responseFromJson(op.kind, json) };
}

/** The small revisions of the random requests, moved to where the store is by now. */
function movedTo(store: Store, op: Operation): Operation {
  const move = (revision: number) =>
    revision > 0 && revision < 100 ? Math.max(1, store.revision - 9 + revision) : revision;
  const moveRange = (request: RangeRequest): RangeRequest => ({
    ...request,
    revision: move(request.revision),
    minModRevision: move(request.minModRevision),
    maxModRevision: move(request.maxModRevision),
    minCreateRevision: move(request.minCreateRevision),
    maxCreateRevision: move(request.maxCreateRevision),
  });
  const moveTxn = (request: TxnRequest): TxnRequest => ({
    compare: request.compare.map((compare) => ({
      ...compare,
      createRevision: move(compare.createRevision),
      modRevision: move(compare.modRevision),
    })),
    success: request.success.map(moveOp),
    failure: request.failure.map(moveOp),
  });
  const moveOp = (each: RequestOp): RequestOp => {
    if (each.kind === "range") return { kind: "range", request: moveRange(each.request) };
    return each.kind === "txn" ? { kind: "txn", request: moveTxn(each.request) } : each;
  };
  return moveOp(op) as Operation; // the kind stays
}

/** etcd 3.4 panics when a put keeps something of a key just removed by an open-ended delete. */
function panicsEtcd(op: Operation): boolean {
  if (op.kind !== "txn") return false;
  const all = (request: TxnRequest): RequestOp[] =>
    [...request.success, ...request.failure].flatMap((each) =>
      each.kind === "txn" ? all(each.request) : [each],
    );
  const ops = all(op.request);
  return (
    ops.some((each) => each.kind === "delete-range" && each.request.rangeEnd[0] === 0) &&
    ops.some(
      (each) => each.kind === "put" && (each.request.ignoreValue || each.request.ignoreLease),
    )
  );
}

describe.skipIf(etcdProgram.kind === "missing")("the store against etcd", () => {
  let etcd: EtcdProcess;

  beforeAll(async () => {
    etcd = await startEtcd();
  });

  afterAll(async () => {
    await etcd?.stop();
  });

  it("answers the same requests with the same answers", async () => {
    const store = createStore();
    const requests = fc.sample(requestArbitrary, { seed: 20_240_611, numRuns: 2_500 });
    let refusedCount = 0;
    for (const [at, request] of requests.entries()) {
      const op = movedTo(store, request);
      if (panicsEtcd(op)) continue;
      const expected = await etcdAnswerOf(etcd, op);
      const answer = answerOf(store, op);
      if ("text" in answer) refusedCount += 1;
      expect(answer, `request ${at}: ${JSON.stringify(requestToJson(op))}`).toEqual(expected);
    }
    // The random requests must have met something: many revisions, and refusals of all sorts.
    expect(store.revision).toBeGreaterThan(500);
    expect(refusedCount).toBeGreaterThan(100);
  });
});
