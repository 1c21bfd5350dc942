/**
 * The invariants by name, how often each was evaluated, and what is thrown when one does not hold.
 * The names are those of `docs/guarantees.md`.
 */

export const invariants = {
  S1: "election safety: at most one leader a term",
  S2: "leader append-only: a leader neither changes nor removes entries of its log",
  S3: "log matching: equal index and term, equal logs up to there",
  S4: "leader completeness: a new leader has all that was committed in earlier terms",
  S5: "state machine safety: everybody applies the same entries, each once, in order",
  S6: "what is committed never changes and is never cut",
  S7: "what is committed stays on the disks of a majority",
  S8: "at commitment a majority has the entry on disk",
  S9: "a leader commits by counting only entries of its own term",
  S10: "terms never fall, and no message is of a term that is not on disk",
  S11: "one vote a term, over all restarts, on disk before it leaves",
  S12: "votes go to members whose log is complete enough; leaders have a majority of them",
  S13: "commit and applied index never fall, nor pass the log's end",
  S14: "logs have no gaps, terms in them never fall",
  S15: "a leader believes of a peer's disk only what is there",
  S16: "roles change only along the paper's figure",
  S17: "what was dropped of a log is in a snapshot, what is in a snapshot is committed",
  C1: "no two quorums of configurations that follow each other are disjoint",
  C2: "one change at a time, begun once an entry of the leader's own term is committed",
  C3: "the log alone says which configuration is in force, and which is committed",
  C4: "who was removed never comes back, and is never forgotten",
  C5: "nobody stands for election before it knows its cluster",
  C6: "voters change through a joint configuration; what follows it is its new half",
  C7: "voters stand and lead; who is none follows once that is committed",
  C8: "learners and removed members count for nothing",
  A: "an acknowledgement promises what is on disk, and the promise is kept",
  D2: "what was on disk is there after a restart",
  D6: "a machine's state at an index is the same, from a snapshot or not",
  L2: "a read's index covers everything that was committed when it was asked",
  L1: "who answers a read by a lease is the only one that can have committed anything",
  L4: "with CheckQuorum, who hears a leader gives no vote",
  L5: "who promised a lease elects nobody until that time is over, also after a restart",
  L6: "a transfer is of one stint, and an order to stand counts in it alone",
  W: "an acknowledged write is never lost",
  R: "every request settles, once",
  V1: "after healing there is a leader in time",
  V2: "after healing, work is done in time",
  V3: "after healing, all members agree in time",
  V4: "after healing, terms grow little",
  V5: "a leader that a majority can reach is not deposed because others cannot",
  V6: "with CheckQuorum a leader that no quorum answers leads no more",
  V9: "after healing a member of the highest priority leads in time",
} as const;

export type InvariantId = keyof typeof invariants;

export const invariantIds = Object.keys(invariants) as readonly InvariantId[]; // made of these keys

/** How often each invariant had something to say, and which ones only count. */
export interface Evaluations {
  readonly counts: Record<InvariantId, number>;
  /** Switched off, to show what the others miss without them. */
  readonly off: ReadonlySet<string>;
}

export function createEvaluations(off: ReadonlySet<string> = new Set()): Evaluations {
  const counts: Partial<Record<InvariantId, number>> = {};
  for (const id of invariantIds) counts[id] = 0;
  return { counts: counts as Record<InvariantId, number>, off }; // every id was just set
}

/** The invariant that was broken, and how. */
export class Violation extends Error {
  override readonly name: string = "Violation";
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** Counts the evaluation and throws unless `holds`; `detail` is built only then. */
export function check(
  evaluations: Evaluations,
  invariant: InvariantId,
  holds: boolean,
  detail: () => string,
): void {
  evaluations.counts[invariant]++;
  if (!holds && !evaluations.off.has(invariant)) throw new Violation(invariant, detail());
}
