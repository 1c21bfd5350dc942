import { describe, expect, it } from "vitest";
import {
  bytesFrom,
  contentOf,
  fileOf,
  kindsIn,
  mebibyte,
  TransferWorld,
} from "../../../test/transfer/transfer-world.ts";
import { term } from "../../base/index.ts";

const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

describe("a transfer that is interrupted", () => {
  const slow = { limits: { snapshotBytesPerSecond: 2 * mebibyte } };

  it("goes on after a reconnect without sending again what was verified", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a", slow), world.start("b")];
    const snapshot = world.give(a, contentOf(9, 6 * mebibyte));
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    for (let cut = 1; cut <= 3; cut++) {
      world.clock.advance(700);
      world.network.cut("a", "b", { mode: "drop" });
      world.clock.advance(300);
      world.network.heal("a", "b");
    }
    world.until(() => b.applied === 9);
    // Each block came once; what was on the way at a cut never came.
    expect(new Set(b.blocks.map(({ offset }) => offset)).size).toBe(b.blocks.length);
    expect(bytesFrom(b.blocks)).toBe(snapshot.bytes);
    expect(isSame(fileOf(b, snapshot), fileOf(a, snapshot))).toBe(true);
    const left = b.events.filter((event) => event.kind === "source-left");
    expect(left.length).toBeGreaterThanOrEqual(3);
    expect(kindsIn(b.events).filter((kind) => kind === "fetch-started")).toHaveLength(1);
    world.stop(a, b);
  });

  it("goes on with the next leader's copy when the old leader is dead", () => {
    const world = new TransferWorld(["a", "b", "c"]);
    const [a, b, c] = [world.start("a", slow), world.start("b"), world.start("c", slow)];
    const snapshot = world.give(a, contentOf(9, 4 * mebibyte));
    expect(world.give(c, contentOf(9, 4 * mebibyte))).toEqual(snapshot);
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    world.clock.advance(1000);
    world.network.kill("a");
    world.clock.advance(1000);
    const before = bytesFrom(b.blocks);
    expect(before).toBeGreaterThan(mebibyte);
    world.offer(c, b, snapshot, [c], 3);
    world.until(() => b.applied === 9);
    expect(bytesFrom(b.blocks)).toBe(snapshot.bytes);
    expect(bytesFrom(b.blocks, c)).toBe(snapshot.bytes - before);
    world.clock.advance(100);
    expect(b.terms).toEqual([3]);
    expect(c.news.slice(0, -1).every((news) => news === "moving")).toBe(true);
    expect(c.news.at(-1)).toBe("sent");
    expect(c.statuses.at(-1)).toMatchObject({ term: 3, state: "installed" });
    expect(isSame(fileOf(b, snapshot), fileOf(c, snapshot))).toBe(true);
  });

  it("is fetched from a follower in the leader's place", () => {
    const world = new TransferWorld(["a", "b", "c"]);
    const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
    const snapshot = world.give(a, contentOf(9, mebibyte));
    world.give(c, contentOf(9, mebibyte));
    world.clock.advance(100);
    world.offer(a, b, snapshot, [c, a]);
    world.until(() => b.applied === 9);
    expect(bytesFrom(b.blocks, c)).toBe(snapshot.bytes);
    world.clock.advance(100);
    expect(a.statuses.at(-1)).toMatchObject({ state: "installed" });
  });

  it("leaves a source that stands still for another, and keeps what it has", () => {
    const world = new TransferWorld(["a", "b", "c"]);
    const [a, b, c] = [world.start("a", slow), world.start("b"), world.start("c", slow)];
    const snapshot = world.give(a, contentOf(9, 4 * mebibyte));
    world.give(c, contentOf(9, 4 * mebibyte));
    world.clock.advance(100);
    world.offer(a, b, snapshot, [a, c]);
    world.clock.advance(1000);
    // The disk of a answers nothing any more.
    a.storage.fault = ({ kind }) => (kind === "read" ? { kind: "hang" } : null);
    const forMs = world.until(() => bytesFrom(b.blocks, c) > 0);
    expect(forMs).toBeLessThan(5200);
    world.until(() => b.applied === 9);
    expect(bytesFrom(b.blocks)).toBe(snapshot.bytes);
    expect(b.events).toContainEqual(
      expect.objectContaining({ kind: "source-left", source: "a", why: "stalled" }),
    );
  });

  it("leaves a source whose snapshot is damaged, and tells its host", () => {
    const world = new TransferWorld(["a", "b", "c"]);
    const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
    const snapshot = world.give(a, contentOf(9, 3 * mebibyte));
    world.give(c, contentOf(9, 3 * mebibyte));
    a.storage.disk.poke("/data/snapshot-0000000000000009.snap", (bytes) => {
      bytes[mebibyte] = (bytes[mebibyte] ?? 0) ^ 1;
      return undefined;
    });
    world.clock.advance(100);
    world.offer(a, b, snapshot, [a, c]);
    world.until(() => b.applied === 9);
    expect(a.damaged).toEqual([snapshot]);
    expect(a.failures).toEqual([]);
    expect(bytesFrom(b.blocks, a)).toBe(512 + 15 * 65_536);
    expect(bytesFrom(b.blocks)).toBe(snapshot.bytes);
    expect(kindsIn(a.events)).toEqual(["send-started", "send-refused"]);
    world.stop(a, b, c);
  });

  it("starts over cleanly when the receiver starts again", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a", slow), world.start("b")];
    const snapshot = world.give(a, contentOf(9, 3 * mebibyte));
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    world.clock.advance(1000);
    world.network.kill("b");
    b.storage.disk.kill();
    world.clock.advance(50);
    const again = world.start("b", { storage: b.storage });
    world.clock.advance(100);
    expect(b.storage.disk.files().filter((file) => file.includes("snapshot"))).toEqual([]);
    world.offer(a, again, snapshot);
    world.until(() => again.applied === 9);
    expect(bytesFrom(again.blocks)).toBe(snapshot.bytes);
    expect(isSame(fileOf(again, snapshot), fileOf(a, snapshot))).toBe(true);
    world.stop(a, again);
  });

  it("is given up when nobody has it or speaks of it, and its disk space is free", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a", slow), world.start("b")];
    const snapshot = world.give(a, contentOf(9, 3 * mebibyte));
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    world.clock.advance(1000);
    world.network.kill("a");
    world.clock.advance(59_000);
    expect(b.exchange.fetching?.receivedBytes).toBeGreaterThan(mebibyte);
    world.clock.advance(10_000);
    expect(b.exchange.fetching).toBe(null);
    expect(b.events.at(-1)).toMatchObject({ kind: "fetch-ended", why: "no-source" });
    expect(b.storage.disk.files().filter((file) => file.includes("snapshot"))).toEqual([]);
  });

  it("is stopped in the middle without leaving anything behind", () => {
    for (let afterMs = 0; afterMs < 300; afterMs += 7) {
      const world = new TransferWorld(["a", "b"]);
      const [a, b] = [world.start("a"), world.start("b")];
      const snapshot = world.give(a, contentOf(9, 2 * mebibyte));
      world.clock.advance(100);
      world.offer(a, b, snapshot);
      world.clock.advance(afterMs);
      world.stop(b, a);
      expect(world.clock.pendingCount()).toBe(0);
      expect(world.network.connectionCount()).toBe(0);
    }
  });
});

