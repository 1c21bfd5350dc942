/**
 * Compaction, offers and installs, in the core.
 */
import { lines, type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "cores", patches };
}

const install = "core/snapshot-install.ts";
const compaction = "core/compaction.ts";

export const snapshotsMutants: readonly Mutant[] = [
  mutant(
    "install-keeps-conflicting-log",
    "Entries stay if there is one at the snapshot's index, of whatever term.",
    patch(
      install,
      "const replacesLog = termAt(raft.log, position.index) !== position.term;",
      "const replacesLog = termAt(raft.log, position.index) === undefined;",
    ),
  ),
  mutant(
    "install-drops-matching-log",
    "Entries behind a snapshot go though they match, and were acknowledged.",
    patch(
      install,
      "const replacesLog = termAt(raft.log, position.index) !== position.term;",
      "const replacesLog = position.index > 0;",
    ),
  ),
  mutant(
    "install-durable-at-once",
    "What was on disk of a log that is replaced vouches for what took its place.",
    patch(install, "raft.durableIndex = Math.min(raft.durableIndex, same) as LogIndex;", ""),
  ),
  mutant(
    "install-units-vouch",
    "Units under way vouch for what took the place of their entries.",
    patch(
      install,
      "unit.lastIndex = Math.min(unit.lastIndex, same) as LogIndex;",
      "unit.lastIndex = Math.max(unit.lastIndex, same) as LogIndex;",
    ),
  ),
  mutant(
    "install-term-not-adopted",
    "A snapshot is taken without the term in which it is known to be committed.",
    patch(
      install,
      "if (received.term > raft.hardState.term) adoptTerm(raft, received.term, null);",
      "if (position.term > raft.hardState.term) adoptTerm(raft, position.term, null);",
    ),
  ),
  mutant(
    "install-before-term",
    "A snapshot goes to the disk before what was asked for before it.",
    patch(
      install,
      "queuePersist(raft); // what was asked for before, the term above all, is on disk before\n",
      "",
    ),
  ),
  mutant(
    "install-applied-at-once",
    "A snapshot counts as applied before the machines have its state.",
    patch(
      install,
      "raft.applying = position.index;",
      "raft.applying = position.index;\n  raft.applied = position.index;",
    ),
  ),
  mutant(
    "install-old-members",
    "The members of a replaced log stay in force.",
    patch(
      install,
      lines(
        "  raft.configuration = snapshot.configuration;",
        "  raft.configurationIndex = snapshot.configurationIndex;",
        "",
      ),
      "",
    ),
    patch("core/check.ts", "  checkConfiguration(raft, last);\n", ""),
  ),
  mutant(
    "snapshot-members-misplaced",
    "The configuration of a snapshot is taken for one of the snapshot's index.",
    patch(compaction, "configurationIndex: index };", "configurationIndex: position.index };"),
  ),
  mutant(
    "compact-beyond-snapshot",
    "Entries that no durable snapshot holds are dropped.",
    patch(
      compaction,
      "Math.min(index, raft.applied, snapshot, raft.durableIndex, keptBehind(raft))",
      "Math.min(index, raft.applied, raft.durableIndex, keptBehind(raft))",
    ),
    patch("core/check.ts", "base.index <= newest", "true"),
  ),
  mutant(
    "compact-behind-offer",
    "The log behind an offered snapshot is dropped while it is on its way.",
    patch(compaction, "if (offer !== null) least = ", "if (offer?.tick === -1) least = "),
    patch("core/check.ts", "offered >= base.index", "true"),
  ),
  mutant(
    "offer-only-once",
    "A peer that lost what it was sent is never offered another snapshot.",
    patch(
      "core/replication.ts",
      "if (progress.offer !== null && !progress.offer.isSent) return;",
      "if (progress.offer !== null) return;",
    ),
    patch(
      "core/snapshot-offer.ts",
      "if (offer === null || raft.nowTick - offer.tick < raft.settings.snapshotTicks) return;",
      "if (offer === null || raft.nowTick >= 0) return;",
    ),
  ),
  mutant(
    "offer-needs-report",
    "A peer that has its snapshot waits until somebody says so.",
    patch(
      "core/replication.ts",
      'const least = progress.mode === "snapshot" ? known : progress.next - 1;',
      'const least = progress.mode === "snapshot" ? last + 1 : progress.next - 1;',
    ),
    patch(
      "core/snapshot-offer.ts",
      "if (offer === null || raft.nowTick - offer.tick < raft.settings.snapshotTicks) return;",
      "if (offer === null || raft.nowTick >= 0) return;",
    ),
  ),
  mutant(
    "ask-anew-below-matched",
    "A peer that does not get its snapshot is asked for what it is known to have.",
    patch(
      "core/snapshot-offer.ts",
      "Math.max(raft.log.base.index, progress.matched)",
      "Math.max(raft.log.base.index, 0)",
    ),
  ),
  mutant(
    "snapshot-over-by-older-answer",
    "An answer that was overtaken ends the wait for a snapshot.",
    patch(
      "core/replication.ts",
      "Math.max(base.index, progress.matched);\n    const least",
      "Math.max(base.index, 0);\n    const least",
    ),
  ),
  mutant(
    "members-of-older-snapshot",
    "The configuration of a place is looked for in the durable snapshot, behind a newer base.",
    patch(
      compaction,
      "if (snapshot === null || snapshot.position.index > index) continue;",
      "if (snapshot === null || snapshot.position.index >= 0) continue;",
    ),
  ),
  mutant(
    "install-older",
    "A snapshot older than what is committed is installed.",
    patch(
      install,
      'if (raft.role === "leader" || position.index <= raft.commit) return "covered";',
      'if (raft.role === "leader") return "covered";',
    ),
  ),
  mutant(
    "acknowledged-before-switch",
    "What a snapshot on its way to the disk stands for counts as durable.",
    patch(
      install,
      '  const unit = raft.nextUnit;\n  raft.outbox.units.push({ kind: "install-snapshot"',
      "  raft.durableIndex = Math.max(raft.durableIndex, position.index) as LogIndex;\n" +
        '  const unit = raft.nextUnit;\n  raft.outbox.units.push({ kind: "install-snapshot"',
    ),
  ),
  mutant(
    "base-not-a-position",
    "Beyond its base a follower takes over what follows another term's entry.",
    patch(
      "core/log.ts",
      "if (index === log.base.index) return log.base.term;",
      "if (index < log.base.index) return log.base.term;",
    ),
  ),
];
