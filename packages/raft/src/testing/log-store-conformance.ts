/**
 * What every log store must do, as cases for any test runner:
 *
 *     for (const { name, run } of logStoreConformance(harness)) it(name, run);
 */
import { assert, concatBytes, logIndex } from "../base/index.ts";
import type { Entry } from "../core/index.ts";
import {
  isSameSnapshot,
  type LogStore,
  type PersistRequest,
  type RecoveredLog,
  type SealedSnapshot,
  type SnapshotDescription,
  type SnapshotPart,
  type SnapshotReader,
  type SnapshotReceiver,
  type SnapshotWriter,
  type StorageError,
} from "../storage/index.ts";
import { makeEntry, makeHardState, makePersist } from "./storage-world.ts";

/** One place to store a log in, empty at first. */
export interface LogStoreHarness {
  /** Opens the place, again after a `close` of the store or a `kill`. */
  open(): Promise<RecoveredLog>;
  /** The process ends without a close; absent for stores that do not outlive it. */
  kill?(): Promise<void>;
  /** Removes what was made. */
  dispose(): Promise<void>;
}

export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/**
 * `makeHarness` is called once per case. Stores without `kill` are spared the cases of reopening.
 */
export function logStoreConformance(
  makeHarness: () => Promise<LogStoreHarness>,
): readonly ConformanceCase[] {
  return cases.map(({ name, run }) => ({
    name,
    async run() {
      const harness = await makeHarness();
      try {
        await run(harness);
      } finally {
        await harness.dispose();
      }
    },
  }));
}

interface Case {
  readonly name: string;
  run(harness: LogStoreHarness): Promise<void>;
}

const opening: PersistRequest = makePersist({
  hardState: makeHardState(1, "a"),
  entries: [makeEntry(1, 1, "", "no-op"), makeEntry(2, 1), makeEntry(3, 1)],
  commit: 2,
});