describe("what a source sends is not believed", () => {
  it("another state under the same name costs the whole and the source, not the transfer", () => {
    const world = new TransferWorld(["a", "b", "c"]);
    const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
    const other = world.give(a, contentOf(9, mebibyte, 77));
    const snapshot = world.give(c, contentOf(9, mebibyte, 78));
    expect(other.bytes).toBe(snapshot.bytes);
    // The store of a says that its snapshot is the wanted one, though its bytes are not.
    for (const found of a.opened.store.snapshots.list) {
      Object.assign(found.identity, { hash: snapshot.hash });
    }
    world.clock.advance(100);
    world.offer(c, b, snapshot, [a, c]);
    world.until(() => b.applied === 9);
    expect(b.events).toContainEqual(
      expect.objectContaining({ kind: "source-left", source: "a", why: "bad" }),
    );
    expect(bytesFrom(b.blocks, c)).toBe(snapshot.bytes);
    expect(isSame(fileOf(b, snapshot), fileOf(c, snapshot))).toBe(true);
  });

  it("blocks that were not asked for end the connection", () => {
    const world = new TransferWorld(["a", "b", "c"]);
    const [a, c] = [world.start("a"), world.start("c")];
    const snapshot = world.give(a, contentOf(9, mebibyte));
    world.give(c, contentOf(9, mebibyte));
    // What comes from a comes a byte too far in the file.
    const b = world.start("b", {
      dialBulk: (transport, peer, handlers) =>
        transport.dialBulk(peer, {
          ...handlers,
          onMessage: (message) => {
            const isWrong = peer === "a" && message.kind === "snapshot-block";
            handlers.onMessage(isWrong ? { ...message, offset: message.offset + 1 } : message);
          },
        }),
    });
    world.clock.advance(100);
    world.offer(c, b, snapshot, [a, c]);
    world.until(() => b.applied === 9);
    expect(b.events).toContainEqual(
      expect.objectContaining({ kind: "source-left", source: "a", why: "bad" }),
    );
  });

  it("a member of another cluster neither sends nor fetches", () => {
    const world = new TransferWorld(["a", "b"]);
    const a = world.start("a", { clusterId: "00000000000000c2" });
    const b = world.start("b");
    const snapshot = world.give(a, contentOf(9, 1000));
    world.clock.advance(100);
    const offer = { kind: "snapshot-offer" as const, from: a.id, to: b.id, snapshot };
    // Somebody else speaks for it.
    b.exchange.onOffer({ ...offer, term: term(2), sources: [a.id] });
    world.clock.advance(2000);
    const left = b.events.filter((event) => event.kind === "source-left");
    expect(left[0]).toMatchObject({ why: "lost", reason: expect.stringContaining("of cluster") });
    expect([a.events, b.blocks]).toEqual([[], []]);
  });
});

