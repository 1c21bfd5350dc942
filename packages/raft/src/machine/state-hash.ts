/**
 * A number for the content of a state: equal states have equal ones, different states almost never
 * (one in 2^53 by chance; not made against intent). The same on every member and in every version
 * of the engine. Called by `reducer.ts` and `machine-set.ts`.
 */

/** Takes in values one after the other; the order counts. */
export class StateHash {
  #high = 0x9e3779b9;
  #low = 0x85ebca6b;
  readonly #float = new DataView(new ArrayBuffer(8));

  /** A safe integer of what was taken in until now. */
  get value(): number {
    const high = mix(this.#high ^ this.#low);
    const low = mix(this.#low + high);
    return (high >>> 11) * 2 ** 32 + (low >>> 0);
  }

  /** Plain data: as a machine's state is. Keys count in their order, because reducers see it. */
  add(value: unknown): void {
    switch (typeof value) {
      case "string":
        this.#addText(1, value);
        break;
      case "number":
        this.#addNumber(value);
        break;
      case "bigint":
        this.#addText(3, String(value));
        break;
      case "boolean":
        this.#addWord(value ? 4 : 5);
        break;
      case "object":
        if (value === null) this.#addWord(6);
        else this.#addObject(value);
        break;
      default:
        this.#addWord(7); // undefined; functions and symbols are in no state
    }
  }

  #addObject(value: object): void {
    if (Array.isArray(value)) {
      this.#addWord(8);
      this.#addWord(value.length);
      for (const inner of value) this.add(inner);
    } else if (value instanceof Map) {
      this.#addWord(9);
      this.#addWord(value.size);
      for (const [key, inner] of value) {
        this.add(key);
        this.add(inner);
      }
    } else if (value instanceof Set) {
      this.#addWord(10);
      this.#addWord(value.size);
      for (const member of value) this.add(member);
    } else {
      const keys = Object.keys(value);
      this.#addWord(11);
      this.#addWord(keys.length);
      for (const key of keys) {
        this.#addText(1, key);
        this.add(Reflect.get(value, key));
      }
    }
  }

  #addNumber(value: number): void {
    this.#addWord(2);
    // One bit pattern for all NaNs; -0 and 0 are told apart, as `Object.is` does.
    this.#float.setFloat64(0, Number.isNaN(value) ? Number.NaN : value);
    this.#addWord(this.#float.getUint32(0));
    this.#addWord(this.#float.getUint32(4));
  }

  #addText(kind: number, text: string): void {
    this.#addWord(kind);
    this.#addWord(text.length);
    for (let at = 0; at < text.length; at++) this.#addWord(text.charCodeAt(at));
  }

  #addWord(word: number): void {
    this.#high = Math.imul(this.#high ^ word, 0x01000193);
    this.#low = Math.imul((this.#low << 5) ^ (this.#low >>> 27) ^ word, 0x27d4eb2f);
  }
}

/** Spreads what changed over all bits. */
function mix(word: number): number {
  const once = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return twice ^ (twice >>> 16);
}
