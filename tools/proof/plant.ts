/**
 * Builds the simulator from sources in which a bug is planted: the shipping sources have no switch
 * for it. The bundle is one file in a folder of its own.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import type { Patch } from "./mutants/mutant.ts";

const root = resolve(fileURLToPath(new URL(".", import.meta.url)), "../..");
const source = resolve(root, "packages/raft/src");

/** A patch that does not fit the sources any more. */
export class PatchError extends Error {
  override readonly name = "PatchError";
}

/** The text with the bug in it. @throws PatchError unless `search` is there exactly once */
export function applyPatch(text: string, patch: Patch): string {
  const count = text.split(patch.search).length - 1;
  if (count !== 1) {
    throw new PatchError(`${patch.file} has ${count} places like this, not one: ${patch.search}`);
  }
  return text.replace(patch.search, () => patch.replace);
}

/** Every patched file with its new text. @throws PatchError */
export function patchSources(patches: readonly Patch[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (const patch of patches) {
    const path = resolve(source, patch.file);
    texts.set(path, applyPatch(texts.get(path) ?? readFileSync(path, "utf8"), patch));
  }
  return texts;
}

function planting(texts: ReadonlyMap<string, string>): Plugin {
  return {
    name: "planting",
    setup(bundler) {
      bundler.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = texts.get(path);
        return contents === undefined ? null : { contents, loader: "ts" };
      });
    },
  };
}

/** Bundles `entry`, a file of this folder, into `file`. */
export async function bundle(
  entry: string,
  file: string,
  patches: readonly Patch[],
): Promise<void> {
  await build({
    entryPoints: [resolve(root, "tools/proof", entry)],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
    sourcemap: false,
    // esbuild takes itself for a package of the tool's, not of the bundle's
    external: ["esbuild", "tsx"],
    plugins: [planting(patchSources(patches))],
  });
}
