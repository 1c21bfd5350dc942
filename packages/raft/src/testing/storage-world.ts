/**
 * One data directory on a simulated disk and a virtual clock, driven as if everything were
 * synchronous. For the tests of the storage and of what is built on it.
 */
import { assert, concatBytes, crc32, logIndex, nodeId, persistUnit, term } from "../base/index.ts";
import type { Entry, EntryKind, HardState } from "../core/index.ts";
import {
  type DirectoryIdentity,
  type LogStore,
  type OpenError,
  type OpenedDirectory,
  type OpenedLog,
  type OpenLogOptions,
  openDirectory,
  openLog,
  type PersistRequest,
  type SealedSnapshot,
  type SnapshotDescription,
  type SnapshotIdentity,
  type SnapshotPart,
  type SnapshotReader,
  type SnapshotReceiver,
  type SnapshotStore,
  type SnapshotWriter,
  StorageError,
} from "../storage/index.ts";
import { type DiskFault, type DiskOperation, MemoryDisk } from "./memory-disk.ts";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

export const worldDirectory = "/data";

/** Fixed, so that the bytes on disk are the same in every run. */
export const worldIdentity: DirectoryIdentity = {
  clusterId: "00c1a51e00c1a51e",
  member: nodeId("a"),
  incarnation: "1ca54a7101ca54a7",
};

export class StorageWorld {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly disk: MemoryDisk;
  readonly warnings: string[] = [];
  /** Asked before each operation of the disk; replace it to inject faults. */
  fault: (operation: DiskOperation) => DiskFault | null = () => null;

  /** `clock`: one that several worlds share. */
  constructor(seed = 1, clock: VirtualClock = createVirtualClock()) {
    this.clock = clock;
    this.random = createSeededRandom(seed);
    this.disk = new MemoryDisk({
      defer: (callback) => this.clock.defer(callback),
      onOperation: (operation) => this.fault(operation),
    });
    this.disk.makeDirectory(worldDirectory, () => {});
    this.clock.advance(0);
  }

  openDirectory(clusterId: string, member = "a"): OpenedDirectory | OpenError {
    return this.wait<OpenedDirectory, OpenError>((done) => {
      const { disk, random } = this;
      const options = { disk, random, crc32, directory: worldDirectory, clusterId };
      openDirectory({ ...options, member: nodeId(member) }, done);
    });
  }

