import { describe, expect, it } from "vitest";
import {
  bytesFrom,
  contentOf,
  fileOf,
  kindsIn,
  mebibyte,
  TransferWorld,
} from "../../../test/transfer/transfer-world.ts";
import { createSeededRandom } from "../../testing/seeded-random.ts";

const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

describe("a snapshot on its way to another member", () => {
  it("comes whole, once, and is told of on both sides", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a"), world.start("b")];
    const snapshot = world.give(a, contentOf(9, 5 * mebibyte));
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    world.until(() => a.statuses.at(-1)?.state === "installed");
    expect(isSame(fileOf(b, snapshot), fileOf(a, snapshot))).toBe(true);
    expect(b.opened.store.snapshots.newest?.identity).toEqual(snapshot);
    expect(bytesFrom(b.blocks)).toBe(snapshot.bytes);
    expect(b.blocks).toHaveLength(Math.ceil(snapshot.bytes / 65_536));
    expect(kindsIn(b.events)).toEqual(["fetch-started", "fetch-done"]);
    expect(kindsIn(a.events)).toEqual(["send-started", "send-ended"]);
    expect(a.statuses[0]).toMatchObject({ from: "b", to: "a", term: 2, snapshot });
    expect([a.exchange.neededFrom, b.exchange.fetching]).toEqual([null, null]);
    world.clock.advance(1000);
    // Two connections for messages, seen from both ends.
    expect(world.network.connectionCount()).toBe(4);
    world.stop(a, b);
    expect(world.network.connectionCount()).toBe(0);
    expect(world.clock.pendingCount()).toBe(0);
  });

  it.each([1, 400, 65_512, 65_513, 65_000 * 2])("of %i bytes arrives in any pieces", (bytes) => {
    const pieces = { bytesMax: 5000, random: createSeededRandom(7) };
    const world = new TransferWorld(["a", "b"], { pieces });
    const [a, b] = [world.start("a"), world.start("b")];
    const snapshot = world.give(a, contentOf(9, bytes));
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    world.until(() => b.applied === 9);
    expect(isSame(fileOf(b, snapshot), fileOf(a, snapshot))).toBe(true);
    expect(bytesFrom(b.blocks)).toBe(snapshot.bytes);
  });

  it("is not fetched where it brings nothing, cannot be one, or is too large", () => {
    const world = new TransferWorld(["a", "b"]);
    const a = world.start("a");
    const b = world.start("b", { limits: { snapshotBytesMax: 100_000 } });
    const snapshot = world.give(a, contentOf(9, 1000));
    world.clock.advance(100);
    b.applied = 9;
    world.offer(a, b, snapshot);
    world.clock.advance(100);
    expect(a.statuses.at(-1)).toMatchObject({ state: "installed" });
    b.applied = 0;
    for (const bytes of [100_001, 1024, 512 + 65_536 + 1 + 512]) {
      world.offer(a, b, { ...snapshot, bytes });
      world.clock.advance(100);
      expect(a.statuses.at(-1)).toMatchObject({ state: "refused", snapshot: { bytes } });
    }
    world.offer(a, b, snapshot, [a], 1);
    world.clock.advance(100);
    expect(a.news).toEqual(["sent", "failed", "failed", "failed"]);
    expect([b.events, b.blocks]).toEqual([[], []]);
  });

  it("an offer of an entry of a later term than the leader's is refused", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a"), world.start("b")];
    const snapshot = world.give(a, contentOf(9, 1000));
    world.clock.advance(100);
    world.offer(a, b, snapshot, [a], 1);
    world.clock.advance(100);
    expect([a.news, b.events]).toEqual([["failed"], []]);
  });

  it("is given up when the log has brought it in the meantime", () => {
    const world = new TransferWorld(["a", "b"]);
    const a = world.start("a", { limits: { snapshotBytesPerSecond: mebibyte } });
    const b = world.start("b");
    const snapshot = world.give(a, contentOf(9, 5 * mebibyte));
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    world.clock.advance(2000);
    b.applied = 10;
    world.clock.advance(2000);
    expect(b.events.at(-1)).toMatchObject({ kind: "fetch-ended", why: "not-wanted" });
    expect(a.statuses.at(-1)).toMatchObject({ state: "installed" });
    world.stop(a, b);
  });

  it("is removed when the host refuses it, and a later offer begins anew", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a"), world.start("b")];
    const snapshot = world.give(a, contentOf(9, 100_000));
    b.takes = false;
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    world.until(() => a.statuses.at(-1)?.state === "refused");
    expect(b.storage.disk.files().filter((file) => file.includes("snapshot"))).toEqual([]);
    b.takes = true;
    world.offer(a, b, snapshot);
    world.until(() => b.applied === 9);
    expect(b.received).toHaveLength(2);
  });

  it("an offer of an older term is ignored", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a"), world.start("b")];
    const first = world.give(a, contentOf(9, 1000));
    const second = world.give(a, contentOf(19, 1000));
    world.clock.advance(100);
    world.offer(a, b, first, [a], 5);
    world.until(() => b.applied === 9);
    world.offer(a, b, second, [a], 4);
    world.clock.advance(1000);
    expect(b.applied).toBe(9);
    world.offer(a, b, second, [a], 5);
    world.until(() => b.applied === 19);
  });

  it("H14: nothing else is fetched while the host installs one", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a"), world.start("b")];
    const first = world.give(a, contentOf(9, 100_000));
    const second = world.give(a, contentOf(12, 100_000));
    b.takes = null;
    world.clock.advance(100);
    world.offer(a, b, first);
    world.until(() => b.received.length === 1);
    world.offer(a, b, second);
    world.offer(a, b, first);
    world.clock.advance(10_000);
    expect(b.received).toHaveLength(1);
    expect(b.exchange.fetching).toBe(null);
    world.stop(a);
  });
});
