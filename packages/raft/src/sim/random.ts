/**
 * Seeded chance for worlds: one seed, several independent streams, so that one more draw in one
 * place does not change what the others draw.
 */

export interface Random {
  /** Uniform in [0, 1). */
  unit(): number;
  /** A whole number, uniform in [0, count). */
  below(count: number): number;
  /** A whole number, uniform in [low, high]. */
  between(low: number, high: number): number;
  /** True with this probability; 0 and 1 draw nothing. */
  chance(probability: number): boolean;
}

/** SFC32, its four words filled from seed and stream. */
export function createRandom(seed: number, stream: number): Random {
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = Math.imul(stream, 0x9e3779b1);
  let d = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i++) next();
  const unit = (): number => next() / 2 ** 32;
  const below = (count: number): number => Math.floor(unit() * count);
  return {
    unit,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => probability > 0 && (probability >= 1 || unit() < probability),
  };
}

/** One of `items`, which are not empty. */
export function pick<Item>(random: Random, items: readonly [Item, ...Item[]]): Item {
  return items[random.below(items.length)] ?? items[0];
}
