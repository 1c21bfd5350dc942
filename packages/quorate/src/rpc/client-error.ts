import type { Status } from "./status.ts";

/** What can go wrong with a call, as values that name the endpoint. */

/**
 * One attempt that failed.
 *
 * - `connect`: no connection; `code` is the system's, such as ECONNREFUSED, or `CONNECT_TIMEOUT`.
 * - `protocol`: something answers there, but not gRPC.
 * - `status`: the server answered with an error.
 * - `connection-lost`: the connection or the stream ended before the answer.
 * - `deadline`, `cancelled`: the caller's time was over, or its signal came.
 */
export type CallFailure = {
  /** Such as `127.0.0.1:2379`. */
  readonly endpoint: string;
  /** Whether the server may have seen the request: if not, it certainly had no effect. */
  readonly wasSent: boolean;
} & (
  | { readonly kind: "connect"; readonly code: string }
  | { readonly kind: "protocol"; readonly fact: string }
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "connection-lost"; readonly code: string }
  | { readonly kind: "deadline"; readonly timeoutMs: number }
  | { readonly kind: "cancelled" }
);

/** A call failed at every endpoint that it was tried at. */
export class RpcError extends Error {
  override readonly name: string = "RpcError";
  /** The last failure: what the caller acts on. */
  readonly failure: CallFailure;
  /** All failures in the order of the attempts, the last one included. */
  readonly attempts: readonly CallFailure[];

  constructor(path: string, failure: CallFailure, attempts: readonly CallFailure[]) {
    super(`Cannot call ${path}: ${attempts.map(describeCallFailure).join("; ")}`);
    this.failure = failure;
    this.attempts = attempts;
  }
}

/** One attempt in words, beginning with its endpoint. */
export function describeCallFailure(failure: CallFailure): string {
  return `${failure.endpoint}: ${describeFact(failure)}`;
}

function describeFact(failure: CallFailure): string {
  switch (failure.kind) {
    case "connect":
      return failure.code === "ECONNREFUSED"
        ? "nothing listens there (ECONNREFUSED)"
        : `no connection (${failure.code})`;
    case "protocol":
      return `${failure.fact}; is this a client port?`;
    case "status":
      return failure.status.message;
    case "connection-lost":
      return `the connection ended before the answer (${failure.code})`;
    case "deadline":
      return `no answer within ${failure.timeoutMs} ms`;
    case "cancelled":
      return "cancelled";
  }
}
