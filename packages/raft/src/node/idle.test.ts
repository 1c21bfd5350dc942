/** What a cluster costs that nobody asks anything; and that a lost heartbeat costs nothing. */
import { describe, expect, it } from "vitest";
import {
  appliedAt,
  choose,
  createLab,
  drop,
  elect,
  proposeAt,
  raftOf,
  settle,
  tick,
} from "../../test/lab/index.ts";
import { NodeWorld, worldLimits } from "../../test/node/node-world.ts";
import type { MetricsHook } from "./insight/metrics.ts";

describe("an idle cluster", () => {
  it("sends a heartbeat to each follower, gets an answer, and leaves the disks alone", () => {
    const sent: Record<string, number> = {};
    const metrics: MetricsHook = {
      count(name, increase, labels) {
        if (name !== "messages-sent-count") return;
        const kind = Object.values(labels).join(" ");
        sent[kind] = (sent[kind] ?? 0) + increase;
      },
      gauge: () => {},
      observe: () => {},
    };
    const world = new NodeWorld({ disk: true, metrics }).startAll();
    const leader = world.leader();
    world.settle(world.propose(leader.id, "x"));
    world.clock.advance(30_000); // what is written after a while is written
    const before = leader.member.raft.log.entries.length;
    for (const kind of Object.keys(sent)) delete sent[kind];
    const operations: string[] = [];
    world.fault = (id, { kind, path }) => {
      operations.push(`${id} ${kind} ${path}`);
      return null;
    };
    const rounds = 200;
    world.clock.advance(rounds * (worldLimits.heartbeatMs ?? 0));
    const followers = world.ids.length - 1;
    const each = rounds * followers;
    expect(sent).toEqual({ "append-entries": each, "append-entries-response": each });
    expect(operations).toEqual([]);
    expect(leader.member.raft.log.entries.length).toBe(before);
  });
});

describe("a heartbeat that is lost, or its answer", () => {
  const names = ["n1", "n2", "n3"];

  it.each([
    ["the heartbeat", { from: "n1" }],
    ["the answer", { to: "n1" }],
  ])("%s: the next command is committed at once, without a tick", (_, lost) => {
    const lab = createLab(names);
    elect(lab, "n1");
    for (let round = 0; round < 3; round++) {
      tick(lab, "n1", raftOf(lab, "n1").settings.heartbeatTicks);
      settle(lab, (message) => !choose(lost)(message));
      expect(drop(lab).length).toBeGreaterThan(0);
    }
    proposeAt(lab, "n1", "x");
    settle(lab);
    expect(appliedAt(lab, "n1")).toEqual(["x"]);
  });

  it("an append that is lost: the next heartbeat brings it", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    proposeAt(lab, "n1", "x");
    drop(lab);
    expect(appliedAt(lab, "n1")).toEqual([]);
    tick(lab, "n1", raftOf(lab, "n1").settings.heartbeatTicks);
    settle(lab);
    expect(appliedAt(lab, "n1")).toEqual(["x"]);
    tick(lab, "n1", raftOf(lab, "n1").settings.heartbeatTicks);
    settle(lab);
    for (const name of names) expect([name, appliedAt(lab, name)]).toEqual([name, ["x"]]);
  });
});
