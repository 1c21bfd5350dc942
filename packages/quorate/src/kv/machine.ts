/**
 * The store as a replicated machine: commands from the log in, answers out. The node calls `apply`
 * in log order; the server reads `store` through `range` and read-only `txn`.
 */
import { decodeDeleteRangeRequest, decodePutRequest, decodeTxnRequest } from "../proto/index.ts";
import type { DeleteRangeAnswer, PutAnswer, TxnAnswer } from "./answers.ts";
import { commandOps, kvCommandVersion, kvMachineVersion } from "./command.ts";
import { deleteRange } from "./delete-range.ts";
import type { KvError } from "./errors.ts";
import { put } from "./put.ts";
import { createStore, type Store } from "./store.ts";
import { StoreCapture, storeSnapshotVersion } from "./store-capture.ts";
import { StoreRestore } from "./store-restore.ts";
import { txn } from "./txn.ts";

/** What a write leads to; a refusal is an answer like any other. */
export type KvResult = PutAnswer | DeleteRangeAnswer | TxnAnswer | KvError;

/** What the node tells about a command: its place in the log, and whether someone waits for it. */
export interface KvApplyContext {
  readonly index: number;
  readonly term: number;
  readonly wanted: boolean;
}

/** The figures of Status and metrics. */
export interface KvStats {
  /** The newest revision. */
  readonly revision: number;
  /** -1 while nothing was compacted. */
  readonly compactedRevision: number;
  /** Keys that exist now. */
  readonly keyCount: number;
  /** All kept versions, logically: keys, values and a fixed overhead each. */
  readonly sizeBytes: number;
  /** The part of it that the newest versions of existing keys take. */
  readonly sizeInUseBytes: number;
}

export interface KvMachine {
  /** Another one after a restore. */
  readonly store: Store;
  /**
   * Applies one command; undefined if the answer is not wanted.
   *
   * @throws Error on a command this version does not know or cannot decode: the member must halt.
   */
  apply(command: Uint8Array, context: KvApplyContext): KvResult | undefined;
  stats(): KvStats;
  /** What this program can apply, and what it needs for each command. */
  readonly version: number;
  commandVersion(command: Uint8Array): number;
  /** Version of the bytes of a capture. */
  readonly snapshotVersion: number;
  /** Freezes the store as it is, for a snapshot, at once; `apply` goes on. */
  capture(): StoreCapture;
  /** Reads a capture; the store is empty until its end. */
  restore(): StoreRestore;
}

/** A machine with an empty store. */
export function createKvMachine(): KvMachine {
  let store = createStore();
  return {
    get store() {
      return store;
    },
    apply: (command, context) => {
      const result = applyCommand(store, command, context.wanted);
      return context.wanted ? result : undefined;
    },
    stats: () => ({
      revision: store.revision,
      compactedRevision: store.compactedRevision,
      keyCount: store.liveKeyCount,
      sizeBytes: store.sizeBytes,
      sizeInUseBytes: store.sizeInUseBytes,
    }),
    version: kvMachineVersion,
    commandVersion: kvCommandVersion,
    snapshotVersion: storeSnapshotVersion,
    capture: () => new StoreCapture(store),
    restore: () => {
      store = createStore();
      return new StoreRestore((restored) => {
        store = restored;
      });
    },
  };
}

function applyCommand(store: Store, command: Uint8Array, wanted: boolean): KvResult {
  const request = command.subarray(1);
  switch (command[0]) {
    case commandOps.put:
      return put(store, decodePutRequest(request), wanted);
    case commandOps["delete-range"]:
      return deleteRange(store, decodeDeleteRangeRequest(request), wanted);
    case commandOps.txn:
      return txn(store, decodeTxnRequest(request), wanted);
    default:
      throw new Error(
        `Cannot apply a command to the store: its first byte is ${command[0] ?? "missing"}, ` +
          "this version knows 1 (put), 2 (delete-range) and 3 (txn). Start a newer quorate here.",
      );
  }
}
