import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DirectoryLock, DiskError } from "../disk.ts";
import { lockDirectory } from "./directory-lock.ts";

const modulePath = fileURLToPath(new URL("directory-lock.ts", import.meta.url));

/** A process that waits for a line, takes the lock, says how it went, and stays. */
const program = `
  const { lockDirectory } = await import(${JSON.stringify(modulePath)});
  process.stdin.once("data", () => {
    lockDirectory(process.argv[1], (error) => {
      console.log(error === null ? "held" : error.code + " " + error.message);
    });
  });
  process.stdin.on("end", () => process.exit());
  console.log("ready");
`;

interface Starter {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly nextLine: () => Promise<string>;
  readonly go: () => void;
}

let directory = "";
let children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quorate-lock-"));
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map(kill));
  await rm(directory, { recursive: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

async function startProcess(path: string = directory): Promise<Starter> {
  const flags = ["--import", "tsx", "--input-type=module", "-e", program, path];
  const child = spawn(process.execPath, flags, { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => String((await lines.next()).value);
  expect(await nextLine()).toBe("ready");
  return { child, pid: child.pid ?? 0, nextLine, go: () => child.stdin.write("go\n") };
}

function lockHere(path: string = directory): Promise<DirectoryLock | DiskError> {
  return new Promise((resolve) => {
    lockDirectory(path, (error, lock) => resolve(error ?? (lock as DirectoryLock))); // one of both
  });
}

function release(lock: DirectoryLock | DiskError): Promise<void> {
  if (lock instanceof Error) throw lock;
  return new Promise((resolve) => lock.release(() => resolve()));
}

describe("the lock on a directory", () => {
  it("is held by one, and free again after the release", async () => {
    const lock = await lockHere();
    const refused = await lockHere();
    expect(refused).toMatchObject({ code: "ELOCKED" });
    expect(String(refused)).toContain(`process ${process.pid}`);
    await release(lock);
    await release(await lockHere());
    expect(await readdir(directory)).toEqual([]);
  });

  it("fits under any path", async () => {
    const { mkdir } = await import("node:fs/promises");
    const deep = join(directory, "d".repeat(200), "e".repeat(200));
    await mkdir(deep, { recursive: true });
    const lock = await lockHere(deep);
    expect(await lockHere(deep)).toMatchObject({ code: "ELOCKED" });
    await release(lock);
  });

  it("names a directory that is not there", async () => {
    expect(await lockHere(join(directory, "none"))).toMatchObject({ code: "ENOENT" });
  });

  it("refuses a second process and names the pid of the first", async () => {
    const owner = await startProcess();
    owner.go();
    expect(await owner.nextLine()).toBe("held");
    const refused = await lockHere();
    expect(String(refused)).toContain(
      `Cannot lock ${directory}: it is in use by process ${owner.pid}; stop that process`,
    );
  });

  it("is free at once after a kill -9, though the file is still there", async () => {
    const owner = await startProcess();
    owner.go();
    expect(await owner.nextLine()).toBe("held");
    await kill(owner.child);
    expect(await readdir(directory)).toHaveLength(1);
    await release(await lockHere());
    expect(await readdir(directory)).toEqual([]);
  });

  it("is not fooled by a left-over file whose pid lives again", async () => {
    const owner = await startProcess();
    owner.go();
    expect(await owner.nextLine()).toBe("held");
    await kill(owner.child);
    const { rename } = await import("node:fs/promises");
    const [name = ""] = await readdir(directory);
    const reused = name.replace(String(owner.pid), String(process.pid));
    await rename(join(directory, name), join(directory, reused));
    await release(await lockHere());
  });

  it("of a process that does not answer is still held", async () => {
    const owner = await startProcess();
    owner.go();
    expect(await owner.nextLine()).toBe("held");
    owner.child.kill("SIGSTOP");
    expect(await lockHere()).toMatchObject({ code: "ELOCKED" });
    owner.child.kill("SIGCONT");
  });

  it("goes to exactly one of eight processes that race for a dead one's", async () => {
    const dead = await startProcess();
    dead.go();
    expect(await dead.nextLine()).toBe("held");
    const starters = await Promise.all(Array.from({ length: 8 }, () => startProcess()));
    await kill(dead.child);
    for (const starter of starters) starter.go();
    const results = await Promise.all(starters.map((starter) => starter.nextLine()));
    expect(results.filter((result) => result === "held")).toHaveLength(1);
    expect(results.filter((result) => result.startsWith("ELOCKED"))).toHaveLength(7);
  });

  it("goes to exactly one of many in one process, every time", async () => {
    for (let round = 0; round < 20; round++) {
      const results = await Promise.all(Array.from({ length: 12 }, () => lockHere()));
      const held = results.filter((result) => !(result instanceof Error));
      expect(held).toHaveLength(1);
      for (const lock of held) await release(lock);
    }
  });
});
