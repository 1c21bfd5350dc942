/**
 * The known exceptions, written out: situations in which there is a hub and yet, for ever, no
 * leader. A run that sees another one or misses one of these has found something. The reason is in
 * the skew: `stale` is `constrained-by-stale-hub`, `ahead` is `constrained-by-lone-tail`.
 *
 * Read `"4/0116": "- stale:a"` as: on four members with the links of mask 0x0116, nobody leading, a
 * missing entries that the others have. On three members there are none.
 */
import type { Variety } from "./situations.ts";

/** With and without news of connections. */
const always: Readonly<Record<string, string>> = {
  "4/0116": "- stale:a, - ahead:b, d stale:a",
  "4/011e": "- stale:a, - ahead:b, d stale:a",
  "4/0156": "- stale:a, - ahead:b, - ahead:c, d stale:a",
  "4/015e": "- stale:a, - ahead:b, - ahead:c, d stale:a",
  "4/0196": "- stale:a, - ahead:b, - ahead:c, d stale:a",
  "4/019e": "- stale:a, - ahead:b, - ahead:c, d stale:a",
  "4/01d6": "- stale:a, - ahead:b, - ahead:c, d stale:a",
  "4/01de": "- stale:a, - ahead:b, - ahead:c, d stale:a",
  "4/035a": "- stale:b, - ahead:a, - ahead:c, d stale:b",
  "4/039e": "- stale:a, - ahead:b, - ahead:c, d stale:a",
  "4/03cc": "- stale:c, - ahead:a, d stale:c",
  "4/03ce": "- stale:c, - ahead:a, - ahead:b, d stale:c",
  "4/099e": "- stale:a, - ahead:b, d stale:a",
  "4/09de": "- stale:a, - ahead:b, - ahead:c, d stale:a",
  "4/1116": "- stale:a, - ahead:b",
  "4/111e": "- stale:a",
  "4/114c": "- stale:a, - ahead:c, - ahead:d, b stale:a",
  "4/114e": "- stale:a, - ahead:c, - ahead:d, b stale:a",
  "4/1156": "- stale:a, - ahead:b, - ahead:c",
  "4/115a": "- stale:a, - ahead:b, - ahead:d",
  "4/115c": "- stale:a, - ahead:c, - ahead:d",
  "4/115e": "- stale:a",
  "4/11cc": "- stale:a, - ahead:c, b stale:a",
  "4/11ce": "- stale:a, - ahead:c, b stale:a",
  "4/11d6": "- stale:a, - ahead:b, - ahead:c",
  "4/11dc": "- stale:a, - ahead:c",
  "4/11de": "- stale:a",
  "4/1256": "- stale:b, - ahead:a, - ahead:c, d stale:b",
  "4/129e": "- stale:a, - ahead:b, - ahead:d, c stale:a",
  "4/1352": "- stale:b, - ahead:a, - ahead:c, d stale:b",
  "4/138c": "- stale:a, - ahead:c, - ahead:d, b stale:a",
  "4/138e": "- stale:a, - ahead:c, - ahead:d, b stale:a",
  "4/1396": "- stale:a, - ahead:b, - ahead:c",
  "4/139a": "- stale:a, - ahead:b, - ahead:d",
  "4/139c": "- stale:a, - ahead:c, - ahead:d",
  "4/139e": "- stale:a",
  "4/13c6": "- stale:c, - ahead:a, - ahead:b, d stale:c",
  "4/13d2": "- stale:b, - ahead:a, - ahead:c, d stale:b",
  "4/13d4": "- stale:c, - ahead:a, - ahead:b, d stale:c",
  "4/18de": "- stale:a, - ahead:b, - ahead:d, c stale:a",
  "4/1996": "- stale:a, - ahead:b",
  "4/199a": "- stale:a, - ahead:b, - ahead:d",
  "4/199e": "- stale:a",
  "4/19cc": "- stale:a, - ahead:c, - ahead:d, b stale:a",
  "4/19ce": "- stale:a, - ahead:c, - ahead:d, b stale:a",
  "4/19d6": "- stale:a, - ahead:b, - ahead:c",
  "4/19da": "- stale:a, - ahead:b, - ahead:d",
  "4/19dc": "- stale:a, - ahead:c, - ahead:d",
  "4/19de": "- stale:a",
  "4/1ad6": "- stale:b, - ahead:a, - ahead:c, d stale:b",
  "4/3956": "- stale:a, - ahead:b, - ahead:c",
  "4/395e": "- stale:a",
};

