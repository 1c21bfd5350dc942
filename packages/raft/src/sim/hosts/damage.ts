/** Damage to a disk at rest: which file, which sectors, and doing it. Called by `sim-disk.ts`. */
import { assert } from "../../base/index.ts";
import { diskSectorBytes, type MemoryDisk } from "../../testing/index.ts";
import type { Random } from "../random.ts";
import type { DamagedRange, DamageKind, DamageProfile } from "./damage-profile.ts";

type Inode = ReturnType<MemoryDisk["inode"]>;

/** What was done. */
export interface Harm {
  readonly kind: DamageKind;
  readonly ranges: readonly DamagedRange[];
}

/** A file and some of its sectors in a row. */
interface Spot {
  readonly path: string;
  readonly inode: Inode;
  readonly first: number;
  readonly count: number;
}

interface Aim {
  readonly disk: MemoryDisk;
  readonly profile: DamageProfile;
  readonly random: Random;
  /** Files that have bytes, in order. */
  readonly paths: readonly string[];
}

type Act = (aim: Aim) => readonly DamagedRange[] | null;

const sectorsMaxDefault = 4;
const recentShareDefault = 0.5;
/** Tries to find a place where the damage changes anything. */
const triesMax = 16;

const acts: { readonly [Kind in DamageKind]: Act } = {
  rotten,
  zeroed,
  stale,
  "lost-sync": lostSync,
  misdirected,
  "cut-short": cutShort,
  "lost-file": lostFile,
};
const kinds: readonly DamageKind[] = [
  "rotten",
  "zeroed",
  "stale",
  "lost-sync",
  "misdirected",
  "cut-short",
  "lost-file",
];

/** Null: there is nothing that could be damaged that way. What is done changes at least a bit. */
export function damageDisk(disk: MemoryDisk, profile: DamageProfile, random: Random): Harm | null {
  const isHit = profile.files ?? (() => true);
  const paths = disk.files().filter((path) => isHit(path) && disk.inode(path).size > 0);
  if (paths.length === 0) return null;
  const kind = drawKind(profile, random);
  if (kind === null) return null;
  const aim = { disk, profile, random, paths };
  for (let tries = 0; tries < triesMax; tries++) {
    const ranges = acts[kind](aim);
    if (ranges !== null) return { kind, ranges };
  }
  return null;
}

function drawKind(profile: DamageProfile, random: Random): DamageKind | null {
  let total = 0;
  for (const kind of kinds) total += profile.weights[kind] ?? 0;
  let left = random.unit() * total;
  for (const kind of kinds) {
    left -= profile.weights[kind] ?? 0;
    if (left < 0) return kind;
  }
  return null;
}

// --- where ---------------------------------------------------------------------------------------

function drawFile({ disk, random, paths }: Aim): { path: string; inode: Inode } {
  const path = paths[random.below(paths.length)];
  assert(path !== undefined, "a file is drawn from those that there are");
  return { path, inode: disk.inode(path) };
}

/** One sector, recent or any, and some that follow; null: they are to be left alone. */
function drawSpot(aim: Aim): Spot | null {
  const { profile, random } = aim;
  const { path, inode } = drawFile(aim);
  const recent = inode.lastSynced();
  const isRecent = recent.length > 0 && random.chance(profile.recentShare ?? recentShareDefault);
  const first = isRecent
    ? (recent[random.below(recent.length)] ?? 0)
    : drawSector(aim, inode.sectorCount);
  const countMax = Math.min(profile.sectorsMax ?? sectorsMaxDefault, inode.sectorCount - first);
  const count = random.between(1, Math.max(1, countMax));
  if (profile.sparesRecent === true && hitsRecent(recent, first, count)) return null;
  return { path, inode, first, count };
}

function drawSector({ profile, random }: Aim, count: number): number {
  const among = Math.min(count, profile.lastSectors ?? count);
  return count - among + random.below(among);
}

function hitsRecent(recent: readonly number[], first: number, count: number): boolean {
  return recent.length === 0 || recent.some((sector) => sector >= first && sector < first + count);
}

// --- what ----------------------------------------------------------------------------------------

function rotten(aim: Aim): readonly DamagedRange[] | null {
  const { random } = aim;
  return eachSector(drawSpot(aim), (bytes) => {
    const flips = random.between(1, 8);
    for (let i = 0; i < flips; i++) {
      const at = random.below(diskSectorBytes);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    }
    return bytes;
  });
}

function zeroed(aim: Aim): readonly DamagedRange[] | null {
  return eachSector(drawSpot(aim), () => new Uint8Array(diskSectorBytes));
}

function stale(aim: Aim): readonly DamagedRange[] | null {
  const spot = drawSpot(aim);
  return eachSector(spot, (_bytes, sector, inode) => inode.olderSector(sector));
}

function lostSync(aim: Aim): readonly DamagedRange[] | null {
  const { path, inode } = drawFile(aim);
  const sectors = inode.lastSynced();
  const first = sectors[0];
  const last = sectors.at(-1);
  if (first === undefined || last === undefined) return null;
  const before = inode.read(0, inode.size);
  const range = { path, firstSector: first, sectorCount: last - first + 1, wasSynced: true };
  inode.undoLastSync();
  return isEqual(before, inode.read(0, inode.size)) ? null : [range];
}

function misdirected(aim: Aim): readonly DamagedRange[] | null {
  const from = drawSpot(aim);
  const to = drawSpot(aim);
  if (from === null || to === null) return null;
  const source = { ...from, count: 1 };
  const target = { ...to, count: 1 };
  if (source.inode === target.inode && source.first === target.first) return null;
  const bytes = source.inode.sector(source.first);
  const hit = eachSector(target, () => bytes.slice());
  const missed = eachSector(source, () => source.inode.olderSector(source.first));
  if (hit === null && missed === null) return null;
  return [...(hit ?? []), ...(missed ?? [])];
}

function cutShort(aim: Aim): readonly DamagedRange[] | null {
  const { random } = aim;
  const { path, inode } = drawFile(aim);
  const from = random.below(inode.sectorCount);
  const range = rangeOf({ path, inode, first: from, count: inode.sectorCount - from });
  inode.cutShort(from * diskSectorBytes);
  return [range];
}

function lostFile(aim: Aim): readonly DamagedRange[] | null {
  const { path, inode } = drawFile(aim);
  const range = rangeOf({ path, inode, first: 0, count: inode.sectorCount });
  aim.disk.drop(path);
  return [range];
}

/** Changes sectors; null when they hold afterwards what they held before. */
function eachSector(
  spot: Spot | null,
  change: (bytes: Uint8Array, sector: number, inode: Inode) => Uint8Array,
): readonly DamagedRange[] | null {
  if (spot === null) return null;
  const { inode, first, count, path } = spot;
  let firstChanged = -1;
  let lastChanged = -1;
  for (let sector = first; sector < first + count; sector++) {
    const before = inode.sector(sector);
    inode.damageSector(sector, change(before.slice(), sector, inode));
    // Only what lies inside the file counts.
    if (isEqual(before, inode.sector(sector))) continue;
    if (firstChanged < 0) firstChanged = sector;
    lastChanged = sector;
  }
  if (firstChanged < 0) return null;
  const changed = lastChanged - firstChanged + 1;
  return [rangeOf({ path, inode, first: firstChanged, count: changed })];
}

function rangeOf({ path, inode, first, count }: Spot): DamagedRange {
  let wasSynced = false;
  for (let sector = first; sector < first + count; sector++) wasSynced ||= inode.isSynced(sector);
  return { path, firstSector: first, sectorCount: count, wasSynced };
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
