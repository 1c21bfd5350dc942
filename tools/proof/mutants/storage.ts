/**
 * What disks hold: units, hard state, witness, segments, and what a start makes of them.
 *
 * Not planted, because no single fault shows it, or hardly ever:
 * - units that are not bound to their place, and entries that overwrite by index. A unit that is
 *   written to a wrong place is missing in its own, which the scan notices; it cannot lie where a
 *   later one belongs, for that is written over it; and where an earlier one belongs its number is
 *   too high. It becomes a bug once files of segments are used again.
 * - a start that writes one copy of the hard state while the other is in the page cache only: one
 *   seed in a thousand tears both. `crash.test.ts` shows it.
 */
import { lines, type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "members", patches };
}

const damageMutants: readonly Mutant[] = [
  mutant(
    "unit-checksum-ignored",
    "The checksum of a unit's body is not compared.",
    patch(
      "storage/wal/scan.ts",
      "if (crc32(bytes.subarray(offset + unitHeaderBytes, end)) !== header.bodyChecksum) {",
      "if (header.bodyChecksum < 0) {",
    ),
  ),
  mutant(
    "damaged-unit-cut",
    "A damaged unit that others follow is taken for torn and cut with all behind it.",
    patch("storage/wal/scan.ts", "if (isPromised) {", "if (isPromised && unit < 0) {"),
    patch("storage/wal/scan.ts", 'isTorn(bytes, offset, header) ? "torn" : "unknown"', '"torn"'),
  ),
  mutant(
    "last-unit-always-torn",
    "A last unit that is whole but rotten is cut without a word.",
    patch("storage/wal/scan.ts", 'isTorn(bytes, offset, header) ? "torn" : "unknown"', '"torn"'),
  ),
  mutant(
    "zeros-end-the-log",
    "A sector of zeros where a unit belongs is the end of the log.",
    patch(
      "storage/wal/scan.ts",
      "while (offset < bytes.length) {",
      "while (offset < bytes.length && !isZero(bytes, offset, sectorBytes)) {",
    ),
  ),
  mutant(
    "log-end-ignored",
    "The witness of the log's end is not asked.",
    patch(
      "storage/wal/read-log.ts",
      "const witness = before.includes(logEndFileName) ? logEnd : firstLogEnd;",
      "const witness = null;",
    ),
  ),
  mutant(
    "suspect-not-recorded",
    "A last unit that may have been acknowledged is lost, and the member votes on.",
    patch(
      "storage/wal/prepare.ts",
      'const isUnknown = read.last.tail.kind === "unknown" && !state.mustCatchUp;',
      "const isUnknown = false;",
    ),
  ),
  mutant(
    "suspect-recorded-too-late",
    "An unreadable tail is taken away before it is written down that the member must catch up.",
    patch(
      "storage/wal/prepare.ts",
      "const { hardStateFiles, hardState } = yield* prepareHardState(log, read);",
      lines(
        'if (read.last.tail.kind !== "clean") yield* repairTail(log, read);',
        "  const { hardStateFiles, hardState } = yield* prepareHardState(log, read);",
      ),
    ),
    patch(
      "storage/wal/prepare.ts",
      'let isRepairPending = read.last.tail.kind !== "clean";',
      "let isRepairPending = false;",
    ),
  ),
  mutant(
    "abstention-not-written",
    "That a member must catch up is not part of its hard state's file.",
    patch(
      "storage/wal/hard-state-files.ts",
      "writer.u8(state.mustCatchUp ? 1 : 0)",
      "writer.u8(0)",
    ),
  ),
  mutant(
    "full-disk-repair-forgotten",
    "A repair for which there was no room is never made up for.",
    patch(
      "storage/wal/prepare.ts",
      lines("      suspectFile = yield* repairTail(log, read);", "      isRepairPending = false;"),
      lines("      isRepairPending = false;", "      suspectFile = yield* repairTail(log, read);"),
    ),
  ),
];

