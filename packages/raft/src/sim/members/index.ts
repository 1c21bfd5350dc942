/** The world of whole members: node, storage and transport as they are, on simulated machines. */
export type {
  DeclaredInput,
  DeclaredLoad,
  DeclaredResult,
  DeclaredStep,
} from "./declared-load.ts";
export { createDeclaredLoad, describeStep } from "./declared-load.ts";
export type { FeatureName } from "./features.ts";
export { featureNames } from "./features.ts";
export type { MemberEvaluations, MemberInvariant } from "./invariants.ts";
export { memberInvariants } from "./invariants.ts";
export type { Recovered } from "./liveness.ts";
export type { Ask, Load, LoadHistory, LoadMachines, LoadVerdict } from "./load.ts";
export type { FaultKind, FaultRates, MembersOptions } from "./options.ts";
export { faultKinds } from "./options.ts";
export type {
  MembersFailure,
  MembersOperations,
  MembersRun,
  MembersSettings,
} from "./run.ts";
export { runMembers } from "./run.ts";
export type { Beginning } from "./world.ts";
