/** Explains what is handed to the disk, what gets durable, and what a start finds there. */
import type { InstallSnapshot, Persist, Raft } from "../../core/index.ts";
import type { Recovery } from "../observer.ts";
import { announce, demand, type Explanation, specMemberOf } from "./explanation.ts";
import { applyAny, applyHardState, describeDifference } from "./image.ts";
import type { Mirror } from "./mirror.ts";
import { wordsOf } from "./words.ts";

/** At a take, with the unit or without: all that changed since the last unit is handed out. */
export function explainPersist(
  explanation: Explanation,
  mirror: Mirror,
  unit: Persist | InstallSnapshot | null,
): void {
  let low = mirror.changedFrom;
  if (unit !== null) {
    if (unit.kind === "persist") {
      demand(unit.commit <= mirror.commit, () => `it stores that ${unit.commit} is committed`);
    }
    mirror.writtenUnit = unit.unit;
    low = Math.min(low, applyAny(explanation.words, mirror.handed, unit, mirror.installs));
    announce(explanation, "write");
    explanation.spec.write(mirror.at);
    mirror.underWay.push(unit);
  }
  mirror.changedFrom = Number.POSITIVE_INFINITY;
  const difference = describeDifference(mirror.handed, specMemberOf(explanation, mirror.at), low);
  demand(difference === null, () => `what was handed to its disk has ${difference}`);
}

export function explainDurable(
  explanation: Explanation,
  mirror: Mirror,
  unit: Persist | InstallSnapshot,
): void {
  const oldest = mirror.underWay.shift();
  demand(
    oldest !== undefined && oldest.unit === unit.unit,
    () => `unit ${unit.unit} is durable; the oldest under way is ${oldest?.unit ?? "none"}`,
  );
  announce(explanation, "sync");
  explanation.spec.sync(mirror.at);
  mirror.durableUnit = unit.unit;
  const low = applyAny(explanation.words, mirror.durable, unit, mirror.installs);
  compareDisk(explanation, mirror, low);
}

function compareDisk(explanation: Explanation, mirror: Mirror, from: number): void {
  const { disk } = specMemberOf(explanation, mirror.at);
  const difference = describeDifference(mirror.durable, disk, from);
  demand(difference === null, () => `its disk has ${difference}`);
}

/**
 * The end of a process and the next start. The units that were kept are on disk before anything of
 * it is lost.
 */
export function explainRestart(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  recovery: Recovery,
): void {
  const { spec, words } = explanation;
  const { underWay, durable, at } = mirror;
  const { keptUnits, keptEntries, keptHardStates = keptUnits, restored = [] } = recovery;
  demand(
    keptUnits <= keptHardStates && keptHardStates <= underWay.length,
    () => `${keptUnits}, ${keptHardStates} units kept of ${underWay.length} under way`,
  );
  for (const unit of underWay.slice(0, keptUnits)) {
    applyAny(words, durable, unit, mirror.installs);
  }
  for (const unit of underWay.slice(keptUnits, keptHardStates)) {
    if (unit.kind === "persist" && unit.hardState !== null) {
      applyHardState(words, durable, unit.hardState);
    }
  }
  announce(explanation, "restart");
  spec.restart(at, keptUnits, raft.commit, keptHardStates);
  if (keptEntries !== null) {
    announce(explanation, "loseEntries");
    const again = wordsOf(words, restored);
    spec.loseEntries(at, Math.min(keptEntries, durable.log.length), again);
    durable.log.length = Math.min(keptEntries, durable.log.length);
    for (const word of again) durable.log.push(word);
    durable.abstains = true;
  }
  compareDisk(explanation, mirror, 0);
}
