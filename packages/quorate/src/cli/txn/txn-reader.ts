import type { Compare, RequestOp, TxnRequest } from "../../proto/index.ts";
import { parseCompare } from "./parse-compare.ts";
import { parseOperation } from "./parse-operation.ts";

/**
 * Reads a transaction line by line: conditions, an empty line, what then, an empty line, what else.
 */

export const sectionTitles = [
  "compares:",
  "success requests (get, put, del):",
  "failure requests (get, put, del):",
] as const;

export class TxnReader {
  readonly #compare: Compare[] = [];
  readonly #operations: readonly [RequestOp[], RequestOp[]] = [[], []];
  #section = 0;

  /** The section that the next line belongs to; 3 when all is read. */
  get section(): number {
    return this.#section;
  }

  /**
   * Takes a line; returns whether more are wanted.
   *
   * @throws CliError about a line that cannot be read
   */
  push(line: string): boolean {
    if (line.trim() === "") this.#section++;
    else if (this.#section === 0) this.#compare.push(parseCompare(line));
    else this.#operations[this.#section === 1 ? 0 : 1].push(parseOperation(line));
    return this.#section < sectionTitles.length;
  }

  /** What was read; the end of the input ends all sections. */
  finish(): TxnRequest {
    const [success, failure] = this.#operations;
    return { compare: this.#compare, success, failure };
  }
}
