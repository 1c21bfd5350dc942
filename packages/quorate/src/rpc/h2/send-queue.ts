import { messagePrefixBytes } from "../message-framing.ts";
import { writeData } from "./frame-writer.ts";
import type { Output } from "./output.ts";
import type { PeerSettings } from "./peer-settings.ts";
import { windowBytesInitial } from "./protocol.ts";
import type { ServerStream } from "./stream.ts";

/**
 * Answers that did not fit into the windows of the client, or are large: they leave piece by piece,
 * each stream in its turn, as far as the client lets them.
 */
export class SendQueue {
  /** Bytes that may be sent on the connection. */
  window: number = windowBytesInitial;
  readonly #output: Output;
  readonly #peer: PeerSettings;
  readonly #onSent: (stream: ServerStream) => void;
  /** Streams that have something to send and a window for it, in turn. */
  readonly #ready: Set<ServerStream> = new Set();

  /** @param onSent Told when all of a message is in the output; the trailers are not */
  constructor(output: Output, peer: PeerSettings, onSent: (stream: ServerStream) => void) {
    this.#output = output;
    this.#peer = peer;
    this.#onSent = onSent;
  }

  get isEmpty(): boolean {
    return this.#ready.size === 0;
  }

  /** The stream has a response, or more window for it. */
  add(stream: ServerStream): void {
    if (stream.response !== null && stream.sendWindow > 0) this.#ready.add(stream);
  }

  remove(stream: ServerStream): void {
    this.#ready.delete(stream);
  }

  /** Sends until the windows are used up or the output holds so much; returns the bytes sent. */
  pump(outputBytesMax: number): number {
    const windowBefore = this.window;
    // A set is walked in the order of insertion, and one added again comes last.
    for (const stream of this.#ready) {
      if (this.window <= 0 || this.#output.bytes >= outputBytesMax) break;
      this.#ready.delete(stream);
      this.#sendPiece(stream);
    }
    return windowBefore - this.window;
  }

  #sendPiece(stream: ServerStream): void {
    const message = stream.response;
    // New settings may have taken its window away; an update will bring the stream back.
    if (message === null || stream.sendWindow <= 0) return;
    const left = messagePrefixBytes + message.length - stream.responseAt;
    const length = Math.min(left, stream.sendWindow, this.window, this.#peer.frameBytes);
    writeData(this.#output, stream.id, message, stream.responseAt, length);
    stream.responseAt += length;
    stream.sendWindow -= length;
    this.window -= length;
    if (length === left) this.#onSent(stream);
    else this.add(stream);
  }
}
