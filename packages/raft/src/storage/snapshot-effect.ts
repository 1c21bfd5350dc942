/** What a snapshot does to a log: the one rule, for running logs and for recovery. Pure. */
import type { LogIndex, Term } from "../base/index.ts";
import type { LogPosition } from "../core/index.ts";
import type { SnapshotEffect } from "./log-store.ts";

/** As much of a log as is needed to judge. */
export interface LogView {
  readonly base: LogPosition;
  readonly last: LogPosition;
  readonly commit: LogIndex;
  /** Of an entry between base (included) and last. */
  termAt(index: LogIndex): Term | undefined;
}

/**
 * @thesis §5.1 (what a follower keeps of its log when it gets a snapshot)
 * @etcd raft.go (restore)
 */
export function snapshotEffect(log: LogView, position: LogPosition): SnapshotEffect {
  if (position.index < log.base.index) return "covered";
  if (position.index > log.last.index) return "replaces-log";
  if (log.termAt(position.index) === position.term) {
    return position.index === log.base.index ? "covered" : "keeps-log";
  }
  return position.index <= log.commit ? "conflict" : "replaces-log";
}
