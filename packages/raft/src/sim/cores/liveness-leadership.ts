/**
 * The second phase of worlds in which members hand over, see leaders go or read by leases: V5 one
 * broken link changes nothing, V9 who has the highest priority leads.
 */
import { isVoter } from "../../core/index.ts";
import type { Random } from "../random.ts";
import { check } from "../violation.ts";
import { feed } from "./events.ts";
import { missLeader } from "./leadership.ts";
import type { Host, World } from "./world.ts";

/** What this part needs of the second phase. */
export interface Calm {
  readonly world: World;
  /** The members that run. */
  readonly core: readonly Host[];
  readonly random: Random;
  /** Lets ticks pass, each seen by all; whether `isDone` came true. */
  elapseUntil(ticksMax: number, isDone: () => boolean): boolean;
  /** The one that leads the highest term, if all its members follow it. */
  findLeader(): Host | null;
  /** Its disk and machines do all they are asked. */
  flush(host: Host): void;
  note(action: string, host: Host): void;
}

/** Milliseconds of an election timeout at least: waiting for a lost leader has room in a few. */
const electionMsMin = 300;

/** By so much the clocks move with each tick of everybody, besides the actions. */
export function tickMs({ leadership, settings }: World["options"]): number {
  if (leadership === undefined) return 0;
  const { leaseMs } = leadership.settings;
  return Math.ceil((2 * Math.max(leaseMs, electionMsMin)) / settings.electionTicks);
}

/** Who is not well stays away for good reason: after healing all are. */
export function healDisk(world: World, host: Host): void {
  if (host.raft?.isDiskHealthy !== false) return;
  feed(world, host, { kind: "disk-health", isHealthy: true });
}

/** Election timeouts without news that a leader sees in spite of a broken link. */
const brokenTimeouts = 4;

/**
 * The link between the leader and one follower breaks, and both see it; the others hear the leader.
 * With PreVote and CheckQuorum it leads on, in the same term.
 */
export function checkBrokenLink(calm: Calm): void {
  const { world, core, random } = calm;
  const { settings } = world.options;
  if (!settings.preVote || !settings.checkQuorum) return;
  // Who has not been heard since before the healing may be replaced: each hears a heartbeat first.
  calm.elapseUntil(2 * settings.heartbeatTicks, () => false);
  const leader = calm.findLeader();
  const { raft } = leader ?? {};
  if (leader === null || raft === null || raft === undefined) return;
  const { configuration } = raft;
  const others = core.filter((host) => host !== leader && isVoter(configuration, host.id));
  const victim = others[random.below(others.length)];
  if (victim === undefined) return;
  const away = world.hosts.filter((host) => !core.includes(host) || host === victim);
  if (!world.checker.canSpare(away.map(({ at }) => at))) return;
  const { evaluations, counts } = world.checker.ledger;
  const { transfers } = counts;
  const { term } = raft.hardState;
  setCut(world, leader, victim, true);
  feed(world, leader, { kind: "peer-unreachable", peer: victim.id });
  calm.flush(leader);
  missLeader(world, victim, leader, random.unit());
  calm.note("break-link", victim);
  calm.flush(victim);
  const isDeposed = (): boolean =>
    leader.raft?.role !== "leader" || leader.raft.hardState.term !== term;
  calm.elapseUntil(brokenTimeouts * settings.electionTicks, isDeposed);
  if (counts.transfers === transfers) {
    const lost = (): string => `${leader.id} lost term ${term} by its link to ${victim.id} alone`;
    check(evaluations, "V5", !isDeposed(), lost);
  }
  setCut(world, leader, victim, false);
  for (const [one, other] of [
    [leader, victim],
    [victim, leader],
  ] as const) {
    feed(world, one, { kind: "peer-reachable", peer: other.id });
    calm.note("mend-link", one);
    calm.flush(one);
  }
}

function setCut({ network, hosts }: World, a: Host, b: Host, isCut: boolean): void {
  network.isCut[a.at * hosts.length + b.at] = isCut;
  network.isCut[b.at * hosts.length + a.at] = isCut;
}

/** Election timeouts until the best member leads: a leader waits for ten, and may fail once. */
const priorityTimeouts = 30;

/** Of the voters that run one of the highest priority leads in time. */
export function checkPriority(calm: Calm): void {
  const { world, core } = calm;
  const { leadership, settings } = world.options;
  if (leadership === undefined || new Set(leadership.priorities).size === 1) return;
  const { priorities } = leadership;
  const isBest = (): boolean => {
    const leader = calm.findLeader();
    const configuration = leader?.raft?.configuration;
    if (leader === null || configuration === undefined) return false;
    const own = priorities[leader.at] ?? 1;
    return core.every(({ at, id }) => !isVoter(configuration, id) || (priorities[at] ?? 1) <= own);
  };
  const ticksMax = priorityTimeouts * settings.electionTicks;
  const isLed = calm.elapseUntil(ticksMax, isBest);
  const { evaluations } = world.checker.ledger;
  check(evaluations, "V9", isLed, () => `not the best of [${priorities}] after ${ticksMax} ticks`);
}
