/**
 * Recovery that goes on where acknowledged bytes are damaged: what cannot be read, and all that
 * follows it, is set aside, and the member gets it again from the others. From the first step on
 * the hard state says `mustCatchUp`, durably: the member votes for nobody before it holds again
 * what it may have promised. Nothing is deleted. A crash anywhere leaves what the next start goes
 * on with. Called by `open-log.ts`; see `docs/formats.md`, "repair".
 */
import { logIndex } from "../../base/index.ts";
import { closeFile, isSetAside, openFile, pathIn, readReadable, replaceFile } from "../files.ts";
import { sectorBytes } from "../sealed-block.ts";
import { type FoundSnapshots, findSnapshots } from "../snapshot/find-snapshots.ts";
import type { SnapshotDescription } from "../snapshot/snapshot-format.ts";
import type { SnapshotSpace } from "../snapshot/snapshot-space.ts";
import { describePlace, StorageDamage } from "../storage-errors.ts";
import { perform, type Task } from "../task.ts";
import { chooseSnapshot, type SnapshotChoice } from "./choose-snapshot.ts";
import { hardStateFileNames, type NumberedHardState, writeHardState } from "./hard-state-files.ts";
import { createSegment, type LogDirectory } from "./log-directory.ts";
import { encodeLogEndFile, logEndFileName } from "./log-end.ts";
import { logStartFileName, readLogStart } from "./log-start.ts";
import { mendHardState } from "./prepare.ts";
import {
  checkHardStateSequence,
  firstLogEnd,
  firstSegmentHeader,
  type ReadLog,
  readHardState,
  readLog,
  readWitness,
} from "./read-log.ts";
import { parseSegmentFileName, segmentFileName } from "./segment-header.ts";
import { type Survey, surveyLog } from "./survey.ts";

/** What is known of a damaged member before anything is touched. */
export interface RepairEvidence {
  /** The newest configuration that can be read anywhere in the directory. */
  readonly configuration: FoundConfiguration | null;
}

/** As it was written: as an entry of the log, or as the `configuration` of a snapshot. */
export interface FoundConfiguration {
  readonly from: "entry" | "snapshot";
  readonly data: Uint8Array;
}

/** Null: others can give back what is damaged. Else why they cannot: ends a sentence. */
export type RepairPolicy = (evidence: RepairEvidence) => string | null;

/** What was done. */
export interface Repair {
  /** As it was found, one after the other. */
  readonly damages: readonly StorageDamage[];
  /** Paths of the files that were taken out of the way by this start. */
  readonly setAside: readonly string[];
}

/** A log that can be used, and how it came to that. */
export interface SoundLog {
  readonly read: ReadLog;
  readonly found: FoundSnapshots;
  readonly choice: SnapshotChoice;
  /** Null: it was sound as it lay there. */
  readonly repair: Repair | null;
  /** Paths of all files that lie aside, of earlier starts, too. */
  readonly aside: readonly string[];
}

/** Each repair takes something out of the way; more than these are a disk that makes it up. */
const repairsMax = 16;

/** The state that the log goes on from cannot be read. */
class LostState extends StorageDamage {
  readonly snapshots: readonly StorageDamage[];

  constructor(file: string, index: number, snapshots: readonly StorageDamage[]) {
    const reasons = snapshots.map(({ message }) => `; ${message}`).join("");
    super(`the log begins behind entry ${index}, and no snapshot of it is sound${reasons}`, {
      file,
    });
    this.snapshots = snapshots;
  }
}

/** Where a log ends that cannot be read further: nothing from there on is taken over. */
type Cut =
  | { readonly kind: "at"; readonly segment: number; readonly offset: number }
  | { readonly kind: "all"; readonly snapshots: readonly string[] };

/**
 * Reads a log; with a policy repairs it where that is allowed.
 *
 * @throws StorageDamage where it is not: the hard state and what contradicts it, a snapshot that
 * contradicts what is committed, and all that the policy refuses
 */
