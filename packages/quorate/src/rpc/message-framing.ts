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

/** Collects the one message of one direction of a unary call from the chunks that arrive. */
export class MessageAssembler {
  /** Bytes held so far. */
  pendingBytes = 0;
  readonly #bytesMax: number;
  #chunks: Uint8Array[] | null = null;
  #first: Uint8Array | null = null;
  #messageBytes = -1;

  /** @param bytesMax The largest message accepted. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether nothing has come yet. */
  get isEmpty(): boolean {
    return this.#first === null;
  }

  /** Whether the message has come in full. */
  get isComplete(): boolean {
    return this.#messageBytes >= 0 && this.pendingBytes === this.#messageBytes + messagePrefixBytes;
  }

  /** Takes a chunk; returns why the call must fail, or null. The chunk is kept, not copied. */
  push(chunk: Uint8Array): Status | null {
    if (chunk.length === 0) return null;
    if (this.#first === null) this.#first = chunk;
    else if (this.#chunks === null) this.#chunks = [this.#first, chunk];
    else this.#chunks.push(chunk);
    this.pendingBytes += chunk.length;
    if (this.#messageBytes < 0 && this.pendingBytes >= messagePrefixBytes) {
      const refusal = this.#readPrefix();
      if (refusal !== null) return refusal;
    }
    if (this.#messageBytes >= 0 && this.pendingBytes > this.#messageBytes + messagePrefixBytes) {
      return status("internal", "grpc: received more than one message for a unary call");
    }
    return null;
  }

  /** The message at the end of the stream, or why there is none. */
  finish(): Uint8Array | Status {
    if (!this.isComplete) {
      return this.isEmpty
        ? status("internal", "grpc: received no message for a unary call")
        : status("internal", "unexpected EOF");
    }
    const bytes = this.#joined();
    return new Uint8Array(bytes.buffer, bytes.byteOffset + messagePrefixBytes, this.#messageBytes);
  }

  #readPrefix(): Status | null {
    const bytes = this.#joined();
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

  #joined(): Uint8Array {
    if (this.#chunks !== null) {
      this.#first = Buffer.concat(this.#chunks);
      this.#chunks = null;
    }
    return this.#first ?? new Uint8Array(0);
  }
}
