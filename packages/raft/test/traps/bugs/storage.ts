/** Storage (H). */
import { bug, lines, patch, type TrapBug } from "./trap-bug.ts";

export const storageBugs: readonly TrapBug[] = [
  bug(
    "H1",
    "A failed sync is tried once more.",
    patch(
      "storage/wal/write-ahead-log.ts",
      "if (syncError !== null) return this.#fail(syncError, batch);",
      lines(
        "if (syncError !== null) {",
        "          return segment.file.sync((again) => {",
        "            if (again !== null) this.#fail(again, batch);",
        "            else this.#succeed(batch);",
        "          });",
        "        }",
      ),
    ),
  ),
  bug(
    "H1",
    "After a failed sync the next start trusts what it reads.",
    patch("storage/wal/prepare.ts", "  yield* rewriteLastUnit(log, read);\n", ""),
  ),
  bug(
    "H2",
    "A request does not wait for the write before.",
    patch(
      "storage/wal/write-ahead-log.ts",
      "this.#waiting.push(waiting);\n    if (!this.#isBusy) this.#next();",
      "this.#waiting.push(waiting);\n    this.#next();",
    ),
    patch(
      "storage/wal/write-ahead-log.ts",
      'assert(!this.#isBusy, "one write is under way at a time");',
      "",
    ),
  ),
  bug(
    "H3",
    "What follows a broken unit is no evidence.",
    patch("storage/wal/scan.ts", "    later !== null ||\n", ""),
    patch("storage/wal/scan.ts", "(end !== null && bytes.length > end)", "false"),
  ),
  bug(
    "H4",
    "An unfinished end is stepped over and stays.",
    patch(
      "storage/wal/prepare.ts",
      'let isRepairPending = read.last.tail.kind !== "clean";',
      "let isRepairPending = false;",
    ),
  ),
  bug(
    "H5",
    "The name of a new file is not synced.",
    patch(
      "storage/files.ts",
      "  yield* perform((done) => disk.rename(temporary, pathIn(directory, name), done));\n" +
        "  yield* perform((done) => disk.syncDirectory(directory, done));\n",
      "  yield* perform((done) => disk.rename(temporary, pathIn(directory, name), done));\n",
    ),
  ),
  bug(
    "H6",
    "A unit is answered when it is written.",
    patch(
      "storage/wal/write-ahead-log.ts",
      "segment.file.sync((syncError) => {",
      "const answered = (done: (error: Error | null) => void) => done(null);\n" +
        "      answered((syncError) => {",
    ),
  ),
  bug(
    "H7",
    "A removal is not written where it reaches into an earlier file.",
    patch(
      "storage/wal/write-ahead-log.ts",
      "      this.#builder.truncate(request.truncateFrom);\n",
      "      if (this.#segment.number === 1) this.#builder.truncate(request.truncateFrom);\n",
    ),
  ),
  bug(
    "H17",
    "The log answers when it has written, not when it has synced.",
    patch(
      "storage/wal/write-ahead-log.ts",
      "segment.file.sync((syncError) => {",
      "const answered = (done: (error: Error | null) => void) => done(null);\n" +
        "      answered((syncError) => {",
    ),
  ),
  bug(
    "H18",
    "Another incarnation is welcome.",
    patch(
      "transport/handshake.ts",
      "if (before === null || before === peer.incarnation) return null;",
      'if (before !== "nobody") return null;',
    ),
  ),
  bug(
    "H18",
    "Nobody asks how far a member had come.",
    patch(
      "node/membership/peer-memory.ts",
      "known === undefined ? null : describeLess(known, standing)",
      "null",
    ),
  ),
  bug(
    "H18",
    "What a member has acknowledged is not noted down.",
    patch(
      "node/membership/peer-memory.ts",
      "if (ackedRound > 0) this.#note(id, hardState.term, matched, commit);",
      "",
    ),
  ),
  bug(
    "H19",
    "Nobody looks whether the files follow one another.",
    patch(
      "storage/wal/read-segments.ts",
      "  checkOrder(file, number, header, before, lastUnit);\n",
      "",
    ),
    patch("storage/wal/read-segments.ts", "    checkBase(segment.last, replay);\n", ""),
    patch("storage/wal/replay.ts", "entry.index !== last.index + 1", "entry.index < 0"),
  ),
  bug(
    "H20",
    "A member without a leader answers reads by what it has.",
    patch(
      "node/reads.ts",
      "    if (!this.#canAsk()) {\n",
      lines(
        "    if (this.#host.raft.applied === this.#host.raft.commit) {",
        "      this.#toApply.add(request);",
        "      request.index = this.#host.raft.applied;",
        "      this.onApplied(this.#host.raft.applied);",
        "      return;",
        "    }",
        "    if (!this.#canAsk()) {",
        "",
      ),
    ),
  ),
];
