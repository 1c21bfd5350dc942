/** The members of whole nodes in a virtual world: added, promoted, replaced and removed. */
import { describe, expect, it } from "vitest";
import { type Answer, commandFor, NodeWorld, type Running } from "../../../test/node/node-world.ts";
import { type LogIndex, nodeId } from "../../base/index.ts";
import type { MemberChange } from "../../core/index.ts";
import { aborted } from "../errors.ts";

function adding(id: string, replaces: string | null = null): MemberChange {
  const whenReady = { replaces: replaces === null ? null : nodeId(replaces) };
  return { kind: "add", id: nodeId(id), address: `${id}:1`, as: "learner", whenReady };
}

function removing(id: string): MemberChange {
  return { kind: "remove", id: nodeId(id) };
}

function rolesOf(world: NodeWorld, id: string): string {
  return world
    .status(id)
    .members.map((member) => `${member.id} ${member.role}`)
    .join(", ");
}

function textOf(answer: Answer): string {
  return answer.error === null ? "done" : `${answer.error.code} ${answer.error.outcome}`;
}

function follower(world: NodeWorld, ...not: readonly string[]): Running {
  const leader = world.leader();
  const found = [...world.running.values()].find(
    ({ id }) => id !== leader.id && !not.includes(id) && world.ids.includes(id),
  );
  if (found === undefined) throw new Error("no follower");
  return found;
}

/** A cluster of three with disks, and `d` that has joined and waits to be added. */
function withJoiner(): NodeWorld {
  const world = new NodeWorld({ disk: true }).startAll();
  world.leader();
  world.join("d", "a");
  return world;
}

describe("adding a member", () => {
  it("makes it a learner, feeds it, and promotes it when it has caught up; asked anywhere", () => {
    const world = withJoiner();
    for (let i = 0; i < 50; i++) world.settle(world.propose("a", `${i}`));
    const asked = follower(world);
    const answer = world.settle(world.change(asked.id, [adding("d")]));
    expect(textOf(answer)).toBe("done");
    expect(rolesOf(world, asked.id)).toBe("a voter, b voter, c voter, d voter");
    expect(world.settle(world.propose("d", "from d")).error).toBeNull();
    expect(world.node("d").journal.texts).toHaveLength(51);
    for (const { id, events } of world.running.values()) {
      const kinds = events.membership.map((event) => `${event.kind}${event.joint ? " joint" : ""}`);
      expect(kinds, id).toContain("committed joint");
      expect(kinds.at(-1), id).toBe("committed");
      expect(events["member-progress"].at(-1), id).toMatchObject({ id: "d", hold: "nothing" });
    }
    // Any two may die now that can be counted on.
    const { id } = world.leader();
    world.node(id).kill();
    const next = world.leader(id);
    expect(world.settle(world.propose(next.id, "without it"), 20_000).error).toBeNull();
  });

  it("waits for one that does not run, and goes on by itself with whoever leads", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const first = world.leader();
    const asked = follower(world);
    const answer = world.settle(world.change(asked.id, [adding("d")], 1000));
    expect(textOf(answer)).toBe("TIMEOUT unknown");
    expect(rolesOf(world, asked.id)).toBe("a voter, b voter, c voter, d learner");
    const hold = asked.events["member-progress"].at(-1)?.hold;
    expect(hold).toBe("silent");
    first.kill();
    world.leader(first.id);
    world.join("d", asked.id);
    world.clock.advance(3000);
    // The one that died is a voter still: two of three, then three of four answer.
    expect(rolesOf(world, asked.id)).toBe("a voter, b voter, c voter, d voter");
    world.start(first.id);
    expect(world.settle(world.propose(first.id, "x")).error).toBeNull();
  });

  it("is done at once when it is asked for again, and refused under another address", () => {
    const world = withJoiner();
    world.settle(world.change("a", [adding("d")]));
    const before = world.node("a").member.raft.log.entries.length;
    expect(textOf(world.settle(world.change("b", [adding("d")])))).toBe("done");
    expect(world.node("a").member.raft.log.entries.length).toBe(before);
    const other: MemberChange = { ...adding("d"), kind: "add", address: "e:1", as: "learner" };
    const refused = world.settle(world.change("b", [other]));
    expect(refused.error?.message).toBe("Cannot change the members: d is a member already, at d:1");
    expect(textOf(refused)).toBe("MEMBER_EXISTS not-applied");
  });

  it("stays a learner if nothing else was asked, until it is promoted", () => {
    const world = withJoiner();
    const learner: MemberChange = { kind: "add", id: nodeId("d"), address: "d:1", as: "learner" };
    expect(textOf(world.settle(world.change("b", [learner])))).toBe("done");
    world.clock.advance(2000);
    expect(rolesOf(world, "c")).toBe("a voter, b voter, c voter, d learner");
    const promoted = world.change("d", [{ kind: "promote", id: nodeId("d") }]);
    expect(textOf(world.settle(promoted))).toBe("done");
    expect(rolesOf(world, "c")).toBe("a voter, b voter, c voter, d voter");
  });

  it("F11: is refused with the arithmetic where the cluster could not decide any more", () => {
    const world = new NodeWorld({ members: ["a"], disk: true }).startAll();
    world.leader();
    const voter: MemberChange = { kind: "add", id: nodeId("d"), address: "d:1", as: "voter" };
    const { error } = world.settle(world.change("a", [voter]));
    expect(error?.code).toBe("WOULD_LOSE_QUORUM");
    expect(error?.message).toBe(
      "Cannot change the members: 2 of the 2 voters after the change must be ready, and 1 are: " +
        "d is silent",
    );
    const promote: MemberChange = { kind: "promote", id: nodeId("x") };
    expect(textOf(world.settle(world.change("a", [promote])))).toBe("MEMBER_UNKNOWN not-applied");
  });
});

