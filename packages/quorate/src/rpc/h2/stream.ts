import {
  answerStuck,
  deadlineExceeded,
  describeUnreadable,
  handlerFailed,
  refuseResponse,
  requestStuck,
  requestsTooLarge,
  serverStopped,
} from "../call-rules.ts";
import type { RpcLimits } from "../limits.ts";
import { MessageAssembler, messagePrefixBytes } from "../message-framing.ts";
import { type Call, type CancelReason, isBadRequest, type StreamingCall } from "../service.ts";
import type { Status } from "../status.ts";
import type { Deadline, DeadlineQueue } from "./deadlines.ts";
import { type ErrorCode, errorCodes } from "./protocol.ts";
import { metadataOf, type RequestHead } from "./request-head.ts";

/** What the calls of one server share. */
export interface CallHost {
  readonly limits: RpcLimits;
  readonly deadlines: DeadlineQueue;
  readonly onHandlerError: (error: unknown, path: string) => void;
  openCalls: number;
  pendingRequestBytes: number;
  pendingResponseBytes: number;
}

/** What a stream asks of its connection. */
export interface StreamOwner {
  readonly host: CallHost;
  sendResponse(stream: ServerStream, message: Uint8Array): void;
  /** One of several; `stream.onSent` runs when it has left as far as the windows go. */
  sendMessage(stream: ServerStream, message: Uint8Array): void;
  /** After the messages. */
  sendEnd(stream: ServerStream): void;
  sendFailure(stream: ServerStream, httpStatus: number, failure: Status): void;
  resetStream(stream: ServerStream, code: ErrorCode): void;
}

/**
 * One stream of a connection and the call on it: gathers the request, hands it to the method, gives
 * the answer to the connection.
 */
export class ServerStream implements Call, StreamingCall {
  readonly id: number;
  isCancelled = false;
  /** The client has said that nothing more comes. */
  isRemoteClosed = false;
  /** Bytes that may be sent; negative if the client made its window smaller. */
  sendWindow: number;
  /** Bytes of DATA that have come, and that may come in all. */
  receivedBytes = 0;
  grantedBytes: number;
  /** The message that is being sent, and how much of it with its prefix has been. */
  response: Uint8Array | null = null;
  responseAt = 0;
  /** The headers before the first message of a streamed answer have been sent. */
  hasHeaders = false;
  readonly #owner: StreamOwner;
  readonly #head: RequestHead;
  /** Bytes of the request without padding. */
  #bodyBytes = 0;
  #isAnswered = false;
  #assembler: MessageAssembler | null = null;
  #cancelled: ((reason: CancelReason) => void) | null = null;
  #deadline: Deadline | null = null;
  #arrival: Deadline | null = null;
  /** Of the message of a streamed answer that is on its way. */
  #ready: (() => void) | null = null;
  #fetch: Deadline | null = null;

  constructor(
    owner: StreamOwner,
    id: number,
    head: RequestHead,
    sendWindow: number,
    grantedBytes: number,
  ) {
    this.id = id;
    this.#owner = owner;
    this.#head = head;
    this.sendWindow = sendWindow;
    this.grantedBytes = grantedBytes;
    owner.host.openCalls++;
  }

  get path(): string {
    return this.#head.path;
  }

  get deadlineMs(): number | null {
    const { decision } = this.#head;
    return decision.kind === "served" ? decision.timeoutMs : null;
  }

  /** Whether it has one message of many, so that another may follow it. */
  get isStreaming(): boolean {
    return this.#ready !== null;
  }

