/** A load for system tests, and the check that nothing of what was acknowledged is lost. */
import { expect } from "vitest";
import { until } from "../../../raft/test/support/wait.ts";
import { RpcError } from "../../src/rpc/index.ts";
import { put, range, type ServerCluster, textOf } from "./server-cluster.ts";

/** Clients that put keys which nobody else puts, through a member each, until they are ended. */
export class Putters {
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

  /** Resolves when so many more are acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.size + count;
    await until(() => this.acknowledged.size >= goal);
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
export async function expectNothingLost(live: ServerCluster, putters: Putters): Promise<void> {
  const running = live.servers.filter(({ isGone }) => !isGone);
  const stores = await Promise.all(running.map(({ endpoint }) => range(endpoint, "k")));
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
