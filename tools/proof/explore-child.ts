/**
 * One model, explored until something breaks: the part of `explore-mutants.ts` that is built with a
 * bug in it. Arguments: the model's name, and the number of states after which to give up. Writes
 * one line of JSON.
 */
import { explore, formatCounterexample } from "../../packages/raft/src/sim/explorer/index.ts";
import { raftModels } from "../../packages/raft/src/sim/explorer/raft/index.ts";

/** What came of it. */
export interface ExploreFinding {
  /** Null: nothing was found. */
  readonly violation: string | null;
  readonly steps: number;
  readonly distinct: number;
  readonly trace: string;
}

function main(): void {
  const [, , name = "", statesMax = ""] = process.argv;
  const create = raftModels[name];
  if (create === undefined) throw new Error(`No model is called ${name}`);
  const result = explore(create(), { statesMax: Number(statesMax) });
  const { distinct } = result.statistics;
  const finding: ExploreFinding =
    result.kind === "violation"
      ? {
          violation: result.counterexample.violation,
          steps: result.counterexample.steps.length,
          distinct,
          trace: formatCounterexample(result.counterexample),
        }
      : { violation: null, steps: 0, distinct, trace: "" };
  process.stdout.write(`${JSON.stringify(finding)}\n`);
}

main();