describe("removing a member", () => {
  it("A13, F14: ends it with the reason; its name is never used again", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    const gone = follower(world);
    const answer = world.settle(world.change(leader.id, [removing(gone.id)]));
    expect(textOf(answer)).toBe("done");
    world.clock.advance(2000);
    expect(gone.member.isRunning).toBe(false);
    expect(gone.member.stopError).toMatchObject({
      code: "MEMBER_REMOVED",
      details: { id: gone.id },
    });
    expect(leader.events.membership.at(-1)?.removed).toEqual([gone.id]);
    expect(world.leader().id).toBe(leader.id);
    expect(textOf(world.settle(world.change(leader.id, [removing(gone.id)])))).toBe("done");
    const again = world.settle(world.change(leader.id, [adding(gone.id)]));
    expect(textOf(again)).toBe("MEMBER_REMOVED not-applied");
  });

  it("tells a member that was down, when it comes back", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    const gone = follower(world);
    gone.kill();
    world.clock.advance(1000);
    expect(textOf(world.settle(world.change(leader.id, [removing(gone.id)])))).toBe("done");
    world.clock.advance(1000);
    const { member } = world.start(gone.id);
    world.clock.advance(10_000);
    expect(member.stopError).toMatchObject({ code: "MEMBER_REMOVED" });
    expect(world.node(leader.id).member.raft.leader).toBe(leader.id);
    expect(leader.log.join("\n")).toContain(`member ${gone.id} was removed from the cluster, and`);
  });

  it("F13: of the leader, asked of the leader: it answers, tells the others, and ends", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    const answer = world.settle(world.change(leader.id, [removing(leader.id)]));
    expect(textOf(answer)).toBe("done");
    world.clock.advance(500);
    expect(leader.member.stopError).toMatchObject({ code: "MEMBER_REMOVED" });
    world.running.delete(leader.id);
    const next = world.leader();
    expect(world.settle(world.propose(next.id, "x")).error).toBeNull();
    expect(rolesOf(world, next.id)).toBe(
      [...world.running.keys()].map((id) => `${id} voter`).join(", "),
    );
  });

  it("may be asked of the one that leaves", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    world.leader();
    const gone = follower(world);
    expect(textOf(world.settle(world.change(gone.id, [removing(gone.id)])))).toBe("done");
  });

  it("is refused for the last voter, and where too few are left", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    const all = world.ids.map(removing);
    expect(textOf(world.settle(world.change(leader.id, all)))).toBe(
      "WOULD_LOSE_QUORUM not-applied",
    );
    const [dead, alive] = world.ids.filter((id) => id !== leader.id);
    world.node(dead ?? "").kill();
    world.clock.advance(1000);
    const { error } = world.settle(world.change(leader.id, [removing(alive ?? "")]));
    expect(error?.details).toEqual({
      ...{ half: "new", voters: 2, needed: 2, ready: 1 },
      unready: [{ id: dead, why: "silent" }],
    });
  });
});

