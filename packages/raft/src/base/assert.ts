/**
 * Assertions that stay on in production. A broken invariant throws `InvariantError`; the host stops
 * the member. Called by every room; knows nothing of any of them.
 */

/** A broken invariant: a bug in this code or memory gone bad, never bad input. The member stops. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/**
 * Throws unless `condition` holds. `message` is a literal that names the invariant; `detail` is
 * built only on failure.
 *
 * @throws InvariantError
 */
export function assert(
  condition: boolean,
  message: string,
  detail?: () => string,
): asserts condition {
  if (!condition) {
    throw new InvariantError(detail === undefined ? message : `${message}: ${detail()}`);
  }
}

/** Marks what the types already exclude; throws if data from outside got here all the same. */
export function unreachable(value: never, what: string): never {
  throw new InvariantError(`${what}: ${JSON.stringify(value)}`);
}
