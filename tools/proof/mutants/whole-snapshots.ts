/**
 * Snapshots and compaction in storage and node: only whole members have these files and their order
 * on a disk.
 */
import { lines, type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "members", patches };
}

const store = "storage/snapshot/snapshot-store.ts";
const wal = "storage/wal/write-ahead-log.ts";
const snapshots = "node/snapshots/member-snapshots.ts";

export const wholeSnapshotsMutants: readonly Mutant[] = [
  mutant(
    "snapshot-name-unsynced",
    "A snapshot counts before its name is durable.",
    patch(
      store,
      lines(
        "    yield* perform((done) => disk.rename(sealed.temporaryPath, path, done));",
        "    yield* perform((done) => disk.syncDirectory(directory, done));",
      ),
      "    yield* perform((done) => disk.rename(sealed.temporaryPath, path, done));",
    ),
  ),
  mutant(
    "install-leaves-the-log",
    "A snapshot that takes the place of the log leaves the old one on the disk.",
    patch(
      wal,
      "if (isReplaced) yield* this.#replaceLog(sealed.description.identity.position);",
      "if (isReplaced) this.#written.reset(sealed.description.identity.position);",
    ),
  ),
  mutant(
    "segments-removed-before-log-start",
    "Segments go before the disk knows that the log begins behind them.",
    patch(
      wal,
      lines(
        "    yield* writeLogStart(this.#log, start);",
        "    const dropped = this.#older.splice(0, count);",
        "    const names = dropped.map(({ header }) => segmentFileName(header.segment));",
        "    yield* removeSegments(this.#log, names);",
      ),
      lines(
        "    const dropped = this.#older.splice(0, count);",
        "    const names = dropped.map(({ header }) => segmentFileName(header.segment));",
        "    yield* removeSegments(this.#log, names);",
        "    yield* writeLogStart(this.#log, start);",
      ),
    ),
  ),
  mutant(
    "compaction-one-too-many",
    "A segment goes though its last entry is the one behind the snapshot.",
    patch(
      wal,
      "Number.POSITIVE_INFINITY) <= position.index) count++;",
      "Number.POSITIVE_INFINITY) <= position.index + 1) count++;",
    ),
  ),
  mutant(
    "start-without-the-state",
    "A start leaves the machines in their first state, whatever snapshot the log follows.",
    patch(
      "node/open-member.ts",
      "  if (description === null) {\n    begin(parts, found, start, done);",
      "  if (description !== undefined) {\n    begin(parts, found, start, done);",
    ),
  ),
  mutant(
    "installed-and-not-restored",
    "An installed snapshot replaces the log, and the machines keep their state.",
    patch(
      snapshots,
      "if (this.#host.isRunning()) this.#restore(received, startedMs);",
      "if (this.#host.isRunning()) this.#onRestored(received, startedMs);",
    ),
  ),
  mutant(
    "snapshot-content-unsynced",
    "A snapshot gets its name before its bytes are on the disk.",
    patch(
      "storage/snapshot/snapshot-writer.ts",
      "    yield* perform((done) => this.#file.sync(done));\n    yield* closeFile(this.#file);",
      "    yield* closeFile(this.#file);",
    ),
  ),
];
