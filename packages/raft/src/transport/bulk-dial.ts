/**
 * The dialling end of one connection for bulk: introduces itself as on any other connection, with
 * the same checks on both sides, and hands the open link to its user. Never dialled again. Owned by
 * `peer-transport.ts`.
 */
import { FormatError, type NodeId } from "../base/index.ts";
import type { Connection, Timer } from "../ports/index.ts";
import { type BulkDial, type BulkDialHandlers, ConnectedBulk } from "./bulk-link.ts";
import { bulkFrameBytesMax, decodeBulk } from "./codec/bulk-codec.ts";
import { bulkHelloKind, type Frame } from "./codec/frame.ts";
import { FrameParser } from "./codec/frame-parser.ts";
import { FrameWriter } from "./codec/frame-writer.ts";
import { decodeAnswer, encodeHello } from "./codec/handshake-codec.ts";
import type { TransportContext } from "./context.ts";
import { checkWelcome } from "./handshake.ts";

export class DialledBulk implements BulkDial {
  readonly peer: NodeId;
  readonly #context: TransportContext;
  readonly #address: string;
  readonly #handlers: BulkDialHandlers;
  readonly #onGone: () => void;
  readonly #connection: Connection;
  readonly #parser: FrameParser;
  readonly #patience: Timer;
  #link: ConnectedBulk | null = null;
  #isOver = false;

  constructor(
    context: TransportContext,
    peer: NodeId,
    address: string,
    handlers: BulkDialHandlers,
    onGone: () => void,
  ) {
    const { network, clock, crc32, limits } = context;
    this.#context = context;
    this.peer = peer;
    this.#address = address;
    this.#handlers = handlers;
    this.#onGone = onGone;
    this.#parser = new FrameParser(crc32, limits.handshakeBytesMax);
    this.#connection = network.connect(address, {
      onOpen: () => this.#sayHello(),
      onData: (bytes) => this.#onData(bytes),
      onDrain: () => this.#link?.onDrain(),
      onClose: (error) => this.end(error?.message ?? `${address} closed the connection`),
    });
    const patienceMs = limits.handshakeTimeoutMs;
    this.#patience = clock.after(patienceMs, () => {
      this.end(`no answer from ${address} within ${patienceMs} ms`);
    });
  }

  /** Without a word to the handlers. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#patience.cancel();
    this.#connection.close();
    this.#onGone();
  }

  /** The same, and the handlers hear why. */
  end(reason: string): void {
    if (this.#isOver) return;
    this.close();
    if (this.#link === null) this.#handlers.onClose(reason);
    else this.#link.onEnd(reason);
  }

  #sayHello(): void {
    if (this.#isOver) return;
    const { crc32, limits, identity, versions } = this.#context;
    const writer = new FrameWriter(crc32, limits.handshakeBytesMax);
    const hello = { versions, identity, to: this.peer };
    encodeHello(writer, hello, bulkHelloKind);
    this.#connection.send(writer.take());
  }

  #onData(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#parser.push(bytes);
    // Each frame may end this, also through what a handler does.
    while (!this.#isOver) {
      const frame = this.#try(() => this.#parser.next());
      if (frame === undefined || frame === null) return;
      this.#onFrame(frame);
    }
  }

  #onFrame(frame: Frame): void {
    const link = this.#link;
    if (link === null) {
      this.#try(() => this.#onAnswer(frame));
      return;
    }
    const message = this.#try(() => decodeBulk(frame));
    // Outside of `#try`: an error of the handler is not the peer's.
    if (message !== undefined) link.onMessage(message);
  }

  #onAnswer(frame: Frame): void {
    const answer = decodeAnswer(frame);
    if (answer.kind === "refusal") {
      this.end(`${this.#address} refused us: ${answer.text} (code ${answer.code})`);
      return;
    }
    const { identity, admission, crc32, versions } = this.#context;
    const problem = checkWelcome(answer, identity, this.peer, admission, versions);
    if (problem !== null) {
      this.end(problem);
      return;
    }
    this.#patience.cancel();
    this.#parser.frameBytesMax = bulkFrameBytesMax;
    const link = new ConnectedBulk(answer.identity, this.#connection, crc32, () => this.close());
    this.#link = link;
    link.attach(this.#handlers);
    this.#handlers.onOpen(link);
  }

  /** Undefined, with the connection dropped, when the bytes are wrong. */
  #try<Value>(read: () => Value): Value | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const reason = `${this.#address} sent ${error.message}`;
      const text = `dropped the connection for bulk to member ${this.peer}: ${reason}`;
      this.#context.log({ level: "warn", message: text });
      this.end(reason);
      return undefined;
    }
  }
}
