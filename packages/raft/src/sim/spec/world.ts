/**
 * The world in which the specification's actions happen: the members as the paper sees them, what
 * each did in its present life, and what ever happened at all. Data and small helpers, no rule of
 * the paper: those are in the files of the chapters. Called by them.
 */
import {
  Refusal,
  type Server,
  type SpecConfiguration,
  type SpecDisk,
  type SpecEntry,
  type SpecificationOptions,
  type SpecLog,
  type SpecMember,
  type SpecMessage,
  type SpecSnapshot,
  type SpecStart,
} from "./specification.ts";

export interface LastEntry {
  readonly index: number;
  readonly term: number;
}

/** What a member heard from the leader of one term, in its present life. */
export interface Heard {
  readonly term: number;
  readonly leader: Server;
  /** The log up to here equals the leader's. Never shrinks. */
  verified: number;
  /** The log of that time: its first `verified` entries are what was found equal. */
  log: SpecLog;
  /** So much of that has been on disk, under this term or a newer one. Never shrinks. */
  onDisk: number;
  leaderCommit: number;
  /** The newest round of heartbeats; 0: none. */
  round: number;
  /**
   * By the own clock: when it last said something itself. Its snapshot is not that: it comes from
   * whoever has it, long after.
   */
  at: number;
  /** By round: what was promised for it. */
  readonly promises: Map<number, number>;
  /** What was promised for rounds up to this one was given back. */
  releasedRound: number;
}

/** What a member did as the leader of one term. Stands still once it leads no more. */
export interface Led {
  readonly term: number;
  log: SpecLog;
  commitIndex: number;
  /** The newest round opened; the first of a term is 1. */
  round: number;
  /** By peer: the newest round that it answered. */
  readonly answered: Map<Server, number>;
  /** By round: when it was opened, by the own clock. */
  readonly openedAt: Map<number, number>;
  /** By peer: until when it promised, by the own clock. */
  readonly promises: Map<Server, number>;
  /** Promises for older rounds count no more: it was to be handed over; infinity: it is. */
  leaseFromRound: number;
  /** Who had the whole log on disk when it was to take over. */
  readonly mayTakeOver: Set<Server>;
}

/** A read that waits for its majority. @thesis §6.4 */
export interface PendingRead {
  readonly index: number;
  /** The newest round when it was registered: only later ones confirm it. */
  readonly round: number;
}

/** What a process remembers of itself since its start; a message may be made of nothing else. */
export interface Life {
  /** Nothing happened since the start. */
  isFresh: boolean;
  readonly terms: Set<number>;
  /** By term: for whom it voted, itself included. At most one a term. */
  readonly votes: Map<number, Server>;
  readonly preVotes: Set<string>;
  /** By term: the last entry with which it campaigned. */
  readonly campaigns: Map<number, LastEntry>;
  readonly preCampaigns: Set<string>;
  /** The terms in which it stood because a leader ordered it. */
  readonly ordered: Set<number>;
  readonly heard: Map<number, Heard>;
  /** Those of `heard` of which something may still come to the disk. */
  unsettled: readonly Heard[];
  readonly led: Map<number, Led>;
  /** Links seen to be gone, and nothing heard from there since. */
  readonly lostLinks: Set<Server>;
  /** By the own clock: so long runs what was promised before the start. */
  readonly formerUntil: number;
  readonly reads: Map<string, PendingRead>;
  /** Asked again, it was confirmed more than once. */
  readonly confirmedReads: Map<string, { readonly least: number; readonly most: number }>;
}

/** What is true of a member over all its lives. */
export interface Past {
  readonly termsLed: Set<number>;
  /** The most that it ever knew to be committed: the first `commitIndex` of `committedLog`. */
  commitIndex: number;
  committedLog: SpecLog;
  /** The term on its disk when it last lost entries. */
  termOfLoss: number;
  /** Every entry that was on its disk at some time, by index and term, with the term before it. */
  /** By index: every snapshot that was on its disk at some time. */
  readonly snapshots: Map<number, SpecSnapshot>;
  readonly everOnDisk: Map<string, { readonly value: number; readonly prevTerm: number }>;
}

/** What has left: by header, the lists of entries that left under it (one empty list, mostly). */
export type LeftMessages = Map<string, SpecLog[]>;

