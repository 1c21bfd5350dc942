/**
 * A deliberately dumb twin of the store: a full copy of all keys for every revision, linear scans,
 * transactions on a copy. Slow, and simple enough to be believed.
 */
import type {
  Compare,
  DeleteRangeRequest,
  KeyValue,
  PutRequest,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseOp,
  TxnRequest,
} from "../../src/proto/index.ts";
import { bytes, text } from "./kv-requests.ts";

export type TwinAnswer = { revision: number; response: ResponseOp["response"] } | { error: string };

/** All keys at one revision, ascending. */
type State = readonly KeyValue[];

const refuse = (fact: string) => ({ error: `etcdserver: ${fact}` });
const keyNotFound = refuse("key not found");
const leaseNotFound = refuse("requested lease not found");
const future = refuse("mvcc: required revision is a future revision");
const compacted = refuse("mvcc: required revision has been compacted");

export class KvTwin {
  /** states[r] is the state at revision r. */
  #states: State[] = [[], []];

  get revision(): number {
    return this.#states.length - 1;
  }

  get keyCount(): number {
    return this.#newest().length;
  }

  apply(op: Exclude<RequestOp, { kind: "none" }>): TwinAnswer {
    switch (op.kind) {
      case "range":
        if (op.request.revision > this.revision) return future;
        return { revision: this.revision, response: this.#range(this.#newest(), op.request) };
      case "put":
        if (op.request.lease !== 0n) return leaseNotFound;
        if (lacksKey(this.#newest(), op.request)) return keyNotFound;
        return this.#commit((draft) => draft.put(op.request));
      case "delete-range":
        return this.#commit((draft) => draft.deleteRange(op.request));
      case "txn":
        return this.#txn(op.request);
      default:
        return op satisfies never;
    }
  }

  #newest(): State {
    return this.#states[this.revision] ?? [];
  }

  #txn(request: TxnRequest): TwinAnswer {
    const path = flatten(this.#newest(), request);
    // Dress rehearsal on a copy: a put that lacks its key refuses all.
    const rehearsal = new Draft(this.#newest(), this.revision);
    for (const op of path) {
      if (op.kind === "delete-range") rehearsal.deleteRange(op.request);
      if (op.kind !== "put") continue;
      if (lacksKey(rehearsal.state, op.request)) return keyNotFound;
      if (op.request.lease !== 0n) return leaseNotFound;
      rehearsal.put(op.request);
    }
    for (const op of path) {
      if (op.kind !== "range") continue;
      if (op.request.revision > this.revision) return future;
      if (op.request.revision < -1) return compacted;
    }
    return this.#commit((draft) => this.#runTxn(draft, request, this.#newest()));
  }

  #runTxn(draft: Draft, request: TxnRequest, before: State) {
    const succeeded = request.compare.every((compare) => holds(before, compare));
    const branch = succeeded ? request.success : request.failure;
    const responses = branch.map((op): ResponseOp => {
      const header = () => ({
        clusterId: 0n,
        memberId: 0n,
        revision: op.kind === "txn" ? 0 : draft.revision,
        raftTerm: 0,
      });
      switch (op.kind) {
        case "range": {
          const response = this.#range(draft.state, op.request);
          return { kind: "range", response: { ...response, header: header() } };
        }
        case "put": {
          const response = draft.put(op.request);
          return { kind: "put", response: { ...response, header: header() } };
        }
        case "delete-range": {
          const response = draft.deleteRange(op.request);
          return { kind: "delete-range", response: { ...response, header: header() } };
        }
        case "txn": {
          const response = this.#runTxn(draft, op.request, before);
          return { kind: "txn", response: { ...response, header: header() } };
        }
        default:
          throw new Error("the twin is not given empty operations");
      }
    });
    return { header: null, succeeded, responses };
  }

  #commit(run: (draft: Draft) => ResponseOp["response"]): TwinAnswer {
    const draft = new Draft(this.#newest(), this.revision);
    const response = run(draft);
    if (draft.isChanged) this.#states.push(draft.state);
    return { revision: this.revision, response };
  }

  #range(newest: State, request: RangeRequest): RangeResponse {
    const state = request.revision > 0 ? (this.#states[request.revision] ?? []) : newest;
    const inRange = state.filter((kv) => isIn(kv.key, request.key, request.rangeEnd));
    const count = inRange.length;
    if (request.countOnly) return { header: null, kvs: [], more: false, count };
    const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
    const isBounded =
      minModRevision !== 0 ||
      maxModRevision !== 0 ||
      minCreateRevision !== 0 ||
      maxCreateRevision !== 0;
    let kvs = inRange.filter(
      (kv) =>
        (minModRevision === 0 || kv.modRevision >= minModRevision) &&
        (maxModRevision === 0 || kv.modRevision <= maxModRevision) &&
        (minCreateRevision === 0 || kv.createRevision >= minCreateRevision) &&
        (maxCreateRevision === 0 || kv.createRevision <= maxCreateRevision),
    );
    const isCutFirst = request.sortOrder === "NONE" && !isBounded && request.limit > 0;
    if (isCutFirst) kvs = kvs.slice(0, request.limit + 1);
    const direction = request.sortOrder === "DESCEND" ? -1 : 1;
    kvs.sort((a, b) => direction * bySortTarget(request, a, b));
    const more = request.limit > 0 && kvs.length > request.limit;
    if (more) kvs = kvs.slice(0, request.limit);
    if (request.keysOnly) kvs = kvs.map((kv) => ({ ...kv, value: bytes("") }));
    return { header: null, kvs, more, count };
  }
}

/** A state being changed; its revision is the next one as soon as anything is. */
class Draft {
  state: State;
  isChanged = false;
  readonly #before: number;

  constructor(state: State, before: number) {
    this.state = state;
    this.#before = before;
  }

  get revision(): number {
    return this.isChanged ? this.#before + 1 : this.#before;
  }

  put(request: PutRequest) {
    const old = this.state.find((kv) => isSame(kv.key, request.key));
    this.isChanged = true;
    const created: KeyValue = {
      key: request.key,
      createRevision: old?.createRevision ?? this.revision,
      modRevision: this.revision,
      version: (old?.version ?? 0) + 1,
      value: request.ignoreValue ? (old?.value ?? bytes("")) : request.value,
      lease: 0n,
    };
    this.state = [...this.state.filter((kv) => kv !== old), created].sort((a, b) =>
      compareTexts(text(a.key), text(b.key)),
    );
    return { header: null, prevKv: request.prevKv && old !== undefined ? old : null };
  }

  deleteRange(request: DeleteRangeRequest) {
    const gone = this.state.filter((kv) => isIn(kv.key, request.key, request.rangeEnd));
    this.state = this.state.filter((kv) => !gone.includes(kv));
    if (gone.length > 0) this.isChanged = true;
    return { header: null, deleted: gone.length, prevKvs: request.prevKv ? gone : [] };
  }
}

/** The operations that will run, in order, nested ones in place. */
function flatten(before: State, request: TxnRequest): RequestOp[] {
  const succeeded = request.compare.every((compare) => holds(before, compare));
  return (succeeded ? request.success : request.failure).flatMap((op) =>
    op.kind === "txn" ? flatten(before, op.request) : [op],
  );
}

function lacksKey(state: State, request: PutRequest): boolean {
  if (!request.ignoreValue && !request.ignoreLease) return false;
  return !state.some((kv) => isSame(kv.key, request.key));
}

function holds(state: State, compare: Compare): boolean {
  const kvs = state.filter((kv) => isIn(kv.key, compare.key, compare.rangeEnd));
  if (kvs.length === 0 && compare.target === "VALUE") return false;
  const fields = kvs.length === 0 ? [0] : kvs.map((kv) => difference(kv, compare));
  if (kvs.length === 0) {
    const wanted = compare.version + compare.createRevision + compare.modRevision;
    fields[0] = -wanted - Number(compare.lease);
  }
  return fields.every((field) => {
    if (compare.result === "EQUAL") return field === 0;
    if (compare.result === "NOT_EQUAL") return field !== 0;
    return compare.result === "GREATER" ? field > 0 : field < 0;
  });
}

function difference(kv: KeyValue, compare: Compare): number {
  if (compare.target === "VERSION") return kv.version - compare.version;
  if (compare.target === "CREATE") return kv.createRevision - compare.createRevision;
  if (compare.target === "MOD") return kv.modRevision - compare.modRevision;
  if (compare.target === "LEASE") return Number(kv.lease - compare.lease);
  return compareTexts(text(kv.value), text(compare.value));
}

function bySortTarget(request: RangeRequest, a: KeyValue, b: KeyValue): number {
  if (request.sortTarget === "VERSION") return a.version - b.version;
  if (request.sortTarget === "CREATE") return a.createRevision - b.createRevision;
  if (request.sortTarget === "MOD") return a.modRevision - b.modRevision;
  if (request.sortTarget === "VALUE") return compareTexts(text(a.value), text(b.value));
  return compareTexts(text(a.key), text(b.key));
}

function isIn(key: Uint8Array, from: Uint8Array, end: Uint8Array): boolean {
  if (end.length === 0) return isSame(key, from);
  if (text(key) < text(from)) return false;
  return text(end) === "\0" || text(key) < text(end);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return text(a) === text(b);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** A write of some branch: its place among the writes, and the branches it is in. */
interface Write {
  readonly kind: "put" | "delete";
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly branches: readonly { txn: RequestOp; isSuccess: boolean }[];
}

/**
 * Whether etcd would call the operations of a branch duplicate, by comparing every write with every
 * later one: direct deletes come first, then nested transactions, then direct puts.
 */
export function twinHasDuplicates(ops: readonly RequestOp[]): boolean {
  const writes = writesOf(ops, []);
  return writes.some((earlier, at) =>
    writes.slice(at + 1).some((later) => {
      if (later.kind !== "put" || areExclusive(earlier, later)) return false;
      if (earlier.kind === "put") return isSame(earlier.key, later.key);
      return text(earlier.rangeEnd) !== "\0" && isIn(later.key, earlier.key, earlier.rangeEnd);
    }),
  );
}

function writesOf(ops: readonly RequestOp[], branches: Write["branches"]): Write[] {
  const none = bytes("");
  const deletes = ops.flatMap((op): Write[] =>
    op.kind === "delete-range"
      ? [{ kind: "delete", key: op.request.key, rangeEnd: op.request.rangeEnd, branches }]
      : [],
  );
  const nested = ops.flatMap((op): Write[] =>
    op.kind === "txn"
      ? [
          ...writesOf(op.request.success, [...branches, { txn: op, isSuccess: true }]),
          ...writesOf(op.request.failure, [...branches, { txn: op, isSuccess: false }]),
        ]
      : [],
  );
  const puts = ops.flatMap((op): Write[] =>
    op.kind === "put" ? [{ kind: "put", key: op.request.key, rangeEnd: none, branches }] : [],
  );
  return [...deletes, ...nested, ...puts];
}

function areExclusive(a: Write, b: Write): boolean {
  return a.branches.some((one) =>
    b.branches.some((other) => one.txn === other.txn && one.isSuccess !== other.isSuccess),
  );
}
