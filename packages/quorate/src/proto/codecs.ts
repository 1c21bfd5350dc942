/**
 * Generated from `schema.ts` by `generate-codecs.ts`; do not edit.
 * To write it again: npx vitest run generate-codecs --project unit --update
 */

import type {
  ClusterMember,
  Compare,
  CompareResult,
  CompareTarget,
  DeleteRangeRequest,
  DeleteRangeResponse,
  HealthCheckRequest,
  HealthCheckResponse,
  KeyValue,
  MemberAddRequest,
  MemberAddResponse,
  MemberListRequest,
  MemberListResponse,
  MemberPromoteRequest,
  MemberPromoteResponse,
  MemberRemoveRequest,
  MemberRemoveResponse,
  MemberUpdateRequest,
  MemberUpdateResponse,
  MoveLeaderRequest,
  MoveLeaderResponse,
  OperatorAddAs,
  OperatorChange,
  OperatorMember,
  OperatorRequest,
  OperatorResponse,
  OperatorRole,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseHeader,
  ResponseOp,
  ServingStatus,
  SnapshotRequest,
  SnapshotResponse,
  SortOrder,
  SortTarget,
  StatusRequest,
  StatusResponse,
  TxnRequest,
  TxnResponse,
} from "./messages.ts";
import { emptyBytes, Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

const writer = new Writer();

const namesSortOrder: readonly SortOrder[] = ["NONE", "ASCEND", "DESCEND"];

const namesSortTarget: readonly SortTarget[] = ["KEY", "VERSION", "CREATE", "MOD", "VALUE"];

const namesCompareResult: readonly CompareResult[] = ["EQUAL", "GREATER", "LESS", "NOT_EQUAL"];

const namesCompareTarget: readonly CompareTarget[] = ["VERSION", "CREATE", "MOD", "VALUE", "LEASE"];

const namesOperatorChange: readonly OperatorChange[] = [
  "LIST",
  "ADD",
  "PROMOTE",
  "DEMOTE",
  "REMOVE",
  "REPLACE",
  "UPDATE",
];

const namesOperatorRole: readonly OperatorRole[] = ["VOTER", "LEARNER", "JOINING", "LEAVING"];

const namesOperatorAddAs: readonly OperatorAddAs[] = ["PROMOTED_LEARNER", "LEARNER", "VOTER"];

const namesServingStatus: readonly ServingStatus[] = [
  "UNKNOWN",
  "SERVING",
  "NOT_SERVING",
  "SERVICE_UNKNOWN",
];

const fieldsResponseHeader: ReadonlySet<number> = new Set([1, 2, 3, 4]);

const zeroResponseHeader: ResponseHeader = {
  clusterId: 0n,
  memberId: 0n,
  revision: 0,
  raftTerm: 0,
};

function readResponseHeader(
  reader: Reader,
  end: number,
  base = zeroResponseHeader,
): ResponseHeader {
  let clusterId: bigint = base.clusterId;
  let memberId: bigint = base.memberId;
  let revision: number = base.revision;
  let raftTerm: number = base.raftTerm;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        clusterId = reader.uint64Id();
        break;
      case 16:
        memberId = reader.uint64Id();
        break;
      case 24:
        revision = reader.int64();
        break;
      case 32:
        raftTerm = reader.uint64();
        break;
      default:
        reader.skip(tag, end, fieldsResponseHeader);
    }
  }
  reader.leave(end);
  return {
    clusterId,
    memberId,
    revision,
    raftTerm,
  };
}

function writeResponseHeader(message: ResponseHeader): void {
  if (message.raftTerm !== 0) writer.uint64(32, message.raftTerm);
  if (message.revision !== 0) writer.int64(24, message.revision);
  if (message.memberId !== 0n) writer.uint64Id(16, message.memberId);
  if (message.clusterId !== 0n) writer.uint64Id(8, message.clusterId);
}

/** @throws ProtoError if these are not a ResponseHeader. Its bytes fields are views. */
export function decodeResponseHeader(bytes: Uint8Array): ResponseHeader {
  const reader = new Reader(bytes, "ResponseHeader");
  return readResponseHeader(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeResponseHeader(message: ResponseHeader): Uint8Array {
  writer.begin();
  writeResponseHeader(message);
  return writer.finish();
}

const fieldsKeyValue: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6]);

const zeroKeyValue: KeyValue = {
  key: emptyBytes,
  createRevision: 0,
  modRevision: 0,
  version: 0,
  value: emptyBytes,
  lease: 0n,
};

function readKeyValue(reader: Reader, end: number, base = zeroKeyValue): KeyValue {
  let key: Uint8Array = base.key;
  let createRevision: number = base.createRevision;
  let modRevision: number = base.modRevision;
  let version: number = base.version;
  let value: Uint8Array = base.value;
  let lease: bigint = base.lease;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = reader.bytes(end);
        break;
      case 16:
        createRevision = reader.int64();
        break;
      case 24:
        modRevision = reader.int64();
        break;
      case 32:
        version = reader.int64();
        break;
      case 42:
        value = reader.bytes(end);
        break;
      case 48:
        lease = reader.int64Id();
        break;
      default:
        reader.skip(tag, end, fieldsKeyValue);
    }
  }
  reader.leave(end);
  return {
    key,
    createRevision,
    modRevision,
    version,
    value,
    lease,
  };
}

function writeKeyValue(message: KeyValue): void {
  if (message.lease !== 0n) writer.int64Id(48, message.lease);
  if (message.value.length > 0) writer.bytes(42, message.value);
  if (message.version !== 0) writer.int64(32, message.version);
  if (message.modRevision !== 0) writer.int64(24, message.modRevision);
  if (message.createRevision !== 0) writer.int64(16, message.createRevision);
  if (message.key.length > 0) writer.bytes(10, message.key);
}

