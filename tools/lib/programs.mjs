/**
 * The development programs by the file that Node runs, so that no shell and no `npx` stands
 * between. Dependency-free; the files exist after the install.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the workspace. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const inModules = (/** @type {string} */ path) => join(root, "node_modules", path);

/** Arguments for `node`: the program's file, to be followed by its own arguments. */
export const programs = {
  biome: [inModules("@biomejs/biome/bin/biome")],
  tsc: [inModules("typescript/bin/tsc")],
  tsx: [inModules("tsx/dist/cli.mjs")],
  vitest: [inModules("vitest/vitest.mjs")],
};
