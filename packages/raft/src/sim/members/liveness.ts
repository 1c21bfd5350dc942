/**
 * The second phase of a seed: all faults stop, a core of members with a sound majority runs and is
 * connected; the others stay down or cut off for good. Within bounds there must be a leader, work
 * must get done, all must agree, and every request must have settled.
 */
import { lastIndex, type Raft } from "../../core/index.ts";
import { soundDatagrams, soundDisk, soundLink } from "../hosts/index.ts";
import type { Random } from "../random.ts";
import { expect } from "./invariants.ts";
import type { Ask } from "./load.ts";
import { electionMaxMs } from "./options.ts";
import type { SimMember } from "./sim-member.ts";
import type { World } from "./world.ts";

/** Longest election timeouts until there must be a leader, as many again until all agree. */
const timeoutsMax = 10;
/**
 * Terms that may begin after healing until there is a leader for good. Without PreVote whoever
 * cannot win raises the term as often as whoever can, and perhaps only one of the core can win.
 */
const newTermsMax = 12;
const newTermsWithoutPreVoteMax = 40;
/** Operations that each client must complete. */
const operationsMin = 10;

/** What the second phase saw. */
export interface Recovered {
  /** Longest election timeouts until there was a leader that had committed in its term. */
  readonly timeouts: number;
  readonly newTerms: number;
}

export function runLiveness(world: World, random: Random): Recovered {
  const healed = heal(world, random);
  const healedMs = world.nowMs;
  const termBefore = newestTerm(healed);
  const { evaluations } = world;
  const unitMs = electionMaxMs(world.options);
  const boundMs = timeoutsMax * unitMs + settlingMs(world);
  const electionMs = boundMs + backlogMs(world, healed);
  const elected = runUntil(world, electionMs, () => findLeader(inCore(healed)) !== null);
  expect(evaluations, "V1", elected, () => {
    return `no leader ${electionMs} ms after healing: ${describe(healed)}`;
  });
  const timeouts = (world.nowMs - healedMs) / unitMs;
  checkWork(world, boundMs + backlogMs(world, healed));
  for (const client of world.clients) client.isStopped = true;
  const settled = runUntil(world, settleMs(world), () => openRequests(healed) === 0);
  expect(evaluations, "R", settled, () => `${openRequests(healed)} requests hang`);
  const agreementMs = boundMs + backlogMs(world, healed);
  const equal = runUntil(world, agreementMs, () => haveConverged(inCore(healed)));
  expect(evaluations, "V3", equal, () => `no agreement: ${describe(healed)}`);
  checkLastWrites(world, healed, random);
  const newTerms = newestTerm(healed) - termBefore;
  const { preVote } = world.options.settings;
  const termsMax = preVote ? newTermsMax : newTermsWithoutPreVoteMax;
  expect(evaluations, "V4", newTerms <= termsMax, () => `${newTerms} new terms after healing`);
  if (world.options.outage === "wiped") checkStranger(world, inCore(healed), random);
  return { timeouts, newTerms };
}

/** Whose directory is refused at the last start is out, too. */
function inCore(healed: readonly SimMember[]): readonly SimMember[] {
  return healed.filter(({ state }) => state !== "halted");
}

// --- healing -------------------------------------------------------------------------------------

function heal(world: World, random: Random): readonly SimMember[] {
  world.note("heal", "-", null);
  const { topology, datagrams } = world.hosts;
  topology.healAll();
  const { latency } = world.options.link;
  topology.setProfile({ ...soundLink, latency: { ...latency, spikeShare: 0 } });
  datagrams.profile = soundDatagrams;
  datagrams.forget();
  const core = drawCore(world, random);
  for (const member of world.members) {
    if (!core.includes(member)) cutOff(world, member);
  }
  for (const member of core) {
    healMachine(world, member);
    if (member.state === "ended") member.kill(null);
    member.start();
  }
  world.takesRequests = (member) => member.state === "up" && core.includes(member);
  for (const client of world.clients) client.completed = 0;
  return core;
}

/**
 * Sound members are a majority at every time. Of the others some may stay out, and whoever's
 * directory is refused must.
 */
