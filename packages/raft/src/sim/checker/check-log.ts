/**
 * Logs in memory: S2 leader append-only, S3 log matching, S6 what is committed stays, S14 order.
 */
import type { Raft } from "../../core/index.ts";
import { check } from "../violation.ts";
import { observeBase } from "./check-snapshots.ts";
import type { Ledger } from "./ledger.ts";
import { recall } from "./log-tree.ts";
import type { MemberRecord } from "./member-record.ts";

/** Brings the mirror of the member's log up to date; looks at what changed only. */
export function observeLog(ledger: Ledger, member: MemberRecord, raft: Raft): void {
  const { seen } = member;
  const { entries, base } = raft.log;
  const { log } = seen;
  if (base.index !== seen.base) observeBase(ledger, member, raft);
  const { term } = raft.hardState;
  const behind = base.index;
  const length = behind + entries.length;
  let keep = Math.min(log.length, length);
  while (keep > behind && seen.entries[keep - 1] !== entries[keep - 1 - behind]) keep--;
  if (keep === log.length && keep === length) return;
  const leads = raft.role === "leader";
  const led = seen.role === "leader" && seen.hardState.term === term;
  if (keep < log.length) {
    const cut = (): string => `${member.id} cut its log of ${log.length} to ${keep}`;
    check(ledger.evaluations, "S2", !led, () => `${cut()} while leading term ${term}`);
    check(ledger.evaluations, "S6", keep >= seen.commit, () => `${cut()}; commit ${seen.commit}`);
    log.length = keep;
    seen.entries.length = keep;
  } else if (led) {
    check(ledger.evaluations, "S2", leads, () => `${member.id} appended as leader that was`);
  }
  const leader = leads ? ledger.leaders.get(term) : undefined;
  let parent = log.at(-1) ?? null;
  for (let i = keep - behind; i < entries.length; i++) {
    const entry = entries[i];
    if (entry === undefined) break;
    const isOwn = leads && entry.term === term;
    if (leads) {
      check(ledger.evaluations, "S2", isOwn, () => `${member.id} leads and took over an entry`);
    }
    parent = recall(ledger.tree, ledger.evaluations, parent, entry, isOwn);
    log.push(parent);
    seen.entries.push(entry);
    if (leader?.at === member.at) leader.log.push(parent);
  }
}

/** The whole log against its mirror: that a change was not overlooked. */
export function auditLog(ledger: Ledger, member: MemberRecord, raft: Raft): void {
  const { log, entries } = member.seen;
  const { base, entries: own } = raft.log;
  const isLength = log.length === base.index + own.length;
  check(ledger.evaluations, "S3", isLength, () => "mirror's length");
  let parent = null;
  for (const [i, past] of log.entries()) {
    const isThere = i < base.index || own[i - base.index] === entries[i];
    const isEqual = isThere && past.parent === parent;
    check(ledger.evaluations, "S3", isEqual, () => `${member.id} changed entry ${i + 1} unseen`);
    parent = past;
  }
}
