/** Members of running processes are added, promoted, replaced and removed under load. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../../raft/test/support/wait.ts";
import { runCli } from "../support/cli.ts";
import { expectNothingLost, Putters } from "../support/putters.ts";
import { ServerCluster, type ServerProcess } from "../support/server-cluster.ts";

let cluster: ServerCluster | null = null;

afterEach(async () => {
  await cluster?.dispose();
  cluster = null;
});

const endpointsOf = (live: ServerCluster): string =>
  live.servers
    .filter(({ isGone }) => !isGone)
    .map(({ endpoint }) => endpoint)
    .join(",");

/** What `quorate member …` prints; it must end with 0. */
async function member(live: ServerCluster, ...args: string[]): Promise<string> {
  const flags = ["--endpoints", endpointsOf(live), "--command-timeout", "10s"];
  const { code, stdout, stderr } = await runCli(["member", ...args, ...flags]);
  if (code !== 0) throw new Error(`member ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}

interface Listed {
  readonly name: string;
  readonly role: string;
}

/** `a voter, b voter`, as a majority knows it. */
async function rolesOf(live: ServerCluster): Promise<string> {
  const text = await member(live, "list", "--wide", "--json");
  const { members } = JSON.parse(text) as { members: Listed[] }; // the tests say what is in it
  return members
    .map(({ name, role }) => `${name} ${role}`)
    .sort()
    .join(", ");
}

const voters = (names: string): string => [...names].map((name) => `${name} voter`).join(", ");

async function relaunch(live: ServerCluster, name: string): Promise<ServerProcess> {
  const server = "abc".includes(name) ? live.launch(name) : live.launchJoining(name);
  await live.ready([server]);
  return server;
}

describe("server processes under load", () => {
  it("are added, promoted, replaced, removed; what was acknowledged is there once", async () => {
    const live = await ServerCluster.started();
    cluster = live;
    const putters = new Putters(
      live.servers.map(({ endpoint }) => endpoint),
      2,
    );
    await putters.more(40);

    // Announced, then started; it votes when it has caught up.
    const added = await member(live, "add", "d", "--address", live.peerAddress("d"));
    expect(added).toMatch(/^d is a learner at .*, and becomes a voter when it has caught up\n$/);
    live.launchJoining("d");
    const again = ["add", "d", "--peer-urls", live.peerUrl("d"), "--wait"];
    expect(await member(live, ...again)).toMatch(/d is a voter\n$/);
    await putters.more(40);

    // Started, then added, as a learner that is promoted by hand.
    live.launchJoining("e");
    await member(live, "add", "e", "--learner", "--address", live.peerAddress("e"));
    await until(() => member(live, "promote", "e"));
    expect(await rolesOf(live)).toBe(voters("abcde"));
    await putters.more(40);

    // The leader dies while f learns; whoever leads then finishes the replacement.
    await member(live, "replace", "b", "f", "--address", live.peerAddress("f"));
    const b = live.server("b");
    const victim = await live.leader();
    await victim.kill();
    live.launchJoining("f");
    await until(async () => (await rolesOf(live)) === voters("acdef"));
    if (victim.name !== "b") await relaunch(live, victim.name);
    else live.launch("b");
    await live.server("b").ended;
    expect(live.server("b").text).toContain("MEMBER_REMOVED");
    if (victim !== b) expect(b.exitCode).toBe(1);
    await putters.more(40);

    // The leader leaves.
    const leader = await live.leader();
    await until(() => member(live, "remove", leader.name));
    await leader.ended;
    expect(leader.text).toContain("MEMBER_REMOVED");
    const left = [..."acdef"].filter((name) => name !== leader.name);
    await until(async () => (await rolesOf(live)) === voters(left.join("")));
    await putters.more(40);

    // All at once, and back.
    await Promise.all(live.servers.map((server) => server.kill()));
    await Promise.all(left.map((name) => relaunch(live, name)));
    expect(await rolesOf(live)).toBe(voters(left.join("")));
    await putters.more(40);
    await putters.end();
    await expectNothingLost(live, putters);
  });

  it("refuses with the arithmetic what would cost the majority, and a wiped disk", async () => {
    const live = await ServerCluster.started();
    cluster = live;
    await live.server("c").kill();
    rmSync(join(live.folder, "c"), { recursive: true });
    const wiped = live.launch("c");
    await wiped.ended;
    expect(wiped.text.replace(/\s+/g, " ")).toContain(
      "Run: quorate member replace c NEW --address HOST:PORT",
    );
    const endpoints = ["--endpoints", endpointsOf(live)];
    const refused = await until(async () => {
      const done = await runCli(["member", "remove", "b", ...endpoints]);
      return done.stderr.includes("WOULD_LOSE_QUORUM") ? done : null;
    });
    expect(refused.code).toBe(1);
    expect(refused.stderr.replace(/\s+/g, " ")).toContain(
      "1 of 2 voters are ready, 2 needed after the change (c silent) " +
        "The members were not changed. Start who is missing.",
    );
    expect(await rolesOf(live)).toBe(voters("abc"));
    const unknown = await runCli(["member", "remove", "x", ...endpoints]);
    expect(unknown.stderr).toContain("MEMBER_UNKNOWN  there is no member x; there are a, b, c");
    await member(live, "remove", "c");
    expect(await rolesOf(live)).toBe(voters("ab"));
    const back = live.launch("c");
    await back.ended;
    expect(back.text).toContain("MEMBER_REMOVED");
  });
});
