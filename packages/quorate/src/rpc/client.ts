import { CallEnd } from "./call-end.ts";
import { type CallResult, callUnary } from "./client-call.ts";
import { ClientConnection, type Connected } from "./client-connection.ts";
import { type CallFailure, RpcError } from "./client-error.ts";
import { callStream, type StreamResult } from "./client-stream.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import { statusCodes } from "./status.ts";

/** A gRPC client for the command line: unary calls to the first endpoint that can answer. */

export interface ClientOptions {
  /** Milliseconds for one connection to be made and to show that it speaks HTTP/2. */
  readonly connectTimeoutMs?: number;
  /** The largest answer accepted, in bytes. */
  readonly responseBytesMax?: number;
}

export interface UnaryOptions {
  /** Milliseconds for the call with all its attempts. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /**
   * Whether the call may be repeated after a server may have seen it: true for reads. A write goes
   * to the next endpoint only if nothing was sent.
   */
  readonly idempotent: boolean;
}

export interface UnaryAnswer {
  readonly message: Uint8Array;
  /** The endpoint that answered, `host:port`. */
  readonly endpoint: string;
}

export interface RpcClient {
  /** Calls a method. @throws RpcError when no endpoint gave an answer; it names them all. */
  unary(path: string, request: Uint8Array, options: UnaryOptions): Promise<UnaryAnswer>;
  /**
   * Calls a method with many answers at the first endpoint that gives one; they come in order, the
   * next when `onMessage` is done with the one before. Not begun again after the first. @throws
   * RpcError, and what `onMessage` throws
   */
  stream(path: string, request: Uint8Array, options: StreamOptions): Promise<StreamAnswer>;
  /** Closes all connections; calls in progress fail. */
  close(): void;
}

export interface StreamOptions {
  /** Milliseconds without anything from the server after which the call is given up. */
  readonly silenceMs: number;
  readonly onMessage: (message: Uint8Array) => Promise<void>;
}

export interface StreamAnswer {
  /** The endpoint that answered, `host:port`. */
  readonly endpoint: string;
}

/** One message of many: servers keep them far smaller. */
const streamedBytesMax = 16_777_216;

/** Most connections are made in a millisecond; one that is not made in this time will not be. */
const connectTimeoutMsDefault = 2_000;

/** A range of a whole store may be large, but must fit in memory next to what is made of it. */
const responseBytesMaxDefault = 268_435_456;

/**
 * Makes a client; it connects with the first call.
 *
 * @param endpoints Tried in this order, beginning with the one that answered last.
 * @throws Error if there is no endpoint, or one cannot be read.
 */
export function createClient(endpoints: readonly string[], options: ClientOptions = {}): RpcClient {
  if (endpoints.length === 0) throw new Error("Cannot make a client: give at least one endpoint");
  return new Client(endpoints.map(parseEndpoint), options);
}

class Client implements RpcClient {
  readonly #connections: readonly ClientConnection[];
  readonly #connectTimeoutMs: number;
  readonly #responseBytesMax: number;
  #preferred = 0;

  constructor(endpoints: readonly Endpoint[], options: ClientOptions) {
    this.#connections = endpoints.map((endpoint) => new ClientConnection(endpoint));
    this.#connectTimeoutMs = options.connectTimeoutMs ?? connectTimeoutMsDefault;
    this.#responseBytesMax = options.responseBytesMax ?? responseBytesMaxDefault;
  }

  async unary(path: string, request: Uint8Array, options: UnaryOptions): Promise<UnaryAnswer> {
    const end = new CallEnd(options.timeoutMs, options.signal ?? null);
    try {
      return await this.#tryAll({ path, request, options, end });
    } finally {
      end.release();
    }
  }

