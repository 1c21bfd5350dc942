/** Programs of two versions in one cluster: what is refused, what is enabled, who is kept out. */
import { describe, expect, it } from "vitest";
import {
  type Answer,
  commandFor,
  NodeWorld,
  type Running,
  type WorldOptions,
} from "../../../test/node/node-world.ts";
import { nodeId } from "../../base/index.ts";
import { encodeEnable } from "../../machine/index.ts";
import type { StartOptions } from "../index.ts";

type Changes = Partial<StartOptions<Record<never, never>>>;

const enabling = encodeEnable([{ machine: "journal", version: 2 }]);

function createWorld(options: WorldOptions = {}) {
  const world = new NodeWorld({ disk: true, snapshots: true, ...options });
  /** Starts `id` (again) with a program of that version. */
  const run = (id: string, version: number, changes: Changes = {}): Running => {
    restart(id, version, changes);
    return world.node(id);
  };
  const restart = (id: string, version: number, changes: Changes = {}) => {
    world.running.get(id)?.kill();
    world.versions.set(id, version);
    return world.tryStart(id, changes);
  };
  const enabled = (id: string) => {
    const [view] = world.node(id).member.versions.list();
    return view?.enabled;
  };
  const ask = (id: string, text: string) => {
    const answer = world.propose(id, text);
    world.clock.advanceUntil(() => answer.count > 0, 10_000);
    return answer;
  };
  const until = (what: () => boolean) => expect(world.clock.advanceUntil(what, 10_000)).toBe(true);
  const all = (version: number) => world.ids.every((id) => enabled(id) === version);
  return { world, run, restart, enabled, ask, until, all };
}

