/**
 * Plans: what chance alone brings about too rarely, because it takes many steps in a row. A plan is
 * a list of such steps, told as it goes; between any two of them everything else goes on. Its steps
 * are actions like all others: what it leads to is replayed and shortened without it.
 *
 * Drawn for some seeds from a stream of its own, so that all other seeds stay what they are.
 */
import { pick, type Random } from "../random.ts";
import type { Choice, Draws } from "./draw.ts";
import type { CoresOptions } from "./options.ts";
import { passOn } from "./pass-on.ts";
import type { Plan, Stage } from "./plan-steps.ts";
import { straggle } from "./straggle.ts";
import { strand } from "./strand.ts";
import type { World } from "./world.ts";

export interface PlanOptions {
  /** Weight of a plan to that of everything else. */
  readonly share: number;
  /** That the next plan begins when it would be a plan's turn. */
  readonly begins: number;
}

type CreatePlan = (stage: Stage) => Plan;

/** Null: nothing is planned in this seed. */
export function drawPlans(
  random: Random,
  options: CoresOptions,
  chance: number,
): PlanOptions | null {
  if (plansFor(options).length === 0 || !random.chance(chance)) return null;
  return { share: pick(random, [1, 3, 8]), begins: pick(random, [0.01, 0.05]) };
}

/** It takes three, and what it is about. */
function plansFor({ memberCount, snapshots, leadership }: CoresOptions): readonly CreatePlan[] {
  if (memberCount < 3) return [];
  const hasTransfers = leadership !== undefined && leadership.transfer > 0;
  return [
    ...(snapshots === undefined ? [] : [strand, straggle]),
    ...(hasTransfers ? [passOn] : []),
  ];
}

/** One plan after another; `others` is the weight of everything else. */
export function createPlanChoice(
  options: CoresOptions,
  { share, begins }: PlanOptions,
  others: number,
): Choice {
  const plans = plansFor(options);
  let current: Plan | null = null;
  const begin = (world: World, { plans: random }: Draws): Plan | null => {
    if (!random.chance(begins)) return null;
    return plans[random.below(plans.length)]?.({ world, random }) ?? null;
  };
  return {
    weight: share * others,
    draw(world, draws) {
      current ??= begin(world, draws);
      const step = current?.next();
      if (step === undefined) return null;
      if (step.done !== true) return step.value;
      current = null;
      return null;
    },
  };
}
