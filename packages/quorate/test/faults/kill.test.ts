/** Servers that are killed with `kill -9` while clients put: nothing acknowledged is lost. */
import { afterEach, describe, it } from "vitest";
import { expectNothingLost, Putters } from "../support/putters.ts";
import { ServerCluster } from "../support/server-cluster.ts";

let cluster: ServerCluster | null = null;

afterEach(async () => {
  await cluster?.dispose();
  cluster = null;
});

describe("three server processes under load", () => {
  it("keep what they acknowledged when leaders are killed, then all at once", async () => {
    const live = await ServerCluster.started();
    cluster = live;
    const putters = new Putters(
      live.servers.map(({ endpoint }) => endpoint),
      2,
    );
    for (let round = 0; round < 3; round++) {
      await putters.more(40);
      const victim = await live.leader();
      await victim.kill();
      await putters.more(40);
      live.launch(victim.name);
      await live.ready();
    }
    await putters.more(40);
    await Promise.all(live.servers.map((server) => server.kill()));
    live.launchAll();
    await live.ready();
    await putters.more(40);
    await putters.end();
    await Promise.all(live.servers.map((server) => server.kill()));
    live.launchAll();
    await live.ready();
    await expectNothingLost(live, putters);
  });
});
