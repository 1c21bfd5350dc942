import type { Socket } from "node:net";
import { messagePrefixBytes } from "../message-framing.ts";
import type { MethodTable } from "../service.ts";
import type { Status } from "../status.ts";
import { ControlFrames } from "./control-frames.ts";
import { type ConnectionFault, flood, protocolFault } from "./faults.ts";
import { FloodGuard } from "./flood-guard.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import * as frames from "./frame-writer.ts";
import { type BlockPool, Output } from "./output.ts";
import { PeerSettings, settingIds } from "./peer-settings.ts";
import { type ErrorCode, errorCodes, frameBytesMax, frameTypes } from "./protocol.ts";
import { RequestFrames } from "./request-frames.ts";
import {
  emptyTableUpdate,
  encodeFailedTrailers,
  encodeFailure,
  okHeaders,
  okTrailers,
} from "./response-blocks.ts";
import { SendQueue } from "./send-queue.ts";
import type { CallHost, ServerStream, StreamOwner } from "./stream.ts";

/** What the connections of one server share. */
export interface ConnectionHost extends CallHost {
  readonly methods: MethodTable;
  readonly blocks: BlockPool;
  /** The connection has something to write at the end of this turn of the event loop. */
  flushLater(connection: Connection): void;
  onClosed(connection: Connection): void;
}

/** Milliseconds that a client gets to read why its connection ends, before it is cut. */
const lingerMs = 1_000;
/** Streams that were reset from here, whose frames may still be on their way. */
const resetStreamsMax = 256;
const pingPayload = Buffer.from("quorate?");

/**
 * One connection of HTTP/2 (RFC 9113): its streams, what leaves it, and how it ends. The frames
 * that come are judged by `RequestFrames` and `ControlFrames`, what must hold for calls by the
 * stream.
 */
export class Connection implements FrameSink, StreamOwner {
  readonly host: ConnectionHost;
  /** Something has come since this was set to false last: the client is there. */
  isAlive = true;
  /** It is in the host's list of those that will be flushed. */
  isFlushPending = false;
  readonly output: Output;
  readonly peer: PeerSettings = new PeerSettings();
  readonly sending: SendQueue;
  /** Streams that have not ended in both directions. */
  readonly streams: Map<number, ServerStream> = new Map();
  /** The last streams that were reset from here: their frames may still be on their way. */
  readonly resetIds: Set<number> = new Set();
  /** The highest that the client has begun. */
  lastStreamId = 0;
  /** The client's first frame has come. */
  hasSettings = false;
  /** No new streams; it closes when the last one ends. */
  isDraining = false;
  readonly #socket: Socket;
  readonly #reader: FrameReader = new FrameReader(this);
  readonly #requests: RequestFrames;
  readonly #control: ControlFrames;
  readonly #controls: FloodGuard;
  readonly #resets: FloodGuard;
  #isTableEmptied = false;
  /** Nothing is read or answered any more. */
  #isEnding = false;
  #isPaused = false;
  /** A stream was reset in this frame because the client broke a rule. */
  #hasBroken = false;
  #linger: NodeJS.Timeout | null = null;

