/**
 * The running log: group commit with one write and one sync under way. Requests that arrive
 * meanwhile are merged into the next unit. Made by `open-log.ts`; see there for opening and
 * recovery.
 */
import { assert, type LogIndex, logIndex, noIndex } from "../../base/index.ts";
import type { HardState, LogPosition } from "../../core/index.ts";
import type { Clock, DiskFile, Timer } from "../../ports/index.ts";
import { closeFile, openFile, writeSynced } from "../files.ts";
import type { LogStore, PersistRequest, SnapshotEffect, StorageError } from "../log-store.ts";
import { sectorBytes } from "../sealed-block.ts";
import type { SealedSnapshot } from "../snapshot/snapshot-space.ts";
import type { SnapshotStore } from "../snapshot/snapshot-store.ts";
import { snapshotEffect } from "../snapshot-effect.ts";
import { toStorageError } from "../storage-errors.ts";
import { runTask, type Task } from "../task.ts";
import { type NumberedHardState, writeHardState } from "./hard-state-files.ts";
import { createSegment, type LogDirectory, removeSegments } from "./log-directory.ts";
import { encodeLogEnd, type LogEnd, logEndOffset } from "./log-end.ts";
import { type LogStart, writeLogStart } from "./log-start.ts";
import { type PreparedLog, repairTail } from "./prepare.ts";
import type { ReadLog } from "./read-log.ts";
import type { SegmentExtent } from "./read-segments.ts";
import { recordBytesMax, UnitBuilder } from "./records.ts";
import { type SegmentHeader, segmentFileName } from "./segment-header.ts";
import { TermRuns } from "./term-runs.ts";
import { identitySeed, sealUnit, unitBytes } from "./unit.ts";

export interface LogLimits {
  readonly segmentBytesMax: number;
  readonly unitBytesMax: number;
  readonly idleWitnessMs: number;
}

export interface WriteAheadLogParts {
  readonly log: LogDirectory;
  readonly clock: Clock;
  readonly limits: LogLimits;
  readonly read: ReadLog;
  readonly prepared: PreparedLog;
  readonly snapshots: SnapshotStore;
  /** The last segment, open. */
  readonly segmentFile: DiskFile;
}

type Settle = (error: StorageError | null) => void;

interface WaitingAppend {
  readonly kind: "append";
  readonly request: PersistRequest;
  readonly recordBytes: number;
  readonly done: Settle;
}

/** Something that has the disk for itself, in its place among the appends. */
interface WaitingChange {
  readonly kind: "change";
  run(): Task<void>;
  readonly done: Settle;
}

type Waiting = WaitingAppend | WaitingChange;

/** The segment that is written to. */
interface Segment {
  readonly file: DiskFile;
  readonly header: SegmentHeader;
  /** Bytes of sound units, and where the next goes. */
  endOffset: number;
  /** The highest index of an entry that was ever written to it; 0 for none. */
  indexMax: number;
}

export class WriteAheadLog implements LogStore {
  readonly #log: LogDirectory;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #seed: number;
  readonly #prepared: PreparedLog;
  readonly #builder = new UnitBuilder();
  readonly snapshots: SnapshotStore;

  /** What was asked for last: ahead of the disk by what waits. Requests are checked against it. */
  readonly #asked: TermRuns;
  #askedHardState: HardState;
  #askedCommit: LogIndex;
  #askedSnapshot: LogIndex;

  /** What is on disk. */
  readonly #written: TermRuns;
  #hardState: NumberedHardState;
  /** Segments before the one that is written to, oldest first. */
  #older: SegmentExtent[];
  #segment: Segment;
  #lastUnit: number;
  #chain: number;
  /**
   * The commit index as the requests up to the disk know it, and as the units there say it. A later
   * request may know more, but of entries that it brings: here they are others yet.
   */
  #commit: LogIndex;
  #commitWritten: LogIndex;
  #logEnd: LogEnd | null;
  #read: ReadLog | null;

  #waiting: Waiting[] = [];
  #isBusy = false;
  #failure: StorageError | null = null;
  #closing: Settle | null = null;
  #isClosed = false;
  #timer: Timer | null = null;
  #lastWriteMs: number;