describe("a rolling upgrade", () => {
  it("I5: enables the new version when the last member has it, under load, and not before", () => {
    const { world, run, ask, until, all } = createWorld();
    world.startAll();
    world.leader();
    const load: Answer[] = [];
    for (const [at, id] of world.ids.entries()) {
      // What `id` itself was asked for would end with its process.
      const other = world.ids[(at + 1) % 3] ?? id;
      for (let i = 0; i < 10; i++) load.push(world.propose(other, `${id}${i}`));
      run(id, 2);
      world.leader();
      for (let i = 0; i < 10; i++) load.push(world.propose(id, `again ${id}${i}`));
      world.clock.advance(300);
      const leader = world.leader().id;
      if (at === 2) break;
      const old = world.ids.slice(at + 1);
      const answer = ask(id, "v2:early");
      expect(answer.error).toMatchObject({
        ...{ code: "NOT_ENABLED_YET", outcome: "not-applied", retry: "after" },
        details: { machine: "journal", version: 2, enabled: 1 },
      });
      const blamed = answer.error?.message ?? "";
      expect(blamed).toContain('version 2 of the machine "journal" is not enabled yet');
      // An older leader knows for certain of itself; a newer one of all.
      const named = old.filter((name) => blamed.includes(name));
      expect(named).toEqual(old.includes(leader) ? expect.arrayContaining([leader]) : old);
      expect(world.node(id).events["machine-version"]).toEqual([]);
    }
    until(() => all(2));
    for (const id of world.ids) {
      expect(world.node(id).events["machine-version"]).toMatchObject([
        { machine: "journal", version: 2 },
      ]);
      expect(ask(id, `v2:from ${id}`).error).toBeNull();
    }
    until(() => load.every(({ count }) => count > 0));
    world.clock.advance(200);
    const journals = world.ids.map((id) => world.node(id).journal);
    for (const { texts, versions } of journals) {
      expect([texts, versions]).toEqual([journals[0]?.texts, journals[0]?.versions]);
      for (const [at, text] of texts.entries()) {
        if (text.startsWith("v2:")) expect(versions[at]).toBe(2);
      }
    }
    for (const { text, error } of load) {
      const count = journals[0]?.texts.filter((one) => one === text).length;
      if (error === null) expect(count).toBe(1);
      else expect(error.outcome === "not-applied" ? count : 0).toBe(0);
    }
  });

  it("I5: a newer leader keeps what its older followers cannot apply out of the log", () => {
    const { world, run, ask, enabled } = createWorld();
    world.startAll();
    world.leader();
    run("a", 2);
    world.clock.advance(500);
    if (world.leader().id !== "a") world.settle(world.transfer(world.leader().id, "a"));
    expect(world.leader().id).toBe("a");
    expect(ask("b", "x").error).toBeNull();
    world.clock.advance(1000);
    expect(enabled("a")).toBe(1);
    expect(ask("a", "v2:x").error?.message).toContain(
      "b (knows versions up to 1), c (knows versions up to 1) cannot apply it yet",
    );
    const text =
      'Version 2 of the machine "journal" is not enabled: ' +
      "b (knows versions up to 1), c (knows versions up to 1) cannot apply it yet.";
    const lacking = [
      { id: "b", version: 1 },
      { id: "c", version: 1 },
    ];
    expect(world.node("a").member.explain().findings).toContainEqual({
      ...{ kind: "version-held", machine: "journal", version: 2, enabled: 1, lacking },
      ...{ severity: "notice", text },
    });
    for (const id of ["b", "c"]) expect(world.node(id).member.explain().text).not.toMatch(/ersion/);
    const enable = world.propose("a", "enable", 2000, enabling);
    world.settle(enable);
    expect(enable.error).toMatchObject({ code: "NOT_ENABLED_YET" });
    expect(world.node("c").journal.texts).toEqual(["x"]);
    for (const { member } of world.running.values()) expect(member.isRunning).toBe(true);
  });

  it("goes on through changes of the leader: the next one knows what is enabled", () => {
    const { world, run, ask, until, all } = createWorld();
    for (const id of world.ids) run(id, 2);
    until(() => all(2));
    for (let round = 0; round < 4; round++) {
      const before = world.leader();
      before.kill();
      const next = () => [...world.running.values()].find((one) => one.member.raft.leadership);
      until(() => next() !== undefined);
      // It has not applied yet what the ones before have enabled.
      const answer = world.propose(next()?.id ?? "", `v2:round ${round}`, 8000);
      until(() => answer.count > 0);
      expect(answer.error).toBeNull();
      run(before.id, 2);
      world.clock.advance(500);
    }
    expect(ask("a", "v2:end").error).toBeNull();
  });

  it("waits for learners, too, and for members that are not there", () => {
    const { world, run, ask, until, enabled } = createWorld();
    run("a", 2);
    run("b", 2);
    world.leader();
    expect(ask("a", "v2:x").error?.message).toContain("c (has not told what it can) cannot");
    run("c", 1);
    world.leader();
    world.clock.advance(2000);
    expect(enabled("a")).toBe(0); // no command came so far
    expect(ask("b", "x").error).toBeNull();
    expect(ask("a", "v2:x").error?.message).toContain("c (knows versions up to 1) cannot");
    run("c", 2);
    until(() => enabled("a") === 2);
  });

  it("is held where it is to be enabled by hand", () => {
    const { world, run, ask, until, all } = createWorld();
    const byHand = { enableVersions: "manual" } as const;
    for (const id of world.ids) run(id, 2, byHand);
    world.leader();
    world.clock.advance(3000);
    expect(world.leader().member.explain().text).toContain(
      "is not enabled: every member can apply it, and nobody has enabled it.",
    );
    expect(ask("b", "v2:x").error).toMatchObject({
      message: expect.stringContaining("no member holds it back"),
      hint: expect.stringContaining("node.versions.enable()"),
    });
    run("c", 1, byHand); // the way back is open
    world.leader();
    world.clock.advance(500);
    const refused = world.propose("a", "enable", 2000, enabling);
    until(() => refused.count > 0);
    expect(refused.error).toMatchObject({ code: "NOT_ENABLED_YET" });
    run("c", 2, byHand);
    world.leader();
    world.clock.advance(500);
    const answer = world.propose("a", "enable", 2000, enabling);
    until(() => answer.count > 0);
    expect(answer.error).toBeNull();
    until(() => all(2));
    expect(ask("c", "v2:x").error).toBeNull();
  });
});