function drawCore(world: World, random: Random): readonly SimMember[] {
  const { members, options } = world;
  const budget = (members.length - 1) >> 1;
  const out = new Set(members.filter((member) => member.state === "halted"));
  const unsound = members.filter((member) => member.isUnsound);
  if (options.outage === "down" || options.outage === "cut") {
    const spare = budget - unsound.length;
    for (let count = 0; count < spare; count++) {
      const member = members[random.below(members.length)];
      if (member !== undefined && !member.isUnsound && random.chance(0.7)) out.add(member);
    }
  }
  return members.filter((member) => !out.has(member));
}

function cutOff(world: World, member: SimMember): void {
  world.note("outage", member.id, world.options.outage);
  if (world.options.outage === "cut") world.hosts.topology.isolate(member.id);
  else if (member.life !== null) member.kill(null);
}

function healMachine(world: World, { host }: SimMember): void {
  const { disk, time } = host;
  disk.profile = { ...soundDisk, ...fastDisk(world) };
  disk.unstall();
  disk.setFreeBytes(Number.POSITIVE_INFINITY);
  time.setRate(1);
  host.resume();
}

/** As fast as it was, without spikes. */
function fastDisk({ options }: World) {
  const { readLatency, writeLatency, syncLatency, nameLatency } = options.disk;
  return {
    readLatency,
    writeLatency: { ...writeLatency, spikeShare: 0 },
    syncLatency: { ...syncLatency, spikeShare: 0 },
    nameLatency,
  };
}

/** Until everybody has noticed that the world is whole again: dead connections, then redials. */
function settlingMs({ options }: World): number {
  const { transportLimits, limits } = options;
  const { aliveIntervalMs = 0, silentIntervalsMax = 0, reconnectMaxMs = 0 } = transportLimits;
  const { handshakeTimeoutMs = 0 } = transportLimits;
  const noticedMs = aliveIntervalMs * (silentIntervalsMax + 1);
  return noticedMs + handshakeTimeoutMs + 2 * reconnectMaxMs + limits.electionMs;
}

/** What the slowest has to be sent, if it goes entry by entry: a window may be as small as that. */
function backlogMs(world: World, core: readonly SimMember[]): number {
  let shortest = Number.POSITIVE_INFINITY;
  let longest = 0;
  for (const { record } of core) {
    shortest = Math.min(shortest, record?.commit ?? 1);
    longest = Math.max(longest, record?.entries.length ?? 1);
  }
  return (longest - shortest) * roundTripMs(world);
}

/** To another disk and back, with some waiting on the way. */
function roundTripMs({ options }: World): number {
  const { link, disk, limits } = options;
  return 6 * link.latency.meanMs + 3 * disk.syncLatency.meanMs + limits.tickMs;
}

function settleMs({ options }: World): number {
  return options.clients.timeoutMs + 10 * options.limits.tickMs;
}

// --- what must come ------------------------------------------------------------------------------

/** Looks every few ticks. Members that still die of an earlier fault get up again. */
function runUntil(world: World, limitMs: number, condition: () => boolean): boolean {
  const { timeline } = world.hosts;
  const endMs = world.nowMs + limitMs;
  const stepMs = world.options.limits.tickMs;
  while (world.nowMs < endMs) {
    if (condition()) return true;
    timeline.runUntilThat(() => world.failure !== null, stepMs);
    if (world.failure !== null) throw world.failure;
    for (const member of world.members) {
      if (member.state !== "ended" || !world.hasDiskErrors) continue;
      member.kill(null);
      member.start();
    }
  }
  return condition();
}

/** The one that leads the highest term and has committed in it, if all of the core follow it. */
function findLeader(core: readonly SimMember[]): Raft | null {
  let leader: Raft | null = null;
  for (const { raft } of core) if (raft?.role === "leader") leader = raft;
  if (leader?.leadership === null || leader === null) return null;
  if (leader.commit < leader.leadership.termStart) return null;
  const { id, hardState } = leader;
  const follow = ({ raft }: SimMember) =>
    raft?.hardState.term === hardState.term && raft.leader === id;
  return core.every(follow) ? leader : null;
}

