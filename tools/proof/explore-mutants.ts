/**
 * `node --import tsx tools/proof/explore-mutants.ts`: plants bugs in the core, one at a time, and
 * says whether the explorer finds them in its small models. Exits with 1 if one that fits their
 * bounds survives.
 *
 * Also: `--only a,b`, `--states-max N` (for each; more is a survivor), `--traces` (prints how).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { obey, readCommand, UsageError } from "./command.ts";
import type { ExploreFinding } from "./explore-child.ts";
import { mutants } from "./mutants/index.ts";
import { bundle } from "./plant.ts";

const command = {
  name: "npx tsx tools/proof/explore-mutants.ts",
  does: "plants bugs in the core, one at a time, and says whether the explorer finds them",
  options: {
    only: { type: "string", default: "", value: "NAMES", does: "these: a,b" },
    "states-max": { type: "string", default: "5000000", value: "N", does: "more is a survivor" },
    traces: { type: "boolean", default: false, does: "print how each is found" },
  },
} as const;

const values = readCommand(command);

/** Hunted when they are named only: they take more states, minutes and memory than others. */
const large: Readonly<Record<string, string>> = {
  "snapshot-over-by-older-answer": "snapshots-log",
  "lease-after-failed-transfer": "leases-transfer",
  "promise-given-back-late": "leases-transfer",
};

/** Bugs that the bounds of these models leave room for, and the model that is to find each. */
const hunted: Readonly<Record<string, string>> = {
  "vote-before-disk": "crash-ci",
  "candidacy-before-disk": "crash-small",
  "vote-twice": "crash-small",
  "vote-reset-same-term": "crash-small",
  "no-log-check": "crash-ci",
  "log-check-term-only": "crash",
  "majority-half": "crash-small",
  "term-not-stored": "crash-ci",
  "commit-old-term": "crash-ci",
  "ack-before-disk": "crash-small",
  "ack-last-index": "crash-ci",
  "leader-counts-memory": "crash-small",
  "commit-beyond-verified": "crash-ci",
  "never-truncate": "crash-ci",
  "no-previous-term-check": "crash",
  "stale-append-accepted": "crash-ci",
  "stale-acknowledgement-counts": "crash-ci",
  "completion-of-replaced-entries": "crash-ci",
  "truncation-not-stored": "crash-ci",
  "durable-survives-truncation": "crash-ci",
  "live-leader-disturbed": "reads",
  "read-old-round": "reads-ci",
  "read-without-term-start": "reads-ci",
  "read-without-round": "reads-ci",
  "two-changes-at-once": "membership-small",
  "change-before-own-term": "membership-ci",
  "change-not-joint": "membership-small",
  "joint-counts-new-half": "membership-small",
  "joint-counts-old-half": "membership-small",
  "learners-count": "membership-small",
  "learners-stand": "membership-small",
  "configuration-survives-truncation": "membership-leave",
  "configuration-when-committed": "membership-small",
  "removed-leader-stays": "membership-small",
  "install-keeps-conflicting-log": "snapshots-ci",
  "install-drops-matching-log": "snapshots-small",
  "ask-anew-below-matched": "snapshots-log",
  "acknowledged-before-switch": "snapshots-crash-ci",
  "base-not-a-position": "snapshots-small",
  "lease-from-arrival": "leases-rounds",
  "lease-without-pause-check": "leases-ci",
  "lease-without-drift": "leases-ci",
  "lease-before-term-start": "leases-ci",
  "lease-through-transfer": "leases-transfer-ci",
  "promise-forgotten-by-vote": "leases-rounds",
  "promise-forgotten-by-candidate": "leases-small",
  "promise-forgotten-by-restart": "leases-crash",
  "promise-counts-from-last-tick": "leases-ci",
  "promise-not-stored": "leases-crash",
  "transfer-order-any-term": "leases-transfer",
  "transfer-before-caught-up": "transfers-ci",
  "failover-without-pre-vote": "failover-small",
  "failover-never-forgotten": "failover-small",
  "failover-of-anybody": "failover-small",
  "failover-by-hearsay": "failover-small",
};

function explore(program: string, model: string): ExploreFinding {
  const run = spawnSync(process.execPath, [program, model, values["states-max"]], {
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`The explorer ended with ${run.status}: ${run.stderr}`);
  return JSON.parse(run.stdout) as ExploreFinding; // one line of the child's
}

async function main(): Promise<void> {
  const names = values.only === "" ? Object.keys(hunted) : values.only.split(",");
  const folder = mkdtempSync(join(tmpdir(), "quorate-explore-"));
  const survivors: string[] = [];
  try {
    for (const name of names) {
      const mutant = mutants.find((candidate) => candidate.name === name);
      const model = hunted[name] ?? large[name];
      if (mutant === undefined || model === undefined)
        throw new UsageError(`No bug is called ${name}`);
      const program = join(folder, "explore-child.mjs");
      await bundle("explore-child.ts", program, mutant.patches);
      const finding = explore(program, model);
      if (finding.violation === null) survivors.push(name);
      tell(name, model, finding);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  process.stdout.write(`${JSON.stringify({ total: names.length, survivors })}\n`);
  process.exitCode = survivors.length > 0 ? 1 : 0;
}

function tell(name: string, model: string, finding: ExploreFinding): void {
  const how = finding.violation ?? "SURVIVED";
  const where = `${finding.steps} steps, ${finding.distinct} states`;
  process.stdout.write(`${name.padEnd(32)} ${model.padEnd(12)} ${where.padEnd(26)} ${how}\n`);
  if (values.traces && finding.trace !== "") process.stdout.write(`${finding.trace}\n`);
}

await obey(command, main);