describe("a disk that fails", () => {
  it("at the receiver ends the transfer, and its host is told", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a"), world.start("b")];
    const snapshot = world.give(a, contentOf(9, 2 * mebibyte));
    b.storage.fault = ({ kind, path }) =>
      kind === "write" && path.endsWith(".tmp") ? { kind: "fail", code: "ENOSPC" } : null;
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    world.clock.advance(1000);
    expect(b.failures).toHaveLength(1);
    expect(b.failures[0]?.message).toContain("ENOSPC");
    expect(b.events.at(-1)).toMatchObject({ kind: "fetch-ended", why: "failed" });
    expect(a.statuses.at(-1)).toMatchObject({ state: "refused" });
    expect(a.failures).toEqual([]);
    b.storage.fault = () => null;
    world.stop(a, b);
  });

  it("at the sender sends the receiver elsewhere", () => {
    const world = new TransferWorld(["a", "b", "c"]);
    const [a, b, c] = [world.start("a"), world.start("b"), world.start("c")];
    const snapshot = world.give(a, contentOf(9, mebibyte));
    world.give(c, contentOf(9, mebibyte));
    a.storage.fault = ({ kind, path }) =>
      kind === "read" && path.endsWith(".snap") ? { kind: "fail", code: "EIO" } : null;
    world.clock.advance(100);
    world.offer(a, b, snapshot, [a, c]);
    world.until(() => b.applied === 9);
    expect(a.failures[0]?.message).toContain("EIO");
    expect(a.damaged).toEqual([]);
    expect(bytesFrom(b.blocks, c)).toBe(snapshot.bytes);
  });
});
