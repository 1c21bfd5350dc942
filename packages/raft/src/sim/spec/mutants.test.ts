/**
 * The specification's guards, weakened one at a time in copies of the source: each must let through
 * what breaks a promise of the paper. It proves that the guards are needed, that the properties see
 * it, and that random worlds come to where it matters.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import type * as spec from "./index.ts";
import { type PlantedBug, plantedBugs } from "./planted-bugs.ts";
import { plantedBugsOfChanges } from "./planted-bugs-of-changes.ts";
import { specProperties } from "./property.ts";

const mutants: readonly PlantedBug[] = [...plantedBugs, ...plantedBugsOfChanges];

const here = fileURLToPath(new URL(".", import.meta.url));

/** The specification from sources of which one has the bug in it. */
async function load(mutant?: PlantedBug): Promise<typeof spec> {
  const planted = {
    name: "planted",
    setup: (
      host: Parameters<NonNullable<Parameters<typeof build>[0]["plugins"]>[0]["setup"]>[0],
    ) => {
      host.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        if (mutant === undefined || path !== `${here}${mutant.file}`) {
          return { contents: source, loader: "ts" };
        }
        expect(source.split(mutant.search), `places for "${mutant.name}"`).toHaveLength(2);
        const contents = source.replace(mutant.search, () => mutant.replace);
        return { contents, loader: "ts" };
      });
    },
  };
  const built = await build({
    entryPoints: [`${here}index.ts`],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "spec",
    plugins: [planted],
  });
  const code = built.outputFiles[0]?.text ?? "";
  // The bundle's global is the module that `index.ts` describes.
  return new Function(`${code}; return spec;`)() as typeof spec;
}

/**
 * Worlds for each mutant; the slowest needs some four thousand from seed 1. With SPEC_MUTANTS=N: N
 * of them, and what was found is printed.
 */
const worldsMax = Number(process.env["SPEC_MUTANTS"] ?? 500);

/** The first world in which a promise is broken, and which; null: none in so many worlds. */
function findViolation(
  { runRandomWorld, PropertyViolation }: typeof spec,
  {
    servers: always,
    seed: first = 1,
    membership = false,
    snapshots = false,
    transfers = false,
    leases = false,
  }: Partial<PlantedBug>,
  worlds: number,
): { readonly seed: number; readonly property: string } | null {
  for (let seed = first; seed < first + worlds; seed++) {
    try {
      const servers = always ?? (membership ? 3 + (seed % 3) : seed % 4 === 0 ? 2 : 3);
      const random = createRandom(seed, servers);
      runRandomWorld({ random, servers, steps: 4000, membership, snapshots, transfers, leases });
    } catch (error) {
      if (error instanceof PropertyViolation) return { seed, property: error.property };
      throw error;
    }
  }
  return null;
}

const kills = new Set<string>();
const stackTraceLimit = Error.stackTraceLimit;

beforeAll(() => {
  // Refusals are thrown by the hundred thousand; their stacks cost more than all else.
  Error.stackTraceLimit = 0;
});

afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe("mutants of the specification", () => {
  it("without a bug, no promise is broken", async () => {
    expect(findViolation(await load(), {}, 40)).toBeNull();
    expect(findViolation(await load(), { membership: true }, 20)).toBeNull();
    expect(findViolation(await load(), { membership: true, snapshots: true }, 20)).toBeNull();
    expect(
      findViolation(await load(), { membership: true, transfers: true, leases: true }, 20),
    ).toBeNull();
  });

  it.each(mutants)("$name", async (mutant) => {
    const found = findViolation(await load(mutant), mutant, worldsMax);
    expect(found, `survives ${worldsMax} worlds from ${mutant.seed ?? 1}`).not.toBeNull();
    kills.add(found?.property ?? "");
    if (process.env["SPEC_MUTANTS"]) console.log(JSON.stringify({ name: mutant.name, ...found }));
  });

  it("need every property", () => {
    expect([...kills].sort()).toEqual([...specProperties].sort());
  });
});
