/** The limits of sending and receiving snapshots, and which of them do not fit together. */
import { chunkBytesMax } from "../../storage/index.ts";
import type { NodeLimits } from "../limits.ts";

export type SnapshotLimits = Pick<
  NodeLimits,
  | "snapshotBytesPerSecond"
  | "snapshotSendsMax"
  | "snapshotWindowBytes"
  | "snapshotStallMs"
  | "snapshotIdleMs"
  | "snapshotRetryMs"
  | "snapshotOfferMs"
  | "snapshotStatusMs"
  | "snapshotBytesMax"
>;

/**
 * Requests of one receiver that a sender keeps; a receiver's window is never more. Part of the
 * protocol, so not an option.
 */
export const requestsMax = 1024;

/** Option name and fact of the first limit that cannot be used with the others, or null. */
export function describeBadSnapshotLimits(
  limits: SnapshotLimits,
): { readonly option: keyof SnapshotLimits; readonly fact: string } | null {
  const { snapshotWindowBytes, snapshotStallMs, snapshotBytesPerSecond } = limits;
  const windowBytesMax = requestsMax * chunkBytesMax;
  if (snapshotWindowBytes < chunkBytesMax || snapshotWindowBytes > windowBytesMax) {
    const fact = `it must be ${chunkBytesMax} (one block) to ${windowBytesMax}`;
    return { option: "snapshotWindowBytes", fact };
  }
  // The senders take turns, block by block.
  const blockMs = (limits.snapshotSendsMax * chunkBytesMax * 1000) / snapshotBytesPerSecond;
  if (blockMs * 2 > snapshotStallMs) {
    const fact =
      `with ${limits.snapshotSendsMax} sends at once (snapshotSendsMax) a block takes up to ` +
      `${Math.ceil(blockMs)} ms, and receivers leave after snapshotStallMs (${snapshotStallMs}): ` +
      "it must be twice as fast";
    return { option: "snapshotBytesPerSecond", fact };
  }
  if (limits.snapshotRetryMs > snapshotStallMs) {
    return { option: "snapshotRetryMs", fact: `it must be at most snapshotStallMs` };
  }
  if (limits.snapshotIdleMs < snapshotStallMs) {
    const fact = `it must be at least snapshotStallMs (${snapshotStallMs})`;
    return { option: "snapshotIdleMs", fact };
  }
  if (limits.snapshotOfferMs < 2 * (snapshotStallMs + limits.snapshotStatusMs)) {
    const fact = "it must be twice snapshotStallMs and snapshotStatusMs together, or one slow";
    return { option: "snapshotOfferMs", fact: `${fact} source ends a transfer` };
  }
  return null;
}
