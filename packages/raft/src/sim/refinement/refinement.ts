/**
 * Listens to the cores of one world and explains each step of each core by a few actions of the
 * specification: the mapping proposes (from the input and from what changed), the specification
 * disposes, and what it holds afterwards must be what the core holds. Whatever a core does that no
 * action explains is an error: a field that changed, a message that leaves, a unit for the disk, an
 * entry for the machines, an answer to a read.
 */
import { type LogIndex, type NodeId, noTerm } from "../../base/index.ts";
import type {
  ChangeResult,
  Effect,
  Entry,
  HardState,
  Input,
  InstallSnapshot,
  MemberChange,
  Message,
  Persist,
  ProposeResult,
  Raft,
  TransferResult,
} from "../../core/index.ts";
import type { CoreObserver, ObservedTime, Recovery, SnapshotEvent } from "../observer.ts";
import { createSpecification, type Specification } from "../spec/index.ts";
import { audit, settle } from "./compare.ts";
import { explainChange } from "./configurations.ts";
import { explainDurable, explainPersist, explainRestart } from "./disk.ts";
import {
  announce,
  createRefinementError,
  demand,
  type Explanation,
  type Occasion,
} from "./explanation.ts";
import { createImage } from "./image.ts";
import { explainHandover } from "./leadership.ts";
import { createMirror, type Mirror, resetMirror } from "./mirror.ts";
import { explainAnswer, explainAsked, explainNewReads } from "./reads.ts";
import { explainApply, explainPropose } from "./replication.ts";
import { explainNeeded, explainRecovered, explainSnapshot } from "./snapshots.ts";
import { explainStep } from "./steps.ts";
import { createWords, messageOf, placeOf, wordsOf } from "./words.ts";

export interface RefinementOptions {
  /** First members, by place. */
  readonly ids: readonly NodeId[];
  /** Whose places follow: they start with nothing on disk. Left out: none. */
  readonly joiners?: readonly NodeId[];
  /** What all first members start with, on disk. */
  readonly log: readonly Entry[];
  readonly hardState: HardState;
  readonly commit: LogIndex;
  /** What clocks count, and for how long leaders that were heard are left alone. */
  readonly time?: ObservedTime;
  /** Another one than the usual, for tests. */
  readonly spec?: Specification;
}

export interface Refinement extends CoreObserver {
  /** Actions of the specification that were run. */
  readonly actions: number;
  /** Inputs and proposals that were explained. */
  readonly steps: number;
}

/** One for a world. Its methods throw `RefinementError`; it is of no more use then. */
export function createRefinement(options: RefinementOptions): Refinement {
  const explanation = createExplanation(options);
  const { mirrors } = explanation;
  const mirrorOf = (at: number): Mirror => {
    const mirror = mirrors[at];
    if (mirror === undefined) throw new RangeError(`there is no member ${at}`);
    return mirror;
  };
  return {
    get actions() {
      return explanation.actions;
    },
    get steps() {
      return explanation.steps;
    },
    onStart: (at, raft, recovery) => onStart(explanation, mirrorOf(at), raft, recovery),
    onStep: (at, raft, input) => onStep(explanation, mirrorOf(at), raft, input),
    onPropose: (at, raft, commands, result) =>
      onPropose(explanation, mirrorOf(at), raft, commands, result),
    onChange: (at, raft, changes, result) =>
      onChange(explanation, mirrorOf(at), raft, changes, result),
    onTransfer: (at, raft, to, result) => onTransfer(explanation, mirrorOf(at), raft, to, result),
    onTake: (at, raft, effects) => onTake(explanation, mirrorOf(at), raft, effects),
    onDurable: (at, unit) => onDurable(explanation, mirrorOf(at), unit),
    onSnapshot: (at, raft, event) => onSnapshot(explanation, mirrorOf(at), raft, event),
    onLeave: (at, message) => onLeave(explanation, mirrorOf(at), message),
    onCrash: (at) => onCrash(explanation, mirrorOf(at)),
  };
}

const emptyHardState: HardState = { term: noTerm, votedFor: null, mustCatchUp: false };

function createExplanation(options: RefinementOptions): Explanation {
  const { ids, joiners = [], hardState, commit } = options;
  const all = [...ids, ...joiners];
  const words = createWords(all);
  const log = wordsOf(words, options.log);
  const image = createImage(words, hardState, log);
  const empty = createImage(words, emptyHardState, []);
  const nothing = { log: [], currentTerm: emptyHardState.term, commitIndex: 0 };
  const setup = {
    servers: all.length,
    log,
    currentTerm: hardState.term,
    commitIndex: commit,
    starts: new Map(joiners.map((_, at) => [ids.length + at, nothing])),
    ...options.time,
  };
  return {
    spec: options.spec ?? createSpecification(setup),
    words,
    mirrors: all.map((id, at) =>
      at < ids.length
        ? createMirror(at, id, hardState, image)
        : createMirror(at, id, emptyHardState, empty),
    ),
    offers: new Map(),
    unit: options.time?.unit ?? null,
    actions: 0,
    steps: 0,
    action: null,
  };
}

