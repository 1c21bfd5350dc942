import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const file = fileURLToPath(new URL("simulate.ts", import.meta.url));

function run(...words: readonly string[]) {
  const command = [process.execPath, "--import", "tsx", file, ...words] as const;
  const { status, stdout, stderr } = spawnSync(command[0], command.slice(1), { encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("the example of a simulated bank", () => {
  it("finds that the broken bank's members disagree, the same each time", () => {
    const first = run("broken");
    expect(first.stderr).toBe("");
    expect(first.status).toBe(1);
    expect(first.stdout).toMatch(/has another state at index \d+ than .*accounts/);
    expect(first.stdout).toMatch(/See it again: simulate\(/);
    expect(run("broken").stdout).toBe(first.stdout);
  });

  it("finds nothing in the bank that keeps everything in its state", () => {
    const { status, stdout } = run("sound", "5");
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^5 seeds, \d+ operations/)]);
  });
});
