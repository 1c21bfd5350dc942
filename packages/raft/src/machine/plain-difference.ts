/** Where two pieces of plain data differ. Called by `reducer-guard.ts`. */

/**
 * The path of the first difference, such as `state.balance.ann: 3 and 4`, or null. Order counts: of
 * keys, too, because reducers can see it.
 */
export function findDifference(a: unknown, b: unknown, path: string): string | null {
  if (Object.is(a, b)) return null;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return `${path}: ${show(a)} and ${show(b)}`;
  }
  const pairsOfA = pairsOf(a);
  const pairsOfB = pairsOf(b);
  for (let at = 0; at < Math.max(pairsOfA.length, pairsOfB.length); at++) {
    const [keyOfA, valueOfA] = pairsOfA[at] ?? [undefined, undefined];
    const [keyOfB, valueOfB] = pairsOfB[at] ?? [undefined, undefined];
    if (pairsOfA.length !== pairsOfB.length && (at >= pairsOfA.length || at >= pairsOfB.length)) {
      return `${path}: ${pairsOfA.length} and ${pairsOfB.length} members`;
    }
    if (!Object.is(keyOfA, keyOfB)) return `${path}: key ${show(keyOfA)} and ${show(keyOfB)}`;
    const found = findDifference(valueOfA, valueOfB, `${path}.${String(keyOfA)}`);
    if (found !== null) return found;
  }
  return null;
}

function pairsOf(value: object): (readonly [unknown, unknown])[] {
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value].map((member: unknown) => [member, true]);
  return Object.entries(value);
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
