/** The world of bare cores: every interleaving of inputs, messages, disks and crashes. */
export type { Action } from "./actions.ts";
export { actionsDefault } from "./limits.ts";
export type { Recovered } from "./liveness.ts";
export type { CoresOptions, Faults } from "./options.ts";
export type { CoresFailure, CoresOperations, CoresRun, CoresSettings } from "./run.ts";
export { replayCores, runCores } from "./run.ts";
export { shrinkCores } from "./shrink.ts";
export type { Beginning, FaultCounts, ObserverFactory } from "./world.ts";
