/**
 * Logs of Ongaro's specification as numbers: up to three entries of four bits, the first lowest,
 * each term times four plus value. No entry is 0, since terms begin at 1.
 */
const entryBits = 4;

export function createEntry(term: number, value: number): number {
  return (term << 2) | value;
}

export function entryTerm(entry: number): number {
  return entry >>> 2;
}

export function logLength(log: number): number {
  let length = 0;
  for (let rest = log; rest !== 0; rest >>>= entryBits) length++;
  return length;
}

/** The entry at an index from 1, or 0 if there is none. */
export function entryAt(log: number, index: number): number {
  return index < 1 ? 0 : (log >>> ((index - 1) * entryBits)) & 15;
}

/** The term at an index from 1; 0 before the first entry. */
export function termAt(log: number, index: number): number {
  return entryTerm(entryAt(log, index));
}

export function appendToLog(log: number, entry: number): number {
  return log | (entry << (logLength(log) * entryBits));
}

/** The first `length` entries. */
export function logPrefix(log: number, length: number): number {
  return log & ((1 << (length * entryBits)) - 1);
}

/** Whether the entries of `prefix` are the first of `log`. */
export function isLogPrefix(prefix: number, log: number): boolean {
  return logPrefix(log, logLength(prefix)) === prefix;
}
