import { ProtoError } from "./proto-error.ts";

/**
 * Writes protobuf's wire format from the last byte to the first, so that the length of an embedded
 * message is known when it is written: one pass, no measuring. Driven by the generated `codecs.ts`.
 */

/**
 * Bytes of the block from which finished messages are cut without copying. Larger means fewer
 * blocks; a message that is held for long keeps its block alive, so it stays small.
 */
const blockBytes = 16_384;

const two32 = 2 ** 32;
const utf8 = new TextEncoder();
const bits = new DataView(new ArrayBuffer(8));

/**
 * Made once and used for one message after the other; `begin` to `finish` never spans a callback.
 */
export class Writer {
  #block: Uint8Array = new Uint8Array(blockBytes);
  #position: number = blockBytes;
  #end: number = blockBytes;

  /** Starts a message. What an earlier one that threw had written is left behind as waste. */
  begin(): void {
    this.#end = this.#position;
  }

  /** Ends the message and returns its bytes, which nothing else will write to. */
  finish(): Uint8Array {
    const start = this.#position;
    return new Uint8Array(this.#block.buffer, start, this.#end - start);
  }

  /** How many bytes of this message are written; given back to `embed`. */
  mark(): number {
    return this.#end - this.#position;
  }

  /** Completes an embedded message: all that was written since `mark` becomes the field `tag`. */
  embed(tag: number, mark: number): void {
    this.#varint(this.mark() - mark, 0);
    this.#varint(tag, 0);
  }

  bytes(tag: number, value: Uint8Array): void {
    this.#reserve(value.length);
    this.#position -= value.length;
    // Below this a loop is cheaper than the call that copies.
    if (value.length > 24) this.#block.set(value, this.#position);
    else for (let i = 0; i < value.length; i++) this.#block[this.#position + i] = value[i] ?? 0;
    this.#varint(value.length, 0);
    this.#varint(tag, 0);
  }

  string(tag: number, value: string): void {
    this.bytes(tag, utf8.encode(value));
  }

  true(tag: number): void {
    this.#varint(1, 0);
    this.#varint(tag, 0);
  }

  /** @throws ProtoError `out-of-range` unless `value` is a safe integer. */
  int64(tag: number, value: number): void {
    if (!Number.isSafeInteger(value)) failRange("an int64 as a number", value);
    const high = Math.floor(value / two32);
    this.#varint((value - high * two32) >>> 0, high >>> 0);
    this.#varint(tag, 0);
  }

  /** @throws ProtoError `out-of-range` unless `value` is a safe integer that is not negative. */
  uint64(tag: number, value: number): void {
    if (value < 0) failRange("a uint64", value);
    this.int64(tag, value);
  }

  /** @throws ProtoError `out-of-range` unless `value` has at most 64 bits with its sign. */
  int64Id(tag: number, value: bigint): void {
    bits.setBigInt64(0, value);
    if (bits.getBigInt64(0) !== value) failRange("an int64", value);
    this.#varint(bits.getUint32(4), bits.getUint32(0));
    this.#varint(tag, 0);
  }

  /** @throws ProtoError `out-of-range` unless `value` has at most 64 bits and no sign. */
  uint64Id(tag: number, value: bigint): void {
    bits.setBigUint64(0, value);
    if (bits.getBigUint64(0) !== value) failRange("a uint64", value);
    this.#varint(bits.getUint32(4), bits.getUint32(0));
    this.#varint(tag, 0);
  }

  /** Writes the index of `value` in `names`; index 0 is the default and is left out. */
  enumeration<Name extends string>(tag: number, value: Name, names: readonly Name[]): void {
    const index = names.indexOf(value);
    if (index === 0) return;
    if (index < 0) {
      throw new ProtoError("unknown-enum-value", `Cannot encode ${value}: none of ${names}`);
    }
    this.#varint(index, 0);
    this.#varint(tag, 0);
  }

  #varint(low: number, high: number): void {
    if (high === 0 && low < 0x80) {
      if (this.#position === 0) this.#reserve(1);
      this.#block[--this.#position] = low;
      return;
    }
    this.#reserve(10);
    const start = this.#position - varintBytes(low, high);
    this.#position = start;
    this.#putVarint(start, low, high);
  }

  #putVarint(start: number, low: number, high: number): void {
    const block = this.#block;
    let at = start;
    let rest = low;
    let restHigh = high;
    while (restHigh !== 0 || rest > 0x7f) {
      block[at++] = (rest & 0x7f) | 0x80;
      rest = ((rest >>> 7) | (restHigh << 25)) >>> 0;
      restHigh >>>= 7;
    }
    block[at] = rest;
  }

  #reserve(count: number): void {
    if (this.#position >= count) return;
    const written = this.mark();
    const size = Math.max(blockBytes, 2 * (written + count));
    const block = new Uint8Array(size);
    block.set(this.#block.subarray(this.#position, this.#end), size - written);
    this.#block = block;
    this.#position = size - written;
    this.#end = size;
  }
}

function varintBytes(low: number, high: number): number {
  const lowBits = 32 - Math.clz32(low);
  const count = high === 0 ? lowBits : 64 - Math.clz32(high);
  return Math.ceil(count / 7);
}

function failRange(type: string, value: number | bigint): never {
  throw new ProtoError("out-of-range", `Cannot encode ${value}: it does not fit ${type}`);
}
