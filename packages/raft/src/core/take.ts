/**
 * The way out: what was decided since the last take, as one ordered list of effects. Appends to a
 * peer, entries to persist, acknowledgements and reads of a whole turn become one of each here.
 */
import { assert, type LogIndex, type PersistUnit } from "../base/index.ts";
import { sendAcknowledgement } from "./acknowledgement.ts";
import type { Effect, RoleChanged } from "./effects.ts";
import { entriesBetween, entriesWithin, lastIndex } from "./log.ts";
import { askReads, registerReads } from "./reads.ts";
import { sendAppends } from "./replication.ts";
import { emptyOutbox, type Raft } from "./state.ts";
import { sendTimeoutNow } from "./transfer.ts";

/**
 * Everything that is to be done now. Entries to apply come at most `applyBytesMax` at a time, the
 * next ones after `applied`; nothing else is held back.
 */
export function takeEffects(raft: Raft): Effect[] {
  if (raft.leadership !== null) {
    registerReads(raft, raft.leadership);
    sendAppends(raft, raft.leadership);
    sendTimeoutNow(raft, raft.leadership);
    raft.leadership.commitTaken = raft.commit;
  } else {
    sendAcknowledgement(raft);
    askReads(raft);
  }
  const effects: Effect[] = [];
  takeRole(raft, effects);
  // First what others wait for: their disks take as long as ours.
  for (const send of raft.outbox.sends) effects.push(send);
  queuePersist(raft);
  const { answers, units } = raft.outbox;
  for (const unit of units) effects.push(unit);
  raft.outbox = emptyOutbox();
  takeApply(raft, effects);
  for (const answer of answers) effects.push(answer);
  return effects;
}

function takeRole(raft: Raft, effects: Effect[]): void {
  const { told } = raft;
  const { term } = raft.hardState;
  if (told.role !== raft.role || told.term !== term || told.leader !== raft.leader) {
    const now: RoleChanged = { kind: "role-changed", role: raft.role, term, leader: raft.leader };
    raft.told = now;
    effects.push(now);
  }
  if (raft.outbox.configurationChanged) {
    effects.push({
      kind: "configuration-changed",
      configuration: raft.configuration,
      index: raft.configurationIndex,
      committed: raft.committedConfiguration,
      committedIndex: raft.committedConfigurationIndex,
    });
  }
}

/** Makes a unit of all that is to be stored and in none yet, if there is anything. */
export function queuePersist(raft: Raft): void {
  const last = lastIndex(raft.log);
  const { hardStateChanged, truncateFrom } = raft.outbox;
  if (!hardStateChanged && truncateFrom === null && raft.unstableFrom > last) return;
  const unit = raft.nextUnit;
  raft.outbox.units.push({
    kind: "persist",
    unit,
    hardState: hardStateChanged ? raft.hardState : null,
    truncateFrom,
    entries: raft.unstableFrom > last ? [] : entriesBetween(raft.log, raft.unstableFrom, last),
    commit: raft.commit,
  });
  raft.outbox.hardStateChanged = false;
  raft.outbox.truncateFrom = null;
  raft.outstanding.push({ unit, lastIndex: last, snapshot: null });
  raft.unstableFrom = (last + 1) as LogIndex; // index plus one
  raft.nextUnit = (unit + 1) as PersistUnit; // unit plus one
}

function takeApply(raft: Raft, effects: Effect[]): void {
  if (raft.applying >= raft.commit || raft.applied < raft.applying) return;
  const from = (raft.applying + 1) as LogIndex; // index plus one
  const entries = entriesWithin(raft.log, from, raft.commit, raft.settings.applyBytesMax);
  assert(entries.length > 0, "what is committed is in the log");
  raft.applying = (raft.applying + entries.length) as LogIndex; // index plus a count
  effects.push({ kind: "apply", entries });
}
