/**
 * What can be checked of the documents: links and named files exist, every error code has its
 * section with the gRPC status that the server really sends.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  "packages/raft/README.md",
  "packages/quorate/README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

/** GitHub's anchor of a heading. */
function anchorOf(heading: string): string {
  const plain = heading.toLowerCase().replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "");
  return plain.replaceAll(" ", "-");
}

function hasAnchor(path: string, anchor: string): boolean {
  const headings = read(path).matchAll(/^#+ (.+)$/gm);
  return [...headings].some(([, heading = ""]) => anchorOf(heading) === anchor);
}

/** Relative links of a document that lead nowhere. */
function deadLinksOf(path: string): string[] {
  const links = [...read(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = "", anchor] = link.split("#", 2);
    const target = file === "" ? path : join(dirname(path), file);
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !hasAnchor(target, anchor);
  });
}

/** Where a path in code marks may begin: the repository, or the source of a package. */
const starts = ["", "packages/raft/src", "packages/quorate/src"];

/** Files and folders that a document names in code marks, and that are not there. */
function missingFilesOf(path: string): string[] {
  const named = read(path).matchAll(
    /`((?:packages|docs|tools|bench|examples)\/[\w./-]+|\w+\/[\w./-]+\.(?:ts|mjs))`/g,
  );
  return [...named]
    .map(([, file = ""]) => file)
    .filter((file) => !starts.some((start) => existsSync(join(root, start, file))));
}

describe.each(documents)("%s", (path) => {
  it("has no dead links", () => {
    expect(deadLinksOf(path)).toEqual([]);
  });

  it("names files that exist", () => {
    expect(missingFilesOf(path)).toEqual([]);
  });
});

describe("docs/errors.md", () => {
  const text = read("docs/errors.md");
  const source = read("packages/raft/src/base/quorate-error.ts");
  const body = /interface ErrorDetails \{(.*?)^\}/ms.exec(source)?.[1] ?? "";
  const codes = [...body.matchAll(/^ {2}([A-Z_]+):/gm)].map(([, code = ""]) => code);
  const table = read("packages/quorate/src/server/server-errors.ts");

  it("finds the codes", () => {
    expect(codes).toContain("NO_QUORUM");
    expect(codes.length).toBeGreaterThanOrEqual(15);
  });

  it.each(codes)("has a section on %s", (code) => {
    const section = new RegExp(`^### ${code}$(.*?)(?=^##|\\s*$(?![\\s\\S]))`, "ms").exec(text)?.[1];
    for (const word of ["When", "Outcome", "Retry", "Details", "Do"]) {
      expect(section, word).toContain(`**${word}**`);
    }
  });

  it.each(codes)("has the gRPC status of %s", (code) => {
    const [, name = "", message = ""] =
      new RegExp(`${code}: \\[\\s*"(\\w+)",\\s*"([^"]+)"`).exec(table) ?? [];
    const statusName = name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
    expect(text).toMatch(new RegExp(`\\| ${code} \\| ${statusName} \\| \`${message}\` \\|`));
  });
});