describe("what is enabled is known", () => {
  it("I5: from a snapshot that is installed across the entry, and after a restart from it", () => {
    const limits = { snapshotEntries: 20, snapshotKeptEntries: 1 };
    const { world, run, restart, until, enabled, ask } = createWorld({ limits });
    const byHand = { enableVersions: "manual" } as const;
    for (const id of world.ids) run(id, 2, byHand);
    const leader = world.leader();
    world.clock.advance(500);
    const late = world.ids.find((id) => id !== leader.id) ?? "";
    const answer = world.propose(leader.id, "enable", 2000, enabling);
    world.isolate(late); // the entry is appended while it is there, and it does not get it
    until(() => answer.count > 0);
    expect(answer.error).toBeNull();
    const loads = Array.from({ length: 60 }, (_, i) => world.propose(leader.id, `v2:${i}`));
    until(() => loads.every(({ count }) => count > 0));
    until(() => world.status(leader.id).base > 10); // the entry that enables is behind it
    world.node(late).kill();
    world.heal();
    run(late, 2, byHand);
    let installed = 0;
    world.node(late).member.events.on("snapshot-installed", () => installed++);
    until(() => installed === 1);
    expect(enabled(late)).toBe(2);
    expect(world.node(late).events["machine-version"]).toEqual([]);
    run(late, 2, byHand);
    world.clock.advance(500);
    expect(enabled(late)).toBe(2);
    expect(ask(late, "v2:end").error).toBeNull();
    expect(String(restart(late, 1))).toContain(
      'version 2 of the machine "journal" is enabled, this program knows versions up to 1. Upgrade',
    );
  });
});

describe("an older program", () => {
  it("I5: is refused at the start when its own log says that the version is enabled", () => {
    const { world, run, restart, until, all, ask } = createWorld();
    for (const id of world.ids) run(id, 2);
    until(() => all(2));
    expect(ask("b", "x").error).toBeNull(); // with it the disk gets to know what is committed
    world.clock.advance(500);
    const refused = restart("b", 1);
    expect(refused).toBeInstanceOf(Error);
    expect(refused).toMatchObject({
      code: "PROGRAM_TOO_OLD",
      message: expect.stringContaining(
        'version 2 of the machine "journal" is enabled, and the program of member b knows ' +
          "versions up to 1: upgrade it",
      ),
      details: { id: "b", by: null },
    });
    run("b", 2);
    world.clock.advance(500);
    expect(world.node("b").member.isRunning).toBe(true);
  });

  it("is refused by the others when its own log does not say so yet", () => {
    const { world, run, until } = createWorld();
    const byHand = { enableVersions: "manual" } as const;
    for (const id of world.ids) run(id, 2, byHand);
    const leader = world.leader();
    world.clock.advance(500);
    const late = world.ids.find((id) => id !== leader.id) ?? "";
    const answer = world.propose(leader.id, "enable", 2000, enabling);
    world.isolate(late);
    until(() => answer.count > 0);
    expect(answer.error).toBeNull();
    world.node(late).kill();
    world.heal();
    const old = run(late, 1);
    until(() => !old.member.isRunning);
    expect(old.member.stopError).toMatchObject({ code: "PROGRAM_TOO_OLD", details: { id: late } });
    expect(old.journal.texts).toEqual([]);
  });

  it("is refused when it is to be added, and ends", () => {
    const { world, run, until, all } = createWorld();
    for (const id of world.ids) run(id, 2);
    until(() => all(2));
    const joining = { join: ["a:1", "b:1", "c:1"], address: "d:1" };
    const old = run("d", 1, joining);
    until(() => !old.member.isRunning);
    expect(old.member.stopError).toMatchObject({ code: "PROGRAM_TOO_OLD" });
    const answer = world.change("a", [
      { kind: "add", id: nodeId("d"), address: "d:1", as: "learner" },
    ]);
    until(() => answer.count > 0);
    expect(answer.error).toMatchObject({
      ...{ code: "PROGRAM_TOO_OLD", outcome: "not-applied" },
      message: expect.stringContaining("the program of member d knows versions up to 1"),
    });
  });

  it("does not get the first command of a machine that it has told to lack", () => {
    const { world, run, until } = createWorld();
    world.alsoDeclares.set("a", ["extra"]);
    world.alsoDeclares.set("b", ["extra"]);
    world.startAll();
    world.leader();
    world.clock.advance(500);
    const leader = world.leaderBut("c");
    const more = (id: string) => world.propose(id, "x", 2000, commandFor("extra", "x"));
    const refused = more(leader.id);
    until(() => refused.count > 0);
    expect(refused.error?.message).toContain("c (does not have the machine) cannot apply it yet");
    world.alsoDeclares.set("c", ["extra"]);
    run("c", 1);
    world.leader();
    world.clock.advance(500);
    const taken = more("c");
    until(() => taken.count > 0);
    expect(taken.error).toBeNull();
  });
});
