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
  /** Bytes under way that the system takes off the sender's hands. */
  readonly windowBytes: number;
  /** Something arrived: there may be room again. */
  onTaken(): void;
  /** The end does not take: asks to be told when it may. */
  waitForEnd(pipe: StreamPipe): void;
}

interface Waiting {
  segment: Segment;
  readonly byteCount: number;
  /** The sender's own memory, while the system has not taken it; null afterwards. */
  chunks: readonly Uint8Array[] | null;
  dueMs: number;
}

/** Bytes that are lost and sent again together: what an Ethernet frame carries. */
const segmentBytes = 1448;
/** Losses of the same segment in a row at most: TCP would give up some day, we go on. */
const lossesMax = 6;
/** In the place of data that the system has not taken. */
const noData: Segment = { kind: "data", bytes: new Uint8Array(0) };

export class StreamPipe implements Stalled {
  readonly link: Link;
  /** Nothing that is sent from now on arrives, and nobody is told. */
  isHole = false;
  readonly #parts: PipeParts;
  #waiting: Waiting[] = [];
  #head = 0;
  /** The first that the system may not have taken. */
  #untaken = 0;
  /** Sent and not delivered; and of them those in the system's hands. */
  #bytes = 0;
  #takenBytes = 0;
  #isArmed = false;
  #waitsForLink = false;
  #waitsForEnd = false;
  readonly #whenDue = (): void => this.#onDue();

  constructor(parts: PipeParts) {
    this.#parts = parts;
    this.link = parts.link;
  }

  /** Bytes sent that the system has not taken: still in the sender's memory. */
  get queuedBytes(): number {
    return Math.max(0, this.#bytes - this.#parts.windowBytes);
  }

  /**
   * The system takes what fits in its window; until then the sender must not change it, as its port
   * says: what it changes is sent.
   */
  sendData(chunks: readonly Uint8Array[], byteCount: number): void {
    const { random, profile } = this.link;
    this.#bytes += byteCount;
    if (this.isHole) return;
    if (!random.chance(profile.splitShare) || byteCount < 2) this.#pushData(chunks, byteCount);
    else this.#sendPieces(joined(chunks));
  }

  #sendPieces(bytes: Uint8Array): void {
    const { random } = this.link;
    this.#parts.faults.add("network.split");
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + random.between(1, bytes.length - 1));
      this.#pushData([bytes.subarray(at, end)], end - at);
      at = end;
    }
  }

  sendControl(segment: Segment): void {
    if (!this.isHole) this.#push({ segment, byteCount: 0, chunks: null, dueMs: 0 });
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
    this.#untaken = 0;
    this.#bytes = 0;
    this.#takenBytes = 0;
  }

  /** The sender's program is dead: what the system has not taken is gone with it. */
  dropQueued(): void {
    if (this.#bytes === this.#takenBytes) return;
    const isTaken = ({ chunks }: Waiting, at: number) => at >= this.#head && chunks === null;
    this.#waiting = this.#waiting.filter(isTaken);
    this.#head = 0;
    this.#untaken = this.#waiting.length;
    this.#bytes = this.#takenBytes;
  }

  #pushData(chunks: readonly Uint8Array[], byteCount: number): void {
    this.#push({ segment: noData, byteCount, chunks, dueMs: 0 });
  }

  #push(waiting: Waiting): void {
    const { timeline, link } = this.#parts;
    const { byteCount } = waiting;
    waiting.dueMs = link.arrivalMs(timeline.nowMs, byteCount) + this.#lossMs(byteCount);
    this.#waiting.push(waiting);
    this.#take();
    this.#resume();
  }

  /** In order, as far as there is room. */
  #take(): void {
    const { windowBytes } = this.#parts;
    for (; this.#untaken < this.#waiting.length; this.#untaken++) {
      const waiting = this.#waiting[this.#untaken];
      if (waiting === undefined || waiting.chunks === null) continue;
      if (this.#takenBytes + waiting.byteCount > windowBytes) return;
      this.#takeOne(waiting);
    }
  }

  #takeOne(waiting: Waiting): void {
    if (waiting.chunks === null) return;
    waiting.segment = { kind: "data", bytes: joined(waiting.chunks) };
    waiting.chunks = null;
    this.#takenBytes += waiting.byteCount;
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
      this.#takeOne(first); // it may be larger than the window
      this.#bytes -= first.byteCount;
      this.#takenBytes -= first.byteCount;
      this.#take();
      end.onSegment(first.segment);
      onTaken();
    }
    this.#forgetTaken();
    this.#resume();
  }

  #forgetTaken(): void {
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#untaken = 0;
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#waiting.splice(0, this.#head);
      this.#untaken -= this.#head;
      this.#head = 0;
    }
  }
}

/** In memory of its own. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return first.slice();
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