/** @throws ProtoError if these are not a KeyValue. Its bytes fields are views. */
export function decodeKeyValue(bytes: Uint8Array): KeyValue {
  const reader = new Reader(bytes, "KeyValue");
  return readKeyValue(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeKeyValue(message: KeyValue): Uint8Array {
  writer.begin();
  writeKeyValue(message);
  return writer.finish();
}

const fieldsRangeRequest: ReadonlySet<number> = new Set([
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
]);

function readRangeRequest(reader: Reader, end: number): RangeRequest {
  let key: Uint8Array = emptyBytes;
  let rangeEnd: Uint8Array = emptyBytes;
  let limit = 0;
  let revision = 0;
  let sortOrder: SortOrder = "NONE";
  let sortTarget: SortTarget = "KEY";
  let serializable = false;
  let keysOnly = false;
  let countOnly = false;
  let minModRevision = 0;
  let maxModRevision = 0;
  let minCreateRevision = 0;
  let maxCreateRevision = 0;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = reader.bytes(end);
        break;
      case 18:
        rangeEnd = reader.bytes(end);
        break;
      case 24:
        limit = reader.int64();
        break;
      case 32:
        revision = reader.int64();
        break;
      case 40:
        sortOrder = reader.enumeration(namesSortOrder);
        break;
      case 48:
        sortTarget = reader.enumeration(namesSortTarget);
        break;
      case 56:
        serializable = reader.bool();
        break;
      case 64:
        keysOnly = reader.bool();
        break;
      case 72:
        countOnly = reader.bool();
        break;
      case 80:
        minModRevision = reader.int64();
        break;
      case 88:
        maxModRevision = reader.int64();
        break;
      case 96:
        minCreateRevision = reader.int64();
        break;
      case 104:
        maxCreateRevision = reader.int64();
        break;
      default:
        reader.skip(tag, end, fieldsRangeRequest);
    }
  }
  reader.leave(end);
  return {
    key,
    rangeEnd,
    limit,
    revision,
    sortOrder,
    sortTarget,
    serializable,
    keysOnly,
    countOnly,
    minModRevision,
    maxModRevision,
    minCreateRevision,
    maxCreateRevision,
  };
}

function writeRangeRequest(message: RangeRequest): void {
  if (message.maxCreateRevision !== 0) writer.int64(104, message.maxCreateRevision);
  if (message.minCreateRevision !== 0) writer.int64(96, message.minCreateRevision);
  if (message.maxModRevision !== 0) writer.int64(88, message.maxModRevision);
  if (message.minModRevision !== 0) writer.int64(80, message.minModRevision);
  if (message.countOnly) writer.true(72);
  if (message.keysOnly) writer.true(64);
  if (message.serializable) writer.true(56);
  writer.enumeration(48, message.sortTarget, namesSortTarget);
  writer.enumeration(40, message.sortOrder, namesSortOrder);
  if (message.revision !== 0) writer.int64(32, message.revision);
  if (message.limit !== 0) writer.int64(24, message.limit);
  if (message.rangeEnd.length > 0) writer.bytes(18, message.rangeEnd);
  if (message.key.length > 0) writer.bytes(10, message.key);
}

/** @throws ProtoError if these are not a RangeRequest. Its bytes fields are views. */
export function decodeRangeRequest(bytes: Uint8Array): RangeRequest {
  const reader = new Reader(bytes, "RangeRequest");
  return readRangeRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeRangeRequest(message: RangeRequest): Uint8Array {
  writer.begin();
  writeRangeRequest(message);
  return writer.finish();
}

const fieldsRangeResponse: ReadonlySet<number> = new Set([1, 2, 3, 4]);

function readRangeResponse(reader: Reader, end: number): RangeResponse {
  let header: ResponseHeader | null = null;
  const kvs: KeyValue[] = [];
  let more = false;
  let count = 0;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 18:
        kvs.push(readKeyValue(reader, reader.enter(end)));
        break;
      case 24:
        more = reader.bool();
        break;
      case 32:
        count = reader.int64();
        break;
      default:
        reader.skip(tag, end, fieldsRangeResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    kvs,
    more,
    count,
  };
}

function writeRangeResponse(message: RangeResponse): void {
  if (message.count !== 0) writer.int64(32, message.count);
  if (message.more) writer.true(24);
  for (const item of message.kvs.toReversed()) {
    const mark = writer.mark();
    writeKeyValue(item);
    writer.embed(18, mark);
  }
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a RangeResponse. Its bytes fields are views. */
export function decodeRangeResponse(bytes: Uint8Array): RangeResponse {
  const reader = new Reader(bytes, "RangeResponse");
  return readRangeResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeRangeResponse(message: RangeResponse): Uint8Array {
  writer.begin();
  writeRangeResponse(message);
  return writer.finish();
}

const fieldsPutRequest: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6]);

function readPutRequest(reader: Reader, end: number): PutRequest {
  let key: Uint8Array = emptyBytes;
  let value: Uint8Array = emptyBytes;
  let lease = 0n;
  let prevKv = false;
  let ignoreValue = false;
  let ignoreLease = false;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = reader.bytes(end);
        break;
      case 18:
        value = reader.bytes(end);
        break;
      case 24:
        lease = reader.int64Id();
        break;
      case 32:
        prevKv = reader.bool();
        break;
      case 40:
        ignoreValue = reader.bool();
        break;
      case 48:
        ignoreLease = reader.bool();
        break;
      default:
        reader.skip(tag, end, fieldsPutRequest);
    }
  }
  reader.leave(end);
  return {
    key,
    value,
    lease,
    prevKv,
    ignoreValue,
    ignoreLease,
  };
}

function writePutRequest(message: PutRequest): void {
  if (message.ignoreLease) writer.true(48);
  if (message.ignoreValue) writer.true(40);
  if (message.prevKv) writer.true(32);
  if (message.lease !== 0n) writer.int64Id(24, message.lease);
  if (message.value.length > 0) writer.bytes(18, message.value);
  if (message.key.length > 0) writer.bytes(10, message.key);
}

