/** How logs become equal and entries committed. @paper §5.3, §5.4.2, Figure 2 */
import {
  checkStillLeads,
  configurationOf,
  describeConfiguration,
  isQuorum,
} from "./configurations.ts";
import { settle } from "./disk.ts";
import { notePromise } from "./leases.ts";
import { checkDelivered } from "./network.ts";
import type {
  Server,
  SpecAppendEntries,
  SpecAppendEntriesResponse,
  SpecInstallSnapshot,
  SpecLog,
} from "./specification.ts";
import {
  change,
  checkNoTransfer,
  follow,
  type Heard,
  isSameEntry,
  ledNow,
  lifeOf,
  memberOf,
  noteCaughtUp,
  pastOf,
  refuse,
  termAt,
  type World,
} from "./world.ts";

type FromLeader = SpecAppendEntries | SpecInstallSnapshot;

/** @paper §5.3 */
export function clientRequest(world: World, server: Server, values: readonly number[]): void {
  const led = ledNow(world, server, "§5.3, the leader takes requests");
  checkStillLeads(world, server, "§6, a leader that was removed takes no requests");
  checkNoTransfer(world, server);
  const { log, currentTerm } = memberOf(world, server);
  const longer = [...log, ...values.map((value) => ({ term: currentTerm, value }))];
  led.log = longer;
  change(world, server, { log: longer });
}

/** §5.2: at most one leader a term, so whoever led a term hears of no other leader of it. */
function checkSender(world: World, server: Server, request: FromLeader): void {
  const { term, from } = request;
  if (pastOf(world, server).termsLed.has(term)) {
    refuse(`ELECTION SAFETY, §5.2: servers ${server} and ${from} both led term ${term}.`);
  }
  const heard = lifeOf(world, server).heard.get(term);
  if (heard !== undefined && heard.leader !== from) {
    refuse(`ELECTION SAFETY, §5.2: servers ${heard.leader} and ${from} both led term ${term}.`);
  }
}

/** Figure 2, AppendEntries, receiver, steps 3 and 4. */
function merge(log: SpecLog, prevIndex: number, entries: SpecLog): SpecLog {
  for (const [at, entry] of entries.entries()) {
    const own = log[prevIndex + at];
    if (own === undefined || !isSameEntry(own, entry)) {
      return [...log.slice(0, prevIndex + at), ...entries.slice(at)];
    }
  }
  return log;
}

/** What this member knows of the leader that sent `request`. */
function hear(world: World, server: Server, request: FromLeader): Heard {
  const life = lifeOf(world, server);
  const { term, from } = request;
  const known = life.heard.get(term);
  if (known !== undefined) return known;
  const heard: Heard = {
    term,
    leader: from,
    verified: 0,
    log: [],
    onDisk: 0,
    leaderCommit: 0,
    round: 0,
    at: Number.NEGATIVE_INFINITY,
    promises: new Map(),
    releasedRound: 0,
  };
  life.heard.set(term, heard);
  life.unsettled = [...life.unsettled, heard];
  return heard;
}

/** What anything of the current term from its leader says. @paper §5.2, Figure 2 */
export function followSender(world: World, server: Server, request: FromLeader): Heard {
  const { role, currentTerm, clock } = memberOf(world, server);
  checkDelivered(world, server, request);
  const { term } = request;
  if (term !== currentTerm) {
    refuse(
      `Figure 2, AppendEntries 1: the request is of term ${term}, server ${server} is in term ` +
        `${currentTerm}.`,
    );
  }
  checkSender(world, server, request);
  const heard = hear(world, server, request);
  if (request.kind === "append-entries") {
    heard.at = clock;
    lifeOf(world, server).lostLinks.delete(request.from);
    heard.leaderCommit = Math.max(heard.leaderCommit, request.leaderCommit);
    heard.round = Math.max(heard.round, request.round);
  } else heard.leaderCommit = Math.max(heard.leaderCommit, request.snapshot.index);
  if (role !== "follower") follow(world, server, {});
  else lifeOf(world, server).isFresh = false;
  return heard;
}

/** `log`, or its beginning up to `index`, was found to equal the leader's up to there. */
export function verify(
  world: World,
  server: Server,
  heard: Heard,
  log: SpecLog,
  index: number,
): void {
  heard.log = log;
  heard.verified = Math.max(heard.verified, index);
  settle(heard, memberOf(world, server).disk);
}

/** @paper §5.3, Figure 2 */
export function acceptEntries(
  world: World,
  server: Server,
  request: SpecAppendEntries,
  count: number = request.entries.length,
): void {
  const { log, compacted } = memberOf(world, server);
  const heard = followSender(world, server, request);
  const { prevIndex, prevTerm } = request;
  // A leader might have sent fewer, and the next ones later. @paper Figure 2, AppendEntries
  const entries =
    count < request.entries.length ? request.entries.slice(0, count) : request.entries;
  if (termAt(log, prevIndex) !== prevTerm) return;
  const merged = merge(log, prevIndex, entries);
  // What was dropped was committed by this leader or an older one: it has all of it. Figure 3.
  const dropped = prevIndex < compacted ? compacted : 0;
  verify(world, server, heard, merged, Math.max(prevIndex + entries.length, dropped));
  if (merged !== log) change(world, server, { log: merged });
}

