/**
 * Turns the units of a log, in order, into the log they made: entries, truncations, the commit
 * hint. Pure.
 */
import { FormatError, type LogIndex, logIndex, noIndex, noTerm } from "../../base/index.ts";
import type { Entry, HardState, LogPosition } from "../../core/index.ts";
import { StorageDamage, UnknownFormatError } from "../storage-errors.ts";
import { decodeRecords, type LogRecord, UnknownRecordError } from "./records.ts";
import type { ScannedUnit } from "./scan.ts";

export class Replay {
  readonly entries: Entry[] = [];
  /** The highest hint in the log, not yet limited to the last index. */
  commit: LogIndex = noIndex;

  get last(): LogPosition {
    return this.entries.at(-1) ?? { index: noIndex, term: noTerm };
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
    const last = this.entries.at(-1);
    if (entry.index !== this.lastIndex + 1) {
      throw new FormatError(`entry ${entry.index} follows entry ${this.lastIndex}`);
    }
    if (entry.term < (last?.term ?? noTerm)) {
      throw new FormatError(
        `entry ${entry.index} of term ${entry.term} follows term ${last?.term}`,
      );
    }
    this.entries.push(entry);
  }

  #truncate(from: LogIndex): void {
    if (from < 1 || from > this.lastIndex + 1) {
      throw new FormatError(`truncation from ${from} of a log that ends at ${this.lastIndex}`);
    }
    this.entries.length = from - 1;
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
    const last = this.entries.at(-1);
    if (last === undefined || last.term <= hardState.term) return;
    const found = `entry ${last.index} of the log is of term ${last.term}`;
    const reason = `it says term ${hardState.term}, but ${found}`;
    throw new StorageDamage(`${reason}; an older copy may have been put back`, {
      file: hardStateFile,
      offset: 0,
    });
  }
}
