/** Who may become a leader. @paper §5.1, §5.2, §5.4.1; @thesis §6.2, §9.6 */
import {
  committedConfigurationOf,
  configurationOf,
  describeConfiguration,
  isQuorum,
} from "./configurations.ts";
import { checkDelivered } from "./network.ts";
import type {
  Server,
  SpecMessage,
  SpecRequestVote,
  SpecRequestVoteResponse,
} from "./specification.ts";
import {
  change,
  checkNoPromise,
  createLed,
  enterTerm,
  follow,
  isVoter,
  lastEntry,
  lifeOf,
  memberOf,
  pastOf,
  preCampaignKey,
  preVoteKey,
  refuse,
  type World,
} from "./world.ts";

export function checkMayStand(world: World, server: Server, rule: string): void {
  const { role, abstains, currentTerm } = memberOf(world, server);
  if (role === "leader") refuse(`${rule}: server ${server} leads term ${currentTerm}.`);
  if (abstains) {
    refuse(`${rule}: server ${server} abstains: its log may lack what it acknowledged.`);
  }
  checkNoPromise(world, server, rule);
  const own = configurationOf(world, server);
  const committed = committedConfigurationOf(world, server);
  if (!isVoter(own, server) && !isVoter(committed, server)) {
    refuse(
      `${rule}: server ${server} is no voter of ${describeConfiguration(own)}, nor of the ` +
        `committed ${describeConfiguration(committed)}.`,
    );
  }
}

/** The own pre-vote counts from the start: it promises nothing. @thesis §9.6 */
export function startPreVote(world: World, server: Server): void {
  checkMayStand(world, server, "§9.6, only who could win asks for pre-votes");
  const { currentTerm, log } = memberOf(world, server);
  lifeOf(world, server).preCampaigns.add(preCampaignKey(currentTerm + 1, lastEntry(log)));
  follow(world, server, {});
  change(world, server, { role: "pre-candidate", preVotesGranted: new Set([server]) });
}

/** @paper §5.2 */
export function timeout(world: World, server: Server): void {
  checkMayStand(world, server, "§5.2, a follower or candidate begins an election");
  stand(world, server);
}

/** A new term, and the own vote in it. */
export function stand(world: World, server: Server): void {
  const { currentTerm, log } = memberOf(world, server);
  const term = currentTerm + 1;
  enterTerm(world, server, term, server);
  lifeOf(world, server).campaigns.set(term, lastEntry(log));
  change(world, server, { role: "candidate" });
}

/** @thesis §6.2 */
export function stepDown(world: World, server: Server): void {
  memberOf(world, server);
  follow(world, server, {});
}

/** Not in the paper: safe, as every newer term without a vote is. */
export function raiseTerm(world: World, server: Server): void {
  const { abstains, role, currentTerm } = memberOf(world, server);
  if (!abstains) refuse(`Only who abstains raises its term without a vote; ${server} does not.`);
  if (role !== "follower") refuse(`Who raises its term follows; server ${server} is a ${role}.`);
  enterTerm(world, server, currentTerm + 1, null);
}

/** A leader that works is not deposed, but by its own order. @thesis §4.2.3, §3.10 */
function checkNotSticky(world: World, server: Server, request: SpecRequestVote): void {
  if (request.transfer === true) return;
  const { currentTerm, clock } = memberOf(world, server);
  if (request.term <= currentTerm) return; // deposes nobody: the leader of that term is elected
  const { heard, lostLinks } = lifeOf(world, server);
  const known = heard.get(currentTerm);
  if (known === undefined || lostLinks.has(known.leader)) return;
  if (clock - known.at < world.stickyFor) {
    refuse(
      `§4.2.3, server ${server} heard from leader ${known.leader} at ${known.at}, now ${clock}.`,
    );
  }
}

/** @paper §5.1, Figure 2, rules for all servers */
export function updateTerm(world: World, server: Server, message: SpecMessage): void {
  const { currentTerm } = memberOf(world, server);
  checkDelivered(world, server, message);
  if (message.term <= currentTerm) {
    refuse(
      `§5.1, only a newer term is adopted: server ${server} is in term ${currentTerm}, the ` +
        `message is of term ${message.term}.`,
    );
  }
  if (message.kind === "request-vote" && message.pre) {
    refuse(`§9.6, the term ${message.term} of a pre-vote request is nobody's yet.`);
  }
  if (message.kind === "request-vote-response" && message.pre && message.granted) {
    refuse("§9.6, a granted pre-vote changes no term.");
  }
  if (message.kind === "request-vote") checkNotSticky(world, server, message);
  enterTerm(world, server, message.term, null);
}

