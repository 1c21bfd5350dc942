import { ProtoError, type ProtoErrorReason } from "./proto-error.ts";

/**
 * Reads protobuf's wire format from untrusted bytes. It knows nothing of messages: `codecs.ts`,
 * which is generated, drives it. Every step moves forward or throws, so no input makes it loop.
 */

/**
 * Messages inside messages, the root included. etcd lets a transaction of 128 operations nest 128
 * deep, and each level takes two messages (operation and transaction), so that the limit refuses
 * nothing that etcd accepts.
 */
export const messageDepthMax = 300;

/** Shared by all empty bytes fields; it has no byte that could be changed. */
export const emptyBytes: Uint8Array = new Uint8Array(0);

const wireVarint = 0;
const wireFixed64 = 1;
const wireBytes = 2;
const wireStartGroup = 3;
const wireEndGroup = 4;
const wireFixed32 = 5;

const two32 = 2 ** 32;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const bits = new DataView(new ArrayBuffer(8));

/**
 * A position in the bytes of one root message. The halves of the last varint are kept apart,
 * unsigned.
 */
export class Reader {
  position = 0;
  readonly #bytes: Uint8Array;
  readonly #root: string;
  #depth = 0;
  #low = 0;
  #high = 0;

  /** @param root The name of the message for error texts, such as `PutRequest`. */
  constructor(bytes: Uint8Array, root: string) {
    this.#bytes = bytes;
    this.#root = root;
  }

  /** Where the root message ends. */
  get end(): number {
    return this.#bytes.length;
  }

