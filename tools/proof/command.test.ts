/** The commands of the proofs say what they take, and refuse in a line what they do not. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

function run(tool: string, ...args: readonly string[]): ReturnType<typeof spawnSync> {
  const file = fileURLToPath(new URL(`${tool}.ts`, import.meta.url));
  return spawnSync(process.execPath, ["--import", "tsx", file, ...args], { encoding: "utf8" });
}

describe.each(["sim", "explore", "mutants", "explore-mutants", "versions", "topologies"])(
  "%s",
  (tool) => {
    it("lists its options", () => {
      const { status, stdout, stderr } = run(tool, "--help");
      expect(stderr).toBe("");
      expect(status).toBe(0);
      expect(stdout).toContain("--help");
      expect(String(stdout).split("\n").length).toBeGreaterThan(4);
    });

    it("says what to do about an option that it does not know", () => {
      const { status, stdout, stderr } = run(tool, "--wrong");
      expect(status).toBe(2);
      expect(stdout).toBe("");
      expect(stderr).toMatch(/^Unknown option '--wrong'; .* --help lists the options\n$/);
    });
  },
);

describe("explore", () => {
  it("keeps nothing and writes nothing down if it is told so", () => {
    const args = ["--model", "die-hard", "--no-ledger", "--no-checkpoint", "--json"];
    const { status, stdout, stderr } = run("explore", ...args);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(JSON.parse(String(stdout))).toMatchObject({ model: "die-hard" });
  });
});

describe("sim", () => {
  it("says what to do about a value that it cannot use", () => {
    const { status, stderr } = run("sim", "--seeds", "many");
    expect(status).toBe(2);
    expect(stderr).toMatch(/^--seeds is "many"; it must be a whole number; .*\n$/);
  });
});
