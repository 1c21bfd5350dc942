/** Child processes of a benchmark: started, spoken to by messages, stopped by pid. */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export function startProcess(file: string, args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), [...args], {
    execArgv: ["--import", "tsx", ...(process.env["BENCH_NODE_ARGS"]?.split(" ") ?? [])],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

/** Resolves with the next message that has the field. Rejects when the process ends before. */
export function nextMessage<Value>(child: ChildProcess, field: string): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      if (typeof message !== "object" || message === null || !(field in message)) return;
      off();
      resolve((message as Record<string, Value>)[field] as Value); // our own child's word
    };
    const onExit = (code: number | null): void => {
      off();
      reject(new Error(`process ${child.pid} ended with ${code} before it said ${field}`));
    };
    const off = (): void => {
      child.off("message", onMessage);
      child.off("exit", onExit);
    };
    child.on("message", onMessage);
    child.on("exit", onExit);
  });
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  // They end by themselves when they are let go, and then write the profiles that were asked for.
  if (child.connected) child.disconnect();
  else child.kill("SIGKILL");
  await ended;
}

/** A folder below the system's temporary one, removed after `run`. */
export async function withTemporaryFolder<Value>(
  run: (folder: string) => Promise<Value>,
): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), "quorate-bench-"));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
