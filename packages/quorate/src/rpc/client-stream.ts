import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import { codeOf } from "./client-connection.ts";
import type { CallFailure } from "./client-error.ts";
import { frameMessage } from "./message-framing.ts";
import { MessageSplitter } from "./message-splitter.ts";
import { decodeStatusMessage, type Status, statusCodes, statusNameOf } from "./status.ts";

/** One call with many answers on an open session: each is worked off before the next is read. */

export type StreamResult =
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly failure: CallFailure; readonly messageCount: number };

export interface ClientStreamOptions {
  readonly session: ClientHttp2Session;
  readonly endpoint: string;
  readonly path: string;
  readonly request: Uint8Array;
  /** Milliseconds without anything from the server after which the call is given up. */
  readonly silenceMs: number;
  readonly messageBytesMax: number;
  readonly onMessage: (message: Uint8Array) => Promise<void>;
}

/**
 * Sends the request and works off the answers; what the server did wrong is a value.
 *
 * @throws what `onMessage` throws, after the call was cancelled
 */
export function callStream(options: ClientStreamOptions): Promise<StreamResult> {
  return new ClientStream(options).run();
}

class ClientStream {
  readonly #options: ClientStreamOptions;
  readonly #stream: ClientHttp2Stream;
  readonly #closed: Promise<void>;
  #httpStatus = 0;
  #grpcStatus: number | null = null;
  #grpcMessage = "";
  #trailers: Record<string, string> = {};
  #errorCode: string | null = null;
  #isSilent = false;
  #messageCount = 0;

  constructor(options: ClientStreamOptions) {
    const { session, path, request, silenceMs } = options;
    this.#options = options;
    const stream = session.request({
      ...{ ":method": "POST", ":path": path, "content-type": "application/grpc" },
      ...{ te: "trailers", "user-agent": "quorate" },
    });
    this.#stream = stream;
    this.#closed = new Promise((resolve) => stream.on("close", () => resolve()));
    stream.on("response", (headers) => {
      this.#httpStatus = Number(headers[":status"]);
      this.#readStatus(headers);
    });
    stream.on("trailers", (headers) => this.#readStatus(headers));
    stream.on("error", (error) => {
      this.#errorCode = codeOf(error);
    });
    stream.on("timeout", () => {
      this.#isSilent = true;
      stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.setTimeout(silenceMs);
    stream.end(frameMessage(request));
  }

  async run(): Promise<StreamResult> {
    const splitter = new MessageSplitter(this.#options.messageBytesMax);
    const fact = await this.#readAll(splitter);
    await this.#closed;
    if (this.#isSilent) return this.#fail({ kind: "deadline", timeoutMs: this.#options.silenceMs });
    if (fact !== null) return this.#fail({ kind: "protocol", fact });
    if (this.#grpcStatus === null) return this.#failWithoutStatus();
    if (this.#grpcStatus !== 0) return this.#failStatus(this.#grpcStatus);
    if (splitter.isBetween) return { kind: "ended" };
    return this.#fail({ kind: "protocol", fact: "the last message is cut short" });
  }

  /** Null, or what the server did that no gRPC server does. */
  async #readAll(splitter: MessageSplitter): Promise<string | null> {
    const chunks = this.#stream[Symbol.asyncIterator]();
    for (;;) {
      const chunk = await nextOf(chunks);
      if (chunk === null) return null;
      const messages = splitter.push(chunk);
      if ("fact" in messages) {
        this.#stream.close(constants.NGHTTP2_CANCEL);
        return messages.fact;
      }
      for (const message of messages) await this.#handOut(message);
    }
  }

  /** The server is not silent while it is not read from. */
  async #handOut(message: Uint8Array): Promise<void> {
    this.#messageCount++;
    this.#stream.setTimeout(0);
    try {
      await this.#options.onMessage(message);
      this.#stream.setTimeout(this.#options.silenceMs);
    } catch (error) {
      this.#stream.close(constants.NGHTTP2_CANCEL);
      throw error;
    }
  }

  #readStatus(headers: Readonly<Record<string, unknown>>): void {
    const code = headers["grpc-status"];
    if (code === undefined) return;
    this.#grpcStatus = Number(code);
    this.#grpcMessage = decodeStatusMessage(String(headers["grpc-message"] ?? ""));
    const told = headers["quorate-error"];
    if (told !== undefined) this.#trailers = { "quorate-error": decodeStatusMessage(String(told)) };
  }

  #failStatus(number: number): StreamResult {
    const code = statusCodes[statusNameOf(number)];
    const status: Status = { code, message: this.#grpcMessage, trailers: this.#trailers };
    return this.#fail({ kind: "status", status });
  }

  #failWithoutStatus(): StreamResult {
    if (this.#httpStatus !== 0 && this.#httpStatus !== 200) {
      const fact = `HTTP status ${this.#httpStatus} without a gRPC status`;
      return this.#fail({ kind: "protocol", fact });
    }
    const code = this.#errorCode ?? `stream reset ${this.#stream.rstCode}`;
    return this.#fail({ kind: "connection-lost", code });
  }

  #fail(why: WithoutPlace<CallFailure>): StreamResult {
    const failure: CallFailure = { ...why, endpoint: this.#options.endpoint, wasSent: true };
    return { kind: "failed", failure, messageCount: this.#messageCount };
  }
}

/** Each member of the union without what is the same for all failures of a stream. */
type WithoutPlace<Failure> = Failure extends unknown
  ? Omit<Failure, "endpoint" | "wasSent">
  : never;

/** Null at the end, also where the stream broke: its events have said why. */
async function nextOf(chunks: AsyncIterator<unknown>): Promise<Uint8Array | null> {
  try {
    const { done, value } = await chunks.next();
    return done === true ? null : (value as Uint8Array); // no encoding is set
  } catch {
    return null;
  }
}