const hardStateMutants: readonly Mutant[] = [
  mutant(
    "hard-state-one-copy",
    "Only the first file of the hard state is ever written again.",
    patch(
      "storage/wal/hard-state-files.ts",
      "yield* writeSynced(files[1], 0, encodeHardState(1, numbered, identity, crc32));",
      "",
    ),
  ),
  mutant(
    "hard-state-second-copy-unread",
    "When the first file of the hard state is damaged, the second is not used.",
    patch(
      "storage/wal/hard-state-files.ts",
      'if (second.kind === "sound") return second.numbered;',
      "",
    ),
  ),
  mutant(
    "hard-state-copies-at-once",
    "Both files of the hard state are written before either is synced.",
    patch(
      "storage/wal/hard-state-files.ts",
      "yield* writeSynced(files[0], 0, encodeHardState(0, numbered, identity, crc32));",
      lines(
        "const bytes = encodeHardState(0, numbered, identity, crc32);",
        "  yield (done) => files[0].write(0, [bytes], done);",
      ),
    ),
    patch(
      "storage/wal/hard-state-files.ts",
      "yield* writeSynced(files[1], 0, encodeHardState(1, numbered, identity, crc32));",
      lines(
        "yield* writeSynced(files[1], 0, encodeHardState(1, numbered, identity, crc32));",
        "  yield (done) => files[0].sync(done);",
      ),
    ),
  ),
  mutant(
    "hard-state-not-synced",
    "The hard state counts when it is written, not when it is synced.",
    patch(
      "storage/wal/hard-state-files.ts",
      "yield* writeSynced(files[0], 0, encodeHardState(0, numbered, identity, crc32));",
      lines(
        "const first = encodeHardState(0, numbered, identity, crc32);",
        "  yield (done) => files[0].write(0, [first], done);",
      ),
    ),
    patch(
      "storage/wal/hard-state-files.ts",
      "yield* writeSynced(files[1], 0, encodeHardState(1, numbered, identity, crc32));",
      lines(
        "const second = encodeHardState(1, numbered, identity, crc32);",
        "  yield (done) => files[1].write(0, [second], done);",
      ),
    ),
  ),
  mutant(
    "hard-state-not-awaited",
    "The records of a unit are written while its hard state is still on its way.",
    patch(
      "storage/wal/write-ahead-log.ts",
      lines(
        "      if (error !== null) this.#fail(error, batch);",
        "      else this.#writeRecords(batch);",
        "    });",
        "  }",
        "",
        "  /** As many waiting",
      ),
      lines(
        "      if (error !== null && this.#failure === null) this.#fail(error, []);",
        "    });",
        "    this.#writeRecords(batch);",
        "  }",
        "",
        "  /** As many waiting",
      ),
    ),
  ),
  mutant(
    "hard-state-oldest-of-batch",
    "Of several hard states that are written together the oldest is written.",
    patch(
      "storage/wal/write-ahead-log.ts",
      "for (let i = batch.length - 1; i >= 0; i--) {",
      "for (let i = 0; i < batch.length; i++) {",
    ),
  ),
  mutant(
    "hard-state-rollback-unnoticed",
    "Both files of the hard state may be older than the witness says.",
    patch(
      "storage/wal/read-log.ts",
      "if (witness === null || witness.hardStateSequence <= hardState.sequence) return;",
      "if (witness === null || witness.hardStateSequence > 0) return;",
    ),
  ),
  mutant(
    "identity-drawn-anew",
    "A directory gets another incarnation at every start.",
    patch(
      "storage/open-directory.ts",
      "    if (ofLog.length > 0) {\n      return",
      "    if (ofLog.length < 0) {\n      return",
    ),
  ),
];