export interface World {
  readonly members: SpecMember[];
  readonly lives: Life[];
  readonly pasts: Past[];
  /** In force where a log has none. */
  readonly firstConfiguration: SpecConfiguration;
  /** What all began with, or with the beginning of it. */
  readonly firstLog: SpecLog;
  readonly firstCommitIndex: number;
  readonly stickyFor: number;
  readonly clockDrift: number;
  readonly left: LeftMessages;
  /** By the key of a snapshot that has left: the entries that it stands for. */
  readonly covered: Map<string, SpecLog>;
  /** By read: who asked for it by message. */
  readonly readsAsked: Map<string, Server>;
  readonly readsRegistered: Set<string>;
}

export const noServers: ReadonlySet<Server> = new Set();
export const noMatches: ReadonlyMap<Server, number> = new Map();
const noWrites: readonly SpecDisk[] = [];

/** What a member forgets when it becomes a follower. */
export const asFollower: Pick<
  SpecMember,
  "role" | "votesGranted" | "preVotesGranted" | "matchIndex" | "transferTo"
> = {
  role: "follower",
  votesGranted: noServers,
  preVotesGranted: noServers,
  matchIndex: noMatches,
  transferTo: null,
};

/** @throws Refusal always */
export function refuse(sentence: string): never {
  throw new Refusal(sentence);
}

export function createLife(term: number, formerUntil: number): Life {
  return {
    isFresh: true,
    terms: new Set([term]),
    votes: new Map(),
    preVotes: new Set(),
    campaigns: new Map(),
    preCampaigns: new Set(),
    ordered: new Set(),
    heard: new Map(),
    unsettled: [],
    led: new Map(),
    lostLinks: new Set(),
    formerUntil,
    reads: new Map(),
    confirmedReads: new Map(),
  };
}

export function createLed(term: number, log: SpecLog, commitIndex: number): Led {
  return {
    term,
    log,
    commitIndex,
    round: 0,
    answered: new Map(),
    openedAt: new Map(),
    promises: new Map(),
    leaseFromRound: 0,
    mayTakeOver: new Set(),
  };
}

/** A process that has just started from `disk`. What a snapshot covers was committed. */
export function startedFrom(disk: SpecDisk, known: number): SpecMember {
  const covered = disk.snapshot?.index ?? 0;
  const commitIndex = Math.max(known, covered);
  return {
    ...asFollower,
    currentTerm: disk.currentTerm,
    votedFor: disk.votedFor,
    log: disk.log,
    snapshot: disk.snapshot,
    compacted: disk.compacted,
    abstains: disk.abstains,
    commitIndex,
    lastApplied: covered,
    clock: 0,
    promised: disk.promised,
    promisedUntil: disk.promised,
    disk,
    writes: noWrites,
  };
}

function createPast({ log, commitIndex, snapshot }: SpecStart): Past {
  const past: Past = {
    termsLed: new Set(),
    commitIndex,
    committedLog: log,
    termOfLoss: -1,
    snapshots: new Map(),
    everOnDisk: new Map(),
  };
  if (snapshot !== undefined) past.snapshots.set(snapshot.index, snapshot);
  noteOnDisk(past, [], log);
  return past;
}

/**
 * The snapshot is of the beginning of the log, of which so much is committed.
 *
 * @throws Refusal when it is not
 */
export function checkSnapshot(
  world: World,
  log: SpecLog,
  commitIndex: number,
  snapshot: SpecSnapshot,
): void {
  const { index, term, configuration } = snapshot;
  if (!(index > 0 && index <= commitIndex)) {
    refuse(`§7, a snapshot of ${index} entries, of which ${commitIndex} are committed.`);
  }
  if (termAt(log, index) !== term) {
    refuse(`§7, entry ${index} is of term ${termAt(log, index)}, not of ${term} as the snapshot.`);
  }
  if (!isSameConfiguration(configuration, configurationAt(world, log, index))) {
    refuse(`§7, the configuration of the snapshot is not the one in force at entry ${index}.`);
  }
}

/** One server more. @throws Refusal when nothing can have begun so */
export function addServer(world: World, start: SpecStart): Server {
  const { log, currentTerm, commitIndex } = start;
  const { firstLog } = world;
  if (countCommon(log, firstLog, log.length) < log.length) {
    refuse("A server starts with the first log or with the beginning of it.");
  }
  if (!(commitIndex >= 0 && commitIndex <= Math.min(log.length, world.firstCommitIndex))) {
    refuse(`The commit index ${commitIndex} is not in the first log of ${log.length} entries.`);
  }
  const { term: newest } = lastEntry(log);
  if (!(currentTerm >= newest)) {
    refuse(`The first term is ${currentTerm}, yet the first log has an entry of term ${newest}.`);
  }
  const { snapshot = null } = start;
  if (snapshot !== null) checkSnapshot(world, log, commitIndex, snapshot);
  const compacted = snapshot?.index ?? 0;
  const own = { log, snapshot, compacted, abstains: false, promised: 0 };
  const disk: SpecDisk = { currentTerm, votedFor: null, ...own };
  world.members.push(startedFrom(disk, commitIndex));
  world.lives.push(createLife(currentTerm, 0));
  world.pasts.push(createPast(start));
  return world.members.length - 1;
}

