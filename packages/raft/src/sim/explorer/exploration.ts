/**
 * The search: breadth first over the states of a model, each known by its fingerprint. It is cut
 * into small advances so that its host can look at the clock, print or stop in between; where it
 * is cut does not change what it finds.
 */
import { assert, fingerprint64 } from "../../base/index.ts";
import { createMemoryBlockStore, type OpenBlockStore } from "./block-store.ts";
import {
  CheckpointError,
  type CheckpointHeader,
  type CheckpointReader,
  type CheckpointWriter,
  checkBelongs,
} from "./checkpoint.ts";
import { describe, replay } from "./counterexample.ts";
import { FingerprintSet } from "./fingerprint-set.ts";
import { Frontier } from "./frontier.ts";
import type { Model } from "./model.ts";
import { type Path, Predecessors } from "./predecessors.ts";
import type { ExploreResult, ExploreStatistics, ProbeCount } from "./result.ts";
import { StateHash } from "./state-hash.ts";

/** How an exploration keeps its states. */
export interface ExplorationOptions {
  /** States to make room for at once; more are taken all the same. */
  readonly statesExpected?: number;
  /** Where frontier and predecessors go; in memory by default. */
  readonly openBlockStore?: OpenBlockStore;
}

/** An end that no limit caused. */
export type Ending = Exclude<ExploreResult, { kind: "bounded" }>;

/** A search under way; made by `startExploration` or `resumeExploration`. */
export class Exploration {
  readonly model: Model;
  readonly #hash = new StateHash();
  readonly #seen: FingerprintSet;
  readonly #frontier: Frontier;
  readonly #predecessors: Predecessors;
  /** States of each level that is done or under way. */
  #levels: number[] = [];
  #generated = 0;
  /** Also the ordinal number of the state under way: states are expanded as they were found. */
  #expanded = 0;
  #elapsedMs = 0;
  /** The model's counts when this exploration took it, less the hits before a resume. */
  readonly #probeBase: Float64Array;
  #isInEmit = false;
  #ending: Ending | null = null;

