/** Client histories: taking them down, and two independent ways to judge them. */
export type {
  CommittedCommand,
  RevisionCheck,
  RevisionRule,
  RevisionVerdict,
} from "./check-by-revision.ts";
export { checkByRevision, revisionRules } from "./check-by-revision.ts";
export type { LinearizabilityLimits, LinearizabilityVerdict } from "./check-linearizable.ts";
export {
  checkLinearizable,
  memoryWordsMaxDefault,
  stepsMaxDefault,
} from "./check-linearizable.ts";
export { hashText, mixHash } from "./hash-text.ts";
export type {
  History,
  HistoryRecorder,
  Operation,
  OperationKind,
  OperationOutcome,
} from "./history.ts";
export { assertHistory, createHistoryRecorder } from "./history.ts";
export type {
  AppendListInput,
  AppendListResult,
  AppendListState,
} from "./models/append-list-model.ts";
export { appendListModel } from "./models/append-list-model.ts";
export type { CounterInput } from "./models/counter-model.ts";
export { counterModel } from "./models/counter-model.ts";
export type { KeyValue, KeyValueInput, KeyValueResult } from "./models/key-value-model.ts";
export { keyValueModel, unseen } from "./models/key-value-model.ts";
export type { RegisterInput, RegisterResult, RegisterValue } from "./models/register-model.ts";
export { createRegisterModel } from "./models/register-model.ts";
export type { StoreModelInput, StoreModelOptions } from "./models/store-model.ts";
export { createStoreModel } from "./models/store-model.ts";
export type { Replica, SequentialModel } from "./sequential-model.ts";
export { replicaOf } from "./sequential-model.ts";
