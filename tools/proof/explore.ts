/**
 * `npm run explore`: visits every state of a model.
 *
 *   npm run explore -- --list                 names the models
 *   npm run explore -- --model NAME           explores one; several: --model a --model b
 *   npm run explore -- --resume DIR           goes on from a checkpoint
 *   npm run explore -- --replay FILE          runs a counterexample again
 *
 * Also: `--states-max N` (different states in all), `--minutes M` (of this run), `--json` (one line
 * for each model), `--checkpoint DIR` (where a run that stops early is kept; by default in the
 * temporary directory), `--no-checkpoint`, `--save FILE` (where a counterexample is kept),
 * `--no-ledger`.
 *
 * Exits with 0 if every model is complete, 1 if one is broken, misses a probe or has another size
 * than it must, 2 for a bad command, 3 if a limit (or SIGINT, SIGTERM) ended one. To be started by
 * `node --import tsx`: tsx itself kills what does not answer a signal at once.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import {
  CheckpointError,
  type Counterexample,
  type Exploration,
  type ExplorationOptions,
  formatCounterexample,
  type ModelEntry,
  replay,
  resumeExploration,
  startExploration,
} from "../../packages/raft/src/sim/explorer/index.ts";
import { readCommand, UsageError } from "./command.ts";
import {
  isCheckpointPlace,
  readCheckpoint,
  writeCheckpoint,
} from "./explore/checkpoint-directory.ts";
import { models } from "./explore/models.ts";
import { type Circumstances, formatJson, formatText, judge } from "./explore/report.ts";
import { type Run, type RunLimits, run } from "./explore/run.ts";
import { addToLedger, stamp } from "./ledger.ts";

const exitCodes = { complete: 0, violation: 1, unreached: 1, resized: 1, bounded: 3 } as const;
const badCommand = 2;

const usage = {
  name: "npm run explore --",
  does: "visits every state of a model",
  options: {
    list: { type: "boolean", default: false, does: "name the models" },
    model: { type: "string", multiple: true, value: "NAME", does: "explore it" },
    resume: { type: "string", value: "DIR", does: "go on from a checkpoint" },
    replay: { type: "string", value: "FILE", does: "run a counterexample again" },
    "states-max": { type: "string", value: "N", does: "stop at so many different states" },
    minutes: { type: "string", value: "M", does: "stop after so many" },
    json: { type: "boolean", default: false, does: "print one line for each model" },
    checkpoint: { type: "string", value: "DIR", does: "keep there what stops early" },
    "no-checkpoint": { type: "boolean", default: false, does: "keep nothing of what stops early" },
    save: { type: "string", value: "FILE", does: "keep a counterexample there" },
    "no-ledger": { type: "boolean", default: false, does: "do not write it down" },
  },
} as const;

function readExploreCommand() {
  return readCommand(usage);
}

type Command = ReturnType<typeof readExploreCommand>;

let isStopRequested = false;

async function main(): Promise<number> {
  const command = readExploreCommand();
  if (command.list) return list();
  if (command.replay !== undefined) return replayFile(command.replay);
  process.on("SIGINT", () => {
    isStopRequested = true;
  });
  process.on("SIGTERM", () => {
    isStopRequested = true;
  });
  if (command.resume !== undefined) return resume(command, resolve(command.resume));
  const names = command.model ?? [];
  if (names.length === 0) throw new UsageError("Give --model NAME; --list names them");
  let worst = 0;
  for (const entry of names.map(findModel)) {
    if (isStopRequested) break;
    const open = (options: ExplorationOptions) => startExploration(entry.create(), options);
    const code = await exploreModel(command, entry, open, checkpointPlace(command, entry));
    worst = code === 1 || worst === 1 ? 1 : Math.max(worst, code);
  }
  return worst;
}

function list(): number {
  for (const { name, create, size } of models) {
    const states = size === null ? "" : `, ${size.distinct.toLocaleString("en-US")} states`;
    process.stdout.write(`${name}: ${create().description}${states}\n`);
  }
  return 0;
}

async function resume(command: Command, directory: string): Promise<number> {
  const reader = readCheckpoint(directory);
  const entry = findModel(reader.header.model);
  const open = (options: ExplorationOptions) => resumeExploration(entry.create(), reader, options);
  const place = command.checkpoint === undefined ? directory : resolve(command.checkpoint);
  return exploreModel(command, entry, open, command["no-checkpoint"] ? null : place);
}

async function exploreModel(
  command: Command,
  entry: ModelEntry,
  open: (options: ExplorationOptions) => Exploration,
  place: string | null,
): Promise<number> {
  const limits: RunLimits = {
    statesMax: parseLimit("states-max", command["states-max"]),
    timeMaxMs: parseLimit("minutes", command.minutes) * 60_000,
    isStopRequested: () => isStopRequested,
  };
  return run(open, limits, (ran) => {
    const circumstances = keep(command, entry, ran, place);
    if (!command["no-ledger"]) writeDown(entry, ran);
    const format = command.json ? formatJson : formatText;
    process.stdout.write(`${format(ran.result, circumstances)}\n`);
    return exitCodes[judge(ran.result, entry.size)];
  });
}

/** A complete run, or one that was cut short by a limit, or what broke. */
function writeDown(entry: ModelEntry, { exploration, result }: Run): void {
  const { statistics } = result;
  addToLedger([
    {
      kind: "exploration",
      ...stamp(),
      model: entry.name,
      description: exploration.model.description,
      distinct: statistics.distinct,
      generated: statistics.generated,
      depth: statistics.depth,
      complete: judge(result, entry.size) === "complete",
      expectedCollisions: statistics.collisionsExpected,
      violations: result.kind === "violation" ? 1 : 0,
      wallSeconds: Math.round(statistics.elapsedMs / 1000),
      probes: Object.fromEntries(statistics.probes.map(({ name, hits }) => [name, hits])),
    },
  ]);
}