  /** Null when the disk fell silent before the end. */
  tryOpenLog(options: Partial<OpenLogOptions> = {}): OpenedLog | OpenError | null {
    return this.#try<OpenedLog, OpenError>((done) => {
      const { disk, clock } = this;
      const base = { disk, clock, crc32, directory: worldDirectory, identity: worldIdentity };
      openLog({ ...base, warn: (text) => this.warnings.push(text), ...options }, done);
    });
  }

  /** @throws what kept it from opening */
  openLog(options: Partial<OpenLogOptions> = {}): OpenedLog {
    const opened = this.tryOpenLog(options);
    assert(opened !== null, "the disk answers");
    if (opened instanceof Error) throw opened;
    return opened;
  }

  /** Waits for the answer: null, an error, or "silent". */
  append(store: LogStore, request: PersistRequest): StorageError | null | "silent" {
    return this.ask((done) => store.append(request, done));
  }

  close(store: LogStore): StorageError | null | "silent" {
    return this.ask((done) => store.close(done));
  }

  install(store: LogStore, sealed: SealedSnapshot): StorageError | null | "silent" {
    return this.ask((done) => store.install(sealed, done));
  }

  compact(store: LogStore, index: number, ofTerm: number): StorageError | null | "silent" {
    const position = { index: logIndex(index), term: term(ofTerm) };
    return this.ask((done) => store.compact(position, done));
  }

  /** Writes a whole snapshot, in chunks of `chunkBytes`. Null when the disk fell silent. */
  trySeal(
    snapshots: SnapshotStore,
    content: SnapshotContent,
    chunkBytes = 100,
  ): SealedSnapshot | StorageError | null {
    const position = { index: logIndex(content.index), term: term(content.term) };
    const configuration = encoder.encode(content.configuration ?? "members");
    const writer = this.#try<SnapshotWriter, StorageError>((done) =>
      snapshots.begin(position, configuration, done),
    );
    if (writer === null || writer instanceof Error) return writer;
    for (const [name, data] of content.sections) {
      writer.section(name);
      const bytes = typeof data === "string" ? encoder.encode(data) : data;
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        const chunk = bytes.subarray(at, at + chunkBytes);
        const error = this.ask((done) => writer.write(chunk, done));
        if (error !== null) return error === "silent" ? null : error;
      }
    }
    return this.#try<SealedSnapshot, StorageError>((done) => writer.finish(done));
  }

  /** @throws what kept it from being written */
  seal(snapshots: SnapshotStore, content: SnapshotContent, chunkBytes = 100): SealedSnapshot {
    return need(this.trySeal(snapshots, content, chunkBytes));
  }

  /** All sections of a snapshot, read in order; or the damage. */
  readAll(
    snapshots: SnapshotStore,
    snapshot: SnapshotDescription,
  ): Map<string, Uint8Array> | OpenError {
    const reader = this.wait<SnapshotReader, OpenError>((done) => snapshots.read(snapshot, done));
    if (reader instanceof Error) return reader;
    const parts = new Map<string, Uint8Array[]>();
    for (;;) {
      const part = this.#answer<SnapshotPart | null, OpenError>((done) => reader.next(done));
      if (part instanceof Error || part === null) {
        this.ask((done) => reader.close(() => done(null)));
        if (part !== null) return part;
        break;
      }
      parts.set(part.section, [...(parts.get(part.section) ?? []), part.data.slice()]);
    }
    return new Map([...parts].map(([name, chunks]) => [name, concatBytes(chunks)]));
  }

  receive(snapshots: SnapshotStore, identity: SnapshotIdentity): SnapshotReceiver {
    return need(
      this.#try<SnapshotReceiver, StorageError>((done) => snapshots.receive(identity, done)),
    );
  }

  /** Waits for an answer without a value. */
  ask(start: (done: (error: StorageError | null) => void) => void): StorageError | null | "silent" {
    let answer: StorageError | null | "silent" = "silent";
    start((error) => {
      answer = error;
    });
    this.clock.advance(0);
    return answer;
  }

  /** Runs something with a callback to its end. */
  wait<Value, Failure extends Error>(
    start: (done: (error: Failure | null, value?: Value) => void) => void,
  ): Value | Failure {
    const result = this.#try(start);
    assert(result !== null, "the disk answers");
    return result;
  }

  /** As `wait`, for values that may be null. */
  #answer<Value, Failure extends Error>(
    start: (done: (error: Failure | null, value?: Value) => void) => void,
  ): Value | Failure {
    let result: Value | Failure | undefined;
    start((error, value) => {
      result = error ?? value;
    });
    this.clock.advance(0);
    assert(result !== undefined, "the disk answers");
    return result;
  }

  #try<Value, Failure extends Error>(
    start: (done: (error: Failure | null, value?: Value) => void) => void,
  ): Value | Failure | null {
    let result: Value | Failure | null = null;
    start((error, value) => {
      result = error ?? value ?? null;
    });
    this.clock.advance(0);
    return result;
  }
}

/** What a snapshot is made from. */
export interface SnapshotContent {
  readonly index: number;
  readonly term: number;
  readonly configuration?: string;
  readonly sections: readonly (readonly [name: string, data: string | Uint8Array])[];
}

function need<Value>(value: Value | StorageError | null): Value {
  assert(value !== null, "the disk answers");
  if (value instanceof StorageError) throw value;
  return value;
}

const encoder = new TextEncoder();

/** An entry with text for data. */
export function makeEntry(
  index: number,
  entryTerm: number,
  data: string | Uint8Array = `entry ${index}`,
  kind: EntryKind = "command",
): Entry {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  return { index: logIndex(index), term: term(entryTerm), kind, data: bytes };
}

export function makeHardState(
  stateTerm: number,
  votedFor: string | null = null,
  mustCatchUp = false,
): HardState {
  const vote = votedFor === null ? null : nodeId(votedFor);
  return { term: term(stateTerm), votedFor: vote, mustCatchUp };
}

/** A request as the core makes them; what is not given is not asked for. */
export function makePersist(
  parts: {
    readonly hardState?: HardState;
    readonly truncateFrom?: number;
    readonly entries?: readonly Entry[];
    readonly commit?: number;
  } = {},
): PersistRequest {
  const { hardState = null, truncateFrom, entries = [], commit = 0 } = parts;
  const from = truncateFrom === undefined ? null : logIndex(truncateFrom);
  return {
    unit: persistUnit(0),
    hardState,
    truncateFrom: from,
    entries,
    commit: logIndex(commit),
  };
}
