/** One failing seed, told to a person: trace, a short list of actions, how to see both again. */
import { writeFileSync } from "node:fs";
import { defaultSettings } from "../../packages/raft/src/core/index.ts";
import {
  type CoresRun,
  replayCores,
  runCores,
  shrinkCores,
} from "../../packages/raft/src/sim/cores/index.ts";
import { coresSettings, runSeed, type SeedOptions } from "./seeds.ts";
import { createSummary } from "./summary.ts";

/** What a file of a failure holds. */
interface Recording {
  readonly world: "cores";
  readonly seed: number;
  readonly invariant: string;
  readonly message: string;
  readonly options: CoresRun["options"];
  readonly actions: CoresRun["actions"];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Where a shortened failure goes, and what to add to the command that shows it again. */
export interface ReportOptions {
  readonly file: string;
  /** Such as ` --mutant NAME`. */
  readonly again: string;
}

/** Runs the seed once and tells all of it; true: everything held. */
export function reportSeed(seed: number, options: SeedOptions, report: ReportOptions): boolean {
  const summary = createSummary();
  const { world, hash, failure } = runSeed(seed, options, summary);
  const { steps = 0 } = summary.worlds[world] ?? {};
  say(`seed ${seed} (${world}): ${steps} checked steps, hash ${hash}`);
  if (failure === null) {
    say("Everything held.");
    return true;
  }
  say(`${failure.message}\n\n${failure.trace}\n`);
  say(`again: npm run sim -- --seed ${seed} --world ${world}${report.again}`);
  if (world === "cores") shorten(seed, options, report);
  return false;
}

function shorten(seed: number, options: SeedOptions, report: ReportOptions): void {
  const settings = coresSettings(options);
  const run = runCores(seed, settings);
  const short = shrinkCores(run, settings);
  if (short.failure === null) return;
  const recording: Recording = {
    world: "cores",
    seed,
    invariant: short.failure.invariant,
    message: short.failure.message,
    options: short.options,
    actions: short.actions,
  };
  writeFileSync(report.file, describeRecording(recording));
  say(`\nShortened from ${run.actions.length} actions to ${short.actions.length}:`);
  say(short.failure.trace);
  say(`\nwritten to ${report.file}; again: npm run sim -- --replay ${report.file}${report.again}`);
}

/** JSON with an action a line. */
function describeRecording(recording: Recording): string {
  const actions = recording.actions.map((action) => `    ${JSON.stringify(action)}`).join(",\n");
  const head = JSON.stringify({ ...recording, actions: [] }, null, 2);
  return `${head.replace('"actions": []', () => `"actions": [\n${actions}\n  ]`)}\n`;
}

/** Does once more what a file of a failure says. */
export function replayRecording(text: string): CoresRun {
  const { seed, options, actions } = JSON.parse(text) as Recording; // written by this file
  const all: SeedOptions = { world: "cores", off: new Set(), actions: undefined };
  // Written before the newest settings were there: they are as if nobody had set them.
  const settings = { ...defaultSettings, ...options.settings };
  return replayCores(seed, { ...options, settings }, actions, coresSettings(all));
}

/** Replays a file of a failure and tells how it went; true: everything held. */
export function replayFile(text: string): boolean {
  const run = replayRecording(text);
  say(run.failure === null ? "Everything held." : `${run.failure.message}\n\n${run.failure.trace}`);
  return run.failure === null;
}
