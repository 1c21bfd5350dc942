/**
 * What became of a command on this member. `failed`: the reducer threw, the state is as it was, on
 * every member. `result-lost`: applied, but its result cannot be copied for the caller.
 */
export type CommandOutcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "result-lost"; readonly error: unknown };
