import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DevCluster } from "../../src/cli/dev/dev-cluster.ts";
import { DevSession } from "../../src/cli/dev/dev-session.ts";
import { createLayout } from "../../src/cli/dev/layout.ts";
import { noColours } from "../../src/cli/output/colours.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { cliProgram, createFolder, findBasePort, isAlive, waitUntil } from "../support/cli.ts";

/** The keys of `quorate dev`, pressed without a terminal: the members are real processes. */

let folder: ReturnType<typeof createFolder>;
let said: string;
let cluster: DevCluster | null;

beforeEach(() => {
  folder = createFolder();
  said = "";
  cluster = null;
});

afterEach(async () => {
  await cluster?.stop();
  for (const { process } of cluster?.members ?? []) expect(isAlive(process.pid)).toBe(false);
  folder.remove();
});

const terminal: Terminal = {
  print: () => undefined,
  say: (text) => {
    said += text;
  },
  readInput: () => Promise.resolve(new Uint8Array()),
  readLines: () => Promise.resolve(),
  isInputPerson: true,
  isPrintPerson: true,
  isSayPerson: true,
  width: 80,
  printColours: noColours,
  sayColours: noColours,
  environment: {},
};

async function start(isMemory: boolean): Promise<{ cluster: DevCluster; session: DevSession }> {
  const session = new DevSession(terminal, true);
  const layout = createLayout(3, await findBasePort());
  const started = new DevCluster(layout, isMemory ? null : folder.path, session, cliProgram);
  cluster = started;
  await started.waitReady();
  session.begin(started);
  return { cluster: started, session };
}

describe("the keys of dev", () => {
  it("kill the leader, tell who leads next and after how long, and restart", async () => {
    const { cluster: members, session } = await start(false);
    const first = members.leader;
    session.onKey("k");
    expect(said).toBe(
      `  killed ${first?.layout.name}, the leader (pid ${first?.process.pid}, SIGKILL)\n`,
    );
    await waitUntil(() => / leads now, \d+ ms after the last leader died\n/.test(said));
    expect(members.leader).not.toBe(first);
    expect(members.dead).toEqual([first]);

    session.onKey("r");
    expect(said).toContain(`  restarting ${first?.layout.name}\n`);
    await waitUntil(() => said.includes(`  ${first?.layout.name} is up, pid `));
    expect(members.dead).toEqual([]);
    session.onKey("r");
    expect(said).toContain("  all members are running\n");
  });

  it("show and hide logs, help, and end", async () => {
    const { session } = await start(true);
    session.onKey("l");
    expect(said).toMatch(/^ {2}logs on, the last lines first:\n/);
    expect(said).toMatch(/\n[abc] \| \d\d:\d\d:\d\d\.\d{3} INFO {2}published [abc] with its/);
    session.onKey("l");
    expect(said).toMatch(/\n {2}logs off\n$/);
    said = "";
    session.onKey("h");
    expect(said).toBe("  k kill the leader   l logs   h help   q quit\n");
    session.onKey("x");
    session.onKey("q");
    expect(await session.ended).toBe("quit");
    expect(said).toMatch(/quit\n {2}stopping\n$/);
  });

  it("say why a member in memory cannot come back, and count what is left", async () => {
    const { cluster: members, session } = await start(true);
    session.onKey("k");
    session.onKey("r");
    expect(said).toContain(
      "  not with --memory: a member that forgot its votes would break promises\n",
    );
    await waitUntil(() => said.includes(" leads now, ") && members.dead.length === 1);
    session.onKey("k");
    expect(said).toContain("  1 of 3 left, 2 needed: only a new start helps\n");
    await waitUntil(() => members.dead.length === 2);
    session.onKey("k");
    expect(said).toContain("  nobody leads at the moment");
  });
});