/** Only where cores have to find out by themselves what is lost. */
const silentOnly: Readonly<Record<string, string>> = {
  "4/1116": "d stale:a",
  "4/1156": "d stale:a",
  "4/115a": "c stale:a",
  "4/115c": "b stale:a",
  "4/11d6": "d stale:a",
  "4/11dc": "b stale:a",
  "4/1396": "d stale:a",
  "4/139a": "c stale:a",
  "4/139c": "b stale:a",
  "4/1996": "d stale:a",
  "4/199a": "c stale:a",
  "4/19d6": "d stale:a",
  "4/19da": "c stale:a",
  "4/19dc": "b stale:a",
  "4/3956": "d stale:a",
};

/** Only where hosts tell of connections: tails spread over links of one direction, too. */
const withNewsOnly: Readonly<Record<string, string>> = {
  "4/114c": "b ahead:b",
  "4/114e": "b ahead:b",
  "4/11cc": "b ahead:b",
  "4/11ce": "b ahead:b",
  "4/1256": "d ahead:d",
  "4/129e": "c ahead:c",
  "4/1352": "d ahead:d",
  "4/138c": "b ahead:b",
  "4/138e": "b ahead:b",
  "4/13c6": "d ahead:d",
  "4/13d2": "d ahead:d",
  "4/13d4": "d ahead:d",
  "4/18de": "c ahead:c",
  "4/19cc": "b ahead:b",
  "4/19ce": "b ahead:b",
  "4/1ad6": "d ahead:d",
};

/** On five members they are too many to write out: their number and a fingerprint of the list. */
const onFive: Readonly<Record<string, KnownList>> = {
  "5 all silent": { count: 12183, fingerprint: "47c63e4ff4082c48" },
  "5 all news": { count: 12320, fingerprint: "c8d87f97a4cdcda2" },
  "5 few silent": { count: 5514, fingerprint: "cd256251c33c3155" },
  "5 few news": { count: 5550, fingerprint: "a2d1beaa5589ce15" },
};

export interface KnownList {
  readonly count: number;
  /** Of the names in the order of running, joined by line feeds. */
  readonly fingerprint: string;
}

/** The names of the situations that are exceptions on three and four members. */
export function knownExceptions(hasNews: boolean): Set<string> {
  const names = new Set<string>();
  for (const table of [always, hasNews ? withNewsOnly : silentOnly]) {
    for (const [graph, places] of Object.entries(table)) {
      for (const place of places.split(", ")) names.add(`${graph} ${place}`);
    }
  }
  return names;
}

/** What a run of all classes on five members must see. */
export function knownOnFive(variety: Variety, hasNews: boolean): KnownList | undefined {
  return onFive[`5 ${variety} ${hasNews ? "news" : "silent"}`];
}

/**
 * What was seen and is not known (`+`), and what is known of the graphs that were run and was not
 * seen (`-`).
 */
export function compareExceptions(
  seen: ReadonlySet<string>,
  known: ReadonlySet<string>,
  graphs: ReadonlySet<string>,
): string[] {
  const differences: string[] = [];
  for (const name of seen) if (!known.has(name)) differences.push(`+ ${name}`);
  for (const name of known) {
    const isConcerned = graphs.has(name.slice(0, name.indexOf(" ")));
    if (isConcerned && !seen.has(name)) differences.push(`- ${name}`);
  }
  return differences;
}
