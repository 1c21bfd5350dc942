/**
 * Cuts a stream of bytes, however it was split on the way, back into frames. Untrusted input:
 * whatever is wrong is a `FormatError`, after which the parser is not used again. A frame that lies
 * inside one chunk is not copied; one that spans several is copied once.
 */
import { assert, type Crc32, FormatError } from "../../base/index.ts";
import { type Frame, frameHeaderBytes } from "./frame.ts";

const nothing: Uint8Array = new Uint8Array(0);

interface Header {
  readonly kind: number;
  readonly payloadBytes: number;
  readonly payloadCrc: number;
}

export class FrameParser {
  /** Bytes of a frame with its header; may be raised when the handshake is done. */
  frameBytesMax: number;
  readonly #crc32: Crc32;
  #chunk = nothing;
  #offset = 0;
  /** Bytes of the stream before `#chunk`. */
  #before = 0;
  /** The start of a header that a chunk ended in. */
  readonly #partial = new Uint8Array(frameHeaderBytes);
  #partialBytes = 0;
  /** The header and the collected payload of a frame that a chunk ended in. */
  #header: Header | null = null;
  #payload = nothing;
  #payloadFilled = 0;
  #lastHeader = nothing;

  constructor(crc32: Crc32, frameBytesMax: number) {
    this.#crc32 = crc32;
    this.frameBytesMax = frameBytesMax;
  }

  /** The bytes that the newest header was, or was not, read from: tells who is at the other end. */
  get lastHeader(): Uint8Array {
    return this.#lastHeader;
  }

  /** Adds received bytes. `next` must have returned null for those before. */
  push(chunk: Uint8Array): void {
    assert(this.#offset === this.#chunk.length, "a chunk is used up before the next comes");
    this.#before += this.#chunk.length;
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /**
   * The next frame, or null when more bytes are needed.
   *
   * @throws FormatError for a wrong checksum, length or reserved byte
   */
  next(): Frame | null {
    const header = this.#header ?? this.#nextHeader();
    if (header === null) return null;
    const payload = this.#nextPayload(header);
    if (payload === null) return null;
    this.#header = null;
    if (this.#crc32(payload) !== header.payloadCrc) {
      throw new FormatError(`a frame ending at byte ${this.#position()} has a wrong checksum`);
    }
    return { kind: header.kind, payload };
  }

  #nextHeader(): Header | null {
    const available = this.#chunk.length - this.#offset;
    if (this.#partialBytes === 0 && available >= frameHeaderBytes) {
      const bytes = this.#chunk.subarray(this.#offset, this.#offset + frameHeaderBytes);
      this.#offset += frameHeaderBytes;
      return this.#readHeader(bytes);
    }
    const taken = Math.min(available, frameHeaderBytes - this.#partialBytes);
    this.#partial.set(this.#chunk.subarray(this.#offset, this.#offset + taken), this.#partialBytes);
    this.#offset += taken;
    this.#partialBytes += taken;
    if (this.#partialBytes < frameHeaderBytes) return null;
    this.#partialBytes = 0;
    return this.#readHeader(this.#partial);
  }

  #readHeader(bytes: Uint8Array): Header {
    this.#lastHeader = bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, frameHeaderBytes);
    if (this.#crc32(bytes.subarray(0, 12)) !== view.getUint32(12, true)) {
      throw new FormatError(`a frame header ending at byte ${this.#position()} is damaged`);
    }
    const payloadBytes = view.getUint32(0, true);
    const kind = view.getUint32(4, true);
    if (kind > 0xff) throw new FormatError("a frame header with reserved bytes that are not zero");
    if (frameHeaderBytes + payloadBytes > this.frameBytesMax) {
      const bytesFound = frameHeaderBytes + payloadBytes;
      throw new FormatError(`a frame of ${bytesFound} bytes; at most ${this.frameBytesMax} fit`);
    }
    return { kind, payloadBytes, payloadCrc: view.getUint32(8, true) };
  }

  #nextPayload(header: Header): Uint8Array | null {
    const available = this.#chunk.length - this.#offset;
    if (this.#header === null && available >= header.payloadBytes) {
      const end = this.#offset + header.payloadBytes;
      const payload = this.#chunk.subarray(this.#offset, end);
      this.#offset = end;
      return payload;
    }
    if (this.#header === null) this.#startPayload(header);
    const taken = Math.min(available, header.payloadBytes - this.#payloadFilled);
    this.#payload.set(
      this.#chunk.subarray(this.#offset, this.#offset + taken),
      this.#payloadFilled,
    );
    this.#offset += taken;
    this.#payloadFilled += taken;
    if (this.#payloadFilled < header.payloadBytes) return null;
    const payload = this.#payload;
    this.#payload = nothing;
    return payload;
  }

  #startPayload(header: Header): void {
    this.#header = header;
    this.#payload = new Uint8Array(header.payloadBytes);
    this.#payloadFilled = 0;
  }

  #position(): number {
    return this.#before + this.#offset;
  }
}
