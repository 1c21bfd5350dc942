/**
 * Sessions as programs use them, on a cluster in memory and virtual time: members die and are cut
 * off while a client counts, and the count is exact. A run repeats by its seed.
 */
import { describe, expect, expectTypeOf, it } from "vitest";
import { isQuorateError, type Outcome, type QuorateError } from "../base/index.ts";
import { machine, rawMachine, sessionLimits } from "../machine/index.ts";
import { createSeededRandom, type SeededRandom } from "../testing/seeded-random.ts";
import { type TestCluster, testCluster } from "../testing/test-cluster.ts";
import type { Node } from "./node.ts";
import type { Session } from "./session.ts";

const counter = machine({
  version: 1,
  initial: () => ({ count: 0 }),
  commands: {
    increment: (state) => ++state.count,
    refuse() {
      throw new Error("refused");
    },
  },
});
const journal = rawMachine(() => {
  const texts: string[] = [];
  return {
    texts,
    apply: (command: Uint8Array) => texts.push(new TextDecoder().decode(command)),
  };
});
const machines = { counter, journal };
type Declared = typeof machines;
type Cluster = TestCluster<Declared>;

const bytes = (text: string) => new TextEncoder().encode(text);
const patient = { timeoutMs: 600_000 };

function startCluster(members: number, seed = 1): Promise<Cluster> {
  return testCluster({ machines, members, time: "virtual", seed });
}

function open(cluster: Cluster, node: Node<Declared>, ttlMs = 60_000): Promise<Session<Declared>> {
  return cluster.settle(node.session({ ttlMs, ...patient }));
}

/** Kills two of five at most, never the client's own member `a`; cuts whomever. */
async function disturb(cluster: Cluster, random: SeededRandom): Promise<void> {
  const { nodes } = cluster;
  const one = nodes[random.below(nodes.length)];
  const leader = nodes.find((node) => node.status().role === "leader") ?? one;
  if (one === undefined || leader === undefined) return;
  switch (random.below(8)) {
    case 0:
      if (nodes.length > 3 && one.id !== "a") cluster.kill(one.id);
      break;
    case 1:
      if (nodes.length > 3 && leader.id !== "a") cluster.kill(leader.id);
      break;
    case 2:
    case 3:
      cluster.isolate(leader.id);
      break;
    case 4:
      cluster.isolate("a");
      break;
    case 5:
      if (one.id !== "a") cluster.cut("a", one.id, { oneWay: random.below(2) === 0 });
      break;
    default:
      cluster.heal();
  }
  await cluster.advance(random.below(60));
}

type Answer = number | Outcome;

/** 60 increments by a client on member `a`, up to ten at a time; the count in the end. */
async function count(seed: number, isOnce: boolean) {
  await using cluster = await startCluster(5, seed);
  const random = createSeededRandom(seed);
  const client = cluster.node("a");
  const session = isOnce ? await open(cluster, client) : null;
  const handle = session?.machines ?? client.machines;
  const answers: Promise<Answer>[] = [];
  while (answers.length < 60) {
    for (let burst = random.below(10); burst >= 0; burst--) {
      const answer = handle.counter.increment(undefined, patient);
      answers.push(answer.catch((error: QuorateError) => error.outcome));
    }
    await disturb(cluster, random);
  }
  cluster.heal();
  const settled = await cluster.settle(Promise.all(answers));
  const total = await cluster.settle(client.machines.counter.read((s) => s.count, patient));
  return { settled, total };
}

const seeds = Array.from({ length: 20 }, (_, i) => i + 1);

describe("I3: a client that counts while members die and are cut off", () => {
  it.each(seeds)("seed %d: counts exactly through a session", async (seed) => {
    const { settled, total } = await count(seed, true);
    expect(total).toBe(settled.length);
    const numbers = settled.map(Number).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: total }, (_, i) => i + 1));
  });

  it("without a session is told honestly that it does not know", async () => {
    let unknown = 0;
    for (const seed of seeds.slice(0, 8)) {
      const { settled, total } = await count(seed, false);
      const applied = settled.filter((answer) => typeof answer === "number").length;
      const open = settled.filter((answer) => answer === "unknown").length;
      expect(total).toBeGreaterThanOrEqual(applied);
      expect(total).toBeLessThanOrEqual(applied + open);
      unknown += open;
    }
    expect(unknown).toBeGreaterThan(0);
  });

  it("repeats by its seed", async () => {
    expect(await count(3, true)).toEqual(await count(3, true));
  });
});

/** Never runs: only its types count. */
async function typesOnly(node: Node<Declared>): Promise<void> {
  const session = await node.session();
  expectTypeOf(session.machines).toEqualTypeOf(node.machines);
  expectTypeOf(await session.machines.counter.increment()).toEqualTypeOf<number>();
}
void typesOnly;

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "applied",
    (error: QuorateError) => `${error.code} ${error.outcome}`,
  );

