/** `@quorate/raft/sim`: run your own machines through simulated failures. */
export type { FaultKind } from "./members/index.ts";
export { faultKinds, runMembers } from "./members/index.ts";
export type { Random } from "./random.ts";
export type {
  SimulatedOperation,
  SimulatedStates,
  SimulatedStep,
  SimulateOptions,
  SimulationFailure,
  SimulationReport,
} from "./simulate.ts";
export { assertSimulation, simulate } from "./simulate.ts";
