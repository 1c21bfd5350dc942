/**
 * What is committed and applied: S4 leader completeness, S5 state machine safety, S6 write-once, S7
 * and S8 durable quorums, S9 own term, S13 monotone.
 */
import type { Entry, Raft } from "../../core/index.ts";
import { check } from "../violation.ts";
import { inForce } from "./check-configuration.ts";
import { countBits, type Electorate, isElecting, nobody } from "./electorate.ts";
import type { Leader, Ledger } from "./ledger.ts";
import type { Past } from "./log-tree.ts";
import type { MemberRecord } from "./member-record.ts";

export function observeCommit(ledger: Ledger, member: MemberRecord, raft: Raft): void {
  const { evaluations } = ledger;
  const { seen } = member;
  if (raft.applying !== seen.applying || raft.applied !== seen.applied) {
    const isForward = raft.applying >= seen.applying && raft.applied >= seen.applied;
    check(evaluations, "S13", isForward, () => `${member.id} applies backwards`);
  }
  if (raft.commit === seen.commit) return;
  const { commit } = raft;
  check(
    evaluations,
    "S13",
    commit > seen.commit,
    () => `${member.id}: ${seen.commit} to ${commit}`,
  );
  check(evaluations, "S13", commit <= seen.log.length, () => `${member.id}: ${commit} is beyond`);
  const past = seen.log[commit - 1];
  if (raft.role === "leader") {
    const { term } = raft.hardState;
    check(
      evaluations,
      "S9",
      past?.entry.term === term,
      () => `${member.id} leads term ${term} and committed ${commit} of term ${past?.entry.term}`,
    );
  }
  agreeWithCanon(ledger, member, commit, raft.hardState.term);
}

function agreeWithCanon(ledger: Ledger, member: MemberRecord, commit: number, term: number): void {
  const { canon, evaluations } = ledger;
  const { log } = member.seen;
  // Equal at one index is equal before it, so the newest that both know is enough.
  const both = Math.min(commit, canon.length);
  check(
    evaluations,
    "S6",
    log[both - 1] === canon[both - 1],
    () => `${member.id} committed another entry at ${both} than was committed before`,
  );
  if (commit <= canon.length) return;
  for (let k = canon.length; k < commit; k++) {
    const past = log[k];
    if (past === undefined) break;
    canon.push(past);
    ledger.commitTerms.push(term);
    if (past.entry.kind === "configuration") countChange(ledger, past.electorate);
  }
  // A leader counted by what was in force before this step, which may have left a joint one.
  const led = member.seen.role === "leader";
  checkDurableQuorum(ledger, "S8", commit, led ? member.seen.electorate : inForce(member));
  for (let later = term + 1; later <= ledger.newestLeaderTerm; later++) {
    const leader = ledger.leaders.get(later);
    if (leader !== undefined) checkComplete(ledger, leader, later, commit);
  }
}

function countChange({ counts }: Ledger, { index, outgoing, parent }: Electorate): void {
  if (index === 1 || outgoing !== 0) return;
  counts.changes++;
  if (parent !== null && parent.outgoing !== 0) counts.voterChanges++;
}

/** A majority has `canon[index]` on disk, or had and does not vote until it has it again. */
function checkDurableQuorum(
  ledger: Ledger,
  invariant: "S7" | "S8",
  index: number,
  electorate: Electorate,
): void {
  const past = ledger.canon[index - 1];
  let holders = 0;
  for (const member of ledger.members) {
    if (past !== undefined && holdsDurably(member, past)) holders |= 1 << member.at;
  }
  const isHeld = isElecting(electorate, holders);
  const { voters, outgoing, learners, removed } = electorate;
  const count = (): string => {
    const old = outgoing === 0 ? "" : ` and ${countBits(outgoing & holders)} of the old ones`;
    return `committed ${index} is on ${countBits(voters & holders)} disks of the voters${old}`;
  };
  check(ledger.evaluations, invariant, isHeld, count);
  if (((learners | removed) & holders) === 0) return;
  check(ledger.evaluations, "C8", isHeld, () => `${count()}, with others that do not count`);
}

export function holdsDurably(member: MemberRecord, past: Past): boolean {
  const { index } = past.entry;
  if (member.image.log[index - 1] === past) return true;
  return member.lost.some((log) => log[index - 1] === past);
}

/** A new leader has everything that was committed in earlier terms. */
export function checkNewLeader(ledger: Ledger, leader: Leader, term: number): void {
  let index = ledger.canon.length;
  while (index > 0 && (ledger.commitTerms[index - 1] ?? 0) >= term) index--;
  checkComplete(ledger, leader, term, index);
}

function checkComplete(ledger: Ledger, leader: Leader, term: number, index: number): void {
  check(
    ledger.evaluations,
    "S4",
    leader.log[index - 1] === ledger.canon[index - 1],
    () => `the leader of term ${term} has not what was committed at ${index}`,
  );
}

/** `entries` are handed to the machines. */
export function checkApply(ledger: Ledger, member: MemberRecord, entries: readonly Entry[]): void {
  let before = (entries[0]?.index ?? 0) - 1;
  const isNext = before === member.seen.applying && member.restoring === 0;
  check(ledger.evaluations, "S5", isNext, () => `${member.id} applies ${before + 1} out of turn`);
  for (const entry of entries) {
    const isOwn = entry.index === before + 1 && member.seen.entries[before] === entry;
    const isCanon = isOwn && ledger.canon[before] === member.seen.log[before];
    check(ledger.evaluations, "S5", isCanon, () => `${member.id} applies another ${entry.index}`);
    before = entry.index;
  }
}

/** `removed` left the member's disk, because a leader said so. */
export function checkRemoval(ledger: Ledger, removed: readonly Past[]): void {
  for (const past of removed) {
    const { index } = past.entry;
    if (ledger.canon[index - 1] !== past) break;
    checkDurableQuorum(ledger, "S7", index, ledger.canon.at(-1)?.electorate ?? nobody);
  }
}

/** A member that votes again after a loss has whatever it may have helped to commit. */
export function checkCaughtUp(ledger: Ledger, member: MemberRecord): void {
  for (const log of member.lost) {
    let index = Math.min(log.length, ledger.canon.length);
    while (index > 0 && log[index - 1] !== ledger.canon[index - 1]) index--;
    check(
      ledger.evaluations,
      "S7",
      member.image.log[index - 1] === ledger.canon[index - 1],
      () => `${member.id} votes again without committed ${index}, which it had acknowledged`,
    );
  }
}
