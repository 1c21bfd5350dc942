/**
 * `npm run check`: format, lint, types, layers and unit tests, in under a minute. Reads only: it
 * neither builds nor rewrites. `npm run fix` writes what can be fixed; `npm test` runs everything.
 */
import { ensureInstalled } from "./lib/install.mjs";
import { requireNode } from "./lib/node-version.mjs";
import { root } from "./lib/programs.mjs";
import { checkStages, runStages, vitestStage } from "./lib/stages.mjs";
import { describeTally, emptyTally, exitCodeOf } from "./lib/tally.mjs";

requireNode();
const isReady = await ensureInstalled(root);
const tally = isReady
  ? await runStages([...checkStages, vitestStage("unit")])
  : { ...emptyTally, failed: 1 };
process.exitCode = exitCodeOf(tally);
process.stdout.write(`${describeTally(tally)}\n`);