function haveConverged(core: readonly SimMember[]): boolean {
  const leader = findLeader(core);
  if (leader === null) return false;
  const last = lastIndex(leader.log);
  const hash = core[0]?.machines?.hash();
  return core.every(
    ({ raft, machines }) =>
      raft !== null &&
      raft.applied === last &&
      lastIndex(raft.log) === last &&
      !raft.hardState.mustCatchUp &&
      machines?.hash() === hash,
  );
}

function checkWork(world: World, boundMs: number): void {
  const { clients, options } = world;
  const isDone = () => clients.every(({ completed }) => completed >= operationsMin);
  const { count, pipeline, thinkMs } = options.clients;
  const eachMs = 2 * thinkMs + 20 * options.limits.heartbeatMs;
  const workMs = operationsMin * (eachMs + count * pipeline * roundTripMs(world));
  const done = runUntil(world, boundMs + settleMs(world) + workMs, isDone);
  const counts = () => clients.map(({ completed }) => completed).join(", ");
  expect(world.evaluations, "V2", done, () => `clients completed ${counts()} operations`);
}

/** Attempts at the write that every member must take when all is quiet. */
const writeTriesMax = 3;
/** What a load is asked until it gives a write; there are loads without any. */
const drawsMax = 200;

function checkLastWrites(world: World, core: readonly SimMember[], random: Random): void {
  for (const member of inCore(core)) {
    const done = takesWrite(world, member, random);
    expect(world.evaluations, "V2", done, () => `${member.id} takes no write when all is quiet`);
  }
  const equal = runUntil(world, settleMs(world), () => haveConverged(inCore(core)));
  expect(world.evaluations, "V3", equal, () => `no agreement: ${describe(core)}`);
}

function takesWrite(world: World, member: SimMember, random: Random): boolean {
  const [client] = world.clients;
  if (client === undefined) return true;
  client.written = 0;
  for (let tries = 0; tries < writeTriesMax && client.written === 0; tries++) {
    const ask = drawWrite(world, random);
    if (ask === null) return true;
    client.ask(member, ask);
    runUntil(world, settleMs(world), () => client.written > 0 || client.underWayCount === 0);
  }
  return client.written > 0;
}

function drawWrite(world: World, random: Random): Ask<unknown> | null {
  for (let draws = 0; draws < drawsMax; draws++) {
    const ask = world.load.next(random, world.nextRequestId());
    if (ask.kind === "write") return ask;
  }
  return null;
}

/**
 * All know each other. Then one comes back without its directory: it has forgotten what it
 * promised, and nobody may listen to it. (Who starts later than it was lost cannot tell.)
 */
function checkStranger(world: World, core: readonly SimMember[], random: Random): void {
  const { hosts, options, evaluations } = world;
  const member = core[random.below(core.length)];
  if (member === undefined || options.transport === "datagrams" || world.hasDiskErrors) return;
  runUntil(world, settlingMs(world), () => false);
  member.kill(null);
  runUntil(world, settlingMs(world), () => false);
  hosts.faults.add("nemesis.wipe");
  world.note("wipe", member.id, null);
  member.host.disk.wipe();
  world.stranger = member.id;
  member.start();
  runUntil(world, settlingMs(world), () => false);
  evaluations.X3++;
}

function openRequests(core: readonly SimMember[]): number {
  let count = 0;
  for (const { requests } of core) count += requests.filter((one) => !one.isSettled).length;
  return count;
}

function newestTerm(core: readonly SimMember[]): number {
  let newest = 0;
  for (const { raft, record } of core) {
    newest = Math.max(newest, raft?.hardState.term ?? record?.hardState.term ?? 0);
  }
  return newest;
}

function describe(core: readonly SimMember[]): string {
  const one = ({ id, raft, state, machines }: SimMember) =>
    raft === null
      ? `${id} ${state}`
      : `${id} ${raft.role} term ${raft.hardState.term} applied ${raft.applied} of ` +
        `${lastIndex(raft.log)}${raft.hardState.mustCatchUp ? " abstains" : ""} ` +
        `${raft.isDiskHealthy ? "" : "with an unfit disk "}state ${machines?.hash()}`;
  return core.map(one).join("; ");
}
