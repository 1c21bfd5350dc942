/**
 * Who decides, and how that changes. A configuration is an entry like others, in force from where
 * it stands in a log, so it goes when the entry goes. @paper §6; @thesis chapter 4
 */
import type { Server, SpecConfiguration } from "./specification.ts";
import {
  change,
  checkNoTransfer,
  configurationAt,
  findConfiguration,
  isSameSet,
  isVoter,
  ledNow,
  memberOf,
  refuse,
  termAt,
  type World,
} from "./world.ts";

/** In force on the server. @paper §6 */
export function configurationOf(world: World, server: Server): SpecConfiguration {
  const { log } = memberOf(world, server);
  return configurationAt(world, log, log.length);
}

/**
 * A leader appends a configuration only after a committed one: what another follows is committed.
 */
export function committedConfigurationOf(world: World, server: Server): SpecConfiguration {
  const { log, commitIndex } = memberOf(world, server);
  const before = findConfiguration(log, findConfiguration(log, log.length) - 1);
  return configurationAt(world, log, Math.max(commitIndex, before));
}

function isMajority(voters: readonly Server[], servers: ReadonlySet<Server>): boolean {
  return voters.filter((voter) => servers.has(voter)).length > voters.length / 2;
}

/** A majority, and while joint one of each half. Who is no voter does not count. @paper §6 */
export function isQuorum(configuration: SpecConfiguration, servers: ReadonlySet<Server>): boolean {
  const { voters, outgoing } = configuration;
  return isMajority(voters, servers) && (outgoing === null || isMajority(outgoing, servers));
}

/** In short, for a refusal's sentence. */
export function describeConfiguration(configuration: SpecConfiguration): string {
  const { voters, outgoing, learners } = configuration;
  const joint = outgoing === null ? "" : ` and the outgoing [${outgoing}]`;
  return `the voters [${voters}]${joint}${learners.length > 0 ? `, learners [${learners}]` : ""}`;
}

/**
 * A leader that is not in the newest configuration manages the cluster until that is committed,
 * and no longer. @paper §6
 */
export function checkStillLeads(world: World, server: Server, rule: string): void {
  const { log, commitIndex } = memberOf(world, server);
  const own = configurationOf(world, server);
  if (findConfiguration(log, log.length) <= commitIndex && !isVoter(own, server)) {
    refuse(`${rule}: server ${server} is no voter of the committed ${describeConfiguration(own)}.`);
  }
}

function membersOf({ voters, outgoing, learners }: SpecConfiguration): Set<Server> {
  return new Set([...voters, ...(outgoing ?? []), ...learners]);
}

/** The lists fit together, and who has left does not come back. */
function checkLists(world: World, now: SpecConfiguration, next: SpecConfiguration): void {
  const { voters, outgoing, learners, removed } = next;
  if (voters.length === 0) refuse("§6, a configuration without voters decides nothing.");
  for (const list of [voters, outgoing ?? [], learners, removed]) {
    if (new Set(list).size < list.length) refuse(`§6, [${list}] names a server twice.`);
    for (const server of list) memberOf(world, server);
  }
  for (const server of learners) {
    if (voters.includes(server)) refuse(`§4.2.1, learner ${server} is a voter, too.`);
  }
  for (const server of now.removed) {
    if (!removed.includes(server)) refuse(`Server ${server} was removed, and that is forgotten.`);
  }
  for (const server of removed) {
    if (voters.includes(server) || learners.includes(server)) {
      refuse(`Server ${server} is removed and is a member.`);
    }
  }
  for (const server of membersOf(now)) {
    if (!membersOf(next).has(server) && !removed.includes(server)) {
      refuse(`Server ${server} is gone, and its removal is not remembered.`);
    }
  }
}

/** Joint first, then the new half alone. @paper §6 */
function checkStep(now: SpecConfiguration, next: SpecConfiguration): void {
  const names = `${describeConfiguration(now)} to ${describeConfiguration(next)}`;
  if (now.outgoing !== null) {
    if (next.outgoing !== null || !isSameSet(now.voters, next.voters)) {
      refuse(`§6, after a joint configuration comes its new half alone: ${names}.`);
    }
    for (const server of membersOf(next)) {
      if (!membersOf(now).has(server)) refuse(`§6, leaving adds nobody: ${names}.`);
    }
    return;
  }
  const isSame = isSameSet(now.voters, next.voters);
  if (next.outgoing === null) {
    if (!isSame) refuse(`§6, the voters change by a joint configuration: ${names}.`);
    return;
  }
  if (!isSameSet(now.voters, next.outgoing)) {
    refuse(`§6, the outgoing half are the voters of before: ${names}.`);
  }
  if (isSame) refuse(`§6, a joint configuration changes the voters: ${names}.`);
}

/** @paper §6; @thesis §4.1, §4.3 */
export function changeConfiguration(
  world: World,
  server: Server,
  value: number,
  configuration: SpecConfiguration,
): void {
  const led = ledNow(world, server, "§6, the leader changes the configuration");
  checkStillLeads(world, server, "§6, a leader that was removed changes nothing");
  const { log, commitIndex, currentTerm, transferTo } = memberOf(world, server);
  const at = findConfiguration(log, log.length);
  if (at > commitIndex) {
    refuse(`§6, one change at a time: entry ${at} is not committed, ${commitIndex} are.`);
  }
  const now = configurationOf(world, server);
  if (now.outgoing === null) checkNoTransfer(world, server);
  if (now.outgoing === null && termAt(log, commitIndex) !== currentTerm) {
    refuse(`§4.1, a change begins once an entry of the leader's term ${currentTerm} is committed.`);
  }
  checkStep(now, configuration);
  checkLists(world, now, configuration);
  const longer = [...log, { term: currentTerm, value, configuration }];
  led.log = longer;
  if (transferTo !== null) led.mayTakeOver.delete(transferTo);
  change(world, server, { log: longer });
}
