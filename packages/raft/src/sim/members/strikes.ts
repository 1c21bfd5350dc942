/**
 * When the world strikes, and at what: drawn for each seed. What strikes often hides what follows
 * from a rare strike, and the other way round.
 */
import type { PeerMessage } from "../../transport/index.ts";
import type { DamageKind, DamageProfile } from "../hosts/index.ts";
import { pick, type Random } from "../random.ts";

/** What damage goes for: anything, what is written last to the log, or term and vote. */
export type DamageAim = "any" | "log-end" | "hard-state";

export interface StrikeOptions {
  /** Of the starts, those that are struck again. */
  readonly againShare: number;
  /** The same of starts that have something to mend. */
  readonly againMendingShare: number;
  /**
   * Of the deaths, those in the middle of an operation that changes the disk, whichever; the others
   * are at any time.
   */
  readonly insideShare: number;
  /** Of the writes of a term or vote, those that are struck. */
  readonly hardStateShare: number;
  /** Of the starts, those that hear again what was said to the runs before. */
  readonly recallShare: number;
  /** Which of the messages that were said may be heard again. */
  readonly recalled: "all" | "questions" | "answers";
  readonly damageAim: DamageAim;
  /** Of the damages, those of a log that was closed in order. */
  readonly sealedShare: number;
  /** The only kind of damage to a log that was closed in order; null: all kinds. */
  readonly damageKind: DamageKind | null;
}

export function drawStrikes(random: Random): StrikeOptions {
  return {
    againShare: pick(random, [0, 0.4, 0.4, 0.8]),
    againMendingShare: pick(random, [0.5, 0.8, 1]),
    insideShare: pick(random, [0.2, 0.6, 1]),
    hardStateShare: pick(random, [0, 0.05, 0.05, 0.2]),
    recallShare: pick(random, [0, 0.5, 1, 1]),
    recalled: pick(random, ["all", "questions", "answers", "answers"]),
    damageAim: pick(random, ["any", "log-end", "log-end", "hard-state"]),
    sealedShare: pick(random, [0.1, 0.8]),
    damageKind: pick(random, [null, null, "zeroed", "stale", "lost-sync", "misdirected"]),
  };
}

/** Whether a message is among those. */
export function isRecalled(
  { kind }: Pick<PeerMessage, "kind">,
  { recalled }: StrikeOptions,
): boolean {
  return recalled === "all" || kind.endsWith("-response") === (recalled === "answers");
}

/** All kinds, with how likely each is. */
const allKinds: DamageProfile["weights"] = {
  rotten: 4,
  zeroed: 2,
  stale: 1,
  "lost-sync": 1,
  misdirected: 1,
  "cut-short": 1,
  "lost-file": 1,
};

/** In the names of the files that hold term and vote. */
const hardStateName = "hard-state";

/**
 * The next damage to a disk that has these files. What vanishes from the very end of a log that was
 * not closed in order cannot be noticed: such a log rots, and sectors before its end vanish.
 */
export function drawDamage(
  options: StrikeOptions,
  isSealed: boolean,
  files: readonly string[],
  random: Random,
): DamageProfile {
  const target = drawTarget(options, files, random);
  if (isSealed) {
    const { damageKind } = options;
    return { ...target, weights: damageKind === null ? allKinds : { [damageKind]: 1 } };
  }
  if (random.chance(0.85)) return { ...target, weights: { rotten: 1 } };
  return { weights: { zeroed: 1 }, files: isSegment, recentShare: 0, sparesRecent: true };
}

function drawTarget(
  { damageAim }: StrikeOptions,
  files: readonly string[],
  random: Random,
): Pick<DamageProfile, "files" | "recentShare"> {
  if (random.chance(0.2)) return {};
  switch (damageAim) {
    case "any":
      return random.chance(0.5) ? { files: isSegment, recentShare: 0.8 } : {};
    case "log-end": {
      const last = files.filter(isSegment).at(-1);
      return { files: (path) => path === last, recentShare: 0.9 };
    }
    case "hard-state":
      return { files: isHardState, recentShare: 1 };
    default:
      damageAim satisfies never;
      return {};
  }
}

/** The same befalls the other copy of term and vote: two copies of one thing, lost in one go. */
export function damageOfOtherCopy(kind: DamageKind, path: string): DamageProfile {
  return {
    weights: { [kind]: 1 },
    recentShare: 1,
    files: (other) => isHardState(other) && other !== path,
  };
}

export function isHardState(path: string): boolean {
  return path.includes(hardStateName);
}

export function isSegment(path: string): boolean {
  return path.endsWith(".wal");
}

export function isSnapshot(path: string): boolean {
  return path.includes("/snapshot-");
}
