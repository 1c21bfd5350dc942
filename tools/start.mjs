/**
 * `npm start`: installs and builds where needed, then becomes `quorate dev` with the arguments
 * given (`npm start --silent -- --json`). Dependency-free; runs on a bare clone.
 *
 * The command line is loaded into this very process, not started as a child: terminal, signals and
 * exit code are its own, nothing has to be passed on, and nothing can be delivered twice by us.
 * Until then stdout stays empty. The script in package.json says `exec`, because a shell between
 * npm and us would take npm's signals for itself and leave the members running.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "./build.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { requireNode } from "./lib/node-version.mjs";
import { root } from "./lib/programs.mjs";

const main = join(root, "packages/quorate/dist/cli/main.js");
/** How often to look whether npm is still there: a person does not notice a second. */
const parentCheckMs = 500;

/** Stops when the npm that started us is gone (`kill -9`): nobody could stop the members then. */
function stopWithParent() {
  if (process.env["npm_lifecycle_event"] !== "start") return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, parentCheckMs);
  timer.unref();
}

requireNode();
if (!(await ensureInstalled(root))) process.exit(1);
if (!(await build())) {
  process.stderr.write("Cannot start: the build failed; the errors are above.\n");
  process.exit(1);
}
if (!existsSync(main)) {
  process.stderr.write(`Cannot start: the build made no ${main}.\n`);
  process.exit(1);
}
stopWithParent();
process.argv = [process.execPath, main, "dev", ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
