/** The invariants of Raft, checked after every step of every core of a world. */
export { Checker, type CheckerOptions } from "./checker.ts";
export type { DiskImage } from "./disk-image.ts";
export { belongsTo, type Electorate } from "./electorate.ts";
export type { Ledger } from "./ledger.ts";
export { chainHash, mix, type Past } from "./log-tree.ts";