  constructor(parts: WriteAheadLogParts) {
    const { log, clock, limits, read, prepared, segmentFile, snapshots } = parts;
    this.#log = log;
    this.#clock = clock;
    this.#limits = limits;
    this.#seed = identitySeed(log.identity, log.crc32);
    this.#prepared = prepared;
    this.snapshots = snapshots;
    this.#asked = new TermRuns(read.base);
    this.#written = new TermRuns(read.base);
    for (const entry of read.entries) {
      this.#asked.append(entry.index, entry.term);
      this.#written.append(entry.index, entry.term);
    }
    this.#hardState = prepared.hardState;
    this.#askedHardState = prepared.hardState.state;
    const { header, endOffset } = read.last;
    this.#older = read.extents.slice(0, -1);
    const indexMax = read.extents.at(-1)?.indexMax ?? 0;
    this.#segment = { file: segmentFile, header, endOffset, indexMax };
    this.#lastUnit = read.chain.unit;
    this.#chain = read.chain.checksum;
    this.#askedCommit = read.commit;
    this.#askedSnapshot = snapshots.newest?.identity.position.index ?? noIndex;
    this.#commit = read.commit;
    this.#commitWritten = read.commit;
    this.#logEnd = prepared.logEnd;
    this.#read = prepared.isRepairPending ? read : null;
    this.#lastWriteMs = clock.nowMs();
    this.#armWitness();
  }

