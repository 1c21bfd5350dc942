/**
 * `npm run topologies`: liveness of the core under every partial connectivity.
 *
 *   --members 3,4            classes of graphs on so many members; 5 takes minutes
 *   --seeds N --first S      seeds of each situation (default 1, from 1 on)
 *   --variety all|few        situations of each graph (default all; few on five members)
 *   --news on|off|both       whether hosts tell of connections (default both)
 *   --part K/N               every N-th class from number K on (from 0)
 *   --calm HOURS             hours without a fault, on three members (default 0: not run)
 *   --list                   names the exceptions
 *   --no-ledger              writes nothing into the ledger
 *   --situation NAME         runs one situation of a report again, with --first and --news
 *
 * Prints a table, then one JSON line. Exits with 0 if everything is as expected, 1 if not, 2 for a
 * bad command.
 */
import {
  describeLinks,
  foresee,
  judge,
  parseSituation,
  runCalm,
  runTopologies,
  runTrial,
  type TopologyReport,
  trialOptionsOf,
  usualTimeouts,
  type Variety,
} from "../../packages/raft/src/sim/topologies/index.ts";

import { readCommand as readOptions, UsageError } from "./command.ts";
import { addToLedger, stamp, type TopologiesEntry } from "./ledger.ts";

const usage = {
  name: "npm run topologies --",
  does: "liveness of the core under every partial connectivity",
  options: {
    members: {
      type: "string",
      default: "3,4",
      value: "N,N",
      does: "graphs on so many; 5: minutes",
    },
    seeds: { type: "string", default: "1", value: "N", does: "seeds of each situation" },
    first: { type: "string", default: "1", value: "S", does: "the first seed" },
    variety: { type: "string", value: "NAME", does: "situations of each graph: all or few" },
    news: {
      type: "string",
      default: "both",
      value: "NAME",
      does: "connections told: on, off, both",
    },
    part: { type: "string", value: "K/N", does: "every N-th class from number K on, from 0" },
    calm: { type: "string", default: "0", value: "HOURS", does: "hours without a fault" },
    list: { type: "boolean", default: false, does: "name the exceptions" },
    situation: { type: "string", value: "NAME", does: "one situation of a report again" },
    "no-ledger": { type: "boolean", default: false, does: "do not write it down" },
  },
} as const;

interface Command {
  readonly members: readonly (3 | 4 | 5)[];
  readonly seeds: number;
  readonly first: number;
  readonly variety: Variety | null;
  readonly news: readonly boolean[];
  readonly part: { readonly index: number; readonly of: number } | null;
  readonly hours: number;
  readonly isListed: boolean;
  readonly situation: string | null;
  readonly isWritten: boolean;
}

function readCommand(): Command {
  const values = readOptions(usage);
  const news = { on: [true], off: [false], both: [false, true] }[values.news];
  if (news === undefined) throw new UsageError(`--news is ${values.news}; say on, off or both`);
  return {
    members: values.members.split(",").map(readMembers),
    seeds: readCount("seeds", values.seeds, 1),
    first: readCount("first", values.first, 0),
    variety: readVariety(values.variety),
    news,
    part: readPart(values.part),
    hours: readCount("calm", values.calm, 0),
    isListed: values.list,
    situation: values.situation ?? null,
    isWritten: !values["no-ledger"],
  };
}

function readMembers(text: string): 3 | 4 | 5 {
  const members = Number(text);
  if (members === 3 || members === 4 || members === 5) return members;
  throw new UsageError(`--members has ${text}; say 3, 4, 5 or several of them with commas`);
}

function readCount(name: string, text: string, least: number): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= least) return count;
  throw new UsageError(`--${name} is ${text}; say a whole number of ${least} or more`);
}

function readVariety(text: string | undefined): Variety | null {
  if (text === undefined || text === "all" || text === "few") return text ?? null;
  throw new UsageError(`--variety is ${text}; say all or few`);
}

function readPart(text: string | undefined): Command["part"] {
  if (text === undefined) return null;
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const part = { index: Number(index), of: Number(of) };
  if (part.index < part.of) return part;
  throw new UsageError(`--part is ${text}; say K/N with K below N, such as 0/4`);
}

