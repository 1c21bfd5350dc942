import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { freePorts } from "../../packages/raft/test/support/free-ports.ts";

const file = fileURLToPath(new URL("member.ts", import.meta.url));

/** A member in its own process, spoken to in lines. */
class BankMember {
  readonly id: string;
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  leader: string | null = null;
  #wake: () => void = () => undefined;

  constructor(id: string, ports: readonly number[], folder: string) {
    this.id = id;
    this.process = spawn(process.execPath, ["--import", "tsx", file, id, ports.join(","), folder], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const output = this.process.stdout;
    if (output === null) throw new Error("the member has no output");
    createInterface({ input: output }).on("line", (line) => {
      const leader = /^leader (\S+)/.exec(line)?.[1];
      if (leader === undefined) this.lines.push(line);
      else this.leader = leader === "none" ? null : leader;
      this.#wake();
    });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Types a line and returns what the member answers. */
  async ask(line: string): Promise<string> {
    const before = this.lines.length;
    this.process.stdin?.write(`${line}\n`);
    await this.until(() => this.lines.length > before);
    return this.lines[before] ?? "";
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.process.once("exit", () => resolve()));
    this.process.kill("SIGKILL");
    await ended;
  }
}

describe("the bank example, three real processes", () => {
  const members = new Map<string, BankMember>();
  const folder = mkdtempSync(join(tmpdir(), "quorate-bank-"));

  afterEach(async () => {
    for (const member of members.values()) await member.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const member = (id: string): BankMember => {
    const found = members.get(id);
    if (found === undefined) throw new Error(`there is no member ${id}`);
    return found;
  };

  it("keeps what was acknowledged when the leader is killed and all are restarted", async () => {
    const ports = await freePorts(3);
    const launch = (id: string) => members.set(id, new BankMember(id, ports, folder));
    for (const id of ["a", "b", "c"]) launch(id);
    expect(await member("a").ask("deposit ann 10")).toBe("10");
    expect(await member("b").ask("move ann bob 3")).toBe("moved");
    expect(await member("c").ask("move ann bob 30")).toBe("refused: ann has 7");

    await member("b").until(() => member("b").leader !== null);
    const leader = member("b").leader ?? "";
    await member(leader).kill();
    const survivor = member(leader === "a" ? "b" : "a");
    await survivor.until(() => survivor.leader !== null && survivor.leader !== leader);
    expect(await survivor.ask("balance bob")).toBe("3");

    for (const id of ["a", "b", "c"]) await member(id).kill();
    for (const id of ["a", "b", "c"]) launch(id);
    expect(await member("c").ask("balance ann")).toBe("7");
  });
});
