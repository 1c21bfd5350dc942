/**
 * `@quorate/raft/sim`: your own machines through simulated failures (`simulate`), and what the
 * library itself is proved with: the two worlds, the checkers of histories, the explorer.
 */
export type { CoresRun, CoresSettings } from "./cores/index.ts";
export { replayCores, runCores, shrinkCores } from "./cores/index.ts";
export type {
  Counterexample,
  ExploreLimits,
  ExploreResult,
  ExploreStatistics,
  Model,
} from "./explorer/index.ts";
export { explore, formatCounterexample, ModelViolation } from "./explorer/index.ts";
export type {
  History,
  HistoryRecorder,
  LinearizabilityVerdict,
  Operation,
  OperationOutcome,
  RevisionVerdict,
  SequentialModel,
} from "./histories/index.ts";
export {
  checkByRevision,
  checkLinearizable,
  counterModel,
  createHistoryRecorder,
  createRegisterModel,
  keyValueModel,
} from "./histories/index.ts";
export type { FaultKind, MembersRun, MembersSettings } from "./members/index.ts";
export { faultKinds, runMembers } from "./members/index.ts";
export type { CoreObserver, Recovery } from "./observer.ts";
export type { Random } from "./random.ts";
export { createRandom } from "./random.ts";
export type {
  SimulatedOperation,
  SimulatedStates,
  SimulatedStep,
  SimulateOptions,
  SimulationFailure,
  SimulationReport,
} from "./simulate.ts";
export { assertSimulation, simulate } from "./simulate.ts";
export { invariants, Violation } from "./violation.ts";
