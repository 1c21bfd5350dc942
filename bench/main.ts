/**
 * `npm run bench -- NAME [options]`: each benchmark prints one JSON line with `--json`, else a few
 * lines for people. Never run two at a time.
 */

import { parseArguments } from "./arguments.ts";
import { benchCommit } from "./commit.ts";
import { benchFailover } from "./failover.ts";
import { benchPut } from "./put.ts";

const benchmarks: Record<string, (options: ReadonlyMap<string, string>) => Promise<object>> = {
  commit: benchCommit,
  put: benchPut,
  failover: benchFailover,
};

const { name, options } = parseArguments(process.argv.slice(2));
const run = benchmarks[name];
if (run === undefined) {
  console.error(`bench: there is no "${name}". There are: ${Object.keys(benchmarks).join(", ")}`);
  process.exit(2);
}
try {
  const result = await run(options);
  console.log(options.has("json") ? JSON.stringify(result) : JSON.stringify(result, null, 2));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
