/** Servers that are killed with `kill -9` while clients put: nothing acknowledged is lost. */
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../../raft/test/support/wait.ts";
import { RpcError } from "../../src/rpc/index.ts";
import { put, range, ServerCluster, textOf } from "../support/server-cluster.ts";

let cluster: ServerCluster | null = null;

afterEach(async () => {
  await cluster?.dispose();
  cluster = null;
});

/** Clients that put keys which nobody else puts, through a member each, until they are ended. */
class Putters {
  /** Key to the revision that was answered. */
  readonly acknowledged = new Map<string, number>();
  readonly certainlyNot: string[] = [];
  unknown = 0;
  #isEnding = false;
  readonly #running: Promise<void>[];

  constructor(endpoints: readonly string[], clientsEach: number) {
    this.#running = endpoints.flatMap((endpoint, at) =>
      Array.from({ length: clientsEach }, (_, client) => this.#run(endpoint, `k${at}-${client}`)),
    );
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#running);
  }

  async #run(endpoint: string, client: string): Promise<void> {
    for (let number = 0; !this.#isEnding; number++) {
      const key = `${client}-${number}`;
      try {
        this.acknowledged.set(key, await put(endpoint, key));
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        if (error.failure.wasSent) this.unknown++;
        else this.certainlyNot.push(key);
        // A member that is down refuses at once: leave the processor to those that start.
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }
}

/** Every acknowledged key is there with the revision that was answered, and was put once. */
async function expectNothingLost(live: ServerCluster, putters: Putters): Promise<void> {
  const stores = await Promise.all(live.servers.map(({ endpoint }) => range(endpoint, "k")));
  const [first, ...others] = stores.map(({ kvs }) => kvs);
  const found = new Map((first ?? []).map((kv) => [textOf(kv.key), kv]));
  const wrong: string[] = [];
  for (const [key, revision] of putters.acknowledged) {
    if (found.get(key)?.modRevision !== revision) wrong.push(`${key} of revision ${revision}`);
  }
  expect(wrong).toEqual([]);
  expect([...found.values()].filter(({ version }) => version !== 1)).toEqual([]);
  expect(putters.certainlyNot.filter((key) => found.has(key))).toEqual([]);
  for (const other of others) expect(other).toEqual(first);
  expect(putters.acknowledged.size).toBeGreaterThan(100);
  const { acknowledged, certainlyNot, unknown } = putters;
  console.log(
    `  outcomes: ${acknowledged.size} acknowledged, ${certainlyNot.length} not sent, ` +
      `${unknown} unknown`,
  );
}

describe("three server processes under load", () => {
  it("keep what they acknowledged when leaders are killed, then all at once", async () => {
    const live = await ServerCluster.started();
    cluster = live;
    const putters = new Putters(
      live.servers.map(({ endpoint }) => endpoint),
      2,
    );
    const more = async (count: number): Promise<void> => {
      const goal = putters.acknowledged.size + count;
      await until(() => putters.acknowledged.size >= goal);
    };
    for (let round = 0; round < 3; round++) {
      await more(40);
      const victim = await live.leader();
      await victim.kill();
      await more(40);
      live.launch(victim.name);
      await live.ready();
    }
    await more(40);
    await Promise.all(live.servers.map((server) => server.kill()));
    live.launchAll();
    await live.ready();
    await more(40);
    await putters.end();
    await Promise.all(live.servers.map((server) => server.kill()));
    live.launchAll();
    await live.ready();
    await expectNothingLost(live, putters);
  });
});