function firstConfigurationOf(options: SpecificationOptions): SpecConfiguration {
  const { configuration, servers, log } = options;
  if (configuration !== undefined) return configuration;
  const isInLog = log.some((entry) => entry.configuration !== undefined);
  const voters = isInLog ? [] : Array.from({ length: servers }, (_, server) => server);
  return { voters, outgoing: null, learners: [], removed: [] };
}

/** What is committed from the start is on the disks of all that vote from the start. */
function checkFirstVoters(world: World): void {
  const { firstLog, firstCommitIndex } = world;
  const inLog = firstLog.findLast((entry) => entry.configuration !== undefined)?.configuration;
  const { voters, outgoing } = inLog ?? world.firstConfiguration;
  for (const voter of [...voters, ...(outgoing ?? [])]) {
    const { log } = memberOf(world, voter);
    if (log.length < firstCommitIndex) {
      refuse(`Voter ${voter} has ${log.length} of the ${firstCommitIndex} committed entries.`);
    }
  }
}

/** @throws Refusal when the options describe no world */
export function createWorld(options: SpecificationOptions): World {
  const { servers, log, currentTerm, commitIndex, starts, snapshot } = options;
  if (!(servers >= 1)) refuse(`A cluster of ${servers} servers has no majority.`);
  let newest = 0;
  for (const entry of log) {
    if (entry.term < newest) refuse("Terms in the first log do not grow along it.");
    newest = entry.term;
  }
  const world: World = {
    members: [],
    lives: [],
    pasts: [],
    firstConfiguration: firstConfigurationOf(options),
    firstLog: log,
    firstCommitIndex: commitIndex,
    stickyFor: options.stickyFor ?? 0,
    clockDrift: options.clockDrift ?? 0,
    left: new Map(),
    covered: new Map(),
    readsAsked: new Map(),
    readsRegistered: new Set(),
  };
  const usual = { log, currentTerm, commitIndex, ...(snapshot && { snapshot }) };
  for (let server = 0; server < servers; server++) {
    addServer(world, starts?.get(server) ?? usual);
  }
  checkFirstVoters(world);
  return world;
}

/** @throws Refusal when there is no such server */
export function memberOf(world: World, server: Server): SpecMember {
  return world.members[server] ?? refuse(`There is no server ${server}.`);
}

/** @throws Refusal when there is no such server */
export function lifeOf(world: World, server: Server): Life {
  return world.lives[server] ?? refuse(`There is no server ${server}.`);
}

/** @throws Refusal when there is no such server */
export function pastOf(world: World, server: Server): Past {
  return world.pasts[server] ?? refuse(`There is no server ${server}.`);
}

/** The only door by which a member changes while it lives. */
export function change(world: World, server: Server, changes: Partial<SpecMember>): void {
  world.members[server] = { ...memberOf(world, server), ...changes };
  lifeOf(world, server).isFresh = false;
}

/** Follows in its present term: what it was as a candidate or leader is over. */
export function follow(world: World, server: Server, changes: Partial<SpecMember>): void {
  lifeOf(world, server).reads.clear();
  change(world, server, { ...changes, ...asFollower });
}

/** Enters a newer term as a follower or candidate. */
export function enterTerm(world: World, server: Server, term: number, vote: Server | null): void {
  const life = lifeOf(world, server);
  life.terms.add(term);
  if (vote !== null) life.votes.set(term, vote);
  follow(world, server, { currentTerm: term, votedFor: vote });
}

export function lastEntry(log: SpecLog): LastEntry {
  return { index: log.length, term: log[log.length - 1]?.term ?? 0 };
}

/** The term of the entry at `index`; 0 before the first; null: there is none. */
export function termAt(log: SpecLog, index: number): number | null {
  return index === 0 ? 0 : (log[index - 1]?.term ?? null);
}

export function isSameSet(left: readonly Server[], right: readonly Server[]): boolean {
  return left.length === right.length && left.every((server) => right.includes(server));
}

