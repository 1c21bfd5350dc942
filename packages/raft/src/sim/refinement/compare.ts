/**
 * After every step: is the specification's member what the real core is? What did not change is not
 * looked at again, except now and then in full.
 */
import type { Leadership, Raft } from "../../core/index.ts";
import type { SpecMember } from "../spec/index.ts";
import { compareConfigurations } from "./configurations.ts";
import { demand, type Explanation, specMemberOf } from "./explanation.ts";
import { isSame } from "./image.ts";
import { compareTransfer } from "./leadership.ts";
import { followHardState, followLog, followState, type Mirror } from "./mirror.ts";
import { type Words, wordOf } from "./words.ts";

/** Steps of one member between two comparisons of its whole log. */
const auditSteps = 512;

/** Takes the new state over and compares it with the specification's. */
export function settle(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  const { words } = explanation;
  const member = specMemberOf(explanation, mirror.at);
  const low = followLog(mirror, raft);
  if (low < mirror.changedFrom) mirror.changedFrom = low;
  if (raft.hardState !== mirror.hardState) followHardState(words, mirror, raft);
  compareScalars(mirror, raft, member);
  demand(raft.log.base.index === mirror.begins, () => `it dropped ${raft.log.base.index} entries`);
  compareLeader(mirror, raft);
  compareLog(words, raft, member, low);
  if (raft.campaign !== null) compareVotes(words, raft, member);
  if (raft.leadership !== null) compareLeadership(explanation, mirror, raft.leadership, member);
  compareDurable(mirror, raft, member);
  compareTransfer(explanation, mirror, raft);
  compareConfigurations(explanation, mirror, raft, false);
  followState(mirror, raft);
  mirror.stepsSinceAudit++;
  if (mirror.stepsSinceAudit >= auditSteps) audit(explanation, mirror, raft);
}

function compareScalars(mirror: Mirror, raft: Raft, member: SpecMember): void {
  const { term, mustCatchUp } = raft.hardState;
  demand(member.role === raft.role, () => `it is ${raft.role}, not ${member.role}`);
  demand(member.currentTerm === term, () => `its term is ${term}, not ${member.currentTerm}`);
  demand(
    member.votedFor === mirror.votedFor,
    () => `it voted for ${raft.hardState.votedFor}, not for member ${member.votedFor}`,
  );
  demand(member.abstains === mustCatchUp, () =>
    mustCatchUp ? "it abstains for no reason" : "it does not abstain any more",
  );
  demand(
    member.commitIndex === raft.commit,
    () => `it committed ${raft.commit}, not ${member.commitIndex}`,
  );
  demand(
    member.lastApplied === raft.applying,
    () => `it applies up to ${raft.applying}, not ${member.lastApplied}`,
  );
  demand(
    raft.applied === mirror.applied,
    () => `it has applied ${raft.applied}, not ${mirror.applied}`,
  );
}

/** Leaders are known by their appends. Not to know one is no harm. */
function compareLeader(mirror: Mirror, raft: Raft): void {
  const { leader, role, hardState } = raft;
  if (role !== "leader" && leader === null) return;
  const heard = mirror.leaderTerm === hardState.term ? mirror.leader : null;
  const expected = role === "leader" ? raft.id : heard;
  demand(leader === expected, () => `it takes ${leader} for the leader, not ${expected}`);
}

function compareLog(words: Words, raft: Raft, member: SpecMember, low: number): void {
  const { entries, base } = raft.log;
  const { log } = member;
  const length = base.index + entries.length;
  demand(length === log.length, () => `its log has ${length} entries, not ${log.length}`);
  const before = log[base.index - 1]?.term ?? 0;
  demand(before === base.term, () => `its log follows an entry of ${base.term}, not ${before}`);
  // From the last unchanged one on; the very last in any case.
  for (let at = Math.max(base.index, Math.min(low - 2, log.length - 1)); at < log.length; at++) {
    const entry = entries[at - base.index];
    demand(
      entry !== undefined && entry.index === at + 1 && isSame(wordOf(words, entry), log[at]),
      () => `its log has another entry ${at + 1}: of term ${entry?.term}, not ${log[at]?.term}`,
    );
  }
}

/** The own pre-vote is no message and counts from the start. */
function compareVotes(words: Words, raft: Raft, member: SpecMember): void {
  const { campaign } = raft;
  if (campaign === null) return;
  const granted = campaign.pre ? member.preVotesGranted : member.votesGranted;
  for (const [at, id] of words.ids.entries()) {
    if (campaign.pre && id === raft.id) continue;
    demand(campaign.grants.has(id) === granted.has(at), () =>
      granted.has(at) ? `${id}'s vote is not counted` : `${id}'s vote is counted`,
    );
  }
}

function compareLeadership(
  { words }: Explanation,
  mirror: Mirror,
  leadership: Leadership,
  member: SpecMember,
): void {
  for (const [at, id] of words.ids.entries()) {
    if (at === mirror.at) continue;
    // Who is no peer counts for nothing, whatever is known of its disk.
    const matched = leadership.peers.get(id)?.matched;
    if (matched === undefined) continue;
    const believed = member.matchIndex.get(at) ?? 0;
    demand(matched === believed, () => `it believes ${id} to have ${matched}, not ${believed}`);
  }
  demand(
    leadership.round === mirror.round,
    () => `its round is ${leadership.round}, not ${mirror.round}`,
  );
  demand(
    leadership.newReads.length === mirror.newReads.length,
    () => `${leadership.newReads.length} new reads, not ${mirror.newReads.length}`,
  );
  demand(
    leadership.pendingReads.length === mirror.pendingReads.length,
    () => `${leadership.pendingReads.length} reads wait, not ${mirror.pendingReads.length}`,
  );
}

/** What the core takes for durable is on its disk. */
function compareDurable(mirror: Mirror, raft: Raft, member: SpecMember): void {
  const { durableIndex, durableUnit } = raft;
  demand(
    durableUnit <= mirror.durableUnit,
    () => `it takes unit ${durableUnit} for durable; ${mirror.durableUnit} is`,
  );
  if (durableIndex <= mirror.durableIndex) return;
  const entry = member.log[durableIndex - 1];
  demand(
    entry !== undefined && isSame(entry, mirror.durable.log[durableIndex - 1]),
    () => `it takes its log up to ${durableIndex} for durable; its disk has another`,
  );
}

/** The whole log. */
export function audit(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  mirror.stepsSinceAudit = 0;
  compareLog(explanation.words, raft, specMemberOf(explanation, mirror.at), 0);
  compareConfigurations(explanation, mirror, raft, true);
}
