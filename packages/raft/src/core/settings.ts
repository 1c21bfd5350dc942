/** The numbers of the algorithm, each with its unit and the reason for its default. */

import { describeBadBacklog } from "./backlog.ts";

export interface Settings {
  /** Ticks between two heartbeats of a leader. */
  readonly heartbeatTicks: number;
  /**
   * Ticks without a leader until a member stands for election: drawn from [electionTicks, 2 x
   * electionTicks). Also how long a leader goes without a majority's answers before it steps down.
   * @paper §5.2, §9.3
   */
  readonly electionTicks: number;
  /** Ask whether an election could be won before the term is raised. @thesis §9.6 */
  readonly preVote: boolean;
  /**
   * Leaders without a majority step down; members with a live leader refuse votes. @thesis §6.2,
   * §4.2.3
   */
  readonly checkQuorum: boolean;
  /**
   * Bytes of entries in one append message, one entry at least: small enough not to hold up what
   * follows.
   */
  readonly appendBytesMax: number;
  /** Appends under way to one peer. */
  readonly inflightMessagesMax: number;
  /**
   * Bytes of entries under way to one peer: what the kernel's buffers may hold in front of a
   * heartbeat.
   */
  readonly inflightBytesMax: number;
  /**
   * Bytes of entries that are appended and not committed, inherited ones included: the leader's
   * memory.
   */
  readonly uncommittedBytesMax: number;
  /**
   * Bytes of entries that a member has taken over and that wait for its disk or, committed, for its
   * machines: its memory, whatever the leader sends. At half of it the leader is told to pause; a
   * leader refuses proposals at the whole.
   */
  readonly backlogBytesMax: number;
  /** Bytes of entries in one `apply`: how long the machines keep the loop from its other work. */
  readonly applyBytesMax: number;
  /**
   * How much this member wants to lead, 0 to `priorityMax`. A leader hands over to a member of
   * higher priority; the higher, the earlier within the second half of an election timeout it
   * stands when a leader is lost. 0: it leads only if it is told to, or if there is no other voter.
   */
  readonly priority: number;
  /**
   * Milliseconds from seeing that the leader is gone until standing for election: drawn from
   * [failoverDelayMsMin, failoverDelayMsMax), doubled each time that brings no leader. At least so
   * long that the others can have seen it, too; a range so wide that two rarely stand at once,
   * given votes that take a few milliseconds.
   */
  readonly failoverDelayMsMin: number;
  readonly failoverDelayMsMax: number;
  /**
   * As the leader, ask the others for promises to elect nobody for a while, so that reads need no
   * round meanwhile. @thesis §6.4.1
   */
  readonly leaseReads: boolean;
  /**
   * Milliseconds that are asked for: several heartbeats, and no longer than the cluster may be kept
   * from replacing a leader that died.
   */
  readonly leaseMs: number;
  /**
   * How far the monotonic clock of a member may run fast or slow, in thousandths: common clocks
   * are off by less than 0.2.
   */
  readonly leaseDriftPermille: number;
  /**
   * Ticks without a sign that a peer gets the snapshot it needs: then it is asked anew what it has,
   * and the log that was kept for it may go. Longer than any pause of a transfer that will go on,
   * short enough for a report that was lost.
   */
  readonly snapshotTicks: number;
}

/** Above it the first timers of members of equal priority would hardly differ. */
export const priorityMax = 10;

/**
 * At 10 ms a tick: heartbeat 100 ms, election timeout drawn from [1,000, 2,000) ms, a transfer
 * without a sign for a minute.
 */
export const defaultSettings: Settings = {
  heartbeatTicks: 10,
  electionTicks: 100,
  preVote: true,
  checkQuorum: true,
  appendBytesMax: 1024 * 1024,
  inflightMessagesMax: 256,
  inflightBytesMax: 8 * 1024 * 1024,
  uncommittedBytesMax: 64 * 1024 * 1024,
  backlogBytesMax: 64 * 1024 * 1024,
  applyBytesMax: 4 * 1024 * 1024,
  priority: 1,
  failoverDelayMsMin: 5,
  failoverDelayMsMax: 30,
  leaseReads: false,
  leaseMs: 500,
  leaseDriftPermille: 10,
  snapshotTicks: 6000,
};

/** Milliseconds that a member promises at most, whoever asks: a minute without elections. */
export const leaseMsMax = 60_000;

const driftPermilleMax = 200;

/** The first thing wrong with the settings in one sentence, or null. */
export function describeBadSettings(settings: Settings): string | null {
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === "boolean" || name === "priority") continue;
    if (!Number.isSafeInteger(value) || value < 1)
      return `${name} is ${value}; it must be 1 or more`;
  }
  const { priority } = settings;
  if (!Number.isSafeInteger(priority) || priority < 0 || priority > priorityMax) {
    return `priority is ${priority}; it must be 0 to ${priorityMax}`;
  }
  if (settings.electionTicks < 2 * settings.heartbeatTicks) {
    return (
      `electionTicks is ${settings.electionTicks}; it must be at least twice heartbeatTicks ` +
      `(${settings.heartbeatTicks}), or every lost heartbeat is an election`
    );
  }
  if (settings.failoverDelayMsMax < settings.failoverDelayMsMin) {
    return (
      `failoverDelayMsMax is ${settings.failoverDelayMsMax}; it must be at least ` +
      `failoverDelayMsMin (${settings.failoverDelayMsMin})`
    );
  }
  if (settings.leaseMs > leaseMsMax) {
    return `leaseMs is ${settings.leaseMs}; it must be at most ${leaseMsMax}`;
  }
  if (settings.leaseDriftPermille > driftPermilleMax) {
    return (
      `leaseDriftPermille is ${settings.leaseDriftPermille}; it must be at most ` +
      `${driftPermilleMax}: clocks that differ by more measure nothing`
    );
  }
  if (settings.inflightBytesMax < settings.appendBytesMax) {
    return (
      `inflightBytesMax is ${settings.inflightBytesMax}; it must hold one append ` +
      `(${settings.appendBytesMax})`
    );
  }
  return describeBadBacklog(settings);
}
