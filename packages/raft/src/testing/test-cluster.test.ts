import { describe, expect, it } from "vitest";
import { machine, rawMachine } from "../machine/index.ts";
import { testCluster } from "./test-cluster.ts";

const bank = machine({
  version: 1,
  initial: () => ({ balance: {} as Record<string, number> }),
  commands: {
    deposit(state, { to, amount }: { to: string; amount: number }) {
      state.balance[to] = (state.balance[to] ?? 0) + amount;
      return state.balance[to];
    },
  },
});

const log = rawMachine(() => {
  const seen: string[] = [];
  return {
    seen,
    apply(command: Uint8Array) {
      seen.push(new TextDecoder().decode(command));
      return seen.length;
    },
  };
});

const bytes = (text: string) => new TextEncoder().encode(text);

describe.each(["real", "virtual"] as const)("a test cluster in %s time", (time) => {
  it("takes commands on any member and reads what was written", async () => {
    await using cluster = await testCluster({ machines: { bank, log }, time });
    for (const node of cluster.nodes) {
      const deposit = node.machines.bank.deposit({ to: "ann", amount: 5 });
      const balance = await cluster.settle(deposit);
      expect(balance).toBeGreaterThanOrEqual(5);
      const read = node.machines.bank.read((state) => state.balance["ann"]);
      expect(await cluster.settle(read)).toBe(balance);
    }
    const at = await cluster.settle(cluster.node("c").machines.log.propose(bytes("x")));
    expect(at).toBe(1);
    const seen = cluster.node("a").machines.log.read((one) => [...one.seen]);
    expect(await cluster.settle(seen)).toEqual(["x"]);
  });

  it("goes on without its leader, and waits for one until the deadline", async () => {
    await using cluster = await testCluster({ machines: { bank }, time });
    const first = await cluster.leader();
    await cluster.settle(first.machines.bank.deposit({ to: "bob", amount: 1 }));
    cluster.kill(first.id);
    const second = await cluster.leader();
    expect(await cluster.settle(second.machines.bank.deposit({ to: "bob", amount: 1 }))).toBe(2);
    cluster.kill(second.id);
    for (const last of cluster.nodes) {
      const lonely = last.machines.bank.deposit({ to: "bob", amount: 1 }, { timeoutMs: 100 });
      await expect(cluster.settle(lonely)).rejects.toMatchObject({ name: "QuorateError" });
    }
  });
});
