import { describe, expect, it } from "vitest";
import { QuorateError } from "../base/index.ts";
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

describe("a test cluster", () => {
  it("of three members is up in well under 100 ms of real time", async () => {
    const tookMs: number[] = [];
    for (let round = 0; round < 5; round++) {
      const startedMs = performance.now();
      await using cluster = await testCluster({ machines: { bank } });
      tookMs.push(performance.now() - startedMs);
      expect(cluster.nodes).toHaveLength(3);
    }
    const [, , median] = tookMs.sort((a, b) => a - b);
    expect(median).toBeLessThan(100);
  });

  it("repeats exactly by its seed in virtual time", async () => {
    const run = async (seed: number) => {
      await using cluster = await testCluster({ machines: { log }, time: "virtual", seed });
      const first = await cluster.leader();
      cluster.kill(first.id);
      const second = await cluster.leader();
      await cluster.settle(second.machines.log.propose(bytes("x")));
      return [first.id, second.id, second.term, JSON.stringify(second.status())];
    };
    for (const seed of [1, 2, 3]) expect(await run(seed)).toEqual(await run(seed));
  });

  it("settles what the killed was asked for, as far as it is known", async () => {
    await using cluster = await testCluster({ machines: { log }, time: "virtual" });
    const leader = await cluster.leader();
    const outcomeOf = (call: Promise<unknown>) =>
      call.then(
        () => "applied",
        (error: { code: string; outcome: string }) => `${error.code} ${error.outcome}`,
      );
    cluster.isolate(leader.id);
    const sent = outcomeOf(leader.machines.log.propose(bytes("sent")));
    const read = outcomeOf(leader.machines.log.read(({ seen }) => seen.length));
    await cluster.advance(1);
    const fresh = outcomeOf(leader.machines.log.propose(bytes("fresh")));
    cluster.kill(leader.id);
    const late = outcomeOf(leader.machines.log.propose(bytes("late")));
    expect(await cluster.settle(Promise.all([sent, read, fresh, late]))).toEqual([
      "STOPPED unknown",
      "STOPPED not-applied",
      "STOPPED not-applied",
      "STOPPED not-applied",
    ]);
    const next = await cluster.leader();
    expect(await cluster.settle(next.machines.log.propose(bytes("on")))).toBe(1);
  });

  it("goes on with a one-way cut, and after it", async () => {
    await using cluster = await testCluster({ machines: { log }, time: "virtual" });
    const leader = await cluster.leader();
    const other = cluster.nodes.find((node) => node !== leader);
    cluster.cut(leader.id, other?.id ?? "", { oneWay: true });
    await cluster.advance(500);
    const now = await cluster.leader();
    await cluster.settle(now.machines.log.propose(bytes("x"), { timeoutMs: 60_000 }));
    cluster.heal();
    const read = other?.machines.log.read(({ seen }) => [...seen], { timeoutMs: 60_000 });
    expect(await cluster.settle(read ?? Promise.resolve([]))).toEqual(["x"]);
  });

  it("stops as often as it is told to", async () => {
    const cluster = await testCluster({ machines: { log } });
    await cluster.stop();
    await cluster.stop();
    expect(cluster.nodes).toEqual([]);
  });
});

describe.each([["real"], ["virtual"]] as const)(
  "the members of a test cluster on %s time",
  (time) => {
    it("are added and removed, and learners promoted", async () => {
      await using cluster = await testCluster({ time, machines: { bank } });
      const { machines } = await cluster.leader();
      await cluster.settle(machines.bank.deposit({ to: "ann", amount: 1 }));
      const progress: number[] = [];
      const d = await cluster.add("d", { onProgress: ({ matched }) => progress.push(matched) });
      expect(d.status().members.map(({ id, role }) => `${id} ${role}`)).toEqual(
        ["a", "b", "c", "d"].map((id) => `${id} voter`),
      );
      expect(progress.length).toBeGreaterThan(0);
      await cluster.settle(d.machines.bank.deposit({ to: "ann", amount: 1 }));
      const e = await cluster.add("e", { learner: true });
      const listed = await cluster.settle(e.members.list());
      expect(listed.at(-1)).toMatchObject({ id: "e", role: "learner" });
      await cluster.settle(e.members.promote("e"));
      await cluster.settle(e.members.update("e", "e:5"));
      for (const id of ["a", "b"]) await cluster.remove(id);
      const left = await cluster.leader();
      expect(left.status().members.map(({ id }) => id)).toEqual(["c", "d", "e"]);
      const balance = left.machines.bank.read((state) => state.balance["ann"]);
      expect(await cluster.settle(balance)).toBe(2);
    });

    it("refuse with codes", async () => {
      await using cluster = await testCluster({ time });
      const { members } = await cluster.leader();
      const codeOf = async (call: Promise<unknown>): Promise<string> => {
        try {
          await cluster.settle(call);
          return "none";
        } catch (error) {
          return error instanceof QuorateError ? error.code : String(error);
        }
      };
      expect(await codeOf(members.promote("x"))).toBe("MEMBER_UNKNOWN");
      expect(await codeOf(members.promote("a"))).toBe("none"); // it is what it shall be
      expect(await codeOf(members.add("a", "elsewhere:1"))).toBe("MEMBER_EXISTS");
      expect(await codeOf(members.add("d", "a:1"))).toBe("ADDRESS_TAKEN");
      expect(await codeOf(members.add("d", "d:4", { autoPromote: false }))).toBe("none");
      expect(await codeOf(members.add("x y", "d:4"))).toBe("BAD_CONFIG");
      expect(await codeOf(members.add("d", "d"))).toBe("BAD_CONFIG");
      expect(await codeOf(members.add("d", "d:0"))).toBe("BAD_CONFIG");
      expect(await codeOf(members.change([]))).toBe("BAD_CONFIG");
      expect(await codeOf(members.add("f", "f:6", { timeoutMs: 30 }))).toBe("TIMEOUT");
      const signal = AbortSignal.abort("enough");
      expect(await codeOf(members.remove("b", { signal }))).toBe("ABORTED");
      expect(await codeOf(members.replace("c", "g", "g:7", { timeoutMs: 30 }))).toBe("TIMEOUT");
      expect(await codeOf(members.replace("f", "h", "h:8"))).toBe("none");
    });
  },
);
