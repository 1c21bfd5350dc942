import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { FingerprintSet } from "./fingerprint-set.ts";

describe("FingerprintSet", () => {
  it("does what a Set does, while it grows", () => {
    const random = createRandom(7, 0);
    const twin = new Set<string>();
    const set = new FingerprintSet();
    let wrong = 0;
    for (let step = 0; step < 200_000; step++) {
      // Few values in each lane, zero and the largest among them, so that both repeat.
      const low = (random.below(2000) * 2_147_484) >>> 0;
      const high = random.chance(0.1) ? 0 : (0xffff_ffff - random.below(300) * 14_000_000) >>> 0;
      if (low === 0 && high === 0) continue;
      if (set.add(low, high) === twin.has(`${low} ${high}`)) wrong++;
      twin.add(`${low} ${high}`);
    }
    expect(wrong).toBe(0);
    expect(set.count).toBe(twin.size);
    expect(set.count).toBeGreaterThan(80_000);
  });

  it("gives every fingerprint once and takes them back", () => {
    const set = new FingerprintSet();
    for (let number = 1; number <= 50_000; number++) {
      set.add(Math.imul(number, 0x9e3779b1) >>> 0, Math.imul(number, 0x85ebca6b) >>> 0);
    }
    const other = new FingerprintSet(set.count);
    let bytes = 0;
    for (const block of set.blocks()) {
      bytes += block.length;
      other.addBlock(block);
    }
    expect(bytes).toBe(50_000 * 8);
    expect(other.count).toBe(50_000);
    let missing = 0;
    for (let number = 1; number <= 50_000; number++) {
      const low = Math.imul(number, 0x9e3779b1) >>> 0;
      if (other.add(low, Math.imul(number, 0x85ebca6b) >>> 0)) missing++;
    }
    expect(missing).toBe(0);
  });

  it("uses at most 24 bytes a fingerprint once it is large", () => {
    const set = new FingerprintSet();
    const random = createRandom(3, 0);
    for (let number = 0; number < 1_000_000; number++) {
      set.add(random.below(2 ** 32), random.below(2 ** 32));
    }
    expect(set.bytes / set.count).toBeLessThan(24);
  });
});
