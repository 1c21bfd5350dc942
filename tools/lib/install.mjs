/**
 * Brings `node_modules` in line with `package-lock.json`, and does nothing where it is already.
 * Dependency-free: this is the first thing that runs on a bare clone. Called by start, test, check.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describeMs, run } from "./run.mjs";

/** A first install takes seconds to a few minutes, by the network. */
const installLimitMs = 15 * 60_000;

/**
 * @typedef {Record<string, { version?: string, resolved?: string, optional?: boolean, link?:
 * boolean }>} LockedPackages
 */

/**
 * Says what is missing, or null where every package of the lock file is there in its version.
 * Compares contents, not times: a checkout or an `npm install` touches the lock file without
 * changing it.
 *
 * @param {string} root folder of the workspace
 * @returns {string | null}
 */
export function describeStaleInstall(root) {
  const lock = readPackages(join(root, "package-lock.json"));
  if (lock === null) return "there is no readable package-lock.json";
  const installed = readPackages(join(root, "node_modules", ".package-lock.json"));
  if (installed === null) return "nothing is installed yet";
  for (const [path, wanted] of Object.entries(lock)) {
    if (!path.includes("node_modules/")) continue;
    const found = installed[path];
    if (found === undefined && wanted.optional === true) continue;
    if (found === undefined || !existsSync(join(root, path))) return `${path} is missing`;
    if (found.version !== wanted.version) {
      return `${path} is ${found.version}, not ${wanted.version}`;
    }
  }
  const extra = Object.keys(installed).find((path) => lock[path] === undefined);
  return extra === undefined ? null : `${extra} is not in package-lock.json`;
}

/**
 * @param {string} file
 * @returns {LockedPackages | null}
 */
function readPackages(file) {
  try {
    const packages = JSON.parse(readFileSync(file, "utf8")).packages;
    return typeof packages === "object" ? packages : null;
  } catch {
    return null; // absent or half written: either way it has to be made anew
  }
}

/**
 * Installs if needed; progress goes to stderr.
 *
 * @param {string} root
 * @returns {Promise<boolean>} false after a failure, which has been reported
 */
export async function ensureInstalled(root) {
  const reason = describeStaleInstall(root);
  if (reason === null) return true;
  process.stderr.write(`Installing packages (${reason}) ...\n`);
  const startMs = performance.now();
  const npm = npmCommand();
  const args = [...npm.args, "ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const result = await run(npm.program, args, { cwd: root, limitMs: installLimitMs });
  const took = describeMs(performance.now() - startMs);
  if (result.code === 0) {
    process.stderr.write(`Installed in ${took}.\n`);
    const still = describeStaleInstall(root);
    if (still !== null) {
      process.stderr.write(
        `package-lock.json does not fit package.json (${still}): ` +
          "run `npm install` and commit it.\n",
      );
    }
    return true;
  }
  const why = result.timedOut ? "took too long" : `failed with code ${result.code}`;
  process.stderr.write(
    `Cannot install: \`npm ci\` ${why} after ${took}. It said:\n` +
      `${describeOutput(result.output)}\nCheck the network, then run \`npm ci\` by hand.\n`,
  );
  return false;
}

/**
 * The first and last lines: npm says what is wrong first where it goes on with its usage.
 *
 * @param {string} output
 */
export function describeOutput(output) {
  const lines = output.trimEnd().split("\n");
  if (lines.length <= 24) return lines.join("\n");
  return [...lines.slice(0, 12), "...", ...lines.slice(-12)].join("\n");
}

/**
 * How to run npm: the one that runs us where there is one, else the one on the path.
 *
 * @returns {{ program: string, args: string[] }}
 */
export function npmCommand() {
  const script = process.env["npm_execpath"];
  if (script?.endsWith("npm-cli.js") && existsSync(script)) {
    return { program: process.execPath, args: [script] };
  }
  return { program: process.platform === "win32" ? "npm.cmd" : "npm", args: [] };
}
