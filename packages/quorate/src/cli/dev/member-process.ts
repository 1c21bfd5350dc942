/** One member as a child process: what it says, what it logs, and its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { clientUrlOf, type Layout, type MemberLayout, peerUrlOf } from "./layout.ts";
import { devVariable, type MemberMessage, parseMemberMessage } from "./member-message.ts";

export interface MemberEvents {
  onMessage(message: MemberMessage): void;
  /** A line of its log, as it came. */
  onLine(line: string): void;
  onEnd(end: MemberEnd): void;
}

export interface MemberEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Lines of the log that are kept, to show when it dies. */
const linesMax = 5;
/** The program that members run: beside this folder, where it is built. */
export const memberProgram: string = fileURLToPath(new URL("../main.js", import.meta.url));

export interface MemberStart {
  readonly program: string;
  readonly layout: Layout;
  readonly own: MemberLayout;
  /** Null: in memory. */
  readonly dataDir: string | null;
}

export class MemberProcess {
  readonly pid: number;
  /** Settles when the process is gone. */
  readonly ended: Promise<void>;
  isRunning = true;
  readonly lastLines: string[] = [];
  readonly #child: ChildProcess;

  constructor(start: MemberStart, events: MemberEvents) {
    this.#child = spawn(process.execPath, [start.program, ...argumentsOf(start)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: createEnvironment(),
      // A group of its own: Ctrl-C is for us, and we tell the members.
      detached: true,
    });
    this.pid = this.#child.pid ?? 0;
    this.#child.on("message", (value) => {
      const message = parseMemberMessage(value);
      if (message !== null) events.onMessage(message);
    });
    this.#readLines(events);
    this.ended = new Promise((resolve) => {
      const finish = (end: MemberEnd): void => {
        if (!this.isRunning) return;
        this.isRunning = false;
        events.onEnd(end);
        resolve();
      };
      // After the pipe is read to its end: the last lines tell why.
      this.#child.on("close", (code, signal) => finish({ code, signal }));
      this.#child.on("error", (error) => {
        this.#keep(error.message);
        if (this.#child.pid === undefined) finish({ code: null, signal: null });
      });
    });
  }

  /** SIGTERM asks for a clean stop, SIGKILL does not ask. */
  kill(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.isRunning) this.#child.kill(signal);
  }

  #readLines(events: MemberEvents): void {
    const { stderr } = this.#child;
    if (stderr === null) return;
    createInterface({ input: stderr }).on("line", (line) => {
      this.#keep(line);
      events.onLine(line);
    });
  }

  #keep(line: string): void {
    this.lastLines.push(line);
    if (this.lastLines.length > linesMax) this.lastLines.shift();
  }
}

function argumentsOf({ layout, own, dataDir }: MemberStart): string[] {
  const cluster = layout.map((member) => `${member.name}=${peerUrlOf(member)}`).join(",");
  return [
    "server",
    ["--name", own.name],
    dataDir === null ? ["--memory"] : ["--data-dir", dataDir],
    ["--listen-client-urls", clientUrlOf(own)],
    ["--listen-peer-urls", peerUrlOf(own)],
    ["--initial-cluster", cluster],
    ["--initial-cluster-token", "quorate-dev"],
  ].flat();
}

/** Without etcd's variables: they would set flags that are not given here. */
function createEnvironment(): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("ETCD_"));
  return { ...Object.fromEntries(kept), [devVariable]: "1" };
}
