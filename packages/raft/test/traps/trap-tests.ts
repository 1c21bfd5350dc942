/** Finds the tests that carry the ids of traps in their names. Used by the table and the runner. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = resolve(fileURLToPath(new URL(".", import.meta.url)), "../../../..");
const folders = ["packages/raft/src", "packages/raft/test"];
/** Their names begin with ids of other lists (planted bugs), or are no names of tests. */
const otherIds = ["packages/raft/src/sim/", "packages/raft/test/traps/catalogue.test.ts"];

/** `"C2: …"`, or `"C8, C21: …"` where one test stands for several. */
const titlePattern = /\(\s*["'`]((?:[A-I]\d{1,2}, )*[A-I]\d{1,2}): /g;

/** Trap ids, each with the files that test it, as paths from the root. */
export function findTrapTests(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of listTests()) {
    for (const id of trapIdsIn(readFileSync(join(root, file), "utf8"))) {
      const files = found.get(id) ?? [];
      found.set(id, files.includes(file) ? files : [...files, file]);
    }
  }
  return found;
}

/** The ids in the titles of a file of tests. */
export function trapIdsIn(text: string): string[] {
  return [...text.matchAll(titlePattern)].flatMap(([, ids]) => (ids ?? "").split(", "));
}

/** Matches the full names of the tests of one trap. */
export function testsOf(id: string): RegExp {
  return new RegExp(`(^| )([A-I]\\d+, )*${id}(, [A-I]\\d+)*: `);
}

function listTests(): string[] {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => relative(root, join(root, folder, name))),
  );
  return files.filter((file) => !otherIds.some((prefix) => file.startsWith(prefix))).sort();
}
