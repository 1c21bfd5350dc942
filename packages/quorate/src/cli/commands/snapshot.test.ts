/** `quorate snapshot status` and `restore` on files of a real folder. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectSnapshot } from "@quorate/raft";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSavedBytes, createSnapshotBytes } from "../../../test/support/snapshot-bytes.ts";
import { noColours } from "../output/colours.ts";
import { runProgram } from "../program.ts";

const plain = createSnapshotBytes(70_000);
const saved = createSavedBytes(70_000);

let folder = "";
let file = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorate-snapshot-"));
  file = join(folder, "backup.snap");
  await writeFile(file, saved);
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function run(...args: readonly string[]) {
  let out = "";
  let err = "";
  const code = await runProgram(["snapshot", ...args], {
    print: (data) => {
      out += String(data);
    },
    say: (text) => {
      err += text;
    },
    readInput: () => Promise.resolve(new Uint8Array()),
    readLines: () => Promise.resolve(),
    ...{ isInputPerson: false, isPrintPerson: false, isSayPerson: false, width: 80 },
    ...{ printColours: noColours, sayColours: noColours, environment: {} },
  });
  const said = err.replaceAll(folder, "FOLDER").replace(/\s+/g, " ");
  return { code, out: out.replaceAll(folder, "FOLDER"), err: said };
}

describe("snapshot status", () => {
  it("says what a saved snapshot is", async () => {
    const { code, out, err } = await run("status", file);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.replace(/[0-9a-f]{16}\n/g, "ID\n")).toBe(
      [
        `File      FOLDER/backup.snap, ${saved.length} bytes`,
        "Position  entry 2 of term 1",
        "Cluster   ID",
        "Members   a=127.0.0.1:1",
        "Hash      ID",
        "Sections  kv (70000 bytes)",
        "Verdict   sound\n",
      ].join("\n"),
    );
    const { snapshots } = JSON.parse((await run("status", file, "--json")).out);
    expect(snapshots).toMatchObject([
      {
        ...{ sound: true, checksum: "right", damage: null },
        contents: { index: 2, term: 1, bytes: plain.length, clusterId: "00c1a51e00c1a51e" },
      },
    ]);
  });

  it("says where it is damaged, and ends with 1", async () => {
    for (const [at, what] of [
      [1000, "damaged at byte 512: the checksum of block 0 is wrong"],
      [saved.length - 1, "the SHA-256 at its end is not that of what is before it"],
    ] as const) {
      const bytes = saved.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      await writeFile(file, bytes);
      const { code, out } = await run("status", file);
      expect(code).toBe(1);
      expect(out.replace(/\s+/g, " ")).toContain(what);
      const { snapshots } = JSON.parse((await run("status", file, "--json")).out);
      expect(snapshots).toMatchObject([{ sound: false, contents: { index: 2 } }]);
    }
    await writeFile(file, "not a snapshot");
    const { code, out } = await run("status", file);
    expect([code, out.includes("Position")]).toEqual([1, false]);
  });

  it("reads those of a data directory, the newest first", async () => {
    await writeFile(join(folder, "snapshot-0000000000000002.snap"), plain);
    await writeFile(join(folder, "snapshot-0000000000000009.snap"), plain.subarray(0, 5000));
    const { code, out } = await run("status", folder);
    expect(code).toBe(1);
    const verdicts = out.split("\n").filter((line) => /^(File|Verdict)/.test(line));
    expect(verdicts.map((line) => line.replace(/^\w+ +/, "").slice(0, 35))).toEqual([
      "FOLDER/snapshot-0000000000000009.sn",
      expect.stringContaining("damaged at byte 4488"),
      "FOLDER/snapshot-0000000000000002.sn",
      "sound",
    ]);
  });

  it("refuses what is not there, and the flags of clients", async () => {
    const nowhere = await run("status", join(folder, "nowhere"));
    expect(nowhere).toMatchObject({ code: 1, out: "" });
    expect(nowhere.err).toContain("quorate: BAD_CONFIG Cannot read FOLDER/nowhere: ");
    await rm(file);
    const none = await run("status", folder);
    expect(none.err).toContain("there is no snapshot in it");
    expect(await run("status", folder, "--endpoints", "127.0.0.1:1")).toMatchObject({ code: 2 });
  });
});

describe("snapshot restore", () => {
  const three = "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380";

  it("makes equal directories for the members of one new cluster", async () => {
    const clusters = new Set<string>();
    for (const [name, number] of [
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ] as const) {
      const directory = join(folder, name);
      const url = `http://10.0.0.${number}:2380`;
      const flags = ["--name", name, "--data-dir", directory, "--initial-cluster", three];
      const own = ["--initial-advertise-peer-urls", url];
      const { code, out, err } = await run("restore", file, ...flags, ...own);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      const [, clusterId = "", token = ""] =
        /cluster ([0-9a-f]{16})[\s\S]*--initial-cluster-token (\S+)/.exec(out) ?? [];
      clusters.add(`${clusterId} ${token}`);
      const [snapshot = ""] = (await readdir(directory)).filter((each) => each.endsWith(".snap"));
      const report = await inspectSnapshot({ file: join(directory, snapshot) });
      expect(report.damage).toBe(null);
      expect(report.contents).toMatchObject({ clusterId, index: 2, term: 1 });
      expect(report.contents?.members?.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    }
    expect(clusters.size).toBe(1);
  });

  it("makes a cluster of one by default, and tells a script", async () => {
    const directory = join(folder, "one");
    const { code, out } = await run("restore", file, "--data-dir", directory, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ...{ directory: "FOLDER/one", member: "default", contents: { index: 2 } },
      members: [{ id: "default", address: "localhost:2380", role: "voter" }],
    });
    const again = await run("restore", file, "--data-dir", directory);
    expect(again.code).toBe(1);
    expect(again.err).toContain("it holds a member's data already");
  });

  it("makes nothing of what is not sound, or of flags that contradict each other", async () => {
    const directory = join(folder, "none");
    const at = ["--data-dir", directory];
    const bytes = saved.slice();
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(join(folder, "bad.snap"), bytes);
    const bad = await run("restore", join(folder, "bad.snap"), ...at);
    expect(bad).toMatchObject({ code: 1, out: "" });
    expect(bad.err).toContain("quorate: CORRUPT Cannot restore FOLDER/bad.snap: it is damaged");
    const wrong = ["--name", "d", "--initial-cluster", three];
    expect((await run("restore", file, ...at, ...wrong)).err).toContain("--name d is not in");
    const other = ["--name", "a", "--initial-cluster", three];
    expect((await run("restore", file, ...at, ...other)).err).toContain("Make the two equal");
    const nonsense = await run("restore", file, ...at, "--initial-cluster", "nonsense");
    expect(nonsense.code).toBe(1);
    const nowhere = await run("restore", join(folder, "nowhere"), ...at);
    expect(nowhere.code).toBe(1);
    expect(nowhere.err).toContain("quorate: BAD_CONFIG");
    expect((await readdir(folder)).sort()).toEqual(["backup.snap", "bad.snap"]);
  });
});
