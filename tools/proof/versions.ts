/**
 * `npm run sim:versions`: the same seeds in two processes and under another version of Node must
 * come to the same hash of everything that happened. Fetches that Node from npm into a folder of
 * its own. `--seeds N`, `--node 24`. The last line is JSON.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCommand } from "./command.ts";
import { bundle } from "./plant.ts";
import { runPool } from "./pool.ts";

const command = {
  name: "npm run sim:versions --",
  does: "the same seeds in two processes and under another Node come to the same",
  options: {
    seeds: { type: "string", default: "200", value: "N", does: "how many" },
    node: { type: "string", default: "24", value: "N", does: "the other Node's major version" },
    world: { type: "string", default: "both", value: "NAME", does: "cores, members or both" },
  },
} as const;

const values = readCommand(command);

/** Brings Node of this major version; returns the path of its program. */
function fetchNode(folder: string, major: string): string {
  const name = `node-${process.platform}-${process.arch}`;
  const args = ["install", "--prefix", folder, "--ignore-scripts", "--no-save", "--silent"];
  execFileSync("npm", [...args, `${name}@${major}`], { stdio: ["ignore", "ignore", "inherit"] });
  return join(folder, "node_modules", name, "bin", "node");
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "quorate-versions-"));
  try {
    const file = join(folder, "child.mjs");
    await bundle("child.ts", file, []);
    const programs = [process.execPath, process.execPath, fetchNode(folder, values.node)];
    const hashes: number[] = [];
    const versions: string[] = [];
    for (const program of programs) {
      const result = await runPool({
        first: 1,
        seeds: Number(values.seeds),
        workers: 2,
        seconds: 600,
        world: values.world,
        off: "",
        actions: undefined,
        failFast: false,
        bundle: file,
        program,
        onFailure: ({ seed, message }) => process.stdout.write(`seed ${seed}: ${message}\n`),
      });
      hashes.push(result.hash);
      versions.push(execFileSync(program, ["--version"], { encoding: "utf8" }).trim());
    }
    const equal = hashes.every((hash) => hash === hashes[0]);
    const seeds = Number(values.seeds);
    process.stdout.write(`${JSON.stringify({ seeds, versions, hashes, equal })}\n`);
    process.exitCode = equal ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await main();