  metadata(key: string): string | null {
    return metadataOf(this.#head, key);
  }

  onCancelled(callback: (reason: CancelReason) => void): void {
    this.#cancelled = callback;
  }

  respond(message: Uint8Array): void {
    const { host } = this.#owner;
    const refusal = refuseResponse(host.pendingResponseBytes, message.length, host.limits);
    if (refusal !== null) this.fail(refusal);
    else if (this.#settle()) this.#owner.sendResponse(this, message);
  }

  send(message: Uint8Array, ready: () => void): void {
    if (this.isCancelled) return;
    if (this.#isAnswered || this.#ready !== null) {
      const fact = this.#isAnswered ? "it was answered" : "the message before is on its way";
      throw new Error(`Cannot send another message of ${this.path}: ${fact}`);
    }
    const { host } = this.#owner;
    const { limits, deadlines } = host;
    const refusal = refuseResponse(host.pendingResponseBytes, message.length, limits);
    if (refusal !== null) {
      this.#cancelWith("not-fetched", refusal);
      return;
    }
    this.#ready = ready;
    this.#fetch = deadlines.add(limits.streamedMessageMs, () =>
      this.#cancelWith("not-fetched", answerStuck(limits)),
    );
    this.#owner.sendMessage(this, message);
  }

  /** All of the message of a streamed answer is in the output. */
  onSent(): void {
    const ready = this.#ready;
    this.#endFetch();
    // Not inside the walk over what is to be sent.
    setImmediate(() => {
      if (ready === null || this.isCancelled || this.#isAnswered) return;
      try {
        ready();
      } catch (error) {
        this.#failIfOpen(handlerFailed);
        this.#owner.host.onHandlerError(error, this.path);
      }
    });
  }

  end(): void {
    if (this.#ready !== null) {
      throw new Error(`Cannot end ${this.path}: a message is on its way`);
    }
    if (this.#settle()) this.#owner.sendEnd(this);
  }

  fail(failure: Status): void {
    if (this.#settle()) this.#owner.sendFailure(this, 200, failure);
  }

  /**
   * Ends the call from this side: tells the service, answers the client if it can still be reached.
   */
  cancel(reason: CancelReason): void {
    if (reason === "deadline") this.#cancelWith(reason, deadlineExceeded);
    else if (reason === "server-stopped") this.#cancelWith(reason, serverStopped);
    else this.#cancelWith(reason, null);
  }

  #cancelWith(reason: CancelReason, failure: Status | null): void {
    if (this.#isAnswered || this.isCancelled) return;
    this.isCancelled = true;
    this.#release();
    if (failure !== null) this.#owner.sendFailure(this, 200, failure);
    this.#cancelled?.(reason);
  }

  /** The headers have come. */
  start(isEnd: boolean): void {
    this.isRemoteClosed = isEnd;
    const { decision } = this.#head;
    if (decision.kind === "refused") {
      this.#settle();
      this.#owner.sendFailure(this, decision.httpStatus, decision.status);
      return;
    }
    const { timeoutMs } = decision;
    if (timeoutMs === 0) {
      this.cancel("deadline");
      return;
    }
    if (timeoutMs !== null) {
      const { deadlines } = this.#owner.host;
      this.#deadline = deadlines.add(timeoutMs, () => this.cancel("deadline"));
    }
    if (isEnd) this.#onEnd();
  }

  /** A part of the request without its padding: `bytes` from `start` to `end`. */
  onData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    this.#bodyBytes += end - start;
    if (isEnd) this.isRemoteClosed = true;
    if (this.#isAnswered || this.isCancelled) return;
    if (isEnd && this.#assembler === null && this.#isWhole(bytes, start, end)) {
      if (this.#hasPromisedLength()) {
        this.#dispatch(viewOf(bytes, start + messagePrefixBytes, end));
      }
      return;
    }
    if (end > start) this.#gather(bytes, start, end);
    if (isEnd) this.#onEnd();
  }

  /** The client has ended the stream with trailers, which say nothing here. */
  onTrailers(): void {
    this.isRemoteClosed = true;
    this.#onEnd();
  }

  /** Begins to count the time in which the request must come, if it has not come. */
  awaitRequest(): void {
    if (this.isRemoteClosed || this.#isAnswered || this.isCancelled) return;
    const { limits, deadlines } = this.#owner.host;
    this.#arrival ??= deadlines.add(limits.requestArrivalMs, () => this.fail(requestStuck(limits)));
  }

  /** One uncompressed message that may be as large as it is, and nothing else. */
  #isWhole(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start - messagePrefixBytes;
    if (length < 0 || length > this.#owner.host.limits.requestBytesMax) return false;
    return bytes[start] === 0 && bytes.readUInt32BE(start + 1) === length;
  }

  #gather(bytes: Buffer, start: number, end: number): void {
    const { host } = this.#owner;
    this.#assembler ??= new MessageAssembler(host.limits.requestBytesMax);
    const assembler = this.#assembler;
    const failure = assembler.push(bytes.subarray(start, end));
    host.pendingRequestBytes += end - start;
    if (failure !== null) {
      this.fail(failure);
    } else if (
      !assembler.isComplete &&
      host.pendingRequestBytes > host.limits.pendingRequestBytesMax
    ) {
      this.fail(requestsTooLarge(host.limits));
    }
  }

  #onEnd(): void {
    if (this.#isAnswered || this.isCancelled || !this.#hasPromisedLength()) return;
    const { requestBytesMax } = this.#owner.host.limits;
    const assembler = this.#assembler ?? new MessageAssembler(requestBytesMax);
    const request = assembler.finish();
    this.#endArrival();
    if (request instanceof Uint8Array) this.#dispatch(request);
    else this.fail(request);
  }

  /** A request of another length than its headers promise is malformed. */
  #hasPromisedLength(): boolean {
    const { contentLength } = this.#head;
    if (contentLength < 0 || contentLength === this.#bodyBytes) return true;
    this.#owner.resetStream(this, errorCodes.protocolError);
    this.cancel("cancelled-by-client");
    return false;
  }

  #dispatch(request: Uint8Array): void {
    this.#endArrival();
    const { decision } = this.#head;
    if (decision.kind === "refused") return;
    try {
      decision.method.handle(request, this);
    } catch (error) {
      if (isBadRequest(error)) {
        this.#failIfOpen(describeUnreadable(error));
        return;
      }
      this.#failIfOpen(handlerFailed);
      this.#owner.host.onHandlerError(error, this.path);
    }
  }

  #failIfOpen(failure: Status): void {
    if (!this.#isAnswered) this.fail(failure);
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
    const { host } = this.#owner;
    host.openCalls--;
    this.#endArrival();
    this.#endFetch();
    if (this.#deadline !== null) host.deadlines.remove(this.#deadline);
    this.#deadline = null;
  }

  #endFetch(): void {
    if (this.#fetch !== null) this.#owner.host.deadlines.remove(this.#fetch);
    this.#fetch = null;
    this.#ready = null;
  }

  /** The request is complete, or nobody wants it. */
  #endArrival(): void {
    const { host } = this.#owner;
    if (this.#arrival !== null) host.deadlines.remove(this.#arrival);
    this.#arrival = null;
    host.pendingRequestBytes -= this.#assembler?.pendingBytes ?? 0;
    this.#assembler = null;
  }
}

/** A plain view: handlers get no Buffer. */
function viewOf(bytes: Buffer, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}