describe("replacing a member", () => {
  it.each([["that runs"], ["that is dead"]])("%s: in and out in one change", (which) => {
    const world = withJoiner();
    for (let i = 0; i < 20; i++) world.settle(world.propose("a", `${i}`));
    const leader = world.leader();
    const old = follower(world);
    if (which === "that is dead") old.kill();
    const answer = world.settle(world.change(leader.id, [adding("d", old.id)]));
    expect(textOf(answer)).toBe("done");
    const left = ["a", "b", "c", "d"].filter((id) => id !== old.id);
    expect(rolesOf(world, leader.id)).toBe(left.map((id) => `${id} voter`).join(", "));
    // Never fewer or more than three voters, in either half.
    const counts = leader.events.membership.map(({ voters }) => voters.length);
    expect(new Set(counts)).toEqual(new Set([3]));
    if (which === "that is dead") return;
    world.clock.advance(2000);
    expect(old.member.stopError).toMatchObject({ code: "MEMBER_REMOVED" });
  });

  it("goes on when its leader dies in the middle", () => {
    const world = withJoiner();
    world.network.cut("d", "a");
    world.network.cut("d", "b");
    world.network.cut("d", "c");
    const leader = world.leader();
    const [old, asked] = world.ids.filter((id) => id !== leader.id) as [string, string];
    const answer = world.change(asked, [adding("d", leader.id)], 30_000);
    world.clock.advance(1000);
    expect(rolesOf(world, asked)).toBe("a voter, b voter, c voter, d learner");
    leader.kill();
    world.leader(leader.id);
    world.heal();
    expect(textOf(world.settle(answer, 30_000))).toBe("done");
    world.clock.advance(100); // the other one hears of the commit with a heartbeat
    expect(rolesOf(world, old)).toBe(
      ["a", "b", "c", "d"]
        .filter((id) => id !== leader.id)
        .map((id) => `${id} voter`)
        .join(", "),
    );
  });
});

