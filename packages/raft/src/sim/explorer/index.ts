/** The explorer: every state of a finite world, visited once. */
export { type BlockStore, createMemoryBlockStore, type OpenBlockStore } from "./block-store.ts";
export {
  CheckpointError,
  type CheckpointHeader,
  type CheckpointReader,
  type CheckpointSection,
  type CheckpointWriter,
  checkpointSections,
} from "./checkpoint.ts";
export {
  type Counterexample,
  type CounterexampleStep,
  formatCounterexample,
  type Replay,
  replay,
} from "./counterexample.ts";
export { digraphClasses, edgeBit, hasEdge, permutations } from "./digraphs.ts";
export {
  type Exploration,
  type ExplorationOptions,
  resumeExploration,
  startExploration,
} from "./exploration.ts";
export { type ExploreLimits, explore, runExploration } from "./explore.ts";
export { type Model, ModelViolation } from "./model.ts";
export { createDieHardModel } from "./models/die-hard.ts";
export { createDigraphModel } from "./models/digraph-growth.ts";
export { type ModelEntry, type ModelSize, selfTestModels } from "./models/index.ts";
export { createOngaroRaftModel, type OngaroRaftBounds } from "./models/ongaro-raft.ts";
export { createTwoPhaseCommitModel } from "./models/two-phase-commit.ts";
export type { Path } from "./predecessors.ts";
export type { ExploreResult, ExploreStatistics, ProbeCount, StoppedBy } from "./result.ts";
export { StateHash } from "./state-hash.ts";
