/**
 * One direction of a simulated connection: what was sent and did not arrive yet, in order, whatever
 * the link does to it. Knows nothing of listeners and lives; `stream-network.ts` owns it.
 */
import type { NetworkError } from "../../ports/index.ts";
import type { FaultCounts } from "./fault-counts.ts";
import type { Timeline } from "./timeline.ts";
import type { Link, Stalled } from "./topology.ts";

export type Segment =
  | { readonly kind: "dial" }
  | { readonly kind: "accept" }
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly error: NetworkError | null };

/** What a pipe leads to. */
export interface PipeEnd {
  /** False while the program at the other end stands still, or its machine is off. */
  takes(): boolean;
  onSegment(segment: Segment): void;
}

export interface PipeParts {
  readonly timeline: Timeline;
  readonly link: Link;
  readonly faults: FaultCounts;
  readonly end: PipeEnd;
  /** Something arrived: there may be room again. */
  onTaken(): void;
  /** The end does not take: asks to be told when it may. */
  waitForEnd(pipe: StreamPipe): void;
}

interface Waiting {
  readonly segment: Segment;
  dueMs: number;
}

/** Bytes that are lost and sent again together: what an Ethernet frame carries. */
const segmentBytes = 1448;
/** Losses of the same segment in a row at most: TCP would give up some day, we go on. */
const lossesMax = 6;
const noBytes: Uint8Array = new Uint8Array(0);

export class StreamPipe implements Stalled {
  readonly link: Link;
  /** Nothing that is sent from now on arrives, and nobody is told. */
  isHole = false;
  readonly #parts: PipeParts;
  #waiting: Waiting[] = [];
  #head = 0;
  #bytes = 0;
  #isArmed = false;
  #waitsForLink = false;
  #waitsForEnd = false;
  readonly #whenDue = (): void => this.#onDue();

  constructor(parts: PipeParts) {
    this.#parts = parts;
    this.link = parts.link;
  }

  /** Bytes sent and not delivered. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes `bytes` over: the caller does not change them any more. */
  sendData(bytes: Uint8Array): void {
    const { random, profile } = this.link;
    this.#bytes += bytes.length;
    if (this.isHole) return;
    if (!random.chance(profile.splitShare) || bytes.length < 2) {
      this.#push({ kind: "data", bytes }, bytes.length);
      return;
    }
    this.#parts.faults.add("network.split");
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + random.between(1, bytes.length - 1));
      this.#push({ kind: "data", bytes: bytes.subarray(at, end) }, end - at);
      at = end;
    }
  }

  sendControl(segment: Segment): void {
    if (!this.isHole) this.#push(segment, 0);
  }

  /** The other end may take bytes again. */
  onEndTakes(): void {
    this.#waitsForEnd = false;
    this.#resume();
  }

  #resume(): void {
    if (this.#isArmed || this.#waitsForLink || this.#waitsForEnd) return;
    const first = this.#waiting[this.#head];
    if (first === undefined || !this.#flows()) return;
    this.#isArmed = true;
    this.#parts.timeline.at(first.dueMs, this.#whenDue);
  }

  /** TCP finds out with its next attempt, and those are the rarer the longer it lasted. */
  onHealed(stalledMs: number): void {
    this.#waitsForLink = false;
    const { random, profile } = this.link;
    const lateMs = Math.min(stalledMs, profile.retransmitMaxMs);
    const first = this.#waiting[this.#head];
    if (lateMs > 0 && first !== undefined) {
      first.dueMs = this.#parts.timeline.nowMs + random.unit() * lateMs;
    }
    this.#resume();
  }

  /** Forgets what did not arrive yet. */
  clear(): void {
    this.#waiting = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #push(segment: Segment, byteCount: number): void {
    const { timeline, link } = this.#parts;
    const dueMs = link.arrivalMs(timeline.nowMs, byteCount) + this.#lossMs(byteCount);
    this.#waiting.push({ segment, dueMs });
    this.#resume();
  }

  /** A loss costs time, and all that follows waits with it. */
  #lossMs(byteCount: number): number {
    const { random, profile } = this.link;
    if (profile.lossShare === 0) return 0;
    const share = Math.min(1, profile.lossShare * Math.max(1, Math.ceil(byteCount / segmentBytes)));
    let ms = 0;
    let nextMs = profile.retransmitMs;
    for (let losses = 0; losses < lossesMax && random.chance(share); losses++) {
      this.#parts.faults.add("network.loss");
      ms += nextMs;
      nextMs *= 2;
    }
    return ms;
  }

  #flows(): boolean {
    if (this.link.cutMode === "stall") {
      this.#waitsForLink = true;
      this.link.wait(this);
      return false;
    }
    if (this.#parts.end.takes()) return true;
    this.#waitsForEnd = true;
    this.#parts.waitForEnd(this);
    return false;
  }

  #onDue(): void {
    this.#isArmed = false;
    const { timeline, end, onTaken } = this.#parts;
    const { nowMs } = timeline;
    for (;;) {
      const first = this.#waiting[this.#head];
      if (first === undefined || first.dueMs > nowMs || !this.#flows()) break;
      this.#head += 1;
      const { segment } = first;
      this.#bytes -= (segment.kind === "data" ? segment.bytes : noBytes).length;
      end.onSegment(segment);
      onTaken();
    }
    this.#forgetTaken();
    this.#resume();
  }

  #forgetTaken(): void {
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
