/**
 * Plants each bug in a copy of the core and counts the seeds until the walk finds it. Exits with 1
 * if a bug survives or cannot be planted any more. `--seeds N` and `--seconds N` per bug, `--only
 * name,name`, `--part k/n` (every n-th).
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Mutant, mutants } from "./mutants.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20000" },
    seconds: { type: "string", default: "60" },
    only: { type: "string", default: "" },
    part: { type: "string", default: "0/1" },
  },
});

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../../../..");

/** What the walk said: which seed found it and how; null: nothing found. */
interface Finding {
  readonly seeds: number;
  readonly how: string;
}

/** A tree with just what the walk needs: the core, its base, and the walk. */
function createCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), "walk-mutants-"));
  for (const part of ["src/base", "src/core", "test/walk"]) {
    cpSync(join(root, "packages/raft", part), join(copy, "packages/raft", part), {
      recursive: true,
    });
  }
  writeFileSync(join(copy, "package.json"), '{ "type": "module", "private": true }\n');
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Puts the bug in; gives back how to take it out again. */
function plant(copy: string, mutant: Mutant): () => void {
  const originals = new Map<string, string>();
  for (const { file, search, replace } of mutant.patches) {
    const path = join(copy, "packages/raft/src", file);
    const source = readFileSync(path, "utf8");
    if (!originals.has(path)) originals.set(path, source);
    const count = source.split(search).length - 1;
    if (count !== 1) {
      throw new Error(`Cannot plant ${mutant.name}: ${file} has ${count} places like ${search}`);
    }
    writeFileSync(
      path,
      source.replace(search, () => replace),
    );
  }
  return () => {
    for (const [path, source] of originals) writeFileSync(path, source);
  };
}

function walk(copy: string, seeds: number): Finding | null {
  const script = join(copy, "packages/raft/test/walk/main.ts");
  const limits = ["--seeds", String(seeds), "--seconds", values.seconds];
  const run = spawnSync(process.execPath, ["--import", "tsx", script, ...limits, "--fail-fast"], {
    cwd: copy,
    encoding: "utf8",
    timeout: (Number(values.seconds) + 30) * 1000,
  });
  const found = /^seed (\d+), step \d+: (.*); replay/m.exec(run.stdout);
  if (found !== null) return { seeds: Number(found[1]), how: found[2] ?? "" };
  if (run.status !== 0) throw new Error(`The walk ended with ${run.status}: ${run.stderr}`);
  return null;
}

function chosen(): readonly Mutant[] {
  const names = values.only === "" ? [] : values.only.split(",");
  const [part, parts] = values.part.split("/").map(Number);
  return mutants.filter(
    (mutant, at) =>
      (names.length === 0 || names.includes(mutant.name)) && at % (parts ?? 1) === (part ?? 0),
  );
}

function main(): void {
  const copy = createCopy();
  let survivors = 0;
  try {
    const control = walk(copy, 50);
    if (control !== null) throw new Error(`The walk fails without any bug: ${control.how}`);
    for (const mutant of chosen()) {
      const restore = plant(copy, mutant);
      const finding = walk(copy, Number(values.seeds));
      restore();
      if (finding === null) survivors++;
      const seeds = finding === null ? "SURVIVED" : `seed ${finding.seeds}`;
      process.stdout.write(
        `${mutant.name.padEnd(32)} ${seeds.padStart(10)}  ${finding?.how ?? mutant.bug}\n`,
      );
    }
  } finally {
    rmSync(copy, { recursive: true });
  }
  process.exitCode = survivors > 0 ? 1 : 0;
}

main();
