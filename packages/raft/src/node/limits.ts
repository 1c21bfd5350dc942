/** The limits and times of a node besides the core's, in one table: name, unit, default, reason. */
import { describeBadSnapshotLimits } from "./snapshots/snapshot-limits.ts";

export interface NodeLimits {
  /** Milliseconds between ticks, the grain of every timer. */
  readonly tickMs: number;
  /** Milliseconds between heartbeats; a multiple of `tickMs`. */
  readonly heartbeatMs: number;
  /** Milliseconds without a leader until an election; drawn from [electionMs, 2 x electionMs). */
  readonly electionMs: number;
  /** Milliseconds a command or read may take unless its caller says otherwise. */
  readonly timeoutMs: number;
  /**
   * Bytes of one command: what etcd takes in a request, so that one entry never holds up
   * heartbeats.
   */
  readonly commandBytesMax: number;
  /** Commands that wait for a leader; more are refused as OVERLOADED, so that memory is bounded. */
  readonly waitingCountMax: number;
  /** Bytes of the commands that wait for a leader. */
  readonly waitingBytesMax: number;
  /**
   * Bytes of the commands under way at this member, wherever they are; more are refused as
   * OVERLOADED. Twice what a leader may leave uncommitted.
   */
  readonly pendingBytesMax: number;
  /** Commands under way, and as many reads; more are refused as OVERLOADED. */
  readonly pendingCountMax: number;
  /** Bytes of commands in one forwarded request. */
  readonly forwardBytesMax: number;
  /** Results kept for forwarded commands whose place in the log is not yet known. */
  readonly keptResultsMax: number;
  /** Bytes of a log segment file. */
  readonly segmentBytesMax: number;
  /** Milliseconds without progress after which it is told that commitment stalls. */
  readonly stallMs: number;
  /** Milliseconds that a unit may take until the disk is told to be slow. */
  readonly slowStorageMs: number;
  /**
   * Milliseconds that the disk may have work and finish none until it is unfit for a leader. An
   * election timeout: longer than the pauses of disks that are well, and than changing the leader.
   */
  readonly stuckStorageMs: number;
  /**
   * Milliseconds without a slow write until a disk that was unfit is fit again: longer than the
   * pauses between the troubles of one that fails, so that the leadership does not swing.
   */
  readonly calmStorageMs: number;
  /**
   * Entries between two comparisons of the machines' states with the other members'; the same on
   * all of them, or a multiple.
   */
  readonly compareEntries: number;
  /**
   * Milliseconds that adding a voter, or replacing one, may take unless its caller says otherwise:
   * it has to catch up first. At the end it goes on by itself; only the waiting ends.
   */
  readonly catchUpTimeoutMs: number;
  /** Milliseconds that a member that joins looks for somebody who lets it in. */
  readonly joinTimeoutMs: number;
  /**
   * Milliseconds that what is on disk of the peers' promises may be old. An older copy of a disk is
   * told from the disk itself at once by who has met it, and by who has started since then if the
   * copy is older than this. A small file is written that often while entries come.
   */
  readonly peerMemoryMs: number;
  /** Bytes of the core's newest inputs that are kept for a recording, entries included. */
  readonly recorderBytesMax: number;
  /**
   * Entries between two snapshots: one is due at each multiple of it. The same on all members, so
   * that their snapshots are equal files. What a start applies again, at most, of small entries.
   */
  readonly snapshotEntries: number;
  /**
   * Bytes of log after which a snapshot is due even if the one before was larger. Below that, one
   * is only due when as many bytes of log have come as the one before has: so what is written of
   * snapshots stays in proportion. The same on all members.
   */
  readonly snapshotLogBytes: number;
  /**
   * Entries that stay in the log behind a snapshot, for followers that are only slow: a second or
   * so of writes. Sending them is cheaper than a snapshot.
   */
  readonly snapshotKeptEntries: number;
  /** Bytes of them; they are in memory. */
  readonly snapshotKeptBytes: number;
  /**
   * Bytes of log that wait for members which are getting a snapshot; above that they begin again
   * with a newer one, so that memory is bounded.
   */
  readonly snapshotWaitingBytesMax: number;
  /**
   * Bytes a second that this member writes of a snapshot of its own, so that commands keep the most
   * of the processor and of the disk. No more held to once `snapshotLogBytes` of log have come
   * since the snapshot was begun: that log is in memory.
   */
  readonly snapshotWriteBytesPerSecond: number;
  /**
   * Bytes a second that this member sends of snapshots, to all who fetch them together. A quarter
   * of a network of 1 Gbit/s, so that appends and heartbeats keep the most of it; a gigabyte takes
   * half a minute.
   */
  readonly snapshotBytesPerSecond: number;
  /** Members that fetch from this one at once; more would only make each wait longer. */
  readonly snapshotSendsMax: number;
  /**
   * Snapshots of `node.openSnapshot` that are waited for, written or open at once: each takes as
   * much of the disk as the state.
   */
  readonly snapshotExportsMax: number;
  /**
   * Bytes that a receiver has asked for and not yet written: what it holds of a transfer in memory.
   * Covers a round trip of 30 ms at the default rate.
   */
  readonly snapshotWindowBytes: number;
  /**
   * Milliseconds without a block, though one was asked for, after which a receiver leaves a source
   * for another, and after which a newer snapshot takes the place of one that nobody sends.
   */
  readonly snapshotStallMs: number;
  /**
   * Milliseconds after which a sender lets go of a receiver that asks for nothing: longer than the
   * worst pause of a disk. Its place and the pin on the file are free then.
   */
  readonly snapshotIdleMs: number;
  /** Milliseconds before sources that gave nothing, or were busy, are asked again. */
  readonly snapshotRetryMs: number;
  /**
   * Milliseconds for which a snapshot that was offered is kept for a member that shows no progress,
   * and an unfinished one by a receiver that hears no offer: a restart of a source, and some.
   */
  readonly snapshotOfferMs: number;
  /** Milliseconds between reports of a transfer to who offered it, and between its events. */
  readonly snapshotStatusMs: number;
  /** Bytes of a snapshot that is received: eight times the largest database that etcd advises. */
  readonly snapshotBytesMax: number;
}

