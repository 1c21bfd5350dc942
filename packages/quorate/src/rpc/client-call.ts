import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import type { CallEnd } from "./call-end.ts";
import { codeOf } from "./client-connection.ts";
import type { CallFailure } from "./client-error.ts";
import { formatGrpcTimeout } from "./grpc-timeout.ts";
import { frameMessage, MessageAssembler } from "./message-framing.ts";
import { decodeStatusMessage, type Status, statusCodes, statusNameOf } from "./status.ts";

/** One unary call on an open session. */

export type CallResult =
  | { readonly kind: "answered"; readonly message: Uint8Array }
  | { readonly kind: "failed"; readonly failure: CallFailure };

export interface ClientCallOptions {
  readonly session: ClientHttp2Session;
  readonly endpoint: string;
  readonly path: string;
  readonly request: Uint8Array;
  /** Milliseconds, told to the server so that it gives up too. */
  readonly timeoutMs: number;
  readonly end: CallEnd;
  readonly responseBytesMax: number;
}

/** Sends the request and gives the answer or why there is none; it never rejects. */
export function callUnary(options: ClientCallOptions): Promise<CallResult> {
  return new Promise((resolve) => {
    new ClientCall(options, resolve);
  });
}

class ClientCall {
  readonly #endpoint: string;
  readonly #stream: ClientHttp2Stream;
  readonly #assembler: MessageAssembler;
  readonly #resolve: (result: CallResult) => void;
  readonly #release: () => void;
  #httpStatus = 0;
  #grpcStatus: string | null = null;
  #grpcMessage = "";
  #trailers: Pick<Status, "trailers"> = {};
  #errorCode: string | null = null;

  constructor(options: ClientCallOptions, resolve: (result: CallResult) => void) {
    const { session, endpoint, path, request, timeoutMs, end } = options;
    this.#endpoint = endpoint;
    this.#resolve = resolve;
    this.#assembler = new MessageAssembler(options.responseBytesMax);
    this.#stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "quorate",
      "grpc-timeout": formatGrpcTimeout(timeoutMs),
    });
    this.#release = end.subscribe(() => this.#fail(end.failure(endpoint, true)));
    this.#listen();
    this.#stream.end(frameMessage(request));
  }

  #listen(): void {
    const stream = this.#stream;
    stream.on("response", (headers) => {
      this.#httpStatus = Number(headers[":status"]);
      this.#readStatus(headers);
    });
    stream.on("trailers", (trailers) => this.#readStatus(trailers));
    stream.on("data", (chunk: Uint8Array) => {
      const refusal = this.#assembler.push(chunk);
      if (refusal !== null) this.#failProtocol(refusal.message);
    });
    stream.on("error", (error) => {
      this.#errorCode = codeOf(error);
    });
    stream.on("close", () => this.#onClose());
  }

  #readStatus(headers: IncomingHttpHeaders): void {
    const code = headers["grpc-status"];
    if (code === undefined) return;
    this.#grpcStatus = String(code);
    this.#grpcMessage = decodeStatusMessage(String(headers["grpc-message"] ?? ""));
    this.#trailers = decodeTrailers(headers);
  }

  #onClose(): void {
    if (this.#grpcStatus === null) {
      this.#failWithoutStatus();
      return;
    }
    if (this.#grpcStatus !== "0") {
      const code = statusCodes[statusNameOf(Number(this.#grpcStatus))];
      const status: Status = { code, message: this.#grpcMessage, ...this.#trailers };
      this.#fail({ kind: "status", endpoint: this.#endpoint, wasSent: true, status });
      return;
    }
    const message = this.#assembler.finish();
    if (!(message instanceof Uint8Array)) this.#failProtocol(message.message);
    else this.#settle({ kind: "answered", message });
  }

  #failWithoutStatus(): void {
    if (this.#httpStatus !== 0 && this.#httpStatus !== 200) {
      this.#failProtocol(`HTTP status ${this.#httpStatus} without a gRPC status`);
      return;
    }
    const { rstCode } = this.#stream;
    // The one reset by which a server says that it has not looked at the request.
    const wasSent = rstCode !== constants.NGHTTP2_REFUSED_STREAM;
    const code = this.#errorCode ?? `stream reset ${rstCode}`;
    this.#fail({ kind: "connection-lost", endpoint: this.#endpoint, wasSent, code });
  }

  #failProtocol(fact: string): void {
    this.#fail({ kind: "protocol", endpoint: this.#endpoint, wasSent: true, fact });
  }

  #fail(failure: CallFailure): void {
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#settle({ kind: "failed", failure });
  }

  /** The first result counts: a promise takes no second one. */
  #settle(result: CallResult): void {
    this.#release();
    this.#resolve(result);
  }
}

/** What is not of HTTP or gRPC itself; nothing if there is no more. */
function decodeTrailers(headers: IncomingHttpHeaders): Pick<Status, "trailers"> {
  const pairs = Object.entries(headers).filter(
    ([key]) => !key.startsWith(":") && !key.startsWith("grpc-") && key !== "content-type",
  );
  if (pairs.length === 0) return {};
  const decoded = pairs.map(([key, value]) => [key, decodeStatusMessage(String(value))]);
  return { trailers: Object.fromEntries(decoded) };
}
