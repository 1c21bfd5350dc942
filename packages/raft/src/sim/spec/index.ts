export { createSpecification } from "./create-specification.ts";
export type { Properties, SpecProperty } from "./properties.ts";
export { createProperties, PropertyViolation, specProperties } from "./properties.ts";
export type { Dice, RandomWorld, RandomWorldOptions } from "./random-worlds.ts";
export { runRandomWorld } from "./random-worlds.ts";
export type {
  Server,
  SpecAppendEntries,
  SpecAppendEntriesResponse,
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
} from "./specification.ts";
export { Refusal } from "./specification.ts";
