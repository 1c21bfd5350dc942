/**
 * The door to time. Safety never depends on it; only liveness does. The real one is in `ports/os`;
 * tests and the simulator bring a virtual one.
 */

export interface Timer {
  /** Idempotent; the callback does not run afterwards. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds with a fraction, from an arbitrary origin. Never goes back. */
  nowMs(): number;
  /** Milliseconds since 1970 for display and for machines' `now`. May jump. */
  wallMs(): number;
  /** Runs `callback` once, no sooner than `delayMs` from now. */
  after(delayMs: number, callback: () => void): Timer;
  /**
   * Runs `callback` after the I/O callbacks that are due in this turn of the event loop: the place
   * where a turn's inputs become one batch.
   */
  defer(callback: () => void): void;
}
