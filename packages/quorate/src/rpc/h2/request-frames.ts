import type { Connection } from "./connection.ts";
import { type ConnectionFault, flood, protocolFault } from "./faults.ts";
import * as frames from "./frame-writer.ts";
import { errorCodes, frameFlags, windowBytesInitial } from "./protocol.ts";
import { findTrailerFlaw, type RequestHead } from "./request-head.ts";
import { RequestHeaders } from "./request-headers.ts";
import { ServerStream } from "./stream.ts";

/**
 * The frames that carry requests: HEADERS, CONTINUATION and DATA, with the windows for them. Each
 * handler takes a payload, `bytes` from `start` to `end`, and returns why the connection must end,
 * if it must; what is wrong with one stream only resets that.
 */
export class RequestFrames {
  readonly #connection: Connection;
  readonly #headers: RequestHeaders;
  /** Streams that began in this chunk and are not complete. */
  #begun: ServerStream[] = [];
  /** Bytes of DATA that have come, and that may come in all, as with streams. */
  #receivedBytes = 0;
  #grantedBytes: number;
  readonly #windowBytes: number;
  /** Bytes that may come on a new stream. */
  readonly streamWindowBytes: number;

  constructor(connection: Connection) {
    const { limits, methods } = connection.host;
    this.#connection = connection;
    this.#headers = new RequestHeaders(limits, methods);
    // A client may use the windows of the standard before it has heard of ours.
    this.#windowBytes = Math.max(windowBytesInitial, limits.connectionWindowBytes);
    this.streamWindowBytes = Math.max(windowBytesInitial, limits.streamWindowBytes);
    this.#grantedBytes = this.#windowBytes;
  }

  /** Only CONTINUATION may come. */
  get isInHeaders(): boolean {
    return this.#headers.open !== null;
  }

