import { frameBytesMax, frameHeadBytes, readUint31 } from "./protocol.ts";

/**
 * Cuts what arrives on a connection into frames. A frame that lies in one chunk is handed on where
 * it lies; only those that chunks cut apart are copied together.
 */

/** Who gets the frames. */
export interface FrameSink {
  /**
   * A frame; its payload is `bytes` from `start` to `end`, and nobody writes to it any more.
   * Returns false if nothing more is wanted.
   */
  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): boolean;
  /** A frame is longer than allowed; nothing follows. */
  onFrameTooLong(length: number): void;
  /** The connection does not begin as it must; nothing follows. */
  onWrongPreface(): void;
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export class FrameReader {
  readonly #sink: FrameSink;
  #isPrefaceDone = false;
  #isStopped = false;
  /** The beginning of a frame, or of the preface, whose rest has not come. */
  #partial: Buffer = Buffer.allocUnsafeSlow(preface.length);
  #held = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let at = this.#held > 0 || !this.#isPrefaceDone ? this.#complete(chunk) : 0;
    if (!this.#isStopped) at = this.#readWhole(chunk, at);
    if (!this.#isStopped && at < chunk.length) this.#keep(chunk, at);
  }

  /** Reads the frames that lie whole in the chunk; returns where the first that does not begins. */
  #readWhole(chunk: Buffer, from: number): number {
    let at = from;
    while (chunk.length - at >= frameHeadBytes) {
      const length = readLength(chunk, at);
      if (length > frameBytesMax) return this.#refuse(length);
      const end = at + frameHeadBytes + length;
      if (end > chunk.length) break;
      this.#emit(chunk, at, end);
      if (this.#isStopped) break;
      at = end;
    }
    return at;
  }

  /** Takes from the chunk what the frame that has begun lacks; returns how much that was. */
  #complete(chunk: Buffer): number {
    let at = 0;
    for (;;) {
      const needed = this.#needed();
      const count = Math.min(needed - this.#held, chunk.length - at);
      chunk.copy(this.#partial, this.#held, at, at + count);
      this.#held += count;
      at += count;
      if (this.#held < needed || this.#isStopped) return at;
      if (!this.#isPrefaceDone) {
        this.#checkPreface();
        return at;
      }
      // The head is there: with it the length, and perhaps that this was all.
      const total = this.#needed();
      if (this.#isStopped) return at;
      if (total === needed) {
        this.#emitPartial();
        return at;
      }
      this.#grow(total);
    }
  }

  #emitPartial(): void {
    const frame = this.#partial;
    const end = this.#held;
    this.#held = 0;
    // The next one gets memory of its own: parts of this one may be kept.
    this.#partial = Buffer.allocUnsafeSlow(frameHeadBytes);
    this.#emit(frame, 0, end);
  }

  #needed(): number {
    if (!this.#isPrefaceDone) return preface.length;
    if (this.#held < frameHeadBytes) return frameHeadBytes;
    const length = readLength(this.#partial, 0);
    if (length > frameBytesMax) return this.#refuse(length);
    return frameHeadBytes + length;
  }

  #grow(total: number): void {
    const grown = Buffer.allocUnsafeSlow(total);
    this.#partial.copy(grown, 0, 0, this.#held);
    this.#partial = grown;
  }

  #keep(chunk: Buffer, from: number): void {
    this.#complete(chunk.subarray(from));
  }

  #checkPreface(): void {
    this.#isPrefaceDone = true;
    this.#held = 0;
    if (preface.equals(this.#partial)) return;
    this.#isStopped = true;
    this.#sink.onWrongPreface();
  }

  #emit(bytes: Buffer, at: number, end: number): void {
    const type = bytes[at + 3] ?? 0;
    const flags = bytes[at + 4] ?? 0;
    const streamId = readUint31(bytes, at + 5);
    if (!this.#sink.onFrame(type, flags, streamId, bytes, at + frameHeadBytes, end)) {
      this.#isStopped = true;
    }
  }

  #refuse(length: number): number {
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.#sink.onFrameTooLong(length);
    }
    return 0;
  }
}

function readLength(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
}