  /** Reads a tag: field number times 8 plus wire type. */
  tag(): number {
    const byte = this.#bytes[this.position];
    if (byte !== undefined && byte < 0x80 && byte > 7) {
      this.position++;
      return byte;
    }
    this.#varint();
    if (this.#high !== 0 || this.#low < 8) this.#fail("malformed", "illegal field number");
    return this.#low;
  }

  /** Reads the length of an embedded message and returns where it ends; `leave` ends it. */
  enter(end: number): number {
    this.#depth++;
    if (this.#depth >= messageDepthMax) {
      this.#fail("too-deep", `more than ${messageDepthMax} messages inside each other`);
    }
    return this.#lengthEnd(end);
  }

  /** Ends the message that `enter` began, or the root: its last field must end where it ends. */
  leave(end: number): void {
    this.#depth--;
    if (this.position !== end) this.#fail("malformed", "a field goes past the end of its message");
  }

  /**
   * Reads bytes as a view: no copy, so it keeps the whole request alive for as long as it is held.
   */
  bytes(end: number): Uint8Array {
    const fieldEnd = this.#lengthEnd(end);
    const start = this.position;
    if (start === fieldEnd) return emptyBytes;
    this.position = fieldEnd;
    const bytes = this.#bytes;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, fieldEnd - start);
  }

  string(end: number): string {
    const bytes = this.bytes(end);
    try {
      return utf8.decode(bytes);
    } catch {
      return this.#fail("malformed", "a string is not UTF-8");
    }
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  /** Reads an int64 as a number. @throws ProtoError `out-of-range` beyond the safe integers. */
  int64(): number {
    this.#varint();
    return this.#checkSafe((this.#high | 0) * two32 + this.#low);
  }

  /** Reads a uint64 as a number. @throws ProtoError `out-of-range` beyond the safe integers. */
  uint64(): number {
    this.#varint();
    return this.#checkSafe(this.#high * two32 + this.#low);
  }

  /** Reads an int64 that is an opaque id. */
  int64Id(): bigint {
    return BigInt.asIntN(64, this.uint64Id());
  }

  /** Reads a uint64 that is an opaque id. */
  uint64Id(): bigint {
    this.#varint();
    if (this.#high === 0) return BigInt(this.#low);
    bits.setUint32(0, this.#high);
    bits.setUint32(4, this.#low);
    return bits.getBigUint64(0);
  }

  /**
   * Reads an enum whose numbers are the indexes of `names`.
   *
   * @throws ProtoError `unknown-enum-value`.
   */
  enumeration<Name extends string>(names: readonly Name[]): Name {
    this.#varint();
    const name = names[this.#low];
    if (name !== undefined) return name;
    return this.#fail("unknown-enum-value", `${this.#low | 0} is none of ${names.join(", ")}`);
  }

  /**
   * Steps over a field that the caller has no case for.
   *
   * @param known The field numbers of the message: one of these came with a wrong wire type and is
   * refused.
   */
  skip(tag: number, end: number, known: ReadonlySet<number>): void {
    if (known.has(tag >>> 3)) {
      this.#fail("malformed", `wrong wire type ${tag & 7} for field ${tag >>> 3}`);
    }
    this.#skipValue(tag, end);
  }

  /** Refuses a oneof that must have a member and has none. */
  refuseEmpty(name: string): never {
    return this.#fail("malformed", `a ${name} is empty`);
  }

  #skipValue(tag: number, end: number): void {
    switch (tag & 7) {
      case wireVarint:
        this.#varint();
        break;
      case wireFixed64:
        this.position += 8;
        break;
      case wireBytes:
        this.position = this.#lengthEnd(end);
        break;
      case wireStartGroup:
        this.#skipGroup(tag >>> 3, end);
        break;
      case wireFixed32:
        this.position += 4;
        break;
      default:
        this.#fail("malformed", `unexpected wire type ${tag & 7} for field ${tag >>> 3}`);
    }
    if (this.position > end) this.#fail("malformed", "a field goes past the end of its message");
  }

  /** Groups left the language long ago, but a parser must still step over them. */
  #skipGroup(field: number, end: number): void {
    this.#depth++;
    if (this.#depth >= messageDepthMax) {
      this.#fail("too-deep", `more than ${messageDepthMax} messages inside each other`);
    }
    for (;;) {
      if (this.position >= end) this.#fail("malformed", `group ${field} has no end`);
      const tag = this.tag();
      if ((tag & 7) === wireEndGroup && tag >>> 3 === field) break;
      this.#skipValue(tag, end);
    }
    this.#depth--;
  }

  #lengthEnd(end: number): number {
    const byte = this.#bytes[this.position];
    let length = 0;
    if (byte !== undefined && byte < 0x80) {
      this.position++;
      length = byte;
    } else {
      this.#varint();
      length = this.#high * two32 + this.#low;
    }
    const left = end - this.position;
    if (length > left) this.#fail("malformed", `length ${length}, but ${left} bytes are left`);
    return this.position + length;
  }

  #varint(): void {
    const bytes = this.#bytes;
    let low = 0;
    // Seven bits a byte: bytes 0 to 3 are bits 0 to 27 of the value, all in the low half.
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[this.position];
      if (byte === undefined) this.#fail("malformed", "the bytes end inside a varint");
      this.position++;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.#low = low;
        this.#high = 0;
        return;
      }
    }
    this.#longVarint(low);
  }

  #longVarint(first28: number): void {
    const fifth = this.#byte();
    this.#low = (first28 | (fifth << 28)) >>> 0;
    let high = (fifth & 0x7f) >>> 4;
    let byte = fifth;
    for (let shift = 3; byte >= 0x80; shift += 7) {
      byte = this.#byte();
      // The tenth byte holds the one bit that is left of 64.
      if (shift === 31 && byte > 1) this.#fail("malformed", "a varint has more than 64 bits");
      high |= (byte & 0x7f) << shift;
    }
    this.#high = high >>> 0;
  }

  #byte(): number {
    const byte = this.#bytes[this.position];
    if (byte === undefined) return this.#fail("malformed", "the bytes end inside a varint");
    this.position++;
    return byte;
  }

  #checkSafe(value: number): number {
    if (Number.isSafeInteger(value)) return value;
    // The halves still hold the exact value; the number has been rounded.
    const exact = (BigInt(this.#high) << 32n) | BigInt(this.#low);
    const shown = value < 0 ? BigInt.asIntN(64, exact) : exact;
    return this.#fail("out-of-range", `${shown} is beyond 2^53, give a smaller number`);
  }

  #fail(reason: ProtoErrorReason, fact: string): never {
    throw new ProtoError(reason, `Cannot decode ${this.#root} at byte ${this.position}: ${fact}`);
  }
}
