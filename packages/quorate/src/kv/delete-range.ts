/**
 * DeleteRange: deletes the keys of a range in one revision. Deleting nothing makes none.
 */
import type { DeleteRangeRequest, DeleteRangeResponse, KeyValue } from "../proto/index.ts";
import type { DeleteRangeAnswer } from "./answers.ts";
import { type KeyHistory, tombstone } from "./key-history.ts";
import { keySpan } from "./key-name.ts";
import { visitLive } from "./range.ts";
import { recordVersion, type Store } from "./store.ts";

/**
 * Applies a checked delete outside of a transaction; never refused. Unless `wanted`, the answer
 * leaves out the previous key-values.
 *
 * @etcd server/etcdserver/apply.go
 */
export function deleteRange(
  store: Store,
  request: DeleteRangeRequest,
  wanted: boolean,
): DeleteRangeAnswer {
  const response = writeDeleteRange(store, request, store.revision + 1, wanted);
  return { kind: "delete-range", revision: store.revision, response };
}

/** Deletes in `revision`, ascending by key; the store's revision moves only if a key existed. */
export function writeDeleteRange(
  store: Store,
  request: DeleteRangeRequest,
  revision: number,
  wanted: boolean,
): DeleteRangeResponse {
  // Collected first: the walk must not see what the deletion changes.
  const histories: KeyHistory[] = [];
  visitLive(store, keySpan(request.key, request.rangeEnd), (_version, history) => {
    histories.push(history);
    return true;
  });
  const prevKvs: KeyValue[] = [];
  for (const history of histories) {
    const before = history.newest;
    if (wanted && request.prevKv) prevKvs.push(before);
    recordVersion(store, history.name, history, tombstone(before.key, revision));
  }
  return { header: null, deleted: histories.length, prevKvs };
}
