/**
 * Requests as etcd's JSON gateway takes them, and its answers as our messages: enough of it to
 * compare the store with etcd. Written by hand on purpose, apart from the gateway that it may test
 * one day.
 */
import type {
  Compare,
  KeyValue,
  RangeResponse,
  RequestOp,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from "../../src/proto/index.ts";

type Operation = Exclude<RequestOp, { kind: "none" }>;
type Response = ResponseOp["response"];

/** Any JSON object; fields are read by the names of etcd's API. */
type Json = { [field: string]: unknown };

/** The path below /v3/kv/ of each kind of request. */
export const gatewayPaths: { readonly [Kind in Operation["kind"]]: string } = {
  range: "range",
  put: "put",
  "delete-range": "deleterange",
  txn: "txn",
};

export function requestToJson(op: Operation): Json {
  const { request } = op;
  if (op.kind === "txn") return txnToJson(op.request);
  const json: Json = {};
  for (const [field, value] of Object.entries(request)) json[snakeCase(field)] = valueToJson(value);
  return json;
}

function txnToJson(request: TxnRequest): Json {
  return {
    compare: request.compare.map(compareToJson),
    success: request.success.map(opToJson),
    failure: request.failure.map(opToJson),
  };
}

const targetFields = {
  VERSION: "version",
  CREATE: "createRevision",
  MOD: "modRevision",
  VALUE: "value",
  LEASE: "lease",
} as const;

function compareToJson(compare: Compare): Json {
  const field = targetFields[compare.target];
  return {
    result: compare.result,
    target: compare.target,
    key: valueToJson(compare.key),
    range_end: valueToJson(compare.rangeEnd),
    [snakeCase(field)]: valueToJson(compare[field]),
  };
}

function opToJson(op: RequestOp): Json {
  if (op.kind === "none") return {};
  return { [`request_${snakeCase(op.kind)}`]: requestToJson(op) };
}

function valueToJson(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return value.length === 0 ? undefined : Buffer.from(value).toString("base64");
  }
  return typeof value === "bigint" ? String(value) : value;
}

function snakeCase(field: string): string {
  return field.replace(/-/g, "_").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A gateway's answer as our message, its header with the revision only. */
export function responseFromJson(kind: Operation["kind"], json: Json): Response {
  const header = {
    clusterId: 0n,
    memberId: 0n,
    revision: Number(objectOf(json["header"])["revision"] ?? 0),
    raftTerm: 0,
  };
  switch (kind) {
    case "range":
      return { header, ...rangeFromJson(json) };
    case "put":
      return { header, prevKv: json["prev_kv"] === undefined ? null : keyValue(json["prev_kv"]) };
    case "delete-range": {
      const prevKvs = listOf(json["prev_kvs"]).map(keyValue);
      return { header, deleted: Number(json["deleted"] ?? 0), prevKvs };
    }
    case "txn":
      return { header, ...txnFromJson(json) };
    default:
      return kind satisfies never;
  }
}

function rangeFromJson(json: Json): Omit<RangeResponse, "header"> {
  return {
    kvs: listOf(json["kvs"]).map(keyValue),
    more: json["more"] === true,
    count: Number(json["count"] ?? 0),
  };
}

function txnFromJson(json: Json): Omit<TxnResponse, "header"> {
  return {
    succeeded: json["succeeded"] === true,
    responses: listOf(json["responses"]).map(opFromJson),
  };
}

const kinds = Object.keys(gatewayPaths) as Operation["kind"][]; // the keys of the table above

function opFromJson(value: unknown): ResponseOp {
  const json = objectOf(value);
  const kind = kinds.find((each) => `response_${snakeCase(each)}` in json);
  if (kind === undefined) throw new Error(`an operation's answer of no kind: ${Object.keys(json)}`);
  const response = responseFromJson(kind, objectOf(json[`response_${snakeCase(kind)}`]));
  return { kind, response } as ResponseOp; // the response was made for this kind
}

function keyValue(value: unknown): KeyValue {
  const json = objectOf(value);
  return {
    key: bytesOf(json["key"]),
    createRevision: Number(json["create_revision"] ?? 0),
    modRevision: Number(json["mod_revision"] ?? 0),
    version: Number(json["version"] ?? 0),
    value: bytesOf(json["value"]),
    lease: BigInt(String(json["lease"] ?? 0)),
  };
}

function bytesOf(value: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(typeof value === "string" ? value : "", "base64"));
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {}; // JSON knows no other
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
