/**
 * The state of a typed machine, and how it gets into snapshots and back. Its bytes need nothing of
 * the program: a state is plain data. Called by `reducer.ts`.
 */
import { assert, FormatError } from "../base/index.ts";
import { ParsedRestore } from "./byte-feed.ts";
import { containerKind } from "./draft-scope.ts";
import type { InstanceSnapshots } from "./instance-snapshots.ts";
import { PieceSource, type StateCapture, type StateRestore } from "./state-capture.ts";
import { parseState, StateWalk } from "./state-codec.ts";
import { StateLayers } from "./state-layers.ts";

export class ReducerState implements InstanceSnapshots {
  readonly kind = "typed";
  readonly versionMax: number;
  /** In force at the newest command that was applied. */
  version = 0;
  #current: object;
  /** While a capture is under way, and until what changed meanwhile is merged. */
  #layers: StateLayers | null = null;

  /** `version`: the declared one. */
  constructor(initial: object, version: number) {
    this.#current = initial;
    this.versionMax = version;
  }

  /** Not to be looked at but through `layers`. */
  get current(): object {
    return this.#current;
  }

  get layers(): StateLayers | null {
    return this.#layers;
  }

  /** A command of this version is about to be applied. */
  enter(version: number): void {
    if (version > this.version) this.version = version;
    if (this.#layers?.merge()) this.#layers = null;
  }

  capture(): StateCapture {
    // Mostly empty: commands since the last capture have merged what they met.
    this.#layers?.mergeAll();
    const layers = new StateLayers();
    this.#layers = layers;
    const walk = new StateWalk(this.#current);
    return new PieceSource(
      (writer) => walk.step(writer),
      () => layers.thaw(),
    );
  }

  restore(version: number): StateRestore {
    assert(version <= this.versionMax, "the caller has looked at the version");
    const kind = containerKind(this.#current);
    // Its memory is needed; nobody looks at it before the end.
    this.#current = {};
    this.#layers = null;
    return new ParsedRestore(parseState, (state) => {
      const found = containerKind(state);
      if (found !== kind) throw new FormatError(`the state is of kind ${found}, not ${kind}`);
      this.#current = state;
      this.version = version;
    });
  }
}
