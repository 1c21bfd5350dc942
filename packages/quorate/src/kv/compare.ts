/**
 * The compares of a transaction, against the newest state.
 */
import type { Compare, KeyValue } from "../proto/index.ts";
import { compareBytes } from "./compare-bytes.ts";
import { keySpan } from "./key-name.ts";
import { visitLive } from "./range.ts";
import type { Store } from "./store.ts";

/** Whether all compares hold; none at all hold too. */
export function holdAll(store: Store, compares: readonly Compare[]): boolean {
  return compares.every((compare) => holds(store, compare));
}

/**
 * Whether a compare holds for every key of its range. Where no key exists the numbers compare as 0,
 * and a VALUE compare is false whatever its operator.
 *
 * @etcd server/etcdserver/apply.go
 */
export function holds(store: Store, compare: Compare): boolean {
  let isEmpty = true;
  let isHolding = true;
  visitLive(store, keySpan(compare.key, compare.rangeEnd), (version) => {
    isEmpty = false;
    isHolding = isResult(compare, order(compare, version));
    return isHolding;
  });
  if (!isEmpty) return isHolding;
  return compare.target !== "VALUE" && isResult(compare, order(compare, missing));
}

const noBytes = new Uint8Array(0);

const missing: KeyValue = {
  key: noBytes,
  createRevision: 0,
  modRevision: 0,
  version: 0,
  value: noBytes,
  lease: 0n,
};

/** Below, at or above zero as the key's field is below, at or above what it is compared with. */
function order(compare: Compare, version: KeyValue): number {
  switch (compare.target) {
    case "VERSION":
      return version.version - compare.version;
    case "CREATE":
      return version.createRevision - compare.createRevision;
    case "MOD":
      return version.modRevision - compare.modRevision;
    case "VALUE":
      return compareBytes(version.value, compare.value);
    case "LEASE":
      return version.lease < compare.lease ? -1 : Number(version.lease > compare.lease);
    default:
      return compare.target satisfies never;
  }
}

function isResult(compare: Compare, order: number): boolean {
  switch (compare.result) {
    case "EQUAL":
      return order === 0;
    case "NOT_EQUAL":
      return order !== 0;
    case "GREATER":
      return order > 0;
    case "LESS":
      return order < 0;
    default:
      return compare.result satisfies never;
  }
}
