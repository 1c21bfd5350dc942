/** Waiting on conditions: a test that waits for ever ends by its own time limit. */

/** Milliseconds between two looks at what sends no event. */
const lookMs = 20;

/** Asks until the answer is neither null nor false. What throws counts as "not yet". */
export async function until<Value>(
  look: () => Promise<Value | null | false> | Value | null | false,
): Promise<Value> {
  for (;;) {
    const value = await Promise.resolve()
      .then(look)
      .catch(() => null);
    if (value !== null && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