const cases: readonly Case[] = [
  {
    name: "opens empty: term 0, no vote, no entries, nothing committed",
    async run(harness) {
      const { store, hardState, entries, commit } = await harness.open();
      assert(hardState.term === 0, "the first term is 0");
      assert(hardState.votedFor === null, "no vote was given");
      assert(!hardState.mustCatchUp, "nothing was lost");
      assert(entries.length === 0, "the log is empty");
      assert(commit === 0, "nothing is committed");
      await close(store);
    },
  },
  {
    name: "answers in order and never inside the call",
    async run(harness) {
      const { store } = await harness.open();
      const answers: number[] = [];
      const all = new Promise<void>((resolve) => {
        for (let i = 0; i < 50; i++) {
          const hardState = i === 0 ? { hardState: makeHardState(1) } : {};
          const request = makePersist({ ...hardState, entries: [makeEntry(i + 1, 1)] });
          store.append(request, (error) => {
            assert(error === null, "a sound store takes everything");
            answers.push(i);
            if (answers.length === 50) resolve();
          });
          assert(answers.length === 0, "no answer comes inside the call");
        }
      });
      await all;
      assert(
        answers.every((answer, at) => answer === at),
        "answers come in the order of requests",
      );
      await close(store);
    },
  },
  {
    name: "answers a request that asks for nothing but a commit hint",
    async run(harness) {
      const { store } = await harness.open();
      await append(store, opening);
      await append(store, makePersist({ commit: 3 }));
      await append(store, makePersist());
      await close(store);
    },
  },
  {
    name: "gives back after a close what was appended",
    async run(harness) {
      if (harness.kill === undefined) return;
      const first = await harness.open();
      await append(first.store, opening);
      const big = makeEntry(4, 1, new Uint8Array(1_572_864).fill(7));
      const configuration = makeEntry(5, 2, "members", "configuration");
      const hardState = makeHardState(2, "b");
      await append(first.store, makePersist({ hardState, entries: [big, configuration] }));
      await close(first.store);
      const second = await harness.open();
      checkEntries(second.entries, [...opening.entries, big, configuration]);
      assert(second.hardState.term === 2, "the term survives");
      assert(second.hardState.votedFor === "b", "the vote survives");
      assert(second.commit <= 5, "the hint is at most the last index");
      await close(second.store);
    },
  },
  {
    name: "gives back after a kill what was acknowledged",
    async run(harness) {
      if (harness.kill === undefined) return;
      const first = await harness.open();
      await append(first.store, opening);
      await append(first.store, makePersist({ hardState: makeHardState(3) }));
      await harness.kill();
      const second = await harness.open();
      checkEntries(second.entries, opening.entries);
      assert(second.hardState.term === 3, "the term survives");
      assert(!second.hardState.mustCatchUp, "nothing was lost");
      await close(second.store);
    },
  },
  {
    name: "replaces a truncated suffix, twice, across reopening",
    async run(harness) {
      if (harness.kill === undefined) return;
      const first = await harness.open();
      await append(first.store, opening);
      const replaced = [makeEntry(3, 2, "other")];
      const hardState = makeHardState(2);
      await append(first.store, makePersist({ hardState, truncateFrom: 3, entries: replaced }));
      await close(first.store);
      const second = await harness.open();
      checkEntries(second.entries, [...opening.entries.slice(0, 2), ...replaced]);
      await append(second.store, makePersist({ truncateFrom: 3 }));
      await harness.kill();
      const third = await harness.open();
      checkEntries(third.entries, opening.entries.slice(0, 2));
      await append(third.store, makePersist({ entries: [makeEntry(3, 2, "third")] }));
      await close(third.store);
      const fourth = await harness.open();
      checkEntries(fourth.entries, [...opening.entries.slice(0, 2), makeEntry(3, 2, "third")]);
      await close(fourth.store);
    },
  },
  {
    name: "begins at (0, 0), without a snapshot",
    async run(harness) {
      const { store, base, snapshot } = await harness.open();
      assert(base.index === 0 && base.term === 0, "nothing was dropped");
      assert(snapshot === null, "there is no snapshot");
      assert(store.snapshots.newest === null, "there is none in the list either");
      await close(store);
    },
  },
  {
    name: "H9: installs a snapshot of an entry that it has, and keeps its log",
    async run(harness) {
      const { store } = await harness.open();
      await append(store, opening);
      const sealed = await seal(store, makeEntry(2, 1));
      const { position } = sealed.description.identity;
      assert(store.effectOf(position) === "keeps-log", "the log has this entry");
      await settle((done) => store.install(sealed, done));
      checkNewest(store, sealed.description);
      await checkContent(store, sealed.description);
      await append(store, makePersist({ entries: [makeEntry(4, 1)] }));
      await close(store);
      if (harness.kill === undefined) return;
      const second = await harness.open();
      checkEntries(second.entries, [...opening.entries, makeEntry(4, 1)]);
      checkFound(second, sealed.description);
      assert(second.commit >= 2, "what is in a snapshot is committed");
      await checkContent(second.store, sealed.description);
      await close(second.store);
    },
  },
  {
    name: "H12: drops no more than it is told, and knows what its entries follow",
    async run(harness) {
      const { store } = await harness.open();
      await append(store, opening);
      const sealed = await seal(store, makeEntry(2, 1));
      const { position } = sealed.description.identity;
      const done = settle((answer) => store.install(sealed, answer));
      await settle((answer) => store.compact(position, answer));
      await done;
      assert(store.effectOf(position) === "covered", "the log begins there");
      await append(store, makePersist({ entries: [makeEntry(4, 1)], commit: 3 }));
      if (harness.kill === undefined) return close(store);
      await harness.kill();
      const second = await harness.open();
      const { base } = second;
      assert(base.index <= 2, "the base is at most the position");
      assert(base.index === 0 || base.term === 1, "the base has its term");
      checkEntries(second.entries, [...opening.entries, makeEntry(4, 1)].slice(base.index));
      checkFound(second, sealed.description);
      await close(second.store);
    },
  },
  {
    name: "H10: replaces a log that ends before a snapshot, and goes on behind it at once",
    async run(harness) {
      const { store } = await harness.open();
      await append(store, opening);
      const sealed = await seal(store, makeEntry(9, 1));
      const { position } = sealed.description.identity;
      assert(store.effectOf(position) === "replaces-log", "the log ends before it");
      const installed = settle((done) => store.install(sealed, done));
      await append(store, makePersist({ entries: [makeEntry(10, 1)], commit: 9 }));
      await installed;
      checkNewest(store, sealed.description);
      if (harness.kill === undefined) return close(store);
      await harness.kill();
      const second = await harness.open();
      assert(second.base.index === 9 && second.base.term === 1, "the log begins behind it");
      checkEntries(second.entries, [makeEntry(10, 1)]);
      checkFound(second, sealed.description);
      await close(second.store);
    },
  },
  {
    name: "H11: refuses a snapshot that contradicts a committed entry",
    async run(harness) {
      const { store } = await harness.open();
      await append(store, { ...opening, hardState: makeHardState(2) });
      assert(store.effectOf(makeEntry(2, 2)) === "conflict", "another entry is committed there");
      assert(store.effectOf(makeEntry(3, 2)) === "replaces-log", "entry 3 is not committed");
      const sealed = await seal(store, makeEntry(2, 2));
      let refused = false;
      try {
        store.install(sealed, () => {});
      } catch {
        refused = true;
      }
      assert(refused, "a snapshot never contradicts what is committed");
      await new Promise<void>((resolve) => store.snapshots.discard(sealed, resolve));
      await close(store);
    },
  },
  {
    name: "H14: receives what another store sends, chunk by chunk, and has the very same bytes",
    async run(harness) {
      const { store } = await harness.open();
      await append(store, opening);
      const sealed = await seal(store, makeEntry(2, 1));
      await settle((done) => store.install(sealed, done));
      const { identity } = sealed.description;
      const received = await transfer(store, sealed.description);
      assert(isSameSnapshot(received.description.identity, identity), "the bytes are the same");
      await settle((done) => store.install(received, done));
      await checkContent(store, received.description);
      assert(store.snapshots.list.length === 1, "it is one snapshot");
      await close(store);
    },
  },
  {
    name: "H15: prunes old snapshots, and neither the newest nor one that is read",
    async run(harness) {
      const { store } = await harness.open();
      await append(store, { ...opening, commit: logIndex(3) });
      for (const index of [1, 2, 3]) {
        const sealed = await seal(store, makeEntry(index, 1));
        await settle((done) => store.install(sealed, done));
      }
      const count = () => store.snapshots.list.length;
      const [first] = store.snapshots.list;
      assert(first !== undefined, "the first is in the list");
      const reader = await value<SnapshotReader>((done) => store.snapshots.read(first, done));
      await settle((done) => store.snapshots.prune(logIndex(9), done));
      assert(count() === 2, "one of three goes");
      await new Promise<void>((resolve) => reader.close(resolve));
      await settle((done) => store.snapshots.prune(logIndex(9), done));
      assert(count() === 1, "and then the other");
      assert(store.snapshots.newest?.identity.position.index === 3, "the newest stays");
      await close(store);
    },
  },
  {
    name: "finishes what is queued before it closes",
    async run(harness) {
      const { store } = await harness.open();
      let answered = 0;
      const onAnswer = (error: StorageError | null): void => {
        assert(error === null, "a sound store takes everything");
        answered++;
      };
      store.append(opening, onAnswer);
      for (let i = 4; i < 20; i++) {
        store.append(makePersist({ entries: [makeEntry(i, 1)] }), onAnswer);
      }
      await close(store);
      assert(answered === 17, "every request is answered before the close is");
    },
  },
];

