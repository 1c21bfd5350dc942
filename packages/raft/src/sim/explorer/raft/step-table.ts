/** What came of each input to each member's state: an open-addressing table of small numbers. */

export class StepTable {
  #members = new Int32Array(1 << 16).fill(-1);
  #inputs = new Int32Array(1 << 16);
  #nexts = new Int32Array(1 << 16);
  #outcomes = new Int32Array(1 << 16);
  count = 0;
  /** The slot that `find` stopped at. */
  #slot = 0;

  get bytesUsed(): number {
    return 16 * this.#members.length;
  }

  /** Whether it is known; then `next` and `outcome` are its. */
  find(member: number, input: number): boolean {
    const mask = this.#members.length - 1;
    let slot = hashOf(member, input) & mask;
    for (;;) {
      const found = this.#members[slot];
      if (found === member && this.#inputs[slot] === input) {
        this.#slot = slot;
        return true;
      }
      if (found === -1) return false;
      slot = (slot + 1) & mask;
    }
  }

  get next(): number {
    return this.#nexts[this.#slot] ?? 0;
  }

  get outcome(): number {
    return this.#outcomes[this.#slot] ?? 0;
  }

  /** Adds what is not there; then it is the found one. */
  add(member: number, input: number, next: number, outcome: number): void {
    if ((this.count + 1) * 5 > this.#members.length * 3) this.#grow();
    const slot = this.#free(member, input);
    this.#members[slot] = member;
    this.#inputs[slot] = input;
    this.#nexts[slot] = next;
    this.#outcomes[slot] = outcome;
    this.#slot = slot;
    this.count++;
  }

  /** Calls back for each, in no order that means anything. */
  visit(each: (member: number, input: number) => void): void {
    for (let slot = 0; slot < this.#members.length; slot++) {
      const member = this.#members[slot] ?? -1;
      if (member >= 0) each(member, this.#inputs[slot] ?? 0);
    }
  }

  #free(member: number, input: number): number {
    const mask = this.#members.length - 1;
    let slot = hashOf(member, input) & mask;
    while (this.#members[slot] !== -1) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [members, inputs, nexts, outcomes] = [
      this.#members,
      this.#inputs,
      this.#nexts,
      this.#outcomes,
    ];
    const size = members.length * 2;
    this.#members = new Int32Array(size).fill(-1);
    this.#inputs = new Int32Array(size);
    this.#nexts = new Int32Array(size);
    this.#outcomes = new Int32Array(size);
    for (let old = 0; old < members.length; old++) {
      const member = members[old] ?? -1;
      if (member < 0) continue;
      const slot = this.#free(member, inputs[old] ?? 0);
      this.#members[slot] = member;
      this.#inputs[slot] = inputs[old] ?? 0;
      this.#nexts[slot] = nexts[old] ?? 0;
      this.#outcomes[slot] = outcomes[old] ?? 0;
    }
  }
}

function hashOf(member: number, input: number): number {
  const mixed = Math.imul(Math.imul(member, 0x9e3779b1) ^ input, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
