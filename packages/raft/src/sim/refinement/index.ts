/** The refinement: every step of the real core as actions of the independent specification. */
export type { Refinement, RefinementOptions } from "./refinement.ts";
export { createRefinement } from "./refinement.ts";
export { RefinementError } from "./refinement-error.ts";
