/**
 * The TypeScript in the READMEs and on the page of machines compiles: every `ts` block becomes a
 * file of its own and is checked with the workspace's own options and paths.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = join(root, "node_modules/typescript/bin/tsc");
const readmes = [
  "README.md",
  "README.zh-CN.md",
  "packages/raft/README.md",
  "packages/quorate/README.md",
  "docs/machines.md",
] as const;

/** The code of the `ts` blocks of a Markdown text, in order. */
function snippetsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
}

/** What is left of code without comments, so that translations of one snippet can be compared. */
function withoutComments(code: string): string {
  return code.replace(/\s*\/\/.*$/gm, "").trim();
}

const read = (path: string): string => readFileSync(join(root, path), "utf8");

describe("the snippets of the READMEs", () => {
  let folder = "";

  beforeAll(() => {
    const parent = join(root, ".tmp");
    mkdirSync(parent, { recursive: true });
    folder = mkdtempSync(join(parent, "snippets-"));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("compile", async () => {
    for (const readme of readmes) {
      for (const [at, code] of snippetsOf(read(readme)).entries()) {
        const name = `${readme.replaceAll("/", "-")}-${at + 1}.ts`;
        writeFileSync(join(folder, name), code);
      }
    }
    const config = { extends: "../../tsconfig.json", include: ["*.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, "-p", folder]).catch(
      (error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }),
    );
    expect(stdout).toBe("");
  }, 60_000);

  it("are the same in both languages", () => {
    const [english, chinese] = [read("README.md"), read("README.zh-CN.md")].map((text) =>
      snippetsOf(text).map(withoutComments),
    );
    expect(english?.length).toBeGreaterThan(0);
    expect(chinese).toEqual(english);
  });

  it("of the first screen stay within 60 lines", () => {
    expect(read("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(60);
    expect(read("README.zh-CN.md").trimEnd().split("\n").length).toBeLessThanOrEqual(60);
  });
});