function append(store: LogStore, request: PersistRequest): Promise<void> {
  return settle((done) => store.append(request, done));
}

function close(store: LogStore): Promise<void> {
  return settle((done) => store.close(done));
}

function settle(start: (done: (error: StorageError | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === null ? resolve() : reject(error)));
  });
}

function value<Value>(
  start: (done: (error: Error | null, value?: Value) => void) => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    start((error, given) => {
      if (given === undefined) reject(error ?? new Error("there is neither error nor value"));
      else resolve(given);
    });
  });
}

const stateBytes = 150_000;

/** A snapshot of the state right after this entry. */
async function seal(store: LogStore, { index, term }: Entry): Promise<SealedSnapshot> {
  const { snapshots } = store;
  const configuration = new Uint8Array([1, 2, 3]);
  const writer = await value<SnapshotWriter>((done) => {
    snapshots.begin({ index, term }, configuration, done);
  });
  writer.section("empty");
  writer.section("state");
  const state = new Uint8Array(stateBytes).fill(index);
  for (let at = 0; at < state.length; at += 40_000) {
    await settle((done) => writer.write(state.subarray(at, at + 40_000), done));
  }
  return value<SealedSnapshot>((done) => writer.finish(done));
}

/** Reads a snapshot as a sender does and gives it to a receiver. */
async function transfer(
  store: LogStore,
  { identity, ...rest }: SnapshotDescription,
): Promise<SealedSnapshot> {
  const { snapshots } = store;
  const reader = await value<SnapshotReader>((done) => {
    snapshots.read({ identity, ...rest }, done);
  });
  const receiver = await value<SnapshotReceiver>((done) => snapshots.receive(identity, done));
  while (!receiver.isComplete) {
    const at = receiver.nextOffset;
    const chunk = await value<Uint8Array>((done) => reader.readBytes(at, 33_333, done));
    const answer = await value<{ readonly kind: string }>((done) => {
      receiver.accept(identity, at, chunk, done);
    });
    assert(answer.kind === "accepted", "what a sound store sends is accepted");
  }
  await new Promise<void>((resolve) => reader.close(resolve));
  return value<SealedSnapshot>((done) => receiver.finish(done));
}

