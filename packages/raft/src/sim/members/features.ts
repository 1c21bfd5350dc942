/**
 * What of a complete Raft the members of a seed use besides commands and reads. Each seed draws its
 * own mix, from a stream of its own: a seed that has none of it is the world it was before.
 */
import type { Settings } from "../../core/index.ts";
import { defaultLimits, type NodeLimits } from "../../node/index.ts";
import { pick, type Random } from "../random.ts";

type SnapshotLimitName =
  | "snapshotEntries"
  | "snapshotLogBytes"
  | "snapshotKeptEntries"
  | "snapshotKeptBytes"
  | "snapshotWaitingBytesMax"
  | "snapshotBytesPerSecond"
  | "snapshotSendsMax"
  | "snapshotStallMs"
  | "snapshotIdleMs"
  | "snapshotRetryMs"
  | "snapshotOfferMs"
  | "snapshotStatusMs";

export type SnapshotFeature = Pick<NodeLimits, SnapshotLimitName>;

/** Times per longest election timeout that somebody asks for another leader, and so on. */
export interface TransferFeature {
  readonly rate: number;
  /** Of those who are asked, the ones that stop then. */
  readonly stopShare: number;
  /** Of each member, by place; after the last from the beginning. */
  readonly priorities: readonly number[];
}

/** Leaders hold leases, and clocks keep within what the settings declare of them. */
export interface LeaseFeature {
  readonly settings: Pick<Settings, "leaseReads" | "leaseMs" | "leaseDriftPermille">;
  /** Of the linearizable reads, those for which a lease is enough. */
  readonly readShare: number;
}

/** What strikes are aimed at: a moment of storage, and what is in it just then. */
export const aimKinds = [
  /** The last unit that was acknowledged rots, and the power fails while that is mended. */
  "log-end",
  /** A unit before it becomes zeros, and the power fails while that is mended. */
  "log-middle",
  /** Both copies of term and vote are the ones before. */
  "hard-state",
  /** A unit is half written, and there is no room to mend that. */
  "full-disk",
  /** Death in the middle of a removal of segments. */
  "compaction",
] as const;

export type AimKind = (typeof aimKinds)[number];

/** Faults that are aimed at the moments in which storage is vulnerable. */
export interface AimFeature {
  /** Strikes per longest election timeout of the whole cluster. */
  readonly rate: number;
  readonly kinds: readonly AimKind[];
  /** Of the starts with something to mend, those that the power ends again. */
  readonly againShare: number;
  /** An old answer comes when a question with its number is asked; datagrams only. */
  readonly echoes: boolean;
  /** Segments so small that there are many. */
  readonly limits: Pick<NodeLimits, "segmentBytesMax"> | null;
}

/** Null: the members of this seed do without. */
export interface Features {
  readonly snapshots: SnapshotFeature | null;
  readonly transfers: TransferFeature | null;
  readonly leases: LeaseFeature | null;
  readonly aims: AimFeature | null;
}

export const featureNames = ["snapshots", "transfers", "leases", "aims"] as const;

export type FeatureName = (typeof featureNames)[number];

/** What a world must be like for its features. */
export interface FeatureSetting {
  readonly transport: "streams" | "datagrams";
  readonly electionMs: number;
  readonly heartbeatMs: number;
  readonly tickMs: number;
  /** Exactly these; null: drawn. */
  readonly wanted: readonly FeatureName[] | null;
  /** Of the drawn ones, those that may be; null: all. */
  readonly among: readonly FeatureName[] | null;
}

/** Features that came later have a stream each: what others draw stays what it was. */
export interface FeatureRandoms {
  readonly features: Random;
  readonly leases: Random;
  readonly aims: Random;
}

/** Of the seeds, those with a feature that has a stream of its own. */
const laterShare = 0.4;