  append(request: PersistRequest, done: Settle): void {
    if (this.#hasFailed(done)) return;
    this.#check(request);
    const recordBytes = recordBytesMax(request.entries);
    this.#enqueue({ kind: "append", request, recordBytes, done });
  }

  effectOf(position: LogPosition): SnapshotEffect {
    const asked = this.#asked;
    const { base, last } = asked;
    const view = { base, last, commit: this.#askedCommit };
    return snapshotEffect({ ...view, termAt: (index) => asked.termAt(index) }, position);
  }

  install(sealed: SealedSnapshot, done: Settle): void {
    if (this.#hasFailed(done)) return;
    const { position } = sealed.description.identity;
    const effect = this.effectOf(position);
    assert(effect !== "conflict", "a snapshot never contradicts what is committed", () => {
      return `${position.index}/${position.term}, committed to ${this.#askedCommit}`;
    });
    const termMax = this.#askedHardState.term;
    assert(position.term <= termMax, "no snapshot is of a term above the hard state's");
    const isReplaced = effect === "replaces-log";
    if (isReplaced) this.#asked.reset(position);
    if (position.index > this.#askedCommit) this.#askedCommit = position.index;
    if (position.index > this.#askedSnapshot) this.#askedSnapshot = position.index;
    const run = () => this.#install(sealed, isReplaced);
    this.#enqueue({ kind: "change", run, done });
  }

  /** For recovery, when the snapshot itself has been there before. */
  replaceBy(position: LogPosition, done: Settle): void {
    if (this.#hasFailed(done)) return;
    this.#asked.reset(position);
    if (position.index > this.#askedCommit) this.#askedCommit = position.index;
    this.#enqueue({ kind: "change", run: () => this.#replaceLog(position), done });
  }

  compact(position: LogPosition, done: Settle): void {
    if (this.#hasFailed(done)) return;
    assert(position.index <= this.#askedSnapshot, "only what is in a snapshot is dropped", () => {
      return `${position.index}, the newest snapshot is of ${this.#askedSnapshot}`;
    });
    if (position.index >= this.#asked.base.index) this.#asked.dropThrough(position);
    if (position.index > this.#askedCommit) this.#askedCommit = position.index;
    this.#enqueue({ kind: "change", run: () => this.#compact(position), done });
  }

  #hasFailed(done: Settle): boolean {
    assert(this.#closing === null && !this.#isClosed, "nothing is asked for after the close");
    const failure = this.#failure;
    if (failure !== null) this.#clock.defer(() => done(failure));
    return failure !== null;
  }

  #enqueue(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (!this.#isBusy) this.#next();
  }

  close(done: Settle): void {
    assert(this.#closing === null && !this.#isClosed, "a log is closed once");
    this.#closing = done;
    this.#timer?.cancel();
    this.#timer = null;
    if (!this.#isBusy) this.#next();
  }

  /** What the core promises; a request that breaks it must not reach the disk. */
  #check(request: PersistRequest): void {
    const { hardState, truncateFrom, entries, commit } = request;
    if (hardState !== null) this.#checkHardState(hardState);
    if (truncateFrom !== null) {
      assert(truncateFrom > this.#askedCommit, "committed entries are never truncated", () => {
        return `from ${truncateFrom}, committed to ${this.#askedCommit}`;
      });
      this.#asked.truncate(truncateFrom);
    }
    const termMax = this.#askedHardState.term;
    for (const entry of entries) this.#asked.append(entry.index, entry.term);
    assert(this.#asked.last.term <= termMax, "no entry is of a term above the hard state's");
    const hint = Math.min(commit, this.#asked.last.index);
    if (hint > this.#askedCommit) this.#askedCommit = logIndex(hint);
  }

  #checkHardState(next: HardState): void {
    const last = this.#askedHardState;
    assert(next.term >= last.term, "the term never falls");
    const keepsVote = next.term > last.term || last.votedFor === null;
    assert(keepsVote || next.votedFor === last.votedFor, "one vote a term");
    this.#askedHardState = next;
  }

  /** Takes the next batch, or ends what is to be ended. Never called while a batch is under way. */
  #next(): void {
    assert(!this.#isBusy, "one write is under way at a time");
    if (this.#waiting.length === 0) {
      if (this.#closing !== null) this.#finish(this.#closing);
      return;
    }
    this.#isBusy = true;
    const [first] = this.#waiting;
    if (first?.kind === "change") {
      this.#waiting.shift();
      this.#change(first);
      return;
    }
    const batch = this.#takeBatch();
    const hardState = newestHardState(batch);
    if (hardState === null && this.#read === null) {
      this.#writeRecords(batch);
      return;
    }
    runTask(this.#writeFirst(hardState), (error) => {
      if (error !== null) this.#fail(error, batch);
      else this.#writeRecords(batch);
    });
  }

  /** As many waiting appends as fit in a unit; at least one. */
  #takeBatch(): readonly WaitingAppend[] {
    const { unitBytesMax } = this.#limits;
    const batch: WaitingAppend[] = [];
    let bytes = 0;
    for (const waiting of this.#waiting) {
      if (waiting.kind === "change") break;
      bytes += waiting.recordBytes;
      if (batch.length > 0 && bytes > unitBytesMax) break;
      batch.push(waiting);
    }
    if (batch.length === this.#waiting.length) this.#waiting = [];
    else this.#waiting.splice(0, batch.length);
    return batch;
  }

  #change(change: WaitingChange): void {
    runTask(this.#repairAnd(change), (error) => {
      if (error !== null) this.#fail(error, [change]);
      else this.#clock.defer(() => this.#succeed([change]));
    });
  }

  *#repairAnd(change: WaitingChange): Task<void> {
    if (this.#read !== null) yield* this.#repair(this.#read);
    yield* change.run();
  }

  /** What must be on disk before the records: a repair that had no space, then the hard state. */
  *#writeFirst(hardState: HardState | null): Task<void> {
    const log = this.#log;
    if (this.#read !== null) yield* this.#repair(this.#read);
    if (hardState === null) return;
    const next = { sequence: this.#hardState.sequence + 1, state: hardState };
    yield* writeHardState(this.#prepared.hardStateFiles, next, log.identity, log.crc32);
    this.#hardState = next;
  }

  *#repair(read: ReadLog): Task<void> {
    yield* repairTail(this.#log, read);
    yield* closeFile(this.#segment.file);
    const file = yield* openFile(this.#log.disk, read.last.file, "existing");
    this.#segment = { ...this.#segment, file };
    this.#read = null;
  }

  // --- snapshots ---------------------------------------------------------------------------------

  /**
   * The snapshot counts once it is published; recovery does the rest if this does not come to it.
   */
  *#install(sealed: SealedSnapshot, isReplaced: boolean): Task<void> {
    yield* this.snapshots.publish(sealed);
    if (isReplaced) yield* this.#replaceLog(sealed.description.identity.position);
  }

  /** An empty log behind `position`. The renaming of `log-start` is the moment. */
  *#replaceLog(position: LogPosition): Task<void> {
    const log = this.#log;
    const start: LogStart = {
      base: position,
      segment: this.#segment.header.segment + 1,
      firstUnit: this.#lastUnit + 1,
      previousChecksum: this.#chain,
      isReplaced: true,
    };
    yield* writeLogStart(log, start);
    const file = yield* createSegment(log, start);
    const replaced = [...this.#older.map(({ header }) => header), this.#segment.header];
    yield* closeFile(this.#segment.file);
    this.#older = [];
    this.#segment = { file, header: start, endOffset: sectorBytes, indexMax: 0 };
    this.#written.reset(position);
    if (position.index > this.#commit) this.#commit = position.index;
    // Before anything is written to the segment: from here on its absence is noticed.
    yield* this.#writeWitness();
    yield* removeSegments(
      log,
      replaced.map(({ segment }) => segmentFileName(segment)),
    );
  }

  /** Whole segments go, oldest first, none of whose entries lies behind `position`. */
  *#compact(position: LogPosition): Task<void> {
    const newest = this.snapshots.newest?.identity.position.index ?? 0;
    assert(position.index <= newest, "the snapshot is durable before the log is dropped");
    if (position.index <= this.#written.base.index) return;
    this.#written.dropThrough(position);
    if (position.index > this.#commit) this.#commit = position.index;
    let count = 0;
    while ((this.#older[count]?.indexMax ?? Number.POSITIVE_INFINITY) <= position.index) count++;
    if (count === 0) return;
    const { segment, firstUnit, previousChecksum } = (this.#older[count] ?? this.#segment).header;
    const start = { base: position, segment, firstUnit, previousChecksum, isReplaced: false };
    yield* writeLogStart(this.#log, start);
    const dropped = this.#older.splice(0, count);
    const names = dropped.map(({ header }) => segmentFileName(header.segment));
    yield* removeSegments(this.#log, names);
  }

  // --- units -------------------------------------------------------------------------------------

  #writeRecords(batch: readonly WaitingAppend[]): void {
    const hasRecords = batch.some(
      ({ request }) => request.entries.length > 0 || request.truncateFrom !== null,
    );
    if (!hasRecords) {
      for (const { request } of batch) this.#learnCommit(request);
      // Nothing but a commit hint: it goes along with the next unit, and nobody waits for it.
      this.#clock.defer(() => this.#succeed(batch));
      return;
    }
    let bodyBytesMax = 0;
    for (const { recordBytes } of batch) bodyBytesMax += recordBytes;
    const { segmentBytesMax } = this.#limits;
    const isFull = this.#segment.endOffset + unitBytes(bodyBytesMax) > segmentBytesMax;
    if (!isFull || this.#segment.endOffset === sectorBytes) {
      this.#writeUnit(batch, bodyBytesMax);
      return;
    }
    runTask(this.#switchSegment(), (error) => {
      if (error !== null) this.#fail(error, batch);
      else this.#writeUnit(batch, bodyBytesMax);
    });
  }

  *#switchSegment(): Task<void> {
    const header = {
      segment: this.#segment.header.segment + 1,
      firstUnit: this.#lastUnit + 1,
      previousChecksum: this.#chain,
      base: this.#written.last,
    };
    const file = yield* createSegment(this.#log, header);
    yield* closeFile(this.#segment.file);
    this.#older.push({ header: this.#segment.header, indexMax: this.#segment.indexMax });
    this.#segment = { file, header, endOffset: sectorBytes, indexMax: 0 };
  }

  #writeUnit(batch: readonly WaitingAppend[], bodyBytesMax: number): void {
    const builder = this.#builder;
    const segment = this.#segment;
    builder.reset(bodyBytesMax);
    for (const { request } of batch) this.#encode(request);
    if (this.#commit > this.#commitWritten) {
      builder.commit(this.#commit);
      this.#commitWritten = this.#commit;
    }
    const { bytes, view } = builder.finish();
    const fields = {
      number: this.#lastUnit + 1,
      segment: segment.header.segment,
      offset: segment.endOffset,
      firstIndex: logIndex(builder.firstIndex),
      lastIndex: logIndex(builder.lastIndex),
      bodyBytes: builder.bodyBytes,
      recordCount: builder.recordCount,
      previousChecksum: this.#chain,
    };
    this.#chain = sealUnit(bytes, view, fields, this.#seed, this.#log.crc32);
    this.#lastUnit = fields.number;
    segment.endOffset += bytes.length;
    segment.indexMax = Math.max(segment.indexMax, fields.lastIndex);
    segment.file.write(fields.offset, [bytes], (writeError) => {
      if (writeError !== null) return this.#fail(writeError, batch);
      segment.file.sync((syncError) => {
        if (syncError !== null) return this.#fail(syncError, batch);
        this.#succeed(batch);
      });
    });
  }

  #encode(request: PersistRequest): void {
    if (request.truncateFrom !== null) {
      this.#builder.truncate(request.truncateFrom);
      this.#written.truncate(request.truncateFrom);
    }
    for (const entry of request.entries) {
      this.#builder.entry(entry);
      this.#written.append(entry.index, entry.term);
    }
    this.#learnCommit(request);
  }

  /** The request's entries are written, or on their way. */
  #learnCommit(request: PersistRequest): void {
    const known = Math.min(request.commit, this.#written.last.index);
    if (known > this.#commit) this.#commit = logIndex(known);
  }

  /** The next batch is on its way to the disk before the answers to this one are worked off. */
  #succeed(batch: readonly { readonly done: Settle }[]): void {
    assert(this.#failure === null, "nothing succeeds after a failure");
    this.#isBusy = false;
    this.#lastWriteMs = this.#clock.nowMs();
    if (this.#waiting.length > 0) this.#next();
    for (const { done } of batch) done(null);
    if (this.#isBusy) return;
    if (this.#closing !== null) this.#next();
    else this.#armWitness();
  }

  /** Final: a sync that failed once may succeed the second time without having written anything. */
  #fail(error: Error, batch: readonly { readonly done: Settle }[]): void {
    const failure = toStorageError(error);
    assert(this.#failure === null, "the first failure is the last");
    this.#failure = failure;
    this.#isBusy = false;
    this.#timer?.cancel();
    this.#timer = null;
    const rest = this.#waiting;
    this.#waiting = [];
    for (const { done } of batch) done(failure);
    for (const { done } of rest) done(failure);
    if (this.#closing !== null) this.#finish(this.#closing);
  }

  #armWitness(): void {
    if (this.#timer !== null || this.#closing !== null || this.#isClosed) return;
    if (!this.#isWitnessDue()) return;
    const idleMs = this.#clock.nowMs() - this.#lastWriteMs;
    // At least 1: by a rounding of the clock a rest may be too small to move the time.
    const delayMs = Math.max(1, this.#limits.idleWitnessMs - idleMs);
    this.#timer = this.#clock.after(delayMs, () => this.#onIdle());
  }

  /**
   * Runs some time after a write; a later write only moves the date, which is cheaper than a new
   * timer.
   */
  #onIdle(): void {
    this.#timer = null;
    if (this.#isBusy || this.#failure !== null || this.#closing !== null) return;
    if (this.#clock.nowMs() - this.#lastWriteMs < this.#limits.idleWitnessMs) {
      this.#armWitness();
      return;
    }
    this.#isBusy = true;
    runTask(this.#writeWitness(), (error) => {
      if (error !== null) this.#fail(error, []);
      else this.#succeed([]);
    });
  }

  #isWitnessDue(): boolean {
    const logEnd = this.#logEnd;
    // A tail that is still there and a witness that a crash spoils would look like one lost write.
    if (this.#read !== null) return false;
    if (logEnd === null) return true;
    return (
      logEnd.unit !== this.#lastUnit ||
      logEnd.hardStateSequence !== this.#hardState.sequence ||
      logEnd.commit !== this.#commit
    );
  }

  *#writeWitness(): Task<void> {
    const next: LogEnd = {
      sequence: (this.#logEnd?.sequence ?? 0) + 1,
      unit: this.#lastUnit,
      unitChecksum: this.#chain,
      segment: this.#segment.header.segment,
      offset: this.#segment.endOffset,
      hardStateSequence: this.#hardState.sequence,
      commit: this.#commit,
    };
    const bytes = encodeLogEnd(next, this.#log.identity, this.#log.crc32);
    yield* writeSynced(this.#prepared.logEndFile, logEndOffset(next.sequence), bytes);
    this.#logEnd = next;
  }

  #finish(closing: Settle): void {
    this.#closing = null;
    this.#isClosed = true;
    runTask(this.#writeWitnessAndClose(), (error) => {
      if (error !== null && this.#failure === null) this.#failure = toStorageError(error);
      closing(this.#failure);
    });
  }

  *#writeWitnessAndClose(): Task<void> {
    try {
      if (this.#failure === null && this.#isWitnessDue()) yield* this.#writeWitness();
    } finally {
      const { hardStateFiles, logEndFile } = this.#prepared;
      for (const file of [this.#segment.file, ...hardStateFiles, logEndFile]) {
        yield* closeFile(file);
      }
    }
  }
}

function newestHardState(batch: readonly WaitingAppend[]): HardState | null {
  for (let i = batch.length - 1; i >= 0; i--) {
    const hardState = batch[i]?.request.hardState;
    if (hardState !== null && hardState !== undefined) return hardState;
  }
  return null;
}