/** @paper §5.3; @thesis §6.4 */
export function countAcknowledgement(
  world: World,
  server: Server,
  response: SpecAppendEntriesResponse,
): void {
  checkDelivered(world, server, response);
  const led = ledNow(world, server, "§5.3, the leader counts acknowledgements");
  const { term, from, round, outcome } = response;
  if (term !== led.term) {
    refuse(`§5.3, an answer of term ${term} says nothing to the leader of term ${led.term}.`);
  }
  led.answered.set(from, Math.max(led.answered.get(from) ?? 0, round));
  notePromise(led, response);
  lifeOf(world, server).isFresh = false;
  if (outcome.kind === "refused") return;
  const { matchIndex } = memberOf(world, server);
  if (outcome.matched > (matchIndex.get(from) ?? 0)) {
    change(world, server, { matchIndex: new Map(matchIndex).set(from, outcome.matched) });
    noteCaughtUp(world, server, led);
  }
}

export function lowerMatch(world: World, server: Server, peer: Server, matched: number): void {
  ledNow(world, server, "Only a leader has match indexes");
  const { matchIndex } = memberOf(world, server);
  if (peer === server) refuse(`Server ${server} has no peer ${peer}: that is itself.`);
  memberOf(world, peer);
  const known = matchIndex.get(peer) ?? 0;
  if (!(matched >= 0 && matched <= known)) {
    refuse(`§5.3, only an answer raises a match index: ${known} of ${peer} to ${matched}.`);
  }
  change(world, server, { matchIndex: new Map(matchIndex).set(peer, matched) });
}

/** Committed things stay known over all lives; `log` holds them. */
export function know(world: World, server: Server, log: SpecLog, index: number): void {
  const past = pastOf(world, server);
  if (index > past.commitIndex) {
    past.commitIndex = index;
    past.committedLog = log;
  }
  change(world, server, { commitIndex: index });
}

function checkForward(server: Server, index: number, commitIndex: number): void {
  if (!(index >= commitIndex)) {
    refuse(`Figure 2, commitIndex only grows: ${commitIndex} to ${index} on server ${server}.`);
  }
}

/** @paper §5.3, §5.4.2 */
export function advanceCommit(world: World, server: Server, index: number): void {
  const led = ledNow(world, server, "§5.3, the leader decides what is committed");
  const { log, commitIndex, currentTerm, matchIndex, disk } = memberOf(world, server);
  checkForward(server, index, commitIndex);
  const entry = log[index - 1] ?? refuse(`§5.3, entry ${index} is not in a log of ${log.length}.`);
  if (entry.term !== currentTerm) {
    refuse(
      `§5.4.2, a leader counts entries of its own term ${currentTerm} only; entry ${index} is ` +
        `of term ${entry.term}.`,
    );
  }
  const stored = new Set<Server>();
  for (const [peer, matched] of matchIndex) if (matched >= index) stored.add(peer);
  if (isSameEntry(disk.log[index - 1], entry)) stored.add(server);
  const configuration = configurationOf(world, server);
  if (!isQuorum(configuration, stored)) {
    refuse(
      `§5.3, a majority stores what is committed: entry ${index} is on the disks of ` +
        `[${[...stored]}] of ${describeConfiguration(configuration)}.`,
    );
  }
  led.commitIndex = index;
  know(world, server, log, index);
}

/** @paper §5.3, Figure 2, AppendEntries, receiver, step 5 */
export function learnCommit(world: World, server: Server, index: number): void {
  const { role, currentTerm, commitIndex, log } = memberOf(world, server);
  if (role === "leader") refuse(`§5.3, a leader is told nothing: ${server} leads ${currentTerm}.`);
  checkForward(server, index, commitIndex);
  const heard = lifeOf(world, server).heard.get(currentTerm);
  if (heard === undefined) {
    refuse(`§5.3, server ${server} heard from no leader of term ${currentTerm} in this life.`);
  }
  if (index > heard.leaderCommit) {
    refuse(`§5.3, the leader said ${heard.leaderCommit} is committed, not ${index}.`);
  }
  if (index > heard.verified) {
    refuse(
      `Figure 2, AppendEntries 5: server ${server} knows ${heard.verified} entries to be the ` +
        `leader's, not ${index}.`,
    );
  }
  know(world, server, log, index);
}

/** @paper §5.3, Figure 2, rules for all servers */
export function apply(world: World, server: Server, index: number): void {
  const { commitIndex, lastApplied } = memberOf(world, server);
  if (!(index >= lastApplied)) {
    refuse(`Figure 2, lastApplied only grows: ${lastApplied} to ${index} on server ${server}.`);
  }
  if (index > commitIndex) {
    refuse(`§5.3, only committed entries are applied: ${index} is above ${commitIndex}.`);
  }
  change(world, server, { lastApplied: index });
}
