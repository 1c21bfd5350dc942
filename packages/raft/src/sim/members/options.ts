/**
 * What one seed explores with whole members: cluster, settings and limits, transport, which faults
 * exist and how often, what the clients do. Each seed draws its own mix (swarm testing): faults
 * that are always all there hide each other.
 */
import { defaultSettings, entryOverheadBytes, type Settings } from "../../core/index.ts";
import type { NodeLimits } from "../../node/index.ts";
import type { TransportLimits } from "../../transport/index.ts";
import {
  type DatagramProfile,
  type DiskProfile,
  type LinkProfile,
  soundDatagrams,
} from "../hosts/index.ts";
import { pick, type Random } from "../random.ts";
import {
  drawFeatures,
  type FeatureName,
  type FeatureRandoms,
  type Features,
  featureNames,
  type SnapshotFeature,
} from "./features.ts";
import { drawDatagrams, drawDisk, drawLink } from "./profiles.ts";
import { drawStrikes, type StrikeOptions } from "./strikes.ts";

/** What can go wrong. One name each, for switching and for counting. */
export const faultKinds = [
  /** Links are cut: groups, single ones, one way. */
  "partition",
  /** Latency, losses, resets, bytes changed, pieces. */
  "network",
  /** A link is slow for a while. */
  "slow-link",
  /** The process dies; what it wrote stays. */
  "kill",
  /** The power fails; what was not synced is decided by chance. */
  "power-loss",
  /** The member is stopped in order. */
  "stop",
  "pause",
  /** Clocks run fast, slow, leap. */
  "clock",
  /** Operations of the disk fail. */
  "disk-error",
  /** The disk is slow or stands still. */
  "disk-slow",
  "disk-full",
  /** Bytes at rest are lost or changed, on fewer disks than a majority can do without. */
  "damage",
  /** Many requests at once. */
  "burst",
] as const;

export type FaultKind = (typeof faultKinds)[number];

/**
 * How often each fault strikes, in times per longest election timeout of the whole cluster; 0: it
 * does not exist.
 */
export type FaultRates = Readonly<Record<FaultKind, number>>;

export type Limits = Pick<
  NodeLimits,
  | "tickMs"
  | "heartbeatMs"
  | "electionMs"
  | "waitingCountMax"
  | "pendingCountMax"
  | "forwardBytesMax"
  | "keptResultsMax"
  | "segmentBytesMax"
  | "commandBytesMax"
> &
  Partial<SnapshotFeature>;

/** Bytes of one forwarded batch at most. */
export const forwardBytesMax = 8192;

export interface ClientsOptions {
  readonly count: number;
  /** Requests that one client has under way at most. */
  readonly pipeline: number;
  /** Milliseconds between two requests, on average. */
  readonly thinkMs: number;
  readonly timeoutMs: number;
  /** The share of reads. */
  readonly reads: number;
  /** Bytes that mean nothing in a command, up to so many: to fill sectors, windows and queues. */
  readonly paddingBytesMax: number;
}

export interface MembersOptions {
  readonly memberCount: number;
  readonly limits: Limits;
  readonly settings: Omit<Settings, "heartbeatTicks" | "electionTicks">;
  readonly transportLimits: Partial<TransportLimits>;
  readonly transport: "streams" | "datagrams";
  /** Bytes that a connection takes before they arrive. */
  readonly windowBytes: number;
  readonly rates: FaultRates;
  readonly link: LinkProfile;
  readonly datagrams: DatagramProfile;
  readonly disk: DiskProfile;
  readonly clients: ClientsOptions;
  /** The first phase ends after so many inputs to cores, or so many milliseconds. */
  readonly stepsMax: number;
  readonly faultsMs: number;
  /**
   * What becomes of a minority for good when the others are healed; or of one when all is done: it
   * comes back without its directory.
   */
  readonly outage: "none" | "down" | "cut" | "wiped";
  readonly strikes: StrikeOptions;
  readonly features: Features;
}

