/** Snapshots, as far as they are the core's (F9, G5, H9 to H12, H14, H15, and parts of C8, D13). */
import { bug, lines, patch, type TrapBug } from "./trap-bug.ts";

export const snapshotBugs: readonly TrapBug[] = [
  bug(
    "C8",
    "What a leader says of entries at the base is not looked at.",
    patch("core/replication.ts", "last === undefined || last.term === base.term,", "true,"),
  ),
  bug(
    "C8",
    "A member starts without knowing that its snapshot is committed.",
    patch(
      "core/state.ts",
      "const commit = Math.max(options.commit, applied) as LogIndex;",
      "const commit = Math.min(options.commit, applied) as LogIndex;",
    ),
  ),
  bug(
    "D13",
    "A snapshot counts as applied when its installation begins.",
    patch(
      "core/snapshot-install.ts",
      "raft.applying = position.index;",
      "raft.applying = position.index;\n  raft.applied = position.index;",
    ),
  ),
  bug(
    "F9",
    "The configuration of a snapshot is taken for one of its own index.",
    patch(
      "core/compaction.ts",
      "configurationIndex: index };",
      "configurationIndex: position.index };",
    ),
  ),
  bug(
    "F9",
    "A snapshot's members are taken over without a look at one's own.",
    patch(
      "core/snapshot-install.ts",
      'return configurationIndex <= through && configurationIndex !== own ? "conflict" : null;',
      "return own < 0 ? null : null;",
    ),
  ),
  bug(
    "F9",
    "A configuration of the log that was replaced stays in force.",
    patch(
      "core/snapshot-install.ts",
      lines(
        "  raft.configuration = snapshot.configuration;",
        "  raft.configurationIndex = snapshot.configurationIndex;",
        "",
      ),
      "",
    ),
    patch("core/check.ts", "  checkConfiguration(raft, last);\n", ""),
  ),
  bug(
    "G5",
    "A peer that is away is waited for without end.",
    patch(
      "core/snapshot-offer.ts",
      "if (offer === null || raft.nowTick - offer.tick < raft.settings.snapshotTicks) return;",
      "if (offer === null || raft.nowTick >= 0) return;",
    ),
  ),
  bug(
    "G5",
    "The log is kept for every peer that lacks some of it.",
    patch(
      "core/compaction.ts",
      "  for (const { offer } of raft.leadership?.peers.values() ?? []) {",
      lines(
        "  for (const { offer, matched } of raft.leadership?.peers.values() ?? []) {",
        "    least = Math.min(least, matched);",
      ),
    ),
  ),
  bug(
    "H9",
    "The whole log goes, whatever it has.",
    patch(
      "core/snapshot-install.ts",
      "const replacesLog = termAt(raft.log, position.index) !== position.term;",
      "const replacesLog = position.index > 0;",
    ),
  ),
  bug(
    "H10",
    "Entries stay if there is one at the snapshot's index, of whatever term.",
    patch(
      "core/snapshot-install.ts",
      "const replacesLog = termAt(raft.log, position.index) !== position.term;",
      "const replacesLog = termAt(raft.log, position.index) === undefined;",
    ),
  ),
  bug(
    "H10",
    "What is on its way to the disk vouches for what is in the snapshot.",
    patch(
      "core/snapshot-install.ts",
      "unit.lastIndex = Math.min(unit.lastIndex, same) as LogIndex;",
      "unit.lastIndex = Math.max(unit.lastIndex, same) as LogIndex;",
    ),
  ),
  bug(
    "H11",
    "What is not newer is covered, whatever it is.",
    patch("core/snapshot-install.ts", 'if (isFixed && !hasPosition) return "conflict";\n', ""),
  ),
  bug(
    "H12",
    "A peer that lacks the base is asked for ever.",
    patch(
      "core/replication.ts",
      'if (progress.mode !== "replicate" && progress.matched < raft.log.base.index) {',
      'if (progress.mode === "snapshot" && progress.matched < raft.log.base.index) {',
    ),
  ),
  bug(
    "H14",
    "What was asked for before goes to the disk behind the installation.",
    patch(
      "core/snapshot-install.ts",
      "queuePersist(raft); // what was asked for before, the term above all, is on disk before\n",
      "",
    ),
  ),
  bug(
    "H14",
    "Entries are applied to a machine that has not got its state yet.",
    patch(
      "core/take.ts",
      "if (raft.applying >= raft.commit || raft.applied < raft.applying) return;",
      "if (raft.applying >= raft.commit) return;",
    ),
  ),
  bug(
    "H15",
    "The log is dropped up to the newest snapshot, whichever was offered.",
    patch("core/compaction.ts", "if (offer !== null) least = ", "if (offer?.tick === -1) least = "),
    patch("core/check.ts", "offered >= base.index", "true"),
  ),
  bug(
    "H15",
    "A peer that is getting a snapshot is told of again with each heartbeat.",
    patch(
      "core/replication.ts",
      "if (progress.offer !== null && !progress.offer.isSent) return;",
      "if (progress.offer?.tick === -1) return;",
    ),
  ),
  bug(
    "H15",
    "Only a report ends the waiting.",
    patch(
      "core/replication.ts",
      'const least = progress.mode === "snapshot" ? known : progress.next - 1;',
      'const least = progress.mode === "snapshot" ? last + 1 : progress.next - 1;',
    ),
  ),
];