export function* readRepairing(
  log: LogDirectory,
  space: SnapshotSpace,
  policy: RepairPolicy | null,
  warn: (text: string) => void,
): Task<SoundLog> {
  const damages: StorageDamage[] = [];
  const setAside: string[] = [];
  for (;;) {
    try {
      const sound = yield* readSound(log, space, policy !== null, warn);
      const repair = damages.length === 0 ? null : { damages, setAside };
      return { ...sound, repair, aside: yield* listAside(log) };
    } catch (error) {
      if (!(error instanceof StorageDamage) || policy === null) throw error;
      const cut = cutOf(error);
      if (cut === null || damages.length === repairsMax) throw error;
      if (damages.length === 0) yield* checkPolicy(log, space, error, policy);
      const hardState = yield* abstain(log, error, warn);
      const files = yield* cutLog(log, cut, hardState);
      damages.push(error);
      setAside.push(...files);
      warn(describeRepair(error, files));
    }
  }
}

function* readSound(
  log: LogDirectory,
  space: SnapshotSpace,
  needsState: boolean,
  warn: (text: string) => void,
): Task<Pick<SoundLog, "read" | "found" | "choice">> {
  const read = yield* readLog(log, warn);
  const found = yield* findSnapshots(space, read.names, log.salvages);
  const choice = chooseSnapshot(log, read, found);
  if (needsState && choice.verdict.kind === "lost") {
    const file = pathIn(log.directory, logStartFileName);
    throw new LostState(file, read.base.index, choice.verdict.damaged);
  }
  return { read, found, choice };
}

function describeRepair({ place, reason }: StorageDamage, files: readonly string[]): string {
  const kept = files.length === 0 ? "" : `; set aside: ${files.join(", ")}`;
  return (
    `${describePlace(place)}: ${reason}${kept}. What is missing comes from the other members; ` +
    "until then this one neither votes nor stands for election"
  );
}

/** Null: it is not the log that is damaged. */
function cutOf(damage: StorageDamage): Cut | null {
  if (damage instanceof LostState) {
    const names = damage.snapshots.map(({ place }) => nameOf(place.file));
    return { kind: "all", snapshots: names };
  }
  const { file, offset } = damage.place;
  const name = nameOf(file);
  if (name === logStartFileName) return { kind: "all", snapshots: [] };
  const segment = parseSegmentFileName(name);
  return segment === null ? null : { kind: "at", segment, offset: offset ?? 0 };
}