/** @paper §5.2 (one vote a term), §5.4.1 (the log at least as new); @thesis §9.6 */
export function grantVote(world: World, server: Server, request: SpecRequestVote): void {
  const { currentTerm, votedFor, log, abstains } = memberOf(world, server);
  checkDelivered(world, server, request);
  const { term, from, pre } = request;
  if (abstains) refuse(`Who abstains does not vote: server ${server} has not caught up.`);
  checkNoPromise(world, server, "§6.4.1, whose promise runs does not vote");
  checkNotSticky(world, server, request);
  if (pre ? term < currentTerm : term !== currentTerm) {
    refuse(`§5.2, a vote in term ${term}, but server ${server} is in term ${currentTerm}.`);
  }
  if (term === currentTerm && votedFor !== null && votedFor !== from) {
    refuse(`§5.2, one vote a term: in term ${term} server ${server} voted for ${votedFor}.`);
  }
  const own = lastEntry(log);
  const { lastTerm, lastIndex } = request;
  if (lastTerm < own.term || (lastTerm === own.term && lastIndex < own.index)) {
    refuse(
      `§5.4.1, the candidate's last entry ${lastIndex} of term ${lastTerm} is older than the ` +
        `voter's last entry ${own.index} of term ${own.term}.`,
    );
  }
  if (pre) {
    const life = lifeOf(world, server);
    life.isFresh = false;
    life.preVotes.add(preVoteKey(from, term, currentTerm));
  } else {
    lifeOf(world, server).votes.set(term, from);
    change(world, server, { votedFor: from });
  }
}

/** @paper §5.2; @thesis §9.6 */
export function countVote(world: World, server: Server, response: SpecRequestVoteResponse): void {
  const { role, currentTerm, votesGranted, preVotesGranted } = memberOf(world, server);
  checkDelivered(world, server, response);
  const { pre, granted, from, campaignTerm } = response;
  if (!granted) refuse(`§5.2, a refused vote does not count: ${from} refused server ${server}.`);
  const wanted = pre ? "pre-candidate" : "candidate";
  if (role !== wanted) {
    refuse(`§5.2, a ${wanted} counts this vote, and server ${server} is a ${role}.`);
  }
  const term = pre ? currentTerm + 1 : currentTerm;
  if (campaignTerm !== term) {
    refuse(`§5.2, a vote for term ${campaignTerm} does not count for term ${term}.`);
  }
  if (pre) change(world, server, { preVotesGranted: new Set([...preVotesGranted, from]) });
  else change(world, server, { votesGranted: new Set([...votesGranted, from]) });
}

/** @paper §5.2, Figure 2 (votedFor is on stable storage before anybody learns of it) */
export function countOwnVote(world: World, server: Server): void {
  const { role, currentTerm, votesGranted, disk } = memberOf(world, server);
  if (role !== "candidate") refuse(`§5.2, only a candidate counts: server ${server} is a ${role}.`);
  if (disk.currentTerm !== currentTerm || disk.votedFor !== server) {
    refuse(
      `Figure 2, the own vote counts once it is on disk: server ${server} campaigns in term ` +
        `${currentTerm}, its disk has term ${disk.currentTerm}, vote ${disk.votedFor}.`,
    );
  }
  change(world, server, { votesGranted: new Set([...votesGranted, server]) });
}

/** @paper §5.2 */
export function becomeLeader(world: World, server: Server): void {
  const { role, currentTerm, votesGranted, log, commitIndex } = memberOf(world, server);
  if (role !== "candidate") refuse(`§5.2, only a candidate wins: server ${server} is a ${role}.`);
  const configuration = configurationOf(world, server);
  if (!isQuorum(configuration, votesGranted)) {
    refuse(
      `§5.2, a majority elects: server ${server} has votes of [${[...votesGranted]}] in term ` +
        `${currentTerm}, of ${describeConfiguration(configuration)}.`,
    );
  }
  const peers = world.members.map((_, peer) => peer).filter((peer) => peer !== server);
  const led = createLed(currentTerm, log, commitIndex);
  lifeOf(world, server).led.set(currentTerm, led);
  pastOf(world, server).termsLed.add(currentTerm);
  change(world, server, {
    role: "leader",
    votesGranted: new Set(),
    matchIndex: new Map(peers.map((peer) => [peer, 0])),
  });
}
