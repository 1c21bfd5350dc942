import {
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { parseGrpcTimeout } from "./grpc-timeout.ts";
import type { RpcLimits } from "./limits.ts";
import { frameMessage, MessageAssembler } from "./message-framing.ts";
import {
  type BadRequest,
  type Call,
  type CancelReason,
  isBadRequest,
  type Method,
  type MethodTable,
} from "./service.ts";
import { encodeStatusMessage, type Status, status } from "./status.ts";

/**
 * One stream of node:http2 as a gRPC call: checks the headers, gathers the request, hands it to the
 * method, writes the answer. Nothing here outlives the stream's `close`.
 */

/** What the calls of one server share. */
export interface Http2CallHost {
  readonly limits: RpcLimits;
  readonly methods: MethodTable;
  /** Calls that have not been answered. */
  readonly calls: Set<Http2Call>;
  /** Bytes of requests that are incomplete, over all connections. */
  pendingRequestBytes: number;
  /** Bytes of answers on streams that have not closed, over all connections. */
  pendingResponseBytes: number;
  readonly onHandlerError: (error: unknown, path: string) => void;
}

/**
 * Deadlines are rounded up to a multiple of this: Node keeps timers of one length in one cheap
 * list.
 */
const deadlineGranularityMs = 16;

const responseHeaders: OutgoingHttpHeaders = {
  ":status": 200,
  "content-type": "application/grpc",
};
const responseOptions = { waitForTrailers: true, sendDate: false };
const failureOptions = { endStream: true, sendDate: false };
const okTrailers: OutgoingHttpHeaders = { "grpc-status": "0" };

export class Http2Call implements Call {
  readonly path: string;
  deadlineMs: number | null = null;
  isCancelled = false;
  readonly #host: Http2CallHost;
  readonly #stream: ServerHttp2Stream;
  readonly #session: Http2Session | undefined;
  readonly #headers: IncomingHttpHeaders;
  readonly #assembler: MessageAssembler;
  #method: Method | null = null;
  #isAnswered = false;
  #responseBytes = 0;
  #isDispatched = false;
  #cancelled: ((reason: CancelReason) => void) | null = null;
  #deadline: NodeJS.Timeout | null = null;
  #arrival: NodeJS.Timeout | null = null;

  constructor(host: Http2CallHost, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.path = String(headers[":path"]);
    this.#host = host;
    this.#stream = stream;
    // The stream forgets its session before it tells that it has closed.
    this.#session = stream.session;
    this.#headers = headers;
    this.#assembler = new MessageAssembler(host.limits.requestBytesMax);
    host.calls.add(this);
    stream.on("error", ignore);
    stream.on("close", () => this.#onClose());
    stream.on("data", (chunk: Uint8Array) => this.#onData(chunk));
    if (!this.#checkHeaders()) return;
    stream.on("end", () => this.#onEnd());
  }

  metadata(key: string): string | null {
    const value = this.#headers[key];
    return (Array.isArray(value) ? value[0] : value) ?? null;
  }

  onCancelled(callback: (reason: CancelReason) => void): void {
    this.#cancelled = callback;
  }

  respond(message: Uint8Array): void {
    const pending = this.#host.pendingResponseBytes;
    const bytesMax = this.#host.limits.pendingResponseBytesMax;
    if (pending > 0 && pending + message.length > bytesMax) {
      const held = `${pending} of ${bytesMax} bytes`;
      const text = `grpc: answers that clients have not fetched hold ${held}`;
      this.fail(status("resourceExhausted", text));
      return;
    }
    if (!this.#settle() || this.#isGone()) return;
    this.#responseBytes = message.length;
    this.#host.pendingResponseBytes += message.length;
    const stream = this.#stream;
    stream.respond(responseHeaders, responseOptions);
    stream.on("wantTrailers", sendOkTrailers);
    stream.end(frameMessage(message));
  }

  fail(failure: Status): void {
    if (this.#settle()) this.#sendFailure(200, failure);
  }

  /**
   * Ends the call from this side: tells the service, answers the client if it can still be reached.
   */
  cancel(reason: CancelReason): void {
    if (this.#isAnswered || this.isCancelled) return;
    this.isCancelled = true;
    this.#release();
    if (reason === "deadline") {
      this.#sendFailure(200, status("deadlineExceeded", "context deadline exceeded"));
    } else if (reason === "server-stopped") {
      this.#sendFailure(200, status("unavailable", "etcdserver: server stopped"));
    }
    this.#cancelled?.(reason);
  }

  /** Returns false if the call was refused. */
  #checkHeaders(): boolean {
    const headers = this.#headers;
    const contentType = headers["content-type"];
    if (headers[":method"] !== "POST") {
      const method = quote(headers[":method"]);
      const text = `Received a HEADERS frame with :method ${method} which should be POST`;
      return this.#refuse(405, status("internal", text));
    }
    if (!isGrpc(contentType)) {
      const text = `invalid gRPC request content-type ${quote(contentType)}`;
      return this.#refuse(415, status("invalidArgument", text));
    }
    const encoding = headers["grpc-encoding"];
    if (encoding !== undefined && encoding !== "identity") {
      const text = `grpc: Decompressor is not installed for grpc-encoding ${quote(encoding)}`;
      return this.#refuse(200, status("unimplemented", text));
    }
    this.#method = this.#host.methods.find(this.path) ?? null;
    if (this.#method === null) {
      return this.#refuse(200, this.#host.methods.describeUnknown(this.path));
    }
    return this.#startDeadline(headers["grpc-timeout"]);
  }

  #startDeadline(header: string | string[] | undefined): boolean {
    if (header === undefined) return true;
    const timeoutMs = parseGrpcTimeout(String(header));
    if (timeoutMs === null) {
      return this.#refuse(200, status("internal", `malformed grpc-timeout: ${quote(header)}`));
    }
    this.deadlineMs = timeoutMs;
    const steps = Math.ceil(timeoutMs / deadlineGranularityMs);
    const waitMs = Math.min(steps * deadlineGranularityMs, timerMsMax);
    if (timeoutMs > 0) this.#deadline = setTimeout(() => this.cancel("deadline"), waitMs);
    else this.cancel("deadline");
    return timeoutMs > 0;
  }

  #onData(chunk: Uint8Array): void {
    // What comes after an early answer is read and dropped, so that the stream can end.
    if (this.#isAnswered || this.isCancelled) return;
    const { limits } = this.#host;
    const failure = this.#assembler.push(chunk);
    this.#host.pendingRequestBytes += chunk.length;
    if (failure !== null) {
      this.fail(failure);
    } else if (!this.#assembler.isComplete) {
      this.#arrival ??= setTimeout(() => this.#onStuck(), limits.requestArrivalMs);
      if (this.#host.pendingRequestBytes > limits.pendingRequestBytesMax) {
        const bytesMax = limits.pendingRequestBytesMax;
        const text = `grpc: requests that are not complete hold more than ${bytesMax} bytes`;
        this.fail(status("resourceExhausted", text));
      }
    }
  }

  #onStuck(): void {
    const waitedMs = this.#host.limits.requestArrivalMs;
    const text = `grpc: the request did not arrive within ${waitedMs} ms`;
    this.fail(status("deadlineExceeded", text));
  }

  #onEnd(): void {
    if (this.#isAnswered || this.isCancelled) return;
    const request = this.#assembler.finish();
    this.#endArrival();
    if (!(request instanceof Uint8Array)) this.fail(request);
    else this.#dispatch(request);
  }

  #dispatch(request: Uint8Array): void {
    try {
      this.#method?.handle(request, this);
    } catch (error) {
      if (isBadRequest(error)) {
        this.#failIfOpen(describeUnreadable(error));
        return;
      }
      this.#failIfOpen(status("internal", "internal error"));
      this.#host.onHandlerError(error, this.path);
    }
  }

  #failIfOpen(failure: Status): void {
    if (!this.#isAnswered) this.fail(failure);
  }

  #onClose(): void {
    this.#host.pendingResponseBytes -= this.#responseBytes;
    const isReset = this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR;
    const isSessionOpen = this.#session?.destroyed === false;
    this.cancel(isReset && isSessionOpen ? "cancelled-by-client" : "connection-lost");
  }

  #refuse(httpStatus: number, failure: Status): false {
    this.#settle();
    this.#sendFailure(httpStatus, failure);
    return false;
  }

  /**
   * Marks the call as answered; returns false if it was cancelled, so that nobody waits for the
   * answer.
   */
  #settle(): boolean {
    if (this.isCancelled) return false;
    if (this.#isAnswered) throw new Error(`Cannot answer ${this.path}: it was answered before`);
    this.#isAnswered = true;
    this.#release();
    return true;
  }

  /** Gives back what the call holds while it is open. */
  #release(): void {
    this.#host.calls.delete(this);
    this.#endArrival();
    if (this.#deadline !== null) clearTimeout(this.#deadline);
  }

  #endArrival(): void {
    if (this.#isDispatched) return;
    this.#isDispatched = true;
    this.#host.pendingRequestBytes -= this.#assembler.pendingBytes;
    if (this.#arrival !== null) clearTimeout(this.#arrival);
  }

  /**
   * A stream that was reset is closed some time before it says so, and throws when it is written
   * to.
   */
  #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** Answers with headers only, and stops a client that is still sending. */
  #sendFailure(httpStatus: number, failure: Status): void {
    if (this.#isGone()) return;
    const stream = this.#stream;
    const isSending = !stream.readableEnded;
    stream.respond(
      {
        ...encodeTrailers(failure),
        ":status": httpStatus,
        "content-type": "application/grpc",
        "grpc-status": String(failure.code),
        "grpc-message": encodeStatusMessage(failure.message),
      },
      failureOptions,
    );
    if (isSending) stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

function encodeTrailers({ trailers = {} }: Status): OutgoingHttpHeaders {
  const pairs = Object.entries(trailers);
  return Object.fromEntries(pairs.map(([key, value]) => [key, encodeStatusMessage(value)]));
}

/** The longest that a timer can wait; a deadline beyond is none. */
const timerMsMax = 2 ** 31 - 1;

function ignore(): void {}

function sendOkTrailers(this: ServerHttp2Stream): void {
  if (!this.destroyed && !this.closed) this.sendTrailers(okTrailers);
}

function quote(value: unknown): string {
  return JSON.stringify(value === undefined ? "" : String(value));
}

function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc($|[+;])/.test(contentType);
}

/** etcd's answers to a request that cannot be decoded. */
function describeUnreadable(error: BadRequest): Status {
  return error.badRequest === "malformed"
    ? status("internal", `grpc: error unmarshalling request: ${error.message}`)
    : status("invalidArgument", error.message);
}
