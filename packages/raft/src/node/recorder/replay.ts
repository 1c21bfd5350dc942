/**
 * Runs a recording again: the core from its start state, step by step, compared with what was noted
 * on the way and with the state at the end. Called by `quorate replay`.
 */
import { InvariantError, logIndex, nodeId, term } from "../../base/index.ts";
import {
  changeMembership,
  checkState,
  createConfiguration,
  createRaft,
  defaultSettings,
  describeMessage,
  encodeConfiguration,
  lastIndex,
  propose,
  type Raft,
  step,
  takeEffects,
  transferLeadership,
} from "../../core/index.ts";
import { copyPlain } from "./plain-value.ts";
import {
  type Checkpoint,
  decodeRecording,
  encodeCheckpoint,
  type RecordedStep,
  type Recording,
} from "./recording.ts";

/** A step as it went this time. */
export interface ReplayedStep {
  /** From 1. */
  readonly number: number;
  /** The core's clock, milliseconds. */
  readonly atMs: number;
  readonly what: string;
  readonly role: string;
  readonly term: number;
  readonly commit: number;
  readonly last: number;
}

/**
 * `same`: every note and the end state came out as recorded, and if `isErrorReproduced` the error
 * that ended the member, too (an error of a machine or disk is not the core's). `differs`: they did
 * not, first at step `number`. `other-version`: the recording's core has other fields than this
 * one.
 */
export type ReplayVerdict =
  | { readonly kind: "same"; readonly steps: number; readonly isErrorReproduced: boolean }
  | { readonly kind: "differs"; readonly number: number; readonly why: string }
  | { readonly kind: "other-version"; readonly why: string };

export interface Replay {
  readonly recording: Recording;
  readonly steps: readonly ReplayedStep[];
  readonly verdict: ReplayVerdict;
}

/** @throws FormatError if the text is no recording that this version reads */
export function replayRecording(text: string): Replay {
  const recording = decodeRecording(text);
  const steps: ReplayedStep[] = [];
  const verdict = compareFields(recording) ?? run(recording, steps);
  return { recording, steps, verdict };
}

function compareFields({ segments }: Recording): ReplayVerdict | null {
  const recorded = Object.keys(segments[0]?.checkpoint.state ?? {}).sort();
  const own = Object.keys(sampleState()).sort();
  const more = recorded.filter((name) => !own.includes(name));
  const fewer = own.filter((name) => !recorded.includes(name));
  if (more.length === 0 && fewer.length === 0) return null;
  const list = (names: string[]) => (names.length === 0 ? "none" : names.join(", "));
  const why = `fields that only the recording has: ${list(more)}; that only this core has: `;
  return { kind: "other-version", why: why + list(fewer) };
}

function sampleState(): Checkpoint["state"] {
  const id = nodeId("a");
  const data = encodeConfiguration(createConfiguration([{ id, address: "a:1" }]));
  const first = { index: logIndex(1), term: term(1), kind: "configuration", data } as const;
  const { log: _log, ...state } = createRaft({
    ...{ id, settings: defaultSettings, boot: 0, jitter: 0, entries: [first] },
    hardState: { term: term(1), votedFor: null, mustCatchUp: false },
    commit: logIndex(1),
  });
  return state;
}

function run(recording: Recording, steps: ReplayedStep[]): ReplayVerdict {
  let raft: Raft | null = null;
  for (const { checkpoint, steps: recorded } of recording.segments) {
    if (raft !== null && stateText(raft) !== checkpointText(checkpoint)) {
      return { kind: "differs", number: steps.length, why: "the state is not the checkpoint's" };
    }
    raft = restore(checkpoint);
    for (const one of recorded) {
      const why = runStep(raft, one, steps, recording.error);
      if (why === "ended") return { kind: "same", steps: steps.length, isErrorReproduced: true };
      if (why !== null) return { kind: "differs", number: steps.length, why };
    }
  }
  return raft === null
    ? { kind: "differs", number: 0, why: "there is no checkpoint" }
    : compareEnd(raft, recording, steps.length);
}

