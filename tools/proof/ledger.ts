/**
 * The ledger of all proofs: what was run, on which commit, and what it came to. Adds up over runs;
 * `docs/ledger.json` is the truth, `docs/ledger.md` the same for people.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Counts } from "./summary.ts";
import { addCounts } from "./summary.ts";

const root = resolve(fileURLToPath(new URL(".", import.meta.url)), "../..");
const file = resolve(root, "docs/ledger.json");
const page = resolve(root, "docs/ledger.md");

export interface SimulationEntry {
  readonly kind: "simulation";
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly world: string;
  readonly firstSeed: number;
  readonly seeds: number;
  readonly steps: number;
  readonly idleTicks: number;
  readonly simulatedMs: number;
  readonly violations: number;
  readonly stepsPerCpuSecond: number;
  readonly evaluations: Counts;
  readonly faults: Counts;
  readonly operations: Counts;
}

export interface ExplorationEntry {
  readonly kind: "exploration";
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly model: string;
  readonly description: string;
  readonly distinct: number;
  readonly generated: number;
  readonly depth: number;
  /** The whole space was seen, or up to which limit. */
  readonly complete: boolean;
  readonly expectedCollisions: number;
  readonly violations: number;
  readonly wallSeconds: number;
  readonly probes: Counts;
}

export interface MutantsEntry {
  readonly kind: "mutants";
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly total: number;
  readonly killed: number;
  readonly survivors: readonly string[];
}

export interface TopologiesEntry {
  readonly kind: "topologies";
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly members: number;
  /** Whether hosts told their cores of connections. */
  readonly hasNews: boolean;
  readonly classes: number;
  readonly cases: number;
  /** Cases that ended as the theory says. */
  readonly held: number;
  readonly exceptions: Counts;
  /** Longest election timeouts until all was settled, in the worst case. */
  readonly timeoutsMax: number;
}

/** A violation that was found in code that shipped or was about to, and what became of it. */
export interface Finding {
  readonly date: string;
  readonly found: string;
  readonly by: string;
  readonly fixed: string;
}

export type LedgerEntry = SimulationEntry | ExplorationEntry | MutantsEntry | TopologiesEntry;

export interface LedgerFile {
  readonly findings: Finding[];
  readonly entries: LedgerEntry[];
}

/** Date, commit (with a plus if the tree is not as committed) and Node of a run that ends now. */
export function stamp(): Pick<LedgerEntry, "date" | "commit" | "node"> {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  let commit = "unknown";
  try {
    const isDirty = git("status", "--porcelain", "--", "packages/raft/src", "tools/proof") !== "";
    commit = `${git("rev-parse", "--short=12", "HEAD")}${isDirty ? "+" : ""}`;
  } catch {
    // not a clone: a package from somewhere
  }
  return { date: new Date().toISOString().slice(0, 10), commit, node: process.version };
}

export function readLedger(): LedgerFile {
  if (!existsSync(file)) return { findings: [], entries: [] };
  return JSON.parse(readFileSync(file, "utf8")) as LedgerFile; // written by this file
}

/** Adds entries, and writes both files. */
export function addToLedger(entries: readonly LedgerEntry[]): void {
  const ledger = readLedger();
  ledger.entries.push(...entries);
  writeLedger(ledger);
}

/** Adds what was found in our own code. */
export function addFinding(finding: Omit<Finding, "date">): void {
  const ledger = readLedger();
  ledger.findings.push({ date: stamp().date, ...finding });
  writeLedger(ledger);
}

function writeLedger(ledger: LedgerFile): void {
  const list = (name: string, rows: readonly unknown[]): string =>
    `  "${name}": [\n${rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n")}\n  ]`;
  const text = [list("findings", ledger.findings), list("entries", ledger.entries)].join(",\n");
  writeFileSync(file, `{\n${text}\n}\n`);
  writeFileSync(page, describeLedger(ledger));
}

// --- for people ----------------------------------------------------------------------------------

export function describeLedger(ledger: LedgerFile): string {
  const { entries } = ledger;
  const simulations = entries.filter((entry) => entry.kind === "simulation");
  const explorations = entries.filter((entry) => entry.kind === "exploration");
  return [
    "# Ledger of the proofs",
    "",
    "Written by `npm run sim`, `npm run explore`, `npm run mutants` and `npm run topologies`; do",
    "not edit. It adds up over runs. What the names mean is in [guarantees](guarantees.md).",
    "",
    ...describeSimulations(simulations),
    ...describeExplorations(explorations),
    ...describeTopologies(entries.filter((entry) => entry.kind === "topologies")),
    ...describeMutants(entries.filter((entry) => entry.kind === "mutants")),
    ...describeFindings(ledger.findings),
    "",
  ].join("\n");
}

