/**
 * The models that the explorer tests itself with. Their sizes are published by others, so that a
 * wrong search, a bad fingerprint or a broken symmetry shows.
 */
import type { Model } from "../model.ts";
import { createDieHardModel } from "./die-hard.ts";
import { createDigraphModel } from "./digraph-growth.ts";
import { createOngaroRaftModel } from "./ongaro-raft.ts";
import { createTwoPhaseCommitModel } from "./two-phase-commit.ts";

/** The size that a complete exploration has; another one is a failure. */
export interface ModelSize {
  readonly distinct: number;
  readonly generated: number;
  readonly depth: number;
}

/** A model that can be asked for by its name. */
export interface ModelEntry {
  /** Its model has the same name. */
  readonly name: string;
  create(): Model;
  /** Published or frozen; null while it is not known. */
  readonly size: ModelSize | null;
}

/** Every self-test, the quick ones first. */
export const selfTestModels: readonly ModelEntry[] = [
  {
    // tlaplus/Examples, DieHard without its goal: 97 states generated, 16 distinct.
    name: "die-hard",
    create: () => createDieHardModel(),
    size: { distinct: 16, generated: 97, depth: 8 },
  },
  // OEIS A000273. The complements of all classes are all classes, so on average half of the edges
  // are missing: generated is 1 + classes * n(n-1) / 2. One level for each number of edges.
  {
    name: "digraphs-3",
    create: () => createDigraphModel(3),
    size: { distinct: 16, generated: 49, depth: 7 },
  },
  {
    name: "digraphs-4",
    create: () => createDigraphModel(4),
    size: { distinct: 218, generated: 1_309, depth: 13 },
  },
  {
    name: "digraphs-5",
    create: () => createDigraphModel(5),
    size: { distinct: 9_608, generated: 96_081, depth: 21 },
  },
  {
    // tlaplus/Examples, specifications/transaction_commit/manifest.json, TwoPhase.cfg.
    name: "two-phase-commit-3",
    create: () => createTwoPhaseCommitModel(3),
    size: { distinct: 288, generated: 1_146, depth: 11 },
  },
  {
    // The comment at the end of that TwoPhase.tla: 50,816 reachable states with six. Generated and
    // depth are ours.
    name: "two-phase-commit-6",
    create: () => createTwoPhaseCommitModel(6),
    size: { distinct: 50_816, generated: 402_306, depth: 20 },
  },
  {
    // Ours: without a request no entry is made. Frozen to notice a change of the next one quickly.
    name: "ongaro-raft-elections",
    create: () => createOngaroRaftModel("ongaro-raft-elections", { ...ongaroRaft, requestsMax: 0 }),
    size: { distinct: 5_667, generated: 41_049, depth: 31 },
  },
  {
    // github.com/codeharris/raft.tla, README. Minutes.
    name: "ongaro-raft",
    create: () => createOngaroRaftModel("ongaro-raft", ongaroRaft),
    size: { distinct: 6_425_257, generated: 49_455_516, depth: 49 },
  },
];

const ongaroRaft = {
  servers: 3,
  values: 1,
  termMax: 2,
  requestsMax: 1,
  leaderCountMax: 2,
  isSymmetric: true,
};
