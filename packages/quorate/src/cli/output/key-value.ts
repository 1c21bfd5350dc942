/** Answers of the store as etcdctl prints them, in its two forms: `simple` and `json`. */
import type {
  DeleteRangeResponse,
  KeyValue,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  ResponseOp,
  TxnResponse,
} from "../../proto/index.ts";
import type { Terminal } from "../terminal.ts";
import { base64Of, type JsonValue, omitEmpty } from "./json.ts";

/** How a range is printed in the simple form. */
export interface RangeStyle {
  readonly countOnly: boolean;
  readonly valueOnly: boolean;
}

const plainStyle: RangeStyle = { countOnly: false, valueOnly: false };

export function printPut(terminal: Terminal, response: PutResponse): void {
  terminal.print("OK\n");
  if (response.prevKv !== null) printKeyValue(terminal, response.prevKv, plainStyle);
}

export function printRange(terminal: Terminal, response: RangeResponse, style: RangeStyle): void {
  if (style.countOnly) terminal.print(`${response.count}\n`);
  for (const kv of response.kvs) printKeyValue(terminal, kv, style);
}

export function printDelete(terminal: Terminal, response: DeleteRangeResponse): void {
  terminal.print(`${response.deleted}\n`);
  for (const kv of response.prevKvs) printKeyValue(terminal, kv, plainStyle);
}

export function printTxn(terminal: Terminal, response: TxnResponse): void {
  terminal.print(response.succeeded ? "SUCCESS\n" : "FAILURE\n");
  for (const op of response.responses) {
    terminal.print("\n");
    printOp(terminal, op);
  }
}

function printOp(terminal: Terminal, op: ResponseOp): void {
  switch (op.kind) {
    case "put":
      printPut(terminal, op.response);
      break;
    case "range":
      printRange(terminal, op.response, plainStyle);
      break;
    case "delete-range":
      printDelete(terminal, op.response);
      break;
    case "txn":
      printTxn(terminal, op.response);
      break;
    default:
      op satisfies never;
  }
}

/** Key and value are bytes and are printed as they are. */
function printKeyValue(terminal: Terminal, kv: KeyValue, style: RangeStyle): void {
  if (!style.valueOnly) {
    terminal.print(kv.key);
    terminal.print("\n");
  }
  terminal.print(kv.value);
  terminal.print("\n");
}

type JsonFields = Record<string, JsonValue>;

export function headerJson(header: ResponseHeader | null): JsonFields {
  if (header === null) return {};
  return omitEmpty({
    cluster_id: header.clusterId,
    member_id: header.memberId,
    revision: header.revision,
    raft_term: header.raftTerm,
  });
}

function keyValueJson(kv: KeyValue): JsonFields {
  return omitEmpty({
    key: base64Of(kv.key),
    create_revision: kv.createRevision,
    mod_revision: kv.modRevision,
    version: kv.version,
    value: base64Of(kv.value),
    lease: kv.lease,
  });
}

export function putJson(response: PutResponse): JsonFields {
  const { header, prevKv } = response;
  return {
    header: headerJson(header),
    ...(prevKv === null ? {} : { prev_kv: keyValueJson(prevKv) }),
  };
}

export function rangeJson(response: RangeResponse): JsonFields {
  const { header, kvs, more, count } = response;
  return { header: headerJson(header), ...omitEmpty({ kvs: kvs.map(keyValueJson), more, count }) };
}

export function deleteJson(response: DeleteRangeResponse): JsonFields {
  const { header, deleted, prevKvs } = response;
  const rest = omitEmpty({ deleted, prev_kvs: prevKvs.map(keyValueJson) });
  return { header: headerJson(header), ...rest };
}

export function txnJson(response: TxnResponse): JsonFields {
  const { header, succeeded, responses } = response;
  return {
    header: headerJson(header),
    ...omitEmpty({ succeeded, responses: responses.map(opJson) }),
  };
}

/** etcdctl prints the names of Go's wrapper types here. */
function opJson(op: ResponseOp): JsonFields {
  switch (op.kind) {
    case "put":
      return { Response: { ResponsePut: putJson(op.response) } };
    case "range":
      return { Response: { ResponseRange: rangeJson(op.response) } };
    case "delete-range":
      return { Response: { ResponseDeleteRange: deleteJson(op.response) } };
    case "txn":
      return { Response: { ResponseTxn: txnJson(op.response) } };
  }
}
