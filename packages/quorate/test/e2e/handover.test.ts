/** Real processes under load: leaders that are asked to stop, and leadership that is moved. */
import { afterEach, describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { expectNothingLost, Putters } from "../support/putters.ts";
import { cli } from "../support/saved-state.ts";
import { ServerCluster } from "../support/server-cluster.ts";

let cluster: ServerCluster | null = null;

afterEach(async () => {
  await cluster?.dispose();
  cluster = null;
});

async function started(): Promise<{ live: ServerCluster; putters: Putters }> {
  const live = await ServerCluster.started();
  cluster = live;
  const putters = new Putters(
    live.servers.map(({ endpoint }) => endpoint),
    2,
  );
  await putters.more(40);
  return { live, putters };
}

describe("SIGTERM of the leader", () => {
  it("hands over before it stops; nothing that was acknowledged is lost", async () => {
    const { live, putters } = await started();
    for (let round = 0; round < 3; round++) {
      const leader = await live.leader();
      const others = live.servers.filter((server) => server !== leader);
      const before = others.map(({ text }) => text.length);
      await leader.terminate();
      expect(leader.exitCode).toBe(0);
      const [, to] = /has stepped down for ([abc]) \(asked\): stepped-down/.exec(leader.text) ?? [];
      const next = await live.leader();
      expect(next.name).toBe(to);
      // Whom the old one chose has won at once: nobody had to notice that it is gone.
      for (const [at, { text }] of others.entries()) {
        const news = text.slice(before[at]);
        expect(news).toContain(`${to} leads term`);
        expect(news).not.toContain("could not be reached any more");
      }
      await putters.more(40);
      live.launch(leader.name);
      await live.ready();
    }
    await putters.more(40);
    await putters.end();
    await expectNothingLost(live, putters);
  });

  it("of all members at once ends them all, soon", async () => {
    const { live, putters } = await started();
    await putters.end();
    const startedMs = performance.now();
    await Promise.all(live.servers.map((server) => server.terminate()));
    expect(live.servers.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });
});

describe("quorate move-leader", () => {
  it("moves the leadership to each in turn, under load; nothing is lost", async () => {
    const { live, putters } = await started();
    for (const { name, endpoint } of live.servers) {
      const text = await cli("move-leader", name, "--endpoints", endpoint);
      expect(text).toMatch(/^Leadership transferred from [0-9a-f]+ to [0-9a-f]+\n$/);
      expect((await live.leader()).name).toBe(name);
      await putters.more(20);
    }
    const { code, stderr } = await runCli([
      ...["move-leader", "x", "--endpoints", live.server("a").endpoint],
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain("quorate: MEMBER_UNKNOWN  there is no member x; there are a, b, c");
    await putters.more(40);
    await putters.end();
    await expectNothingLost(live, putters);
  });
});
