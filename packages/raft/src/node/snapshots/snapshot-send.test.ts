import { describe, expect, it } from "vitest";
import {
  bytesFrom,
  contentOf,
  mebibyte,
  TransferWorld,
} from "../../../test/transfer/transfer-world.ts";
import { vote } from "../../../test/transport/transport-world.ts";
import type { SnapshotIdentity } from "../../storage/index.ts";
import type { BulkMessage } from "../../transport/index.ts";

describe("the limits of sending", () => {
  it("G8: holds the rate, over all receivers together, on the virtual clock", () => {
    for (const receivers of [1, 2]) {
      const names = ["a", "b", "c"];
      const world = new TransferWorld(names);
      const a = world.start("a", { limits: { snapshotBytesPerSecond: mebibyte } });
      const others = [world.start("b"), world.start("c")].slice(0, receivers);
      const snapshot = world.give(a, contentOf(9, 4 * mebibyte));
      world.clock.advance(100);
      for (const other of others) world.offer(a, other, snapshot);
      const forMs = world.until(() => others.every(({ applied }) => applied === 9));
      const expectedMs = (receivers * snapshot.bytes * 1000) / mebibyte;
      expect(forMs).toBeGreaterThan(expectedMs - 100 - 70);
      expect(forMs).toBeLessThan(expectedMs + 200);
      // In any second, no more than the rate and one burst and block.
      const all = others.flatMap(({ blocks }) => blocks);
      for (const { atMs: fromMs } of all) {
        const inSecond = all.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 1000);
        expect(bytesFrom(inSecond)).toBeLessThan(mebibyte * 1.05 + 2 * 66_560);
      }
      const progress = a.events.filter((event) => event.kind === "send-progress");
      const rates = progress.map(({ bytesPerSecond }) => bytesPerSecond);
      for (const rate of rates) expect(rate).toBeLessThan((mebibyte / receivers) * 1.2);
      expect(progress.length).toBeGreaterThanOrEqual(3 * receivers);
    }
  });

  it("G8: heartbeats go on as if nothing was sent", () => {
    const world = new TransferWorld(["a", "b"]);
    const [a, b] = [world.start("a"), world.start("b")];
    const snapshot = world.give(a, contentOf(9, 30 * mebibyte));
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    const sentMs: number[] = [];
    while (b.applied !== 9) {
      sentMs.push(world.clock.nowMs());
      a.transport.send(vote("a", "b", sentMs.length));
      a.transport.flush();
      world.clock.advance(50);
    }
    expect(sentMs.length).toBeGreaterThan(15);
    expect(b.others.map(({ atMs }) => atMs)).toEqual(sentMs.map((atMs) => atMs + 1));
  });

  it("tells who comes too many to come again, and serves them in the end", () => {
    const world = new TransferWorld(["a", "b", "c", "d"]);
    const limits = { snapshotSendsMax: 1, snapshotBytesPerSecond: 2 * mebibyte };
    const a = world.start("a", { limits });
    const others = ["b", "c", "d"].map((name) => world.start(name));
    const snapshot = world.give(a, contentOf(9, 2 * mebibyte));
    world.clock.advance(100);
    for (const other of others) world.offer(a, other, snapshot);
    let most = 0;
    world.until(() => {
      most = Math.max(most, a.exchange.sending.length);
      return others.every(({ applied }) => applied === 9);
    });
    expect(most).toBe(1);
    const refused = a.events.filter((event) => event.kind === "send-refused");
    expect(refused.length).toBeGreaterThan(2);
    expect(refused.length).toBeLessThan(20);
    expect(refused[0]).toMatchObject({ why: "busy" });
    for (const { blocks } of others) expect(bytesFrom(blocks)).toBe(snapshot.bytes);
  });

  it("lets go of a receiver that asks for nothing", () => {
    const world = new TransferWorld(["a", "b", "c"]);
    const a = world.start("a", { limits: { snapshotSendsMax: 1 } });
    const [b, c] = [world.start("b"), world.start("c")];
    const snapshot = world.give(a, contentOf(9, 4 * mebibyte));
    b.storage.fault = ({ kind, path }) =>
      kind === "write" && path.endsWith(".tmp") ? { kind: "hang" } : null;
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    world.clock.advance(1000);
    expect(a.exchange.sending).toEqual([snapshot]);
    world.offer(a, c, snapshot);
    const forMs = world.until(() => c.applied === 9);
    expect(forMs).toBeGreaterThan(28_000);
    expect(forMs).toBeLessThan(32_000);
    expect(a.events).toContainEqual(
      expect.objectContaining({
        kind: "send-ended",
        to: "b",
        reason: expect.stringMatching("30000"),
      }),
    );
  });

  it("holds one window at the receiver and one block at the sender, however slow the disk", () => {
    const world = new TransferWorld(["a", "b"], { windowBytes: 64 * 1024 });
    const [a, b] = [world.start("a"), world.start("b")];
    const snapshot = world.give(a, contentOf(9, 8 * mebibyte));
    const reads: number[] = [];
    a.storage.fault = ({ kind, path }) => {
      if (kind === "read" && path.endsWith(".snap")) reads.push(world.clock.nowMs());
      return null;
    };
    b.storage.fault = ({ kind, path }) =>
      kind === "write" && path.endsWith(".tmp") ? { kind: "hang" } : null;
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    // Before its place at the sender is gone.
    world.clock.advance(20_000);
    const window = 1024 * 1024;
    expect(bytesFrom(b.blocks)).toBeLessThanOrEqual(window);
    expect(bytesFrom(b.blocks)).toBeGreaterThan(window - 66_560);
    expect(b.exchange.fetching?.heldBytes).toBeLessThanOrEqual(window);
    // Header, trailer and table at the opening; then only what was asked for.
    expect(reads.length).toBeLessThanOrEqual(4 + 16);
    expect(b.events.filter((event) => event.kind === "source-left")).toEqual([]);
  });
});

