/** The bytes of a snapshot file, written on a disk in memory. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { createConfiguration, encodeConfiguration } from "@quorate/raft/core";
import {
  type OpenedLog,
  openLog,
  perform,
  runTask,
  type SealedSnapshot,
  type SnapshotWriter,
  type Task,
} from "@quorate/raft/storage";
import { createVirtualClock, MemoryDisk } from "@quorate/raft/testing";

type Identity = Parameters<typeof openLog>[0]["identity"];
type Entry = Parameters<OpenedLog["store"]["append"]>[0]["entries"][number];
type Unit = Parameters<OpenedLog["store"]["append"]>[0];

/** Of entry 2 of term 1 of cluster 00c1a51e00c1a51e, whose member is a=127.0.0.1:1. */
export function createSnapshotBytes(contentBytes: number): Uint8Array {
  const clock = createVirtualClock();
  const disk = new MemoryDisk({ defer: (callback) => clock.defer(callback) });
  disk.put("/data/.keep", new Uint8Array(0));
  // Names and numbers that need no check here.
  const identity = {
    ...{ clusterId: "00c1a51e00c1a51e", member: "a", incarnation: "1ca54a7101ca54a7" },
  } as Identity;
  const options = { disk, clock, crc32, directory: "/data", identity, warn: () => undefined };
  let failure: Error | null = null;
  runTask(write(options, contentBytes), (error) => {
    failure = error;
  });
  clock.advance(0);
  if (failure !== null) throw failure;
  return disk.peek("/data/snapshot-0000000000000002.snap").slice();
}

function* write(options: Parameters<typeof openLog>[0], contentBytes: number): Task<void> {
  const { store } = yield* perform<OpenedLog>((done) => openLog(options, done));
  const members = createConfiguration([{ id: options.identity.member, address: "127.0.0.1:1" }]);
  const configuration = encodeConfiguration(members);
  const entries = [
    { index: 1, term: 1, kind: "configuration", data: configuration },
    { index: 2, term: 1, kind: "command", data: new Uint8Array(3) },
  ] as unknown as readonly Entry[]; // brands
  const unit = {
    ...{ unit: 1, hardState: { term: 1, votedFor: null, mustCatchUp: false } },
    ...{ truncateFrom: null, entries, commit: 2 },
  } as unknown as Unit; // brands
  yield* perform((done) => store.append(unit, done));
  const position = { index: 2, term: 1 } as Parameters<typeof store.snapshots.begin>[0]; // brands
  const table = Buffer.concat([Buffer.from("010100000000000000", "hex"), configuration]);
  const writer = yield* perform<SnapshotWriter>((done) =>
    store.snapshots.begin(position, table, done),
  );
  writer.section("kv");
  yield* perform((done) => writer.write(new Uint8Array(contentBytes).fill(5), done));
  const sealed = yield* perform<SealedSnapshot>((done) => writer.finish(done));
  yield* perform((done) => store.install(sealed, done));
}

/** As a server streams it: filled up to whole sectors, with its SHA-256 behind it. */
export function createSavedBytes(contentBytes: number): Uint8Array {
  const bytes = createSnapshotBytes(contentBytes);
  const padded = Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
  return Uint8Array.from([...padded, ...createHash("sha256").update(padded).digest()]);
}
