/** Traps of reads (D): `docs/traps.md`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { machine, rawMachine } from "../../src/machine/index.ts";
import { silentLogger, start } from "../../src/node/index.ts";
import {
  append,
  type Choice,
  choose,
  crash,
  createLab,
  deliver,
  drop,
  elect,
  feed,
  memberOf,
  placeMember,
  proposeAt,
  raftOf,
  readAt,
  receive,
  restart,
  settle,
  tick,
  timeOut,
} from "../lab/index.ts";
import { NodeWorld } from "../node/node-world.ts";

const names = ["n1", "n2", "n3"];

function led(settings = {}) {
  const lab = createLab(names, { settings });
  elect(lab, "n1");
  return lab;
}

describe("reads", () => {
  it("D1: a new leader's read waits for its no-op, which covers what it does not know of", () => {
    const lab = createLab(names, { settings: { preVote: false } });
    for (const name of names) placeMember(lab, name, names, { terms: [1, 1, 1], commit: 1 });
    timeOut(lab, "n1");
    settle(lab, (message) => message.kind !== "append-entries");
    readAt(lab, "n1", 1);
    settle(lab);
    expect(memberOf(lab, "n1").answers).toMatchObject([{ ids: [1], index: 4 }]);
  });

  it("D2: copies of older answers confirm neither a read nor its retry", () => {
    const lab = led();
    readAt(lab, "n1", 1);
    deliver(lab);
    const copies = lab.network.filter(choose({ to: "n1" }));
    settle(lab);
    expect(memberOf(lab, "n1").answers).toHaveLength(1);
    readAt(lab, "n1", 1);
    for (const copy of [...copies, ...copies]) receive(lab, copy);
    expect(memberOf(lab, "n1").answers).toHaveLength(1);
    settle(lab);
    expect(memberOf(lab, "n1").answers).toHaveLength(2);
  });

  it("D3: a thousand reads settle at once when the leader changes, here and at followers", () => {
    const lab = led();
    const ids = Array.from({ length: 500 }, (_, i) => i);
    readAt(lab, "n1", ...ids);
    readAt(lab, "n2", ...ids.map((id) => 1000 + id));
    deliver(lab, choose({ kind: "read-index" }));
    drop(lab);
    receive(lab, append("n3", "n1", 3, { prev: [2, 2] }));
    receive(lab, append("n3", "n2", 3, { prev: [2, 2] }));
    const settled = ["n1", "n2"].flatMap((name) =>
      memberOf(lab, name).answers.flatMap((answer) => ("failed" in answer ? answer.ids : [])),
    );
    expect(settled).toHaveLength(1000);
  });

  it("D3: a lost question, and an unreachable leader, settle the reads too", () => {
    const lab = led();
    readAt(lab, "n2", 1);
    drop(lab);
    for (let i = 0; i < 10; i++) {
      expect(memberOf(lab, "n2").answers).toEqual([]);
      tick(lab, "n1");
      settle(lab);
      tick(lab, "n2");
    }
    expect(memberOf(lab, "n2").answers).toMatchObject([{ ids: [1], failed: "no-leader" }]);
    readAt(lab, "n2", 2);
    drop(lab);
    feed(lab, "n2", { kind: "peer-unreachable", peer: raftOf(lab, "n1").id });
    expect(memberOf(lab, "n2").answers).toHaveLength(2);
  });

  it("D7: a leader that slept answers no later read by what it was told before", () => {
    const lab = led();
    proposeAt(lab, "n1", "old");
    settle(lab);
    readAt(lab, "n1", 1);
    deliver(lab); // n1 falls asleep before the answers come
    const isAwake: Choice = (message) => message.to !== "n1";
    for (const name of ["n2", "n3"]) raftOf(lab, name).leaderContactTick = null;
    timeOut(lab, "n3");
    settle(lab, isAwake);
    proposeAt(lab, "n3", "new");
    settle(lab, isAwake);
    expect(raftOf(lab, "n3")).toMatchObject({ role: "leader", commit: 5 });
    // It wakes, and a read that came meanwhile is the first thing it does.
    readAt(lab, "n1", 2);
    deliver(lab, (message) => message.to === "n1" && message.term === 2);
    const served = memberOf(lab, "n1").answers.filter((answer) => "index" in answer);
    expect(served.flatMap(({ ids }) => ids)).not.toContain(2);
    settle(lab);
    expect(memberOf(lab, "n1").answers.at(-1)).toMatchObject({
      ids: [2],
      failed: "leader-changed",
    });
  });

  it("D11: a restarted member's reads do not go back behind what a leader answers", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    settle(lab);
    crash(lab, "n2");
    restart(lab, "n2");
    readAt(lab, "n2", 1);
    expect(memberOf(lab, "n2").answers).toMatchObject([{ failed: "no-leader" }]);
    tick(lab, "n1");
    settle(lab);
    readAt(lab, "n2", 2);
    settle(lab);
    expect(memberOf(lab, "n2").answers.at(-1)).toMatchObject({ ids: [2], index: 3 });
  });

  it("D11: a member is there when it has applied what its disk knows to be committed", async () => {
    const dir = await mkdtemp(join(tmpdir(), "quorate-traps-"));
    const initial = () => ({ count: 0 });
    const add = (state: { count: number }) => {
      state.count++;
    };
    const options = {
      ...{ id: "a", members: { a: "127.0.0.1:0" }, dir, logger: silentLogger },
      machines: { counter: machine({ version: 1, initial, commands: { add } }) },
      limits: { heartbeatMs: 10, electionMs: 50 },
      settings: { applyBytesMax: 1 }, // one entry a turn
    };
    for (let known = 0; known < 6; known += 2) {
      await using node = await start(options);
      const { counter } = node.machines;
      const seen = await counter.read(({ count }) => count, { consistency: "stale" });
      // The last one was written before anybody knew that it was committed.
      expect(seen).toBe(Math.max(0, known - 1));
      await counter.add();
      await counter.add();
    }
    await rm(dir, { recursive: true });
  });

  it("D11: a machine that throws at what the disk holds is told by the start", async () => {
    const dir = await mkdtemp(join(tmpdir(), "quorate-traps-"));
    let isBroken = false;
    const apply = () => {
      if (isBroken) throw new Error("the machine is broken");
    };
    const options = {
      ...{ id: "a", members: { a: "127.0.0.1:0" }, dir, logger: silentLogger },
      machines: { raw: rawMachine(() => ({ apply })) },
      limits: { heartbeatMs: 10, electionMs: 50 },
    };
    {
      await using node = await start(options);
      await node.machines.raw.propose(new Uint8Array(1));
      await node.machines.raw.propose(new Uint8Array(1));
    }
    isBroken = true;
    await expect(start(options)).rejects.toThrow("the machine is broken");
    isBroken = false; // and nothing is held open
    await (await start(options)).stop();
    await rm(dir, { recursive: true });
  });

  it("D12: one member, just restarted, reads by the same rule", () => {
    const lab = createLab(["n1"], { terms: [1, 1], commit: 1 });
    readAt(lab, "n1", 1);
    expect(memberOf(lab, "n1").answers).toMatchObject([{ failed: "no-leader" }]);
    tick(lab, "n1");
    readAt(lab, "n1", 2);
    expect(memberOf(lab, "n1").answers.at(-1)).toMatchObject({ ids: [2], index: 3 });
    expect(raftOf(lab, "n1").applied).toBe(3);
  });

  it("D13: a machine that throws leaves the applied index where the state is", () => {
    const world = new NodeWorld().startAll();
    const leader = world.leader();
    const broken = world.follower();
    world.settle(world.propose(broken.id, "fine"));
    world.clock.advance(200);
    const { raft } = broken.member;
    const before = raft.applied;
    const during: number[] = [];
    broken.journal.onApply = () => {
      during.push(raft.applied);
      throw new Error("no space in the machine");
    };
    const write = world.propose(leader.id, "poison");
    const read = world.read(broken.id);
    world.settle(write);
    world.settle(read);
    world.clock.advance(100);
    expect([during, raft.applied]).toEqual([[before], before]);
    expect(read.error).toMatchObject({ code: "STOPPED", outcome: "not-applied" });
  });
});
