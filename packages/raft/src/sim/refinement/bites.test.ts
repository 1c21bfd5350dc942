/**
 * Proof that the refinement can fail: bugs planted in a copy of the core, each of which it reports
 * while no invariant is looking. Some of them break no invariant at all: they are only not Raft.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as cores from "../cores/index.ts";
import type * as violation from "../violation.ts";
import type * as refinement from "./index.ts";

interface Bug {
  readonly name: string;
  /** What the refinement says of it. */
  readonly says: RegExp;
  /** File below `core`, what is there, what is put there. */
  readonly patches: readonly (readonly [file: string, search: string, replace: string])[];
}

const bugs: readonly Bug[] = [
  {
    name: "commits without a majority",
    says: /refuses advanceCommit/,
    patches: [
      [
        "commitment.ts",
        "quorumValue(raft.configuration, (id) => matchedOf(raft, id)) as LogIndex",
        "raft.durableIndex",
      ],
    ],
  },
  {
    name: "votes for a shorter log",
    says: /refuses grantVote/,
    patches: [
      [
        "election.ts",
        'isUpToDate(request.last, voter.last) ? null : "log-behind"',
        "null as VoteRefusal | null",
      ],
    ],
  },
  {
    name: "forgets its vote when it steps down",
    says: /it voted for null/,
    patches: [
      [
        "roles.ts",
        'raft.role = "follower";\n  raft.leader = leader;',
        'raft.role = "follower";\n  raft.leader = leader;\n' +
          "  setHardState(raft, { ...raft.hardState, votedFor: null });",
      ],
      ["state.ts", 'assert(next.votedFor === now.votedFor, "one vote a term"', 'assert(true, ""'],
    ],
  },
  {
    name: "raises its term for no reason",
    says: /tick: its term is/,
    patches: [
      [
        "timers.ts",
        "  raft.electionElapsed++;\n",
        "  raft.electionElapsed++;\n" +
          "  if (raft.nowTick === 9) adoptTerm(raft, (raft.hardState.term + 1) as never, null);\n",
      ],
      [
        "timers.ts",
        'import { startRound } from "./replication.ts";',
        'import { startRound } from "./replication.ts";\nimport { adoptTerm } from "./terms.ts";',
      ],
    ],
  },
  {
    name: "counts its own vote before it is on disk",
    says: /refuses becomeLeader|vote is counted/,
    patches: [
      [
        "election.ts",
        "becomeCandidate(raft, isTransfer);\n  requestVotes(raft);",
        "becomeCandidate(raft, isTransfer);\n  requestVotes(raft);\n  onOwnVoteDurable(raft);",
      ],
      ["roles.ts", "raft.durableUnit >= raft.hardStateUnit", "true"],
    ],
  },
  {
    name: "campaigns without the pre-votes of a majority",
    says: /it campaigns with 1 pre-votes/,
    patches: [["election.ts", "if (!isQuorum(", "if (!current.pre && !isQuorum("]],
  },
  {
    name: "acknowledges what is not on its disk",
    says: /refuses send/,
    patches: [
      [
        "acknowledgement.ts",
        "acknowledge(raft, owed, raft.verified, after);",
        "acknowledge(raft, owed, raft.verified, raft.hardStateUnit);",
      ],
    ],
  },
  {
    name: "cuts its log though nothing conflicts",
    says: /its log has \d+ entries, not \d+/,
    patches: [
      [
        "replication.ts",
        "if (first === undefined) return;\n",
        "if (first === undefined) {\n" +
          "    const end = request.prev.index + entries.length + 1;\n" +
          "    if (end <= lastIndex(raft.log)) removeFrom(raft, end as LogIndex);\n" +
          "    return;\n  }\n",
      ],
      ["replication.ts", "from > raft.commit", "true"],
    ],
  },
  {
    name: "raises a match index by an answer of an older term",
    says: /it believes n\d to have \d+, not \d+/,
    patches: [["replication.ts", "  if (response.term < raft.hardState.term) return;\n", ""]],
  },
  {
    name: "tells followers to commit what is not committed",
    says: /refuses send/,
    patches: [
      ["replication.ts", "      commit: raft.commit,\n", "      commit: lastIndex(raft.log),\n"],
    ],
  },
  {
    name: "confirms reads by the answers to the round before",
    says: /refuses confirmRead/,
    patches: [
      ["reads.ts", "if (read.round > confirmed) break;", "if (read.round > confirmed + 1) break;"],
    ],
  },
  {
    name: "does not store that it removed entries",
    says: /what was handed to its disk has/,
    patches: [["take.ts", "    truncateFrom,\n", "    truncateFrom: null,\n"]],
  },
  {
    name: "resigns because one connection ended",
    says: /peer-unreachable n\d: it is follower, not leader/,
    patches: [
      [
        "replication.ts",
        "raft.reachable.delete(peer);",
        "raft.reachable.delete(peer);\n" +
          "  if (raft.leadership !== null) becomeFollower(raft, null);",
      ],
    ],
  },
  {
    name: "votes though its log may lack what it acknowledged",
    says: /refuses grantVote: Who abstains/,
    patches: [["election.ts", 'if (voter.mustCatchUp) return "must-catch-up";', ""]],
  },
  {
    name: "begins a change while another is open",
    says: /refuses changeConfiguration/,
    patches: [["membership.ts", "if (isChangePending(raft)) {", "if (false as boolean) {"]],
  },
  {
    name: "demotes a member by removing it",
    says: /demote n\d did something else/,
    patches: [
      [
        "membership-plan.ts",
        "members.set(id, { ...member, isVoter: false });",
        "members.delete(id);\n      removed.add(id);",
      ],
    ],
  },
  {
    name: "obeys a configuration that was removed",
    says: /it obeys/,
    patches: [
      ["replication.ts", "if (from <= raft.configurationIndex) refreshConfiguration(raft);", ""],
      ["check.ts", 'assert(index <= last, "C3: the configuration in force is in the log");', ""],
    ],
  },
  {
    name: "does not tell its host of new members",
    says: /told of other members/,
    patches: [
      ["membership.ts", "raft.outbox.configurationChanged = true;\n}\n\n/** By", "}\n\n/** By"],
    ],
  },
];

