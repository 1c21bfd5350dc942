/**
 * Small fields as digits of one number below 2^53, lowest first: what is written first is read
 * first.
 */
import { assert } from "../../../base/index.ts";

export class DigitWriter {
  value = 0;
  #scale = 1;

  put(digit: number, radix: number): this {
    assert(
      digit >= 0 && digit < radix,
      "the bounds of the model leave room for every field",
      () => {
        return `${digit} in ${radix}`;
      },
    );
    this.value += digit * this.#scale;
    this.#scale *= radix;
    assert(this.#scale <= 2 ** 53, "the digits of a message fit into one number");
    return this;
  }
}

export class DigitReader {
  #rest: number;

  constructor(value: number) {
    this.#rest = value;
  }

  take(radix: number): number {
    const digit = this.#rest % radix;
    this.#rest = (this.#rest - digit) / radix;
    return digit;
  }
}
