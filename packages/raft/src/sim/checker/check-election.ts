/**
 * Roles, terms and votes: S1 one leader a term, S10 terms never fall, S11 a vote is durable and
 * given once, S12 whom it is given to, S16 legal moves; L4 a live leader is not disturbed.
 */
import type { Input, Message, Raft, RequestVote, Role } from "../../core/index.ts";
import { check } from "../violation.ts";
import { checkNewLeader } from "./check-commit.ts";
import { inForce } from "./check-configuration.ts";
import { checkNoPromise, isOrdered, onPreVoteLeft } from "./check-leadership.ts";
import { countBits, isElecting } from "./electorate.ts";
import { type Ledger, memberTerm } from "./ledger.ts";
import type { MemberRecord } from "./member-record.ts";

/** What one step may do to a role: several moves of the paper's figure can be one step. */
const movesTo: Readonly<Record<Role, readonly Role[]>> = {
  follower: ["follower", "pre-candidate", "candidate"],
  "pre-candidate": ["pre-candidate", "candidate", "follower"],
  candidate: ["candidate", "pre-candidate", "leader", "follower"],
  leader: ["leader", "follower"],
};

export function observeRole(ledger: Ledger, member: MemberRecord, raft: Raft): void {
  const { evaluations } = ledger;
  const { seen } = member;
  const { term } = raft.hardState;
  const termBefore = seen.hardState.term;
  if (term !== termBefore) {
    check(evaluations, "S10", term > termBefore, () => `${member.id}: ${termBefore} to ${term}`);
  }
  if (raft.role !== seen.role) {
    const isLegal = movesTo[seen.role].includes(raft.role);
    check(evaluations, "S16", isLegal, () => `${member.id}: ${seen.role} to ${raft.role}`);
  }
  if (raft.role !== "leader") return;
  if (seen.role === "leader") {
    check(
      evaluations,
      "S1",
      term === termBefore,
      () => `${member.id} led ${termBefore} into ${term}`,
    );
    return;
  }
  onLeader(ledger, member, term);
}

function onLeader(ledger: Ledger, member: MemberRecord, term: number): void {
  const { evaluations } = ledger;
  const other = ledger.leaders.get(term);
  check(evaluations, "S1", other === undefined, () => `term ${term}: ${other?.at}, ${member.at}`);
  let votes = 0;
  for (const voter of ledger.members) {
    const by = voter.at === member.at ? ledger.votesDurable : ledger.votesLeft;
    if (by.get(memberTerm(voter.at, term)) === member.at) votes |= 1 << voter.at;
  }
  const electorate = inForce(member);
  const isElected = isElecting(electorate, votes);
  const leads = (): string => `${member.id} leads ${term} by ${countBits(votes)} durable votes`;
  check(evaluations, "S12", isElected, leads);
  if ((votes & ~(electorate.voters | electorate.outgoing)) !== 0) {
    check(evaluations, "C8", isElected, () => `${leads()}, not all of voters`);
  }
  const leader = { at: member.at, log: [...member.seen.log] };
  ledger.leaders.set(term, leader);
  ledger.newestLeaderTerm = Math.max(ledger.newestLeaderTerm, term);
  member.seen.matched.length = 0;
  checkNewLeader(ledger, leader, term);
}

/** After `input`; `answers` are the messages it made. The mirror still shows the state before. */
export function observeVote(
  ledger: Ledger,
  member: MemberRecord,
  raft: Raft,
  input: Input,
  answer: Message | undefined,
): void {
  if (input.kind !== "receive") return;
  const { message } = input;
  const { seen } = member;
  if (message.kind === "append-entries") {
    if (message.term !== raft.hardState.term) return;
    seen.contactRound =
      seen.contactTerm === message.term
        ? Math.max(seen.contactRound, message.round)
        : message.round;
    seen.contactTerm = message.term;
    seen.contactTick = raft.nowTick;
    seen.isLeaderGone = false;
    return;
  }
  if (message.kind !== "request-vote" || answer?.kind !== "request-vote-response") return;
  if (message.pre) {
    const isSame = raft.hardState === seen.hardState && raft.role === seen.role;
    check(ledger.evaluations, "S12", isSame, () => `a pre-vote changed ${member.id}`);
  }
  if (answer.refused === null) checkGrant(ledger, member, raft, message);
}

function checkGrant(ledger: Ledger, member: MemberRecord, raft: Raft, request: RequestVote): void {
  const { evaluations } = ledger;
  const { seen } = member;
  const last = seen.log.at(-1)?.entry;
  const lastTerm = last?.term ?? 0;
  const isComplete =
    request.last.term > lastTerm ||
    (request.last.term === lastTerm && request.last.index >= (last?.index ?? 0));
  check(evaluations, "S12", isComplete, () => `${member.id} has more than ${request.from}`);
  check(
    evaluations,
    "S12",
    !seen.hardState.mustCatchUp,
    () => `${member.id} votes and must catch up`,
  );
  checkNoPromise(ledger, member, () => `${member.id} votes for ${request.from}`);
  if (!raft.settings.checkQuorum || request.term <= seen.hardState.term) return;
  const hears =
    seen.contactTerm === seen.hardState.term &&
    !seen.isLeaderGone &&
    !isOrdered(ledger, member, request) &&
    raft.nowTick - seen.contactTick < raft.settings.electionTicks;
  check(
    evaluations,
    "L4",
    !hears && (seen.role !== "leader" || isOrdered(ledger, member, request)),
    () => `${member.id} hears its leader and gave ${request.from} a vote for ${request.term}`,
  );
}

/** A vote or a term got durable. */
export function onHardStateDurable(ledger: Ledger, member: MemberRecord, termBefore: number): void {
  const { evaluations } = ledger;
  const { term, votedFor } = member.image;
  check(
    evaluations,
    "S10",
    term >= termBefore,
    () => `${member.id}'s disk: ${termBefore} to ${term}`,
  );
  if (votedFor === null) return;
  const key = memberTerm(member.at, term);
  const candidate = ledger.members.findIndex((other) => other.id === votedFor);
  const before = ledger.votesDurable.get(key);
  const isOnce = before === undefined || before === candidate;
  check(evaluations, "S11", isOnce, () => `${member.id} stored two votes in term ${term}`);
  ledger.votesDurable.set(key, candidate);
}

/** `message` leaves the member now. */
export function checkLeaving(
  ledger: Ledger,
  member: MemberRecord,
  to: number,
  message: Message,
): void {
  const { evaluations } = ledger;
  const durable = member.image.term;
  const isAsking = message.kind === "request-vote" && message.pre;
  check(
    evaluations,
    "S10",
    message.term <= durable + (isAsking ? 1 : 0),
    () => `${member.id} sends ${message.kind} of term ${message.term}; on its disk is ${durable}`,
  );
  if (message.kind !== "request-vote-response" || message.refused !== null) return;
  if (message.pre) {
    onPreVoteLeft(ledger, member.at, to, message.campaignTerm);
    return;
  }
  const key = memberTerm(member.at, message.campaignTerm);
  check(
    evaluations,
    "S11",
    // Or the disk is beyond the term already: a turn that voted and moved on stores the newer term
    // alone.
    ledger.votesDurable.get(key) === to || durable > message.campaignTerm,
    () => `${member.id}'s vote for ${message.to} in ${message.campaignTerm} is not on its disk`,
  );
  const before = ledger.votesLeft.get(key);
  const isOnce = before === undefined || before === to;
  check(evaluations, "S11", isOnce, () => `${member.id} voted twice in ${message.campaignTerm}`);
  ledger.votesLeft.set(key, to);
}