function main(): number {
  const command = readCommand();
  if (command.situation !== null) return runAgain(command, command.situation);
  const reports = command.members.flatMap((members) =>
    command.news.map((hasNews) => runOne(command, members, hasNews)),
  );
  const { first, hours } = command;
  const calm = hours > 0 ? runCalm({ members: 3, seed: first, hours }) : null;
  if (calm !== null) {
    const { ticks, elections, terms } = calm;
    say(`${hours} h without a fault: ${ticks} ticks, ${elections} elections`);
    if (terms > 0) say(`  ${terms} new terms`);
  }
  const isSound = reports.every(isAsExpected) && (calm?.terms ?? 0) === 0;
  if (command.isWritten && command.part === null) addToLedger(reports.map(describeEntry));
  const brief = reports.map(({ exceptionNames, ...rest }) => ({
    ...rest,
    exceptionNames: exceptionNames.length,
  }));
  say(JSON.stringify({ kind: "topologies", isSound, reports: brief, calm }));
  return isSound ? 0 : 1;
}

function runOne(command: Command, members: 3 | 4 | 5, hasNews: boolean): TopologyReport {
  const startedMs = performance.now();
  const report = runTopologies({
    members,
    hasNews,
    seeds: command.seeds,
    firstSeed: command.first,
    variety: command.variety ?? (members === 5 ? "few" : "all"),
    ...(command.part === null ? {} : { part: command.part }),
  });
  printReport(report, (performance.now() - startedMs) / 1000);
  if (command.isListed) for (const name of report.exceptionNames) say(`  ${name}`);
  return report;
}

function describeEntry(report: TopologyReport): TopologiesEntry {
  const { members, hasNews, patterns, trials, held, exceptions, settling } = report;
  return {
    kind: "topologies",
    ...stamp(),
    members,
    hasNews,
    classes: patterns,
    cases: trials,
    held,
    exceptions: { ...exceptions },
    timeoutsMax: settling.max,
  };
}

function isAsExpected(report: TopologyReport): boolean {
  return report.failureCount === 0 && report.surprises.length === 0;
}

function printReport(report: TopologyReport, seconds: number): void {
  const { expected, settling, healing, terms } = report;
  const constrained = expected["constrained-by-stale-hub"] + expected["constrained-by-lone-tail"];
  const round = (timeouts: number): string => timeouts.toFixed(2);
  const megasteps = (report.steps / 1e6).toFixed(1);
  say(
    `${report.members} members, ${report.hasNews ? "with" : "without"} news of connections, ` +
      `variety ${report.variety}: ${report.patterns} graphs, ${report.situations} situations, ` +
      `${report.trials} trials, ${megasteps} M steps, ${seconds.toFixed(1)} s`,
  );
  say(`  as expected           ${report.held} of ${report.trials}`);
  say(`  leader stays          ${expected.stays}`);
  say(`  leader elected        ${expected.elects}`);
  say(`  no hub, no leader     ${expected["no-hub"]}`);
  say(`  constrained           ${constrained} ${JSON.stringify(report.exceptions)}`);
  const isUsual = settling.p999 <= usualTimeouts ? "" : ` (hoped: ${usualTimeouts})`;
  say(
    `  timeouts to settle    p50 ${round(settling.p50)}  p99 ${round(settling.p99)}  ` +
      `p99.9 ${round(settling.p999)}${isUsual}  max ${round(settling.max)}`,
  );
  say(
    `  timeouts to heal      p50 ${round(healing.p50)}  p99 ${round(healing.p99)}  ` +
      `p99.9 ${round(healing.p999)}  max ${round(healing.max)}`,
  );
  say(
    `  terms grew at most    ${terms.settling} to settle, ${terms.leaderless} without a leader, ` +
      `${terms.healing} to heal`,
  );
  say(`  led in vain at most   ${round(report.vain)} shortest timeouts`);
  for (const { situation, seed, expected: foreseen, what } of report.failures) {
    say(`  FAILED ${situation} --first ${seed} (${foreseen}): ${what}`);
  }
  for (const surprise of report.surprises) say(`  EXCEPTION ${surprise}`);
}

function runAgain(command: Command, name: string): number {
  let isSound = true;
  for (const hasNews of command.news) {
    const situation = parseSituation(name, hasNews);
    if (situation === null) {
      throw new UsageError(`--situation is ${name}; say one as reports name it: 4/0116 d stale:a`);
    }
    const options = trialOptionsOf({}, command.first);
    const expected = foresee(situation);
    const trial = runTrial(situation, options);
    const wrong = judge(expected, trial, options);
    if (wrong.length > 0) isSound = false;
    say(`${name}: ${describeLinks(situation.graph)}, ${hasNews ? "with" : "without"} news`);
    say(`  ${expected}; ${wrong.length === 0 ? "as expected" : wrong.join("; ")}`);
    say(JSON.stringify({ kind: "trial", name, hasNews, seed: command.first, expected, trial }));
  }
  return isSound ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof TypeError)) throw error;
  process.stderr.write(`topologies: ${error.message}\n`);
  process.exitCode = 2;
}
