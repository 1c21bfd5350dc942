/**
 * What may leave a member. A message is a promise: it may arrive after the member lost power, so
 * all that it says must be true and, where it matters later, on disk. @paper Figure 2, "updated on
 * stable storage before responding to RPCs"
 */
import type {
  Server,
  SpecAppendEntries,
  SpecAppendEntriesResponse,
  SpecInstallSnapshot,
  SpecLog,
  SpecMessage,
  SpecReadIndex,
  SpecReadIndexResponse,
  SpecRequestVote,
  SpecRequestVoteResponse,
  SpecTimeoutNow,
} from "./specification.ts";
import {
  checkSnapshot,
  countCommon,
  describeMessage,
  type Heard,
  isSameEntry,
  lifeOf,
  memberOf,
  pastOf,
  preCampaignKey,
  preVoteKey,
  refuse,
  snapshotKey,
  termAt,
  type World,
} from "./world.ts";

const noEntries: SpecLog = [];

/** All of a message but its entries, as one string. */
function headerOf(message: SpecMessage): string {
  const { kind, from, to, term } = message;
  return `${kind} ${from} ${to} ${term} ${restOf(message)}`;
}

function restOf(message: SpecMessage): string {
  switch (message.kind) {
    case "request-vote":
      return `${message.pre} ${message.lastIndex} ${message.lastTerm} ${message.transfer ?? false}`;
    case "request-vote-response":
      return `${message.pre} ${message.campaignTerm} ${message.granted}`;
    case "append-entries": {
      const { prevIndex, prevTerm, entries, leaderCommit, round } = message;
      const rest = `${leaderCommit} ${round} ${message.lease ?? 0} ${message.release ?? false}`;
      return `${prevIndex} ${prevTerm} ${entries.length} ${rest}`;
    }
    case "append-entries-response": {
      const { round, outcome, promise = 0 } = message;
      return outcome.kind === "refused"
        ? `${round} ${promise} refused`
        : `${round} ${promise} ${outcome.matched} ${outcome.verified}`;
    }
    case "install-snapshot": {
      const { index, term, configuration } = message.snapshot;
      const { voters, outgoing, learners, removed } = configuration;
      return `${index} ${term} [${voters}] [${outgoing ?? "-"}] [${learners}] [${removed}]`;
    }
    case "timeout-now":
      return "";
    case "read-index":
      return message.read;
    case "read-index-response":
      return `${message.index} ${message.read}`;
    default:
      return message satisfies never;
  }
}

function entriesOf(message: SpecMessage): SpecLog {
  return message.kind === "append-entries" ? message.entries : noEntries;
}

function isAmong(lists: readonly SpecLog[], entries: SpecLog): boolean {
  return lists.some((list) => countCommon(list, entries, entries.length) === entries.length);
}

export function hasLeft(world: World, message: SpecMessage): boolean {
  const lists = world.left.get(headerOf(message));
  return lists !== undefined && isAmong(lists, entriesOf(message));
}

/** @throws Refusal when no such message can have come to `server` */
export function checkDelivered(world: World, server: Server, message: SpecMessage): void {
  if (message.to !== server) refuse(`Server ${server} does not get ${describeMessage(message)}.`);
  if (!hasLeft(world, message)) refuse(`Nobody sent this: ${describeMessage(message)}.`);
}

/** Figure 2: `term`, or a newer one, is on disk before anybody learns of it. */
function checkTerm(world: World, message: SpecMessage, term: number): void {
  const { from } = message;
  const { disk } = memberOf(world, from);
  if (!lifeOf(world, from).terms.has(term)) {
    refuse(`Server ${from} was not in term ${term} in this life: ${describeMessage(message)}.`);
  }
  if (disk.currentTerm < term) {
    refuse(
      `Figure 2, currentTerm is stored first: server ${from} has term ${disk.currentTerm} on ` +
        `disk and sends ${describeMessage(message)}.`,
    );
  }
}

/**
 * The vote of this life in `term` was for `candidate`, and after a loss of power the member still
 * would not give another: the vote is on disk, or a term in which that vote is long over.
 */
function checkVote(world: World, server: Server, term: number, candidate: Server): void {
  const { disk } = memberOf(world, server);
  const vote = lifeOf(world, server).votes.get(term);
  if (vote !== candidate) {
    refuse(`§5.2, in term ${term} server ${server} voted for ${vote ?? "nobody"}.`);
  }
  if (disk.currentTerm < term || (disk.currentTerm === term && disk.votedFor !== candidate)) {
    refuse(
      `Figure 2, votedFor is stored first: server ${server} voted for ${candidate} in term ` +
        `${term}, its disk has term ${disk.currentTerm}, vote ${disk.votedFor}.`,
    );
  }
}

