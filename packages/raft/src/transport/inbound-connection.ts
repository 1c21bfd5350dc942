/**
 * One accepted connection: hears who it is, answers, and passes its messages on. Whatever it sends
 * cannot harm more than itself. Owned by `inbound-connections.ts`.
 */
import { FormatError, type NodeId } from "../base/index.ts";
import type { Connection, ConnectionHandlers, Timer } from "../ports/index.ts";
import { ConnectedBulk } from "./bulk-link.ts";
import { decodeBulk } from "./codec/bulk-codec.ts";
import type { Ends } from "./codec/fields.ts";
import { aliveKind, bulkHelloKind, type Frame } from "./codec/frame.ts";
import { FrameParser } from "./codec/frame-parser.ts";
import { FrameWriter } from "./codec/frame-writer.ts";
import {
  commonVersion,
  decodeHello,
  encodeRefusal,
  encodeWelcome,
  type Hello,
  type Refusal,
} from "./codec/handshake-codec.ts";
import { decodeMessage } from "./codec/message-codec.ts";
import type { TransportContext } from "./context.ts";
import { recogniseForeign } from "./foreign.ts";
import { checkHello, refuseVersions } from "./handshake.ts";
import type { PeerIdentity } from "./transport.ts";

/** What a connection asks of its owner. */
export interface InboundOwner {
  readonly peers: ReadonlySet<NodeId>;
  onWelcomed(connection: InboundConnection): void;
  /** As `onWelcomed`, for a connection for bulk. */
  onBulkWelcomed(connection: InboundConnection): void;
  onGone(connection: InboundConnection): void;
}

/**
 * `greeting`: the hello has not come; `open`: messages; `bulk`: a connection for bulk; `answered`:
 * refused, waits for the other end to have read why; `closed`.
 */
type Phase = "greeting" | "open" | "bulk" | "answered" | "closed";

export class InboundConnection {
  readonly #context: TransportContext;
  readonly #owner: InboundOwner;
  readonly #connection: Connection;
  readonly #parser: FrameParser;
  readonly #patience: Timer;
  #phase: Phase = "greeting";
  #closesOnDrain = false;
  #peer: PeerIdentity | null = null;
  #ends: Ends | null = null;
  #bulk: ConnectedBulk | null = null;
  #quietIntervals = 0;

  constructor(context: TransportContext, owner: InboundOwner, connection: Connection) {
    const { limits, clock, crc32 } = context;
    this.#context = context;
    this.#owner = owner;
    this.#connection = connection;
    this.#parser = new FrameParser(crc32, limits.handshakeBytesMax);
    this.#patience = clock.after(limits.handshakeTimeoutMs, () => this.#onTimeout());
  }

  /** Who it is; null before the handshake. */
  get peer(): PeerIdentity | null {
    return this.#peer;
  }

  handlers(): ConnectionHandlers {
    return {
      onData: (bytes) => this.#onData(bytes),
      onDrain: () => {
        if (this.#closesOnDrain) this.close();
        else this.#bulk?.onDrain();
      },
      onClose: (error) => this.close(error?.message ?? "the other end closed it"),
    };
  }

  /** Once an alive interval. */
  onAliveInterval(): void {
    if (this.#phase !== "open") return;
    const { limits, aliveFrame } = this.#context;
    this.#quietIntervals += 1;
    if (this.#quietIntervals > limits.silentIntervalsMax) {
      this.#drop(`silent for ${limits.silentIntervalsMax * limits.aliveIntervalMs} ms`);
    } else if (this.#connection.queuedBytes === 0) {
      this.#connection.send([aliveFrame]);
    }
  }

  /** `reason`: for who uses a connection for bulk. */
  close(reason = "this member closed it"): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#patience.cancel();
    this.#connection.close();
    this.#owner.onGone(this);
    this.#bulk?.onEnd(reason);
  }

  #onData(bytes: Uint8Array): void {
    if (this.#phase === "answered" || this.#phase === "closed") return;
    this.#quietIntervals = 0;
    this.#parser.push(bytes);
    // Each frame may change the phase, also through what a handler does.
    while (this.#phase === "greeting" || this.#phase === "open" || this.#phase === "bulk") {
      if (!this.#nextFrame(this.#phase)) return;
    }
  }

  /** False when more bytes are needed. */
  #nextFrame(phase: "greeting" | "open" | "bulk"): boolean {
    const frame = this.#try(() => this.#parser.next());
    if (frame === null || frame === undefined) return false;
    if (phase === "greeting") this.#try(() => this.#onHello(frame));
    else if (phase === "bulk") this.#onBulkFrame(frame);
    else this.#onFrame(frame);
    return true;
  }

  #onBulkFrame(frame: Frame): void {
    const message = this.#try(() => decodeBulk(frame));
    if (message !== undefined) this.#bulk?.onMessage(message);
  }

