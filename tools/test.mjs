/**
 * `npm test`: installs and builds where needed, then runs everything that must hold; the last line
 * is `N passed, N failed`. Dependency-free; runs on a bare clone.
 *
 *   npm test                      everything
 *   npm test -- --unit            without the tests that start processes, and without packing
 *   npm test -- election          only tests whose file matches; further arguments go to Vitest
 *   npm test -- --install         brings missing Debian programs first (as CI does; or
 *   QUORATE_INSTALL=1)
 */
import { ensureDebianPrograms, isCI, isSet } from "./lib/debian-install.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { requireNode } from "./lib/node-version.mjs";
import { root } from "./lib/programs.mjs";
import { buildStage, checkStages, packStage, runStages, vitestStage } from "./lib/stages.mjs";
import { describeTally, exitCodeOf } from "./lib/tally.mjs";

const ownOptions = ["--unit", "--install"];

/** @returns {Promise<import("./lib/tally.mjs").Tally>} */
async function test() {
  const args = process.argv.slice(2);
  const filters = args.filter((arg) => !ownOptions.includes(arg));
  const isUnit = args.includes("--unit");
  const install = args.includes("--install") || isCI() || isSet(process.env["QUORATE_INSTALL"]);
  const isReady =
    (await ensureInstalled(root)) && (isUnit || (await ensureDebianPrograms({ install })));
  if (!isReady) return { passed: 0, failed: 1, skipped: 0 };
  return runStages(chooseStages(isUnit, filters));
}

/**
 * @param {boolean} isUnit
 * @param {readonly string[]} filters
 */
function chooseStages(isUnit, filters) {
  const unit = vitestStage("unit", filters);
  const system = vitestStage("system", filters);
  if (filters.length > 0) return [buildStage, unit, ...(isUnit ? [] : [system])];
  return [buildStage, ...checkStages, unit, ...(isUnit ? [] : [system, packStage])];
}

requireNode();
const tally = await test();
process.exitCode = exitCodeOf(tally);
process.stdout.write(`${describeTally(tally)}\n`);
