/**
 * The invariants by name, how often each was evaluated, and what is thrown when one does not hold.
 */

/**
 * S: safety of the core; L2: freshness of reads; L4: a live leader is not disturbed; W:
 * acknowledged writes stay; A: acknowledgements promise what is durable; V1: a leader after
 * healing; V2: progress; V3: convergence; R: every read settles.
 */
export const invariantIds = [
  "S1",
  "S2",
  "S3",
  "S4",
  "S5",
  "S6",
  "S7",
  "S8",
  "S9",
  "S10",
  "S11",
  "S12",
  "S13",
  "S14",
  "S15",
  "S16",
  "L2",
  "L4",
  "W",
  "A",
  "V1",
  "V2",
  "V3",
  "R",
] as const;

export type InvariantId = (typeof invariantIds)[number];

/** How often each invariant had something to say and was evaluated. */
export type Evaluations = Record<InvariantId, number>;

export function noEvaluations(): Evaluations {
  const counts: Partial<Evaluations> = {};
  for (const id of invariantIds) counts[id] = 0;
  return counts as Evaluations; // every id was just set
}

/** The invariant that was broken, and how. */
export class WalkViolation extends Error {
  override readonly name = "WalkViolation";
  readonly invariant: InvariantId;

  constructor(invariant: InvariantId, message: string) {
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
  evaluations[invariant]++;
  if (!holds) throw new WalkViolation(invariant, detail());
}
