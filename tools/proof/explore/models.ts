/** The models that `npm run explore` knows. */
import { type ModelEntry, selfTestModels } from "../../../packages/raft/src/sim/explorer/index.ts";
import { raftModels } from "../../../packages/raft/src/sim/explorer/raft/index.ts";

/** All of them; the self-tests first, then those of the real core. */
export const models: readonly ModelEntry[] = [
  ...selfTestModels,
  ...Object.entries(raftModels).map(([name, create]) => ({ name, create, size: null })),
];
