/** `NAME --key value --flag`: enough for benchmarks. */
export interface BenchArguments {
  readonly name: string;
  readonly options: ReadonlyMap<string, string>;
}

export function parseArguments(args: readonly string[]): BenchArguments {
  const options = new Map<string, string>();
  for (let at = 1; at < args.length; at++) {
    const key = (args[at] ?? "").replace(/^--/, "");
    const next = args[at + 1];
    if (next === undefined || next.startsWith("--")) {
      options.set(key, "");
    } else {
      options.set(key, next);
      at++;
    }
  }
  return { name: args[0] ?? "", options };
}

export function numberOption(
  options: ReadonlyMap<string, string>,
  name: string,
  otherwise: number,
): number {
  const text = options.get(name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`bench: --${name} ${text} is not a number above 0`);
  process.exit(2);
}