describe("a change that is forwarded", () => {
  it("is asked again of the next leader, and is made once", () => {
    const world = new NodeWorld({ disk: true, latencyMs: 20 }).startAll();
    const leader = world.leader();
    const asked = follower(world);
    const answer = world.change(asked.id, [adding("d")], 3000);
    world.clock.advance(25); // it has got there; its answer is under way
    leader.kill();
    world.join("d", asked.id);
    expect(textOf(world.settle(answer, 20_000))).toBe("done");
    const { entries } = world.node(asked.id).member.raft.log;
    expect(entries.filter(({ kind }) => kind === "configuration").length).toBeLessThanOrEqual(4);
  });

  it("says unknown of what may not be asked twice", () => {
    const world = new NodeWorld({ disk: true, latencyMs: 20, members: ["a", "b", "c", "d"] });
    const leader = world.startAll().leader();
    const [asked, demoted] = world.ids.filter((id) => id !== leader.id) as [string, string];
    const answer = world.change(asked, [{ kind: "demote", id: nodeId(demoted) }], 3000);
    world.clock.advance(10);
    leader.kill(); // before it could answer
    expect(textOf(world.settle(answer, 20_000))).toBe("LEADERSHIP_LOST unknown");
  });

  it("waits for a leader, and ends without one as not applied", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    const [asked, other] = world.ids.filter((id) => id !== leader.id) as [string, string];
    leader.kill();
    world.node(other).kill();
    world.clock.advance(1000);
    const late = world.change(asked, [removing(other)], 20_000);
    expect(textOf(world.settle(world.change(asked, [adding("d")], 500)))).toBe(
      "NO_QUORUM not-applied",
    );
    world.start(other);
    world.start(leader.id);
    expect(textOf(world.settle(late, 20_000))).toBe("done");
  });

  it("waits for the end of another change, and names it if that takes too long", () => {
    const world = withJoiner();
    const leader = world.leader();
    const [one, other] = world.ids.filter((id) => id !== leader.id) as [string, string];
    world.isolate(leader.id);
    const stuck = world.change(leader.id, [adding("d")], 20_000);
    world.clock.advance(20);
    const refused = world.settle(world.change(leader.id, [removing(one)], 50));
    expect(textOf(refused)).toBe("MEMBERS_CHANGING not-applied");
    world.heal();
    const second = world.change(other, [removing(one)], 20_000);
    expect(textOf(world.settle(stuck, 20_000))).toBe("done");
    expect(textOf(world.settle(second, 20_000))).toBe("done");
  });

  it("is refused where the members are others than those that it was meant for", () => {
    const world = withJoiner();
    const leader = world.leader();
    const [asked, other] = world.ids.filter((id) => id !== leader.id) as [string, string];
    const seen = leader.member.raft.committedConfigurationIndex;
    const change = (id: string, steps: readonly MemberChange[], expected: LogIndex) =>
      textOf(world.settle(world.change(id, steps, 20_000, expected), 20_000));
    expect(change(asked, [adding("d")], seen)).toBe("done");
    const now = leader.member.raft.committedConfigurationIndex;
    expect(now).toBeGreaterThan(seen);
    for (const id of [asked, leader.id]) {
      expect(change(id, [removing(other)], seen)).toBe("MEMBERS_CHANGED not-applied");
    }
    expect(change(asked, [adding("d")], seen)).toBe("done"); // as it is made already
    expect(leader.member.raft.committedConfigurationIndex).toBe(now);
    expect(change(asked, [removing(other)], now)).toBe("done");
  });

  it("waits for another change before it looks who the members are", () => {
    const world = withJoiner();
    const leader = world.leader();
    const [one] = world.ids.filter((id) => id !== leader.id) as [string];
    const seen = leader.member.raft.committedConfigurationIndex;
    world.isolate(leader.id);
    const stuck = world.change(leader.id, [adding("d")], 20_000);
    world.clock.advance(20);
    const second = world.change(leader.id, [removing(one)], 20_000, seen);
    world.clock.advance(20);
    expect(second.count).toBe(0);
    world.heal();
    expect(textOf(world.settle(stuck, 20_000))).toBe("done");
    expect(textOf(world.settle(second, 20_000))).toBe("MEMBERS_CHANGED not-applied");
  });

  it("ends with its caller's patience", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    const answer = world.change(leader.id, [adding("d")]);
    world.clock.advance(200);
    answer.abort(aborted("unknown", "enough"));
    expect(textOf(answer)).toBe("ABORTED unknown");
    world.clock.advance(5000);
    expect(answer.count).toBe(1);
  });

  it("ends with its member", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    const answer = world.change(leader.id, [adding("d")]);
    world.clock.advance(200);
    world.stop(leader.id);
    expect(textOf(answer)).toBe("STOPPED unknown");
  });
});

describe("a voter that another one has not heard of yet", () => {
  it("is voted for all the same, and leads", () => {
    const world = new NodeWorld({ disk: true, members: ["a", "b", "c"] }).startAll();
    const first = world.leaderBut("c");
    const [second] = ["a", "b"].filter((id) => id !== first.id) as [string];
    world.join("d", first.id);
    world.isolate("c");
    world.clock.advance(10_000); // its connections are given up, with what was under way
    expect(textOf(world.settle(world.change(first.id, [adding("d")])))).toBe("done");
    expect(textOf(world.settle(world.change(first.id, [removing(second)])))).toBe("done");
    world.clock.advance(1000);
    first.kill();
    world.clock.advance(1000);
    expect(rolesOf(world, "c")).toBe("a voter, b voter, c voter");
    world.heal();
    world.clock.advance(10_000);
    expect(world.node("d").member.raft.role).toBe("leader");
    expect(world.settle(world.propose("c", "x")).error).toBeNull();
    expect(world.node("c").log.join("\n")).toContain("member d at d:1 is not known as a member");
  });
});