function checkRequestVote(world: World, message: SpecRequestVote): void {
  const { from, term, pre, lastIndex, lastTerm, transfer = false } = message;
  const life = lifeOf(world, from);
  if (transfer && (pre || !life.ordered.has(term))) {
    refuse(`§3.10, nobody ordered server ${from} to stand in term ${term}.`);
  }
  if (pre) {
    checkTerm(world, message, term - 1);
    if (!life.preCampaigns.has(preCampaignKey(term, { index: lastIndex, term: lastTerm }))) {
      refuse(`§9.6, server ${from} asked no pre-votes for ${term} with ${lastIndex}/${lastTerm}.`);
    }
    return;
  }
  checkTerm(world, message, term);
  const last = life.campaigns.get(term);
  if (last === undefined || last.index !== lastIndex || last.term !== lastTerm) {
    refuse(`§5.2, server ${from} did not stand in ${term} with ${lastIndex}/${lastTerm} as last.`);
  }
  checkVote(world, from, term, from);
}

function checkRequestVoteResponse(world: World, message: SpecRequestVoteResponse): void {
  const { from, to, term, pre, campaignTerm, granted } = message;
  checkTerm(world, message, term);
  if (!granted) return;
  if (pre) {
    if (!lifeOf(world, from).preVotes.has(preVoteKey(to, campaignTerm, term))) {
      refuse(`§9.6, in term ${term} server ${from} gave ${to} no pre-vote for ${campaignTerm}.`);
    }
    return;
  }
  if (term !== campaignTerm) {
    refuse(`§5.2, a vote in term ${campaignTerm} is given in that term, not in ${term}.`);
  }
  checkVote(world, from, campaignTerm, to);
}

/** What left once led may leave late: another member's leader cannot tell it from a slow one. */
function checkAppendEntries(world: World, message: SpecAppendEntries): void {
  const { from, term, prevIndex, prevTerm, entries, leaderCommit, round } = message;
  checkTerm(world, message, term);
  const led =
    lifeOf(world, from).led.get(term) ??
    refuse(`§5.3, only its leader sends entries of a term: ${describeMessage(message)}.`);
  if (!(prevIndex >= 0) || termAt(led.log, prevIndex) !== prevTerm) {
    refuse(`§5.3, the leader's log has no entry ${prevIndex} of term ${prevTerm}.`);
  }
  for (const [at, entry] of entries.entries()) {
    if (!isSameEntry(led.log[prevIndex + at], entry)) {
      refuse(`§5.3, entry ${prevIndex + at + 1} is not in the log of leader ${from}.`);
    }
  }
  if (leaderCommit > led.commitIndex) {
    refuse(`§5.3, leader ${from} committed ${led.commitIndex} entries, not ${leaderCommit}.`);
  }
  if (message.release === true && !(round < led.leaseFromRound)) {
    refuse(`§6.4.1, leader ${from} may count promises for round ${round}: it gives none back.`);
  }
  if (round > led.round) {
    refuse(`§6.4, leader ${from} opened ${led.round} rounds, not ${round}.`);
  }
}

/** @thesis §3.10 */
function checkTimeoutNow(world: World, message: SpecTimeoutNow): void {
  const { from, to, term } = message;
  checkTerm(world, message, term);
  if (!lifeOf(world, from).led.get(term)?.mayTakeOver.has(to)) {
    refuse(`§3.10, server ${from} did not hand term ${term} to ${to} with its whole log.`);
  }
}

/** @paper §7 */
function checkInstallSnapshot(world: World, message: SpecInstallSnapshot): void {
  const { from, term, snapshot } = message;
  checkTerm(world, message, term);
  const led =
    lifeOf(world, from).led.get(term) ??
    refuse(`§7, only its leader sends snapshots in a term: ${describeMessage(message)}.`);
  checkSnapshot(world, led.log, led.commitIndex, snapshot);
  if (!pastOf(world, from).snapshots.has(snapshot.index)) {
    refuse(`§7, server ${from} has no snapshot of ${snapshot.index} entries on disk.`);
  }
}

