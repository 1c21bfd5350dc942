/**
 * The running log: group commit with one write and one sync under way. Requests that arrive
 * meanwhile are merged into the next unit. Made by `open-log.ts`; see there for opening and
 * recovery.
 */
import { assert, type LogIndex, logIndex } from "../../base/index.ts";
import type { HardState } from "../../core/index.ts";
import type { Clock, DiskFile, Timer } from "../../ports/index.ts";
import { closeFile, openFile, writeSynced } from "../files.ts";
import type { LogStore, PersistRequest, StorageError } from "../log-store.ts";
import { sectorBytes } from "../sealed-block.ts";
import { toStorageError } from "../storage-errors.ts";
import { runTask, type Task } from "../task.ts";
import { type NumberedHardState, writeHardState } from "./hard-state-files.ts";
import { createSegment, type LogDirectory } from "./log-directory.ts";
import { encodeLogEnd, type LogEnd, logEndOffset } from "./log-end.ts";
import { type PreparedLog, repairTail } from "./prepare.ts";
import type { ReadLog } from "./read-log.ts";
import { recordBytesMax, UnitBuilder } from "./records.ts";
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
  /** The last segment, open. */
  readonly segmentFile: DiskFile;
}

type Settle = (error: StorageError | null) => void;

interface Waiting {
  readonly request: PersistRequest;
  readonly recordBytes: number;
  readonly done: Settle;
}

/** The segment that is written to. */
interface Segment {
  readonly file: DiskFile;
  readonly number: number;
  /** Bytes of sound units, and where the next goes. */
  endOffset: number;
}

export class WriteAheadLog implements LogStore {
  readonly #log: LogDirectory;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #seed: number;
  readonly #prepared: PreparedLog;
  readonly #builder = new UnitBuilder();

  /** What was asked for last: ahead of the disk by what waits. Requests are checked against it. */
  readonly #asked = new TermRuns();
  #askedHardState: HardState;
  #askedCommit: LogIndex;

  /** What is on disk. */
  readonly #written = new TermRuns();
  #hardState: NumberedHardState;
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
    const { log, clock, limits, read, prepared, segmentFile } = parts;
    this.#log = log;
    this.#clock = clock;
    this.#limits = limits;
    this.#seed = identitySeed(log.identity, log.crc32);
    this.#prepared = prepared;
    for (const entry of read.entries) {
      this.#asked.append(entry.index, entry.term);
      this.#written.append(entry.index, entry.term);
    }
    this.#hardState = prepared.hardState;
    this.#askedHardState = prepared.hardState.state;
    const { header, endOffset } = read.last;
    this.#segment = { file: segmentFile, number: header.segment, endOffset };
    this.#lastUnit = read.lastUnit?.number ?? 0;
    this.#chain = read.lastUnit?.checksum ?? 0;
    this.#askedCommit = read.commit;
    this.#commit = read.commit;
    this.#commitWritten = read.commit;
    this.#logEnd = prepared.logEnd;
    this.#read = prepared.isRepairPending ? read : null;
    this.#lastWriteMs = clock.nowMs();
    this.#armWitness();
  }

  append(request: PersistRequest, done: Settle): void {
    assert(this.#closing === null && !this.#isClosed, "nothing is appended after the close");
    if (this.#failure !== null) {
      const failure = this.#failure;
      this.#clock.defer(() => done(failure));
      return;
    }
    this.#check(request);
    const recordBytes = recordBytesMax(request.entries);
    this.#waiting.push({ request, recordBytes, done });
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

  /** As many waiting requests as fit in a unit; at least one. */
  #takeBatch(): readonly Waiting[] {
    const { unitBytesMax } = this.#limits;
    let bytes = 0;
    let count = 0;
    for (const { recordBytes } of this.#waiting) {
      bytes += recordBytes;
      if (count > 0 && bytes > unitBytesMax) break;
      count++;
    }
    if (count < this.#waiting.length) return this.#waiting.splice(0, count);
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  /** What must be on disk before the records: a repair that had no space, then the hard state. */
  *#writeFirst(hardState: HardState | null): Task<void> {
    const log = this.#log;
    if (this.#read !== null) {
      yield* repairTail(log, this.#read);
      yield* closeFile(this.#segment.file);
      const file = yield* openFile(log.disk, this.#read.last.file, "existing");
      this.#segment = { ...this.#segment, file };
      this.#read = null;
    }
    if (hardState === null) return;
    const next = { sequence: this.#hardState.sequence + 1, state: hardState };
    yield* writeHardState(this.#prepared.hardStateFiles, next, log.identity, log.crc32);
    this.#hardState = next;
  }

  #writeRecords(batch: readonly Waiting[]): void {
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
      segment: this.#segment.number + 1,
      firstUnit: this.#lastUnit + 1,
      previousChecksum: this.#chain,
      base: this.#written.last,
    };
    const file = yield* createSegment(this.#log, header);
    yield* closeFile(this.#segment.file);
    this.#segment = { file, number: header.segment, endOffset: sectorBytes };
  }

  #writeUnit(batch: readonly Waiting[], bodyBytesMax: number): void {
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
      segment: segment.number,
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
  #succeed(batch: readonly Waiting[]): void {
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
  #fail(error: Error, batch: readonly Waiting[]): void {
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
      segment: this.#segment.number,
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

function newestHardState(batch: readonly Waiting[]): HardState | null {
  for (let i = batch.length - 1; i >= 0; i--) {
    const hardState = batch[i]?.request.hardState;
    if (hardState !== null && hardState !== undefined) return hardState;
  }
  return null;
}
