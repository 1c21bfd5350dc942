/**
 * The bans that keep the rooms deterministic: no clock, chance, process or Node module outside the
 * places that are made for them, and no promises where everything completes through callbacks. Each
 * message names the replacement.
 */
import { isTest, type Place, placeOf } from "./place.ts";
import type { SourceFile } from "./source-file.ts";
import type { Violation } from "./violation.ts";

/** Banned names, with what to use instead. */
const bannedNames: ReadonlyMap<string, string> = new Map([
  ["Date", "use the Clock port (`nowMs`); wall time is for display"],
  ["performance", "use the Clock port (`nowMs`)"],
  ["Math.random", "use the Random port; in the core, chance is an input"],
  ["crypto", "use the Random port"],
  ["setTimeout", "use the Clock port's timers; in the core, count ticks"],
  ["clearTimeout", "use the Clock port's timers"],
  ["setInterval", "use the Clock port's timers; in the core, count ticks"],
  ["clearInterval", "use the Clock port's timers"],
  ["setImmediate", "use the Clock port, or queue an input"],
  ["clearImmediate", "use the Clock port, or queue an input"],
  ["queueMicrotask", "queue an input; completions are callbacks in a known order"],
  ["process", "take what is needed as an option; only the edges know the process"],
  ["Buffer", "use Uint8Array and the helpers of base/bytes.ts"],
  ["console", "report through events or return values; only the edges print"],
]);
const bannedModules = "use the ports (Clock, Random, Disk, Network); only the edges know Node";

/** Rooms without promises: the simulator runs them step by step. */
const callbackRooms = ["base", "core", "ports", "storage", "transport"];
const promiseNames: ReadonlySet<string> = new Set(["async", "await", "Promise"]);
const bannedPromises = "complete through a callback; promises exist at the public edge only";

/** A place where banned names are in order. */
interface Edge {
  /** Files below this path. */
  readonly path: string;
  /** Names allowed here; `all` for everything. */
  readonly names: readonly string[] | "all";
  /** Whether Node's modules are allowed. */
  readonly modules: boolean;
  readonly reason: string;
}

/** The edges of the house. Everything else is inside. */
export const edges: readonly Edge[] = [
  {
    path: "packages/raft/src/ports/os/",
    names: "all",
    modules: true,
    reason: "the real clock, chance, disk and network",
  },
  {
    path: "packages/quorate/src/rpc/",
    names: ["Buffer", "setTimeout", "clearTimeout", "setImmediate", "performance"],
    modules: true,
    reason: "gRPC over sockets, whose chunks are Buffers; deadlines of calls are timers",
  },
  {
    path: "packages/quorate/src/server/",
    names: "all",
    modules: true,
    reason: "the process: flags, ports, logs, signals",
  },
  {
    path: "packages/quorate/src/cli/",
    names: "all",
    modules: true,
    reason: "the terminal and the processes it starts",
  },
];

/** Judges a source file of the packages. */
export function checkPurity(file: SourceFile): Violation[] {
  const place = placeOf(file.path);
  if (place === null || isTest(file.path)) return [];
  const edge = edges.find((candidate) => file.path.startsWith(candidate.path));
  return [...checkModules(file, edge), ...checkNames(file, edge), ...checkPromises(file, place)];
}

function checkModules(file: SourceFile, edge: Edge | undefined): Violation[] {
  if (edge?.modules === true) return [];
  return file.imports
    .filter(({ specifier }) => specifier.startsWith("node:"))
    .map(({ specifier, line }) => violation(file, line, `"${specifier}": ${bannedModules}`));
}

function checkNames(file: SourceFile, edge: Edge | undefined): Violation[] {
  const allowed = edge?.names ?? [];
  if (allowed === "all") return [];
  return file.names.flatMap(({ name, line }) => {
    const instead = bannedNames.get(name);
    if (instead === undefined || allowed.includes(name)) return [];
    return [violation(file, line, `${name}: ${instead}`)];
  });
}

function checkPromises(file: SourceFile, place: Place): Violation[] {
  if (place.package !== "raft" || !callbackRooms.includes(place.room)) return [];
  return file.names
    .filter(({ name }) => promiseNames.has(name))
    .map(({ name, line }) => violation(file, line, `${name}: ${bannedPromises}`));
}

function violation(file: SourceFile, line: number, message: string): Violation {
  return { rule: "purity", path: file.path, line, message };
}
