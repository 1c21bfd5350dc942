/**
 * One accepted connection: hears who it is, answers, and passes its messages on. Whatever it sends
 * cannot harm more than itself. Owned by `inbound-connections.ts`.
 */
import { FormatError, type NodeId } from "../base/index.ts";
import type { Connection, ConnectionHandlers, Timer } from "../ports/index.ts";
import { ConnectedBulk } from "./bulk-link.ts";
import { decodeIntroduction, decodeJoin, encodeJoinAnswer } from "./codec/admission-codec.ts";
import { decodeBulk } from "./codec/bulk-codec.ts";
import type { Ends } from "./codec/fields.ts";
import { aliveKind, bulkHelloKind, type Frame, joinKind } from "./codec/frame.ts";
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
import { decodeMessage, isMessageKind } from "./codec/message-codec.ts";
import type { TransportContext } from "./context.ts";
import { recogniseForeign } from "./foreign.ts";
import { checkHello, refuse, refuseVersions } from "./handshake.ts";
import type { PeerIdentity } from "./transport.ts";

function isReading(phase: Phase): phase is ReadingPhase {
  return phase !== "admitting" && phase !== "answered" && phase !== "closed";
}

/** What a connection asks of its owner. */
export interface InboundOwner {
  readonly peers: ReadonlySet<NodeId>;
  /** Whether one more may come who belongs to the cluster and is no known member. */
  readonly hasRoom: boolean;
  /** It has said which run of which member it is, and is not let in yet. */
  onIntroduced(identity: PeerIdentity): void;
  onWelcomed(connection: InboundConnection): void;
  /** As `onWelcomed`, for a connection for bulk. */
  onBulkWelcomed(connection: InboundConnection): void;
  onGone(connection: InboundConnection): void;
}

/**
 * `greeting`: the hello has not come; `introducing`: it was welcome, the introduction has not come;
 * `admitting`: what comes waits for the host's word; `open`: messages; `bulk`: a connection for
 * bulk; `answered`: refused, or told all there is to tell: waits for the other end to have read it;
 * `closed`.
 */
