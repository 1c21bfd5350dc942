/**
 * Packs the packages and installs the tarballs into an empty project, as a user would. Called by
 * `tools/pack-test.mjs`. Dependency-free.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { npmCommand } from "./install.mjs";
import { root } from "./programs.mjs";
import { lastLines, run } from "./run.mjs";

const npmLimitMs = 5 * 60_000;

/** Folders of the packages that are published, below the workspace. */
export const packageFolders = ["packages/raft", "packages/quorate"];

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} version
 * @property {Record<string, unknown>} exports
 * @property {Record<string, string>} [bin]
 *
 * @typedef {object} PackedPackage
 * @property {string} folder below the workspace
 * @property {Manifest} manifest
 * @property {string} tarball path of the file
 * @property {string[]} files paths in the tarball
 */

/**
 * Runs npm to its end.
 *
 * @param {string[]} args
 * @param {string} cwd
 * @returns {Promise<string>} what it printed
 * @throws Error with npm's last lines if it fails
 */
export async function runNpm(args, cwd) {
  const npm = npmCommand();
  const all = [...npm.args, ...args, "--no-audit", "--no-fund", "--loglevel=error"];
  const result = await run(npm.program, all, { cwd, limitMs: npmLimitMs });
  if (result.code === 0) return result.output;
  throw new Error(`\`npm ${args.join(" ")}\` failed:\n${lastLines(result.output, 20)}`);
}

/**
 * Makes a folder with an empty project and the tarballs beside it, runs `use`, and removes it.
 *
 * @param {(folder: string) => Promise<void>} use
 */
export async function withTemporaryFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), "quorate-pack-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} destination
 * @returns {Promise<PackedPackage[]>}
 */
export async function packAll(destination) {
  const packed = [];
  for (const folder of packageFolders) {
    /** @type {Manifest} */
    const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const args = ["pack", "--json", "--ignore-scripts", `--pack-destination=${destination}`];
    const report = JSON.parse(await runNpm([...args, `./${folder}`], root));
    // npm 10 and 11 print an array, later ones an object by name.
    const [entry] = Array.isArray(report) ? report : Object.values(report);
    /** @type {string[]} */
    const files = entry.files.map((/** @type {{ path: string }} */ file) => file.path);
    packed.push({ folder, manifest, tarball: join(destination, entry.filename), files });
  }
  return packed;
}

/**
 * Installs the tarballs into a new, empty project; their dependencies come from npm's cache where
 * they are there.
 *
 * @param {string} folder
 * @param {readonly PackedPackage[]} packed
 */
export async function installPacked(folder, packed) {
  mkdirSync(folder, { recursive: true });
  const manifest = { name: "empty-project", private: true, type: "module" };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest)}\n`);
  const tarballs = packed.map(({ tarball }) => tarball);
  await runNpm(["install", "--prefer-offline", "--ignore-scripts", ...tarballs], folder);
}

/**
 * What a user may import: each key of `exports` that is code, by its full name.
 *
 * @param {Manifest} manifest
 */
export function importableNames(manifest) {
  return Object.keys(manifest.exports)
    .filter((key) => !key.endsWith(".json"))
    .map((key) => `${manifest.name}${key.slice(1)}`);
}
