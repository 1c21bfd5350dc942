/**
 * Our connection to one peer: dials, introduces itself, dials again when it breaks, and carries our
 * messages there. Nothing but alive frames comes back on it. Owned by `peer-transport.ts`.
 */
import { FormatError, type NodeId } from "../base/index.ts";
import type { Connection, NetworkError, Timer } from "../ports/index.ts";
import { reconnectDelayMs } from "./backoff.ts";
import { encodeIntroduction } from "./codec/admission-codec.ts";
import { aliveKind, type Frame, refusalKind } from "./codec/frame.ts";
import { FrameParser } from "./codec/frame-parser.ts";
import { FrameWriter } from "./codec/frame-writer.ts";
import {
  decodeAnswer,
  decodeRefusal,
  encodeHello,
  type Refusal,
  type RefusalReason,
  refusalReasonOf,
  type Welcome,
} from "./codec/handshake-codec.ts";
import { encodeMessage, fitMessage, messageFrameBytesMax } from "./codec/message-codec.ts";
import type { TransportContext } from "./context.ts";
import { checkWelcome } from "./handshake.ts";
import type { PeerMessage } from "./peer-message.ts";

/** Everything about one dialled connection; a new one for each dial. */
interface Link {
  readonly connection: Connection;
  readonly parser: FrameParser;
  readonly writer: FrameWriter;
  /** Of the protocol, as agreed; before that nothing is sent by it. */
  version: number;
  /** When the welcome came; null before. */
  openMs: number | null;
  /** Alive intervals since the last byte. */
  quietIntervals: number;
}

export class OutboundPeer {
  readonly id: NodeId;
  readonly address: string;
  readonly #context: TransportContext;
  #link: Link | null = null;
  /** The end of the handshake's patience, or of the wait before the next dial. */
  #timer: Timer | null = null;
  #isStopped = false;
  #failureCount = 0;
  #lastFailure = "";
  #droppedCount = 0;
  /** Of the process that we were last connected to. */
  #boot: string | null = null;
  /** Our connection ended, and nothing was heard of that process since. */
  #isLost = false;
  /** When it was last dialled without a wait. */
  #dialledAtOnceMs = Number.NEGATIVE_INFINITY;
  /** The end of the patience with one that is lost. */
  #goneTimer: Timer | null = null;

  constructor(context: TransportContext, id: NodeId, address: string) {
    this.#context = context;
    this.id = id;
    this.address = address;
  }

  /** Dials now, unless a connection exists or is being made. */
  dial(): void {
    if (this.#isStopped || this.#link !== null) return;
    const { network, crc32, limits, clock } = this.#context;
    this.#timer?.cancel();
    const ifCurrent = (act: () => void): void => {
      if (this.#link === link) act();
    };
    const connection = network.connect(this.address, {
      onOpen: () => ifCurrent(() => this.#sayHello(link)),
      onData: (bytes) => ifCurrent(() => this.#onData(link, bytes)),
      onClose: (error) => ifCurrent(() => this.#onClose(error)),
    });
    const parser = new FrameParser(crc32, limits.handshakeBytesMax);
    const writer = new FrameWriter(crc32, limits.blockBytes);
    const link: Link = { connection, parser, writer, version: 0, openMs: null, quietIntervals: 0 };
    this.#link = link;
    const patienceMs = limits.handshakeTimeoutMs;
    this.#timer = clock.after(patienceMs, () => {
      this.#end(`no answer from ${this.address} within ${patienceMs} ms`, false);
    });
    if (this.#isLost) this.#startGoneTimer();
  }

  #startGoneTimer(): void {
    const { clock, limits } = this.#context;
    const { goneAfterMs } = limits;
    this.#goneTimer?.cancel();
    this.#goneTimer = clock.after(goneAfterMs, () => {
      this.#maybeTellGone(`no answer from ${this.address} within ${goneAfterMs} ms`);
    });
  }

  #maybeTellGone(reason: string): void {
    if (!this.#isLost) return;
    this.#forgetLoss();
    this.#context.handlers.onPeer({ kind: "gone", peer: this.id, reason });
  }

  #forgetLoss(): void {
    this.#isLost = false;
    this.#goneTimer?.cancel();
    this.#goneTimer = null;
  }