export function drawFeatures(randoms: FeatureRandoms, setting: FeatureSetting): Features {
  const random = randoms.features;
  const share = pick(random, [0, 0.5, 0.9]);
  const isOn = (name: FeatureName): boolean => {
    const isDrawn = random.chance(share);
    return isWanted(name, isDrawn, setting);
  };
  // Datagrams have no connections, and snapshots go over one of their own.
  const hasSnapshots = isOn("snapshots") && setting.transport === "streams";
  const snapshots = hasSnapshots ? drawSnapshots(random, setting) : null;
  const transfers = isOn("transfers") ? drawTransfers(random) : null;
  const isLater = (name: "leases" | "aims"): boolean =>
    isWanted(name, randoms[name].chance(laterShare), setting);
  return {
    snapshots,
    transfers,
    leases: isLater("leases") ? drawLeases(randoms.leases, setting) : null,
    aims: isLater("aims") ? drawAims(randoms.aims) : null,
  };
}

function isWanted(name: FeatureName, isDrawn: boolean, { wanted, among }: FeatureSetting): boolean {
  if (wanted !== null) return wanted.includes(name);
  return isDrawn && (among === null || among.includes(name));
}

/** Promises of a heartbeat or two run out between two rounds; long ones outlive their leaders. */
function drawLeases(random: Random, { electionMs, heartbeatMs }: FeatureSetting): LeaseFeature {
  const leaseMs = pick(random, [2 * heartbeatMs, electionMs, 3 * electionMs]);
  const leaseDriftPermille = pick(random, [10, 100, 200]);
  const readShare = pick(random, [0.3, 0.9]);
  return { settings: { leaseReads: true, leaseMs, leaseDriftPermille }, readShare };
}

/** All kinds, or one and much of it. */
function drawAims(random: Random): AimFeature {
  const only = pick(random, aimKinds);
  return {
    rate: pick(random, [0.3, 1, 2]),
    kinds: random.chance(0.6) ? aimKinds : [only],
    againShare: pick(random, [0.3, 0.8, 1]),
    echoes: random.chance(0.7),
    limits: random.chance(0.6) ? { segmentBytesMax: pick(random, [4096, 8192]) } : null,
  };
}

/** As fast or slow as the declared bound allows a clock to be, or right. */
export function drawRate(random: Random, { settings }: LeaseFeature): number {
  const drift = settings.leaseDriftPermille / 1000;
  return pick(random, [1 - drift, 1, 1 + drift, 1 - drift + 2 * drift * random.unit()]);
}

/** Nobody has priority 0: what is left of a cluster might wait for others for ever. */
function drawTransfers(random: Random): TransferFeature {
  const isEven = random.chance(0.5);
  return {
    rate: pick(random, [0.1, 0.3, 1]),
    stopShare: pick(random, [0, 0.3]),
    priorities: isEven ? [1] : [0, 1, 2, 3, 4].map(() => pick(random, [1, 1, 2, 5])),
  };
}

/** So few entries between two that a world has many; and all times as short as elections are. */
function drawSnapshots(random: Random, { electionMs, tickMs }: FeatureSetting): SnapshotFeature {
  const snapshotEntries = pick(random, [1, random.between(2, 8), random.between(8, 60)]);
  const snapshotStallMs = electionMs * pick(random, [1, 3]);
  const snapshotStatusMs = tickMs * random.between(1, 10);
  return {
    snapshotEntries,
    snapshotLogBytes: random.chance(0.3) ? random.between(200, 4000) : 1 << 20,
    snapshotKeptEntries: pick(random, [1, 1, random.between(2, 40)]),
    snapshotKeptBytes: random.chance(0.3) ? random.between(1, 2000) : 1 << 20,
    snapshotWaitingBytesMax: random.chance(0.3) ? random.between(1, 2000) : 1 << 20,
    snapshotBytesPerSecond: defaultLimits.snapshotBytesPerSecond,
    snapshotSendsMax: random.between(1, 2),
    snapshotStallMs,
    snapshotIdleMs: snapshotStallMs * random.between(1, 4),
    snapshotRetryMs: Math.min(snapshotStallMs, tickMs * random.between(1, 20)),
    snapshotOfferMs: 2 * (snapshotStallMs + snapshotStatusMs) + electionMs * random.between(0, 4),
    snapshotStatusMs,
  };
}