/** Writes what must outlive the run. */
function keep(
  command: Command,
  entry: ModelEntry,
  { exploration, result, heapPeakBytes }: Run,
  place: string | null,
): Circumstances {
  const checkpoint = result.kind === "bounded" ? place : null;
  if (checkpoint !== null) writeCheckpoint(checkpoint, exploration);
  let counterexample: string | null = null;
  if (result.kind === "violation") {
    counterexample = resolve(command.save ?? join(defaultPlace(), `${entry.name}.json`));
    mkdirSync(dirname(counterexample), { recursive: true });
    writeFileSync(counterexample, `${JSON.stringify(result.counterexample, null, 2)}\n`);
  }
  return {
    model: entry.name,
    description: exploration.model.description,
    rssPeakBytes: process.resourceUsage().maxRSS * 1024,
    heapPeakBytes,
    isInterrupted: isStopRequested,
    checkpoint,
    counterexample,
    size: entry.size,
  };
}

/** Runs a saved counterexample: 1 if the model is still broken there, 0 if it is not any more. */
function replayFile(path: string): number {
  // Written by `keep`; the fields that matter are checked by running them.
  const saved = JSON.parse(readFileSync(path, "utf8")) as Counterexample;
  const model = findModel(saved.model).create();
  if (model.description !== saved.description) {
    const was = `it was found in "${saved.description}", the model is "${model.description}" now`;
    throw new UsageError(`Cannot replay ${path}: ${was}`);
  }
  const actions = saved.steps.map(({ action }) => action);
  const again = replay(model, { initial: saved.initial, actions });
  if (again.kind === "violation") {
    process.stdout.write(`${formatCounterexample(again.counterexample)}\n`);
    return 1;
  }
  if (again.kind === "impossible") throw new UsageError(`Cannot replay ${path}: ${again.why}`);
  process.stdout.write(`${again.steps.length} steps, nothing wrong any more\n`);
  return 0;
}

function findModel(name: string): ModelEntry {
  const entry = models.find((candidate) => candidate.name === name);
  if (entry === undefined) throw new UsageError(`No model is called "${name}"; --list names them`);
  return entry;
}

function checkpointPlace(command: Command, entry: ModelEntry): string | null {
  if (command["no-checkpoint"]) return null;
  const place = resolve(command.checkpoint ?? join(defaultPlace(), entry.name));
  if (!isCheckpointPlace(place)) {
    throw new UsageError(`--checkpoint ${place} holds something else; give an empty directory`);
  }
  return place;
}

function defaultPlace(): string {
  return join(tmpdir(), "quorate-explore");
}

function parseLimit(name: string, text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`--${name} ${text}: give a number above 0`);
  return value;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isExpected = error instanceof UsageError || error instanceof CheckpointError;
  if (!isExpected) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = badCommand;
}
