/**
 * Counts what costs a client little and the server something. A budget is spent by each and grows
 * with time; who exceeds it is not working but attacking.
 */
export class FloodGuard {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #countedMs: number;

  /** @param burst What may come at once; @param perSecond what may come for ever */
  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
    this.#countedMs = performance.now();
  }

  /** Counts one; returns whether the budget allowed it. */
  allows(): boolean {
    if (this.#left < 1) this.#refill();
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  /** Gives some back: what the client did was work. */
  earn(count: number): void {
    this.#left = Math.min(this.#burst, this.#left + count);
  }

  #refill(): void {
    const nowMs = performance.now();
    const grown = ((nowMs - this.#countedMs) / 1_000) * this.#perSecond;
    this.#left = Math.min(this.#burst, this.#left + grown);
    this.#countedMs = nowMs;
  }
}
