import { parseGrpcTimeout } from "./grpc-timeout.ts";
import type { RpcLimits } from "./limits.ts";
import type { BadRequest, Method, MethodTable } from "./service.ts";
import { type Status, status } from "./status.ts";

/**
 * What a gRPC server says to calls that it does not serve, in the words of grpc-go and etcd. Pure,
 * and the same for every transport.
 */

/** The headers that decide whether a call is served; null if they did not come. */
export interface CallHeaders {
  readonly method: string | null;
  readonly path: string;
  readonly contentType: string | null;
  readonly encoding: string | null;
  readonly timeout: string | null;
}

export type CallDecision =
  | { readonly kind: "served"; readonly method: Method; readonly timeoutMs: number | null }
  | { readonly kind: "refused"; readonly httpStatus: number; readonly status: Status };

/** Decides by the headers alone, before anything of the request has come. */
export function decideCall(headers: CallHeaders, methods: MethodTable): CallDecision {
  if (headers.method !== "POST") {
    const method = quote(headers.method);
    const text = `Received a HEADERS frame with :method ${method} which should be POST`;
    return refused(405, status("internal", text));
  }
  if (!isGrpc(headers.contentType)) {
    const text = `invalid gRPC request content-type ${quote(headers.contentType)}`;
    return refused(415, status("invalidArgument", text));
  }
  if (headers.encoding !== null && headers.encoding !== "identity") {
    const encoding = quote(headers.encoding);
    const text = `grpc: Decompressor is not installed for grpc-encoding ${encoding}`;
    return refused(200, status("unimplemented", text));
  }
  const method = methods.find(headers.path);
  if (method === undefined) return refused(200, methods.describeUnknown(headers.path));
  const timeoutMs = headers.timeout === null ? null : parseGrpcTimeout(headers.timeout);
  if (headers.timeout !== null && timeoutMs === null) {
    return refused(200, status("internal", `malformed grpc-timeout: ${quote(headers.timeout)}`));
  }
  return { kind: "served", method, timeoutMs };
}

/** More headers than a request may have. */
export function refuseHeaderList(bytes: number, bytesMax: number): CallDecision {
  const text = `grpc: received headers larger than max (${bytes} vs. ${bytesMax})`;
  return refused(431, status("resourceExhausted", text));
}

export const deadlineExceeded: Status = status("deadlineExceeded", "context deadline exceeded");
export const serverStopped: Status = status("unavailable", "etcdserver: server stopped");
export const handlerFailed: Status = status("internal", "internal error");

/** The request did not come in full in the time that it had. */
export function requestStuck({ requestArrivalMs }: RpcLimits): Status {
  const text = `grpc: the request did not arrive within ${requestArrivalMs} ms`;
  return status("deadlineExceeded", text);
}

/** The client took none of a streamed answer for too long. */
export function answerStuck({ streamedMessageMs }: RpcLimits): Status {
  const text = `grpc: a message was not fetched within ${streamedMessageMs} ms`;
  return status("deadlineExceeded", text);
}

/** All incomplete requests together hold too much. */
export function requestsTooLarge({ pendingRequestBytesMax }: RpcLimits): Status {
  const held = `more than ${pendingRequestBytesMax} bytes`;
  return status("resourceExhausted", `grpc: requests that are not complete hold ${held}`);
}

/** All answers that were not fetched hold too much; returns null if there is room. */
export function refuseResponse(
  pendingBytes: number,
  bytes: number,
  { pendingResponseBytesMax }: RpcLimits,
): Status | null {
  if (pendingBytes === 0 || pendingBytes + bytes <= pendingResponseBytesMax) return null;
  const held = `${pendingBytes} of ${pendingResponseBytesMax} bytes`;
  const text = `grpc: answers that clients have not fetched hold ${held}`;
  return status("resourceExhausted", text);
}

/** etcd's answers to a request that cannot be decoded. */
export function describeUnreadable(error: BadRequest): Status {
  return error.badRequest === "malformed"
    ? status("internal", `grpc: error unmarshalling request: ${error.message}`)
    : status("invalidArgument", error.message);
}

function refused(httpStatus: number, failure: Status): CallDecision {
  return { kind: "refused", httpStatus, status: failure };
}

function quote(value: string | null): string {
  return JSON.stringify(value ?? "");
}

function isGrpc(contentType: string | null): boolean {
  return contentType !== null && /^application\/grpc($|[+;])/.test(contentType);
}