/** @thesis §6.4.1, and the disk as for a vote */
function checkPromise(
  world: World,
  { from, to, round }: SpecAppendEntriesResponse,
  promise: number,
  known: Heard | undefined,
): void {
  const given = known?.promises.get(round) ?? 0;
  if (promise > given) {
    refuse(`§6.4.1, server ${from} promised ${to} ${given} for round ${round}, not ${promise}.`);
  }
  const { promised } = memberOf(world, from).disk;
  if (promised < promise) {
    refuse(`§6.4.1, promises are stored first: ${promised} on server ${from}, not ${promise}.`);
  }
}

function checkAppendEntriesResponse(world: World, message: SpecAppendEntriesResponse): void {
  const { from, to, term, round, outcome } = message;
  checkTerm(world, message, term);
  const heard = lifeOf(world, from).heard.get(term);
  const known = heard?.leader === to ? heard : undefined;
  if (round > (known?.round ?? 0)) {
    refuse(`§6.4, server ${from} heard round ${known?.round ?? 0} of leader ${to}, not ${round}.`);
  }
  if (message.promise !== undefined) checkPromise(world, message, message.promise, known);
  if (outcome.kind === "refused") return;
  if (known === undefined) refuse(`§5.3, server ${from} heard nothing of leader ${to} in ${term}.`);
  if (outcome.verified > known.verified) {
    refuse(
      `§5.3, server ${from} knows ${known.verified} entries to be those of leader ${to}, not ` +
        `${outcome.verified}.`,
    );
  }
  if (outcome.matched > known.onDisk) {
    refuse(
      `Figure 2, entries are stored first: ${known.onDisk} of leader ${to} have been on the disk ` +
        `of server ${from}, not ${outcome.matched}.`,
    );
  }
}

function checkReadIndex(world: World, message: SpecReadIndex): void {
  const { from, term, read } = message;
  checkTerm(world, message, term);
  const asker = world.readsAsked.get(read);
  if (asker !== undefined && asker !== from) refuse(`Read ${read} is server ${asker}'s already.`);
  if (asker === undefined && world.readsRegistered.has(read)) {
    refuse(`§6.4, read ${read} was registered before anybody asked for it.`);
  }
}

function checkReadIndexResponse(world: World, message: SpecReadIndexResponse): void {
  const { from, to, term, read, index } = message;
  checkTerm(world, message, term);
  if (index === null) return;
  if (world.readsAsked.get(read) !== to) refuse(`§6.4, server ${to} did not ask for read ${read}.`);
  const confirmed =
    lifeOf(world, from).confirmedReads.get(read) ??
    refuse(`§6.4, server ${from} confirmed no read ${read}.`);
  const { least, most } = confirmed;
  if (index < least || index > Math.max(most, memberOf(world, from).commitIndex)) {
    refuse(`§6.4, read ${read} was confirmed at ${least}, not at ${index}.`);
  }
}

function noteCovered(world: World, { from, term, snapshot }: SpecInstallSnapshot): void {
  const log = lifeOf(world, from).led.get(term)?.log ?? noEntries;
  world.covered.set(snapshotKey(snapshot), log.slice(0, snapshot.index));
}

function checkPromises(world: World, message: SpecMessage): void {
  switch (message.kind) {
    case "request-vote":
      checkRequestVote(world, message);
      return;
    case "request-vote-response":
      checkRequestVoteResponse(world, message);
      return;
    case "append-entries":
      checkAppendEntries(world, message);
      return;
    case "append-entries-response":
      checkAppendEntriesResponse(world, message);
      return;
    case "install-snapshot":
      checkInstallSnapshot(world, message);
      return;
    case "timeout-now":
      checkTimeoutNow(world, message);
      return;
    case "read-index":
      checkReadIndex(world, message);
      return;
    case "read-index-response":
      checkReadIndexResponse(world, message);
      return;
    default:
      message satisfies never;
  }
}

export function send(world: World, message: SpecMessage): void {
  const { from, to } = message;
  memberOf(world, to);
  if (from === to) refuse(`Server ${from} sends nothing to itself.`);
  checkPromises(world, message);
  lifeOf(world, from).isFresh = false;
  if (message.kind === "install-snapshot") noteCovered(world, message);
  if (message.kind === "read-index") world.readsAsked.set(message.read, from);
  const header = headerOf(message);
  const lists = world.left.get(header);
  if (lists === undefined) world.left.set(header, [entriesOf(message)]);
  else if (!isAmong(lists, entriesOf(message))) lists.push(entriesOf(message));
}