  /** Tells the client its window of the whole connection, which is no setting. */
  grantFirst(): void {
    const increment = this.#windowBytes - windowBytesInitial;
    if (increment > 0) frames.writeWindowUpdate(this.#connection.output, 0, increment);
  }

  /** All frames of a chunk were taken: from now on, incomplete requests are waited for. */
  endChunk(): void {
    for (const stream of this.#begun) stream.awaitRequest();
    this.#begun.length = 0;
  }

  onData(
    flags: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): ConnectionFault | null {
    if (id === 0 || this.#connection.isIdle(id)) return protocolFault(`DATA on stream ${id}`);
    this.#receivedBytes += end - start;
    if (this.#receivedBytes > this.#grantedBytes) {
      return { code: errorCodes.flowControlError, text: "more DATA than the connection's window" };
    }
    const padding = (flags & frameFlags.padded) === 0 ? 0 : 1 + (bytes[start] ?? 0);
    if (padding > end - start) return protocolFault("more padding than DATA");
    const isEnd = (flags & frameFlags.endStream) !== 0;
    const from = padding > 0 ? start + 1 : start;
    const to = padding > 0 ? end - padding + 1 : end;
    if (to === from && !isEnd && this.#connection.countControl() !== null)
      return flood("empty DATA");
    const stream = this.#connection.streams.get(id);
    if (stream === undefined) this.#onStrayData(id);
    else this.#giveData(stream, end - start, bytes, from, to, isEnd);
    this.#grantConnection();
    return this.#connection.resetFault();
  }

  #giveData(
    stream: ServerStream,
    frameBytes: number,
    bytes: Buffer,
    from: number,
    to: number,
    isEnd: boolean,
  ): void {
    stream.receivedBytes += frameBytes;
    if (stream.isRemoteClosed) this.#connection.breakStream(stream, errorCodes.streamClosed);
    else if (stream.receivedBytes > stream.grantedBytes) {
      this.#connection.breakStream(stream, errorCodes.flowControlError);
    } else {
      stream.onData(bytes, from, to, isEnd);
      if (!stream.isRemoteClosed && this.#connection.streams.has(stream.id))
        this.#grantStream(stream);
    }
  }

  #onStrayData(id: number): void {
    if (!this.#connection.resetIds.has(id)) this.#connection.breakId(id, errorCodes.streamClosed);
  }

  /** Windows are opened again when half of them is used up. */
  #grantConnection(): void {
    if (this.#grantedBytes - this.#receivedBytes >= this.#windowBytes / 2) return;
    const granted = this.#receivedBytes + this.#windowBytes;
    frames.writeWindowUpdate(this.#connection.output, 0, granted - this.#grantedBytes);
    this.#grantedBytes = granted;
    this.#connection.flushLater();
  }

  #grantStream(stream: ServerStream): void {
    if (stream.grantedBytes - stream.receivedBytes >= this.streamWindowBytes / 2) return;
    const granted = stream.receivedBytes + this.streamWindowBytes;
    frames.writeWindowUpdate(this.#connection.output, stream.id, granted - stream.grantedBytes);
    stream.grantedBytes = granted;
    this.#connection.flushLater();
  }

  onHeaders(
    flags: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): ConnectionFault | null {
    if (id % 2 === 0) return protocolFault(`HEADERS on stream ${id}`);
    let from = start;
    let to = end;
    if ((flags & frameFlags.padded) !== 0) {
      to -= bytes[from] ?? 0;
      from++;
    }
    if ((flags & frameFlags.priority) !== 0) from += 5;
    if (from > end) {
      return { code: errorCodes.frameSizeError, text: "HEADERS without room for their fields" };
    }
    if (to < from) return protocolFault("more padding than HEADERS");
    const endStream = (flags & frameFlags.endStream) !== 0;
    if ((flags & frameFlags.endHeaders) === 0) {
      return this.#headers.begin({ streamId: id, endStream }, bytes, from, to);
    }
    return this.#onHeaderBlock(id, endStream, bytes, from, to);
  }

  onContinuation(
    flags: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): ConnectionFault | null {
    const { open } = this.#headers;
    if (open?.streamId !== id) return protocolFault("CONTINUATION without HEADERS");
    const fault = this.#headers.append(bytes, start, end);
    if (fault !== null || (flags & frameFlags.endHeaders) === 0) return fault;
    const block = this.#headers.finish();
    return this.#onHeaderBlock(id, open.endStream, block, 0, block.length);
  }

  #onHeaderBlock(
    id: number,
    endStream: boolean,
    bytes: Buffer,
    start: number,
    end: number,
  ): ConnectionFault | null {
    if (!this.#connection.isIdle(id)) return this.#onTrailers(id, endStream, bytes, start, end);
    const head = this.#headers.readHead(bytes, start, end);
    if ("code" in head) return head;
    this.#connection.lastStreamId = id;
    if (
      this.#connection.isDraining ||
      this.#connection.streams.size >= this.#connection.host.limits.connectionStreamsMax
    ) {
      this.#connection.breakId(id, errorCodes.refusedStream);
    } else if (head.flaw !== null) {
      this.#connection.breakId(id, errorCodes.protocolError);
    } else {
      this.#open(id, head, endStream);
    }
    return this.#connection.resetFault();
  }

  #open(id: number, head: RequestHead, endStream: boolean): void {
    const window = this.#connection.peer.windowBytes;
    const stream = new ServerStream(this.#connection, id, head, window, this.streamWindowBytes);
    this.#connection.streams.set(id, stream);
    if (!endStream) this.#begun.push(stream);
    stream.start(endStream);
  }

  #onTrailers(
    id: number,
    endStream: boolean,
    bytes: Buffer,
    start: number,
    end: number,
  ): ConnectionFault | null {
    const fields = this.#headers.readFields(bytes, start, end);
    if (!Array.isArray(fields)) return fields;
    const stream = this.#connection.streams.get(id);
    if (stream === undefined) {
      if (this.#connection.resetIds.has(id)) return this.#connection.countControl();
      return { code: errorCodes.streamClosed, text: `HEADERS on stream ${id}, which is closed` };
    }
    if (stream.isRemoteClosed) this.#connection.breakStream(stream, errorCodes.streamClosed);
    else if (!endStream || findTrailerFlaw(fields) !== null) {
      this.#connection.breakStream(stream, errorCodes.protocolError);
    } else {
      stream.onTrailers();
    }
    return this.#connection.resetFault();
  }
}
