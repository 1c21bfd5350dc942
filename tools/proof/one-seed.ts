/**
 * Runs one seed, or the file of a failure, and tells all of it: `--seed S`, `--replay FILE`,
 * `--output FILE` (where a shortened failure goes). A program of its own, so that it can be bundled
 * with a bug planted. Exits with 1 if something did not hold.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { replayFile, reportSeed } from "./reproduce.ts";
import { worldNamed } from "./seeds.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    replay: { type: "string" },
    world: { type: "string", default: "both" },
    off: { type: "string", default: "" },
    actions: { type: "string" },
    output: { type: "string" },
    again: { type: "string", default: "" },
  },
});

const isHeld =
  values.replay === undefined
    ? reportSeed(
        Number(values.seed),
        {
          world: worldNamed(values.world),
          off: new Set(values.off.split(",").filter((name) => name !== "")),
          actions: values.actions === undefined ? undefined : Number(values.actions),
        },
        { file: values.output ?? `sim-failure-${values.seed}.json`, again: values.again },
      )
    : replayFile(readFileSync(values.replay, "utf8"));
process.exitCode = isHeld ? 0 : 1;