  /** Encodes into the queue. False: dropped, because there is no connection or no room. */
  send(given: PeerMessage): boolean {
    const link = this.#link;
    if (link === null || link.openMs === null) return false;
    const message = fitMessage(given, link.version);
    if (message === null) return false; // its program has no use for it
    const { limits } = this.#context;
    const frameBytes = messageFrameBytesMax(message);
    const queuedBytes = link.writer.pendingBytes + link.connection.queuedBytes;
    const isForward = message.kind === "forward";
    const queuedMax = isForward ? limits.forwardQueueBytesMax : limits.queueBytesMax;
    if (frameBytes > limits.frameBytesMax || queuedBytes + frameBytes > queuedMax) {
      this.#onDropped(message, frameBytes, queuedBytes);
      return false;
    }
    encodeMessage(link.writer, message);
    return true;
  }

  /** One write for all that was queued since the last call. */
  flush(): void {
    const link = this.#link;
    if (link === null || link.openMs === null || link.writer.pendingBytes === 0) return;
    link.connection.send(link.writer.take());
    if (link.connection.queuedBytes === 0) link.writer.recycle();
  }

  /** Once an alive interval: shows that we live, and ends a connection whose other end does not. */
  onAliveInterval(): void {
    this.#reportDropped();
    const link = this.#link;
    if (link === null || link.openMs === null) return;
    const { silentIntervalsMax, aliveIntervalMs } = this.#context.limits;
    link.quietIntervals += 1;
    if (link.quietIntervals > silentIntervalsMax) {
      this.#isLost = true;
      this.#end(`silent for ${silentIntervalsMax * aliveIntervalMs} ms`, false);
    } else if (link.connection.queuedBytes === 0) {
      link.connection.send([this.#context.aliveFrame]);
    }
  }

  /** Ends for good. */
  stop(reason: string): void {
    const wasOpen = this.#link !== null && this.#link.openMs !== null;
    this.#isStopped = true;
    this.#forgetLoss();
    this.#dropLink();
    if (wasOpen) {
      this.#context.handlers.onPeer({ kind: "disconnected", peer: this.id, reason });
    }
  }

  #sayHello(link: Link): void {
    const { identity, versions } = this.#context;
    encodeHello(link.writer, { versions, identity, to: this.id });
    link.connection.send(link.writer.take());
  }

  #onData(link: Link, bytes: Uint8Array): void {
    link.quietIntervals = 0;
    try {
      link.parser.push(bytes);
      // A frame may end this link; what follows it in the same bytes then counts for nothing.
      while (this.#link === link) {
        const frame = link.parser.next();
        if (frame === null) return;
        this.#onFrame(link, frame);
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#end(`${this.address} sent ${error.message}`, link.openMs === null);
    }
  }

  #onFrame(link: Link, frame: Frame): void {
    if (link.openMs !== null) {
      if (frame.kind === aliveKind && frame.payload.length === 0) return;
      if (frame.kind === refusalKind)
        this.#onRefusal(decodeRefusal(frame)); // our introduction
      else throw new FormatError(`a frame of kind ${frame.kind}, where only alive frames may come`);
      return;
    }
    const answer = decodeAnswer(frame);
    if (answer.kind === "refusal") {
      this.#onRefusal(answer);
      return;
    }
    const { identity, admission, versions } = this.#context;
    const problem = checkWelcome(answer, identity, this.id, admission, versions);
    if (problem === null) this.#onWelcome(link, answer);
    else this.#end(problem, true);
  }

