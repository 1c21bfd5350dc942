/**
 * The way out for the core's messages: each leaves when the unit that it names is durable, in the
 * order of their making. Called by `member.ts`.
 */
import { assert, type PersistUnit, persistUnit } from "../base/index.ts";
import { type Message, mayRelease, type Send } from "../core/index.ts";

export class Outlet {
  readonly #leave: (message: Message) => void;
  /** Sends whose unit is not durable yet. */
  #held: Send[] = [];
  #durable: PersistUnit = persistUnit(0);

  constructor(leave: (message: Message) => void) {
    this.#leave = leave;
  }

  send(effect: Send): void {
    if (mayRelease(effect, this.#durable)) this.#leave(effect.message);
    else this.#held.push(effect);
  }

  /** `unit` is on disk: what waited for it leaves. Returns whether anything had waited. */
  release(unit: PersistUnit): boolean {
    assert(unit > this.#durable, "units become durable in order");
    this.#durable = unit;
    const held = this.#held;
    if (held.length === 0) return false;
    this.#held = [];
    for (const send of held) this.send(send);
    return true;
  }

  /** The member has ended: nothing leaves any more. */
  clear(): void {
    this.#held = [];
  }
}