describe("a network that takes nothing", () => {
  it("leaves the sender with one block, whatever was asked for", () => {
    const world = new TransferWorld(["a", "b"], { windowBytes: 64 * 1024 });
    const [a, b] = [world.start("a"), world.start("b")];
    const snapshot = world.give(a, contentOf(9, 8 * mebibyte));
    let readCount = 0;
    a.storage.fault = ({ kind, path }) => {
      if (kind === "read" && path.endsWith(".snap")) readCount++;
      return null;
    };
    world.clock.advance(100);
    world.offer(a, b, snapshot);
    world.until(() => b.blocks.length > 10);
    world.network.cut("a", "b", { oneWay: true });
    readCount = 0;
    world.clock.advance(4000);
    // What the two systems hold on the way, and one block.
    expect(readCount).toBeLessThanOrEqual(2);
    world.network.heal("a", "b");
    world.until(() => b.applied === 9);
    expect(bytesFrom(b.blocks)).toBe(snapshot.bytes);
  });
});

describe("who asks for what is not there", () => {
  const read = (offset: number, length: number): BulkMessage => ({
    kind: "snapshot-read",
    offset,
    length,
  });
  const block: BulkMessage = { kind: "snapshot-block", offset: 0, data: new Uint8Array(1) };
  const many = Array.from({ length: 1200 }, () => read(0, 1));

  function ask(messages: (snapshot: SnapshotIdentity) => readonly BulkMessage[]) {
    const world = new TransferWorld(["a", "b"]);
    const a = world.start("a", { limits: { snapshotBytesPerSecond: mebibyte } });
    const b = world.start("b");
    const snapshot = world.give(a, contentOf(9, 2 * mebibyte));
    world.clock.advance(100);
    const heard: BulkMessage[] = [];
    const closes: string[] = [];
    b.transport.dialBulk(a.id, {
      onOpen: (link) => {
        for (const message of messages(snapshot)) link.send(message);
      },
      onMessage: (message) => heard.push(message),
      onDrain: () => {},
      onClose: (reason) => closes.push(reason),
    });
    world.clock.advance(1000);
    return { world, a, b, heard, closes };
  }

  it.each<[string, (open: BulkMessage, bytes: number) => readonly BulkMessage[]]>([
    ["reads before an opening", () => [read(0, 512)]],
    ["opens twice", (open) => [open, open]],
    ["reads past the end", (open, bytes) => [open, read(bytes - 511, 512)]],
    ["reads more than a block", (open) => [open, read(0, 66_561)]],
    ["asks too far ahead", (open) => [open, ...many]],
    ["sends what only a source sends", (open) => [open, block]],
  ])("loses its connection when it %s", (_what, messages) => {
    const { world, a, b, closes } = ask((snapshot) =>
      messages({ kind: "snapshot-open", snapshot }, snapshot.bytes),
    );
    expect(closes).toHaveLength(1);
    expect(a.exchange.sending).toEqual([]);
    world.stop(a, b);
  });

  it("hears that the snapshot is unknown, and is let go if it stays", () => {
    const { world, a, b, heard, closes } = ask((snapshot) => [
      { kind: "snapshot-open", snapshot: { ...snapshot, hash: "00000000000000ff" } },
      read(0, 512),
    ]);
    expect(heard).toEqual([{ kind: "snapshot-refused", why: "unknown", retryMs: 500 }]);
    expect(closes).toEqual([]);
    world.clock.advance(30_000);
    expect(closes).toHaveLength(1);
    world.stop(a, b);
  });

  it("is let go if it says nothing at all", () => {
    const { world, a, b, closes } = ask(() => []);
    world.clock.advance(28_000);
    expect(closes).toEqual([]);
    world.clock.advance(2000);
    expect(closes).toHaveLength(1);
    world.stop(a, b);
  });
});
