/**
 * What of a complete Raft the members of a seed use besides commands and reads. Each seed draws its
 * own mix, from a stream of its own: a seed that has none of it is the world it was before.
 */
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

/** Null: the members of this seed do without. */
export interface Features {
  readonly snapshots: SnapshotFeature | null;
  readonly transfers: TransferFeature | null;
}

export const featureNames = ["snapshots", "transfers"] as const;

export type FeatureName = (typeof featureNames)[number];

/** What a world must be like for its features. */
export interface FeatureSetting {
  readonly transport: "streams" | "datagrams";
  readonly electionMs: number;
  readonly tickMs: number;
  /** Exactly these; null: drawn. */
  readonly wanted: readonly FeatureName[] | null;
}

export function drawFeatures(random: Random, setting: FeatureSetting): Features {
  const share = pick(random, [0, 0.5, 0.9]);
  const isOn = (name: FeatureName): boolean => {
    const isDrawn = random.chance(share);
    return setting.wanted === null ? isDrawn : setting.wanted.includes(name);
  };
  // Datagrams have no connections, and snapshots go over one of their own.
  const hasSnapshots = isOn("snapshots") && setting.transport === "streams";
  const snapshots = hasSnapshots ? drawSnapshots(random, setting) : null;
  return { snapshots, transfers: isOn("transfers") ? drawTransfers(random) : null };
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