  constructor(host: ConnectionHost, socket: Socket) {
    const { limits } = host;
    this.host = host;
    this.#socket = socket;
    this.output = new Output(socket, host.blocks);
    this.sending = new SendQueue(this.output, this.peer, (stream) => this.#onSent(stream));
    this.#requests = new RequestFrames(this);
    this.#control = new ControlFrames(this);
    this.#controls = new FloodGuard(limits.controlFramesBurst, limits.controlFramesPerSecond);
    this.#resets = new FloodGuard(limits.streamResetsBurst, limits.streamResetsPerSecond);
  }

  /** Begins to read, first what was read already. */
  start(head: Uint8Array): void {
    const socket = this.#socket;
    this.output.onWritten = () => this.#onWritten();
    this.output.onReleased = (bytes) => {
      this.host.pendingResponseBytes -= bytes;
    };
    socket.on("error", () => {});
    // HTTP/2 has no half-closed connections: a client that ends its side is gone.
    socket.on("end", () => socket.destroy());
    socket.on("close", () => this.#onClose());
    this.#greet();
    if (head.length > 0) this.#onChunk(Buffer.from(head.buffer, head.byteOffset, head.length));
    socket.on("data", (chunk: Buffer) => this.#onChunk(chunk));
    if (!this.#isPaused) socket.resume();
  }

  /** Takes no new streams and ends after the last. */
  close(): void {
    if (this.#isEnding || this.isDraining) return;
    this.isDraining = true;
    frames.writeGoaway(this.output, this.lastStreamId, errorCodes.noError, "");
    this.flushLater();
    this.#maybeDrained();
  }

  /** Ends the calls that are left and closes at once. */
  cutOff(): void {
    for (const stream of this.streams.values()) stream.cancel("server-stopped");
    this.flush();
    this.#socket.destroy();
  }

  /** Closes at once: nobody is there. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Asks whether the client is there. */
  ping(): void {
    if (this.#isEnding) return;
    frames.writePing(this.output, 0, pingPayload, 0);
    this.flushLater();
  }

  /** Writes what has gathered. */
  flush(): void {
    this.isFlushPending = false;
    if (this.#socket.destroyed) return;
    const { connectionOutputBytesMax } = this.host.limits;
    // Large answers alone leave room, so that they do not stop the reading.
    const sentBytes = this.sending.pump(connectionOutputBytesMax / 2);
    if (sentBytes > 0) this.#controls.earn(Math.ceil(sentBytes / frameBytesMax));
    this.output.flush();
    if (this.output.bytes > connectionOutputBytesMax && !this.#isPaused) {
      this.#isPaused = true;
      this.#socket.pause();
    }
    this.#maybeEnded();
  }

  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): boolean {
    this.isAlive = true;
    const fault = this.#takeFrame(type, flags, streamId, bytes, start, end);
    if (fault !== null) this.#endWith(fault);
    return !this.#isEnding;
  }

  onFrameTooLong(length: number): void {
    const text = `a frame of ${length} bytes, over ${frameBytesMax}`;
    this.#endWith({ code: errorCodes.frameSizeError, text });
  }

  onWrongPreface(): void {
    this.#endWith(protocolFault("no preface"));
  }

  sendResponse(stream: ServerStream, message: Uint8Array): void {
    this.host.pendingResponseBytes += message.length;
    stream.response = message;
    this.flushLater();
    const bytes = message.length + messagePrefixBytes;
    const sending = this.sending;
    if (this.#isTableEmptied || !this.peer.wantsSmallTable) {
      const window = Math.min(sending.window, stream.sendWindow, this.peer.frameBytes);
      if (bytes <= window && sending.isEmpty && frames.isSmall(message)) {
        sending.window -= bytes;
        frames.writeAnswer(this.output, stream.id, message);
        this.#finish(stream);
        return;
      }
    }
    this.#writeHeaders(stream.id, okHeaders, false);
    sending.add(stream);
  }

  sendMessage(stream: ServerStream, message: Uint8Array): void {
    this.host.pendingResponseBytes += message.length;
    stream.response = message;
    stream.responseAt = 0;
    this.flushLater();
    this.#writeFirstHeaders(stream);
    this.sending.add(stream);
  }

  sendEnd(stream: ServerStream): void {
    if (this.#isEnding) return;
    this.flushLater();
    this.#writeFirstHeaders(stream);
    this.#writeHeaders(stream.id, okTrailers, true);
    this.#finish(stream);
  }

  #writeFirstHeaders(stream: ServerStream): void {
    if (stream.hasHeaders) return;
    stream.hasHeaders = true;
    this.#writeHeaders(stream.id, okHeaders, false);
  }

  sendFailure(stream: ServerStream, httpStatus: number, failure: Status): void {
    if (this.#isEnding) return;
    this.flushLater();
    this.sending.remove(stream);
    const block = stream.hasHeaders
      ? encodeFailedTrailers(failure)
      : encodeFailure(httpStatus, failure);
    this.#writeHeaders(stream.id, block, true);
    this.#finish(stream);
    if (stream.isRemoteClosed) return;
    // The client need not send the rest.
    this.#writeReset(stream.id, errorCodes.noError);
  }

  /** Ends a stream that broke a rule; its call is the caller's matter. */
  resetStream(stream: ServerStream, code: ErrorCode): void {
    this.remove(stream);
    this.#writeReset(stream.id, code);
  }

  /** Our settings, and the window of the whole connection, which is no setting. */
  #greet(): void {
    const { limits } = this.host;
    frames.writeSettings(this.output, [
      [settingIds.maxConcurrentStreams, limits.connectionStreamsMax],
      [settingIds.initialWindowSize, this.#requests.streamWindowBytes],
      [settingIds.maxHeaderListSize, limits.headerListBytesMax],
    ]);
    this.#requests.grantFirst();
    this.flushLater();
  }

  #onChunk(chunk: Buffer): void {
    if (this.#isEnding) return;
    this.#reader.push(chunk);
    this.#requests.endChunk();
    if (!this.sending.isEmpty) this.flushLater();
  }

  #takeFrame(
    type: number,
    flags: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): ConnectionFault | null {
    if (!this.hasSettings && type !== frameTypes.settings) {
      return protocolFault("the first frame is no SETTINGS");
    }
    if (this.#requests.isInHeaders && type !== frameTypes.continuation) {
      return protocolFault("another frame within a header block");
    }
    switch (type) {
      case frameTypes.data:
        return this.#requests.onData(flags, id, bytes, start, end);
      case frameTypes.headers:
        return this.#requests.onHeaders(flags, id, bytes, start, end);
      case frameTypes.windowUpdate:
        return this.#control.onWindowUpdate(id, bytes, start, end);
      case frameTypes.continuation:
        return this.#requests.onContinuation(flags, id, bytes, start, end);
      case frameTypes.rstStream:
        return this.#control.onReset(id, end - start);
      case frameTypes.settings:
        return this.#control.onSettings(flags, id, bytes, start, end);
      case frameTypes.ping:
        return this.#control.onPing(flags, id, bytes, start, end);
      case frameTypes.goaway:
        return this.#control.onGoaway(id, end - start);
      case frameTypes.priority:
        return this.#control.onPriority(id, end - start);
      case frameTypes.pushPromise:
        return protocolFault("PUSH_PROMISE from a client");
      default:
        // Extensions that nobody agreed upon are ignored.
        return this.countControl();
    }
  }

  /** Streams that the client has not begun; it begins none with an even number. */
  isIdle(id: number): boolean {
    return id > this.lastStreamId || id % 2 === 0;
  }

  /** The next write comes at the end of this turn. */
  flushLater(): void {
    this.host.flushLater(this);
  }

  /** Counts a frame that carries no call. */
  countControl(): ConnectionFault | null {
    return this.#controls.allows() ? null : flood("control frames");
  }

  /** A stream error that the client caused. */
  breakStream(stream: ServerStream, code: ErrorCode): void {
    this.breakId(stream.id, code);
    this.remove(stream);
    stream.cancel("cancelled-by-client");
  }

  /** The same for one that has no stream, or none any more. */
  breakId(id: number, code: ErrorCode): void {
    this.#hasBroken = true;
    this.#writeReset(id, code);
  }

  /** Streams that a client makes us reset cost as much as those that it resets itself. */
  resetFault(): ConnectionFault | null {
    if (!this.#hasBroken) return null;
    this.#hasBroken = false;
    return this.countReset();
  }

  /** Counts a stream that was in vain. */
  countReset(): ConnectionFault | null {
    return this.#resets.allows() ? null : flood("streams that are reset");
  }

  #writeReset(id: number, code: ErrorCode): void {
    this.resetIds.add(id);
    if (this.resetIds.size > resetStreamsMax) {
      const [oldest = id] = this.resetIds;
      this.resetIds.delete(oldest);
    }
    frames.writeReset(this.output, id, code);
    this.flushLater();
  }

  #writeHeaders(id: number, block: Uint8Array, endStream: boolean): void {
    if (this.#isTableEmptied || !this.peer.wantsSmallTable) {
      frames.writeHeaders(this.output, id, block, endStream);
      return;
    }
    this.#isTableEmptied = true;
    frames.writeHeaders(this.output, id, Uint8Array.from([emptyTableUpdate, ...block]), endStream);
  }

  /** The whole message of a stream is in the output. */
  #onSent(stream: ServerStream): void {
    if (stream.isStreaming) {
      this.#controls.earn(1);
      this.#release(stream);
      stream.onSent();
      return;
    }
    frames.writeHeaders(this.output, stream.id, okTrailers, true);
    this.#finish(stream);
  }

  /**
   * The answer is in the output as a whole. It earns the client a frame without a call: grpc-go
   * measures the network with a ping for nearly each answer.
   */
  #finish(stream: ServerStream): void {
    this.#controls.earn(1);
    this.#release(stream);
    this.streams.delete(stream.id);
    this.#maybeDrained();
  }

  /** Its message counts until the output has been written. */
  #release(stream: ServerStream): void {
    this.output.responseBytes += stream.response?.length ?? 0;
    stream.response = null;
  }

  /** The stream has ended without its answer, or in the middle of it. */
  remove(stream: ServerStream): void {
    this.sending.remove(stream);
    this.host.pendingResponseBytes -= stream.response?.length ?? 0;
    stream.response = null;
    this.streams.delete(stream.id);
    this.#maybeDrained();
  }

  #onWritten(): void {
    const { connectionOutputBytesMax } = this.host.limits;
    // Something left though the client was slow: it is there.
    if (this.#isPaused) this.isAlive = true;
    if (!this.sending.isEmpty || this.output.bytes > 0) this.flush();
    if (this.#isPaused && this.output.bytes <= connectionOutputBytesMax / 2) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    this.#maybeEnded();
  }

  #endWith(fault: ConnectionFault): void {
    if (this.#isEnding) return;
    frames.writeGoaway(this.output, this.lastStreamId, fault.code, fault.text);
    this.#isEnding = true;
    this.#dropStreams();
    this.#linger = setTimeout(() => this.#socket.destroy(), lingerMs);
    // What still comes is dropped: closing with bytes unread would take our last words back.
    if (this.#isPaused) this.#socket.resume();
    this.flushLater();
  }

  #maybeDrained(): void {
    if (!this.isDraining || this.#isEnding || this.streams.size > 0) return;
    this.#isEnding = true;
    this.#linger = setTimeout(() => this.#socket.destroy(), lingerMs);
    this.flushLater();
  }

  #maybeEnded(): void {
    if (!this.#isEnding || !this.output.isEmpty) return;
    if (this.isDraining) this.#socket.destroySoon();
    else this.#socket.end();
  }

  #dropStreams(): void {
    for (const stream of [...this.streams.values()]) {
      this.remove(stream);
      stream.cancel("connection-lost");
    }
  }

  #onClose(): void {
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#isEnding = true;
    this.#dropStreams();
    this.output.drop();
    this.host.onClosed(this);
  }
}
