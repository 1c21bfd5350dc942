/**
 * Requests to the store made short for tests: text in, every other field at its zero.
 */
import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../../src/proto/index.ts";

/** One byte per character. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The inverse of `bytes`. */
export function text(value: Uint8Array): string {
  return Array.from(value, (byte) => String.fromCharCode(byte)).join("");
}

export function rangeRequest(key: string, options: Partial<RangeRequest> = {}): RangeRequest {
  return {
    key: bytes(key),
    rangeEnd: bytes(""),
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

export function putRequest(key: string, value = "", options: Partial<PutRequest> = {}): PutRequest {
  return {
    key: bytes(key),
    value: bytes(value),
    lease: 0n,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
    ...options,
  };
}

export function deleteRangeRequest(
  key: string,
  rangeEnd = "",
  options: Partial<DeleteRangeRequest> = {},
): DeleteRangeRequest {
  return { key: bytes(key), rangeEnd: bytes(rangeEnd), prevKv: false, ...options };
}

export function compareRequest(key: string, options: Partial<Compare> = {}): Compare {
  return {
    result: "EQUAL",
    target: "VERSION",
    key: bytes(key),
    rangeEnd: bytes(""),
    version: 0,
    createRevision: 0,
    modRevision: 0,
    value: bytes(""),
    lease: 0n,
    ...options,
  };
}

export function txnRequest(
  success: RequestOp[],
  failure: RequestOp[] = [],
  compare: Compare[] = [],
): TxnRequest {
  return { compare, success, failure };
}

/** The operations of a transaction, with the same arguments as the requests. */
export const op = {
  range: (...of: Parameters<typeof rangeRequest>): RequestOp => ({
    kind: "range",
    request: rangeRequest(...of),
  }),
  put: (...of: Parameters<typeof putRequest>): RequestOp => ({
    kind: "put",
    request: putRequest(...of),
  }),
  deleteRange: (...of: Parameters<typeof deleteRangeRequest>): RequestOp => ({
    kind: "delete-range",
    request: deleteRangeRequest(...of),
  }),
  txn: (...of: Parameters<typeof txnRequest>): RequestOp => ({
    kind: "txn",
    request: txnRequest(...of),
  }),
};