export const defaultLimits: NodeLimits = {
  tickMs: 10,
  heartbeatMs: 100,
  electionMs: 1_000,
  timeoutMs: 5_000,
  commandBytesMax: 1.5 * 1024 * 1024,
  waitingCountMax: 10_000,
  waitingBytesMax: 64 * 1024 * 1024,
  pendingBytesMax: 128 * 1024 * 1024,
  pendingCountMax: 100_000,
  forwardBytesMax: 1024 * 1024,
  keptResultsMax: 100_000,
  segmentBytesMax: 64 * 1024 * 1024,
  stallMs: 1_000,
  slowStorageMs: 500,
  stuckStorageMs: 1_000,
  calmStorageMs: 30_000,
  compareEntries: 10_000,
  catchUpTimeoutMs: 60_000,
  joinTimeoutMs: 10_000,
  peerMemoryMs: 10_000,
  recorderBytesMax: 1024 * 1024,
  snapshotEntries: 10_000,
  snapshotLogBytes: 128 * 1024 * 1024,
  snapshotKeptEntries: 5_000,
  snapshotKeptBytes: 16 * 1024 * 1024,
  snapshotWaitingBytesMax: 1024 * 1024 * 1024,
  snapshotWriteBytesPerSecond: 64 * 1024 * 1024,
  snapshotBytesPerSecond: 32 * 1024 * 1024,
  snapshotSendsMax: 2,
  snapshotExportsMax: 2,
  snapshotWindowBytes: 1024 * 1024,
  snapshotStallMs: 5_000,
  snapshotIdleMs: 30_000,
  snapshotRetryMs: 500,
  snapshotOfferMs: 60_000,
  snapshotStatusMs: 1_000,
  snapshotBytesMax: 64 * 1024 * 1024 * 1024,
};

/** Option name and fact of the first limit that cannot be used, or null. */
export function describeBadLimits(
  limits: NodeLimits,
): { readonly option: keyof NodeLimits; readonly fact: string } | null {
  for (const name of Object.keys(defaultLimits) as (keyof NodeLimits)[]) {
    const value = limits[name]; // keys of the table are the table's keys
    if (!Number.isFinite(value) || value <= 0) return { option: name, fact: "it must be above 0" };
  }
  if (limits.heartbeatMs < limits.tickMs) {
    return { option: "heartbeatMs", fact: `it must be at least tickMs (${limits.tickMs})` };
  }
  if (limits.electionMs < 5 * limits.heartbeatMs) {
    const heartbeats = `five heartbeats (5 x ${limits.heartbeatMs})`;
    const fact = `it must be at least ${heartbeats}, or lost packets are elections`;
    return { option: "electionMs", fact };
  }
  if (limits.pendingBytesMax < limits.commandBytesMax) {
    const fact = `it must be at least commandBytesMax (${limits.commandBytesMax})`;
    return { option: "pendingBytesMax", fact: `${fact}, or large commands are never taken` };
  }
  if (!Number.isSafeInteger(limits.compareEntries)) {
    return { option: "compareEntries", fact: "it must be a whole number" };
  }
  for (const option of ["snapshotEntries", "snapshotKeptEntries"] as const) {
    if (!Number.isSafeInteger(limits[option])) return { option, fact: "it must be a whole number" };
  }
  if (limits.segmentBytesMax < 4096) {
    return { option: "segmentBytesMax", fact: "it must be at least 4,096" };
  }
  if (limits.electionMs > 50_000) {
    return {
      option: "electionMs",
      fact: "it must be at most 50,000: nobody would notice a dead leader",
    };
  }
  return describeBadSnapshotLimits(limits);
}
