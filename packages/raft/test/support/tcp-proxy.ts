/**
 * A bad network between member processes: a proxy in front of one member, which knows from the
 * first frame who dials, so that each direction of each link can be delayed, cut, stalled, split
 * and damaged by itself. Messages flow from the dialer to the member only. It judges nothing: what
 * says not who sends it passes as what it is.
 */
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { crc32, FormatError } from "../../src/base/index.ts";
import { decodeJoin } from "../../src/transport/codec/admission-codec.ts";
import { type Frame, joinKind } from "../../src/transport/codec/frame.ts";
import { FrameParser } from "../../src/transport/codec/frame-parser.ts";
import { decodeHello } from "../../src/transport/codec/handshake-codec.ts";

export interface LinkFaults {
  /** Nothing passes from the dialer; the connection stays. */
  isStalled?: boolean;
  /** Connections are cut, and new ones as soon as they say who they are. */
  isCut?: boolean;
  /** Milliseconds that everything is late. */
  delayMs?: number;
  /** Bytes of the pieces that everything is split into. */
  pieceBytes?: number;
}

/** One connection from a member, and ours to the member that it wants. */
interface Passage {
  readonly inner: Socket;
  readonly outer: Socket;
  /** Null: its first frame has not come; empty: that did not tell. */
  from: string | null;
  /** What came while the link was stalled, or before it was known whose it is. */
  held: Buffer[];
}

export class TcpProxy {
  /** Bytes that were damaged on the way. */
  flipped = 0;
  readonly #server: Server;
  readonly #port: number;
  readonly #target: number;
  readonly #passages = new Set<Passage>();
  readonly #answered = new Map<string, number>();
  readonly #faults = new Map<string, LinkFaults>();
  #toFlip = 0;

  /** Passes on from `port` to `target`, both of loopback. */
  constructor(port: number, target: number) {
    this.#port = port;
    this.#target = target;
    this.#server = createServer((outer) => this.#accept(outer));
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#port, "127.0.0.1", () => resolve());
    });
  }

  /** Sets what happens from now on to what `from` sends; `{}` heals. */
  setFaults(from: string, faults: LinkFaults): void {
    this.#faults.set(from, faults);
    for (const passage of [...this.#passages]) {
      if (passage.from !== from) continue;
      if (faults.isCut === true) this.#end(passage);
      else if (faults.isStalled !== true) this.#release(passage);
    }
  }

  /** Bytes that went back to `from` over connections that it dialled. */
  answeredBytes(from: string): number {
    return this.#answered.get(from) ?? 0;
  }

  /** Damages one byte in each of the next chunks of messages, whoever sends them. */
  flipNext(chunks: number): void {
    this.#toFlip = chunks;
  }

  close(): Promise<void> {
    for (const passage of [...this.#passages]) this.#end(passage);
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(outer: Socket): void {
    const inner = createConnection(this.#target, "127.0.0.1");
    const passage: Passage = { inner, outer, from: null, held: [] };
    this.#passages.add(passage);
    const parser = new FrameParser(crc32, 64 * 1024);
    for (const socket of [inner, outer]) {
      socket.setNoDelay(true);
      socket.on("error", () => this.#end(passage));
      socket.on("close", () => this.#end(passage));
    }
    inner.on("data", (bytes) => {
      outer.write(bytes);
      const from = passage.from ?? "";
      this.#answered.set(from, this.answeredBytes(from) + bytes.length);
    });
    outer.on("data", (bytes) => {
      if (passage.from !== null) {
        this.#onMessages(passage, bytes);
        return;
      }
      passage.held.push(bytes);
      passage.from = readDialer(parser, bytes);
      if (passage.from === null) return;
      if (this.#faults.get(passage.from)?.isCut === true) this.#end(passage);
      else this.#release(passage);
    });
  }

  #release(passage: Passage): void {
    const held = passage.held.splice(0);
    for (const bytes of held) this.#onMessages(passage, bytes, false);
  }

  #onMessages(passage: Passage, bytes: Buffer, mayFlip = true): void {
    const faults = this.#faults.get(passage.from ?? "") ?? {};
    if (faults.isStalled === true) {
      passage.held.push(bytes);
      return;
    }
    if (mayFlip && this.#toFlip > 0) {
      this.#toFlip--;
      this.flipped++;
      const at = (bytes.length * 7919 + this.flipped * 104_729) % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (this.flipped % 8));
    }
    const pass = () => {
      const step = faults.pieceBytes ?? bytes.length;
      for (let at = 0; at < bytes.length; at += step) {
        passage.inner.write(bytes.subarray(at, at + step));
      }
    };
    if (faults.delayMs === undefined) pass();
    else setTimeout(pass, faults.delayMs);
  }

  #end(passage: Passage): void {
    if (!this.#passages.delete(passage)) return;
    passage.inner.destroy();
    passage.outer.destroy();
  }
}

/** Null: more bytes are needed; empty: what begins like this does not say who dials. */
function readDialer(parser: FrameParser, bytes: Buffer): string | null {
  try {
    parser.push(bytes);
    const frame = parser.next();
    return frame === null ? null : dialerOf(frame);
  } catch (error) {
    if (error instanceof FormatError) return "";
    throw error;
  }
}

function dialerOf(frame: Frame): string {
  if (frame.kind === joinKind) return decodeJoin(frame).request.id;
  return decodeHello(frame).hello?.identity.id ?? "";
}
