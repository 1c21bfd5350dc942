/**
 * The public surface of the store's room: the machine for the node, reads and checks for the
 * server.
 */
export type { DeleteRangeAnswer, PutAnswer, RangeAnswer, TxnAnswer } from "./answers.ts";
export { checkDeleteRange, checkPut, checkRange } from "./check-request.ts";
export { checkTxn, isReadOnly, isSerializable } from "./check-txn.ts";
export { type CommandKind, encodeCommand } from "./command.ts";
export { deleteRange } from "./delete-range.ts";
export { type KvError, type KvErrorCode, kvErrors } from "./errors.ts";
export { hashStore } from "./hash-store.ts";
export { defaultKvLimits, type KvLimits } from "./limits.ts";
export {
  createKvMachine,
  type KvApplyContext,
  type KvMachine,
  type KvResult,
  type KvStats,
} from "./machine.ts";
export { put } from "./put.ts";
export { range } from "./range.ts";
export { createStore, type Store } from "./store.ts";
export { StoreCapture } from "./store-capture.ts";
export { StoreFormatError, StoreRestore } from "./store-restore.ts";
export { txn } from "./txn.ts";
