/**
 * Turns the units of a log, in order, into the log they made: entries, truncations, the commit
 * hint. Pure.
 */
import {
  FormatError,
  type LogIndex,
  logIndex,
  noIndex,
  noTerm,
  type Term,
} from "../../base/index.ts";
import type { Entry, HardState, LogPosition } from "../../core/index.ts";
import { StorageDamage, UnknownFormatError } from "../storage-errors.ts";
import { decodeRecords, type LogRecord, UnknownRecordError } from "./records.ts";
import type { ScannedUnit } from "./scan.ts";

/** An end of the log; its term is null where the entry is no longer there to ask. */
export interface ReplayEnd {
  readonly index: LogIndex;
  readonly term: Term | null;
}

export class Replay {
  #entries: Entry[] = [];
  /** What the first entry follows. */
  #before: ReplayEnd = { index: noIndex, term: noTerm };
  /** The highest hint in the log, not yet limited to the last index. */
  commit: LogIndex = noIndex;

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get last(): ReplayEnd {
    return this.#entries.at(-1) ?? this.#before;
  }

  /** The first segment that is there says what came before it. */
  begin(base: LogPosition): void {
    this.#before = base;
  }

  get lastIndex(): LogIndex {
    return this.last.index;
  }

  /** @throws StorageDamage, UnknownFormatError */
  unit(file: string, unit: ScannedUnit): void {
    const { header } = unit;
    try {
      for (const record of decodeRecords(unit.body, header.recordCount)) this.#record(record);
    } catch (error) {
      if (error instanceof UnknownRecordError) {
        throw new UnknownFormatError(file, header.offset, error.message);
      }
      if (!(error instanceof FormatError)) throw error;
      const { offset, number, firstIndex, lastIndex } = header;
      const place = { file, offset, unit: number, firstIndex, lastIndex };
      throw new StorageDamage(`its records make no sense: ${error.message}`, place);
    }
  }

  #record(record: LogRecord): void {
    switch (record.kind) {
      case "entry":
        this.#entry(record.entry);
        return;
      case "truncate":
        this.#truncate(record.from);
        return;
      case "commit":
        if (record.index > this.commit) this.commit = record.index;
        return;
      default:
        record satisfies never;
    }
  }

  #entry(entry: Entry): void {
    const { last } = this;
    if (entry.index !== last.index + 1) {
      throw new FormatError(`entry ${entry.index} follows entry ${last.index}`);
    }
    if (entry.term < (last.term ?? noTerm)) {
      throw new FormatError(`entry ${entry.index} of term ${entry.term} follows term ${last.term}`);
    }
    this.#entries.push(entry);
  }

  #truncate(from: LogIndex): void {
    if (from < 1 || from > this.lastIndex + 1) {
      throw new FormatError(`truncation from ${from} of a log that ends at ${this.lastIndex}`);
    }
    if (from > this.#before.index) {
      this.#entries.length = from - 1 - this.#before.index;
      return;
    }
    // Into what was dropped with its segments. Only what a snapshot holds is dropped, so all that
    // is left of the log comes behind this truncation.
    this.#entries = [];
    this.#before = { index: logIndex(from - 1), term: null };
  }

  /**
   * The log begins after `base`: what is up to there was needed for reading only. Says whether the
   * log reaches the base at all; if not, it is empty.
   *
   * @throws StorageDamage naming `file`, which said what the base is
   */
  startAt(base: LogPosition, file: string): boolean {
    if (this.lastIndex < base.index) {
      this.#entries = [];
      this.#before = base;
      return false;
    }
    const at = base.index - this.#before.index;
    const found = at === 0 ? this.#before : this.#entries[at - 1];
    if (found === undefined || (found.term !== null && found.term !== base.term)) {
      const reason =
        `it says that the log begins after ${base.index}/${base.term}, and the log has ` +
        (found === undefined ? "nothing there" : `an entry of term ${found.term} there`);
      throw new StorageDamage(reason, { file, offset: 0 });
    }
    this.#entries.splice(0, at);
    this.#before = base;
    return true;
  }

  /** The commit index that may be relied on: no higher than what is there. */
  get usableCommit(): LogIndex {
    return logIndex(Math.min(this.commit, this.lastIndex));
  }

  /**
   * An entry of a term newer than the hard state's: the hard state is an older one, and a vote may
   * be forgotten.
   *
   * @throws StorageDamage
   */
  checkTerms(hardState: HardState, hardStateFile: string): void {
    const { last } = this;
    if (last.term === null || last.term <= hardState.term) return;
    const found = `entry ${last.index} of the log is of term ${last.term}`;
    const reason = `it says term ${hardState.term}, but ${found}`;
    throw new StorageDamage(`${reason}; an older copy may have been put back`, {
      file: hardStateFile,
      offset: 0,
    });
  }
}
