/** The events that say what happened, on leaders and followers, and the log lines beside them. */
import { describe, expect, it } from "vitest";
import { NodeWorld } from "../../../test/node/node-world.ts";
import { logIndex, persistUnit } from "../../base/index.ts";
import { Witness } from "./witness.ts";

const fresh = { members: ["a", "b", "c"] };

describe("elections", () => {
  it("are one event and one line on every member, with why, votes and duration", () => {
    const world = new NodeWorld(fresh).startAll();
    const first = world.leader();
    world.clock.advance(200);
    first.kill();
    const next = world.leader(first.id);
    world.clock.advance(100);
    const other = [...world.running.values()].find((one) => one !== next);
    for (const one of [next, other]) {
      const election = one?.events.election.at(-1);
      expect(election).toMatchObject({
        leader: next.id,
        previous: { id: first.id },
        why: one === next ? "leader-gone" : "newer-term",
        votedFor: next.id,
      });
      expect(election?.silentMs).toBeLessThan(100); // nobody waits for an election timeout
      expect(election?.durationMs).toBeLessThan(200);
      const lines = one?.log.filter((line) => line.includes("without a leader")) ?? [];
      expect(lines.at(-1)).toContain(`${next.id} leads term ${election?.term} after `);
    }
    const own = next.events.election.at(-1);
    expect(own?.campaigns.map(({ pre, outcome }) => [pre, outcome])).toEqual([
      [true, "won"],
      [false, "won"],
    ]);
    expect(own?.campaigns.at(-1)).toMatchObject({
      needed: 2,
      granted: [other?.id, next.id].sort(),
    });
    expect(own?.campaigns.at(-1)?.silent).toEqual([first.id]);
    expect(next.log.join("\n")).toMatch(
      /at last campaign in term \d+: 2 of 2 votes \([abc], [abc]\)/,
    );
    expect(other?.events.election.at(-1)?.campaignCount).toBe(other?.events.campaign.length);
  });

  it("a campaign that the others refuse names them and why", () => {
    const world = new NodeWorld(fresh).startAll();
    const leader = world.leader();
    const lonely = world.follower();
    world.clock.advance(100);
    world.network.cut(leader.id, lonely.id, { oneWay: true, mode: "stall" });
    world.clock.advance(400);
    const other = world.ids.find((id) => id !== leader.id && id !== lonely.id);
    expect(lonely.events.campaign[0]).toMatchObject({
      ...{ pre: true, outcome: "timed-out", granted: [lonely.id], silent: [leader.id] },
      refused: [{ id: other, why: "leader-alive" }],
    });
    expect(lonely.log.join("\n")).toMatch(
      /debug [abc] ended a PreVote for .*[abc] refused \(leader-alive\); [abc] did not/,
    );
  });
});

describe("commitment and peers", () => {
  it("a stall is told once with who holds it, and its end", () => {
    const limits = { electionMs: 1000, stallMs: 200 };
    const world = new NodeWorld({ ...fresh, limits }).startAll();
    const leader = world.leader();
    world.clock.advance(300);
    expect(leader.events.commit).toEqual([]);
    const others = world.ids.filter((id) => id !== leader.id);
    for (const id of others) world.network.cut(leader.id, id);
    world.propose(leader.id, "x", 10_000);
    world.clock.advance(500);
    expect(leader.events.commit).toMatchObject([{ kind: "stalled", waiting: 1, heldBy: others }]);
    world.heal();
    world.clock.advance(3000);
    expect(leader.events.commit.map(({ kind }) => kind)).toEqual(["stalled", "resumed"]);
    expect(leader.log.join("\n")).toContain(`it waits for ${others[0]} and ${others[1]}`);
  });

  it("a peer's way from replicating to unreachable and back is told, not each flicker", () => {
    const world = new NodeWorld(fresh).startAll();
    const leader = world.leader();
    const peer = world.follower();
    world.settle(world.propose(leader.id, "x"));
    world.clock.advance(500);
    for (let i = 0; i < 50; i++) world.settle(world.propose(leader.id, `${i}`));
    world.network.cut(leader.id, peer.id, { mode: "drop" });
    world.clock.advance(300);
    world.heal();
    world.clock.advance(3000);
    const told = leader.events.replication.filter(({ id }) => id === peer.id);
    expect(told.map(({ was, state }) => [was, state])).toEqual([
      [null, "replicating"],
      ["replicating", "unreachable"],
      ["unreachable", "replicating"],
    ]);
  });
});

describe("the disk", () => {
  it("is told to be slow while a unit takes long, and to have recovered, once each", () => {
    const { raft } = new NodeWorld({ members: ["a"] }).start("a").member;
    const told: string[] = [];
    let nowMs = 0;
    const witness = new Witness({
      ...{ raft, limits: { tickMs: 10, heartbeatMs: 100, stallMs: 1e9, slowStorageMs: 500 } },
      nowMs: () => nowMs,
      isConnected: () => true,
      onUnitDurable: () => {},
      tell: (name, _event, { level, text }) => told.push(`${name} ${level} ${text}`),
    });
    const persist = (unit: number) =>
      witness.onPersist({
        ...{ kind: "persist", unit: persistUnit(unit), hardState: null, truncateFrom: null },
        ...{ entries: [], commit: logIndex(1) },
      });
    const tick = (atMs: number) => {
      nowMs = atMs;
      witness.onStep({ kind: "tick", nowMs, jitter: 0 });
    };
    for (const unit of [1, 2]) persist(unit);
    for (const atMs of [10, 499, 500, 900]) tick(atMs);
    expect(told).toEqual([
      "storage warn the disk is slow: it has been writing unit 1 (0 entries, 0 bytes) for 500 ms",
    ]);
    nowMs = 1300;
    witness.onDurable(persistUnit(2));
    tick(2000);
    expect(told.slice(1)).toEqual([
      "storage info the disk has written unit 1 (0 entries, 0 bytes), after 1.3 s",
    ]);
    expect(witness.units).toEqual([]);
  });

  it("that fails is told before the member stops", () => {
    const world = new NodeWorld({ members: ["a"], disk: true });
    const one = world.start("a");
    world.leader();
    world.clock.advance(100);
    const order: string[] = [];
    one.member.events.on("storage", ({ kind, error }) => order.push(`${kind} ${error?.message}`));
    one.member.events.on("stopped", () => order.push("stopped"));
    world.fault = (_id, { kind }) => (kind === "sync" ? { kind: "fail", code: "EIO" } : null);
    world.propose("a", "x");
    world.clock.advance(200);
    expect(order).toEqual([expect.stringMatching(/^failed Cannot sync .*EIO/), "stopped"]);
  });
});

describe("catching up", () => {
  it("is told when a member learns that it is far behind, and when it is not any more", () => {
    const world = new NodeWorld({
      ...{ ...fresh, disk: true, limits: { stallMs: 20 } },
      settings: { appendBytesMax: 200, inflightBytesMax: 200, inflightMessagesMax: 1 },
    });
    world.startAll();
    const leader = world.leader();
    const behind = world.follower();
    world.isolate(behind.id);
    for (let i = 0; i < 200; i++) world.settle(world.propose(leader.id, `text ${i}`));
    expect(behind.events["catch-up"]).toEqual([]);
    world.heal();
    world.clock.advance(5000);
    expect(behind.events["catch-up"].map(({ kind, why }) => `${kind} ${why}`)).toEqual([
      "begun behind",
      "ended behind",
    ]);
    expect(behind.log.join("\n")).toMatch(/has caught up at \d+, after/);
  });
});
