/**
 * The rules of style that a machine can hold: sizes, left-over words, tests left out, default
 * exports, paths of the machine it was written on. Formatting, `any` and `!` are Biome's.
 */
import { homedir } from "node:os";
import { dirname } from "node:path";
import { isTest, resolveImport } from "./place.ts";
import type { SourceFile } from "./source-file.ts";
import type { RuleName, Violation } from "./violation.ts";

const fileLinesMax = 600;
const functionLinesMax = 70;
const lineColumnsMax = 100;

/** Judges one parsed source file. */
export function checkStyle(file: SourceFile): Violation[] {
  return [
    ...file.syntaxErrors.map((message) => found("syntax", file.path, 1, message)),
    ...checkSizes(file),
    ...checkTests(file),
    ...checkDefaultExports(file),
  ];
}

function checkSizes(file: SourceFile): Violation[] {
  const violations: Violation[] = [];
  const lineCount = file.lines.length - (file.text.endsWith("\n") ? 1 : 0);
  if (lineCount > fileLinesMax) {
    const message = `${lineCount} lines, over ${fileLinesMax}; split it by subject`;
    violations.push(found("file-size", file.path, fileLinesMax + 1, message));
  }
  for (const { name, line, lineCount: count, isSuite } of file.functions) {
    if (isSuite || count <= functionLinesMax) continue;
    const message = `${name} has ${count} lines, over ${functionLinesMax}; split it by step`;
    violations.push(found("function-size", file.path, line, message));
  }
  for (const [index, line] of file.lines.entries()) {
    const columns = [...line].length;
    if (columns <= lineColumnsMax || isUnbreakable(line)) continue;
    const message = `${columns} columns, over ${lineColumnsMax}; break the line`;
    violations.push(found("line-width", file.path, index + 1, message));
  }
  return violations;
}

/** A web address, or the one name of an import, which the formatter keeps on one line. */
function isUnbreakable(line: string): boolean {
  return /https?:\/\/\S{40,}/.test(line) || /^(import|export) .*from ".*";$/.test(line);
}

const testFunctions = /^(describe|it|test|suite|bench|ctx|context|task)\.(only|skip|todo|fails)$/;
const shortForms: ReadonlySet<string> = new Set(["xit", "xdescribe", "fit", "fdescribe"]);
const conditional = /^(describe|it|test)\.(skipIf|runIf)$/;

function checkTests(file: SourceFile): Violation[] {
  if (!isTest(file.path) && !file.path.endsWith(".test.ts")) return [];
  const mayLeaveOut = file.imports.some(({ specifier }) =>
    specifier.endsWith("tools/debian-programs.ts"),
  );
  return file.names.flatMap(({ name, line }) => {
    if (testFunctions.test(name) || shortForms.has(name)) {
      const message = `${name}: a test runs or is removed`;
      return [found("test-left-out", file.path, line, message)];
    }
    if (conditional.test(name) && !mayLeaveOut) {
      const message = `${name}: only for programs asked for by tools/debian-programs.ts`;
      return [found("test-left-out", file.path, line, message)];
    }
    if (name === "vi.mock" || name === "vi.doMock") {
      const message = `${name}: no mocks of our own code; pass another port instead`;
      return [found("test-mock", file.path, line, message)];
    }
    return [];
  });
}

function checkDefaultExports(file: SourceFile): Violation[] {
  if (/(^|\/)[a-z-]+\.config\.(ts|mjs)$/.test(file.path)) return [];
  const message = "export it by name; default exports are for the config files of tools";
  return file.defaultExportLines.map((line) => found("default-export", file.path, line, message));
}

// The brackets keep these patterns from finding themselves.
const leftOverWords = /\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/;
const homePaths = /(^|[\s"'`(=:])(\/home\/[a-z]|\/Users\/[A-Za-z]|\/roo[t]\/|[A-Z]:\\Users\\)/;

/** Judges any text file, also prose: left-over words and paths of this machine. */
export function checkText(path: string, text: string, hostPaths: readonly string[]): Violation[] {
  const violations: Violation[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const word = leftOverWords.exec(line)?.[0];
    if (word !== undefined) {
      const message = `${word}: do it now, or file an issue and say nothing here`;
      violations.push(found("left-over-word", path, index + 1, message));
    }
    const host = hostPaths.find((hostPath) => line.includes(hostPath));
    if (host !== undefined || homePaths.test(line)) {
      const message = "a path of one machine; write it relative to the repository";
      violations.push(found("host-path", path, index + 1, message));
    }
    const outside = path.endsWith(".md") ? findOutsideLink(path, line) : null;
    if (outside !== null) {
      const message = `"${outside}" leaves the repository`;
      violations.push(found("host-path", path, index + 1, message));
    }
  }
  return violations;
}

function findOutsideLink(path: string, line: string): string | null {
  for (const [link] of line.matchAll(/(\.\.\/)+[\w./-]*/g)) {
    const up = link.split("../").length - 1;
    if (up > path.split("/").length - 1 && resolveImport(path, link) !== null) return link;
  }
  return null;
}

/** Folders that every system has; a mention of them says nothing about one machine. */
const commonFolders = ["tmp", "var", "usr", "etc", "opt", "home", "root", "dev", "proc", "run"];

/** The paths that give this machine away: the workspace, its top folder, the home folder. */
export function hostPathsOf(root: string): string[] {
  const top = root.split("/")[1] ?? "";
  const paths = [`${root}/`, `${homedir()}/`];
  if (!commonFolders.includes(top) && dirname(root) !== "/") paths.push(`/${top}/`);
  return paths.filter((path) => path !== "/" && path !== "//");
}

function found(rule: RuleName, path: string, line: number, message: string): Violation {
  return { rule, path, line, message };
}