  async stream(path: string, request: Uint8Array, options: StreamOptions): Promise<StreamAnswer> {
    const attempts: CallFailure[] = [];
    for (const connection of this.#connections) {
      const result = await this.#attemptStream(connection, path, request, options);
      if (result.kind === "ended") return { endpoint: connection.endpoint.text };
      attempts.push(result.failure);
      if (result.messageCount > 0 || !mayTryNext(result.failure, true)) break;
    }
    const last = attempts.at(-1);
    if (last === undefined) throw new Error("Cannot call without an endpoint");
    throw new RpcError(path, last, attempts);
  }

  async #attemptStream(
    connection: ClientConnection,
    path: string,
    request: Uint8Array,
    { silenceMs, onMessage }: StreamOptions,
  ): Promise<StreamResult> {
    const connected = await connection.open(Math.min(this.#connectTimeoutMs, silenceMs));
    if (connected.kind === "failed") return { ...connected, messageCount: 0 };
    const { session } = connected;
    const endpoint = connection.endpoint.text;
    if (session.closed || session.destroyed) {
      const lost = { kind: "connection-lost" as const, endpoint, wasSent: false };
      return { kind: "failed", failure: { ...lost, code: "session closed" }, messageCount: 0 };
    }
    const limits = { silenceMs, messageBytesMax: streamedBytesMax };
    return await callStream({ session, endpoint, path, request, onMessage, ...limits });
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  async #tryAll(call: PendingCall): Promise<UnaryAnswer> {
    const attempts: CallFailure[] = [];
    const count = this.#connections.length;
    const first = this.#preferred;
    for (let turn = 0; turn < count; turn++) {
      const at = (first + turn) % count;
      const connection = this.#connections[at];
      if (connection === undefined) continue;
      const result = await this.#attempt(connection, call);
      if (result.kind === "answered") {
        this.#preferred = at;
        return { message: result.message, endpoint: connection.endpoint.text };
      }
      attempts.push(result.failure);
      if (!mayTryNext(result.failure, call.options.idempotent)) break;
    }
    const last = attempts.at(-1);
    if (last === undefined) throw new Error("Cannot call without an endpoint");
    throw new RpcError(call.path, last, attempts);
  }

  async #attempt(connection: ClientConnection, call: PendingCall): Promise<CallResult> {
    const endpoint = connection.endpoint.text;
    const { end, path, request } = call;
    const { timeoutMs } = call.options;
    const connected = await connectOrEnd(connection, this.#connectTimeoutMs, end);
    if (connected === null || end.isOver) {
      return { kind: "failed", failure: end.failure(endpoint, false) };
    }
    if (connected.kind === "failed") return connected;
    const { session } = connected;
    // The server may have said goodbye since.
    if (session.closed || session.destroyed) {
      const code = "session closed";
      const failure = { kind: "connection-lost" as const, endpoint, wasSent: false, code };
      return { kind: "failed", failure };
    }
    const responseBytesMax = this.#responseBytesMax;
    return callUnary({ session, endpoint, path, request, timeoutMs, end, responseBytesMax });
  }
}

interface PendingCall {
  readonly path: string;
  readonly request: Uint8Array;
  readonly options: UnaryOptions;
  readonly end: CallEnd;
}

/** Waits for the connection, but no longer than the call lasts: then null. */
function connectOrEnd(
  connection: ClientConnection,
  timeoutMs: number,
  end: CallEnd,
): Promise<Connected | null> {
  if (end.isOver) return Promise.resolve(null);
  return new Promise((resolve) => {
    const release = end.subscribe(() => resolve(null));
    // It always fulfils: a failed connection is a value.
    void connection.open(timeoutMs).then((connected) => {
      release();
      resolve(connected);
    });
  });
}

/** Whether another endpoint may answer, and asking it cannot apply a write twice. */
function mayTryNext(failure: CallFailure, idempotent: boolean): boolean {
  switch (failure.kind) {
    case "connect":
    case "protocol":
    case "connection-lost":
      return idempotent || !failure.wasSent;
    case "status":
      return idempotent && failure.status.code === statusCodes.unavailable;
    case "deadline":
    case "cancelled":
      return false;
  }
}