const writingMutants: readonly Mutant[] = [
  mutant(
    "unit-done-before-sync",
    "A unit counts when it is written, not when it is synced.",
    patch(
      "storage/wal/write-ahead-log.ts",
      "if (writeError !== null) return this.#fail(writeError, batch);",
      "return writeError === null ? this.#succeed(batch) : this.#fail(writeError, batch);",
    ),
  ),
  mutant(
    "write-error-ignored",
    "A write that failed, on a full disk or a bad one, is synced and acknowledged.",
    patch(
      "storage/wal/write-ahead-log.ts",
      "if (writeError !== null) return this.#fail(writeError, batch);",
      "",
    ),
  ),
  mutant(
    "sync-error-ignored",
    "A unit is acknowledged though its sync failed.",
    patch(
      "storage/wal/write-ahead-log.ts",
      "if (syncError !== null) return this.#fail(syncError, batch);",
      "",
    ),
  ),
  mutant(
    "sync-retried",
    "A sync that failed is tried once more, and the second answer counts.",
    patch(
      "storage/wal/write-ahead-log.ts",
      "if (syncError !== null) return this.#fail(syncError, batch);",
      lines(
        "if (syncError !== null) {",
        "          segment.file.sync((again) => {",
        "            if (again === null) this.#succeed(batch);",
        "            else this.#fail(again, batch);",
        "          });",
        "          return;",
        "        }",
      ),
    ),
  ),
  mutant(
    "truncation-not-written",
    "The log on disk does not hear that entries were removed.",
    patch("storage/wal/write-ahead-log.ts", "this.#builder.truncate(request.truncateFrom);", ""),
  ),
  mutant(
    "segment-name-not-synced",
    "A new segment is written to before its name is on disk.",
    patch(
      "storage/files.ts",
      "yield* perform((done) => disk.syncDirectory(directory, done));",
      'if (!name.endsWith(".wal")) yield* perform((done) => disk.syncDirectory(directory, done));',
    ),
  ),
  mutant(
    "renamed-before-sync",
    "A file gets its name before its content is synced.",
    patch(
      "storage/files.ts",
      "yield* writeSynced(file, 0, bytes);",
      "yield* perform((done) => file.write(0, [bytes], done));",
    ),
  ),
];

const syncNoHardState = patch(
  "storage/wal/hard-state-files.ts",
  "  yield* perform((done) => file.sync(done));\n",
  "",
);

const recoveryMutants: readonly Mutant[] = [
  mutant(
    "page-cache-trusted",
    "A start promises on what it read, without having synced it.",
    patch("storage/wal/read-segments.ts", "yield* perform((done) => file.sync(done));", ""),
    patch("storage/wal/prepare.ts", "  yield* rewriteLastUnit(log, read);", ""),
  ),
  mutant(
    "failed-sync-trusted",
    "After a failed sync a start syncs what it reads again, and does not write it again.",
    patch("storage/wal/prepare.ts", "  yield* rewriteLastUnit(log, read);", ""),
  ),
  mutant(
    "hard-state-page-cache-trusted",
    "A start promises on a hard state that it read, without having synced or written it.",
    syncNoHardState,
    patch(
      "storage/wal/prepare.ts",
      "if ((read.witness?.hardStateSequence ?? 0) < hardState.sequence) {",
      "if (isUnknown) {",
    ),
  ),
  mutant(
    "directory-page-cache-trusted",
    "A start relies on names of files that it found, without having synced them.",
    patch(
      "storage/wal/prepare.ts",
      "yield* perform((done) => disk.syncDirectory(directory, done));",
      "",
    ),
  ),
  mutant(
    "torn-tail-not-cut",
    "An unfinished last unit stays in the file, and later units are written over it.",
    patch(
      "storage/wal/prepare.ts",
      'let isRepairPending = read.last.tail.kind !== "clean";',
      "let isRepairPending = false;",
    ),
  ),
];

export const storageMutants: readonly Mutant[] = [
  ...damageMutants,
  ...hardStateMutants,
  ...writingMutants,
  ...recoveryMutants,
];