function newestOf(
  entry: Survey["configuration"],
  snapshot: SnapshotDescription | undefined,
): FoundConfiguration | null {
  if (snapshot !== undefined && snapshot.identity.position.index >= (entry?.index ?? 0)) {
    return { from: "snapshot", data: snapshot.configuration };
  }
  return entry === null ? null : { from: "entry", data: entry.data };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** @throws StorageDamage with the reason why nobody else can help */
function* checkPolicy(
  log: LogDirectory,
  space: SnapshotSpace,
  damage: StorageDamage,
  policy: RepairPolicy,
): Task<void> {
  const names = yield* perform<readonly string[]>((done) => log.disk.list(log.directory, done));
  const survey = yield* surveyLog(log, names);
  const { sound } = yield* findSnapshots(space, names, log.salvages);
  const snapshot = sound.at(-1);
  const refusal = policy({ configuration: newestOf(survey.configuration, snapshot) });
  if (refusal !== null) throw new StorageDamage(damage.reason, damage.place, refusal);
  const hard = yield* readHardState(log, names, () => {});
  const term = hard?.numbered.state.term ?? 0;
  if (survey.termMax <= term) return;
  const reason = `it says term ${term}, and the log has entries of term ${survey.termMax}`;
  throw new StorageDamage(`${reason}; an older copy may have been put back`, {
    file: pathIn(log.directory, hardStateFileNames[0]),
    offset: 0,
  });
}

/**
 * Makes durable that this member abstains, before anything that it had promised is touched. A hard
 * state that is gone or old cannot be repaired: nobody else knows for whom this member has voted.
 *
 * @throws StorageDamage
 */
function* abstain(
  log: LogDirectory,
  damage: StorageDamage,
  warn: (text: string) => void,
): Task<NumberedHardState> {
  const { disk, directory, identity, crc32 } = log;
  const names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  const hard = yield* readHardState(log, names, warn);
  if (hard === null) throw damage;
  const { numbered, staleCopies } = hard;
  const { logEnd } = yield* readWitness(log, names, warn);
  checkHardStateSequence(log, numbered, logEnd);
  const files = yield* mendHardState(log, staleCopies, numbered);
  const state = { ...numbered.state, mustCatchUp: true };
  const next = { sequence: numbered.sequence + 1, state };
  yield* writeHardState(files, next, identity, crc32);
  for (const file of files) yield* closeFile(file);
  return next;
}

/** Takes the damaged files and those behind them out of the way. Returns where they are kept. */
function* cutLog(
  log: LogDirectory,
  cut: Cut,
  hardState: NumberedHardState,
): Task<readonly string[]> {
  const { disk, directory } = log;
  const names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  const prefix = cut.kind === "at" ? yield* readPrefix(log, cut, names) : null;
  const files: string[] = [];
  for (const name of [...names].sort()) {
    if (!isBehind(name, cut) || (prefix?.isWhole === true && name === prefix.name)) continue;
    const kept = asideName(name, names);
    yield* perform((done) => disk.rename(pathIn(directory, name), pathIn(directory, kept), done));
    files.push(pathIn(directory, kept));
  }
  if (files.length > 0) yield* perform((done) => disk.syncDirectory(directory, done));
  if (prefix !== null && !prefix.isWhole) {
    yield* replaceFile(disk, directory, prefix.name, prefix.bytes);
  }
  yield* forgetEnd(log, hardState);
  yield* createFirst(log);
  return files;
}

interface Prefix {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The file ends where the log is cut: it stays as it is. */
  readonly isWhole: boolean;
}

/** What comes before the cut in its segment; null: not even the segment's header. */
function* readPrefix(
  { disk, directory }: LogDirectory,
  { segment, offset }: Extract<Cut, { kind: "at" }>,
  names: readonly string[],
): Task<Prefix | null> {
  const name = segmentFileName(segment);
  if (!names.includes(name) || offset < sectorBytes) return null;
  const file = yield* openFile(disk, pathIn(directory, name), "existing");
  const { bytes } = yield* readReadable(file);
  yield* closeFile(file);
  return { name, bytes: bytes.subarray(0, offset), isWhole: offset === bytes.length };
}

function isBehind(name: string, cut: Cut): boolean {
  const segment = parseSegmentFileName(name);
  if (cut.kind === "at") return segment !== null && segment >= cut.segment;
  return segment !== null || name === logStartFileName || cut.snapshots.includes(name);
}

function asideName(name: string, names: readonly string[]): string {
  for (let attempt = 1; ; attempt++) {
    const aside = `${name}.${attempt}.damaged`;
    if (!names.includes(aside)) return aside;
  }
}

/**
 * The witness vouches for what has been taken away. What takes its place says nothing of the log,
 * and looks damaged: so the end of what is left is judged with the greatest care, and both blocks
 * are written anew when it is known. What it knew of the commit index goes, too: it may have been
 * of other entries than those that are left at these places.
 */
function* forgetEnd(
  { disk, directory, identity, crc32 }: LogDirectory,
  { sequence }: NumberedHardState,
): Task<void> {
  const logEnd = { ...firstLogEnd, hardStateSequence: sequence, commit: logIndex(0) };
  const bytes = encodeLogEndFile(logEnd, identity, crc32);
  bytes.fill(0xff, bytes.length - sectorBytes);
  yield* replaceFile(disk, directory, logEndFileName, bytes);
}

/** Where no segment is left, an empty log behind the same base. */
function* createFirst(log: LogDirectory): Task<void> {
  const { disk, directory } = log;
  const names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  const start = yield* readLogStart(log, names);
  const first = start?.segment ?? 1;
  if (names.some((name) => (parseSegmentFileName(name) ?? 0) >= first)) return;
  yield* closeFile(yield* createSegment(log, start ?? firstSegmentHeader));
}

function* listAside({ disk, directory }: LogDirectory): Task<readonly string[]> {
  const names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  return names.filter(isSetAside).map((name) => pathIn(directory, name));
}