  #onRefusal({ code, text }: Refusal): void {
    const reason = `${this.address} refused us: ${text} (code ${code})`;
    this.#end(reason, true, refusalReasonOf(code));
  }

  #onWelcome(link: Link, welcome: Welcome): void {
    this.#timer?.cancel();
    link.openMs = this.#context.clock.nowMs();
    link.version = welcome.version;
    this.#lastFailure = "";
    const { incarnation, boot } = welcome.identity;
    encodeIntroduction(link.writer, this.#context.admission, welcome.version);
    link.connection.send(link.writer.take());
    this.#log("info", `connected to member ${this.id} at ${this.address} (boot ${boot})`);
    const isRestarted = this.#boot !== null && this.#boot !== boot;
    this.#boot = boot;
    this.#forgetLoss();
    this.#context.handlers.onPeer({ kind: "connected", peer: this.id, boot, incarnation });
    if (!isRestarted) return;
    const reason = `${this.address} was started again (boot ${boot})`;
    this.#context.handlers.onPeer({ kind: "gone", peer: this.id, reason });
  }

  #onClose(error: NetworkError | null): void {
    if (this.#link !== null && this.#link.openMs !== null) this.#isLost = true;
    this.#end(error === null ? `${this.address} closed the connection` : error.message, false);
  }

  /**
   * Ends the link and dials again later. `isRefusal`: only a person can make the next dial succeed.
   * `verdict`: what the other end has found about us.
   */
  #end(reason: string, isRefusal: boolean, verdict: RefusalReason | null = null): void {
    const { clock, limits, random, handlers } = this.#context;
    const openMs = this.#link?.openMs ?? null;
    this.#dropLink();
    const livedLong = openMs !== null && clock.nowMs() - openMs >= limits.reconnectMaxMs;
    this.#failureCount = livedLong ? 1 : this.#failureCount + 1;
    const delayMs = reconnectDelayMs(this.#failureCount, isRefusal, limits, random.fraction());
    this.#timer = clock.after(delayMs, () => this.dial());
    if (reason !== this.#lastFailure) {
      const state = openMs === null ? "cannot reach" : "lost";
      this.#log("warn", `${state} member ${this.id}: ${reason}`);
    }
    const isNews = reason !== this.#lastFailure;
    this.#lastFailure = reason;
    if (isRefusal) this.#forgetLoss(); // whoever refuses us is there
    if (openMs !== null) handlers.onPeer({ kind: "disconnected", peer: this.id, reason });
    if (isRefusal) {
      const told = verdict === null ? {} : { verdict };
      handlers.onPeer({ kind: "refused", peer: this.id, reason, ...told });
    } else if (openMs === null && isNews) {
      handlers.onPeer({ kind: "unreachable", peer: this.id, reason });
    }
    if (openMs === null) this.#maybeTellGone(reason);
    else if (this.#isLost) this.#maybeDialAtOnce();
  }

  /** Whose connection ended may be gone: a dial shows it. Not again and again. */
  #maybeDialAtOnce(): void {
    const { clock, limits } = this.#context;
    const nowMs = clock.nowMs();
    if (nowMs - this.#dialledAtOnceMs < limits.reconnectMaxMs) return;
    this.#dialledAtOnceMs = nowMs;
    this.dial();
  }

  #dropLink(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const link = this.#link;
    this.#link = null;
    link?.connection.close();
  }

  #onDropped(message: PeerMessage, frameBytes: number, queuedBytes: number): void {
    this.#droppedCount += 1;
    const { frameBytesMax } = this.#context.limits;
    if (frameBytes > frameBytesMax) {
      const sizes = `${frameBytes} bytes, over the limit of ${frameBytesMax}`;
      this.#log("error", `cannot send a ${message.kind} to member ${this.id}: ${sizes}`);
    } else if (this.#droppedCount === 1) {
      const what = `${message.kind} of ${frameBytes} bytes, with ${queuedBytes} bytes queued`;
      this.#log("warn", `dropped a message to member ${this.id}: ${what}`);
    }
  }

  /** At most one line an interval, however many were dropped. */
  #reportDropped(): void {
    if (this.#droppedCount > 1) {
      this.#log("warn", `dropped ${this.#droppedCount} messages to member ${this.id}`);
    }
    this.#droppedCount = 0;
  }

  #log(level: "info" | "warn" | "error", message: string): void {
    this.#context.log({ level, message });
  }
}
