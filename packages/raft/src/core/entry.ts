/** What the log consists of, and the little that is said of a place in it. @paper §5.3 */
import type { LogIndex, Term } from "../base/index.ts";

/**
 * `no-op` opens a leader's term, `command` belongs to the machines, `configuration` to the core.
 * A kind that this version does not know stops the member (storage and wire codecs refuse it).
 */
export type EntryKind = "no-op" | "command" | "configuration";

export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  /** Opaque to the core unless `configuration`; empty for a no-op. Never changed after creation. */
  readonly data: Uint8Array;
}

/**
 * Which entry, and of which leader: equal positions mean equal prefixes (log matching). @paper §5.3
 */
export interface LogPosition {
  readonly index: LogIndex;
  readonly term: Term;
}

/** What an entry counts in every byte limit: its data and a fixed share for its bookkeeping. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + entryOverheadBytes;
}

/** Bytes; about what record, frame and object headers take per entry. */
export const entryOverheadBytes = 32;
