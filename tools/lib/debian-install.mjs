/**
 * Brings the Debian programs that some tests need, where that is wanted: on CI, or when the user
 * says so. Dependency-free; called by `tools/test.mjs`. Tests look the programs up through
 * `tools/debian-programs.ts`.
 */
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "./programs.mjs";
import { describeMs, lastLines, run } from "./run.mjs";

const aptLimitMs = 10 * 60_000;

/**
 * @returns {boolean} whether this is a run of continuous integration, where nothing may be left out
 */
export function isCI() {
  return isSet(process.env["CI"]);
}

/** @param {string | undefined} value of an environment variable */
export function isSet(value) {
  return value !== undefined && value !== "" && value !== "false" && value !== "0";
}

/**
 * Installs what is missing if `install`, else says what is left out and how to bring it.
 *
 * @param {{ install: boolean }} options
 * @returns {Promise<boolean>} false if an installation was wanted and failed; reported on stderr
 */
export async function ensureDebianPrograms({ install }) {
  const missing = missingPrograms();
  if (missing.length === 0) return true;
  const packages = missing.map((program) => program.package);
  const command = `apt-get update && apt-get install -y ${packages.join(" ")}`;
  if (!install) {
    for (const program of missing) {
      process.stdout.write(`Left out: tests that need ${program.name} (${program.use}).\n`);
    }
    process.stdout.write(`To run them too: \`npm test -- --install\`, or: ${command}\n`);
    return true;
  }
  process.stdout.write(`Installing Debian packages: ${packages.join(", ")} ...\n`);
  const startMs = performance.now();
  const failure = await aptInstall(packages);
  const took = describeMs(performance.now() - startMs);
  if (failure === null) {
    process.stdout.write(`Installed in ${took}.\n`);
    return true;
  }
  process.stderr.write(`Cannot install Debian packages (${took}): ${failure}\nTry: ${command}\n`);
  return false;
}

/**
 * @param {readonly string[]} packages
 * @returns {Promise<string | null>} what went wrong
 */
async function aptInstall(packages) {
  const isRoot = process.getuid?.() === 0;
  const before = isRoot ? [] : ["sudo", "-n"];
  const steps = [
    ["apt-get", "update", "-q"],
    ["apt-get", "install", "-y", "-q", "--no-install-recommends", ...packages],
  ];
  for (const step of steps) {
    const [program = "", ...args] = [...before, "env", "DEBIAN_FRONTEND=noninteractive", ...step];
    const result = await run(program, args, { cwd: root, limitMs: aptLimitMs });
    if (result.code === 0) continue;
    const why = result.timedOut ? "took too long" : `failed with code ${result.code}`;
    return `\`${step.join(" ")}\` ${why}\n${lastLines(result.output, 20)}`;
  }
  const still = missingPrograms().map((program) => program.name);
  return still.length === 0 ? null : `still not on the path: ${still.join(", ")}`;
}

function missingPrograms() {
  const file = join(root, "tools", "debian-programs.json");
  /** @type {Record<string, { package: string, use: string }>} */
  const table = JSON.parse(readFileSync(file, "utf8"));
  return Object.entries(table)
    .map(([name, program]) => ({ name, ...program }))
    .filter((program) => !isOnPath(program.name));
}

/** @param {string} name */
function isOnPath(name) {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return folder !== "";
    } catch {
      return false; // absent here: the next folder may have it
    }
  });
}
