/** The parts of the scripts that decide something: counting, staleness, versions, clean outputs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removeOrphans } from "../build.mjs";
import { describeOutput, describeStaleInstall } from "./install.mjs";
import { describeOldNode } from "./node-version.mjs";
import { run } from "./run.mjs";
import { countReport, describeTally, exitCodeOf } from "./tally.mjs";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "quorate-tools-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, content: unknown = ""): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  const text = typeof content === "string" ? content : JSON.stringify(content);
  writeFileSync(join(folder, path), text);
}

describe("describeOldNode", () => {
  it.each(["20.19.0", "20.20.2", "22.0.0", "24.21.0"])("accepts %s", (version) => {
    expect(describeOldNode(version)).toBeNull();
  });

  it.each(["20.18.3", "18.20.4", "16.0.0"])("turns %s away and names what is needed", (version) => {
    expect(describeOldNode(version)).toContain(`Node ${version}: Node 20.19 or newer`);
  });
});

describe("describeStaleInstall", () => {
  const packages = {
    "": {},
    "node_modules/a": { version: "1.0.0" },
    "node_modules/other-platform": { version: "1.0.0", optional: true },
    "packages/raft": { version: "0.1.0" },
  };
  const installed = { "node_modules/a": { version: "1.0.0" }, "packages/raft": {} };

  it("is content with what the lock file says, whatever the times", () => {
    write("node_modules/.package-lock.json", { packages: installed });
    write("node_modules/a/package.json");
    write("package-lock.json", { packages });
    expect(describeStaleInstall(folder)).toBeNull();
  });

  it("names what is missing, other or left over", () => {
    write("package-lock.json", { packages });
    expect(describeStaleInstall(folder)).toBe("nothing is installed yet");
    write("node_modules/.package-lock.json", { packages: installed });
    expect(describeStaleInstall(folder)).toBe("node_modules/a is missing");
    write("node_modules/a/package.json");
    write("package-lock.json", { packages: { "node_modules/a": { version: "2.0.0" } } });
    expect(describeStaleInstall(folder)).toBe("node_modules/a is 1.0.0, not 2.0.0");
    write("package-lock.json", { packages: { "packages/raft": {} } });
    expect(describeStaleInstall(folder)).toBe("node_modules/a is not in package-lock.json");
  });

  it("takes a half written install for none", () => {
    write("package-lock.json", { packages });
    write("node_modules/.package-lock.json", '{ "packages": {');
    expect(describeStaleInstall(folder)).toBe("nothing is installed yet");
  });
});

describe("countReport", () => {
  const file = (status: string, ...statuses: string[]): unknown => ({
    status,
    assertionResults: statuses.map((each) => ({ status: each })),
  });
  const report = (...testResults: unknown[]): string => JSON.stringify({ testResults });

  it("adds up files", () => {
    const text = report(file("passed", "passed", "skipped"), file("failed", "passed", "failed"));
    expect(countReport(text, 1)).toEqual({ passed: 2, failed: 1, skipped: 1 });
  });

  it.each([
    ["a file that did not load", report(file("failed"), file("passed", "passed")), 1],
    ["an error outside of tests", report(file("passed", "passed")), 1],
  ])("counts %s as a failure", (_, text, code) => {
    expect(countReport(text, code)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it("counts a run without a whole report as a failure", () => {
    const failure = { passed: 0, failed: 1, skipped: 0 };
    expect(countReport(null, 1)).toEqual(failure);
    expect(countReport('{ "testResults": [', 0)).toEqual(failure);
  });

  it("closes with a plain line, and fails if nothing ran", () => {
    expect(describeTally({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
    expect(describeTally({ passed: 3, failed: 1, skipped: 2 })).toBe(
      "3 passed, 1 failed, 2 skipped",
    );
    expect(exitCodeOf({ passed: 3, failed: 0, skipped: 0 })).toBe(0);
    expect(exitCodeOf({ passed: 3, failed: 1, skipped: 0 })).toBe(1);
    expect(exitCodeOf({ passed: 0, failed: 0, skipped: 5 })).toBe(1);
  });
});

describe("run", () => {
  it("keeps the output and the exit code", async () => {
    const script = 'console.log("a"); console.error("b"); process.exit(3);';
    const result = await run(process.execPath, ["-e", script], { cwd: folder, limitMs: 20_000 });
    expect(result).toEqual({ code: 3, output: expect.stringMatching(/a/), timedOut: false });
  });

  it("stops a program at its limit", async () => {
    const args = ["-e", "setInterval(() => {}, 1000)"];
    const result = await run(process.execPath, args, { cwd: folder, limitMs: 50 });
    expect(result).toMatchObject({ code: 143, timedOut: true });
  });

  it("reports a program that is not there", async () => {
    const result = await run(join(folder, "nothing"), [], { cwd: folder, limitMs: 20_000 });
    expect(result).toMatchObject({ code: 127, output: expect.stringContaining("Cannot run") });
  });
});

describe("describeOutput", () => {
  it("shows the first and the last lines", () => {
    const lines = Array.from({ length: 40 }, (_, i) => `line ${i}`);
    const shown = describeOutput(lines.join("\n")).split("\n");
    expect(shown).toEqual([...lines.slice(0, 12), "...", ...lines.slice(-12)]);
    expect(describeOutput("one\ntwo\n")).toBe("one\ntwo");
  });
});

describe("removeOrphans", () => {
  it("removes outputs whose source is gone, and nothing else", () => {
    for (const path of [
      "src/a.ts",
      "src/b/c.ts",
      "dist/a.js",
      "dist/a.d.ts.map",
      "dist/b/c.d.ts",
    ]) {
      write(path);
    }
    for (const path of ["dist/gone.js", "dist/b/gone.d.ts", "dist/.tsbuildinfo"]) write(path);
    expect(removeOrphans(folder).sort()).toEqual(["b/gone.d.ts", "gone.js"]);
    expect(removeOrphans(folder)).toEqual([]);
  });
});
