/** One end of a simulated connection, as a program holds it. Owned by `stream-network.ts`. */
import { type Connection, type ConnectionHandlers, NetworkError } from "../../ports/index.ts";
import type { FaultCounts } from "./fault-counts.ts";
import type { Life } from "./life.ts";
import { joined, type PipeEnd, type Segment, type StreamPipe } from "./stream-pipe.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

/** What an end needs of the network. */
export interface EndHost {
  readonly timeline: Timeline;
  readonly faults: FaultCounts;
  readonly trace: Trace;
  /** So many bytes of one connection wait in its sender's memory. */
  onQueued(bytes: number): void;
  /** Whether the machine of that index answers at all. */
  isUp(host: number): boolean;
  onGone(end: StreamEnd): void;
}

export class StreamEnd implements Connection, PipeEnd {
  readonly remote: string;
  readonly life: Life;
  handlers: ConnectionHandlers | null = null;
  /** The other end; null until the dial arrived. */
  peer: StreamEnd | null = null;
  /** What this end sends; set once, by the network. */
  pipe: StreamPipe | null = null;
  readonly #host: EndHost;
  #isClosed = false;
  /** Its machine lost power: it answers nothing, and the other end does not know. */
  #isGone = false;
  #isDrainDue = false;
  readonly #drain = (): void => this.maybeDrained();

  constructor(host: EndHost, life: Life, remote: string) {
    this.#host = host;
    this.life = life;
    this.remote = remote;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get queuedBytes(): number {
    return this.#isClosed || this.pipe === null ? 0 : this.pipe.queuedBytes;
  }

  send(chunks: readonly Uint8Array[]): void {
    const { pipe } = this;
    if (this.#isClosed || !this.life.isAlive || pipe === null) return;
    let byteCount = 0;
    for (const chunk of chunks) byteCount += chunk.length;
    if (byteCount === 0) return;
    const { random, profile } = pipe.link;
    const isCorrupt = random.chance(profile.corruptShare);
    const sent = isCorrupt ? [this.#corrupted(joined(chunks), pipe)] : chunks;
    if (random.chance(profile.resetShare)) {
      this.#host.faults.add("network.reset");
      const part = random.below(byteCount);
      if (part > 0) pipe.sendData([joined(sent).subarray(0, part)], part);
      this.reset();
      return;
    }
    pipe.sendData(sent, byteCount);
    const { queuedBytes } = pipe;
    if (queuedBytes > 0) this.#host.onQueued(queuedBytes);
    if (this.#isDrainDue || this.handlers?.onDrain === undefined) return;
    this.#isDrainDue = true;
    this.life.defer(this.#drain);
  }

  close(): void {
    if (this.#isClosed) return;
    this.pipe?.dropQueued();
    this.pipe?.sendControl({ kind: "end", error: null });
    this.finish(null);
  }

  /** Something on the way breaks the connection for both ends. */
  reset(): void {
    this.pipe?.sendControl({ kind: "end", error: brokenError(this.life.host) });
    this.finish(brokenError(this.remote));
  }

  /** Closed from here on; tells the owner, once and later. */
  finish(error: NetworkError | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#host.onGone(this);
    this.life.post(() => this.handlers?.onClose(error));
  }

  /** Its program died; its machine tells the other end. */
  die(): void {
    this.#isClosed = true;
    this.pipe?.dropQueued();
    this.pipe?.sendControl({ kind: "end", error: brokenError(this.life.host) });
  }

  /** Its machine lost power. What it sent before is on its way still. */
  vanish(): void {
    this.#isClosed = true;
    this.#isGone = true;
    if (this.pipe !== null) this.pipe.isHole = true;
  }

  maybeDrained(): void {
    if (!this.#isDrainDue || this.#isClosed || this.queuedBytes > 0) return;
    this.#isDrainDue = false;
    this.life.enter(() => this.handlers?.onDrain?.());
  }

  takes(): boolean {
    if (this.#isGone) return this.#host.isUp(this.life.hostIndex);
    return this.life.state !== "paused";
  }

  /** What arrives from the other end, except dials. */
  onSegment(segment: Segment): void {
    if (this.#isGone) {
      this.#onStranger(segment);
      return;
    }
    if (this.#isClosed || !this.life.isAlive) return;
    switch (segment.kind) {
      case "data":
        this.#host.trace.note(this.#host.timeline.nowMs, this.remote, segment.bytes);
        this.handlers?.onData(segment.bytes);
        return;
      case "accept":
        this.handlers?.onOpen?.();
        return;
      case "end":
        this.pipe?.clear();
        this.finish(segment.error);
        return;
      case "dial":
        return; // the network's
      default:
        segment satisfies never;
    }
  }

  /** A machine that is on again knows nothing of its connections before, and says so. */
  #onStranger(segment: Segment): void {
    const { peer, pipe } = this;
    if (segment.kind !== "data" || peer === null || pipe === null || peer.isClosed) return;
    if (!this.#host.isUp(this.life.hostIndex)) return;
    this.#host.faults.add("network.half-open");
    pipe.isHole = false;
    pipe.sendControl({ kind: "end", error: brokenError(this.life.host) });
  }

  /** The same bytes, changed. */
  #corrupted(bytes: Uint8Array, pipe: StreamPipe): Uint8Array {
    this.#host.faults.add("network.corrupt");
    const { random } = pipe.link;
    const count = random.between(1, 3);
    for (let i = 0; i < count; i++) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ random.between(1, 255);
    }
    return bytes;
  }
}

export function brokenError(remote: string): NetworkError {
  const text = `The connection to ${remote} broke: the other end dropped it (ECONNRESET)`;
  return new NetworkError(text, "ECONNRESET");
}
