import { messagePrefixBytes } from "./message-framing.ts";

/**
 * Cuts a stream of gRPC's length-prefixed messages into messages, for calls with many answers.
 * Holds one message at most. Pure.
 */
export class MessageSplitter {
  readonly #bytesMax: number;
  readonly #prefix = new Uint8Array(messagePrefixBytes);
  #prefixBytes = 0;
  /** The message that is being gathered; null between two. */
  #message: Uint8Array | null = null;
  #messageBytes = 0;

  /** @param bytesMax The largest message accepted. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether the stream may end here. */
  get isBetween(): boolean {
    return this.#prefixBytes === 0;
  }

  /** The messages that end in this chunk, their bytes nobody else's; or why the call must fail. */
  push(chunk: Uint8Array): readonly Uint8Array[] | { readonly fact: string } {
    const messages: Uint8Array[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (this.#message === null) {
        at += this.#takePrefix(chunk.subarray(at));
        if (this.#prefixBytes < messagePrefixBytes) break;
        const problem = this.#begin();
        if (problem !== null) return { fact: problem };
      } else {
        at += this.#takeBody(this.#message, chunk.subarray(at));
      }
      const whole = this.#takeWhole();
      if (whole !== null) messages.push(whole);
    }
    return messages;
  }

  #takePrefix(rest: Uint8Array): number {
    const count = Math.min(rest.length, messagePrefixBytes - this.#prefixBytes);
    this.#prefix.set(rest.subarray(0, count), this.#prefixBytes);
    this.#prefixBytes += count;
    return count;
  }

  #begin(): string | null {
    if (this.#prefix[0] !== 0) return `a message with the flag ${this.#prefix[0]}`;
    const length = new DataView(this.#prefix.buffer).getUint32(1);
    if (length > this.#bytesMax) {
      return `a message of ${length} bytes; ${this.#bytesMax} are the most`;
    }
    this.#message = new Uint8Array(length);
    this.#messageBytes = 0;
    return null;
  }

  #takeBody(message: Uint8Array, rest: Uint8Array): number {
    const count = Math.min(rest.length, message.length - this.#messageBytes);
    message.set(rest.subarray(0, count), this.#messageBytes);
    this.#messageBytes += count;
    return count;
  }

  #takeWhole(): Uint8Array | null {
    const message = this.#message;
    if (message === null || this.#messageBytes < message.length) return null;
    this.#message = null;
    this.#prefixBytes = 0;
    return message;
  }
}
