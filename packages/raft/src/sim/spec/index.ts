export { createSpecification } from "./create-specification.ts";
export type { Properties } from "./properties.ts";
export { createProperties } from "./properties.ts";
export type { SpecProperty } from "./property.ts";
export { PropertyViolation, specProperties } from "./property.ts";
export type { Dice, RandomWorld, RandomWorldOptions } from "./random-worlds.ts";
export { runRandomWorld } from "./random-worlds.ts";
export type {
  Server,
  SpecAppendEntries,
  SpecAppendEntriesResponse,
  SpecConfiguration,
  SpecDisk,
  SpecEntry,
  Specification,
  SpecificationOptions,
  SpecLog,
  SpecMember,
  SpecMessage,
  SpecReadIndex,
  SpecReadIndexResponse,
  SpecRequestVote,
  SpecRequestVoteResponse,
  SpecRole,
  SpecStart,
} from "./specification.ts";
export { Refusal } from "./specification.ts";
