/**
 * Term and vote: one sealed block in two files, `hard-state.0` and `hard-state.1`. Copy 0 is
 * written and synced first, then copy 1, then it counts: so a copy that cannot be read was never
 * the only one that was promised.
 */
import { type Crc32, isNodeId, noTerm, term } from "../../base/index.ts";
import type { HardState } from "../../core/index.ts";
import type { Disk, DiskFile } from "../../ports/index.ts";
import { openFile, pathIn, readAll, replaceFile, tryReadAll, writeSynced } from "../files.ts";
import type { DirectoryIdentity } from "../identity.ts";
import { type BlockFormat, openBlock, readId, sealBlock, writeId } from "../sealed-block.ts";
import { StorageDamage, UnknownFormatError } from "../storage-errors.ts";
import { perform, type Task } from "../task.ts";

const format: BlockFormat = { magic: "quor-hst", version: 1 };
/** With what was promised; written only where something was. */
const promisedFormat: BlockFormat = { magic: "quor-hst", version: 2 };

export const hardStateFileNames = ["hard-state.0", "hard-state.1"] as const;

/** A hard state and its place in the order of all that were ever written here: 1, 2, 3 … */
export interface NumberedHardState {
  readonly sequence: number;
  readonly state: HardState;
}

export const firstHardState: NumberedHardState = {
  sequence: 1,
  state: { term: noTerm, votedFor: null, mustCatchUp: false },
};

export function encodeHardState(
  copy: number,
  numbered: NumberedHardState,
  identity: DirectoryIdentity,
  crc32: Crc32,
): Uint8Array {
  const { sequence, state } = numbered;
  const { promisedMs = 0 } = state;
  return sealBlock(promisedMs === 0 ? format : promisedFormat, crc32, (writer) => {
    writeId(writer, identity.incarnation);
    writer.u8(copy).u64(sequence).u64(state.term);
    writer.u8(state.mustCatchUp ? 1 : 0).string(state.votedFor ?? "");
    if (promisedMs > 0) writer.u32(promisedMs);
  });
}

/** What one copy says, or why it says nothing. */
export type HardStateCopy =
  | { readonly kind: "sound"; readonly numbered: NumberedHardState }
  | { readonly kind: "damaged"; readonly reason: string }
  | { readonly kind: "missing" };

/** @throws UnknownFormatError */
export function decodeHardState(
  bytes: Uint8Array,
  copy: number,
  file: string,
  identity: DirectoryIdentity,
  crc32: Crc32,
): HardStateCopy {
  const first = openBlock(bytes, format, crc32);
  const isPromised = first.kind === "unknown-version" && first.version === promisedFormat.version;
  const block = isPromised ? openBlock(bytes, promisedFormat, crc32) : first;
  if (block.kind === "unknown-version") {
    throw new UnknownFormatError(file, 0, `a hard state of version ${block.version}`);
  }
  if (block.kind === "blank") return { kind: "damaged", reason: "it is all zeros" };
  if (block.kind === "damaged") return block;
  const reader = block.content;
  const incarnation = readId(reader);
  if (incarnation !== identity.incarnation) {
    return { kind: "damaged", reason: `it is of incarnation ${incarnation}` };
  }
  const found = reader.u8();
  if (found !== copy) return { kind: "damaged", reason: `it is copy ${found}` };
  const sequence = reader.u64();
  const stateTerm = term(reader.u64());
  const mustCatchUp = reader.u8() !== 0;
  const name = reader.string();
  if (name !== "" && !isNodeId(name)) {
    return { kind: "damaged", reason: `a vote for ${JSON.stringify(name)}` };
  }
  const votedFor = name === "" ? null : name;
  const state = { term: stateTerm, votedFor, mustCatchUp };
  if (!isPromised) return { kind: "sound", numbered: { sequence, state } };
  const promisedMs = reader.u32();
  return { kind: "sound", numbered: { sequence, state: { ...state, promisedMs } } };
}

/**
 * Chooses between two copies: the newer one. Null when there is none at all.
 *
 * @throws StorageDamage when something is there and none can be read
 */
export function chooseHardState(
  copies: readonly [HardStateCopy, HardStateCopy],
  directory: string,
): NumberedHardState | null {
  const [first, second] = copies;
  if (first.kind === "sound" && second.kind === "sound") {
    return second.numbered.sequence > first.numbered.sequence ? second.numbered : first.numbered;
  }
  if (first.kind === "sound") return first.numbered;
  if (second.kind === "sound") return second.numbered;
  if (first.kind === "missing" && second.kind === "missing") return null;
  const damaged = first.kind === "damaged" ? 0 : 1;
  const reasons = copies.map((copy) => (copy.kind === "damaged" ? copy.reason : copy.kind));
  throw new StorageDamage(
    `neither copy of the hard state can be read (${reasons.join("; ")}); ` +
      "nobody else knows for whom this member has voted: replace it by one with a new name",
    { file: pathIn(directory, hardStateFileNames[damaged]), offset: 0 },
  );
}

/** Both files, open for overwriting in place: no new space is needed and no directory changes. */
export type HardStateFiles = readonly [DiskFile, DiskFile];

/**
 * Syncs and reads one copy. A process that died may have left it in the page cache only: the power
 * may tear it there while the other copy is written, and then neither is sound.
 */
export function* readHardStateCopy(
  disk: Disk,
  directory: string,
  copy: 0 | 1,
  present: boolean,
  identity: DirectoryIdentity,
  crc32: Crc32,
  salvages = false,
): Task<HardStateCopy> {
  if (!present) return { kind: "missing" };
  const path = pathIn(directory, hardStateFileNames[copy]);
  const file = yield* openFile(disk, path, "existing");
  yield* perform((done) => file.sync(done));
  const bytes = salvages ? yield* tryReadAll(file) : yield* readAll(file);
  yield* closeQuietly(file);
  if (bytes === null) return { kind: "damaged", reason: "the disk refuses to read it" };
  return decodeHardState(bytes, copy, path, identity, crc32);
}

function* closeQuietly(file: DiskFile): Task<void> {
  yield (done) => file.close(done);
}

/** Makes a copy that is missing, durable with its name. */
export function* createHardStateCopy(
  disk: Disk,
  directory: string,
  copy: 0 | 1,
  numbered: NumberedHardState,
  identity: DirectoryIdentity,
  crc32: Crc32,
): Task<void> {
  const bytes = encodeHardState(copy, numbered, identity, crc32);
  yield* replaceFile(disk, directory, hardStateFileNames[copy], bytes);
}

/** Copy 0, synced, then copy 1, synced; in this order, see above. */
export function* writeHardState(
  files: HardStateFiles,
  numbered: NumberedHardState,
  identity: DirectoryIdentity,
  crc32: Crc32,
): Task<void> {
  yield* writeSynced(files[0], 0, encodeHardState(0, numbered, identity, crc32));
  yield* writeSynced(files[1], 0, encodeHardState(1, numbered, identity, crc32));
}