function describeSimulations(entries: readonly SimulationEntry[]): string[] {
  const totals = new Map<string, { seeds: number; steps: number; hours: number; bad: number }>();
  const faults: Counts = {};
  const operations: Counts = {};
  const evaluations: Counts = {};
  for (const entry of entries) {
    const total = totals.get(entry.world) ?? { seeds: 0, steps: 0, hours: 0, bad: 0 };
    total.seeds += entry.seeds;
    total.steps += entry.steps;
    total.hours += entry.simulatedMs / 3_600_000;
    total.bad += entry.violations;
    totals.set(entry.world, total);
    addCounts(faults, entry.faults);
    addCounts(operations, entry.operations);
    addCounts(evaluations, entry.evaluations);
  }
  const rows = [...totals].map(
    ([world, { seeds, steps, hours, bad }]) =>
      `| ${world} | ${number(seeds)} | ${number(steps)} | ${hours.toFixed(1)} | ${bad} |`,
  );
  return [
    "## Simulation",
    "",
    "| World | Seeds | Checked steps | Simulated hours | Violations |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...rows,
    "",
    "### Faults",
    "",
    ...table("Fault", faults),
    "### Operations",
    "",
    ...table("Operation", operations),
    "### Evaluations of each invariant",
    "",
    ...table("Invariant", evaluations),
  ];
}

function describeExplorations(entries: readonly ExplorationEntry[]): string[] {
  const rows = entries.map((entry) =>
    [
      "",
      entry.model,
      number(entry.distinct),
      number(entry.generated),
      entry.depth,
      entry.complete ? "yes" : "no",
      entry.expectedCollisions.toExponential(1),
      entry.violations,
      entry.date,
      entry.commit,
      "",
    ].join(" | "),
  );
  return [
    "## Exploration",
    "",
    "| Model | Distinct states | Transitions | Depth | Complete | Expected collisions | " +
      "Violations | Date | Commit |",
    "| --- | ---: | ---: | ---: | --- | ---: | ---: | --- | --- |",
    ...rows.map((row) => row.trim()),
    "",
  ];
}

function describeTopologies(entries: readonly TopologiesEntry[]): string[] {
  const rows = entries.map(
    (entry) =>
      `| ${entry.members} | ${entry.hasNews ? "yes" : "no"} | ${entry.classes} | ` +
      `${number(entry.cases)} | ${number(entry.held)} | ${entry.timeoutsMax.toFixed(2)} | ` +
      `${describeCounts(entry.exceptions)} | ${entry.date} | ${entry.commit} |`,
  );
  return [
    "## Topologies",
    "",
    "| Members | News | Classes | Cases | As foreseen | Worst, in timeouts | Named exceptions | " +
      "Date | Commit |",
    "| ---: | --- | ---: | ---: | ---: | ---: | --- | --- | --- |",
    ...rows,
    "",
  ];
}

function describeMutants(entries: readonly MutantsEntry[]): string[] {
  const rows = entries.map(
    (entry) =>
      `| ${entry.killed} of ${entry.total} | ${entry.survivors.join(", ") || "none"} | ` +
      `${entry.date} | ${entry.commit} |`,
  );
  return [
    "## Planted bugs",
    "",
    "Each bug with the seeds it took: [mutants](mutants.md).",
    "",
    "| Found | Survivors | Date | Commit |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ];
}

function describeFindings(findings: readonly Finding[]): string[] {
  const rows = findings.map(
    ({ date, found, by, fixed }) => `| ${date} | ${found} | ${by} | ${fixed} |`,
  );
  return [
    "## Violations found in our own code",
    "",
    "| Date | What | Found by | Became |",
    "| --- | --- | --- | --- |",
    ...rows,
  ];
}

function table(name: string, counts: Readonly<Counts>): string[] {
  const rows = Object.entries(counts).map(([key, count]) => `| ${key} | ${number(count)} |`);
  return [`| ${name} | Count |`, "| --- | ---: |", ...rows, ""];
}

function describeCounts(counts: Readonly<Counts>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name}: ${count}`)
    .join(", ");
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