/** @throws ProtoError if these are not a PutRequest. Its bytes fields are views. */
export function decodePutRequest(bytes: Uint8Array): PutRequest {
  const reader = new Reader(bytes, "PutRequest");
  return readPutRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodePutRequest(message: PutRequest): Uint8Array {
  writer.begin();
  writePutRequest(message);
  return writer.finish();
}

const fieldsPutResponse: ReadonlySet<number> = new Set([1, 2]);

function readPutResponse(reader: Reader, end: number): PutResponse {
  let header: ResponseHeader | null = null;
  let prevKv: KeyValue | null = null;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 18:
        prevKv = readKeyValue(reader, reader.enter(end), prevKv ?? undefined);
        break;
      default:
        reader.skip(tag, end, fieldsPutResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    prevKv,
  };
}

function writePutResponse(message: PutResponse): void {
  if (message.prevKv !== null) {
    const mark = writer.mark();
    writeKeyValue(message.prevKv);
    writer.embed(18, mark);
  }
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a PutResponse. Its bytes fields are views. */
export function decodePutResponse(bytes: Uint8Array): PutResponse {
  const reader = new Reader(bytes, "PutResponse");
  return readPutResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodePutResponse(message: PutResponse): Uint8Array {
  writer.begin();
  writePutResponse(message);
  return writer.finish();
}

const fieldsDeleteRangeRequest: ReadonlySet<number> = new Set([1, 2, 3]);

function readDeleteRangeRequest(reader: Reader, end: number): DeleteRangeRequest {
  let key: Uint8Array = emptyBytes;
  let rangeEnd: Uint8Array = emptyBytes;
  let prevKv = false;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = reader.bytes(end);
        break;
      case 18:
        rangeEnd = reader.bytes(end);
        break;
      case 24:
        prevKv = reader.bool();
        break;
      default:
        reader.skip(tag, end, fieldsDeleteRangeRequest);
    }
  }
  reader.leave(end);
  return {
    key,
    rangeEnd,
    prevKv,
  };
}

function writeDeleteRangeRequest(message: DeleteRangeRequest): void {
  if (message.prevKv) writer.true(24);
  if (message.rangeEnd.length > 0) writer.bytes(18, message.rangeEnd);
  if (message.key.length > 0) writer.bytes(10, message.key);
}

/** @throws ProtoError if these are not a DeleteRangeRequest. Its bytes fields are views. */
export function decodeDeleteRangeRequest(bytes: Uint8Array): DeleteRangeRequest {
  const reader = new Reader(bytes, "DeleteRangeRequest");
  return readDeleteRangeRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeDeleteRangeRequest(message: DeleteRangeRequest): Uint8Array {
  writer.begin();
  writeDeleteRangeRequest(message);
  return writer.finish();
}

const fieldsDeleteRangeResponse: ReadonlySet<number> = new Set([1, 2, 3]);

function readDeleteRangeResponse(reader: Reader, end: number): DeleteRangeResponse {
  let header: ResponseHeader | null = null;
  let deleted = 0;
  const prevKvs: KeyValue[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 16:
        deleted = reader.int64();
        break;
      case 26:
        prevKvs.push(readKeyValue(reader, reader.enter(end)));
        break;
      default:
        reader.skip(tag, end, fieldsDeleteRangeResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    deleted,
    prevKvs,
  };
}

function writeDeleteRangeResponse(message: DeleteRangeResponse): void {
  for (const item of message.prevKvs.toReversed()) {
    const mark = writer.mark();
    writeKeyValue(item);
    writer.embed(26, mark);
  }
  if (message.deleted !== 0) writer.int64(16, message.deleted);
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a DeleteRangeResponse. Its bytes fields are views. */
export function decodeDeleteRangeResponse(bytes: Uint8Array): DeleteRangeResponse {
  const reader = new Reader(bytes, "DeleteRangeResponse");
  return readDeleteRangeResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeDeleteRangeResponse(message: DeleteRangeResponse): Uint8Array {
  writer.begin();
  writeDeleteRangeResponse(message);
  return writer.finish();
}

const fieldsCompare: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 8, 64]);

function readCompare(reader: Reader, end: number): Compare {
  let result: CompareResult = "EQUAL";
  let target: CompareTarget = "VERSION";
  let key: Uint8Array = emptyBytes;
  let version = 0;
  let createRevision = 0;
  let modRevision = 0;
  let value: Uint8Array = emptyBytes;
  let lease = 0n;
  let rangeEnd: Uint8Array = emptyBytes;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        result = reader.enumeration(namesCompareResult);
        break;
      case 16:
        target = reader.enumeration(namesCompareTarget);
        break;
      case 26:
        key = reader.bytes(end);
        break;
      case 32:
        createRevision = 0;
        modRevision = 0;
        value = emptyBytes;
        lease = 0n;
        version = reader.int64();
        break;
      case 40:
        version = 0;
        modRevision = 0;
        value = emptyBytes;
        lease = 0n;
        createRevision = reader.int64();
        break;
      case 48:
        version = 0;
        createRevision = 0;
        value = emptyBytes;
        lease = 0n;
        modRevision = reader.int64();
        break;
      case 58:
        version = 0;
        createRevision = 0;
        modRevision = 0;
        lease = 0n;
        value = reader.bytes(end);
        break;
      case 64:
        version = 0;
        createRevision = 0;
        modRevision = 0;
        value = emptyBytes;
        lease = reader.int64Id();
        break;
      case 514:
        rangeEnd = reader.bytes(end);
        break;
      default:
        reader.skip(tag, end, fieldsCompare);
    }
  }
  reader.leave(end);
  return {
    result,
    target,
    key,
    version,
    createRevision,
    modRevision,
    value,
    lease,
    rangeEnd,
  };
}

function writeCompare(message: Compare): void {
  if (message.rangeEnd.length > 0) writer.bytes(514, message.rangeEnd);
  if (message.target === "LEASE") writer.int64Id(64, message.lease);
  if (message.target === "VALUE") writer.bytes(58, message.value);
  if (message.target === "MOD") writer.int64(48, message.modRevision);
  if (message.target === "CREATE") writer.int64(40, message.createRevision);
  if (message.target === "VERSION") writer.int64(32, message.version);
  if (message.key.length > 0) writer.bytes(26, message.key);
  writer.enumeration(16, message.target, namesCompareTarget);
  writer.enumeration(8, message.result, namesCompareResult);
}

/** @throws ProtoError if these are not a Compare. Its bytes fields are views. */
export function decodeCompare(bytes: Uint8Array): Compare {
  const reader = new Reader(bytes, "Compare");
  return readCompare(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeCompare(message: Compare): Uint8Array {
  writer.begin();
  writeCompare(message);
  return writer.finish();
}

const fieldsRequestOp: ReadonlySet<number> = new Set([1, 2, 3, 4]);

function readRequestOp(reader: Reader, end: number): RequestOp {
  let message: RequestOp = { kind: "none" };
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        message = {
          kind: "range",
          request: readRangeRequest(reader, reader.enter(end)),
        };
        break;
      case 18:
        message = {
          kind: "put",
          request: readPutRequest(reader, reader.enter(end)),
        };
        break;
      case 26:
        message = {
          kind: "delete-range",
          request: readDeleteRangeRequest(reader, reader.enter(end)),
        };
        break;
      case 34:
        message = {
          kind: "txn",
          request: readTxnRequest(reader, reader.enter(end)),
        };
        break;
      default:
        reader.skip(tag, end, fieldsRequestOp);
    }
  }
  reader.leave(end);
  return message;
}

function writeRequestOp(message: RequestOp): void {
  const mark = writer.mark();
  switch (message.kind) {
    case "range":
      writeRangeRequest(message.request);
      writer.embed(10, mark);
      break;
    case "put":
      writePutRequest(message.request);
      writer.embed(18, mark);
      break;
    case "delete-range":
      writeDeleteRangeRequest(message.request);
      writer.embed(26, mark);
      break;
    case "txn":
      writeTxnRequest(message.request);
      writer.embed(34, mark);
      break;
    case "none":
      break;
  }
}

/** @throws ProtoError if these are not a RequestOp. Its bytes fields are views. */
export function decodeRequestOp(bytes: Uint8Array): RequestOp {
  const reader = new Reader(bytes, "RequestOp");
  return readRequestOp(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeRequestOp(message: RequestOp): Uint8Array {
  writer.begin();
  writeRequestOp(message);
  return writer.finish();
}

const fieldsTxnRequest: ReadonlySet<number> = new Set([1, 2, 3]);

function readTxnRequest(reader: Reader, end: number): TxnRequest {
  const compare: Compare[] = [];
  const success: RequestOp[] = [];
  const failure: RequestOp[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        compare.push(readCompare(reader, reader.enter(end)));
        break;
      case 18:
        success.push(readRequestOp(reader, reader.enter(end)));
        break;
      case 26:
        failure.push(readRequestOp(reader, reader.enter(end)));
        break;
      default:
        reader.skip(tag, end, fieldsTxnRequest);
    }
  }
  reader.leave(end);
  return {
    compare,
    success,
    failure,
  };
}

function writeTxnRequest(message: TxnRequest): void {
  for (const item of message.failure.toReversed()) {
    const mark = writer.mark();
    writeRequestOp(item);
    writer.embed(26, mark);
  }
  for (const item of message.success.toReversed()) {
    const mark = writer.mark();
    writeRequestOp(item);
    writer.embed(18, mark);
  }
  for (const item of message.compare.toReversed()) {
    const mark = writer.mark();
    writeCompare(item);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a TxnRequest. Its bytes fields are views. */
export function decodeTxnRequest(bytes: Uint8Array): TxnRequest {
  const reader = new Reader(bytes, "TxnRequest");
  return readTxnRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeTxnRequest(message: TxnRequest): Uint8Array {
  writer.begin();
  writeTxnRequest(message);
  return writer.finish();
}

const fieldsResponseOp: ReadonlySet<number> = new Set([1, 2, 3, 4]);

function readResponseOp(reader: Reader, end: number): ResponseOp {
  let message: ResponseOp | null = null;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        message = {
          kind: "range",
          response: readRangeResponse(reader, reader.enter(end)),
        };
        break;
      case 18:
        message = {
          kind: "put",
          response: readPutResponse(reader, reader.enter(end)),
        };
        break;
      case 26:
        message = {
          kind: "delete-range",
          response: readDeleteRangeResponse(reader, reader.enter(end)),
        };
        break;
      case 34:
        message = {
          kind: "txn",
          response: readTxnResponse(reader, reader.enter(end)),
        };
        break;
      default:
        reader.skip(tag, end, fieldsResponseOp);
    }
  }
  reader.leave(end);
  return message ?? reader.refuseEmpty("ResponseOp");
}

function writeResponseOp(message: ResponseOp): void {
  const mark = writer.mark();
  switch (message.kind) {
    case "range":
      writeRangeResponse(message.response);
      writer.embed(10, mark);
      break;
    case "put":
      writePutResponse(message.response);
      writer.embed(18, mark);
      break;
    case "delete-range":
      writeDeleteRangeResponse(message.response);
      writer.embed(26, mark);
      break;
    case "txn":
      writeTxnResponse(message.response);
      writer.embed(34, mark);
      break;
  }
}

/** @throws ProtoError if these are not a ResponseOp. Its bytes fields are views. */
export function decodeResponseOp(bytes: Uint8Array): ResponseOp {
  const reader = new Reader(bytes, "ResponseOp");
  return readResponseOp(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeResponseOp(message: ResponseOp): Uint8Array {
  writer.begin();
  writeResponseOp(message);
  return writer.finish();
}

const fieldsTxnResponse: ReadonlySet<number> = new Set([1, 2, 3]);

function readTxnResponse(reader: Reader, end: number): TxnResponse {
  let header: ResponseHeader | null = null;
  let succeeded = false;
  const responses: ResponseOp[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 16:
        succeeded = reader.bool();
        break;
      case 26:
        responses.push(readResponseOp(reader, reader.enter(end)));
        break;
      default:
        reader.skip(tag, end, fieldsTxnResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    succeeded,
    responses,
  };
}

function writeTxnResponse(message: TxnResponse): void {
  for (const item of message.responses.toReversed()) {
    const mark = writer.mark();
    writeResponseOp(item);
    writer.embed(26, mark);
  }
  if (message.succeeded) writer.true(16);
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a TxnResponse. Its bytes fields are views. */
export function decodeTxnResponse(bytes: Uint8Array): TxnResponse {
  const reader = new Reader(bytes, "TxnResponse");
  return readTxnResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeTxnResponse(message: TxnResponse): Uint8Array {
  writer.begin();
  writeTxnResponse(message);
  return writer.finish();
}

const fieldsClusterMember: ReadonlySet<number> = new Set([1, 2, 3, 4, 5]);

const zeroClusterMember: ClusterMember = {
  ID: 0n,
  name: "",
  peerURLs: [],
  clientURLs: [],
  isLearner: false,
};

function readClusterMember(reader: Reader, end: number, base = zeroClusterMember): ClusterMember {
  let ID: bigint = base.ID;
  let name: string = base.name;
  const peerURLs: string[] = [...base.peerURLs];
  const clientURLs: string[] = [...base.clientURLs];
  let isLearner: boolean = base.isLearner;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        ID = reader.uint64Id();
        break;
      case 18:
        name = reader.string(end);
        break;
      case 26:
        peerURLs.push(reader.string(end));
        break;
      case 34:
        clientURLs.push(reader.string(end));
        break;
      case 40:
        isLearner = reader.bool();
        break;
      default:
        reader.skip(tag, end, fieldsClusterMember);
    }
  }
  reader.leave(end);
  return {
    ID,
    name,
    peerURLs,
    clientURLs,
    isLearner,
  };
}

function writeClusterMember(message: ClusterMember): void {
  if (message.isLearner) writer.true(40);
  for (const item of message.clientURLs.toReversed()) writer.string(34, item);
  for (const item of message.peerURLs.toReversed()) writer.string(26, item);
  if (message.name.length > 0) writer.string(18, message.name);
  if (message.ID !== 0n) writer.uint64Id(8, message.ID);
}

/** @throws ProtoError if these are not a ClusterMember. Its bytes fields are views. */
export function decodeClusterMember(bytes: Uint8Array): ClusterMember {
  const reader = new Reader(bytes, "ClusterMember");
  return readClusterMember(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeClusterMember(message: ClusterMember): Uint8Array {
  writer.begin();
  writeClusterMember(message);
  return writer.finish();
}

const fieldsMemberListRequest: ReadonlySet<number> = new Set([1]);

function readMemberListRequest(reader: Reader, end: number): MemberListRequest {
  let linearizable = false;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        linearizable = reader.bool();
        break;
      default:
        reader.skip(tag, end, fieldsMemberListRequest);
    }
  }
  reader.leave(end);
  return {
    linearizable,
  };
}

function writeMemberListRequest(message: MemberListRequest): void {
  if (message.linearizable) writer.true(8);
}

/** @throws ProtoError if these are not a MemberListRequest. Its bytes fields are views. */
export function decodeMemberListRequest(bytes: Uint8Array): MemberListRequest {
  const reader = new Reader(bytes, "MemberListRequest");
  return readMemberListRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMemberListRequest(message: MemberListRequest): Uint8Array {
  writer.begin();
  writeMemberListRequest(message);
  return writer.finish();
}

const fieldsMemberListResponse: ReadonlySet<number> = new Set([1, 2]);

function readMemberListResponse(reader: Reader, end: number): MemberListResponse {
  let header: ResponseHeader | null = null;
  const members: ClusterMember[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 18:
        members.push(readClusterMember(reader, reader.enter(end)));
        break;
      default:
        reader.skip(tag, end, fieldsMemberListResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    members,
  };
}

function writeMemberListResponse(message: MemberListResponse): void {
  for (const item of message.members.toReversed()) {
    const mark = writer.mark();
    writeClusterMember(item);
    writer.embed(18, mark);
  }
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a MemberListResponse. Its bytes fields are views. */
export function decodeMemberListResponse(bytes: Uint8Array): MemberListResponse {
  const reader = new Reader(bytes, "MemberListResponse");
  return readMemberListResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMemberListResponse(message: MemberListResponse): Uint8Array {
  writer.begin();
  writeMemberListResponse(message);
  return writer.finish();
}

const fieldsMemberAddRequest: ReadonlySet<number> = new Set([1, 2]);

function readMemberAddRequest(reader: Reader, end: number): MemberAddRequest {
  const peerURLs: string[] = [];
  let isLearner = false;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        peerURLs.push(reader.string(end));
        break;
      case 16:
        isLearner = reader.bool();
        break;
      default:
        reader.skip(tag, end, fieldsMemberAddRequest);
    }
  }
  reader.leave(end);
  return {
    peerURLs,
    isLearner,
  };
}

function writeMemberAddRequest(message: MemberAddRequest): void {
  if (message.isLearner) writer.true(16);
  for (const item of message.peerURLs.toReversed()) writer.string(10, item);
}

/** @throws ProtoError if these are not a MemberAddRequest. Its bytes fields are views. */
export function decodeMemberAddRequest(bytes: Uint8Array): MemberAddRequest {
  const reader = new Reader(bytes, "MemberAddRequest");
  return readMemberAddRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMemberAddRequest(message: MemberAddRequest): Uint8Array {
  writer.begin();
  writeMemberAddRequest(message);
  return writer.finish();
}

const fieldsMemberAddResponse: ReadonlySet<number> = new Set([1, 2, 3]);

function readMemberAddResponse(reader: Reader, end: number): MemberAddResponse {
  let header: ResponseHeader | null = null;
  let member: ClusterMember | null = null;
  const members: ClusterMember[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 18:
        member = readClusterMember(reader, reader.enter(end), member ?? undefined);
        break;
      case 26:
        members.push(readClusterMember(reader, reader.enter(end)));
        break;
      default:
        reader.skip(tag, end, fieldsMemberAddResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    member,
    members,
  };
}

function writeMemberAddResponse(message: MemberAddResponse): void {
  for (const item of message.members.toReversed()) {
    const mark = writer.mark();
    writeClusterMember(item);
    writer.embed(26, mark);
  }
  if (message.member !== null) {
    const mark = writer.mark();
    writeClusterMember(message.member);
    writer.embed(18, mark);
  }
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a MemberAddResponse. Its bytes fields are views. */
export function decodeMemberAddResponse(bytes: Uint8Array): MemberAddResponse {
  const reader = new Reader(bytes, "MemberAddResponse");
  return readMemberAddResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMemberAddResponse(message: MemberAddResponse): Uint8Array {
  writer.begin();
  writeMemberAddResponse(message);
  return writer.finish();
}

const fieldsMemberRemoveRequest: ReadonlySet<number> = new Set([1]);

function readMemberRemoveRequest(reader: Reader, end: number): MemberRemoveRequest {
  let ID = 0n;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        ID = reader.uint64Id();
        break;
      default:
        reader.skip(tag, end, fieldsMemberRemoveRequest);
    }
  }
  reader.leave(end);
  return {
    ID,
  };
}

function writeMemberRemoveRequest(message: MemberRemoveRequest): void {
  if (message.ID !== 0n) writer.uint64Id(8, message.ID);
}

/** @throws ProtoError if these are not a MemberRemoveRequest. Its bytes fields are views. */
export function decodeMemberRemoveRequest(bytes: Uint8Array): MemberRemoveRequest {
  const reader = new Reader(bytes, "MemberRemoveRequest");
  return readMemberRemoveRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMemberRemoveRequest(message: MemberRemoveRequest): Uint8Array {
  writer.begin();
  writeMemberRemoveRequest(message);
  return writer.finish();
}

const fieldsMemberRemoveResponse: ReadonlySet<number> = new Set([1, 2]);

function readMemberRemoveResponse(reader: Reader, end: number): MemberRemoveResponse {
  let header: ResponseHeader | null = null;
  const members: ClusterMember[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 18:
        members.push(readClusterMember(reader, reader.enter(end)));
        break;
      default:
        reader.skip(tag, end, fieldsMemberRemoveResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    members,
  };
}

function writeMemberRemoveResponse(message: MemberRemoveResponse): void {
  for (const item of message.members.toReversed()) {
    const mark = writer.mark();
    writeClusterMember(item);
    writer.embed(18, mark);
  }
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a MemberRemoveResponse. Its bytes fields are views. */
export function decodeMemberRemoveResponse(bytes: Uint8Array): MemberRemoveResponse {
  const reader = new Reader(bytes, "MemberRemoveResponse");
  return readMemberRemoveResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMemberRemoveResponse(message: MemberRemoveResponse): Uint8Array {
  writer.begin();
  writeMemberRemoveResponse(message);
  return writer.finish();
}

const fieldsMemberUpdateRequest: ReadonlySet<number> = new Set([1, 2]);

function readMemberUpdateRequest(reader: Reader, end: number): MemberUpdateRequest {
  let ID = 0n;
  const peerURLs: string[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        ID = reader.uint64Id();
        break;
      case 18:
        peerURLs.push(reader.string(end));
        break;
      default:
        reader.skip(tag, end, fieldsMemberUpdateRequest);
    }
  }
  reader.leave(end);
  return {
    ID,
    peerURLs,
  };
}

function writeMemberUpdateRequest(message: MemberUpdateRequest): void {
  for (const item of message.peerURLs.toReversed()) writer.string(18, item);
  if (message.ID !== 0n) writer.uint64Id(8, message.ID);
}

/** @throws ProtoError if these are not a MemberUpdateRequest. Its bytes fields are views. */
export function decodeMemberUpdateRequest(bytes: Uint8Array): MemberUpdateRequest {
  const reader = new Reader(bytes, "MemberUpdateRequest");
  return readMemberUpdateRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMemberUpdateRequest(message: MemberUpdateRequest): Uint8Array {
  writer.begin();
  writeMemberUpdateRequest(message);
  return writer.finish();
}

const fieldsMemberUpdateResponse: ReadonlySet<number> = new Set([1, 2]);

function readMemberUpdateResponse(reader: Reader, end: number): MemberUpdateResponse {
  let header: ResponseHeader | null = null;
  const members: ClusterMember[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 18:
        members.push(readClusterMember(reader, reader.enter(end)));
        break;
      default:
        reader.skip(tag, end, fieldsMemberUpdateResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    members,
  };
}

function writeMemberUpdateResponse(message: MemberUpdateResponse): void {
  for (const item of message.members.toReversed()) {
    const mark = writer.mark();
    writeClusterMember(item);
    writer.embed(18, mark);
  }
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a MemberUpdateResponse. Its bytes fields are views. */
export function decodeMemberUpdateResponse(bytes: Uint8Array): MemberUpdateResponse {
  const reader = new Reader(bytes, "MemberUpdateResponse");
  return readMemberUpdateResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMemberUpdateResponse(message: MemberUpdateResponse): Uint8Array {
  writer.begin();
  writeMemberUpdateResponse(message);
  return writer.finish();
}

const fieldsMemberPromoteRequest: ReadonlySet<number> = new Set([1]);

function readMemberPromoteRequest(reader: Reader, end: number): MemberPromoteRequest {
  let ID = 0n;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        ID = reader.uint64Id();
        break;
      default:
        reader.skip(tag, end, fieldsMemberPromoteRequest);
    }
  }
  reader.leave(end);
  return {
    ID,
  };
}

function writeMemberPromoteRequest(message: MemberPromoteRequest): void {
  if (message.ID !== 0n) writer.uint64Id(8, message.ID);
}

/** @throws ProtoError if these are not a MemberPromoteRequest. Its bytes fields are views. */
export function decodeMemberPromoteRequest(bytes: Uint8Array): MemberPromoteRequest {
  const reader = new Reader(bytes, "MemberPromoteRequest");
  return readMemberPromoteRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMemberPromoteRequest(message: MemberPromoteRequest): Uint8Array {
  writer.begin();
  writeMemberPromoteRequest(message);
  return writer.finish();
}

const fieldsMemberPromoteResponse: ReadonlySet<number> = new Set([1, 2]);

function readMemberPromoteResponse(reader: Reader, end: number): MemberPromoteResponse {
  let header: ResponseHeader | null = null;
  const members: ClusterMember[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 18:
        members.push(readClusterMember(reader, reader.enter(end)));
        break;
      default:
        reader.skip(tag, end, fieldsMemberPromoteResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    members,
  };
}

function writeMemberPromoteResponse(message: MemberPromoteResponse): void {
  for (const item of message.members.toReversed()) {
    const mark = writer.mark();
    writeClusterMember(item);
    writer.embed(18, mark);
  }
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a MemberPromoteResponse. Its bytes fields are views. */
export function decodeMemberPromoteResponse(bytes: Uint8Array): MemberPromoteResponse {
  const reader = new Reader(bytes, "MemberPromoteResponse");
  return readMemberPromoteResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMemberPromoteResponse(message: MemberPromoteResponse): Uint8Array {
  writer.begin();
  writeMemberPromoteResponse(message);
  return writer.finish();
}

const fieldsOperatorRequest: ReadonlySet<number> = new Set([1, 2, 3, 4, 5]);

function readOperatorRequest(reader: Reader, end: number): OperatorRequest {
  let change: OperatorChange = "LIST";
  let member = "";
  let newMember = "";
  let address = "";
  let addAs: OperatorAddAs = "PROMOTED_LEARNER";
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        change = reader.enumeration(namesOperatorChange);
        break;
      case 18:
        member = reader.string(end);
        break;
      case 26:
        newMember = reader.string(end);
        break;
      case 34:
        address = reader.string(end);
        break;
      case 40:
        addAs = reader.enumeration(namesOperatorAddAs);
        break;
      default:
        reader.skip(tag, end, fieldsOperatorRequest);
    }
  }
  reader.leave(end);
  return {
    change,
    member,
    newMember,
    address,
    addAs,
  };
}

function writeOperatorRequest(message: OperatorRequest): void {
  writer.enumeration(40, message.addAs, namesOperatorAddAs);
  if (message.address.length > 0) writer.string(34, message.address);
  if (message.newMember.length > 0) writer.string(26, message.newMember);
  if (message.member.length > 0) writer.string(18, message.member);
  writer.enumeration(8, message.change, namesOperatorChange);
}

/** @throws ProtoError if these are not a OperatorRequest. Its bytes fields are views. */
export function decodeOperatorRequest(bytes: Uint8Array): OperatorRequest {
  const reader = new Reader(bytes, "OperatorRequest");
  return readOperatorRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeOperatorRequest(message: OperatorRequest): Uint8Array {
  writer.begin();
  writeOperatorRequest(message);
  return writer.finish();
}

const fieldsOperatorMember: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9]);

function readOperatorMember(reader: Reader, end: number): OperatorMember {
  let ID = 0n;
  let id = "";
  let name = "";
  let address = "";
  let role: OperatorRole = "VOTER";
  let isStarted = false;
  let isWaiting = false;
  let replaces = "";
  const clientURLs: string[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        ID = reader.uint64Id();
        break;
      case 18:
        id = reader.string(end);
        break;
      case 26:
        name = reader.string(end);
        break;
      case 34:
        address = reader.string(end);
        break;
      case 40:
        role = reader.enumeration(namesOperatorRole);
        break;
      case 48:
        isStarted = reader.bool();
        break;
      case 56:
        isWaiting = reader.bool();
        break;
      case 66:
        replaces = reader.string(end);
        break;
      case 74:
        clientURLs.push(reader.string(end));
        break;
      default:
        reader.skip(tag, end, fieldsOperatorMember);
    }
  }
  reader.leave(end);
  return {
    ID,
    id,
    name,
    address,
    role,
    isStarted,
    isWaiting,
    replaces,
    clientURLs,
  };
}

function writeOperatorMember(message: OperatorMember): void {
  for (const item of message.clientURLs.toReversed()) writer.string(74, item);
  if (message.replaces.length > 0) writer.string(66, message.replaces);
  if (message.isWaiting) writer.true(56);
  if (message.isStarted) writer.true(48);
  writer.enumeration(40, message.role, namesOperatorRole);
  if (message.address.length > 0) writer.string(34, message.address);
  if (message.name.length > 0) writer.string(26, message.name);
  if (message.id.length > 0) writer.string(18, message.id);
  if (message.ID !== 0n) writer.uint64Id(8, message.ID);
}

/** @throws ProtoError if these are not a OperatorMember. Its bytes fields are views. */
export function decodeOperatorMember(bytes: Uint8Array): OperatorMember {
  const reader = new Reader(bytes, "OperatorMember");
  return readOperatorMember(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeOperatorMember(message: OperatorMember): Uint8Array {
  writer.begin();
  writeOperatorMember(message);
  return writer.finish();
}

const fieldsOperatorResponse: ReadonlySet<number> = new Set([1, 2]);

function readOperatorResponse(reader: Reader, end: number): OperatorResponse {
  let header: ResponseHeader | null = null;
  const members: OperatorMember[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 18:
        members.push(readOperatorMember(reader, reader.enter(end)));
        break;
      default:
        reader.skip(tag, end, fieldsOperatorResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    members,
  };
}

function writeOperatorResponse(message: OperatorResponse): void {
  for (const item of message.members.toReversed()) {
    const mark = writer.mark();
    writeOperatorMember(item);
    writer.embed(18, mark);
  }
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a OperatorResponse. Its bytes fields are views. */
export function decodeOperatorResponse(bytes: Uint8Array): OperatorResponse {
  const reader = new Reader(bytes, "OperatorResponse");
  return readOperatorResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeOperatorResponse(message: OperatorResponse): Uint8Array {
  writer.begin();
  writeOperatorResponse(message);
  return writer.finish();
}

const fieldsStatusRequest: ReadonlySet<number> = new Set([]);

function readStatusRequest(reader: Reader, end: number): StatusRequest {
  while (reader.position < end) {
    const tag = reader.tag();
    reader.skip(tag, end, fieldsStatusRequest);
  }
  reader.leave(end);
  return {};
}

function writeStatusRequest(_message: StatusRequest): void {}

/** @throws ProtoError if these are not a StatusRequest. Its bytes fields are views. */
export function decodeStatusRequest(bytes: Uint8Array): StatusRequest {
  const reader = new Reader(bytes, "StatusRequest");
  return readStatusRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeStatusRequest(message: StatusRequest): Uint8Array {
  writer.begin();
  writeStatusRequest(message);
  return writer.finish();
}

const fieldsStatusResponse: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);

function readStatusResponse(reader: Reader, end: number): StatusResponse {
  let header: ResponseHeader | null = null;
  let version = "";
  let dbSize = 0;
  let leader = 0n;
  let raftIndex = 0;
  let raftTerm = 0;
  let raftAppliedIndex = 0;
  const errors: string[] = [];
  let dbSizeInUse = 0;
  let isLearner = false;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 18:
        version = reader.string(end);
        break;
      case 24:
        dbSize = reader.int64();
        break;
      case 32:
        leader = reader.uint64Id();
        break;
      case 40:
        raftIndex = reader.uint64();
        break;
      case 48:
        raftTerm = reader.uint64();
        break;
      case 56:
        raftAppliedIndex = reader.uint64();
        break;
      case 66:
        errors.push(reader.string(end));
        break;
      case 72:
        dbSizeInUse = reader.int64();
        break;
      case 80:
        isLearner = reader.bool();
        break;
      default:
        reader.skip(tag, end, fieldsStatusResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    version,
    dbSize,
    leader,
    raftIndex,
    raftTerm,
    raftAppliedIndex,
    errors,
    dbSizeInUse,
    isLearner,
  };
}

function writeStatusResponse(message: StatusResponse): void {
  if (message.isLearner) writer.true(80);
  if (message.dbSizeInUse !== 0) writer.int64(72, message.dbSizeInUse);
  for (const item of message.errors.toReversed()) writer.string(66, item);
  if (message.raftAppliedIndex !== 0) writer.uint64(56, message.raftAppliedIndex);
  if (message.raftTerm !== 0) writer.uint64(48, message.raftTerm);
  if (message.raftIndex !== 0) writer.uint64(40, message.raftIndex);
  if (message.leader !== 0n) writer.uint64Id(32, message.leader);
  if (message.dbSize !== 0) writer.int64(24, message.dbSize);
  if (message.version.length > 0) writer.string(18, message.version);
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a StatusResponse. Its bytes fields are views. */
export function decodeStatusResponse(bytes: Uint8Array): StatusResponse {
  const reader = new Reader(bytes, "StatusResponse");
  return readStatusResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeStatusResponse(message: StatusResponse): Uint8Array {
  writer.begin();
  writeStatusResponse(message);
  return writer.finish();
}

const fieldsMoveLeaderRequest: ReadonlySet<number> = new Set([1]);

function readMoveLeaderRequest(reader: Reader, end: number): MoveLeaderRequest {
  let targetID = 0n;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        targetID = reader.uint64Id();
        break;
      default:
        reader.skip(tag, end, fieldsMoveLeaderRequest);
    }
  }
  reader.leave(end);
  return {
    targetID,
  };
}

function writeMoveLeaderRequest(message: MoveLeaderRequest): void {
  if (message.targetID !== 0n) writer.uint64Id(8, message.targetID);
}

/** @throws ProtoError if these are not a MoveLeaderRequest. Its bytes fields are views. */
export function decodeMoveLeaderRequest(bytes: Uint8Array): MoveLeaderRequest {
  const reader = new Reader(bytes, "MoveLeaderRequest");
  return readMoveLeaderRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMoveLeaderRequest(message: MoveLeaderRequest): Uint8Array {
  writer.begin();
  writeMoveLeaderRequest(message);
  return writer.finish();
}

const fieldsMoveLeaderResponse: ReadonlySet<number> = new Set([1]);

function readMoveLeaderResponse(reader: Reader, end: number): MoveLeaderResponse {
  let header: ResponseHeader | null = null;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      default:
        reader.skip(tag, end, fieldsMoveLeaderResponse);
    }
  }
  reader.leave(end);
  return {
    header,
  };
}

function writeMoveLeaderResponse(message: MoveLeaderResponse): void {
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a MoveLeaderResponse. Its bytes fields are views. */
export function decodeMoveLeaderResponse(bytes: Uint8Array): MoveLeaderResponse {
  const reader = new Reader(bytes, "MoveLeaderResponse");
  return readMoveLeaderResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeMoveLeaderResponse(message: MoveLeaderResponse): Uint8Array {
  writer.begin();
  writeMoveLeaderResponse(message);
  return writer.finish();
}

const fieldsSnapshotRequest: ReadonlySet<number> = new Set([]);

function readSnapshotRequest(reader: Reader, end: number): SnapshotRequest {
  while (reader.position < end) {
    const tag = reader.tag();
    reader.skip(tag, end, fieldsSnapshotRequest);
  }
  reader.leave(end);
  return {};
}

function writeSnapshotRequest(_message: SnapshotRequest): void {}

/** @throws ProtoError if these are not a SnapshotRequest. Its bytes fields are views. */
export function decodeSnapshotRequest(bytes: Uint8Array): SnapshotRequest {
  const reader = new Reader(bytes, "SnapshotRequest");
  return readSnapshotRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeSnapshotRequest(message: SnapshotRequest): Uint8Array {
  writer.begin();
  writeSnapshotRequest(message);
  return writer.finish();
}

const fieldsSnapshotResponse: ReadonlySet<number> = new Set([1, 2, 3]);

function readSnapshotResponse(reader: Reader, end: number): SnapshotResponse {
  let header: ResponseHeader | null = null;
  let remainingBytes = 0;
  let blob: Uint8Array = emptyBytes;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        header = readResponseHeader(reader, reader.enter(end), header ?? undefined);
        break;
      case 16:
        remainingBytes = reader.uint64();
        break;
      case 26:
        blob = reader.bytes(end);
        break;
      default:
        reader.skip(tag, end, fieldsSnapshotResponse);
    }
  }
  reader.leave(end);
  return {
    header,
    remainingBytes,
    blob,
  };
}

function writeSnapshotResponse(message: SnapshotResponse): void {
  if (message.blob.length > 0) writer.bytes(26, message.blob);
  if (message.remainingBytes !== 0) writer.uint64(16, message.remainingBytes);
  if (message.header !== null) {
    const mark = writer.mark();
    writeResponseHeader(message.header);
    writer.embed(10, mark);
  }
}

/** @throws ProtoError if these are not a SnapshotResponse. Its bytes fields are views. */
export function decodeSnapshotResponse(bytes: Uint8Array): SnapshotResponse {
  const reader = new Reader(bytes, "SnapshotResponse");
  return readSnapshotResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeSnapshotResponse(message: SnapshotResponse): Uint8Array {
  writer.begin();
  writeSnapshotResponse(message);
  return writer.finish();
}

const fieldsHealthCheckRequest: ReadonlySet<number> = new Set([1]);

function readHealthCheckRequest(reader: Reader, end: number): HealthCheckRequest {
  let service = "";
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        service = reader.string(end);
        break;
      default:
        reader.skip(tag, end, fieldsHealthCheckRequest);
    }
  }
  reader.leave(end);
  return {
    service,
  };
}

function writeHealthCheckRequest(message: HealthCheckRequest): void {
  if (message.service.length > 0) writer.string(10, message.service);
}

/** @throws ProtoError if these are not a HealthCheckRequest. Its bytes fields are views. */
export function decodeHealthCheckRequest(bytes: Uint8Array): HealthCheckRequest {
  const reader = new Reader(bytes, "HealthCheckRequest");
  return readHealthCheckRequest(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeHealthCheckRequest(message: HealthCheckRequest): Uint8Array {
  writer.begin();
  writeHealthCheckRequest(message);
  return writer.finish();
}

const fieldsHealthCheckResponse: ReadonlySet<number> = new Set([1]);

function readHealthCheckResponse(reader: Reader, end: number): HealthCheckResponse {
  let status: ServingStatus = "UNKNOWN";
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        status = reader.enumeration(namesServingStatus);
        break;
      default:
        reader.skip(tag, end, fieldsHealthCheckResponse);
    }
  }
  reader.leave(end);
  return {
    status,
  };
}

function writeHealthCheckResponse(message: HealthCheckResponse): void {
  writer.enumeration(8, message.status, namesServingStatus);
}

/** @throws ProtoError if these are not a HealthCheckResponse. Its bytes fields are views. */
export function decodeHealthCheckResponse(bytes: Uint8Array): HealthCheckResponse {
  const reader = new Reader(bytes, "HealthCheckResponse");
  return readHealthCheckResponse(reader, reader.end);
}

/** @throws ProtoError if a number does not fit its field. */
export function encodeHealthCheckResponse(message: HealthCheckResponse): Uint8Array {
  writer.begin();
  writeHealthCheckResponse(message);
  return writer.finish();
}
