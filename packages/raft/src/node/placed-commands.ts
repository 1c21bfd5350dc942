/**
 * Commands whose place in the log is known, in the order of their indexes, until they are applied.
 * Not a Map: V8 links the tables of a growing Map, and dead ones keep every command alive that they
 * ever held until the next full collection (measured: a third of all memory traffic at 100,000
 * commands a second).
 */
import { assert, type LogIndex } from "../base/index.ts";
import type { CommandRequest } from "./requests.ts";

/** Slots before the first that are given back together. */
const slackMax = 1_024;

export class PlacedCommands {
  /** Ascending by index from `#first` on; two of one index are of leaders of different terms. */
  readonly #items: (CommandRequest | undefined)[] = [];
  #first = 0;

  /** The lowest index at which a command waits, or null. */
  get lowest(): LogIndex | null {
    return this.#items[this.#first]?.index ?? null;
  }

  add(request: CommandRequest): void {
    const { index } = request;
    assert(index !== null, "a placed command knows its index");
    const at = this.#endOf(index);
    if (at === this.#items.length) this.#items.push(request);
    else this.#items.splice(at, 0, request);
  }

  /**
   * Removes and returns a command that waits at `index`, the lowest; null when there is none left.
   */
  take(index: LogIndex): CommandRequest | null {
    const request = this.#items[this.#first];
    if (request === undefined || request.index !== index) {
      assert((request?.index ?? index) >= index, "indexes are applied one after the other");
      return null;
    }
    this.#items[this.#first] = undefined;
    this.#first++;
    if (this.#first === this.#items.length) {
      this.#items.length = 0;
      this.#first = 0;
    } else if (this.#first > slackMax) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
    return request;
  }

  /** Ignored if it does not wait here. */
  remove(request: CommandRequest): void {
    if (request.index === null) return;
    for (let at = this.#endOf(request.index) - 1; at >= this.#first; at--) {
      const item = this.#items[at];
      if (item === request) this.#items.splice(at, 1);
      if (item === request || item?.index !== request.index) return;
    }
  }

  /** Removes and returns all, in their order. */
  takeAll(): readonly CommandRequest[] {
    const all = this.#items.splice(0).filter((item) => item !== undefined);
    this.#first = 0;
    return all;
  }

  /** Where a command of this index goes: behind all of lower and equal ones. */
  #endOf(index: LogIndex): number {
    let low = this.#first;
    let high = this.#items.length;
    const last = this.#items[high - 1];
    if (last === undefined || (last.index ?? 0) <= index) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#items[middle]?.index ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
