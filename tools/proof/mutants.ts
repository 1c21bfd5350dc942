/**
 * `npm run mutants`: plants each bug in the sources, one at a time, and counts the seeds until the
 * simulator finds it. Exits with 1 if a bug survives or cannot be planted any more.
 *
 *   npm run mutants -- --list            names them
 *   npm run mutants -- --only a,b        these
 *   npm run mutants -- --rotate 10       ten, others with each commit
 *   npm run mutants                      all of them, and writes docs/mutants.md and the ledger
 *
 *   npm run mutants -- --corpus          and stores a short list of actions that finds each
 *
 * Also: `--seeds N`, `--minutes M` (each; more is a survivor), `--off NAME` (a check that only
 * counts), `--json`, `--no-ledger`. The last line is JSON.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { obey, readCommand, UsageError } from "./command.ts";
import { addToLedger, stamp } from "./ledger.ts";
import { type Mutant, mutants, slowMutants } from "./mutants/index.ts";
import { bundle } from "./plant.ts";
import { runPool } from "./pool.ts";
import type { SeedFailure } from "./summary.ts";

const command = {
  name: "npm run mutants --",
  does: "plants bugs, one at a time, and counts the seeds until the simulator finds each",
  options: {
    list: { type: "boolean", default: false, does: "name them" },
    only: { type: "string", default: "", value: "NAMES", does: "these: a,b" },
    rotate: { type: "string", value: "N", does: "so many, others with each commit" },
    seeds: { type: "string", default: "20000", value: "N", does: "more for one is a survivor" },
    minutes: { type: "string", default: "3", value: "M", does: "more for one is a survivor" },
    off: { type: "string", default: "", value: "NAMES", does: "checks that only count" },
    corpus: {
      type: "boolean",
      default: false,
      does: "store short lists of actions that find them",
    },
    workers: { type: "string", default: `${cpus().length}`, value: "N", does: "processes" },
    ledger: { type: "boolean", default: true, does: "write it down; --no-ledger does not" },
    json: { type: "boolean", default: false, does: "print the last line only" },
  },
} as const;

const values = readCommand(command);

const here = fileURLToPath(new URL(".", import.meta.url));

interface Row {
  readonly mutant: Mutant;
  /** Null: it survived. */
  readonly finding: SeedFailure | null;
  readonly seconds: number;
}

function chosen(): readonly Mutant[] {
  const names = values.only === "" ? [] : values.only.split(",");
  const unknown = names.filter((name) => mutants.every((mutant) => mutant.name !== name));
  if (unknown.length > 0)
    throw new UsageError(`No mutant is called ${unknown.join(", ")}; --list names them`);
  if (names.length > 0) return mutants.filter(({ name }) => names.includes(name));
  return values.rotate === undefined ? mutants : rotate(Number(values.rotate));
}

/** Some of those that are found soon, others with each commit. */
function rotate(count: number): readonly Mutant[] {
  const quick = mutants.filter(({ name }) => !slowMutants.has(name));
  const start = Number.parseInt(stamp().commit.slice(0, 8), 16) || 0;
  const step = Math.max(1, Math.floor(quick.length / count));
  const places = Array.from(
    { length: Math.min(count, quick.length) },
    (_, at) => start + at * step,
  );
  return quick.filter((_, at) => places.some((place) => place % quick.length === at));
}

/** Stores what found a bug of bare cores as a short list of actions: the bundle is still there. */
async function keep(mutant: Mutant, finding: SeedFailure, folder: string): Promise<void> {
  const program = join(folder, "one-seed.mjs");
  await bundle("one-seed.ts", program, mutant.patches);
  const output = resolve(here, "corpus", `${mutant.name}.json`);
  const args = ["--seed", String(finding.seed), "--world", finding.world, "--output", output];
  spawnSync(process.execPath, [program, ...args], { stdio: "ignore" });
}

/** The smallest failing seed that was found before all stopped. */
async function hunt(mutant: Mutant | null, folder: string, seeds: number): Promise<Row["finding"]> {
  const file = join(folder, "child.mjs");
  await bundle("child.ts", file, mutant?.patches ?? []);
  const found: SeedFailure[] = [];
  await runPool({
    first: 1,
    seeds,
    workers: Number(values.workers),
    seconds: Number(values.minutes) * 60,
    world: mutant?.world ?? "cores",
    off: values.off,
    actions: undefined,
    failFast: true,
    bundle: file,
    onFailure: (failure) => found.push(failure),
  });
  found.sort((a, b) => a.seed - b.seed);
  return found[0] ?? null;
}