function checkNewest(store: LogStore, expected: SnapshotDescription): void {
  const { newest } = store.snapshots;
  assert(newest !== null, "an installed snapshot is in the list");
  assert(isSameSnapshot(newest.identity, expected.identity), "it is the newest");
}

function checkFound(found: RecoveredLog, expected: SnapshotDescription): void {
  assert(found.snapshot !== null, "the snapshot survives");
  assert(isSameSnapshot(found.snapshot.identity, expected.identity), "it is the same");
  assert(found.snapshot.configuration.join() === "1,2,3", "the configuration survives");
  assert(found.snapshot.sections.length === 2, "the sections survive");
}

async function checkContent(store: LogStore, snapshot: SnapshotDescription): Promise<void> {
  const reader = await value<SnapshotReader>((done) => store.snapshots.read(snapshot, done));
  const chunks: Uint8Array[] = [];
  for (;;) {
    const part = await value<SnapshotPart | null>((done) => reader.next(done));
    if (part === null) break;
    if (part.section === "state") chunks.push(part.data.slice());
    else assert(part.data.length === 0 && part.isLast, "an empty section comes once");
  }
  await new Promise<void>((resolve) => reader.close(resolve));
  const state = concatBytes(chunks);
  const { index } = snapshot.identity.position;
  assert(state.length === stateBytes, "the state is as long as it was");
  assert(
    state.every((byte) => byte === index),
    "the state is what was written",
  );
}

function checkEntries(found: readonly Entry[], expected: readonly Entry[]): void {
  assert(found.length === expected.length, "as many entries as were appended", () => {
    return `${found.length} instead of ${expected.length}`;
  });
  for (const [at, entry] of expected.entries()) {
    const other = found[at];
    assert(other !== undefined, "no entry is missing");
    assert(other.index === entry.index, "the index is the same");
    assert(other.term === entry.term, "the term is the same");
    assert(other.kind === entry.kind, "the kind is the same");
    assert(other.data.length === entry.data.length, "the data are as long");
    assert(
      entry.data.every((byte, offset) => other.data[offset] === byte),
      "the data are the same",
    );
  }
}
