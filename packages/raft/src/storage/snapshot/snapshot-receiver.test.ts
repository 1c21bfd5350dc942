import { describe, expect, it } from "vitest";
import {
  makeEntry,
  makeHardState,
  makePersist,
  type SnapshotContent,
  StorageWorld,
} from "../../testing/storage-world.ts";
import { StorageError } from "../log-store.ts";
import type { OpenedLog } from "../wal/open-log.ts";
import { type SnapshotIdentity, snapshotBlockBytes } from "./snapshot-format.ts";
import type { ChunkAnswer, SnapshotReceiver } from "./snapshot-receiver.ts";
import type { SealedSnapshot } from "./snapshot-space.ts";

/** What a leader has: the identity and the bytes. */
interface Sent {
  readonly identity: SnapshotIdentity;
  readonly bytes: Uint8Array;
}

const pattern = (length: number, factor: number) =>
  Uint8Array.from({ length }, (_, at) => (at * factor + (at >> 8)) & 0xff);

const big: SnapshotContent = {
  index: 9,
  term: 2,
  sections: [
    ["one", pattern(150_000, 7)],
    ["two", pattern(300, 3)],
  ],
};
const small: SnapshotContent = { index: 9, term: 2, sections: [["one", "state 9"]] };

function makeSent(content: SnapshotContent): Sent {
  const world = new StorageWorld();
  const { store } = start(world);
  const sealed = world.seal(store.snapshots, content, 10_000);
  const { identity } = sealed.description;
  return { identity, bytes: world.disk.peek(sealed.temporaryPath) };
}

function start(world: StorageWorld): OpenedLog {
  const opened = world.openLog();
  const entries = [makeEntry(1, 1), makeEntry(2, 1), makeEntry(3, 1)];
  const request = makePersist({ hardState: makeHardState(2, "a"), entries, commit: 2 });
  expect(world.append(opened.store, request)).toBe(null);
  return opened;
}

/** Null when the disk fell silent. */
function accept(
  world: StorageWorld,
  receiver: SnapshotReceiver,
  sent: Sent,
  offset: number,
  length: number,
): ChunkAnswer | Error | null {
  let result: ChunkAnswer | Error | null = null;
  const chunk = sent.bytes.subarray(offset, offset + length);
  receiver.accept(sent.identity, offset, chunk, (error, answer) => {
    result = error ?? answer ?? null;
  });
  expect(result).toBe(null);
  world.clock.advance(0);
  return result;
}

/** From where the receiver stands to the end. */
function acceptRest(
  world: StorageWorld,
  receiver: SnapshotReceiver,
  sent: Sent,
  length: number,
): ChunkAnswer | Error | null {
  let answer: ChunkAnswer | Error | null = null;
  while (!receiver.isComplete) {
    answer = accept(world, receiver, sent, receiver.nextOffset, length);
    if (answer === null || answer instanceof Error || answer.kind !== "accepted") return answer;
  }
  return answer;
}

function finish(world: StorageWorld, receiver: SnapshotReceiver): SealedSnapshot {
  const sealed = world.wait<SealedSnapshot, Error>((done) => receiver.finish(done));
  if (sealed instanceof Error) throw sealed;
  return sealed;
}

function checkInstalled(world: StorageWorld, opened: OpenedLog, sent: Sent): void {
  expect(opened.snapshot?.identity).toEqual(sent.identity);
  expect(opened.base).toEqual(sent.identity.position);
  expect(opened.entries).toEqual([]);
  const path = `${worldPath}/snapshot-0000000000000009.snap`;
  expect(Buffer.compare(world.disk.peek(path), sent.bytes)).toBe(0);
}

const worldPath = "/data";
const sentBig = makeSent(big);
const sentSmall = makeSent(small);