async function main(): Promise<void> {
  if (values.list) {
    for (const { name, world, bug } of mutants) {
      process.stdout.write(`${name.padEnd(34)} ${world.padEnd(8)} ${bug}\n`);
    }
    process.stdout.write(`${JSON.stringify({ total: mutants.length })}\n`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "quorate-mutants-"));
  if (values.corpus) mkdirSync(resolve(here, "corpus"), { recursive: true });
  const rows: Row[] = [];
  try {
    const control = await hunt(null, folder, 20);
    if (control !== null)
      throw new Error(`The simulator fails without any bug: ${control.message}`);
    for (const mutant of chosen()) {
      const startedMs = performance.now();
      const finding = await hunt(mutant, folder, Number(values.seeds));
      const row = { mutant, finding, seconds: (performance.now() - startedMs) / 1000 };
      rows.push(row);
      if (values.corpus && finding?.world === "cores") await keep(mutant, finding, folder);
      if (!values.json) tell(row);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  finish(rows);
}

function tell({ mutant, finding }: Row): void {
  const seed = finding === null ? "SURVIVED" : `seed ${finding.seed}`;
  process.stdout.write(
    `${mutant.name.padEnd(34)} ${seed.padStart(10)}  ${finding?.message ?? mutant.bug}\n`,
  );
}

function finish(rows: readonly Row[]): void {
  const survivors = rows.filter(({ finding }) => finding === null).map(({ mutant }) => mutant.name);
  const killed = rows.length - survivors.length;
  if (values.ledger && values.off === "") {
    const table = updateTable(rows);
    const names = mutants.map(({ name }) => name);
    const open = names.filter((name) => (table[name]?.seed ?? null) === null);
    const total = names.length;
    addToLedger([
      { kind: "mutants", ...stamp(), total, killed: total - open.length, survivors: open },
    ]);
  }
  const found = Object.fromEntries(
    rows.map(({ mutant, finding }) => [mutant.name, finding?.seed ?? null]),
  );
  process.stdout.write(
    `${JSON.stringify({ total: rows.length, killed, survivors, seedsToKill: found })}\n`,
  );
  process.exitCode = survivors.length > 0 ? 1 : 0;
}

/** What is known of a bug: the seed that found it last, or null for a survivor. */
interface Known {
  readonly seed: number | null;
  readonly invariant: string;
  readonly date: string;
  readonly commit: string;
}

/** Runs may hunt some of the bugs only: the table keeps what is known of the others. */
function updateTable(rows: readonly Row[]): Record<string, Known> {
  const file = resolve(here, "../../docs/mutants.json");
  const before = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, Known>) // written here
    : {};
  const { date, commit } = stamp();
  const table: Record<string, Known> = {};
  for (const { name } of mutants) {
    const row = rows.find(({ mutant }) => mutant.name === name);
    const known = before[name];
    if (row !== undefined) {
      const { finding } = row;
      const [seed, invariant] = [finding?.seed ?? null, finding?.invariant ?? ""];
      table[name] = { seed, invariant, date, commit };
    } else if (known !== undefined) {
      table[name] = known;
    }
  }
  const lines = Object.entries(table).map(
    ([name, known]) => `  "${name}": ${JSON.stringify(known)}`,
  );
  writeFileSync(file, `{\n${lines.join(",\n")}\n}\n`);
  writeFileSync(resolve(here, "../../docs/mutants.md"), describeTable(table));
  return table;
}

function describeTable(table: Readonly<Record<string, Known>>): string {
  const lines = mutants.map(({ name, world, bug }) => {
    const known = table[name];
    const seed = known === undefined ? "not hunted" : (known.seed ?? "**survived**");
    const by = known?.invariant ?? "";
    const when = known === undefined ? "" : `${known.date}, ${known.commit}`;
    return `| ${name} | ${world} | ${bug} | ${seed} | ${by} | ${when} |`;
  });
  return [
    "# Planted bugs",
    "",
    "Written by `npm run mutants`; do not edit. Each is a patch of the sources that only the",
    "test's build sees. Seeds are counted from 1.",
    "",
    "| Name | World | Bug | Found by seed | By | Last hunted |",
    "| --- | --- | --- | ---: | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

await obey(command, main);
