/** Every limit of the transport with its unit and reason, and the check of what a user gives. */
import { QuorateError } from "../base/index.ts";

export interface TransportLimits {
  /**
   * Bytes of one frame with its header. Ten times the largest request; a corrupt length stops here.
   */
  readonly frameBytesMax: number;
  /** Bytes of one frame before the handshake is done: strangers get no 16 MiB buffers. */
  readonly handshakeBytesMax: number;
  /**
   * Bytes queued for one peer, ours and the network's. Four times what the core has in flight (8
   * MiB), so that it is reached only by a peer that stands still; then messages are dropped, which
   * Raft survives.
   */
  readonly queueBytesMax: number;
  /**
   * Bytes queued for one peer above which forwarded commands are dropped, not queued: the core does
   * not bound them, and acknowledgements must not wait behind them.
   */
  readonly forwardQueueBytesMax: number;
  /** Milliseconds from the dial (or the accept) to the end of the handshake. */
  readonly handshakeTimeoutMs: number;
  /**
   * Milliseconds between the alive frames that each end sends, so that the other can tell silence
   * from death.
   */
  readonly aliveIntervalMs: number;
  /**
   * Alive intervals without a byte after which a connection counts as dead. A network that came
   * back is used again that soon, and not when TCP next retransmits (up to two minutes).
   */
  readonly silentIntervalsMax: number;
  /**
   * Milliseconds for the answer to a dial after a connection ended; later the peer's process counts
   * as gone. Some round trips, and far below an election timeout, or nobody would gain by it.
   */
  readonly goneAfterMs: number;
  /**
   * Milliseconds before the first redial; doubles with each failure. A connection that ends is
   * dialled once at once, if that was not done within the last `reconnectMaxMs`.
   */
  readonly reconnectFirstMs: number;
  /**
   * Milliseconds between redials at most; a connection that lived this long resets the doubling.
   */
  readonly reconnectMaxMs: number;
  /**
   * Milliseconds before the redial after a refused handshake: a person has to change something
   * first.
   */
  readonly reconnectRefusedMs: number;
  /**
   * Connections of those who belong to the cluster and are not known as members (yet): somebody who
   * joins, or whose addition has not come here. More are refused. Where no member is known at all,
   * in one who joins, as many as a cluster has.
   */
  readonly guestsMax: number;
  /** Accepted connections at once: four for each of the 63 members at most. */
  readonly connectionsMax: number;
  /** Bytes of the blocks that frames are encoded into; a larger frame gets its own block. */
  readonly blockBytes: number;
}

export const defaultTransportLimits: TransportLimits = {
  frameBytesMax: 16 * 1024 * 1024,
  handshakeBytesMax: 4096,
  queueBytesMax: 32 * 1024 * 1024,
  forwardQueueBytesMax: 8 * 1024 * 1024,
  handshakeTimeoutMs: 2000,
  aliveIntervalMs: 1000,
  silentIntervalsMax: 4,
  goneAfterMs: 200,
  reconnectFirstMs: 20,
  reconnectMaxMs: 1000,
  reconnectRefusedMs: 5000,
  guestsMax: 16,
  connectionsMax: 256,
  blockBytes: 64 * 1024,
};

/**
 * The defaults with `given` on top.
 *
 * @throws QuorateError `BAD_CONFIG` that names the limit
 */
export function checkTransportLimits(given: Partial<TransportLimits>): TransportLimits {
  const limits = { ...defaultTransportLimits, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) throw bad(name, value, "an integer from 1");
  }
  if (limits.handshakeBytesMax < 1024) {
    throw bad("handshakeBytesMax", limits.handshakeBytesMax, "at least 1024 bytes");
  }
  if (limits.frameBytesMax < limits.handshakeBytesMax || limits.frameBytesMax > 0x7fff_ffff) {
    throw bad("frameBytesMax", limits.frameBytesMax, "between handshakeBytesMax and 2^31 - 1");
  }
  if (limits.queueBytesMax < limits.frameBytesMax) {
    throw bad("queueBytesMax", limits.queueBytesMax, "at least frameBytesMax");
  }
  if (limits.reconnectMaxMs < limits.reconnectFirstMs) {
    throw bad("reconnectMaxMs", limits.reconnectMaxMs, "at least reconnectFirstMs");
  }
  return limits;
}

function bad(name: string, value: number, wanted: string): QuorateError {
  const option = `limits.${name}`;
  return new QuorateError("BAD_CONFIG", `Cannot use ${option} ${value}: it must be ${wanted}`, {
    outcome: "not-applied",
    retry: "never",
    hint: `Set ${option} to ${wanted}, or leave it out.`,
    details: { option, value: String(value) },
  });
}
