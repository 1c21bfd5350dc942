/**
 * Encodes frames one after the other into blocks that are handed to the network as they are, so
 * that nothing is copied twice. A block is used again once the network has taken it: a new one for
 * each message keeps the garbage collector busy. One per connection.
 */
import { assert, type Crc32 } from "../../base/index.ts";
import { frameHeaderBytes } from "./frame.ts";

/** Bytes of a block that is kept: a full append message and its frame. Larger ones are rare. */
const keptBytesMax = 2 * 1024 * 1024;

export class FrameWriter {
  readonly #crc32: Crc32;
  readonly #blockBytes: number;
  #block: Uint8Array;
  #view: DataView;
  /** Where the bytes start that were not taken yet. */
  #from = 0;
  /** Where the next byte goes. */
  #at = 0;
  #frameStart = -1;
  #frameEnd = 0;
  #full: Uint8Array[] = [];
  #fullBytes = 0;

  constructor(crc32: Crc32, blockBytes: number) {
    this.#crc32 = crc32;
    this.#blockBytes = blockBytes;
    this.#block = new Uint8Array(0);
    this.#view = new DataView(this.#block.buffer);
  }

  /** Bytes of whole frames not yet taken. */
  get pendingBytes(): number {
    return this.#fullBytes + this.#at - this.#from;
  }

  /** Opens a frame whose payload is at most `payloadBytesMax` long. */
  begin(payloadBytesMax: number): void {
    assert(this.#frameStart < 0, "a frame is begun when none is open");
    const needed = frameHeaderBytes + payloadBytesMax;
    if (this.#at + needed > this.#block.length) this.#nextBlock(needed);
    this.#frameStart = this.#at;
    this.#frameEnd = this.#at + needed;
    this.#at += frameHeaderBytes;
  }

  /** Closes the frame: writes the header with its checksums. */
  end(kind: number): void {
    const start = this.#frameStart;
    assert(start >= 0, "a frame is ended when one is open");
    assert(this.#at <= this.#frameEnd, "a payload is no longer than announced");
    const payload = this.#block.subarray(start + frameHeaderBytes, this.#at);
    const header = this.#block.subarray(start, start + frameHeaderBytes);
    writeFrameHeader(header, kind, payload.length, this.#crc32(payload), this.#crc32);
    this.#frameStart = -1;
  }

  /** The frames written since the last call; they are the caller's and never change. */
  take(): readonly Uint8Array[] {
    assert(this.#frameStart < 0, "frames are taken when none is open");
    const chunks = this.#full;
    if (this.#at > this.#from) chunks.push(this.#block.subarray(this.#from, this.#at));
    this.#full = [];
    this.#fullBytes = 0;
    this.#from = this.#at;
    return chunks;
  }

  /** What was taken has left: its memory may be written again. */
  recycle(): void {
    assert(this.#frameStart < 0, "memory is used again when no frame is open");
    if (this.pendingBytes > 0) return;
    if (this.#block.length > keptBytesMax) this.#block = new Uint8Array(0);
    this.#from = 0;
    this.#at = 0;
  }

  u8(value: number): void {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  u64(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, "a number on the wire is safe and unsigned");
    this.#view.setUint32(this.#at, value >>> 0, true);
    this.#view.setUint32(this.#at + 4, Math.floor(value / 0x1_0000_0000), true);
    this.#at += 8;
  }

  raw(bytes: Uint8Array): void {
    this.#block.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #nextBlock(needed: number): void {
    if (this.#at > this.#from) {
      this.#full.push(this.#block.subarray(this.#from, this.#at));
      this.#fullBytes += this.#at - this.#from;
    }
    this.#block = new Uint8Array(Math.max(needed, this.#blockBytes));
    this.#view = new DataView(this.#block.buffer);
    this.#from = 0;
    this.#at = 0;
  }
}

/** Fills the 16 bytes of `header`. */
export function writeFrameHeader(
  header: Uint8Array,
  kind: number,
  payloadBytes: number,
  payloadCrc: number,
  crc32: Crc32,
): void {
  const view = new DataView(header.buffer, header.byteOffset, frameHeaderBytes);
  view.setUint32(0, payloadBytes, true);
  view.setUint32(4, kind, true);
  view.setUint32(8, payloadCrc, true);
  view.setUint32(12, crc32(header.subarray(0, 12)), true);
}