  /**
   * Runs what reads untrusted bytes; undefined, with the connection dropped, when they are wrong.
   */
  #try<Value>(read: () => Value): Value | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#onBadBytes(error);
      return undefined;
    }
  }

  #onFrame(frame: Frame): void {
    const ends = this.#ends;
    if (ends === null || (frame.kind === aliveKind && frame.payload.length === 0)) return;
    const message = this.#try(() => decodeMessage(frame, ends));
    // Outside of `#try`: an error of the handler is not the peer's.
    if (message !== undefined) this.#context.handlers.onMessage(message);
  }

  #onHello(frame: Frame): void {
    const { versions, hello } = decodeHello(frame);
    const isBulk = frame.kind === bulkHelloKind;
    if (isBulk && this.#context.handlers.onBulk === undefined) {
      throw new FormatError("a hello for bulk, which this member has no use for");
    }
    const version = commonVersion(versions);
    if (hello === null || version === null) {
      this.#refuse(refuseVersions(versions), null);
      return;
    }
    const { identity, incarnations } = this.#context;
    const refusal = checkHello(hello, identity, this.#owner.peers, incarnations);
    if (refusal !== null) this.#refuse(refusal, hello.identity.id);
    else if (isBulk) this.#openBulk(hello, version);
    else this.#open(hello, version);
  }

  #open(hello: Hello, version: number): void {
    this.#phase = "open";
    this.#ends = { from: hello.identity.id, to: this.#context.identity.id };
    this.#parser.frameBytesMax = this.#context.limits.frameBytesMax;
    this.#welcome(hello, version);
    this.#owner.onWelcomed(this);
  }

  /** Its frames stay small: a dialer only asks. */
  #openBulk(hello: Hello, version: number): void {
    this.#phase = "bulk";
    this.#welcome(hello, version);
    const { crc32, handlers } = this.#context;
    const link = new ConnectedBulk(hello.identity, this.#connection, crc32, () => this.close());
    this.#owner.onBulkWelcomed(this);
    this.#bulk = link;
    const user = handlers.onBulk?.(link);
    if (user !== undefined) link.attach(user);
  }

  #welcome(hello: Hello, version: number): void {
    const { identity, incarnations, limits, crc32 } = this.#context;
    this.#patience.cancel();
    incarnations.set(hello.identity.id, hello.identity.incarnation);
    this.#peer = hello.identity;
    const writer = new FrameWriter(crc32, limits.handshakeBytesMax);
    encodeWelcome(writer, { version, identity });
    this.#connection.send(writer.take());
  }

  /** The other end closes when it has read the refusal; the timeout closes if it does not. */
  #refuse(refusal: Refusal, from: NodeId | null): void {
    const { crc32, limits, handlers } = this.#context;
    this.#phase = "answered";
    const writer = new FrameWriter(crc32, limits.handshakeBytesMax);
    encodeRefusal(writer, refusal);
    this.#connection.send(writer.take());
    const reason = `refused ${this.#connection.remote}: ${refusal.text}`;
    this.#log(reason);
    const peer = from !== null && this.#owner.peers.has(from) ? from : null;
    handlers.onPeer({ kind: "refused", peer, reason });
  }

  #onBadBytes(error: FormatError): void {
    const isFirst = this.#phase === "greeting";
    const foreign = isFirst ? recogniseForeign(this.#parser.lastHeader) : null;
    if (foreign?.answer) {
      this.#phase = "answered";
      this.#closesOnDrain = true;
      this.#connection.send([foreign.answer]);
    }
    const guess = foreign === null ? "" : `; it looks like ${foreign.what} on the peer port`;
    const what = isFirst ? "what is no handshake: " : "";
    this.#drop(`it sent ${what}${error.message}${guess}`);
  }

  #onTimeout(): void {
    if (this.#phase === "answered") this.close();
    else this.#drop(`no handshake within ${this.#context.limits.handshakeTimeoutMs} ms`);
  }

  #drop(reason: string): void {
    const who = this.#peer === null ? "" : ` of member ${this.#peer.id}`;
    this.#log(`dropped the connection${who} from ${this.#connection.remote}: ${reason}`);
    if (this.#phase !== "answered") this.close(reason);
  }

  #log(message: string): void {
    this.#context.log({ level: "warn", message });
  }
}
