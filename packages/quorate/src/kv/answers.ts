/**
 * What the store answers. The message's own header is null: cluster, member and term are the
 * server's to fill, `revision` is the store's part of it. Answers inside a transaction carry a
 * header with the revision only, as etcd's do.
 */
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  TxnResponse,
} from "../proto/index.ts";

export interface RangeAnswer {
  readonly kind: "range";
  readonly revision: number;
  readonly response: RangeResponse;
}

export interface PutAnswer {
  readonly kind: "put";
  readonly revision: number;
  readonly response: PutResponse;
}

export interface DeleteRangeAnswer {
  readonly kind: "delete-range";
  readonly revision: number;
  readonly response: DeleteRangeResponse;
}

export interface TxnAnswer {
  readonly kind: "txn";
  readonly revision: number;
  readonly response: TxnResponse;
}

/** The header of an answer inside a transaction. */
export function innerHeader(revision: number): ResponseHeader {
  return { clusterId: 0n, memberId: 0n, revision, raftTerm: 0 };
}
