/**
 * Where a path lies in the house: which package, which room, and whether it is a test. Pure.
 */

export type PackageName = "raft" | "quorate";

export interface Place {
  readonly package: PackageName;
  /** The folder below `src`, such as `core` or `ports/os`; `(root)` for files directly in `src`. */
  readonly room: string;
  /** The path below the room, such as `index.ts`. */
  readonly rest: string;
}

/** Rooms that lie inside another one and have a door of their own. */
const innerRooms = [
  "ports/os",
  "sim/spec",
  "sim/refinement",
  "sim/checker",
  "sim/cores",
  "sim/hosts",
  "sim/members",
  "sim/histories",
  "sim/explorer",
  "sim/topologies",
];

/** Tells the room of a source file of a package, or null elsewhere. */
export function placeOf(path: string): Place | null {
  const match = /^packages\/(raft|quorate)\/src\/(.+)$/.exec(path);
  const inSource = match?.[2];
  if (inSource === undefined) return null;
  const name: PackageName = match?.[1] === "raft" ? "raft" : "quorate";
  const inner = innerRooms.find((room) => inSource.startsWith(`${room}/`));
  if (inner !== undefined) {
    return { package: name, room: inner, rest: inSource.slice(inner.length + 1) };
  }
  const slash = inSource.indexOf("/");
  if (slash < 0) return { package: name, room: "(root)", rest: inSource };
  return { package: name, room: inSource.slice(0, slash), rest: inSource.slice(slash + 1) };
}

/** Tests may enter anywhere: `x.test.ts` beside its module, and all below a package's `test`. */
export function isTest(path: string): boolean {
  return /\.(test|test-d)\.ts$/.test(path) || /^packages\/[^/]+\/test\//.test(path);
}

/**
 * The path that a relative import names, from the root of the workspace; null for other imports.
 */
export function resolveImport(from: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
