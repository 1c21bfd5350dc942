import { describe, expect, it } from "vitest";
import {
  bytesFrom,
  contentOf,
  mebibyte,
  TransferWorld,
} from "../../../test/transfer/transfer-world.ts";

describe("newer snapshots while one is under way", () => {
  const slow = { limits: { snapshotBytesPerSecond: mebibyte } };

  it("H15: do not send the receiver back to the start, again and again", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a", slow), world.start("b")];
    const first = world.give(a, contentOf(9, 5 * mebibyte));
    world.clock.advance(100);
    world.offer(a, b, first);
    // Every second a newer snapshot, offered at once; what is not needed any more is removed.
    let newest = 9;
    for (let second = 1; second <= 4; second++) {
      world.clock.advance(1000);
      newest += 10;
      const next = world.give(a, contentOf(newest, 5 * mebibyte));
      world.offer(a, b, next);
      expect(a.exchange.neededFrom).toBe(9);
      const keepFrom = a.exchange.neededFrom ?? next.position.index;
      a.opened.store.snapshots.prune(keepFrom, (error) => expect(error).toBe(null));
    }
    world.until(() => b.applied === 9);
    expect(bytesFrom(b.blocks)).toBeLessThan(first.bytes + mebibyte);
    // Then the newest that was offered, and what holds the first is gone.
    world.until(() => b.applied === newest);
    world.clock.advance(100);
    expect(a.exchange.neededFrom).toBe(null);
    world.stop(a, b);
  });

  it("H15: take its place when nobody has the first one any more", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a", slow), world.start("b")];
    const first = world.give(a, contentOf(9, 5 * mebibyte));
    world.clock.advance(100);
    world.offer(a, b, first);
    world.clock.advance(1000);
    // A host that does not heed what is needed: the file is pinned only while it is sent.
    const second = world.give(a, contentOf(19, mebibyte));
    world.network.cut("a", "b", { mode: "drop" });
    world.clock.advance(10);
    a.opened.store.snapshots.prune(second.position.index, (error) => expect(error).toBe(null));
    world.clock.advance(1000);
    world.network.heal("a", "b");
    world.clock.advance(2000);
    world.offer(a, b, second);
    const forMs = world.until(() => b.applied === 19);
    expect(forMs).toBeLessThan(3000);
    expect(b.events).toContainEqual(
      expect.objectContaining({ kind: "fetch-ended", snapshot: first, why: "superseded" }),
    );
    world.stop(a, b);
  });

  it("H15: take its place when its sources are silent, after the stall time", () => {
    const world = new TransferWorld(["a", "b", "c"]);
    const [a, b, c] = [world.start("a", slow), world.start("b"), world.start("c")];
    const first = world.give(a, contentOf(9, 5 * mebibyte));
    const second = world.give(c, contentOf(19, mebibyte));
    world.clock.advance(100);
    world.offer(a, b, first);
    world.clock.advance(1000);
    world.network.kill("a");
    world.offer(c, b, second, [c], 3);
    world.clock.advance(4000);
    expect(b.exchange.fetching?.snapshot).toEqual(first);
    world.until(() => b.applied === 19);
    expect(world.clock.nowMs()).toBeLessThan(12_000);
    world.stop(b, c);
  });

  it("H15: what a member needs is kept while it makes progress, and no longer", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a", slow), world.start("b")];
    const snapshot = world.give(a, contentOf(9, 3 * mebibyte));
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    world.clock.advance(1500);
    expect(a.exchange.transfers).toMatchObject([{ peer: "b", snapshot, state: "receiving" }]);
    expect(a.exchange.neededFrom).toBe(9);
    world.network.kill("b");
    for (let second = 0; second < 61; second++) {
      world.clock.advance(1000);
      world.offer(a, b, snapshot); // saying it again prolongs nothing
    }
    expect(a.exchange.neededFrom).toBe(null);
    expect(a.exchange.transfers).toEqual([]);
  });
});
