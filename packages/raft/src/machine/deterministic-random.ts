/**
 * The random numbers of typed commands: the same on every member, because they come from the
 * entry's place in the log. Changing this file changes states on replay: it is part of the format
 * (golden values in the test).
 */

/**
 * A stream of numbers in [0, 1) with 32 random bits each, from (index, term, number of the call).
 * Good for jitter, sampling and picking; no secret, because whoever knows the log knows them.
 *
 * sfc32 (Chris Doty-Humphrey's small fast chaotic generator, in the public domain), seeded with
 * index and term, its first 20 numbers left out.
 */
export class DeterministicRandom {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 0;

  /** Starts the stream of the entry at (index, term). */
  seed(index: number, term: number): void {
    this.#a = index >>> 0;
    this.#b = term >>> 0;
    this.#c = (Math.floor(index / 0x1_0000_0000) ^ (Math.floor(term / 0x1_0000_0000) << 16)) >>> 0;
    this.#counter = 1;
    for (let i = 0; i < 20; i++) this.next();
  }

  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return (sum >>> 0) / 0x1_0000_0000;
  }
}