/** The longest election timeout, milliseconds: the unit in which liveness is measured. */
export function electionMaxMs({ limits }: Pick<MembersOptions, "limits">): number {
  return 2 * limits.electionMs;
}

export interface MembersLimits {
  /** Bytes of one command at most. */
  readonly commandBytesMax: number;
  readonly steps: number;
  /** Null: drawn. */
  readonly memberCount: number | null;
  /** Exactly these; null: drawn. */
  readonly faults: readonly FaultKind[] | null;
  /** Exactly these; null: drawn. */
  readonly features: readonly FeatureName[] | null;
  /** Of the drawn ones, those that may be; null: all. */
  readonly featuresAmong: readonly FeatureName[] | null;
}

/** `randoms`: streams of their own, so that what else is drawn stays what it was. */
export function drawMembersOptions(
  random: Random,
  randoms: FeatureRandoms,
  limits: MembersLimits,
): MembersOptions {
  const drawnCount = pick(random, [1, 1, 2, 3, 3, 3, 3, 4, 5, 5]);
  const memberCount = limits.memberCount ?? drawnCount;
  const times = drawLimits(random, limits.commandBytesMax);
  const rates = drawRates(random, limits.faults);
  const isHarsh = random.chance(0.3);
  const isTiny = random.chance(0.4);
  const isHostile = random.chance(0.4);
  const transport = isHostile && rates.network > 0 ? "datagrams" : "streams";
  const clients = drawClients(random, times);
  const { electionMs, heartbeatMs, tickMs } = times;
  // Aimed strikes are faults: where those are given, there are no others.
  const among = limits.faults === null ? null : featureNames.filter((name) => name !== "aims");
  const asked = { wanted: limits.features, among: limits.featuresAmong ?? among };
  const setting = { transport, electionMs, heartbeatMs, tickMs, ...asked } as const;
  const features = drawFeatures(randoms, setting);
  return {
    memberCount,
    limits: { ...times, ...features.snapshots, ...features.aims?.limits },
    features,
    settings: {
      ...drawSettings(random, isTiny, clients.paddingBytesMax),
      ...features.leases?.settings,
    },
    transportLimits: drawTransportLimits(random, times, isTiny),
    transport,
    windowBytes: pick(random, [1, random.between(1, 32 * 1024), 1024 * 1024]),
    rates,
    link: drawLink(random, times.heartbeatMs, rates.network > 0, isHarsh),
    datagrams:
      rates.network > 0 ? drawDatagrams(random, times.heartbeatMs, isHarsh) : soundDatagrams,
    disk: drawDisk(random, times.heartbeatMs, rates),
    clients,
    stepsMax: random.between(Math.ceil(limits.steps / 2), limits.steps),
    faultsMs: 2 * times.electionMs * random.between(20, 60),
    outage: memberCount > 2 ? pick(random, ["none", "wiped", "down", "cut"]) : "none",
    strikes: drawStrikes(random),
  };
}

function drawLimits(random: Random, commandBytesMax: number): Limits {
  const tickMs = pick(random, [5, 10]);
  const heartbeatMs = tickMs * random.between(1, 3);
  return {
    tickMs,
    heartbeatMs,
    electionMs: heartbeatMs * random.between(5, 10),
    waitingCountMax: random.chance(0.2) ? random.between(1, 8) : 10_000,
    pendingCountMax: random.chance(0.2) ? random.between(4, 40) : 100_000,
    forwardBytesMax: random.chance(0.3) ? random.between(1, 100) : forwardBytesMax,
    keptResultsMax: random.chance(0.2) ? random.between(1, 8) : 100_000,
    segmentBytesMax: random.chance(0.5) ? pick(random, [4096, 8192, 65_536]) : 64 * 1024 * 1024,
    commandBytesMax,
  };
}

