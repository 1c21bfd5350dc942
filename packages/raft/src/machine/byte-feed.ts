/**
 * Reads a format from bytes that come in pieces cut anywhere: what restores a snapshot. A parser is
 * a generator that names how many bytes it needs and goes on when they are there. Holds no more
 * than what came and was not read yet, whatever the bytes claim.
 */
import { ByteReader, FormatError } from "../base/index.ts";
import type { StateRestore } from "./state-capture.ts";

const noBytes = new Uint8Array(0);

/** What has come and was not read yet. */
export class ByteFeed {
  #reader = new ByteReader(noBytes);
  /** Behind the reader's bytes. */
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #bytesBefore = 0;
  /** The newest piece, while its memory is somebody else's. */
  #borrowed: Uint8Array | null = null;

  /** Bytes read so far. */
  get offset(): number {
    return this.#bytesBefore + this.#reader.offset;
  }

  get available(): number {
    return this.#reader.remaining + this.#queuedBytes;
  }

  /** Where to read. @invariant `has` said that enough is there */
  get reader(): ByteReader {
    return this.#reader;
  }

  /** Whether `count` bytes have come; they can then be read in one go. */
  has(count: number): boolean {
    if (this.#reader.remaining >= count) return true;
    if (this.available < count) return false;
    this.#join();
    return true;
  }

  /** The byte `at` places ahead, which has come (`has`). */
  peek(at: number): number {
    return this.#reader.bytes[this.#reader.offset + at] ?? 0;
  }

  /** The u32 `at` places ahead, which has come. */
  peekU32(at: number): number {
    const low = this.peek(at) | (this.peek(at + 1) << 8) | (this.peek(at + 2) << 16);
    return (low | (this.peek(at + 3) << 24)) >>> 0;
  }

  /** Adds bytes that are good until `keep` is called. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#borrowed = bytes;
  }

  /** Copies what is left of the bytes that were pushed. */
  keep(): void {
    const borrowed = this.#borrowed;
    if (borrowed === null) return;
    this.#borrowed = null;
    if (this.#queue.at(-1) === borrowed) this.#queue[this.#queue.length - 1] = borrowed.slice();
    else if (this.#reader.bytes === borrowed) this.#read(borrowed.slice(this.#reader.offset));
  }

  #join(): void {
    const rest = this.#reader.bytes.subarray(this.#reader.offset);
    const [first] = this.#queue;
    if (rest.length === 0 && first !== undefined && this.#queue.length === 1) {
      this.#read(first);
    } else {
      const joined = new Uint8Array(this.available);
      let at = 0;
      for (const part of [rest, ...this.#queue]) {
        joined.set(part, at);
        at += part.length;
      }
      this.#read(joined);
    }
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #read(bytes: Uint8Array): void {
    this.#bytesBefore += this.#reader.offset;
    this.#reader = new ByteReader(bytes);
  }
}

/**
 * Yields how many bytes must be there before it goes on; returns what it read. Throws
 * `FormatError`.
 */
export type Parser<Value> = Generator<number, Value, undefined>;

/** Drives a parser; its errors say at which byte. */
export class ParsedRestore<Value> implements StateRestore {
  readonly #feed = new ByteFeed();
  readonly #parser: Parser<Value>;
  readonly #use: (value: Value) => void;
  #needed = 0;
  #result: { readonly value: Value } | null = null;

  /** `use` gets what was read, at the end. */
  constructor(parse: (feed: ByteFeed) => Parser<Value>, use: (value: Value) => void) {
    this.#parser = parse(this.#feed);
    this.#use = use;
  }

  write(bytes: Uint8Array): void {
    this.#feed.push(bytes);
    this.#advance();
    this.#feed.keep();
  }

  finish(): void {
    this.#advance();
    if (this.#result === null) throw this.#fault("it ends in the middle");
    this.#use(this.#result.value);
  }

  #advance(): void {
    while (this.#result === null && this.#needed <= this.#feed.available) {
      const { done, value } = this.#next();
      if (done === true) this.#result = { value };
      else this.#needed = value;
    }
    if (this.#result === null || this.#feed.available === 0) return;
    throw this.#fault("there are bytes behind its end");
  }

  #next(): IteratorResult<number, Value> {
    try {
      return this.#parser.next();
    } catch (error) {
      throw error instanceof FormatError ? this.#fault(error.message) : error;
    }
  }

  #fault(message: string): FormatError {
    return new FormatError(`at byte ${this.#feed.offset}: ${message}`);
  }
}
