import { createHeaderField, type HeaderField } from "./header-field.ts";
import { HpackError } from "./hpack-error.ts";
import { staticFields } from "./hpack-static.ts";
import { decodeHuffman } from "./huffman.ts";

/** HPACK (RFC 7541), the receiving side: header blocks to fields, with the dynamic table. */

/** Bytes that a field counts at least: the table holds no more of them than fit. */
const fieldBytesMin = 32;
/** Bits of an integer; no index and no length here needs more. */
const integerMax = 2 ** 28;

export class HpackDecoder {
  /** Counts the changes of the table: with the same count, the same bytes mean the same. */
  generation = 0;
  /** The size of the last list as HPACK counts it, also if it was too large to be kept. */
  listBytes = 0;
  readonly #tableBytesMax: number;
  readonly #listBytesMax: number;
  /** A ring; the newest field is before `#next`. */
  readonly #table: (HeaderField | undefined)[];
  #next = 0;
  #count = 0;
  #tableBytes = 0;
  /** What the client has chosen, within what it was allowed. */
  #capacity: number;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;

  /**
   * @param tableBytesMax The size of the table that was announced to the client
   * @param listBytesMax Fields of a list beyond it are decoded and forgotten
   */
  constructor(tableBytesMax: number, listBytesMax: number) {
    this.#tableBytesMax = tableBytesMax;
    this.#capacity = tableBytesMax;
    this.#listBytesMax = listBytesMax;
    this.#table = new Array(Math.floor(tableBytesMax / fieldBytesMin) + 1).fill(undefined);
  }

  /**
   * Decodes the whole block from `start` to `end`.
   *
   * @throws HpackError after which the decoder is of no use
   */
  decode(bytes: Buffer, start: number, end: number): HeaderField[] {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.listBytes = 0;
    this.#readSizeUpdates();
    const fields: HeaderField[] = [];
    while (this.#at < this.#end) {
      const field = this.#readField();
      this.listBytes += field.bytes;
      if (this.listBytes <= this.#listBytesMax) fields.push(field);
    }
    // The table must not keep the memory of a request alive through the decoder.
    this.#bytes = emptyBuffer;
    return fields;
  }

  /** They stand at the beginning only: at most the smallest in between and the last. */
  #readSizeUpdates(): void {
    for (let count = 0; this.#at < this.#end; count++) {
      if (((this.#bytes[this.#at] ?? 0) & 0xe0) !== 0x20) return;
      if (count === 2) throw new HpackError("more than two sizes of the table in one block");
      const capacity = this.#readInteger(0x1f);
      if (capacity > this.#tableBytesMax) {
        throw new HpackError(`a table of ${capacity} bytes, over ${this.#tableBytesMax}`);
      }
      this.#capacity = capacity;
      this.#evictTo(capacity);
      this.generation++;
    }
  }

  #readField(): HeaderField {
    const first = this.#bytes[this.#at] ?? 0;
    if (first >= 0x80) return this.#fieldAt(this.#readInteger(0x7f));
    if (first >= 0x40) {
      const field = this.#readLiteral(0x3f);
      this.#insert(field);
      return field;
    }
    if (first >= 0x20) throw new HpackError("a size of the table after a field");
    return this.#readLiteral(0x0f);
  }

  #readLiteral(indexMask: number): HeaderField {
    const index = this.#readInteger(indexMask);
    const name = index === 0 ? this.#readString() : this.#fieldAt(index).name;
    return createHeaderField(name, this.#readString());
  }

  #readInteger(mask: number): number {
    let value = this.#readByte() & mask;
    if (value < mask) return value;
    for (let factor = 1; factor < integerMax; factor *= 128) {
      const byte = this.#readByte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value >= integerMax) break;
        return value;
      }
    }
    throw new HpackError("an integer is too large");
  }

  #readByte(): number {
    if (this.#at >= this.#end) throw new HpackError("the block ends within a field");
    return this.#bytes[this.#at++] ?? 0;
  }

  #readString(): string {
    const isHuffman = (this.#bytes[this.#at] ?? 0) >= 0x80;
    const length = this.#readInteger(0x7f);
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) throw new HpackError("a string is longer than its block");
    this.#at = end;
    return isHuffman
      ? decodeHuffman(this.#bytes, start, end)
      : this.#bytes.toString("latin1", start, end);
  }

  #fieldAt(index: number): HeaderField {
    const field =
      index <= staticFields.length
        ? staticFields[index - 1]
        : this.#dynamicAt(index - staticFields.length - 1);
    if (field === undefined) throw new HpackError(`no field has index ${index}`);
    return field;
  }

  /** Position 0 is the newest. */
  #dynamicAt(position: number): HeaderField | undefined {
    if (position >= this.#count) return undefined;
    const length = this.#table.length;
    return this.#table[(this.#next - 1 - position + 2 * length) % length];
  }

  #insert(field: HeaderField): void {
    this.generation++;
    this.#evictTo(this.#capacity - field.bytes);
    if (field.bytes > this.#capacity) return;
    this.#table[this.#next] = field;
    this.#next = (this.#next + 1) % this.#table.length;
    this.#count++;
    this.#tableBytes += field.bytes;
  }

  #evictTo(bytesMax: number): void {
    while (this.#count > 0 && this.#tableBytes > bytesMax) {
      const length = this.#table.length;
      const oldest = (this.#next - this.#count + length) % length;
      this.#tableBytes -= this.#table[oldest]?.bytes ?? 0;
      this.#table[oldest] = undefined;
      this.#count--;
    }
  }
}

const emptyBuffer = Buffer.alloc(0);
