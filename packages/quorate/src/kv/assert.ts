/**
 * Assertions of the store; they stay on in production. Called by this room only.
 */

/** A broken invariant of the store: a bug or bad memory, never bad input. The member stops. */
export class StoreInvariantError extends Error {
  override readonly name = "StoreInvariantError";
}

/**
 * Throws unless `condition` holds; `message` is a literal that names the invariant.
 *
 * @throws StoreInvariantError
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new StoreInvariantError(message);
}
