/** What a set of seeds came to: adds up over seeds, processes and runs. */

export interface SeedFailure {
  readonly seed: number;
  readonly world: string;
  /** The invariant that broke; `crash` for another exception. */
  readonly invariant: string;
  readonly message: string;
}

/** Counts by name. */
export type Counts = Record<string, number>;

/** One kind of world. */
export interface WorldSummary {
  seeds: number;
  /** Inputs to cores, each checked by everything that was on. */
  steps: number;
  /** Ticks that did nothing but count. */
  idleTicks: number;
  simulatedMs: number;
  readonly evaluations: Counts;
  readonly faults: Counts;
  readonly operations: Counts;
}

export interface Summary {
  readonly worlds: Record<string, WorldSummary>;
  readonly failures: SeedFailure[];
  /** Seconds of all processes together. */
  cpuSeconds: number;
}

export function createSummary(): Summary {
  return { worlds: {}, failures: [], cpuSeconds: 0 };
}

export function worldOf(summary: Summary, name: string): WorldSummary {
  summary.worlds[name] ??= {
    seeds: 0,
    steps: 0,
    idleTicks: 0,
    simulatedMs: 0,
    evaluations: {},
    faults: {},
    operations: {},
  };
  return summary.worlds[name];
}

export function addCounts(total: Counts, more: Readonly<Counts>): void {
  for (const [name, count] of Object.entries(more)) total[name] = (total[name] ?? 0) + count;
}

export function addWorld(total: WorldSummary, more: WorldSummary): void {
  total.seeds += more.seeds;
  total.steps += more.steps;
  total.idleTicks += more.idleTicks;
  total.simulatedMs += more.simulatedMs;
  addCounts(total.evaluations, more.evaluations);
  addCounts(total.faults, more.faults);
  addCounts(total.operations, more.operations);
}

export function addSummary(total: Summary, more: Summary): void {
  for (const [name, world] of Object.entries(more.worlds)) addWorld(worldOf(total, name), world);
  total.failures.push(...more.failures);
  total.cpuSeconds += more.cpuSeconds;
}

export function totalOf(summary: Summary, field: "seeds" | "steps" | "idleTicks"): number {
  return Object.values(summary.worlds).reduce((sum, world) => sum + world[field], 0);
}

/** Invariants that nothing put to the test in any world: such a run proves nothing of them. */
export function neverEvaluated(summary: Summary): string[] {
  const total: Counts = {};
  for (const { evaluations } of Object.values(summary.worlds)) addCounts(total, evaluations);
  return Object.keys(total).filter((id) => total[id] === 0);
}
