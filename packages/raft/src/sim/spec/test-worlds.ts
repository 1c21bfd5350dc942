/** Short cuts for the tests of the specification: whole elections and exchanges in a line. */
import { createSpecification } from "./create-specification.ts";
import type {
  Server,
  SpecAppendEntries,
  SpecAppendEntriesResponse,
  Specification,
  SpecMember,
  SpecRequestVote,
  SpecRequestVoteResponse,
} from "./specification.ts";

/** All have entry 1 of term 1, committed. */
export function cluster(servers: number): Specification {
  return createSpecification({
    servers,
    log: [{ term: 1, value: 0 }],
    currentTerm: 1,
    commitIndex: 1,
  });
}

export function memberAt(spec: Specification, server: Server): SpecMember {
  const member = spec.members[server];
  if (member === undefined) throw new RangeError(`There is no server ${server}.`);
  return member;
}

/** All that was written or is not yet is on disk now. */
export function persist(spec: Specification, server: Server): void {
  spec.write(server);
  while (memberAt(spec, server).writes.length > 0) spec.sync(server);
}

/** What a candidate asks of `to`. */
export function request(spec: Specification, from: Server, to: Server): SpecRequestVote {
  const { currentTerm: term, log } = memberAt(spec, from);
  const lastTerm = log.at(-1)?.term ?? 0;
  return { kind: "request-vote", from, to, term, pre: false, lastIndex: log.length, lastTerm };
}

/** The granted answer to it. */
export function vote(asked: SpecRequestVote): SpecRequestVoteResponse {
  const { from, to, term, pre } = asked;
  const kind = "request-vote-response";
  return { kind, from: to, to: from, term, pre, campaignTerm: term, granted: true };
}

/** `server` stands and wins with the votes of `voters` and its own. */
export function elect(spec: Specification, server: Server, voters: readonly Server[]): void {
  spec.timeout(server);
  persist(spec, server);
  spec.countOwnVote(server);
  for (const voter of voters) {
    const asked = request(spec, server, voter);
    spec.send(asked);
    if (memberAt(spec, voter).currentTerm < asked.term) spec.updateTerm(voter, asked);
    spec.grantVote(voter, asked);
    persist(spec, voter);
    spec.send(vote(asked));
    spec.countVote(server, vote(asked));
  }
  spec.becomeLeader(server);
}

/** The leader's entries after `prevIndex`, with what it knows to be committed. */
export function append(
  spec: Specification,
  from: Server,
  to: Server,
  prevIndex: number,
  round = 0,
): SpecAppendEntries {
  const { currentTerm: term, log, commitIndex } = memberAt(spec, from);
  return {
    kind: "append-entries",
    from,
    to,
    term,
    prevIndex,
    prevTerm: log[prevIndex - 1]?.term ?? 0,
    entries: log.slice(prevIndex),
    leaderCommit: commitIndex,
    round,
  };
}

/** The answer that takes over all of `sent` and has it on disk. */
export function acknowledge(sent: SpecAppendEntries): SpecAppendEntriesResponse {
  const verified = sent.prevIndex + sent.entries.length;
  return {
    kind: "append-entries-response",
    from: sent.to,
    to: sent.from,
    term: sent.term,
    round: sent.round,
    outcome: { kind: "accepted", matched: verified, verified },
  };
}

/** Sends it, and the follower takes it over. */
export function deliver(spec: Specification, sent: SpecAppendEntries): void {
  spec.send(sent);
  if (memberAt(spec, sent.to).currentTerm < sent.term) spec.updateTerm(sent.to, sent);
  spec.acceptEntries(sent.to, sent);
}

/** The whole exchange: the leader knows that `to` has all its entries on disk. */
export function replicate(spec: Specification, from: Server, to: Server, round = 0): void {
  const sent = append(spec, from, to, 1, round);
  deliver(spec, sent);
  persist(spec, to);
  spec.send(acknowledge(sent));
  spec.countAcknowledgement(from, acknowledge(sent));
}