export function isSameConfiguration(
  left: SpecConfiguration | undefined,
  right: SpecConfiguration | undefined,
): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined) return false;
  return (
    isSameSet(left.voters, right.voters) &&
    (left.outgoing === null) === (right.outgoing === null) &&
    isSameSet(left.outgoing ?? [], right.outgoing ?? []) &&
    isSameSet(left.learners, right.learners) &&
    isSameSet(left.removed, right.removed)
  );
}

export function isSameEntry(left: SpecEntry | undefined, right: SpecEntry | undefined): boolean {
  if (left === right) return true;
  return (
    left?.term === right?.term &&
    left?.value === right?.value &&
    isSameConfiguration(left?.configuration, right?.configuration)
  );
}

/** Where the newest configuration among the first `index` entries stands; 0: there is none. */
export function findConfiguration(log: SpecLog, index: number): number {
  for (let at = Math.min(index, log.length); at > 0; at--) {
    if (log[at - 1]?.configuration !== undefined) return at;
  }
  return 0;
}

/** In force after the first `index` entries. */
export function configurationAt(world: World, log: SpecLog, index: number): SpecConfiguration {
  return log[findConfiguration(log, index) - 1]?.configuration ?? world.firstConfiguration;
}

/** Of either half. */
export function isVoter({ voters, outgoing }: SpecConfiguration, server: Server): boolean {
  return voters.includes(server) || (outgoing?.includes(server) ?? false);
}

/** How many of their first `limit` entries the two logs have in common. */
export function countCommon(left: SpecLog, right: SpecLog, limit: number): number {
  const end = Math.min(limit, left.length, right.length);
  if (left === right) return end;
  for (let at = 0; at < end; at++) if (!isSameEntry(left[at], right[at])) return at;
  return end;
}

/** `server` leads now. @throws Refusal when it does not */
export function ledNow(world: World, server: Server, rule: string): Led {
  const { role, currentTerm } = memberOf(world, server);
  if (role !== "leader") refuse(`${rule}: server ${server} is a ${role} of term ${currentTerm}.`);
  const led = lifeOf(world, server).led.get(currentTerm);
  return led ?? refuse(`${rule}: server ${server} has not begun to lead term ${currentTerm}.`);
}

/** There is one log up to an entry of an index and term. */
export function snapshotKey({ index, term }: SpecSnapshot): string {
  return `${index}/${term}`;
}

/** @throws Refusal while the leader hands its leadership over. @thesis §3.10 */
export function checkNoTransfer(world: World, server: Server): void {
  const { transferTo } = memberOf(world, server);
  if (transferTo === null) return;
  refuse(`§3.10, server ${server} hands its leadership to ${transferTo} and takes no requests.`);
}

/** Who is to take over may, once it has all. @thesis §3.10 */
export function noteCaughtUp(world: World, server: Server, led: Led): void {
  const { transferTo, matchIndex, log } = memberOf(world, server);
  if (transferTo === null || (matchIndex.get(transferTo) ?? 0) < log.length) return;
  if (!isVoter(configurationAt(world, log, log.length), transferTo)) return;
  led.mayTakeOver.add(transferTo);
}

/** @throws Refusal while a promise runs. @thesis §6.4.1 */
export function checkNoPromise(world: World, server: Server, rule: string): void {
  const { promisedUntil, clock } = memberOf(world, server);
  if (clock >= promisedUntil) return;
  refuse(`${rule}: server ${server} promised not to until ${promisedUntil}, it is ${clock}.`);
}

/** A pre-vote that was opened: for which term, with which last entry. */
export function preCampaignKey(term: number, last: LastEntry): string {
  return `${term}/${last.index}/${last.term}`;
}

/** A pre-vote that was granted: to whom, for which term, in which own term. */
export function preVoteKey(candidate: Server, campaignTerm: number, ownTerm: number): string {
  return `${candidate}/${campaignTerm}/${ownTerm}`;
}

/** The log on the disk was `before` and is `now`. */
export function noteOnDisk(past: Past, before: SpecLog, now: SpecLog): void {
  if (before === now) return;
  for (let at = countCommon(before, now, now.length); at < now.length; at++) {
    const entry = now[at];
    if (entry === undefined) return;
    const prevTerm = now[at - 1]?.term ?? 0;
    past.everOnDisk.set(`${at + 1}/${entry.term}`, { value: entry.value, prevTerm });
  }
}

/** In short, for a refusal's sentence. */
export function describeMessage(message: SpecMessage): string {
  const { kind, from, to, term } = message;
  return `${kind} of term ${term} from ${from} to ${to}`;
}
