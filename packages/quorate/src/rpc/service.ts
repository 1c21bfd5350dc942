import { type Status, status } from "./status.ts";

/**
 * The seam between services and gRPC's transport: services register methods here and know nothing
 * of HTTP/2, so that the transport can be replaced. Completions are callbacks; a call settles
 * exactly once.
 */

/** Why a call ended before its service answered. */
export type CancelReason =
  | "cancelled-by-client"
  | "connection-lost"
  | "deadline"
  | "server-stopped"
  /** The client takes too little of a streamed answer, or all clients together do. */
  | "not-fetched";

/** What every call is. After it is cancelled, what would answer it does nothing. */
interface AnyCall {
  /** Such as `/etcdserverpb.KV/Put`. */
  readonly path: string;
  /**
   * Milliseconds that the client gave the call, counted from its arrival; `null` without a
   * deadline.
   */
  readonly deadlineMs: number | null;
  readonly isCancelled: boolean;
  /** The value of a metadata key in lower case; the first if it came more than once. */
  metadata(key: string): string | null;
  /**
   * Ends the call with an error.
   *
   * @throws Error if the call was already answered.
   */
  fail(status: Status): void;
  /**
   * Calls back once if the call is cancelled before it is answered; one callback a call, the last
   * one set.
   */
  onCancelled(callback: (reason: CancelReason) => void): void;
}

/** A call with one answer. */
export interface Call extends AnyCall {
  /**
   * Ends the call with OK and a message that the caller no longer changes.
   *
   * @throws Error if the call was already answered.
   */
  respond(message: Uint8Array): void;
}

/** A call with any number of answers, one after the other; `fail` may come after some. */
export interface StreamingCall extends AnyCall {
  /**
   * Sends a message that the caller no longer changes. `ready` runs when as much of it has left as
   * the client's windows ask for, so that the next one, or the end, may come: never inside the
   * call, and not if the call is cancelled meanwhile. What waits for a slow client is this one
   * message.
   *
   * @throws Error if the one before is not gone, or the call was answered.
   */
  send(message: Uint8Array, ready: () => void): void;
  /**
   * Ends the call with OK.
   *
   * @throws Error if the call was already answered.
   */
  end(): void;
}

/**
 * What a handler throws to say that it cannot read the request: `malformed` bytes, or values that
 * it does not support. The errors of the codecs have this shape; this room knows no codec.
 */
export interface BadRequest extends Error {
  readonly badRequest: "malformed" | "unsupported";
}

/** Whether a handler threw a `BadRequest`. */
export function isBadRequest(error: unknown): error is BadRequest {
  if (!(error instanceof Error) || !("badRequest" in error)) return false;
  return error.badRequest === "malformed" || error.badRequest === "unsupported";
}

/** One request, one response. */
export interface UnaryMethod {
  readonly kind: "unary";
  /**
   * @param request A view of the bytes received: copy what is kept beyond the call. A `BadRequest`
   * that is thrown here becomes the status of a request that could not be read.
   */
  readonly handle: (request: Uint8Array, call: Call) => void;
}

/** One request, a stream of responses. */
export interface ServerStreamingMethod {
  readonly kind: "server-streaming";
  /** As that of a unary method. */
  readonly handle: (request: Uint8Array, call: StreamingCall) => void;
}

export type Method = UnaryMethod | ServerStreamingMethod;

/** Methods by their full path, and how calls to anything else are answered. */
export class MethodTable {
  readonly #methods = new Map<string, Method>();
  readonly #services = new Set<string>();

  /** @throws Error if the path is not `/package.Service/Method` or is taken. */
  register(path: string, method: Method): this {
    const parts = /^\/([^/]+)\/[^/]+$/.exec(path);
    if (parts?.[1] === undefined) throw new Error(`Cannot register ${path}: give /service/method`);
    if (this.#methods.has(path)) throw new Error(`Cannot register ${path}: it is registered`);
    this.#methods.set(path, method);
    this.#services.add(parts[1]);
    return this;
  }

  find(path: string): Method | undefined {
    return this.#methods.get(path);
  }

  /**
   * The status for a path that `find` did not find, in the words of grpc-go, which etcd's clients
   * know.
   */
  describeUnknown(path: string): Status {
    const slash = path.lastIndexOf("/");
    if (!path.startsWith("/") || slash === 0) {
      return status("unimplemented", `malformed method name: ${JSON.stringify(path)}`);
    }
    const service = path.slice(1, slash);
    const method = path.slice(slash + 1);
    return this.#services.has(service)
      ? status("unimplemented", `unknown method ${method} for service ${service}`)
      : status("unimplemented", `unknown service ${service}`);
  }
}
