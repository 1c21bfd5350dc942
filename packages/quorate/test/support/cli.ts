/**
 * Runs the built command line as processes of its own: commands that end, and `quorate dev`. Ports
 * are a free range, waiting is for conditions, and only processes started here are stopped.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The built program. */
export const cliProgram: string = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a program to its end. */
export function runProgramFile(
  file: string,
  args: readonly string[],
  { input = "", cwd, environment = {} }: RunOptions = {},
): Promise<Finished> {
  const child = spawn(file, args, {
    env: { ...createEnvironment(), ...environment },
    stdio: ["pipe", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  child.stdin.on("error", () => undefined); // it may end without reading
  child.stdin.end(input);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout: stdout(), stderr: stderr() }));
  });
}

/** Runs `quorate` to its end. */
export function runCli(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return runProgramFile(process.execPath, [cliProgram, ...args], options);
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}

/** Without variables that would change what is tested. */
function createEnvironment(): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(ETCD|QUORATE|npm_)/.test(name));
  return { ...Object.fromEntries(kept), ETCDCTL_API: "3", NO_COLOR: "1" };
}

export interface DevMember {
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly pid: number;
  readonly dataDir: string | null;
}

export interface RunningDev {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly members: readonly DevMember[];
  /** `host:port` of all members. */
  readonly endpoints: readonly string[];
  /** All lines of stdout and stderr so far. */
  readonly lines: { readonly out: string[]; readonly err: string[] };
  /** Resolves with its end. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Asks it to stop and waits until it has; returns its exit code. */
  stop(): Promise<number | null>;
}

/**
 * Starts `quorate dev --json` and waits for its line. @throws Error with its output if it ends
 * before
 */
export async function startDev(
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunningDev> {
  const child = spawn(process.execPath, [cliProgram, "dev", "--json", ...args], {
    env: { ...createEnvironment(), ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const lines = { out: [] as string[], err: [] as string[] };
  const ended: RunningDev["ended"] = new Promise((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  createInterface({ input: child.stderr }).on("line", (line) => lines.err.push(line));
  const ready = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.out.push(line);
      resolve(line);
    });
  });
  const first = await Promise.race([ready, ended]);
  if (typeof first !== "string") {
    throw new Error(`quorate dev ended with code ${first.code}:\n${lines.err.join("\n")}`);
  }
  const { members } = parseReady(first);
  return {
    process: child,
    pid: child.pid ?? 0,
    members,
    endpoints: members.map(({ clientUrl }) => clientUrl.replace("http://", "")),
    lines,
    ended,
    stop: async () => {
      child.kill("SIGTERM");
      return (await ended).code;
    },
  };
}

/** The line that `dev --json` prints. */
export function parseReady(line: string): { readonly members: readonly DevMember[] } {
  // The tests that use it say what must be in it.
  return JSON.parse(line) as { readonly members: readonly DevMember[] };
}

/** Asks until the answer is yes; the test's own time limit ends it. */
export async function waitUntil(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Whether a process exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The first of a range of ports that were all free a moment ago, for `dev --base-port`. */
export async function findBasePort(nodes = 3): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 12_000);
    const ports = Array.from({ length: nodes }, (_, at) => [base + 10 * at, base + 10 * at + 1]);
    const free = await Promise.all(ports.flat().map(isFree));
    if (free.every((each) => each)) return base;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** A folder that is removed by the function returned with it. */
export function createFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "quorate-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
