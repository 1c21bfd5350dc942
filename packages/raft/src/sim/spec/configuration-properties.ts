/**
 * What Raft promises about configurations, looked at from outside: who was elected by whom, and how
 * one configuration follows another. It shares no rule with the actions. Called by `properties.ts`.
 */
import { demand, type Looks, look } from "./property.ts";
import type { Server, SpecConfiguration, SpecLog, SpecMember } from "./specification.ts";

export interface ConfigurationLedger {
  readonly looks: Looks;
  /** In force where a log has none. */
  readonly first: SpecConfiguration;
  /** By term and candidate, as `term/candidate`: who ever voted so. */
  readonly votes: Map<string, Set<Server>>;
}

interface Placed {
  /** 0: it is the first. */
  readonly index: number;
  readonly configuration: SpecConfiguration;
}

/** The newest configuration among the first `index` entries. */
export function findNewest(first: SpecConfiguration, log: SpecLog, index: number): Placed {
  const at = log.slice(0, index).findLastIndex((entry) => entry.configuration !== undefined);
  return { index: at + 1, configuration: log[at]?.configuration ?? first };
}

function halvesOf({ voters, outgoing }: SpecConfiguration): readonly (readonly Server[])[] {
  return outgoing === null ? [voters] : [voters, outgoing];
}

/** Of either half. */
export function isVoterOf(configuration: SpecConfiguration, server: Server): boolean {
  return halvesOf(configuration).flat().includes(server);
}

/** More than half of each half are among them. */
export function isByMajority(
  configuration: SpecConfiguration,
  has: (server: Server) => boolean,
): boolean {
  return halvesOf(configuration).every((half) => 2 * half.filter(has).length > half.length);
}

export function noteVote(ledger: ConfigurationLedger, server: Server, now: SpecMember): void {
  if (now.votedFor === null) return;
  const key = `${now.currentTerm}/${now.votedFor}`;
  const voters = ledger.votes.get(key) ?? new Set();
  ledger.votes.set(key, voters.add(server));
}

/**
 * A majority voted for who leads, and none of them can vote in this term again after a loss of
 * power. @paper §5.2, §6
 */
export function checkElected(
  ledger: ConfigurationLedger,
  server: Server,
  members: readonly SpecMember[],
): void {
  const now = members[server];
  if (now === undefined) return;
  look(ledger.looks, "elected-by-majority");
  const { currentTerm: term, log } = now;
  const { configuration } = findNewest(ledger.first, log, log.length);
  const voted = ledger.votes.get(`${term}/${server}`) ?? new Set();
  const isSettled = (voter: Server) => {
    const disk = members[voter]?.disk;
    if (disk === undefined || disk.currentTerm < term) return false;
    return disk.currentTerm > term || disk.votedFor === server;
  };
  demand(
    isByMajority(configuration, (voter) => voted.has(voter) && isSettled(voter)),
    "elected-by-majority",
    () => `server ${server} leads term ${term}, for which [${[...voted]}] voted`,
  );
}

/** Who is no voter, neither of the newest nor of the committed, does not stand. @paper §6 */
export function checkStands(
  ledger: ConfigurationLedger,
  server: Server,
  earlier: SpecMember,
  now: SpecMember,
): void {
  if (now.role === "follower") return;
  if (earlier.role !== "follower" && now.currentTerm === earlier.currentTerm) return;
  look(ledger.looks, "voters-only-stand");
  const { log, commitIndex } = now;
  // What another configuration follows is committed, whatever the commit index says.
  const before = findNewest(ledger.first, log, log.length).index - 1;
  const halves = [log.length, Math.max(commitIndex, before)].flatMap((index) =>
    halvesOf(findNewest(ledger.first, log, index).configuration),
  );
  demand(
    halves.some((half) => half.includes(server)),
    "voters-only-stand",
    () => `server ${server} stands in term ${now.currentTerm} and is no voter`,
  );
}

function isSame(left: readonly Server[], right: readonly Server[]): boolean {
  return [...left].sort().join() === [...right].sort().join();
}

export function isSameConfiguration(left: SpecConfiguration, right: SpecConfiguration): boolean {
  return (
    isSame(left.voters, right.voters) &&
    isSame(left.outgoing ?? [-1], right.outgoing ?? [-1]) &&
    isSame(left.learners, right.learners) &&
    isSame(left.removed, right.removed)
  );
}

/** One half stays while the other changes. @paper §6 */
function isStep(before: SpecConfiguration, next: SpecConfiguration): boolean {
  const { voters, outgoing } = next;
  if (voters.length === 0) return false;
  if (before.outgoing !== null) return outgoing === null && isSame(before.voters, voters);
  return isSame(before.voters, outgoing ?? voters);
}

function everyoneIn(configuration: SpecConfiguration): Server[] {
  return [...halvesOf(configuration).flat(), ...configuration.learners];
}

/** Who left is remembered, and does not come back. */
function isForGood(before: SpecConfiguration, next: SpecConfiguration): boolean {
  const all = everyoneIn(next);
  return (
    before.removed.every((server) => next.removed.includes(server) && !all.includes(server)) &&
    everyoneIn(before).every((server) => all.includes(server) || next.removed.includes(server))
  );
}

/** A leader's log has grown: how did configurations follow each other? @paper §6; @thesis §4.1 */
export function checkGrowth(
  ledger: ConfigurationLedger,
  server: Server,
  before: SpecMember,
  now: SpecMember,
): void {
  look(ledger.looks, "removed-lead-no-more");
  const known = findNewest(ledger.first, before.log, before.log.length);
  demand(
    known.index > before.commitIndex || halvesOf(known.configuration).flat().includes(server),
    "removed-lead-no-more",
    () => `server ${server} appends, though its removal is committed`,
  );
  let last = known;
  for (let index = before.log.length + 1; index <= now.log.length; index++) {
    const configuration = now.log[index - 1]?.configuration;
    if (configuration === undefined) continue;
    look(ledger.looks, "changes-in-order");
    const isReady =
      last.configuration.outgoing !== null ||
      now.log[now.commitIndex - 1]?.term === now.currentTerm;
    demand(
      last.index <= now.commitIndex &&
        isReady &&
        isStep(last.configuration, configuration) &&
        isForGood(last.configuration, configuration),
      "changes-in-order",
      () => `entry ${index} of server ${server} does not follow entry ${last.index}`,
    );
    last = { index, configuration };
  }
}
