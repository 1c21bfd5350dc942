/** How bad the way from one host to another is, in one direction. Shares are probabilities. */
import { fixedLatency, type Latency } from "./latency.ts";

export interface LinkProfile {
  /** One way. */
  readonly latency: Latency;
  /** Bytes that pass in a millisecond; infinity: any number. */
  readonly bytesPerMs: number;
  /** Segments of a stream (`segmentBytes` each) that get lost and are sent again. */
  readonly lossShare: number;
  /** Milliseconds until a lost segment is sent again; doubles with each further loss. */
  readonly retransmitMs: number;
  /** Milliseconds between two attempts at most: also how late a healed stream may go on. */
  readonly retransmitMaxMs: number;
  /** Writes to a stream after a part of which the connection is reset. */
  readonly resetShare: number;
  /** Writes to a stream in which bytes are changed. */
  readonly corruptShare: number;
  /** Writes to a stream that arrive in several pieces. */
  readonly splitShare: number;
}

/** A link without faults: 0.2 ms one way. */
export const soundLink: LinkProfile = {
  latency: fixedLatency(0.2),
  bytesPerMs: Number.POSITIVE_INFINITY,
  lossShare: 0,
  retransmitMs: 200,
  retransmitMaxMs: 0,
  resetShare: 0,
  corruptShare: 0,
  splitShare: 0,
};

/** How bad the door of single messages is, besides the link's latency and cuts. */
export interface DatagramProfile {
  readonly dropShare: number;
  readonly duplicateShare: number;
  /** Messages that are delayed by `delay` more, so that others overtake them. */
  readonly reorderShare: number;
  readonly delay: Latency;
  /** Messages that are kept for ever, besides their delivery. */
  readonly keepShare: number;
  /** Sends along with which a kept message is delivered once more. */
  readonly ancientShare: number;
  /** How long it takes until a start or an end is reported. */
  readonly report: Latency;
  /** Starts and ends that are never reported. */
  readonly unreportedShare: number;
  /** Deliveries along with which a needless `disconnected` and `connected` are reported. */
  readonly flapShare: number;
}

export const soundDatagrams: DatagramProfile = {
  dropShare: 0,
  duplicateShare: 0,
  reorderShare: 0,
  delay: { minMs: 0, meanMs: 50 },
  keepShare: 0,
  ancientShare: 0,
  report: fixedLatency(1),
  unreportedShare: 0,
  flapShare: 0,
};
