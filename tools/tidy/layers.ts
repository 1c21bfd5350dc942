/**
 * The arrows of `docs/architecture.md`: which room may import which, and that a room is entered
 * through its `index.ts`.
 */
import { isBuiltin } from "node:module";
import { isTest, type PackageName, type Place, placeOf, resolveImport } from "./place.ts";
import type { ImportFact, SourceFile } from "./source-file.ts";
import type { Violation } from "./violation.ts";

/** Rooms that a room may import; `anything` for those above all. */
type Arrows = Readonly<Record<string, readonly string[] | "anything">>;

const pureRaftRooms = ["base", "ports", "core", "storage", "transport", "machine"];

const arrows: Readonly<Record<PackageName, Arrows>> = {
  raft: {
    base: [],
    core: ["base"],
    ports: ["base"],
    "ports/os": ["base", "ports"],
    storage: ["base", "ports", "core"],
    transport: ["base", "ports", "core"],
    machine: ["base", "core"],
    node: [...pureRaftRooms, "ports/os"],
    recipes: ["base", "machine", "node"],
    // The second Raft shares nothing with the first: its independence is its worth.
    "sim/spec": [],
    "sim/refinement": ["base", "core", "sim", "sim/spec"],
    "sim/checker": ["base", "core", "sim"],
    "sim/cores": ["base", "core", "sim", "sim/checker"],
    "sim/histories": ["base", "sim"],
    "sim/hosts": "anything",
    "sim/members": "anything",
    "sim/explorer": ["base", "core", "sim"],
    "sim/topologies": ["base", "core", "sim", "sim/explorer"],
    sim: "anything",
    testing: "anything",
    "(root)": "anything",
  },
  quorate: {
    proto: [],
    kv: ["proto"],
    rpc: [],
    server: ["kv", "rpc", "proto"],
    cli: ["proto", "rpc", "server"],
    "(root)": ["server", "proto"],
  },
};

/** Rooms that take only types of `core`, and the values of it that they may use all the same. */
const typesOfCoreOnly = ["storage", "transport", "machine"];
const coreValuesForAll = [
  "createConfiguration",
  "decodeConfiguration",
  "encodeConfiguration",
  "membersMax",
  "entryBytes",
  "entryOverheadBytes",
];

const library = /^@quorate\/raft(\/|$)/;

/**
 * Packages that a room may import: server and command line any (npm checks that it is declared).
 */
const outsidePackages: Readonly<Record<PackageName, Readonly<Record<string, RegExp>>>> = {
  raft: {},
  quorate: { server: /./, cli: /./, "(root)": library },
};

/** Judges every import of a source file of the packages. */
export function checkLayers(file: SourceFile): Violation[] {
  const place = placeOf(file.path);
  if (place === null || isTest(file.path)) return [];
  return file.imports.flatMap((fact) => checkImport(file.path, place, fact) ?? []);
}

function checkImport(path: string, place: Place, fact: ImportFact): Violation | null {
  const target = resolveImport(path, fact.specifier);
  const at = { path, line: fact.line };
  if (target === null) {
    const message = describeOutsideImport(place, fact.specifier);
    return message === null ? null : { rule: "package", ...at, message };
  }
  const to = placeOf(target);
  if (to === null || to.package !== place.package) {
    const message = `"${fact.specifier}" leaves the package's src; import the package by its name`;
    return { rule: "package", ...at, message };
  }
  if (to.room === place.room) return null;
  const arrow = describeArrow(place, to, fact);
  if (arrow !== null) return { rule: "layer", ...at, message: arrow };
  if (place.room.startsWith(`${to.room}/`)) return null; // inner room, outer room
  if (to.rest === "index.ts" || (to.room === "(root)" && place.room !== "(root)")) return null;
  const door = `"${fact.specifier}": ${to.room} is entered through ${to.room}/index.ts only`;
  return { rule: "door", ...at, message: door };
}

function describeArrow(from: Place, to: Place, fact: ImportFact): string | null {
  const allowed = arrows[from.package][from.room];
  if (allowed === undefined) {
    return `the room ${from.room} is not in the plan; add it to tools/tidy/layers.ts and the docs`;
  }
  if (allowed === "anything") return null;
  if (!allowed.includes(to.room)) {
    const may = allowed.length === 0 ? "nothing" : allowed.join(", ");
    return `${from.room} may import ${may}, not ${to.room} ("${fact.specifier}")`;
  }
  if (to.room !== "core" || !typesOfCoreOnly.includes(from.room)) return null;
  const taken = fact.values.filter((value) => !coreValuesForAll.includes(value));
  if (taken.length === 0) return null;
  return `${from.room} may import core's types only, not ${taken.join(", ")}; use \`import type\``;
}

function describeOutsideImport(place: Place, specifier: string): string | null {
  if (isBuiltin(specifier)) {
    if (specifier.startsWith("node:")) return null; // the purity rule judges these
    return `write "node:${specifier}" for Node's own modules`;
  }
  const allowed = outsidePackages[place.package][place.room];
  if (allowed?.test(specifier) === true) return null;
  return place.package === "raft"
    ? `"${specifier}": the library has no dependency at runtime`
    : `"${specifier}" may not be imported by ${place.room}; only server and cli meet packages`;
}
