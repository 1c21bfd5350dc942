/**
 * etcd's KV service on the node. Writes: checked, then the client's bytes go into the log as they
 * came, and this member's own machine answers. Reads: confirmed with the leader unless
 * serializable, then answered here.
 *
 * @etcd server/etcdserver/v3_server.go, api/v3rpc/key.go
 */
import {
  type CommandKind,
  checkDeleteRange,
  checkPut,
  checkRange,
  checkTxn,
  defaultKvLimits,
  encodeCommand,
  isReadOnly,
  isSerializable,
  type KvError,
  range,
  txn,
} from "../kv/index.ts";
import {
  decodeDeleteRangeRequest,
  decodePutRequest,
  decodeRangeRequest,
  decodeTxnRequest,
  encodeDeleteRangeResponse,
  encodePutResponse,
  encodeRangeResponse,
  encodeTxnResponse,
  type RangeRequest,
  type TxnRequest,
} from "../proto/index.ts";
import type { Call, MethodTable } from "../rpc/index.ts";
import { type Backend, createHeader, type KvMachine, type KvResult } from "./backend.ts";
import { timeoutOf } from "./call-timeout.ts";
import { requestTooLarge, statusOfError, statusOfKvError } from "./server-errors.ts";

export function registerKv(methods: MethodTable, backend: Backend): void {
  methods.register("/etcdserverpb.KV/Range", {
    kind: "unary",
    handle: (request, call) => handleRange(backend, decodeRangeRequest(request), call),
  });
  methods.register("/etcdserverpb.KV/Put", {
    kind: "unary",
    handle: (request, call) =>
      write(backend, "put", request, checkPut(decodePutRequest(request)), call),
  });
  methods.register("/etcdserverpb.KV/DeleteRange", {
    kind: "unary",
    handle: (request, call) => {
      const refused = checkDeleteRange(decodeDeleteRangeRequest(request));
      write(backend, "delete-range", request, refused, call);
    },
  });
  methods.register("/etcdserverpb.KV/Txn", {
    kind: "unary",
    handle: (request, call) => handleTxn(backend, request, decodeTxnRequest(request), call),
  });
}

function handleRange(backend: Backend, request: RangeRequest, call: Call): void {
  const refused = checkRange(request);
  if (refused !== null) call.fail(statusOfKvError(refused));
  else read(backend, request.serializable, call, (machine) => range(machine.store, request));
}

/** A transaction of ranges only is a read: it makes no revision and needs no log entry. */
function handleTxn(backend: Backend, bytes: Uint8Array, request: TxnRequest, call: Call): void {
  const refused = checkTxn(request, defaultKvLimits);
  if (refused === null && isReadOnly(request)) {
    read(backend, isSerializable(request), call, ({ store }) => txn(store, request, true));
  } else {
    write(backend, "txn", bytes, refused, call);
  }
}

function read(
  backend: Backend,
  serializable: boolean,
  call: Call,
  run: (machine: KvMachine) => KvResult | ReturnType<typeof range>,
): void {
  const consistency = serializable ? "stale" : backend.consistency;
  const timeoutMs = timeoutOf(backend, call);
  backend.machines.kv.read(run, { consistency, timeoutMs }).then(
    (result) => answer(backend, result, call),
    (error: unknown) => call.fail(statusOfError(error)),
  );
}

function write(
  backend: Backend,
  kind: CommandKind,
  request: Uint8Array,
  refused: KvError | null,
  call: Call,
): void {
  if (refused !== null) {
    call.fail(statusOfKvError(refused));
    return;
  }
  if (request.length > backend.requestBytesMax) {
    call.fail(requestTooLarge);
    return;
  }
  const timeoutMs = timeoutOf(backend, call);
  backend.machines.kv.propose(encodeCommand(kind, request), { timeoutMs }).then(
    (result) => answer(backend, result, call),
    (error: unknown) => call.fail(statusOfError(error)),
  );
}

function answer(backend: Backend, result: KvResult | ReturnType<typeof range>, call: Call): void {
  if (result.kind === "kv-error") {
    call.fail(statusOfKvError(result));
    return;
  }
  const header = createHeader(backend, result.revision);
  switch (result.kind) {
    case "range":
      call.respond(encodeRangeResponse({ ...result.response, header }));
      break;
    case "put":
      call.respond(encodePutResponse({ ...result.response, header }));
      break;
    case "delete-range":
      call.respond(encodeDeleteRangeResponse({ ...result.response, header }));
      break;
    case "txn":
      call.respond(encodeTxnResponse({ ...result.response, header }));
      break;
    default:
      result satisfies never;
  }
}
