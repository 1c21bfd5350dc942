/**
 * What every log store must do, as cases for any test runner:
 *
 *     for (const { name, run } of logStoreConformance(harness)) it(name, run);
 */
import { assert } from "../base/index.ts";
import type { Entry } from "../core/index.ts";
import type { LogStore, PersistRequest, RecoveredLog, StorageError } from "../storage/index.ts";
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
  return new Promise((resolve, reject) => {
    store.append(request, (error) => (error === null ? resolve() : reject(error)));
  });
}

function close(store: LogStore): Promise<void> {
  return new Promise((resolve, reject) => {
    store.close((error) => (error === null ? resolve() : reject(error)));
  });
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