  /** Private to this file: without `start` or `restore` it holds no state. */
  constructor(model: Model, options: ExplorationOptions) {
    const open = options.openBlockStore ?? createMemoryBlockStore;
    this.model = model;
    this.#seen = new FingerprintSet(options.statesExpected);
    this.#frontier = new Frontier(open("frontier-a"), open("frontier-b"));
    this.#predecessors = new Predecessors(open("predecessors"));
    this.#probeBase = model.probeHits.slice();
    assert(this.#probeBase.length === model.probes.length, "Model: a count for each probe");
  }

  /** Different states so far. */
  get distinct(): number {
    return this.#seen.count;
  }

  get statistics(): ExploreStatistics {
    const pending = this.#frontier.nextCount;
    const levels = pending === 0 ? [...this.#levels] : [...this.#levels, pending];
    return {
      distinct: this.distinct,
      generated: this.#generated,
      expanded: this.#expanded,
      depth: levels.length,
      levels,
      outDegreeMean: (this.#generated - (levels[0] ?? 0)) / Math.max(1, this.#expanded),
      collisionsExpected: this.distinct ** 2 / 2 ** 65,
      probes: this.#probes(),
      elapsedMs: this.#elapsedMs,
      fingerprintBytes: this.#seen.bytes,
    };
  }

  /** The host's clock: what it measured goes into the statistics. */
  addElapsed(elapsedMs: number): void {
    this.#elapsedMs += elapsedMs;
  }

  /**
   * Expands states until all are, `expansions` more were, or `statesMax` different ones are known.
   * Null while there is more to do.
   */
  advance(expansions: number, statesMax: number = Number.POSITIVE_INFINITY): Ending | null {
    let left = expansions;
    while (this.#ending === null && left > 0 && this.distinct < statesMax) {
      const state = this.#frontier.take();
      if (state !== null) {
        this.#expand(state);
        left--;
      } else if (this.#frontier.nextCount > 0) {
        this.#levels.push(this.#frontier.nextCount);
        this.#frontier.turn();
      } else {
        this.#finish();
      }
    }
    return this.#ending;
  }

  /** Writes all that `resumeExploration` needs; the exploration may go on afterwards. */
  save(writer: CheckpointWriter): void {
    assert(this.#ending === null, "Exploration: only one that can go on is saved");
    writer.header({
      version: 1,
      model: this.model.name,
      descriptionFingerprint: fingerprint64(this.model.description),
      distinct: this.distinct,
      generated: this.#generated,
      expanded: this.#expanded,
      levels: [...this.#levels],
      nextCount: this.#frontier.nextCount,
      probeHits: this.#probes().map(({ hits }) => hits),
      elapsedMs: this.#elapsedMs,
    });
    for (const block of this.#seen.blocks()) writer.block("fingerprints", block);
    for (const block of this.#frontier.remainingBlocks()) writer.block("frontier", block);
    for (const block of this.#frontier.nextBlocks()) writer.block("next", block);
    for (const block of this.#predecessors.blocks()) writer.block("predecessors", block);
  }

  /** Takes up what `save` wrote; for `resumeExploration`. */
  restore(reader: CheckpointReader): void {
    const { header } = reader;
    checkBelongs(header, this.model);
    let remaining = 0;
    for (const block of reader.blocks("fingerprints")) this.#seen.addBlock(block);
    for (const block of reader.blocks("frontier")) {
      remaining += this.#frontier.addRemainingBlock(block);
    }
    for (const block of reader.blocks("next")) this.#frontier.addNextBlock(block);
    for (const block of reader.blocks("predecessors")) this.#predecessors.addBlock(block);
    this.#levels = [...header.levels];
    this.#generated = header.generated;
    this.#expanded = header.expanded;
    this.#elapsedMs = header.elapsedMs;
    for (const [index, hits] of header.probeHits.entries()) {
      this.#probeBase[index] = (this.#probeBase[index] ?? 0) - hits;
    }
    this.#checkWhole(header, remaining);
  }

  /** The parts of a checkpoint must fit each other. */
  #checkWhole({ distinct, expanded, nextCount }: CheckpointHeader, remaining: number): void {
    const pairs = [
      ["fingerprints", this.distinct, distinct],
      ["predecessors", this.#predecessors.count, distinct],
      ["states of the next level", this.#frontier.nextCount, nextCount],
      ["states to expand", remaining + nextCount, distinct - expanded],
    ] as const;
    for (const [what, found, needed] of pairs) {
      if (found === needed) continue;
      const fact = `${found} ${what} are in the checkpoint, ${needed} should be in it`;
      throw new CheckpointError(`Cannot resume: ${fact}`);
    }
  }

  /** Takes the initial states; for `startExploration`. */
  start(): void {
    let states: readonly Uint8Array[];
    try {
      states = this.model.initial();
    } catch (error) {
      this.#break(error, { initial: 0, actions: [] });
      return;
    }
    for (const [place, state] of states.entries()) {
      this.#generated++;
      this.#hash.update(state);
      if (!this.#seen.add(this.#hash.low, this.#hash.high)) continue;
      this.#predecessors.appendInitial(place);
      this.#frontier.push(state);
    }
  }

  #expand(state: Uint8Array): void {
    try {
      this.model.expand(state, this.#emit);
    } catch (error) {
      if (this.#isInEmit) throw error; // ours, not the model's
      const { initial, actions } = this.#predecessors.pathTo(this.#expanded);
      this.#break(error, { initial, actions: [...actions, this.model.failedAction] });
      return;
    }
    this.#expanded++;
  }

  readonly #emit = (action: number, next: Uint8Array): void => {
    this.#isInEmit = true;
    const hash = this.#hash;
    this.#generated++;
    hash.update(next);
    if (this.#seen.add(hash.low, hash.high)) {
      this.#predecessors.append(this.#expanded, action);
      this.#frontier.push(next);
    }
    this.#isInEmit = false;
  };

  /** The model broke at the end of `path`: makes the counterexample by going there again. */
  #break(error: unknown, path: Path): void {
    const { statistics } = this; // before the replay, which hits probes
    const again = replay(this.model, path);
    assert(
      again.kind === "violation",
      "explorer: a model does the same when it is asked the same",
      () => `${describe(error)}; the replay: ${JSON.stringify(again)}`,
    );
    this.#ending = { kind: "violation", counterexample: again.counterexample, statistics };
  }

  #finish(): void {
    const { statistics } = this;
    const probes = statistics.probes.filter(({ hits }) => hits === 0).map(({ name }) => name);
    this.#ending =
      probes.length === 0
        ? { kind: "complete", statistics }
        : { kind: "unreached", probes, statistics };
  }

  #probes(): ProbeCount[] {
    const { probes, probeHits } = this.model;
    return probes.map((name, index) => {
      return { name, hits: (probeHits[index] ?? 0) - (this.#probeBase[index] ?? 0) };
    });
  }
}

/** Begins at the model's initial states. */
export function startExploration(model: Model, options: ExplorationOptions = {}): Exploration {
  const exploration = new Exploration(model, options);
  exploration.start();
  return exploration;
}

/**
 * Goes on where a checkpoint was taken; the totals come out as if there had been no break.
 *
 * @throws CheckpointError if it belongs to another model or other bounds, or is not whole
 */
export function resumeExploration(
  model: Model,
  reader: CheckpointReader,
  options: ExplorationOptions = {},
): Exploration {
  const exploration = new Exploration(model, {
    statesExpected: reader.header.distinct,
    ...options,
  });
  exploration.restore(reader);
  return exploration;
}
