/** Members of an older and a newer program in one cluster. */
import { describe, expect, it } from "vitest";
import { crc32 } from "../base/index.ts";
import { machine } from "../machine/index.ts";
import { createMemoryNetwork } from "../testing/memory-network.ts";
import { createNoDisk } from "../testing/no-disk.ts";
import { createSeededRandom } from "../testing/seeded-random.ts";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import { silentLogger } from "./logger.ts";
import { start } from "./node.ts";

const older = machine({
  version: 1,
  initial: () => ({ count: 0 }),
  commands: { put: (state) => ++state.count },
});
const newer = machine({
  version: 2,
  since: { take: 2 },
  initial: () => ({ count: 0 }),
  commands: { put: (state) => ++state.count, take: (state) => --state.count },
});

function createWorld() {
  const clock = createVirtualClock();
  const network = createMemoryNetwork({ clock });
  const settle = async <Value>(promise: Promise<Value>): Promise<Value> => {
    let isSettled = false;
    const done = () => {
      isSettled = true;
    };
    promise.then(done, done);
    for (let ms = 0; !isSettled && ms < 60_000; ms++) {
      clock.advance(1);
      for (let depth = 0; depth < 8; depth++) await Promise.resolve();
    }
    return await promise;
  };
  const options = (id: string, seed: number) => ({
    id,
    members: { a: "a:1", b: "b:1", c: "c:1" },
    logger: silentLogger,
    ports: {
      clock,
      crc32,
      random: createSeededRandom(seed),
      disk: createNoDisk(clock),
      network: network.endpoint(id),
    },
  });
  return { settle, options };
}

describe("I5: a newer program beside an older one", () => {
  it("has its new commands refused by an older leader, and nobody stops", async () => {
    const { settle, options } = createWorld();
    const old = { machines: { bank: older } };
    const a = await settle(start({ ...options("a", 1), ...old }));
    const b = await settle(start({ ...options("b", 2), ...old }));
    expect(await settle(a.machines.bank.put())).toBe(1); // a or b leads
    const c = await settle(start({ ...options("c", 3), machines: { bank: newer } }));
    const session = await settle(c.session({ timeoutMs: 30_000 }));
    let count = 1;
    for (const handle of [c.machines.bank, session.machines.bank]) {
      await expect(settle(handle.take())).rejects.toMatchObject({
        ...{ code: "NOT_ENABLED_YET", outcome: "not-applied" },
        details: { machine: "bank", version: 2, enabled: 1 },
      });
      count++;
      expect(await settle(handle.put())).toBe(count); // what the older ones know goes on
    }
    expect(await settle(b.machines.bank.put())).toBe(4);
    expect(await settle(c.machines.bank.read((state) => state.count))).toBe(4);
    expect(c.versions.list()).toMatchObject([{ machine: "bank", known: 2, enabled: 1 }]);
    await expect(settle(c.versions.enable())).rejects.toMatchObject({ code: "NOT_ENABLED_YET" });
    await settle(Promise.all([a.stop(), b.stop(), c.stop()]));
  });
});