describe("a session", () => {
  it("serves typed and raw machines, reads and failures like the node", async () => {
    await using cluster = await startCluster(3);
    for (const node of cluster.nodes) {
      const session = await open(cluster, node);
      const before = await cluster.settle(session.machines.counter.read((s) => s.count));
      expect(await cluster.settle(session.machines.counter.increment())).toBe(before + 1);
      expect(await cluster.settle(session.machines.journal.propose(bytes(node.id)))).toBe(
        before + 1,
      );
      expect(await cluster.settle(codeOf(session.machines.counter.refuse()))).toBe(
        "COMMAND_FAILED not-applied",
      );
      await cluster.settle(session.close());
    }
    const texts = cluster.node("b").machines.journal.read(({ texts }) => [...texts]);
    expect(await cluster.settle(texts)).toEqual(["a", "b", "c"]);
  });

  it("outlives many times its ttl while its member runs, also without commands", async () => {
    await using cluster = await startCluster(3);
    const session = await open(cluster, cluster.node("b"), 200);
    await cluster.advance(3000);
    cluster.kill((await cluster.leader()).id === "b" ? "a" : (await cluster.leader()).id);
    await cluster.advance(1000);
    expect(await cluster.settle(session.machines.counter.increment(undefined, patient))).toBe(1);
    expect(session.state).toBe("open");
  });

  it("that was silent for its ttl has expired: its commands are not applied", async () => {
    await using cluster = await startCluster(3);
    const lonely = cluster.nodes.find((node) => node.status().role !== "leader");
    const other = cluster.nodes.find((node) => node !== lonely);
    if (lonely === undefined || other === undefined) throw new Error("three members run");
    const session = await open(cluster, lonely, 200);
    let heard = 0;
    session.onExpired(() => {
      heard++;
      throw new Error("a listener is a guest");
    });
    const busy = await open(cluster, other, 200);
    cluster.isolate(lonely.id);
    await cluster.advance(1000);
    expect(busy.state).toBe("open");
    expect(session.state).toBe("open"); // nobody has told it
    cluster.heal();
    const late = session.machines.counter.increment(undefined, patient);
    await expect(cluster.settle(late)).rejects.toSatisfy(
      (error) =>
        isQuorateError(error, "SESSION_EXPIRED") &&
        error.outcome === "not-applied" &&
        error.details.session === session.id &&
        error.details.sequence === 1,
    );
    expect([session.state, heard]).toEqual(["expired", 1]);
    expect(await cluster.settle(codeOf(session.machines.counter.increment()))).toBe(
      "SESSION_EXPIRED not-applied",
    );
    await cluster.settle(session.close());
    expect(await cluster.settle(busy.machines.counter.increment())).toBe(1);
  });

  it("I4: does not expire while there is no leader, however long", async () => {
    await using cluster = await startCluster(3);
    const session = await open(cluster, cluster.node("a"), 200);
    for (const { id } of cluster.nodes) cluster.isolate(id);
    await cluster.advance(5000);
    cluster.heal();
    expect(await cluster.settle(session.machines.counter.increment(undefined, patient))).toBe(1);
  });

  it("closes when all that is under way is answered, and takes no more", async () => {
    await using cluster = await startCluster(3);
    const session = await open(cluster, cluster.node("a"));
    const last = session.machines.counter.increment();
    const closed = Promise.all([session.close(), session.close()]);
    expect(session.state).toBe("closing");
    expect(await cluster.settle(codeOf(session.machines.counter.increment()))).toBe(
      "SESSION_EXPIRED not-applied",
    );
    expect(await cluster.settle(last)).toBe(1);
    await cluster.settle(closed);
    expect(session.state).toBe("closed");
    await cluster.settle(session.close());
  });

  it("I7: settles with its node, and closes without it", async () => {
    await using cluster = await startCluster(3);
    const follower = cluster.nodes.find((node) => node.status().role !== "leader");
    if (follower === undefined) throw new Error("three members run");
    const session = await open(cluster, follower);
    cluster.isolate(follower.id);
    const sent = codeOf(session.machines.counter.increment());
    await cluster.advance(1);
    const fresh = codeOf(session.machines.counter.increment());
    const closed = session.close();
    cluster.kill(follower.id);
    const late = codeOf(session.machines.counter.increment());
    expect(await cluster.settle(Promise.all([sent, fresh, late]))).toEqual([
      "STOPPED unknown",
      "STOPPED not-applied",
      "STOPPED not-applied",
    ]);
    await cluster.settle(closed);
    expect(session.state).toBe("closed");
    await expect(cluster.settle(follower.session())).rejects.toMatchObject({ code: "STOPPED" });
  });

  it("I7: does not say NO_QUORUM, which is not applied, of what was sent before", async () => {
    await using cluster = await startCluster(3);
    const follower = cluster.nodes.find((node) => node.status().role !== "leader");
    if (follower === undefined) throw new Error("three members run");
    const session = await open(cluster, follower);
    cluster.isolate(follower.id);
    const sent = codeOf(session.machines.counter.increment(undefined, { timeoutMs: 3000 }));
    await cluster.advance(2000);
    expect(follower.status().leader).toBeNull();
    const fresh = codeOf(session.machines.counter.increment(undefined, { timeoutMs: 1000 }));
    expect(await cluster.settle(Promise.all([sent, fresh]))).toEqual([
      "TIMEOUT unknown",
      "NO_QUORUM not-applied",
    ]);
  });

  it("has limits that it names", async () => {
    await using cluster = await startCluster(1);
    const node = cluster.node("a");
    for (const ttlMs of [99, 1.5, Number.NaN, sessionLimits.ttlMsMax + 1]) {
      await expect(cluster.settle(node.session({ ttlMs }))).rejects.toMatchObject({
        code: "BAD_CONFIG",
        details: { option: "ttlMs", value: String(ttlMs) },
      });
    }
    const session = await open(cluster, node);
    const { windowMax, sessionsMax } = sessionLimits;
    const all = Array.from({ length: windowMax + 1 }, () =>
      codeOf(session.machines.counter.increment()),
    );
    const answers = await cluster.settle(Promise.all(all));
    expect(answers.pop()).toBe("OVERLOADED not-applied");
    expect(new Set(answers)).toEqual(new Set(["applied"]));
    expect(await cluster.settle(session.machines.counter.increment())).toBe(windowMax + 1);
    const more = Array.from({ length: sessionsMax }, () => codeOf(node.session(patient)));
    const opened = await cluster.settle(Promise.all(more));
    expect(opened.filter((one) => one !== "applied")).toEqual(["OVERLOADED not-applied"]);
  });
});
