/**
 * The time that a leader writes into the entries of sessions. It goes on from what the log says,
 * at the pace of this member's monotonic clock, and stands still while there is no leader: so no
 * session expires because nobody could be reached, and no wall clock matters. Called by
 * `proposals.ts`. @thesis §6.3
 */
import { noTerm, type Term } from "../base/index.ts";

export class SessionClock {
  #term: Term = noTerm;
  /** Session time at `#sinceMs` of the own clock. */
  #baseMs = 0;
  #sinceMs = 0;

  /**
   * As the leader of `term`: `appliedMs` is the session time that the applied entries have come to,
   * `nowMs` the own monotonic clock. Whole milliseconds.
   */
  read(term: Term, appliedMs: number, nowMs: number): number {
    const passedMs = Math.max(0, Math.floor(nowMs - this.#sinceMs));
    if (term === this.#term && appliedMs <= this.#baseMs + passedMs) return this.#baseMs + passedMs;
    // A new stint, or an inherited entry says that it is later.
    this.#term = term;
    this.#baseMs = appliedMs;
    this.#sinceMs = nowMs;
    return appliedMs;
  }
}
