/** Whole nodes that hand over their leadership, because they are asked to or of themselves. */
import { describe, expect, it } from "vitest";
import { type Answer, NodeWorld, type Running } from "../../../test/node/node-world.ts";
import { aborted } from "../errors.ts";
import { replayRecording } from "../recorder/replay.ts";

function cluster(seed = 1, settings = {}): NodeWorld {
  const world = new NodeWorld({ seed, disk: true, settings }).startAll();
  world.leader();
  world.clock.advance(200);
  return world;
}

function others(world: NodeWorld, leader: Running): [string, string] {
  const [first = "", second = ""] = world.ids.filter((id) => id !== leader.id);
  return [first, second];
}

function textOf({ error, result }: Answer): string {
  if (error === null) return String(result);
  const why = "why" in error.details ? ` ${error.details.why}` : "";
  return `${error.code}${why} ${error.outcome}`;
}

describe("handing over", () => {
  it("to a named voter ends when that one leads, within some round trips", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const world = cluster(seed);
      const leader = world.leader();
      const [, to] = others(world, leader);
      const answer = world.settle(world.transfer(leader.id, to));
      expect(textOf(answer), `seed ${seed}`).toBe(to);
      expect((answer.atMs ?? 0) - answer.askedMs).toBeLessThan(20);
      expect(world.leader().id).toBe(to);
      expect(leader.events.transfer).toEqual([{ to, why: "asked", outcome: "stepped-down" }]);
    }
  });

  it("to nobody in particular ends with who leads then", () => {
    const world = cluster();
    const leader = world.leader();
    const answer = world.settle(world.transfer(leader.id));
    expect(others(world, leader)).toContain(textOf(answer));
    expect(world.leader().id).toBe(textOf(answer));
  });

  it("to who leads already is done", () => {
    const world = cluster();
    const leader = world.leader();
    const [other] = others(world, leader);
    expect(textOf(world.settle(world.transfer(leader.id, leader.id)))).toBe(leader.id);
    expect(textOf(world.settle(world.transfer(other, leader.id)))).toBe(leader.id);
    expect(leader.events.transfer).toEqual([]);
  });

  it("loses no command, and none is applied twice, wherever it was sent", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const world = cluster(seed);
      let count = 0;
      const answers: Answer[] = [];
      for (let round = 0; round < 10; round++) {
        const leader = world.leader();
        const [to] = others(world, leader);
        const transfer = world.transfer(leader.id, to);
        for (const id of world.ids) {
          answers.push(world.propose(id, `${count++}`));
          world.clock.advance(1);
        }
        expect(textOf(world.settle(transfer))).toBe(to);
      }
      for (const answer of answers) expect(textOf(world.settle(answer))).toMatch(/^\d+$/);
      world.clock.advance(200);
      for (const { journal } of world.running.values()) {
        expect(journal.texts).toHaveLength(count);
        expect(new Set(journal.texts).size).toBe(count);
      }
    }
  });

  it("is refused where there is no leader, with its name", () => {
    const world = cluster();
    const leader = world.leader();
    const [other, third] = others(world, leader);
    const answer = world.settle(world.transfer(other, third));
    expect(answer.error).toMatchObject({ code: "NOT_LEADER", details: { leader: leader.id } });
    expect(answer.error?.message).toContain(`${leader.id} is`);
  });

  it("is refused to who is not there, does not answer, or is nobody", () => {
    const world = cluster();
    const leader = world.leader();
    const [dead, other] = others(world, leader);
    expect(textOf(world.settle(world.transfer(leader.id, "z")))).toBe(
      "TRANSFER_REFUSED not-voter not-applied",
    );
    world.node(dead).kill();
    world.clock.advance(300);
    expect(textOf(world.settle(world.transfer(leader.id, dead)))).toBe(
      "TRANSFER_REFUSED unreachable not-applied",
    );
    expect(textOf(world.settle(world.transfer(leader.id)))).toBe(other);
  });

  it("fails when the target dies; the leader goes on, and what waited is applied", () => {
    const world = cluster();
    const leader = world.leader();
    const [to] = others(world, leader);
    world.network.cut(leader.id, to); // nothing is lost as far as the leader knows
    const answer = world.transfer(leader.id, to);
    world.clock.advance(10);
    const command = world.propose(leader.id, "waits");
    world.clock.advance(50);
    expect(command.count).toBe(0);
    const { text } = leader.member.explain();
    expect(text).toMatch(
      new RegExp(
        `${leader.id} has been handing over to ${to} for \\d+ ms, because it was asked to`,
      ),
    );
    expect(textOf(world.settle(answer))).toBe("TRANSFER_FAILED timed-out not-applied");
    expect(world.settle(command).error).toBeNull();
    expect(leader.events.transfer.at(-1)).toMatchObject({ to, outcome: "timed-out" });
    expect(leader.member.raft.role).toBe("leader");
  });

  it("waits for another transfer and for a change of the members, until its deadline", () => {
    const world = cluster();
    const leader = world.leader();
    const [to, other] = others(world, leader);
    world.network.cut(leader.id, to);
    const first = world.transfer(leader.id, to);
    world.clock.advance(1);
    const same = world.transfer(leader.id);
    const second = world.transfer(leader.id, other, 30);
    const third = world.transfer(leader.id, other);
    expect(textOf(world.settle(second))).toBe("TRANSFER_REFUSED transfer-in-flight not-applied");
    expect(textOf(world.settle(first))).toMatch(/^TRANSFER_FAILED timed-out/);
    expect(textOf(world.settle(same))).toMatch(/^TRANSFER_FAILED timed-out/);
    expect(textOf(world.settle(third))).toBe(other);
  });

  it("can be given up by who waits, and ends with the member", () => {
    const world = cluster();
    const leader = world.leader();
    const [to] = others(world, leader);
    world.network.cut(leader.id, to);
    const answer = world.transfer(leader.id, to);
    const left = world.transfer(leader.id, to);
    world.clock.advance(5);
    answer.abort(aborted("unknown", "enough"));
    expect(textOf(answer)).toBe("ABORTED unknown");
    world.stop(leader.id);
    expect(textOf(left)).toBe("STOPPED unknown");
    expect(answer.count).toBe(1);
  });

  it("is in the recording, which can be run again", () => {
    const world = cluster();
    const leader = world.leader();
    const [to] = others(world, leader);
    world.settle(world.transfer(leader.id, to));
    world.clock.advance(100);
    const replay = replayRecording(leader.member.recording() ?? "");
    expect(replay.verdict.kind).toBe("same");
    expect(replay.steps.map(({ what }) => what)).toContain(`transfer to ${to}`);
  });
});

describe("priority", () => {
  it("brings the leadership to the member that has the highest, and leaves it there", () => {
    const world = new NodeWorld({ disk: true, seed: 3 });
    for (const id of world.ids) world.start(id, { settings: { priority: id === "c" ? 5 : 1 } });
    world.leader();
    world.clock.advance(5000);
    expect(world.leader().id).toBe("c");
    const { term } = world.leader().member.raft.hardState;
    world.clock.advance(10_000);
    expect(world.leader().member.raft.hardState.term).toBe(term);
  });

  it("is an option of the start, and refused if it is none", () => {
    const world = new NodeWorld();
    const { member } = world.start("a", { priority: 7 });
    expect(member.raft.settings.priority).toBe(7);
    expect(() => world.start("b", { priority: 11 })).toThrow("priority is 11; it must be 0 to 10");
  });
});
