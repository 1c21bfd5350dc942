/** Damaged sections: refused, or taken for what they are. */
import { describe, expect, it } from "vitest";
import {
  apply,
  bytesOf,
  create,
  restore,
  type Step,
} from "../../test/support/snapshot-machines.ts";
import { FormatError } from "../base/index.ts";
import { UnrestorableError } from "./machine-errors.ts";

describe("damaged sections", () => {
  function sample(): ReadonlyMap<string, Uint8Array> {
    const set = create();
    const steps: Step[] = [
      { kind: "open" },
      { kind: "once", sequence: 2, title: "b" },
      { kind: "shelf", command: "add", argument: { title: "a", copies: 3 } },
      { kind: "shelf", command: "lend", argument: { title: "a", to: "3" } },
      { kind: "shelf", command: "lend", argument: { title: "a", to: "1" } },
      { kind: "shelf", command: "oddities", argument: undefined },
      { kind: "journal", bytes: [1, 2, 3] },
    ];
    for (const [i, one] of steps.entries()) apply(set, one, i + 1);
    return bytesOf(set, steps.length);
  }
  const index = 7;

  it("are noticed wherever they are cut short; a raw machine's end is its own affair", () => {
    const whole = sample();
    for (const [name, bytes] of whole) {
      for (let length = 0; length < bytes.length; length++) {
        if (name === "journal" && length >= 4) continue;
        const cut = new Map(whole).set(name, bytes.subarray(0, length));
        expect(() => restore(create(), cut, index), `${name} ${length}`).toThrow(FormatError);
      }
    }
  });

  it("are refused, or taken for exactly what they are: then their hash is another", () => {
    const whole = sample();
    let refused = 0;
    let taken = 0;
    for (const [name, bytes] of whole) {
      for (let at = 0; at < bytes.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const damaged = bytes.slice();
          damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
          const sections = new Map(whole).set(name, damaged);
          const set = create();
          try {
            restore(set, sections, index, 64);
          } catch (error) {
            const isNamed = error instanceof FormatError || error instanceof UnrestorableError;
            expect(isNamed, `${name} ${at}.${bit}: ${String(error)}`).toBe(true);
            refused++;
            continue;
          }
          taken++;
          expect(bytesOf(set, index), `${name} ${at}.${bit}`).toEqual(sections);
        }
      }
    }
    expect(refused).toBeGreaterThan(1_500);
    expect(taken).toBeGreaterThan(500);
  });

  it("cost no memory for what they only claim to hold", () => {
    for (const tag of [6, 7, 8, 10, 11, 12, 13]) {
      const claim = Uint8Array.of(1, 2, 1, 0, 10, 1, 0, 0, 0, tag, 0xff, 0xff, 0xff, 0xff);
      const sections = new Map(sample()).set("shelf", claim);
      expect(() => restore(create(), sections, index)).toThrow(/ends in the middle|not object/);
    }
  });
});
