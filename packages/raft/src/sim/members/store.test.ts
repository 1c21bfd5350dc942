import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError, logIndex, term } from "../../base/index.ts";
import { createMachineSet, rawMachine } from "../../machine/index.ts";
import { createRandom } from "../random.ts";
import { drawStoreWrite, encodeStoreInput, Store } from "./store.ts";

function writes(seed: number, count: number): Uint8Array[] {
  const random = createRandom(seed, 0);
  return Array.from({ length: count }, (_, i) => encodeStoreInput(drawStoreWrite(random, i + 1)));
}

describe("the store of the simulator in a snapshot", () => {
  it("comes back as it was, and goes on alike", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(30), fc.integer({ min: 1, max: 80 }), (seed, cut, maxBytes) => {
        const [store, other] = [new Store(), new Store()];
        const from = createMachineSet({ store: rawMachine(() => store) });
        const to = createMachineSet({ store: rawMachine(() => other) });
        const all = writes(seed, 40);
        for (const [i, data] of all.slice(0, cut).entries()) {
          from.apply(from.encode("store", data), logIndex(i + 1), term(1), false);
        }
        const hash = store.hash();
        const capture = from.capture(logIndex(cut), term(1));
        for (const data of all.slice(cut)) store.apply(data);
        const restore = to.restore(logIndex(cut), term(1));
        for (;;) {
          const piece = capture.next(maxBytes);
          if (piece === null) break;
          restore.write(piece);
        }
        restore.finish();
        expect(other.hash()).toBe(hash);
        for (const data of all.slice(cut)) other.apply(data);
        expect(other.hash()).toBe(store.hash());
      }),
    );
  });

  it("has one size", () => {
    const restore = new Store().restore();
    restore.write(new Uint8Array(67));
    expect(() => restore.finish()).toThrow(FormatError);
    expect(() => restore.write(new Uint8Array(2))).toThrow("more than a store");
  });
});
