/**
 * The specification's guards, weakened one at a time in copies of the source: each must let through
 * what breaks a promise of the paper. It proves that the guards are needed, that the properties see
 * it, and that random worlds come to where it matters.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import type * as spec from "./index.ts";
import { specProperties } from "./property.ts";

interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly search: string;
  readonly replace: string;
  readonly servers?: number;
  /** In worlds whose members come and go. */
  readonly membership?: boolean;
  /** Where the search begins: the bug was found there before. */
  readonly seed?: number;
}

const mutants: readonly Mutant[] = [
  {
    name: "a vote for everybody who asks",
    file: "elections.ts",
    search: "if (term === currentTerm && votedFor !== null && votedFor !== from)",
    replace: "if (false)",
  },
  {
    name: "a vote for an older log",
    file: "elections.ts",
    search: "if (lastTerm < own.term || (lastTerm === own.term && lastIndex < own.index))",
    replace: "if (false)",
  },
  {
    name: "a longer log of an older term wins",
    file: "elections.ts",
    search: "if (lastTerm < own.term || (lastTerm === own.term && lastIndex < own.index))",
    replace: "if (lastIndex < own.index)",
  },
  {
    name: "a vote in another term than its own",
    file: "elections.ts",
    search: "if (pre ? term < currentTerm : term !== currentTerm)",
    replace: "if (pre && term < currentTerm)",
    seed: 615,
  },
  {
    name: "an older term is adopted",
    file: "elections.ts",
    search: "if (message.term <= currentTerm)",
    replace: "if (message.term === currentTerm)",
  },
  {
    name: "the own term is adopted, and the vote forgotten",
    file: "elections.ts",
    search: "if (message.term <= currentTerm)",
    replace: "if (message.term < currentTerm)",
  },
  {
    name: "half elects",
    file: "elections.ts",
    search: "!isQuorum(configuration, votesGranted)",
    replace: "votesGranted.size < Math.floor(configuration.voters.length / 2)",
  },
  {
    name: "a vote for another term counts",
    file: "elections.ts",
    search: "if (campaignTerm !== term)",
    replace: "if (campaignTerm > term)",
  },
  {
    name: "a refused vote counts",
    file: "elections.ts",
    search: "if (!granted)",
    replace: "if (false)",
  },
  {
    name: "a pre-vote counts as a vote",
    file: "elections.ts",
    search: "const { pre, granted, from, campaignTerm } = response;",
    replace: "const { granted, from, campaignTerm } = response; const pre = false;",
  },
  {
    name: "the own vote counts before it is on disk",
    file: "elections.ts",
    search: "if (disk.currentTerm !== currentTerm || disk.votedFor !== server)",
    replace: "if (false)",
    servers: 1,
  },
  {
    name: "who abstains stands",
    file: "elections.ts",
    search: "  if (abstains) {\n",
    replace: "  if (false) {\n",
    seed: 65,
  },
  {
    name: "who abstains votes",
    file: "elections.ts",
    search: "  if (abstains) refuse(`Who abstains does not vote",
    replace: "  if (false) refuse(`Who abstains does not vote",
  },
  {
    name: "half commits",
    file: "replication.ts",
    search: "!isQuorum(configuration, stored)",
    replace: "stored.size < Math.floor(configuration.voters.length / 2)",
  },
  {
    name: "the leader's disk counts before the entry is on it",
    file: "replication.ts",
    search: "if (isSameEntry(disk.log[index - 1], entry)) stored.add(server);",
    replace: "stored.add(server);",
  },
  {
    name: "a leader counts entries of older terms",
    file: "replication.ts",
    search: "if (entry.term !== currentTerm)",
    replace: "if (false)",
    seed: 117,
  },
  {
    name: "a leader replaces its last entry",
    file: "replication.ts",
    search: "const longer = [...log, ",
    replace: "const longer = [...log.slice(0, -1), ",
  },
  {
    name: "an answer of another term counts",
    file: "replication.ts",
    search: "if (term !== led.term)",
    replace: "if (false)",
    seed: 326,
  },
  {
    name: "a request of an older term is taken over",
    file: "replication.ts",
    search: "if (term !== currentTerm)",
    replace: "if (false)",
  },
  {
    name: "entries are taken over where the log differs before",
    file: "replication.ts",
    search: "if (termAt(log, prevIndex) !== prevTerm) return;",
    replace: "",
  },
  {
    name: "what conflicts stays",
    file: "replication.ts",
    search: "if (own === undefined || !isSameEntry(own, entry))",
    replace: "if (own === undefined)",
  },
  {
    name: "a follower commits what it has not compared",
    file: "replication.ts",
    search: "if (index > heard.verified)",
    replace: "if (index > log.length)",
  },
  {
    name: "a follower commits all that it compared",
    file: "replication.ts",
    search: "if (index > heard.leaderCommit)",
    replace: "if (false)",
  },
  {
    name: "what is not committed is applied",
    file: "replication.ts",
    search: "if (index > commitIndex)",
    replace: "if (false)",
  },
  {
    name: "a read needs no entry of the leader's term",
    file: "reads.ts",
    search: "if (first === 0)",
    replace: "if (false)",
  },
  {
    name: "a read does not wait for an entry of the leader's term",
    file: "reads.ts",
    search: "Math.max(commitIndex, first)",
    replace: "commitIndex",
  },
  {
    name: "a round from before the read confirms it",
    file: "reads.ts",
    search: "round > pending.round",
    replace: "round >= pending.round",
    seed: 145,
  },
  {
    name: "half confirms a read",
    file: "reads.ts",
    search: "!isQuorum(configuration, answered)",
    replace: "answered.size < Math.floor(configuration.voters.length / 2)",
    seed: 81,
  },
  {
    name: "the disk's commit index is believed",
    file: "disk.ts",
    search: "if (common < commitIndex)",
    replace: "if (disk.log.length < commitIndex)",
  },
  {
    name: "who caught up in the term of its loss votes again",
    file: "disk.ts",
    search: "if (currentTerm <= termOfLoss)",
    replace: "if (false)",
    seed: 292,
  },
  {
    name: "who heard from a newer leader votes again",
    file: "disk.ts",
    search: "if (termAt(log, caughtUp) !== currentTerm)",
    replace: "if (false)",
    seed: 170,
  },
  {
    name: "entries come back that never were",
    file: "disk.ts",
    search: "if (known?.value !== value || known.prevTerm !== (log[kept + at - 1]?.term ?? 0))",
    replace: "if (false)",
    seed: 123,
  },
  {
    name: "a leader lies about the entry before",
    file: "network.ts",
    search: "if (!(prevIndex >= 0) || termAt(led.log, prevIndex) !== prevTerm)",
    replace: "if (!(prevIndex >= 0))",
    seed: 62,
  },
  {
    name: "a vote leaves before it is on disk",
    file: "network.ts",
    search:
      "if (disk.currentTerm < term || (disk.currentTerm === term && disk.votedFor !== candidate))",
    replace: "if (false)",
    seed: 131,
  },
  {
    name: "a vote leaves that was not given",
    file: "network.ts",
    search: "if (vote !== candidate)",
    replace: "if (false)",
    seed: 103,
  },
  {
    name: "an acknowledgement leaves before the entries are on disk",
    file: "network.ts",
    search: "if (outcome.matched > known.onDisk)",
    replace: "if (outcome.matched > known.verified)",
  },
  {
    name: "an acknowledgement of entries that the leader has not",
    file: "network.ts",
    search: "if (outcome.matched > known.onDisk)",
    replace: "if (outcome.matched > memberOf(world, from).disk.log.length)",
    seed: 21,
  },
  {
    name: "a round is answered that was not heard",
    file: "network.ts",
    search: "if (round > (known?.round ?? 0))",
    replace: "if (false)",
    seed: 3565,
  },
  {
    name: "a leader says more is committed than is",
    file: "network.ts",
    search: "if (leaderCommit > led.commitIndex)",
    replace: "if (false)",
  },
  {
    name: "a candidate names another log than its own",
    file: "network.ts",
    search: "if (last === undefined || last.index !== lastIndex || last.term !== lastTerm)",
    replace: "if (last === undefined)",
  },
  {
    name: "a joint configuration elects by its new half",
    file: "elections.ts",
    search: "!isQuorum(configuration, votesGranted)",
    replace: "!isQuorum({ ...configuration, outgoing: null }, votesGranted)",
    membership: true,
  },
  {
    name: "a joint configuration elects by its old half",
    file: "elections.ts",
    search: "!isQuorum(configuration, votesGranted)",
    replace:
      "!isQuorum({ ...configuration, voters: configuration.outgoing ?? configuration.voters }, " +
      "votesGranted)",
    membership: true,
  },
  {
    name: "a joint configuration commits by its new half",
    file: "replication.ts",
    search: "!isQuorum(configuration, stored)",
    replace: "!isQuorum({ ...configuration, outgoing: null }, stored)",
    membership: true,
  },
  {
    name: "a joint configuration commits by its old half",
    file: "replication.ts",
    search: "!isQuorum(configuration, stored)",
    replace:
      "!isQuorum({ ...configuration, voters: configuration.outgoing ?? configuration.voters }, " +
      "stored)",
    membership: true,
  },
  {
    name: "a joint configuration confirms reads by its new half",
    file: "reads.ts",
    search: "!isQuorum(configuration, answered)",
    replace: "!isQuorum({ ...configuration, outgoing: null }, answered)",
    membership: true,
    seed: 1456,
  },
  {
    name: "learners vote",
    file: "configurations.ts",
    search: "const { voters, outgoing } = configuration;\n  return isMajority(voters,",
    replace:
      "const { voters, outgoing, learners } = configuration;\n" +
      "  return isMajority([...voters, ...learners],",
    membership: true,
  },
  {
    name: "who is no voter counts",
    file: "configurations.ts",
    search: "voters.filter((voter) => servers.has(voter)).length > voters.length / 2",
    replace: "servers.size > voters.length / 2",
    membership: true,
  },
  {
    name: "half of the voters are a majority",
    file: "configurations.ts",
    search: "length > voters.length / 2",
    replace: "length >= voters.length / 2",
    membership: true,
  },
  {
    name: "a configuration is in force once it is committed",
    file: "configurations.ts",
    search: "return configurationAt(world, log, log.length);",
    replace: "return configurationAt(world, log, memberOf(world, server).commitIndex);",
    membership: true,
  },
  {
    name: "a change while another is not committed",
    file: "configurations.ts",
    search: "if (at > commitIndex) {",
    replace: "if (false) {",
    membership: true,
  },
  {
    name: "a joint configuration is left before it is committed",
    file: "configurations.ts",
    search: "if (at > commitIndex) {",
    replace: "if (at > commitIndex && configurationOf(world, server).outgoing === null) {",
    membership: true,
  },
  {
    name: "a change before an entry of the leader's term is committed",
    file: "configurations.ts",
    search: "if (now.outgoing === null && termAt(log, commitIndex) !== currentTerm) {",
    replace: "if (false) {",
    membership: true,
  },
  {
    name: "voters change in one step",
    file: "configurations.ts",
    search: "if (!isSame) refuse(",
    replace: "if (false) refuse(",
    membership: true,
  },
  {
    name: "the outgoing half is anybody",
    file: "configurations.ts",
    search: "if (!isSameSet(now.voters, next.outgoing)) {",
    replace: "if (false) {",
    membership: true,
  },
  {
    name: "after a joint configuration comes anything",
    file: "configurations.ts",
    search: "if (next.outgoing !== null || !isSameSet(now.voters, next.voters)) {",
    replace: "if (false) {",
    membership: true,
  },
  {
    name: "who was removed comes back",
    file: "configurations.ts",
    search: "if (voters.includes(server) || learners.includes(server)) {",
    replace: "if (false) {",
    membership: true,
  },
  {
    name: "removals are forgotten",
    file: "configurations.ts",
    search: "if (!removed.includes(server)) refuse(",
    replace: "if (false) refuse(",
    membership: true,
  },
  {
    name: "who is gone was not removed",
    file: "configurations.ts",
    search: "if (!membersOf(next).has(server) && !removed.includes(server)) {",
    replace: "if (false) {",
    membership: true,
  },
  {
    name: "nobody votes",
    file: "configurations.ts",
    search: "if (voters.length === 0) refuse(",
    replace: "if (false) refuse(",
    membership: true,
  },
  {
    name: "a removed leader goes on",
    file: "replication.ts",
    search: 'checkStillLeads(world, server, "§6, a leader that was removed takes no requests");',
    replace: "",
    membership: true,
  },
  {
    name: "a leader counts as removed too late",
    file: "configurations.ts",
    search: "findConfiguration(log, log.length) <= commitIndex &&",
    replace: "findConfiguration(log, log.length) < commitIndex &&",
    membership: true,
  },
  {
    name: "who is no voter stands",
    file: "elections.ts",
    search: "if (!isVoter(own, server) && !isVoter(committed, server)) {",
    replace: "if (false) {",
    membership: true,
  },
];

