/**
 * `npm run build`: compiles both packages (incremental) and removes from `dist` what no longer has
 * a source, so that a deleted module cannot be packed or imported by accident. Errors go to stderr,
 * nothing to stdout.
 */
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureInstalled } from "./lib/install.mjs";
import { requireNode } from "./lib/node-version.mjs";
import { programs, root } from "./lib/programs.mjs";
import { run } from "./lib/run.mjs";

const packages = ["packages/raft", "packages/quorate"];
const buildLimitMs = 5 * 60_000;
/** What the compiler makes of one source file. */
const outputEndings = [".d.ts.map", ".d.ts", ".js.map", ".js"];

/**
 * Builds both packages.
 *
 * @returns {Promise<boolean>} false after errors, which have been reported on stderr
 */
export async function build() {
  for (const path of packages) removeOrphans(join(root, path));
  const args = [...programs.tsc, "-b", ...packages];
  const result = await run(process.execPath, args, { cwd: root, limitMs: buildLimitMs });
  process.stderr.write(result.output);
  if (result.timedOut) process.stderr.write("The build took too long and was stopped.\n");
  const cli = join(root, "packages/quorate/dist/cli/main.js");
  if (existsSync(cli)) chmodSync(cli, 0o755); // npm linked it before it was there
  return result.code === 0;
}

/**
 * Removes outputs without a source.
 *
 * @param {string} folder of a package
 * @returns {string[]} the paths removed, below `dist`
 */
export function removeOrphans(folder) {
  const dist = join(folder, "dist");
  if (!existsSync(dist)) return [];
  const removed = [];
  for (const path of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    const ending = outputEndings.find((candidate) => path.endsWith(candidate));
    if (ending === undefined) continue;
    const source = join(folder, "src", `${path.slice(0, -ending.length)}.ts`);
    if (existsSync(source)) continue;
    rmSync(join(dist, path));
    removed.push(path);
  }
  return removed;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  requireNode();
  const isBuilt = (await ensureInstalled(root)) && (await build());
  process.exitCode = isBuilt ? 0 : 1;
}