type Phase = "greeting" | "introducing" | "admitting" | "open" | "bulk" | "answered" | "closed";
type ReadingPhase = "greeting" | "introducing" | "open" | "bulk";

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
  /** Of the protocol, as agreed; 0 before. */
  #version = 0;
  /** It speaks versions above ours, too. */
  #isNewer = false;
  /** Kinds of its messages that were skipped, and told of. */
  readonly #skipped = new Set<number>();
  /** What came while the host was asked; no more than its sender queues for us. */
  #unread: Uint8Array[] = [];
  /** Where it says that it can be dialled; empty before it does. */
  #address = "";
  /** Belongs to the cluster, but is no member that is known here (yet). */
  isGuest = false;

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

  get address(): string {
    return this.#address;
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
    if (this.#phase !== "open" && this.#phase !== "admitting") return;
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
    if (this.#phase === "admitting") {
      this.#unread.push(bytes);
      return;
    }
    this.#parser.push(bytes);
    this.#read();
  }

  #read(): void {
    // Each frame may change the phase, also through what a handler does.
    while (isReading(this.#phase)) if (!this.#nextFrame(this.#phase)) return;
  }

  /** False when more bytes are needed. */
  #nextFrame(phase: ReadingPhase): boolean {
    const frame = this.#try(() => this.#parser.next());
    if (frame === null || frame === undefined) return false;
    if (phase === "open") this.#onFrame(frame);
    else if (phase === "bulk") this.#onBulkFrame(frame);
    else if (phase === "introducing") this.#try(() => this.#onIntroduction(frame));
    else if (frame.kind === joinKind) this.#try(() => this.#onJoin(frame));
    else this.#try(() => this.#onHello(frame));
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
    if (this.#isNewer && !isMessageKind(frame.kind)) {
      this.#skip(frame.kind);
      return;
    }
    const message = this.#try(() => decodeMessage(frame, ends));
    // Outside of `#try`: an error of the handler is not the peer's.
    if (message !== undefined) this.#context.handlers.onMessage(message);
  }

  /** A newer program says what this one has no ear for: that costs nothing but itself. */
  #skip(kind: number): void {
    if (!this.#skipped.has(kind)) {
      this.#skipped.add(kind);
      const what = `messages of kind ${kind}, which this program does not know`;
      this.#log(`member ${this.#peer?.id} is of a newer program: skips its ${what}`);
    }
  }

  #onHello(frame: Frame): void {
    const ours = this.#context.versions;
    const { versions, hello } = decodeHello(frame, ours);
    const isBulk = frame.kind === bulkHelloKind;
    if (isBulk && this.#context.handlers.onBulk === undefined) {
      throw new FormatError("a hello for bulk, which this member has no use for");
    }
    const version = commonVersion(versions, ours);
    if (hello === null || version === null) {
      this.#refuse(refuseVersions(versions, ours), null);
      return;
    }
    this.#version = version;
    this.#isNewer = versions.newest > ours.newest;
    const { identity, admission } = this.#context;
    const { peers, hasRoom } = this.#owner;
    const refusal = checkHello(hello, identity, peers, admission, hasRoom && !isBulk);
    if (refusal !== null) this.#refuse(refusal, hello.identity.id);
    else if (isBulk) this.#openBulk(hello, version);
    else this.#introduce(hello, version);
  }

  #introduce(hello: Hello, version: number): void {
    this.#phase = "introducing";
    this.#ends = { from: hello.identity.id, to: this.#context.identity.id };
    this.#welcome(hello, version);
  }

  /** Its frames stay small: a dialer only asks. Only who has introduced itself gets here. */
  #openBulk(hello: Hello, version: number): void {
    const { crc32, handlers, admission } = this.#context;
    const { id, incarnation } = hello.identity;
    if (admission.incarnationOf(id) !== incarnation) {
      this.#refuse(refuse("not-ready", `member ${id} has not introduced itself here yet`), id);
      return;
    }
    this.#phase = "bulk";
    this.#patience.cancel();
    this.#welcome(hello, version);
    const link = new ConnectedBulk(hello.identity, this.#connection, crc32, () => this.close());
    this.#owner.onBulkWelcomed(this);
    this.#bulk = link;
    const user = handlers.onBulk?.(link);
    if (user !== undefined) link.attach(user);
  }

  #welcome(hello: Hello, version: number): void {
    const { identity, limits, crc32 } = this.#context;
    this.#peer = hello.identity;
    const writer = new FrameWriter(crc32, limits.handshakeBytesMax);
    encodeWelcome(writer, { version, identity });
    this.#connection.send(writer.take());
  }

  /** Nothing of what follows counts before the host has said so. */
  #onIntroduction(frame: Frame): void {
    const { address, standing, machines } = decodeIntroduction(frame, this.#version);
    const identity = this.#peer;
    if (identity === null) return;
    this.#patience.cancel();
    this.#phase = "admitting";
    this.#address = address;
    this.#owner.onIntroduced(identity);
    this.#context.admission.admit({ identity, address, standing, machines }, (refused) => {
      if (this.#phase !== "admitting") return;
      if (refused !== null) this.#refuse(refuse(refused.why, refused.text), identity.id);
      else this.#open(identity.id);
    });
  }

  #open(peer: NodeId): void {
    this.#phase = "open";
    this.#parser.frameBytesMax = this.#context.limits.frameBytesMax;
    this.isGuest = !this.#owner.peers.has(peer);
    this.#owner.onWelcomed(this);
    this.#read();
    const unread = this.#unread;
    this.#unread = [];
    for (const bytes of unread) this.#onData(bytes);
  }

  #onJoin(frame: Frame): void {
    const { versions, request } = decodeJoin(frame);
    const { admission, crc32, limits } = this.#context;
    const ours = this.#context.versions;
    if (commonVersion(versions, ours) === null) {
      this.#refuse(refuseVersions(versions, ours), null);
      return;
    }
    const answer = admission.answerJoin(request);
    if ("why" in answer) {
      this.#refuse(refuse(answer.why, answer.text), request.id);
      return;
    }
    this.#phase = "answered";
    const writer = new FrameWriter(crc32, limits.frameBytesMax);
    encodeJoinAnswer(writer, answer);
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
