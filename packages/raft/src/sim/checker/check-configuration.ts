/**
 * The members: C1 no two majorities apart, C2 one change at a time, C3 the log alone says who they
 * are, C4 removed for good, C5 and C7 who stands and leads, C6 which configuration follows which.
 *
 * @thesis chapter 4
 */
import { type Configuration, encodeConfiguration, type Raft } from "../../core/index.ts";
import { check } from "../violation.ts";
import { canDisagree, type Electorate, nobody, votesIn } from "./electorate.ts";
import type { Ledger } from "./ledger.ts";
import type { Past } from "./log-tree.ts";
import type { MemberRecord } from "./member-record.ts";

/** In force after the newest entry of the member's log. */
export function inForce(member: MemberRecord): Electorate {
  return member.seen.log.at(-1)?.electorate ?? nobody;
}

/** After log, role and commit index were looked at; the mirror still shows the rest as it was. */
export function observeConfiguration(ledger: Ledger, member: MemberRecord, raft: Raft): void {
  const { seen } = member;
  const now = inForce(member);
  const isQuiet =
    now === seen.electorate &&
    raft.configuration === seen.configuration &&
    raft.configurationIndex === seen.configurationIndex &&
    raft.committedConfigurationIndex === seen.committedConfigurationIndex &&
    raft.commit === seen.commit &&
    raft.role === seen.role;
  if (isQuiet) return;
  checkSource(ledger, member, raft, now);
  checkStanding(ledger, member, raft, now);
  if (now !== seen.electorate) checkAppended(ledger, member, raft, now);
  seen.electorate = now;
  seen.configuration = raft.configuration;
  seen.configurationIndex = raft.configurationIndex;
  seen.committedConfigurationIndex = raft.committedConfigurationIndex;
}

/** C3: what is in force and what is committed are the log's, and nothing else. */
function checkSource(ledger: Ledger, member: MemberRecord, raft: Raft, now: Electorate): void {
  const { evaluations } = ledger;
  const { seen, id } = member;
  const isPlaced = raft.configurationIndex === now.index;
  check(
    evaluations,
    "C3",
    isPlaced,
    () => `${id} obeys the configuration at ${raft.configurationIndex}; its log's is ${now.index}`,
  );
  if (raft.configuration !== seen.configuration) {
    const isLogs = isSame(raft.configuration, now.configuration);
    check(evaluations, "C3", isLogs, () => `${id} obeys another configuration than its log's`);
  }
  const committed = committedOf(member, raft, now);
  const isCommitted =
    raft.committedConfigurationIndex === committed.index &&
    (raft.committedConfigurationIndex === seen.committedConfigurationIndex ||
      isSame(raft.committedConfiguration, committed.configuration));
  const said = (): string => `${id} takes ${raft.committedConfigurationIndex} for committed`;
  check(evaluations, "C3", isCommitted, () => `${said()}; its log's is ${committed.index}`);
}

/**
 * The newest that the member can know to be committed: the first entry is from the start, and so is
 * what another configuration follows (C2).
 */
function committedOf({ seen }: MemberRecord, { commit }: Raft, now: Electorate): Electorate {
  const known = seen.log[Math.max(commit, 1) - 1]?.electorate ?? nobody;
  return now.parent !== null && now.parent.index > known.index ? now.parent : known;
}

function isSame(a: Configuration, b: Configuration): boolean {
  if (a === b) return true;
  if (a.voters.length === 0 || b.voters.length === 0) return a.voters.length === b.voters.length;
  const bytes = encodeConfiguration(b);
  const others = encodeConfiguration(a);
  return others.length === bytes.length && others.every((byte, at) => byte === bytes[at]);
}

/** C5, C7. */
function checkStanding(ledger: Ledger, member: MemberRecord, raft: Raft, now: Electorate): void {
  const { evaluations, canon } = ledger;
  const { seen, at, id } = member;
  if (raft.role === "follower") return;
  if (raft.role !== seen.role) {
    check(evaluations, "C5", seen.log[0] === canon[0], () => `${id} stands without a cluster`);
    const committed = committedOf(member, raft, now);
    const isVoter = votesIn(now, at) || votesIn(committed, at) || raft.role === "leader";
    check(evaluations, "C7", isVoter, () => `${id} stands and is no voter`);
  }
  if (raft.role !== "leader" || now.index > raft.commit || now.outgoing !== 0) return;
  const leads = (): string => `${id} leads, and is no voter of the committed configuration`;
  check(evaluations, "C7", votesIn(now, at), leads);
}

/** Another configuration is in force than before: undone, taken over, or the leader's own. */
function checkAppended(ledger: Ledger, member: MemberRecord, raft: Raft, now: Electorate): void {
  if (now.index < member.seen.electorate.index) ledger.counts.configurationsUndone++;
  const past = member.seen.log[now.index - 1];
  if (past === undefined || raft.role !== "leader" || ledger.judged.has(past)) return;
  ledger.judged.add(past);
  if (past.entry.term !== raft.hardState.term || now.parent === null) return;
  checkBegun(ledger, member, raft, past);
  checkSuccession(ledger, member, now, now.parent);
}

/** C2: what was in force is committed, and so is an entry of the leader's own term. */
function checkBegun(ledger: Ledger, member: MemberRecord, raft: Raft, past: Past): void {
  const { evaluations } = ledger;
  const { id, seen } = member;
  const before = past.electorate.parent?.index ?? 0;
  const begins = (): string => `${id} appends a configuration at ${past.entry.index}`;
  check(evaluations, "C2", before <= raft.commit, () => `${begins()} while ${before} is open`);
  const term = seen.log[raft.commit - 1]?.entry.term ?? 0;
  const isOwn = term === raft.hardState.term;
  check(evaluations, "C2", isOwn, () => `${begins()} before an entry of its term is committed`);
}

/** C1, C4, C6: `now` follows `before`. */
function checkSuccession(
  ledger: Ledger,
  { id }: MemberRecord,
  now: Electorate,
  before: Electorate,
): void {
  const { evaluations, tree } = ledger;
  const place = `${id}'s configuration at ${now.index}`;
  for (const other of tree.electorates) {
    if (other === now || (other !== before && other.parent !== before)) continue;
    const isApart = canDisagree(now, other);
    check(evaluations, "C1", !isApart, () => `${place} and that at ${other.index} can disagree`);
  }
  const back = (now.voters | now.learners) & before.removed;
  check(evaluations, "C4", back === 0, () => `${place} has members that were removed`);
  const isKept = (now.removed & before.removed) === before.removed;
  check(evaluations, "C4", isKept, () => `${place} forgets who was removed`);
  if (before.outgoing !== 0) {
    const isLeft =
      now.outgoing === 0 &&
      now.voters === before.voters &&
      now.learners === before.learners &&
      now.removed === before.removed;
    check(evaluations, "C6", isLeft, () => `${place} is not the new half of the joint one before`);
    return;
  }
  const isJoint = now.outgoing === before.voters;
  const isPlain = now.outgoing === 0 && now.voters === before.voters;
  check(evaluations, "C6", isJoint || isPlain, () => `${place} changes voters and is not joint`);
}
