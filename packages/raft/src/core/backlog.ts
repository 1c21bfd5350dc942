/**
 * What a member has taken over and not worked off: entries that wait for its disk, and committed
 * ones that wait for its machines. It is bounded whatever the leader sends, and the leader is told
 * in time to send nothing more. Nothing rests on it but memory: an append that is not taken is as
 * good as a shorter one.
 *
 * Entries that only wait to be committed are not counted: who would refuse those could keep the
 * cluster from ever committing them.
 */
import { assert, type LogIndex } from "../base/index.ts";
import { entryBytes, entryOverheadBytes } from "./entry.ts";
import { bytesBetween, type Log, lastIndex, termAt } from "./log.ts";
import type { AppendEntries } from "./messages.ts";
import type { Settings } from "./settings.ts";
import type { Raft } from "./state.ts";

export interface Backlog {
  /** Bytes of entries that are in the log and not on the own disk. */
  unsyncedBytes: number;
  /** Bytes of entries that are committed and not applied. */
  unappliedBytes: number;
  /** The leader is to send no entries until there is room again. */
  isFull: boolean;
  /** Then: how far the backlog has to go down for that. */
  resumeBytes: number;
  /** The answer that told the leader of this term that it is full; null: the newest did not. */
  told: ToldFull | null;
  /** The host is short of memory: one append has to be worked off before the next is taken. */
  isTight: boolean;
}

/** As in `PendingAck`. */
export interface ToldFull {
  readonly round: number;
  readonly sequence: number;
}

/** Nobody was told anything yet. */
export function createBacklog(
  log: Log,
  { durableIndex, applied, commit }: Pick<Raft, "durableIndex" | "applied" | "commit">,
): Backlog {
  return {
    unsyncedBytes: bytesBetween(log, durableIndex + 1, lastIndex(log)),
    unappliedBytes: bytesBetween(log, applied + 1, commit),
    isFull: false,
    resumeBytes: 0,
    told: null,
    isTight: false,
  };
}

/** What waits for both, disk and machines, counts twice. */
export function backlogBytes({ backlog }: Raft): number {
  return backlog.unsyncedBytes + backlog.unappliedBytes;
}

/** What the backlog may be now; one append that comes when there is none may be larger. */
export function backlogLimit({ backlog, settings }: Raft): number {
  const { appendBytesMax, backlogBytesMax } = settings;
  return backlog.isTight ? Math.min(appendBytesMax, backlogBytesMax) : backlogBytesMax;
}

/** Entries were added behind the log's end. */
export function onAdded({ backlog }: Raft, bytes: number): void {
  backlog.unsyncedBytes += bytes;
}

/** Entries from `from` on are about to be removed; the others keep their place. */
export function onRemoving(raft: Raft, from: LogIndex): void {
  const first = Math.max(from, raft.durableIndex + 1);
  raft.backlog.unsyncedBytes -= bytesBetween(raft.log, first, lastIndex(raft.log));
}

/** All of the log is about to go: a snapshot takes its place. */
export function onReplaced({ backlog }: Raft): void {
  backlog.unsyncedBytes = 0;
  backlog.unappliedBytes = 0;
}

/** The disk has the log up to `durable`. */
export function onSynced(raft: Raft, durable: LogIndex): void {
  if (durable <= raft.durableIndex) return;
  raft.backlog.unsyncedBytes -= bytesBetween(raft.log, raft.durableIndex + 1, durable);
  raft.durableIndex = durable;
}

/** All up to `commit` is about to count as committed; returns the bytes of what does anew. */
export function onCommitting(raft: Raft, commit: LogIndex): number {
  const bytes = bytesBetween(raft.log, raft.commit + 1, commit);
  raft.backlog.unappliedBytes += bytes;
  return bytes;
}

/** The machines are at `applied`. */
export function onWorkedOff(raft: Raft, applied: LogIndex): void {
  if (applied <= raft.applied) return;
  raft.backlog.unappliedBytes -= bytesBetween(raft.log, raft.applied + 1, applied);
  raft.applied = applied;
}

/** Whether a leader may append `commands`: its own disk and machines have to keep up, too. */
export function hasRoomFor(raft: Raft, commands: readonly Uint8Array[]): boolean {
  const uncommitted = raft.leadership?.uncommittedBytes ?? 0;
  let bytes = Math.max(backlogBytes(raft), raft.backlog.isTight ? uncommitted : 0);
  if (bytes === 0) return true;
  for (const command of commands) bytes += command.length + entryOverheadBytes;
  return bytes <= backlogLimit(raft);
}

/** Whether an append can be taken whole. If not, the leader hears that there is no room. */
export function takesWhole(raft: Raft, { entries }: AppendEntries): boolean {
  const held = backlogBytes(raft);
  if (held === 0 || entries.length === 0) return true;
  const limit = backlogLimit(raft);
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  if (held + bytes <= limit) return true;
  for (let known = countKnown(raft.log, entries) - 1; known >= 0; known--) {
    const entry = entries[known];
    if (entry !== undefined) bytes -= entryBytes(entry);
  }
  if (bytes === 0 || held + bytes <= limit) return true;
  becomeFull(raft.backlog, Math.max(0, limit - bytes));
  return false;
}

/** The append without what the log does not have: as if the leader had sent no more. */
export function withoutNew(log: Log, request: AppendEntries): AppendEntries {
  return { ...request, entries: request.entries.slice(0, countKnown(log, request.entries)) };
}

function countKnown(log: Log, entries: AppendEntries["entries"]): number {
  let known = 0;
  for (const entry of entries) {
    if (termAt(log, entry.index) !== entry.term) break;
    known++;
  }
  return known;
}

function becomeFull(backlog: Backlog, resumeBytes: number): void {
  const before = backlog.isFull ? backlog.resumeBytes : Number.POSITIVE_INFINITY;
  backlog.isFull = true;
  backlog.resumeBytes = Math.min(before, resumeBytes);
}

/**
 * Half the limit is full, so that what is on its way still fits; a quarter is room again, so that
 * it does not change with every entry.
 */
export function refreshFull(raft: Raft): void {
  const { backlog } = raft;
  const held = backlogBytes(raft);
  const limit = backlogLimit(raft);
  if (backlog.isFull && held <= backlog.resumeBytes) backlog.isFull = false;
  if (held > limit / 2) becomeFull(backlog, Math.floor(limit / 4));
}

/** What an answer to the leader says of room: nothing if there is some. */
export function fullnessOf({ backlog }: Raft): { readonly isFull: true } | null {
  return backlog.isFull ? { isFull: true } : null;
}

/** The first thing wrong with the two limits that belong together, or null. */
export function describeBadBacklog({ backlogBytesMax, inflightBytesMax }: Settings): string | null {
  if (backlogBytesMax >= 2 * inflightBytesMax) return null;
  return (
    `backlogBytesMax is ${backlogBytesMax}; it must be at least twice inflightBytesMax ` +
    `(${inflightBytesMax}), or what is on its way when a follower says stop does not fit`
  );
}

/** @throws InvariantError unless the counts are those of the entries */
export function checkBacklog({ backlog, log, durableIndex, applied, commit }: Raft): void {
  const unsynced = bytesBetween(log, durableIndex + 1, lastIndex(log));
  assert(backlog.unsyncedBytes === unsynced, "what waits for the disk is counted");
  const unapplied = bytesBetween(log, applied + 1, commit);
  assert(backlog.unappliedBytes === unapplied, "what waits for the machines is counted");
}
