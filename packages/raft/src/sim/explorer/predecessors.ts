/**
 * Where each state came from: the ordinal number of the state that was expanded and the number of
 * the action, six bytes a state. Enough to walk back from any state to an initial one and to make
 * every state on the way again. The explorer owns it.
 */
import { assert } from "../../base/index.ts";
import type { BlockStore } from "./block-store.ts";

const recordBytes = 6;
/** Records of a block: 384 KiB. */
const blockRecords = 1 << 16;
/** Marks an initial state; its "action" is its place in `initial()`. */
const noParent = 0xffff_ffff;
/** Actions are numbered in 16 bits. */
const actionMax = 0xffff;

/** How a state was reached. */
export interface Path {
  /** Which of the initial states it starts from. */
  readonly initial: number;
  /** The actions from there, in order. */
  readonly actions: readonly number[];
}

/** A record for each state, by ordinal number. */
export class Predecessors {
  #count = 0;
  readonly #store: BlockStore;
  #block = new DataView(new ArrayBuffer(blockRecords * recordBytes));

  constructor(store: BlockStore) {
    this.#store = store;
  }

  get count(): number {
    return this.#count;
  }

  /** The next state is the initial one at this place. */
  appendInitial(place: number): void {
    this.#append(noParent, place);
  }

  /** The next state came from `parent` by `action`. */
  append(parent: number, action: number): void {
    assert(parent < this.#count, "Predecessors: a state is numbered before it is expanded");
    this.#append(parent, action);
  }

  /** The way from an initial state to the state with this number. */
  pathTo(ordinal: number): Path {
    const actions: number[] = [];
    for (let at = ordinal; ; ) {
      const { parent, action } = this.#read(at);
      if (parent === noParent) return { initial: action, actions: actions.reverse() };
      actions.push(action);
      at = parent;
    }
  }

  /** All records, in blocks. */
  *blocks(): IterableIterator<Uint8Array> {
    for (let index = 0; index < this.#store.count; index++) yield this.#store.read(index);
    const used = this.#count % blockRecords;
    if (used > 0) yield new Uint8Array(this.#block.buffer, 0, used * recordBytes).slice();
  }

  /** Takes back, in order, into an empty instance, what `blocks` gave. */
  addBlock(block: Uint8Array): void {
    assert(this.#count % blockRecords === 0, "Predecessors: only the last block is not full");
    new Uint8Array(this.#block.buffer).set(block);
    this.#count += block.length / recordBytes;
    if (this.#count % blockRecords === 0) this.#store.append(block);
  }

  #append(parent: number, action: number): void {
    assert(action >= 0 && action <= actionMax, "Predecessors: an action's number has 16 bits");
    assert(this.#count < noParent, "Predecessors: an ordinal number has 32 bits");
    const at = (this.#count % blockRecords) * recordBytes;
    this.#block.setUint32(at, parent, true);
    this.#block.setUint16(at + 4, action, true);
    this.#count++;
    if (this.#count % blockRecords === 0) this.#store.append(new Uint8Array(this.#block.buffer));
  }

  #read(ordinal: number): { parent: number; action: number } {
    assert(ordinal < this.#count, "Predecessors: only states that were found are asked for");
    const index = Math.floor(ordinal / blockRecords);
    const at = (ordinal % blockRecords) * recordBytes;
    if (index === this.#store.count) {
      return {
        parent: this.#block.getUint32(at, true),
        action: this.#block.getUint16(at + 4, true),
      };
    }
    const block = this.#store.read(index);
    const view = new DataView(block.buffer, block.byteOffset + at, recordBytes);
    return { parent: view.getUint32(0, true), action: view.getUint16(4, true) };
  }
}
