/** Explains what moves terms, votes and roles. */
import type { Raft, RequestVote, RequestVoteResponse } from "../../core/index.ts";
import type { SpecMessage } from "../spec/index.ts";
import { isQuorumAt } from "./configurations.ts";
import { announce, demand, type Explanation, specMemberOf } from "./explanation.ts";
import { explainHandover } from "./leadership.ts";
import { lastOf, type Mirror } from "./mirror.ts";
import { messageOf, wordOf } from "./words.ts";

/** A message that raised the term. */
export function explainTerm(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  message: SpecMessage,
): void {
  if (raft.hardState.term === mirror.hardState.term) return;
  announce(explanation, "updateTerm");
  explanation.spec.updateTerm(mirror.at, message);
}

/** Time passed: a leader resigns or opens a round, others may stand for election. */
export function explainTick(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  if (mirror.role === "leader") {
    if (raft.role !== "leader") explainStepDown(explanation, mirror);
    else explainHandover(explanation, mirror, raft, 1);
    return;
  }
  if (mirror.hardState.mustCatchUp) explainAbstinence(explanation, mirror, raft);
  explainCandidacy(explanation, mirror, raft, raft.settings.preVote);
}

/** Nothing, or it stands for election, in earnest only if enough would vote for it. */
export function explainCandidacy(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  asksFirst: boolean,
): void {
  const { campaign } = raft;
  if (campaign === null || campaign === mirror.campaign) return;
  if (campaign.pre || asksFirst) {
    announce(explanation, "startPreVote");
    explanation.spec.startPreVote(mirror.at);
  }
  if (!campaign.pre) explainCampaign(explanation, mirror, asksFirst);
}

function explainAbstinence(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  if (!raft.hardState.mustCatchUp) {
    announce(explanation, "stopAbstaining");
    explanation.spec.stopAbstaining(mirror.at);
  } else if (raft.hardState.term !== mirror.hardState.term) {
    announce(explanation, "raiseTerm");
    explanation.spec.raiseTerm(mirror.at);
  }
}

/** With PreVote a majority must have encouraged it, or terms rise without need. @thesis §9.6 */
function explainCampaign(explanation: Explanation, mirror: Mirror, hasAsked: boolean): void {
  if (hasAsked) {
    const granted = new Set(specMemberOf(explanation, mirror.at).preVotesGranted).add(mirror.at);
    const isQuorum = isQuorumAt(explanation, mirror.at, granted);
    demand(isQuorum, () => `it campaigns with ${granted.size} pre-votes`);
  }
  announce(explanation, "timeout");
  explanation.spec.timeout(mirror.at);
}

export function explainStepDown(explanation: Explanation, mirror: Mirror): void {
  announce(explanation, "stepDown");
  explanation.spec.stepDown(mirror.at);
}

export function openRound(explanation: Explanation, mirror: Mirror): void {
  announce(explanation, "startRound");
  explanation.spec.startRound(mirror.at);
  mirror.round++;
}

export function explainRequestVote(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  request: RequestVote,
): void {
  const word = messageOf(explanation.words, request);
  if (!request.pre) explainTerm(explanation, mirror, raft, word);
  if (!hasGranted(raft, request)) return;
  announce(explanation, "grantVote");
  explanation.spec.grantVote(mirror.at, word);
}

/** The answer to the request just stepped is the last message made. */
function hasGranted(raft: Raft, request: RequestVote): boolean {
  const answer = raft.outbox.sends.at(-1)?.message;
  return (
    answer?.kind === "request-vote-response" &&
    answer.refused === null &&
    answer.to === request.from &&
    answer.pre === request.pre &&
    answer.campaignTerm === request.term
  );
}

export function explainRequestVoteResponse(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  response: RequestVoteResponse,
): void {
  const word = messageOf(explanation.words, response);
  const isPreGrant = response.pre && response.refused === null;
  if (response.term > mirror.hardState.term && !isPreGrant) {
    explainTerm(explanation, mirror, raft, word);
    return;
  }
  const before = mirror.campaign;
  if (before === null || before.pre !== response.pre) return;
  if (before.term !== response.campaignTerm) return;
  const isCounted = before.grants.has(response.from);
  if (response.refused === null && isCounted) {
    const granted = specMemberOf(explanation, mirror.at)[
      before.pre ? "preVotesGranted" : "votesGranted"
    ];
    if (!granted.has(word.from)) {
      announce(explanation, "countVote");
      explanation.spec.countVote(mirror.at, word);
    }
  }
  explainVerdict(explanation, mirror, raft);
}

/** What became of the campaign that was under way. */
function explainVerdict(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  if (raft.role === mirror.role) return;
  if (raft.role === "candidate") explainCampaign(explanation, mirror, true);
  else if (raft.role === "leader") explainLeader(explanation, mirror, raft);
  else explainStepDown(explanation, mirror);
}

/** The own vote reached the disk. */
export function explainOwnVote(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  const { campaign } = mirror;
  if (campaign === null || campaign.pre || !campaign.grants.has(raft.id)) return;
  if (!specMemberOf(explanation, mirror.at).votesGranted.has(mirror.at)) {
    announce(explanation, "countOwnVote");
    explanation.spec.countOwnVote(mirror.at);
  }
  explainVerdict(explanation, mirror, raft);
}

/** A leader starts with an entry of its term and a first round. */
function explainLeader(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  announce(explanation, "becomeLeader");
  explanation.spec.becomeLeader(mirror.at);
  mirror.round = 0;
  appendOwn(explanation, mirror, raft);
  openRound(explanation, mirror);
}

/** All entries beyond the log as it was are a leader's own. */
export function appendOwn(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  const added = raft.log.entries.slice(lastOf(mirror) - raft.log.base.index);
  announce(explanation, "clientRequest");
  const values = added.map((entry) => wordOf(explanation.words, entry).value);
  explanation.spec.clientRequest(mirror.at, values);
}
