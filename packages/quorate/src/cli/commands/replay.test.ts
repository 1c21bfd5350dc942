/** `quorate replay` on recordings of a member in memory. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testCluster } from "@quorate/raft/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noColours } from "../output/colours.ts";
import { runProgram } from "../program.ts";

let directory = "";
let text = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quorate-replay-"));
  await using cluster = await testCluster({ time: "virtual" });
  await cluster.advance(50);
  text = cluster.nodes[0]?.recording() ?? "";
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function run(content: string | null, ...flags: string[]) {
  const file = join(directory, "recording-20260101T000000Z.jsonl");
  if (content !== null) await writeFile(file, content);
  let out = "";
  let err = "";
  const code = await runProgram(["replay", content === null ? "nowhere" : file, ...flags], {
    print: (data) => {
      out += String(data);
    },
    say: (said) => {
      err += said;
    },
    readInput: () => Promise.resolve(new Uint8Array()),
    readLines: () => Promise.resolve(),
    ...{ isInputPerson: false, isPrintPerson: false, isSayPerson: false, width: 80 },
    ...{ printColours: noColours, sayColours: noColours, environment: {} },
  });
  return { code, out, err: err.replaceAll(file, "FILE").replace(/\s+/g, " ") };
}

describe("replay", () => {
  it("prints each step in fixed columns and says that it is reproduced", async () => {
    const { code, out, err } = await run(text);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^member a, written \d{4}-.*Z, on request$/);
    expect(lines[1]).toBe(
      "   STEP            MS  ROLE             TERM     COMMIT       LAST  INPUT",
    );
    const steps = lines.slice(2, -1);
    expect(
      steps.every((line) => /^ *\d+ +\d+\.\d {2}[a-z-]+ +\d+ +\d+ +\d+ {2}\S/.test(line)),
    ).toBe(true);
    expect(new Set(steps.map((line) => line.search(/[a-z]/)))).toEqual(new Set([23]));
    expect(steps.some((line) => line.includes("append-entries term=2"))).toBe(true);
    expect(lines.at(-1)).toBe(
      `reproduced: ${steps.length} steps and the state at the end are the same`,
    );
    const { out: few } = await run(text, "--last", "2");
    expect(few.split("\n").slice(2, -2)).toEqual(steps.slice(-2));
  });

  it("that differs is told with the step, and fails", async () => {
    const changed = text.replace(/("end":.*)"commit":\d+/, '$1"commit":1');
    const { code, out } = await run(changed);
    expect(code).toBe(1);
    expect(out).toMatch(/\nnot reproduced: at step \d+, the state at the end is another one\n$/);
  });

  it("refuses what is no recording, no file or no number", async () => {
    expect(await run("x")).toMatchObject({
      code: 1,
      err: expect.stringContaining("quorate: Cannot replay FILE: line 1: this is no JSON"),
    });
    expect((await run(null)).err).toContain("quorate: Cannot replay nowhere: ENOENT");
    expect((await run(text, "--last", "x")).code).toBe(2);
  });
});