describe("receiving a snapshot", () => {
  for (const length of [1, 100, 512, 65_536, 100_001, 1_000_000]) {
    const sent = length < 100 ? sentSmall : sentBig;
    it(`works with chunks of ${length} bytes`, () => {
      const world = new StorageWorld();
      const { store } = start(world);
      const receiver = world.receive(store.snapshots, sent.identity);
      acceptRest(world, receiver, sent, length);
      expect(receiver.durableBytes).toBe(sent.bytes.length);
      expect(world.install(store, finish(world, receiver))).toBe(null);
      world.disk.crash({ random: () => 0.5, keepShare: 0 });
      checkInstalled(world, world.openLog(), sent);
    });
  }

  it("H14: takes chunks that come again or overlap once, and leaves no gap", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const receiver = world.receive(store.snapshots, sentBig.identity);
    expect(accept(world, receiver, sentBig, 100, 50)).toEqual({ kind: "gap", nextOffset: 0 });
    accept(world, receiver, sentBig, 0, 70_000);
    const nextOffset = 70_000;
    const duplicate = { kind: "duplicate", nextOffset };
    expect(accept(world, receiver, sentBig, 0, 70_000)).toEqual(duplicate);
    expect(accept(world, receiver, sentBig, 69_999, 1)).toEqual(duplicate);
    expect(accept(world, receiver, sentBig, 70_001, 1)).toEqual({ kind: "gap", nextOffset });
    expect(accept(world, receiver, sentBig, 60_000, 20_000)).toMatchObject({ nextOffset: 80_000 });
    acceptRest(world, receiver, sentBig, 30_000);
    expect(world.install(store, finish(world, receiver))).toBe(null);
    // The same snapshot a second time changes nothing.
    const again = world.receive(store.snapshots, sentBig.identity);
    acceptRest(world, again, sentBig, 30_000);
    expect(world.install(store, finish(world, again))).toBe(null);
    expect(store.snapshots.list.length).toBe(1);
    world.disk.crash({ random: () => 0.5, keepShare: 0 });
    checkInstalled(world, world.openLog(), sentBig);
  });

  it("H14: never mixes two snapshots, and goes on with the same one of another leader", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const other = makeSent({ ...big, sections: [["one", pattern(150_000, 9)], ...rest(big)] });
    const newer = makeSent({ ...big, index: 10 });
    expect(other.bytes.length).toBe(sentBig.bytes.length);
    const receiver = world.receive(store.snapshots, sentBig.identity);
    accept(world, receiver, sentBig, 0, 80_000);
    for (const foreign of [other, newer]) {
      const at = receiver.nextOffset;
      const answer = accept(world, receiver, foreign, at, 1000);
      expect(answer).toEqual({ kind: "other-snapshot", receiving: sentBig.identity });
      // Even under the name of the right one it does not fit.
      const disguised = { identity: sentBig.identity, bytes: foreign.bytes };
      const mixed = accept(world, receiver, disguised, at, 70_000);
      expect(mixed).toMatchObject({ kind: "damaged", nextOffset: 512 + snapshotBlockBytes });
    }
    const sameOfAnother = makeSent(big);
    expect(sameOfAnother.identity).toEqual(sentBig.identity);
    expect(acceptRest(world, receiver, sameOfAnother, 30_000)).toMatchObject({ kind: "accepted" });
    expect(world.install(store, finish(world, receiver))).toBe(null);
  });

  it("H14: starts over where blocks of another state at the same position were mixed in", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const other = makeSent({ ...big, sections: [["one", pattern(150_000, 9)], ...rest(big)] });
    const receiver = world.receive(store.snapshots, sentBig.identity);
    const disguised = { identity: sentBig.identity, bytes: other.bytes };
    accept(world, receiver, disguised, 0, 512 + snapshotBlockBytes);
    const answer = acceptRest(world, receiver, sentBig, 30_000);
    expect(answer).toMatchObject({ kind: "damaged", nextOffset: 0 });
    expect(acceptRest(world, receiver, sentBig, 30_000)).toMatchObject({ kind: "accepted" });
    expect(world.install(store, finish(world, receiver))).toBe(null);
    world.disk.crash({ random: () => 0.5, keepShare: 0 });
    checkInstalled(world, world.openLog(), sentBig);
  });

  it("asks again for a block that was damaged on the way, wherever the damage is", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    for (let offset = 0; offset < sentSmall.bytes.length; offset += 5) {
      const receiver = world.receive(store.snapshots, sentSmall.identity);
      const bytes = sentSmall.bytes.slice();
      bytes[offset] = (bytes[offset] ?? 0) ^ 16;
      const damaged = { identity: sentSmall.identity, bytes };
      const answer = acceptRest(world, receiver, damaged, 5000);
      expect(answer, `${offset}`).toMatchObject({ kind: "damaged" });
      expect(acceptRest(world, receiver, sentSmall, 5000)).toMatchObject({ kind: "accepted" });
      expect(world.ask((done) => receiver.abort(() => done(null)))).toBe(null);
    }
    expect(world.disk.files().filter((file) => file.includes("snapshot"))).toEqual([]);
  });

  it("starts over when the announced hash is not the content's", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const identity = { ...sentSmall.identity, hash: "0123456789abcdef" };
    const receiver = world.receive(store.snapshots, identity);
    const lying = { identity, bytes: sentSmall.bytes };
    expect(acceptRest(world, receiver, lying, 5000)).toMatchObject({
      kind: "damaged",
      nextOffset: 0,
    });
  });

  it("goes on where it stood after the transfer was interrupted; a new process starts over", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const receiver = world.receive(store.snapshots, sentBig.identity);
    accept(world, receiver, sentBig, 0, 100_000);
    expect(receiver.nextOffset).toBe(100_000);
    world.clock.advance(60_000);
    acceptRest(world, receiver, sentBig, 100_000);
    expect(receiver.isComplete).toBe(true);
    world.disk.kill();
    world.openLog();
    expect(world.disk.files().filter((file) => file.includes("snapshot"))).toEqual([]);
  });

  it("fails for good with the disk, and leaves nothing behind", () => {
    for (const failing of ["write", "sync"] as const) {
      const world = new StorageWorld();
      const { store } = start(world);
      const receiver = world.receive(store.snapshots, sentSmall.identity);
      world.fault = ({ kind }) => (kind === failing ? { kind: "fail", code: "EIO" } : null);
      const error = acceptRest(world, receiver, sentSmall, 5000);
      expect(error).toBeInstanceOf(StorageError);
      world.fault = () => null;
      expect(accept(world, receiver, sentSmall, receiver.nextOffset, 500)).toBe(error);
      expect(world.disk.files().filter((file) => file.includes("snapshot"))).toEqual([]);
    }
  });

  it("H14: a crash at each operation leaves the old state or the new one", () => {
    const found = new Set<string>();
    for (let operation = 1, isOver = false; !isOver; operation++) {
      for (const keepShare of [0, 0.5, 1]) {
        const world = new StorageWorld(operation);
        const { store } = start(world);
        const last = world.disk.operations + operation;
        world.fault = ({ number }) => (number >= last ? { kind: "hang" } : null);
        const isAcknowledged = receiveAndInstall(world, store);
        isOver = world.disk.operations < last;
        world.fault = () => null;
        world.disk.crash({ random: () => world.random.fraction(), keepShare });
        const opened = world.openLog();
        found.add(opened.snapshotVerdict.kind);
        if (opened.snapshot !== null) checkInstalled(world, opened, sentSmall);
        else {
          expect(isAcknowledged).toBe(false);
          expect(opened.entries.length).toBe(3);
        }
      }
    }
    expect([...found].sort()).toEqual(["none", "sound"]);
  });
});

function rest(content: SnapshotContent): SnapshotContent["sections"] {
  return content.sections.slice(1);
}

function receiveAndInstall(world: StorageWorld, store: OpenedLog["store"]): boolean {
  let receiver: SnapshotReceiver | null = null;
  store.snapshots.receive(sentSmall.identity, (_error, made) => {
    receiver = made ?? null;
  });
  world.clock.advance(0);
  if (receiver === null) return false;
  const made: SnapshotReceiver = receiver;
  acceptRest(world, made, sentSmall, 700);
  if (!made.isComplete) return false;
  let sealed: SealedSnapshot | null = null;
  made.finish((_error, value) => {
    sealed = value ?? null;
  });
  world.clock.advance(0);
  return sealed !== null && world.install(store, sealed) === null;
}
