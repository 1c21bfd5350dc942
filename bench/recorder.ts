/**
 * What the flight recorder costs a core: the same turns of a leader with two followers, with and
 * without it, in alternating rounds. `tsx bench/recorder.ts`. Turns of one command of 256 bytes are
 * the worst case: in a busy member a turn has more work for the same number of notes.
 */

import { logIndex, type NodeId, nodeId, term } from "../packages/raft/src/base/index.ts";
import {
  createConfiguration,
  createRaft,
  defaultSettings,
  type Effect,
  encodeConfiguration,
  type Input,
  propose,
  type Raft,
  step,
  takeEffects,
} from "../packages/raft/src/core/index.ts";
import { FlightRecorder } from "../packages/raft/src/node/recorder/flight-recorder.ts";

const roundCount = 60;
const turnCount = 4000;
const command = new Uint8Array(256);

interface Place {
  readonly raft: Raft;
  readonly recorder: FlightRecorder | null;
}

class Cores {
  readonly places = new Map<NodeId, Place>();
  inputCount = 0;

  constructor(hasRecorder: boolean) {
    const voters = ["a", "b", "c"].map((id) => ({ id: nodeId(id), address: `${id}:1` }));
    const data = encodeConfiguration(createConfiguration(voters));
    for (const { id } of voters) {
      const raft = createRaft({
        ...{ id, settings: defaultSettings, boot: 1, jitter: id === "a" ? 0 : 0.9 },
        hardState: { term: term(1), votedFor: null, mustCatchUp: false },
        entries: [{ index: logIndex(1), term: term(1), kind: "configuration", data }],
        commit: logIndex(1),
      });
      const recorder = hasRecorder ? new FlightRecorder(raft, 1024 * 1024) : null;
      this.places.set(id, { raft, recorder });
    }
    for (let tick = 0; this.leader.raft.leadership === null && tick < 1000; tick++) this.turn(true);
  }

  get leader(): Place {
    const place = this.places.get(nodeId("a"));
    if (place === undefined) throw new Error("there is no a");
    return place;
  }

  /** One command and all that it leads to; with `ticks` a tick of each. */
  turn(ticks: boolean): void {
    if (ticks) for (const place of this.places.values()) this.#step(place, tickInput());
    const { raft, recorder } = this.leader;
    recorder?.onPropose([command]);
    propose(raft, [command]);
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const place of this.places.values()) isBusy = this.#take(place) || isBusy;
    }
  }

  #step({ raft, recorder }: Place, input: Input): void {
    this.inputCount++;
    recorder?.onStep(input);
    step(raft, input);
  }

  #take(place: Place): boolean {
    place.recorder?.onTake();
    const effects = takeEffects(place.raft);
    place.recorder?.onTaken(effects);
    for (const effect of effects) this.#perform(place, effect);
    return effects.length > 0;
  }

  #perform(place: Place, effect: Effect): void {
    if (effect.kind === "persist") this.#step(place, { kind: "persisted", unit: effect.unit });
    else if (effect.kind === "apply") {
      this.#step(place, { kind: "applied", index: effect.entries.at(-1)?.index ?? logIndex(0) });
    } else if (effect.kind === "send") {
      const to = this.places.get(effect.message.to);
      if (to !== undefined) this.#step(to, { kind: "receive", message: effect.message });
    }
  }
}

function tickInput(): Input {
  return { kind: "tick", nowMs: 1, jitter: 0.5 };
}

/** Nanoseconds of a step. */
function measure(hasRecorder: boolean): number {
  const cores = new Cores(hasRecorder);
  const before = cores.inputCount;
  const started = process.cpuUsage();
  for (let turn = 0; turn < turnCount; turn++) cores.turn(turn % 8 === 0);
  const { user, system } = process.cpuUsage(started); // other programs' load does not count
  return ((user + system) * 1e3) / (cores.inputCount - before);
}

const median = (values: number[]): number => values.sort((x, y) => x - y)[values.length >> 1] ?? 0;
const without: number[] = [];
const recorded: number[] = [];
for (let round = 0; round < roundCount; round++) {
  const order = round % 2 === 0 ? [false, true] : [true, false];
  for (const hasRecorder of order) (hasRecorder ? recorded : without).push(measure(hasRecorder));
}
const bareNs = median(without.slice(5));
const recordedNs = median(recorded.slice(5));
const percent = (recordedNs / bareNs - 1) * 100;
console.log(JSON.stringify({ bareNs, recordedNs, overheadPercent: Number(percent.toFixed(2)) }));
