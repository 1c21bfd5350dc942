/** What a promise is called, and what is thrown when it is broken. Called by the properties. */

export const specProperties = [
  "election-safety",
  "leader-append-only",
  "log-matching",
  "leader-completeness",
  "state-machine-safety",
  "committed-on-majority",
  "durable-term-grows",
  "reads-see-committed",
  "elected-by-majority",
  "voters-only-stand",
  "changes-in-order",
  "removed-lead-no-more",
] as const;

export type SpecProperty = (typeof specProperties)[number];

/** A promise of the paper is broken. */
export class PropertyViolation extends Error {
  override readonly name = "PropertyViolation";
  readonly property: SpecProperty;

  constructor(property: SpecProperty, sentence: string) {
    super(`${property}: ${sentence}`);
    this.property = property;
  }
}

/** How often each was looked at. */
export type Looks = Map<SpecProperty, number>;

export function look(looks: Looks, property: SpecProperty): void {
  looks.set(property, (looks.get(property) ?? 0) + 1);
}

/** @throws PropertyViolation when it does not hold */
export function demand(holds: boolean, property: SpecProperty, sentence: () => string): void {
  if (!holds) throw new PropertyViolation(property, sentence());
}
