/**
 * Every kept version in the order it was made: what happened in which revision. The order inside a
 * revision is that of the transaction's operations. Ranges do not need it; whoever wants the
 * changes since a revision (watchers, hashes) reads it.
 */
import type { KeyValue } from "../proto/index.ts";
import { assert } from "./assert.ts";

/** Versions in a block: a log of millions grows without ever being copied as a whole. */
const blockVersionsMax = 4_096;

/** A log as it was at one moment. */
export interface FrozenLog {
  readonly length: number;
  /** @invariant `position` is below `length` */
  at(position: number): KeyValue;
}

export class RevisionLog {
  /** @invariant a version in a block stays there: a frozen log looks at the same blocks */
  readonly #blocks: KeyValue[][] = [];
  #length = 0;

  /** How many versions, tombstones included. */
  get length(): number {
    return this.#length;
  }

  /** Adds the next version; revisions never go back. */
  append(version: KeyValue): void {
    let block = this.#blocks[this.#blocks.length - 1];
    if (block === undefined || block.length === blockVersionsMax) {
      block = [];
      this.#blocks.push(block);
    }
    block.push(version);
    this.#length += 1;
  }

  /** What is in it now, whatever is added: costs one reference for each 4,096 versions. */
  freeze(): FrozenLog {
    const blocks = this.#blocks.slice();
    return { length: this.#length, at: (position) => versionAt(blocks, position) };
  }

  /** Calls `visit` for every version made in `revision` or later, in order. */
  visitFrom(revision: number, visit: (version: KeyValue) => void): void {
    let previous = revision;
    for (let at = this.#firstFrom(revision); at < this.#length; at++) {
      const version = versionAt(this.#blocks, at);
      assert(version.modRevision >= previous, "revision log: revisions ascend");
      previous = version.modRevision;
      visit(version);
    }
  }

  #firstFrom(revision: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (versionAt(this.#blocks, middle).modRevision < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function versionAt(blocks: readonly KeyValue[][], position: number): KeyValue {
  const block = blocks[Math.floor(position / blockVersionsMax)];
  const version = block?.[position % blockVersionsMax];
  assert(version !== undefined, "revision log: a position below the length has a version");
  return version;
}
