/** `quorate snapshot save` against a server that streams a snapshot. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSavedBytes, createSnapshotBytes } from "../../../test/support/snapshot-bytes.ts";
import {
  openReader,
  type SnapshotServer,
  sourceOf,
  startSnapshotServer,
} from "../../../test/support/snapshot-server.ts";
import { decodeSnapshotResponse } from "../../proto/index.ts";
import { savedBytes, streamSnapshot } from "../../server/index.ts";
import { noColours } from "../output/colours.ts";
import { runProgram } from "../program.ts";

/** Of several blobs. */
const contentBytes = 700_000;
const snapshot = createSnapshotBytes(contentBytes);

let server: SnapshotServer;
let folder = "";
let file = "";

beforeAll(async () => {
  server = await startSnapshotServer(snapshot);
});

afterAll(() => server.close());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorate-save-"));
  file = join(folder, "backup.snap");
  server.spoil = (message) => message;
  server.status = { code: 0, message: "" };
});

afterEach(() => rm(folder, { recursive: true }));

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
  return { code, out, err: err.replaceAll(folder, "FOLDER").replace(/\s+/g, " ") };
}

function save(...flags: readonly string[]) {
  return run("save", file, "--endpoints", server.endpoint, ...flags);
}

describe("snapshot save", () => {
  it("makes a file that is sound, and can be restored", async () => {
    const { code, out, err } = await save();
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`File      ${file}, `);
    expect(out).toContain("Verdict   sound\n");
    expect(await readdir(folder)).toEqual(["backup.snap"]);
    const bytes = await readFile(file);
    expect(bytes.equals(createSavedBytes(contentBytes))).toBe(true);
    const sum = createHash("sha256").update(bytes.subarray(0, -32)).digest();
    expect(sum.equals(bytes.subarray(-32))).toBe(true);
    expect((await run("status", file)).code).toBe(0);
    const directory = join(folder, "new");
    expect((await run("restore", file, "--data-dir", directory)).code).toBe(0);
  });

  it("replaces an older file only by a whole one, and forgets an interrupted one", async () => {
    await writeFile(file, "old");
    await writeFile(`${file}.part`, "left");
    server.spoil = (message, number) => (number === 2 ? message.map((byte) => byte ^ 1) : message);
    const spoilt = await save();
    expect(spoilt.code).toBe(1);
    expect(await readdir(folder)).toEqual(["backup.snap"]);
    expect(await readFile(file, "utf8")).toBe("old");
    server.spoil = (message) => message;
    expect(JSON.parse((await save("-o", "json")).out)).toMatchObject({
      ...{ file, damage: null, contents: { index: 2, term: 1, bytes: snapshot.length } },
    });
    expect((await run("status", file)).code).toBe(0);
  });

  it("notices one that ends before its end", async () => {
    for (const from of [0, 1, 3]) {
      server.spoil = (message, number) => {
        return number < from ? message : new Uint8Array(0); // a message without a blob
      };
      const { code, out, err } = await save();
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toContain("quorate: CORRUPT Cannot save a snapshot: what the member sent is ");
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it("gives a member up that says nothing any more", async () => {
    server.spoil = (message, number) => (number < 2 ? message : null);
    const { code, err } = await save("--command-timeout", "200ms");
    expect(code).toBe(3);
    expect(err).toContain(`quorate: TIMEOUT no answer from ${server.endpoint} within 200 ms`);
    expect(await readdir(folder)).toEqual([]);
  });

  it("tells what the member refused, and asks the next where nobody listens", async () => {
    server.status = { code: 13, message: "etcdserver: no snapshot" };
    expect((await save()).err).toBe("quorate: INTERNAL etcdserver: no snapshot ");
    server.status = { code: 0, message: "" };
    const both = `127.0.0.1:1,${server.endpoint}`;
    expect((await run("save", file, "--endpoints", both)).code).toBe(0);
    const nobody = await run("save", file, "--endpoints", "127.0.0.1:1");
    expect(nobody).toMatchObject({ code: 3 });
    expect(nobody.err).toContain("quorate: UNAVAILABLE no member answers");
  });

  it("says what it cannot write, before it asks anybody", async () => {
    const { count } = server;
    const nowhere = await run("save", join(folder, "none", "x"), "--endpoints", server.endpoint);
    expect(nowhere).toMatchObject({ code: 1, out: "" });
    expect(nowhere.err).toContain(
      "quorate: STORAGE_FAILED Cannot write FOLDER/none/x.part: ENOENT",
    );
    expect(server.count).toBe(count);
    await mkdir(file);
    const taken = await save();
    expect(taken.err).toContain("quorate: STORAGE_FAILED Cannot write FOLDER/backup.snap: ");
    expect(await readdir(folder)).toEqual(["backup.snap"]);
  });
});

describe("a snapshot as a stream", () => {
  it("counts down what is left, and is of the same bytes at every size", async () => {
    for (const size of [1, 486, 487, 998, 262_144, 400_000]) {
      const bytes = createSnapshotBytes(size);
      const reader = await openReader(bytes);
      const blobs: Uint8Array[] = [];
      let left = savedBytes(bytes.length);
      const send = async (message: Uint8Array): Promise<boolean> => {
        const { blob, remainingBytes } = decodeSnapshotResponse(message);
        left -= blob.length;
        expect(remainingBytes).toBe(left);
        blobs.push(blob);
        return true;
      };
      expect(await streamSnapshot(sourceOf(reader), header, { send })).toBe(true);
      expect(left).toBe(0);
      expect(Buffer.concat(blobs).equals(createSavedBytes(size))).toBe(true);
    }
  });

  it("ends early, without an error, when the client is gone", async () => {
    const reader = await openReader(snapshot);
    let sent = 0;
    const send = async (): Promise<boolean> => {
      sent++;
      return false;
    };
    expect(await streamSnapshot(sourceOf(reader), header, { send })).toBe(false);
    expect(sent).toBe(1);
  });
});

const header = { clusterId: 1n, memberId: 2n, revision: 3, raftTerm: 4 };