function drawSettings(
  random: Random,
  isTiny: boolean,
  paddingBytesMax: number,
): MembersOptions["settings"] {
  const entry = entryOverheadBytes + 17 + paddingBytesMax;
  const appendBytesMax = isTiny ? pick(random, [1, entry, 3 * entry]) : 8192;
  return {
    preVote: random.chance(0.85),
    checkQuorum: random.chance(0.85),
    appendBytesMax,
    inflightMessagesMax: isTiny ? random.between(1, 4) : 256,
    inflightBytesMax: isTiny ? appendBytesMax * random.between(1, 4) : 65_536,
    uncommittedBytesMax: random.chance(0.3) ? pick(random, [1, 4 * entry, 20 * entry]) : 1 << 20,
    backlogBytesMax: defaultSettings.backlogBytesMax,
    applyBytesMax: random.chance(0.4)
      ? pick(random, [1, 2 * entry])
      : defaultSettings.applyBytesMax,
    priority: defaultSettings.priority,
    failoverDelayMsMin: defaultSettings.failoverDelayMsMin,
    failoverDelayMsMax: defaultSettings.failoverDelayMsMax,
    leaseReads: false,
    leaseMs: defaultSettings.leaseMs,
    leaseDriftPermille: defaultSettings.leaseDriftPermille,
    snapshotTicks: defaultSettings.snapshotTicks,
  };
}

/** All times in proportion to the election's, so that worlds of all speeds behave alike. */
function drawTransportLimits(
  random: Random,
  { tickMs, heartbeatMs, electionMs, commandBytesMax, forwardBytesMax: batchBytesMax }: Limits,
  isTiny: boolean,
): Partial<TransportLimits> {
  const frameBytesMax = 14 * 1024 + commandBytesMax;
  const forwardBytes = Math.max(commandBytesMax, batchBytesMax) + 256;
  return {
    frameBytesMax,
    handshakeBytesMax: 1024,
    queueBytesMax: isTiny ? frameBytesMax : 16 * frameBytesMax,
    forwardQueueBytesMax: isTiny ? forwardBytes : Math.max(forwardBytes, 64 * 1024),
    handshakeTimeoutMs: electionMs,
    aliveIntervalMs: heartbeatMs * random.between(1, 2),
    silentIntervalsMax: random.between(2, 4),
    reconnectFirstMs: tickMs,
    reconnectMaxMs: Math.max(tickMs, Math.floor(electionMs / 2)),
    reconnectRefusedMs: electionMs,
    blockBytes: 4096,
  };
}

function drawClients(random: Random, { heartbeatMs, electionMs }: Limits): ClientsOptions {
  return {
    count: random.between(1, 5),
    pipeline: pick(random, [1, 1, 2, 8]),
    thinkMs: heartbeatMs * pick(random, [0.2, 1, 3]),
    timeoutMs: electionMs * random.between(1, 8),
    reads: pick(random, [0.1, 0.4, 0.7]),
    paddingBytesMax: pick(random, [0, 0, 600, 1500]),
  };
}

/** Times per election timeout, when a kind strikes in its usual measure. */
const usualRates: FaultRates = {
  partition: 0.3,
  network: 1,
  "slow-link": 0.2,
  kill: 0.2,
  "power-loss": 0.2,
  stop: 0.1,
  pause: 0.3,
  clock: 0.3,
  "disk-error": 0.15,
  "disk-slow": 0.2,
  "disk-full": 0.5,
  damage: 0.3,
  burst: 0.3,
};

/** One seed in twenty knows no fault, two only one kind and much of it. */
function drawRates(random: Random, given: MembersLimits["faults"]): FaultRates {
  const dice = random.unit();
  const only = faultKinds[random.below(faultKinds.length)];
  const share = pick(random, [0.3, 0.6, 0.9]);
  const rates: Partial<Record<FaultKind, number>> = {};
  for (const kind of faultKinds) {
    const isDrawn = dice >= 0.15 ? random.chance(share) : dice >= 0.05 && kind === only;
    const measure = dice < 0.15 ? 4 : pick(random, [0.3, 1, 3]);
    const isOn = given === null ? isDrawn : given.includes(kind);
    rates[kind] = isOn ? usualRates[kind] * measure : 0;
  }
  return rates as FaultRates; // every kind was just set
}