describe("an address", () => {
  it("is changed while its member is moved", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    const moved = follower(world);
    moved.kill();
    const changes: MemberChange[] = [
      { kind: "update-address", id: nodeId(moved.id), address: `${moved.id}:7` },
    ];
    expect(textOf(world.settle(world.change(leader.id, changes)))).toBe("done");
    const { opened } = world.start(moved.id, { listen: `${moved.id}:7` });
    expect(opened.transport.address).toBe(`${moved.id}:7`);
    const answer = world.settle(world.propose(moved.id, "moved"), 20_000);
    expect(answer.error).toBeNull();
    world.stop(moved.id);
    // From now on its own log says where it is.
    expect(world.start(moved.id).opened.transport.address).toBe(`${moved.id}:7`);
  });
});

describe("a member that joins", () => {
  it("never stands for election, and is heard as what it is", () => {
    const world = withJoiner();
    world.clock.advance(20_000);
    const { member } = world.node("d");
    expect([member.raft.role, member.raft.hardState.term]).toEqual(["follower", 0]);
    expect(member.raft.configuration.voters).toEqual([]);
    expect(world.leader().member.raft.hardState.term).toBeLessThan(5);
    expect(world.settle(world.propose("d", "early", 500)).error).toMatchObject({
      ...{ code: "NO_QUORUM", outcome: "not-applied" },
    });
  });

  it("tells why it waits, and the others what is under way", () => {
    const world = withJoiner();
    expect(world.node("d").member.explain().text).toContain(
      "d waits to be added to the cluster (members.add), and does not stand for election.",
    );
    world.node("d").kill();
    world.clock.advance(1000);
    const leader = world.leader();
    const old = follower(world);
    world.change(leader.id, [adding("d", old.id)], 60_000);
    world.clock.advance(500);
    expect(leader.member.explain().text).toContain(
      `d learns, and becomes a voter once it has caught up, in the place of ${old.id}.`,
    );
    expect(world.status(leader.id).members.at(-1)).toMatchObject({
      ...{ id: "d", role: "learner", whenReady: { replaces: old.id }, connected: false },
    });
    world.isolate(leader.id);
    const moved: MemberChange = { kind: "update-address", id: nodeId(old.id), address: "x:1" };
    world.change(leader.id, [moved], 60_000);
    world.clock.advance(10);
    expect(leader.member.explain().text).toMatch(
      /The members change, at entry \d+, which is not committed yet\./,
    );
    expect(world.status(leader.id).changing).toBe(true);
  });

  it("may be started again before it is added, and in the middle of catching up", () => {
    const world = withJoiner();
    const incarnation = world.node("d").opened.incarnation;
    world.node("d").kill();
    world.join("d", "b");
    expect(world.node("d").opened.incarnation).toBe(incarnation);
    for (let i = 0; i < 200; i++) world.settle(world.propose("a", "x".repeat(1000)));
    const answer = world.change("a", [adding("d")], 60_000);
    for (let i = 0; i < 5; i++) {
      world.clock.advance(15);
      world.node("d").kill();
      world.join("d", "c");
    }
    expect(textOf(world.settle(answer, 60_000))).toBe("done");
    world.clock.advance(1000);
    expect(world.node("d").journal.texts).toHaveLength(200);
  });

  it("may be started after it was added, and in any order", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    world.leader();
    const answer = world.change("b", [adding("d")], 20_000);
    world.clock.advance(500);
    world.join("d", "c");
    expect(textOf(world.settle(answer, 20_000))).toBe("done");
  });

  it("is refused where nobody answers, with each address", () => {
    const world = new NodeWorld({ disk: true, limits: { joinTimeoutMs: 300 } });
    const error = world.tryStart("d", { join: ["a:1", "b:1"], address: "d:1" });
    expect(error).toMatchObject({ code: "CANNOT_JOIN", outcome: "not-applied" });
    expect(String(error)).toMatch(/Cannot join: nobody answers \(a:1: .*; b:1: .*\)/);
  });

  it("is refused where the addresses are of two clusters", () => {
    const world = new NodeWorld({ members: ["a"] }).startAll();
    world.leader();
    world.start("z", { members: { z: "z:1" } });
    const error = world.tryStart("d", { join: ["a:1", "z:1"], address: "d:1" });
    expect(error).toMatchObject({ code: "WRONG_CLUSTER" });
    expect(String(error)).toContain("the addresses are of two clusters");
  });

  it("is refused under a name that was removed, or that another one has", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    world.leader();
    const gone = follower(world);
    const [asked] = world.ids.filter((id) => id !== gone.id) as [string];
    world.settle(world.change(asked, [removing(gone.id)]));
    world.clock.advance(2000);
    gone.kill();
    world.disk(gone.id).wipe();
    const removed = world.tryStart(gone.id, { join: [`${asked}:1`], address: `${gone.id}:1` });
    expect(removed).toMatchObject({ code: "MEMBER_REMOVED" });
    const [taken] = world.ids.filter((id) => id !== gone.id && id !== asked) as [string];
    world.node(taken).kill();
    world.disk(taken).wipe();
    const refused = world.tryStart(taken, { join: [`${asked}:1`], address: `${taken}:1` });
    expect(refused).toMatchObject({ code: "CANNOT_JOIN" });
    expect(String(refused)).toContain(`the name ${taken} is taken`);
  });

  it("names what is wrong with its options", () => {
    const world = new NodeWorld({ disk: true });
    const tryIt = (changes: object) => String(world.tryStart("d", changes));
    expect(() => tryIt({ join: [], address: "d:1" })).toThrow("it names nobody to ask");
    expect(() => tryIt({ join: ["a:1"] })).toThrow("the own address is missing");
    expect(() => tryIt({ join: ["a:1"], address: "d:1", members: { d: "d:1" } })).toThrow(
      "members forms a new cluster, and join enters one that is there",
    );
    expect(() => tryIt({ join: ["a"], address: "d:1" })).toThrow("the port is missing");
  });
});