function compareEnd(raft: Raft, recording: Recording, number: number): ReplayVerdict {
  if (stateText(raft) !== checkpointText(recording.end)) {
    return { kind: "differs", number, why: "the state at the end is another one" };
  }
  const found = thrownBy(() => checkState(raft));
  if (found !== null && found !== recording.error) {
    return { kind: "differs", number, why: `the state breaks an invariant: ${found}` };
  }
  return { kind: "same", steps: number, isErrorReproduced: found !== null };
}

/** Null: as recorded. `ended`: it threw what the recording ended with. Else what was different. */
function runStep(
  raft: Raft,
  recorded: RecordedStep,
  steps: ReplayedStep[],
  error: string | null,
): "ended" | string | null {
  let why: string | null = null;
  const thrown = thrownBy(() => {
    why = act(raft, recorded);
  });
  steps.push({
    number: steps.length + 1,
    atMs: raft.nowMs,
    what: describeStep(recorded),
    role: raft.role,
    term: raft.hardState.term,
    commit: raft.commit,
    last: lastIndex(raft.log),
  });
  if (thrown === null) return why;
  return thrown === error ? "ended" : `it throws: ${thrown}`;
}

function act(raft: Raft, recorded: RecordedStep): string | null {
  if (recorded.kind === "propose") {
    propose(raft, recorded.commands);
    return null;
  }
  if (recorded.kind === "change") {
    changeMembership(raft, recorded.changes);
    return null;
  }
  if (recorded.kind === "transfer") {
    transferLeadership(raft, recorded.to);
    return null;
  }
  if (recorded.kind !== "take") {
    step(raft, recorded);
    return null;
  }
  const { length } = takeEffects(raft);
  const then = describeTake(recorded);
  const now =
    "role" in recorded || length > 0
      ? `${length} ${raft.role} ${raft.hardState.term} ${raft.commit} ${lastIndex(raft.log)}`
      : "0";
  return now === then ? null : `effects, role, term, commit, last are ${now}; recorded: ${then}`;
}

function describeTake(recorded: Extract<RecordedStep, { kind: "take" }>): string {
  if (!("role" in recorded)) return recorded.effects === null ? "it threw" : "0";
  const { effects, role, commit, last } = recorded;
  return `${effects} ${role} ${recorded.term} ${commit} ${last}`;
}

function thrownBy(act: () => void): string | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof InvariantError) return error.message;
    return String(error);
  }
}

function restore({ state, log }: Checkpoint): Raft {
  return { ...copyPlain(state), log: { ...log, entries: [...log.entries] } };
}

function stateText({ log, ...state }: Raft): string {
  return checkpointText({ state, log });
}

function checkpointText(checkpoint: Checkpoint): string {
  return JSON.stringify(encodeCheckpoint(checkpoint));
}

/** What the core was given, in one line. */
export function describeStep(recorded: RecordedStep): string {
  switch (recorded.kind) {
    case "receive":
      return describeMessage(recorded.message);
    case "propose":
      return `propose ${recorded.commands.length} commands`;
    case "change":
      return `change ${recorded.changes.map(({ kind, id }) => `${kind} ${id}`).join(", ")}`;
    case "transfer":
      return `transfer to ${recorded.to ?? "whoever is fit"}`;
    case "take":
      return recorded.effects === null ? "take" : `take ${recorded.effects} effects`;
    case "tick":
      return `tick jitter=${recorded.jitter.toFixed(3)}`;
    case "read":
      return `read ${recorded.id}`;
    case "persisted":
      return `persisted unit=${recorded.unit}`;
    case "applied":
      return `applied ${recorded.index}`;
    case "lease-read":
      return `lease-read ${recorded.id} at ${recorded.nowMs} ms`;
    case "wake":
      return `wake jitter=${recorded.jitter.toFixed(3)}`;
    case "memory":
      return `memory ${recorded.isTight ? "tight" : "free"}`;
    case "disk-health":
      return `disk-health ${recorded.isHealthy ? "good" : "bad"}`;
    case "snapshot-saved":
      return `snapshot-saved ${recorded.position.index}`;
    case "snapshot-received":
      return `snapshot-received ${recorded.id} at ${recorded.position.index}`;
    case "peer-reachable":
    case "peer-unreachable":
    case "leader-gone":
    case "snapshot-sent":
    case "snapshot-failed":
    case "snapshot-moving":
      return `${recorded.kind} ${recorded.peer}`;
    default:
      return recorded satisfies never;
  }
}