/** Runs `explain`; whatever is wrong becomes one `RefinementError` that tells everything. */
function during(
  explanation: Explanation,
  mirror: Mirror,
  createOccasion: () => Occasion,
  explain: () => void,
): void {
  explanation.action = null;
  try {
    explain();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw createRefinementError(explanation, mirror, mirror.raft, createOccasion(), error);
  }
}

function onStart(explanation: Explanation, mirror: Mirror, raft: Raft, recovery: Recovery): void {
  during(
    explanation,
    mirror,
    () => ({ kind: "start" }),
    () => {
      if (mirror.lives > 0) {
        explainRestart(explanation, mirror, raft, recovery);
        explainRecovered(explanation, mirror, raft);
      }
      resetMirror(explanation.words, mirror, raft);
      settle(explanation, mirror, raft);
      audit(explanation, mirror, raft);
    },
  );
}

function onStep(explanation: Explanation, mirror: Mirror, raft: Raft, input: Input): void {
  explanation.steps++;
  during(
    explanation,
    mirror,
    () => ({ kind: "step", input }),
    () => {
      explainStep(explanation, mirror, raft, input);
      settle(explanation, mirror, raft);
    },
  );
}

function onPropose(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  commands: readonly Uint8Array[],
  result: ProposeResult,
): void {
  explanation.steps++;
  during(
    explanation,
    mirror,
    () => ({ kind: "propose", count: commands.length }),
    () => {
      explainPropose(explanation, mirror, raft, commands, result);
      settle(explanation, mirror, raft);
    },
  );
}

function onChange(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  changes: readonly MemberChange[],
  result: ChangeResult,
): void {
  if (result.kind === "appended") explanation.steps++;
  during(
    explanation,
    mirror,
    () => ({ kind: "change", changes }),
    () => {
      explainChange(explanation, mirror, raft, changes, result);
      settle(explanation, mirror, raft);
    },
  );
}

function onTransfer(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  to: NodeId | null,
  result: TransferResult,
): void {
  if (result.kind === "started") explanation.steps++;
  during(
    explanation,
    mirror,
    () => ({ kind: "transfer", to }),
    () => {
      explainHandover(explanation, mirror, raft, 0);
      settle(explanation, mirror, raft);
    },
  );
}

function onTake(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  effects: readonly Effect[],
): void {
  during(
    explanation,
    mirror,
    () => ({ kind: "take", effects }),
    () => {
      explainNewReads(explanation, mirror, raft);
      explainAsked(mirror, effects);
      explainEffects(explanation, mirror, effects);
      explainNews(mirror, raft);
      settle(explanation, mirror, raft);
    },
  );
}

function explainEffects(
  explanation: Explanation,
  mirror: Mirror,
  effects: readonly Effect[],
): void {
  let written = false;
  for (const effect of effects) {
    if (effect.kind === "apply") explainApply(explanation, mirror, effect);
    else if (effect.kind === "read-answered") explainAnswer(mirror, effect);
    else if (effect.kind === "snapshot-needed") explainNeeded(explanation, mirror, effect);
    else if (effect.kind === "persist" || effect.kind === "install-snapshot") {
      if (effect.unit <= mirror.writtenUnit) continue;
      explainPersist(explanation, mirror, effect);
      written = true;
    } else if (effect.kind === "role-changed") mirror.told = effect;
    else if (effect.kind === "configuration-changed") {
      mirror.toldConfiguration = effect.configuration;
      mirror.toldCommitted = effect.committed;
    }
  }
  if (!written) explainPersist(explanation, mirror, null);
}

/** The host knows of every change of role, term, leader and members. */
function explainNews(mirror: Mirror, raft: Raft): void {
  const { told } = mirror;
  const { role, hardState, leader } = raft;
  demand(
    mirror.toldConfiguration === raft.configuration &&
      mirror.toldCommitted === raft.committedConfiguration,
    () => "its host was told of other members",
  );
  demand(
    told.role === role && told.term === hardState.term && told.leader === leader,
    () => `its host was told ${told.role} of ${told.term}, leader ${told.leader}`,
  );
}

function onSnapshot(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  event: SnapshotEvent,
): void {
  during(
    explanation,
    mirror,
    () => ({ kind: "snapshot", event }),
    () => {
      explainSnapshot(explanation, mirror, raft, event);
      settle(explanation, mirror, raft);
    },
  );
}

function onDurable(
  explanation: Explanation,
  mirror: Mirror,
  unit: Persist | InstallSnapshot,
): void {
  during(
    explanation,
    mirror,
    () => ({ kind: "durable", unit }),
    () => explainDurable(explanation, mirror, unit),
  );
}

function onLeave(explanation: Explanation, mirror: Mirror, message: Message): void {
  during(
    explanation,
    mirror,
    () => ({ kind: "leave", message }),
    () => {
      const { spec, words } = explanation;
      demand(placeOf(words, message.from) === mirror.at, () => `${message.from} did not send this`);
      announce(explanation, "send");
      spec.send(messageOf(words, message));
    },
  );
}

function onCrash(explanation: Explanation, mirror: Mirror): void {
  during(
    explanation,
    mirror,
    () => ({ kind: "crash" }),
    () => {
      if (mirror.raft !== null) audit(explanation, mirror, mirror.raft);
      mirror.raft = null;
    },
  );
}
