import { type Status, status } from "./status.ts";

/**
 * gRPC's length-prefixed messages: a flag byte (1: compressed), the length as big-endian u32, the
 * message. Pure.
 */

/** Bytes before each message. */
export const messagePrefixBytes = 5;

/** Returns the message with its prefix, as one block for one write. */
export function frameMessage(message: Uint8Array): Uint8Array {
  // From Node's pool and not zeroed: every byte is written below.
  const framed = Buffer.allocUnsafe(messagePrefixBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, messagePrefixBytes);
  return framed;
}

/** Bytes that the first copy of a message in pieces has room for at least. */
const roomBytesMin = 256;

/**
 * Collects the one message of one direction of a unary call from the chunks that arrive. What comes
 * in one chunk stays where it is; pieces are copied together as they come, so that neither many
 * small ones nor small parts of large chunks hold more memory than about twice what they are.
 */
export class MessageAssembler {
  /** Bytes held so far. */
  pendingBytes = 0;
  readonly #bytesMax: number;
  /** What is held, from its beginning; it is ours to write to if `#isOwn`. */
  #held: Uint8Array = noBytes;
  #isOwn = false;
  #messageBytes = -1;

  /** @param bytesMax The largest message accepted. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether nothing has come yet. */
  get isEmpty(): boolean {
    return this.pendingBytes === 0;
  }

  /** Whether the message has come in full. */
  get isComplete(): boolean {
    return this.#messageBytes >= 0 && this.pendingBytes === this.#messageBytes + messagePrefixBytes;
  }

  /**
   * Takes a chunk, which nobody changes any more; returns why the call must fail, or null.
   */
  push(chunk: Uint8Array): Status | null {
    if (chunk.length === 0) return null;
    if (this.pendingBytes === 0) this.#held = chunk;
    else this.#append(chunk);
    this.pendingBytes += chunk.length;
    if (this.#messageBytes < 0 && this.pendingBytes >= messagePrefixBytes) {
      const refusal = this.#readPrefix();
      if (refusal !== null) return refusal;
    }
    if (this.#messageBytes >= 0 && this.pendingBytes > this.#messageBytes + messagePrefixBytes) {
      return status("internal", "grpc: received more than one message for a unary call");
    }
    this.#leaveLargeChunk();
    return null;
  }

  /** The message at the end of the stream, or why there is none. */
  finish(): Uint8Array | Status {
    if (!this.isComplete) {
      return this.isEmpty
        ? status("internal", "grpc: received no message for a unary call")
        : status("internal", "unexpected EOF");
    }
    const { buffer, byteOffset } = this.#held;
    return new Uint8Array(buffer, byteOffset + messagePrefixBytes, this.#messageBytes);
  }

  #append(chunk: Uint8Array): void {
    const needed = this.pendingBytes + chunk.length;
    if (!this.#isOwn || needed > this.#held.length) this.#grow(needed);
    this.#held.set(chunk, this.pendingBytes);
  }

  /** Doubles, but takes no more than the whole message needs. */
  #grow(needed: number): void {
    const whole = this.#messageBytes < 0 ? Infinity : this.#messageBytes + messagePrefixBytes;
    const room = Math.max(needed, Math.min(whole, Math.max(roomBytesMin, 2 * needed)));
    const grown = Buffer.allocUnsafeSlow(room);
    grown.set(this.#held.subarray(0, this.pendingBytes));
    this.#held = grown;
    this.#isOwn = true;
  }

  /** A small part of a large chunk must not keep all of it while the rest is on its way. */
  #leaveLargeChunk(): void {
    const isSmallPart = this.pendingBytes * 2 < this.#held.buffer.byteLength;
    if (!this.#isOwn && isSmallPart && !this.isComplete) this.#grow(this.pendingBytes);
  }

  #readPrefix(): Status | null {
    const bytes = this.#held;
    const flag = bytes[0];
    if (flag === 1) {
      return status("internal", "grpc: compressed flag set with identity or empty encoding");
    }
    if (flag !== 0) {
      return status("internal", `grpc: received unexpected payload format ${flag}`);
    }
    const high = ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0);
    const length = high * 65_536 + (((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0));
    if (length > this.#bytesMax) {
      const text = `grpc: received message larger than max (${length} vs. ${this.#bytesMax})`;
      return status("resourceExhausted", text);
    }
    this.#messageBytes = length;
    return null;
  }
}

const noBytes = new Uint8Array(0);