const here = fileURLToPath(new URL(".", import.meta.url));

/** The specification from sources of which one has the bug in it. */
async function load(mutant?: Mutant): Promise<typeof spec> {
  const planted = {
    name: "planted",
    setup: (
      host: Parameters<NonNullable<Parameters<typeof build>[0]["plugins"]>[0]["setup"]>[0],
    ) => {
      host.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        if (mutant === undefined || path !== `${here}${mutant.file}`) {
          return { contents: source, loader: "ts" };
        }
        expect(source.split(mutant.search), `places for "${mutant.name}"`).toHaveLength(2);
        const contents = source.replace(mutant.search, () => mutant.replace);
        return { contents, loader: "ts" };
      });
    },
  };
  const built = await build({
    entryPoints: [`${here}index.ts`],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "spec",
    plugins: [planted],
  });
  const code = built.outputFiles[0]?.text ?? "";
  // The bundle's global is the module that `index.ts` describes.
  return new Function(`${code}; return spec;`)() as typeof spec;
}

/**
 * Worlds for each mutant; the slowest needs some four thousand from seed 1. With SPEC_MUTANTS=N: N
 * of them, and what was found is printed.
 */
const worldsMax = Number(process.env["SPEC_MUTANTS"] ?? 500);

/** The first world in which a promise is broken, and which; null: none in so many worlds. */
function findViolation(
  { runRandomWorld, PropertyViolation }: typeof spec,
  { servers: always, seed: first = 1, membership = false }: Partial<Mutant>,
  worlds: number,
): { readonly seed: number; readonly property: string } | null {
  for (let seed = first; seed < first + worlds; seed++) {
    try {
      const servers = always ?? (membership ? 3 + (seed % 3) : seed % 4 === 0 ? 2 : 3);
      const random = createRandom(seed, servers);
      runRandomWorld({ random, servers, steps: 4000, membership });
    } catch (error) {
      if (error instanceof PropertyViolation) return { seed, property: error.property };
      throw error;
    }
  }
  return null;
}

const kills = new Set<string>();
const stackTraceLimit = Error.stackTraceLimit;

beforeAll(() => {
  // Refusals are thrown by the hundred thousand; their stacks cost more than all else.
  Error.stackTraceLimit = 0;
});

afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe("mutants of the specification", () => {
  it("without a bug, no promise is broken", async () => {
    expect(findViolation(await load(), {}, 60)).toBeNull();
    expect(findViolation(await load(), { membership: true }, 60)).toBeNull();
  });

  it.each(mutants)("$name", async (mutant) => {
    const found = findViolation(await load(mutant), mutant, worldsMax);
    expect(found, `survives ${worldsMax} worlds from ${mutant.seed ?? 1}`).not.toBeNull();
    kills.add(found?.property ?? "");
    if (process.env["SPEC_MUTANTS"]) console.log(JSON.stringify({ name: mutant.name, ...found }));
  });

  it("need every property", () => {
    expect([...kills].sort()).toEqual([...specProperties].sort());
  });
});
