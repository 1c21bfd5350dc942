import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { specProperties } from "./property.ts";
import { type RandomWorld, type RandomWorldOptions, runRandomWorld } from "./random-worlds.ts";

type Features = Pick<RandomWorldOptions, "membership">;

const stackTraceLimit = Error.stackTraceLimit;

beforeAll(() => {
  // Refusals are thrown by the hundred thousand; their stacks cost more than all else.
  Error.stackTraceLimit = 0;
});

afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

function runWorld(seed: number, servers: number, features: Features = {}): RandomWorld {
  return runRandomWorld({ random: createRandom(seed, servers), servers, steps: 4000, ...features });
}

const actions = [
  "addServer",
  "changeConfiguration",
  "startPreVote",
  "timeout",
  "stepDown",
  "raiseTerm",
  "updateTerm",
  "grantVote",
  "countVote",
  "countOwnVote",
  "becomeLeader",
  "clientRequest",
  "acceptEntries",
  "countAcknowledgement",
  "lowerMatch",
  "advanceCommit",
  "learnCommit",
  "apply",
  "startRound",
  "registerRead",
  "confirmRead",
  "write",
  "sync",
  "restart",
  "loseEntries",
  "stopAbstaining",
  "send request-vote",
  "send request-vote-response",
  "send append-entries",
  "send append-entries-response",
  "send read-index",
  "send read-index-response",
];

/** These are allowed at any time. */
const neverRefused = ["stepDown", "write"];

describe("random worlds", () => {
  it("keep every promise, and come to every action, refusal and property", () => {
    const done = new Set<string>();
    const refused = new Set<string>();
    const evaluated = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      for (const servers of [1, 2, 3, 4, 5]) {
        for (const features of [{}, { membership: true }]) {
          const world = runWorld(seed, servers, features);
          for (const name of world.done.keys()) done.add(name);
          for (const name of world.refused.keys()) refused.add(name);
          for (const [name, count] of world.evaluated) if (count > 0) evaluated.add(name);
        }
      }
    }
    expect([...done].sort()).toEqual([...actions].sort());
    const refusable = actions.filter((name) => !neverRefused.includes(name));
    expect([...refused].sort()).toEqual(refusable.sort());
    expect([...evaluated].sort()).toEqual([...specProperties].sort());
  });

  it("are the same for the same seed", () => {
    const one = runWorld(7, 3);
    const again = runWorld(7, 3);
    expect([...again.done]).toEqual([...one.done]);
    expect([...again.refused]).toEqual([...one.refused]);
  });
});