/** More than any of them needs. */
const seedsMax = 400;

const source = fileURLToPath(new URL("../..", import.meta.url));

describe("the refinement", () => {
  let folder = "";

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "refinement-bites-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  /** The source with the bug in it. */
  function plant(bug: Bug, at: number): string {
    const copy = join(folder, String(at));
    for (const room of ["base", "core", "sim"]) {
      const isNeeded = (path: string): boolean => !/\.test\.ts$|sim.(hosts|members)/.test(path);
      cpSync(resolve(source, room), join(copy, room), { recursive: true, filter: isNeeded });
    }
    for (const [file, search, replace] of bug.patches) {
      const path = join(copy, "core", file);
      const text = readFileSync(path, "utf8");
      expect(text.split(search).length, `${file}: ${search}`).toBe(2);
      writeFileSync(
        path,
        text.replace(search, () => replace),
      );
    }
    return copy;
  }

  /** The first that the refinement says; invariants only count. */
  async function find(copy: string): Promise<string | null> {
    const load = (path: string): Promise<unknown> =>
      import(/* @vite-ignore */ pathToFileURL(join(copy, "sim", path)).href);
    // A copy of the modules named.
    const { runCores } = (await load("cores/index.ts")) as typeof cores;
    const { createRefinement } = (await load("refinement/index.ts")) as typeof refinement;
    const { invariantIds } = (await load("violation.ts")) as typeof violation;
    for (let seed = 1; seed <= seedsMax; seed++) {
      const { failure } = runCores(seed, {
        snapshots: "never",
        leadership: "never",
        off: new Set(invariantIds),
        observers: [(beginning) => createRefinement({ ...beginning, log: beginning.entries })],
      });
      if (failure?.invariant === "refinement") return `seed ${seed}: ${failure.message}`;
    }
    return null;
  }

  for (const [at, bug] of bugs.entries()) {
    it(`reports a member that ${bug.name}`, async () => {
      const said = await find(plant(bug, at));
      expect(said).toMatch(bug.says);
    });
  }
});
