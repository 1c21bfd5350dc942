/** A bug to plant in the way of a trap's tests. */
import type { Patch } from "../../../../../tools/proof/mutants/mutant.ts";
import type { TrapId } from "../traps.ts";

export { lines, patch } from "../../../../../tools/proof/mutants/mutant.ts";

export interface TrapBug {
  readonly trap: TrapId;
  /** What is wrong, in a sentence. */
  readonly bug: string;
  readonly plan:
    | { readonly kind: "patches"; readonly patches: readonly Patch[] }
    /** It takes more than a few lines to fall into it; why. */
    | { readonly kind: "no-patch"; readonly reason: string };
}

export function bug(trap: TrapId, what: string, ...patches: readonly Patch[]): TrapBug {
  return { trap, bug: what, plan: { kind: "patches", patches } };
}

export function noPatch(trap: TrapId, what: string, reason: string): TrapBug {
  return { trap, bug: what, plan: { kind: "no-patch", reason } };
}
