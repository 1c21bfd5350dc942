/**
 * Runs every rule over the files of a workspace, and applies the exemptions. Reads only. Called by
 * `tools/tidy.ts`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Exemption, exemptions as ownExemptions } from "./exemptions.ts";
import { checkLayers } from "./layers.ts";
import { checkPurity } from "./purity.ts";
import { readSource } from "./source-file.ts";
import { checkStyle, checkText, hostPathsOf } from "./style.ts";
import type { Violation } from "./violation.ts";

const skippedFolders: ReadonlySet<string> = new Set(["node_modules", "dist", "coverage"]);
const sourceEnding = /\.(ts|mts|mjs|js)$/;
const textEnding = /(\.(md|json|yaml|yml|sh|txt|story)|\/run)$/;

/**
 * All violations of the tree below `root`, in the order of paths and lines.
 *
 * @throws Error if a file cannot be read
 */
export function checkTree(
  root: string,
  exemptions: readonly Exemption[] = ownExemptions,
): Violation[] {
  const hostPaths = hostPathsOf(root);
  const all = listFiles(root, "").flatMap((path) =>
    checkFile(path, readFileSync(join(root, path), "utf8"), hostPaths),
  );
  return applyExemptions(all, exemptions);
}

/** All violations of one file, before exemptions. */
export function checkFile(path: string, text: string, hostPaths: readonly string[]): Violation[] {
  const prose = checkText(path, text, hostPaths);
  if (!sourceEnding.test(path)) return prose;
  const file = readSource(path, text);
  const violations = [...checkStyle(file), ...checkLayers(file), ...checkPurity(file), ...prose];
  return violations.sort((a, b) => a.line - b.line);
}

/** Drops what is exempt, and adds the exemptions that exempt nothing. */
export function applyExemptions(
  violations: readonly Violation[],
  exemptions: readonly Exemption[],
): Violation[] {
  const matches = (violation: Violation, { rule, path }: Exemption): boolean =>
    violation.rule === rule && violation.path === path;
  const left = violations.filter(
    (violation) => !exemptions.some((exemption) => matches(violation, exemption)),
  );
  const idle = exemptions.filter(
    (exemption) => !violations.some((violation) => matches(violation, exemption)),
  );
  const stale = idle.map(({ rule, path }): Violation => {
    const message = `nothing to exempt from ${rule}; remove it from tools/tidy/exemptions.ts`;
    return { rule: "exemption", path, line: 1, message };
  });
  return [...left, ...stale];
}

function listFiles(root: string, folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    const isHidden = entry.name.startsWith(".") && entry.name !== ".ci";
    if (isHidden || skippedFolders.has(entry.name)) return [];
    if (entry.isDirectory()) return listFiles(root, path);
    const isRead = sourceEnding.test(path) || textEnding.test(path);
    return isRead && entry.name !== "package-lock.json" ? [path] : [];
  });
}