describe("members under load", () => {
  it("are added, replaced and removed while leaders crash, and nothing is lost or doubled", () => {
    const world = new NodeWorld({ disk: true, seed: 7 }).startAll();
    world.leader();
    const names = ["d", "e", "f"];
    const written: Answer[] = [];
    const write = (): void => {
      for (const { id, member } of world.running.values()) {
        if (!member.isRunning) continue;
        const text = `${id} ${written.length}`;
        written.push(world.propose(id, text, 3000, commandFor("journal", text)));
      }
    };
    for (const [round, name] of names.entries()) {
      const seed = world.leader().id;
      world.join(name, seed);
      const victim = world.ids[round] ?? "";
      const asked = [...world.running.keys()].find((id) => id !== victim && id !== name) ?? "";
      const answer = world.change(asked, [adding(name, victim)], 60_000);
      for (let i = 0; i < 40; i++) {
        write();
        world.clock.advance(10);
        if (i === 3 + round) {
          const { id } = world.leader();
          if (id !== asked) {
            world.node(id).kill();
            world.clock.advance(50);
            world.start(id, id === name || !world.ids.includes(id) ? { ...joinOf(id, asked) } : {});
          }
        }
      }
      expect(textOf(world.settle(answer, 60_000)), name).toBe("done");
      world.clock.advance(3000);
      for (const [id, { member }] of [...world.running]) {
        if (!member.isRunning) world.running.delete(id);
      }
    }
    world.clock.advance(10_000);
    expect(rolesOf(world, "f")).toBe("d voter, e voter, f voter");
    const texts = world.node("d").journal.texts;
    for (const id of ["e", "f"]) expect(world.node(id).journal.texts).toEqual(texts);
    expect(new Set(texts).size).toBe(texts.length);
    for (const { text, error } of written) {
      if (error === null) expect(texts).toContain(text);
      else if (error.outcome === "not-applied") expect(texts).not.toContain(text);
    }
    expect(written.filter(({ error }) => error === null).length).toBeGreaterThan(100);
  });
});

function joinOf(id: string, seed: string) {
  return { join: [`${seed}:1`], address: `${id}:1` };
}
