import { describe, expect, it } from "vitest";
import { type Answer, commandFor, NodeWorld } from "../../test/node/node-world.ts";
import { logIndex } from "../base/index.ts";
import { entryOverheadBytes } from "../core/index.ts";
import { aborted } from "./errors.ts";

const once = (answers: readonly Answer[]) =>
  expect(answers.map(({ count }) => count)).toEqual(answers.map(() => 1));
const outcomes = (answers: readonly Answer[]) =>
  answers.map(({ error }) => (error === null ? "applied" : `${error.code} ${error.outcome}`));

/** Asks for `count` commands on a member at once. */
function burst(world: NodeWorld, id: string, count: number, timeoutMs = 2000): Answer[] {
  return Array.from({ length: count }, (_, i) => world.propose(id, `${id}${i}`, timeoutMs));
}

describe("commands", () => {
  it("asked at once on all members are applied once each, in one order", () => {
    const world = new NodeWorld().startAll();
    world.leader();
    const answers = world.ids.flatMap((id) => burst(world, id, 64));
    world.clock.advance(500);
    once(answers);
    const { texts } = world.node("a").journal;
    expect(texts).toHaveLength(192);
    for (const id of ["b", "c"]) expect(world.node(id).journal.texts).toEqual(texts);
    for (const { text, result } of answers) expect(texts[Number(result) - 1]).toBe(text);
  });

  it("never settle inside the call", () => {
    const world = new NodeWorld({ members: ["a"] }).startAll();
    world.leader();
    expect(world.propose("a", "x").count).toBe(0);
    expect(world.read("a").count).toBe(0);
  });

  it("wait for a leader, and go to the one that comes", () => {
    const world = new NodeWorld();
    world.start("a");
    const waiting = burst(world, "a", 3, 10_000);
    world.clock.advance(1000);
    expect(waiting.map(({ count }) => count)).toEqual([0, 0, 0]);
    world.start("b");
    world.clock.advance(1000);
    expect(outcomes(waiting)).toEqual(["applied", "applied", "applied"]);
    expect(world.node("a").journal.texts).toEqual(["a0", "a1", "a2"]);
  });

  it("without a leader until the deadline fail with the arithmetic", () => {
    const world = new NodeWorld();
    world.start("a");
    const answer = world.settle(world.propose("a", "x", 300));
    expect(answer.error).toMatchObject({
      code: "NO_QUORUM",
      outcome: "not-applied",
      retry: "after",
      details: {
        needed: 2,
        reachable: ["a"],
        unreachable: ["b", "c"],
        causes: [
          { id: "b", forMs: 300, reason: expect.stringContaining("ECONNREFUSED") },
          { id: "c", forMs: 300, reason: expect.stringContaining("ECONNREFUSED") },
        ],
      },
    });
    expect(answer.error?.message).toMatch(
      /^Cannot apply the command: no leader for 30\d ms; 1 of 3 voters are in contact, 2 are/,
    );
    expect(answer.error?.hint).toBe("Start b or c, or wait until it can be reached.");
    const read = world.settle(world.read("a", 300));
    expect(read.error).toMatchObject({ code: "NO_QUORUM", outcome: "not-applied" });
    expect(Number(read.atMs) - read.askedMs).toBeLessThan(310);
  });

  it("I7: of an isolated leader are unknown in the end, and not applied once overwritten", () => {
    const world = new NodeWorld().startAll();
    const old = world.leader();
    world.isolate(old.id);
    const soon = burst(world, old.id, 2, 50);
    const late = burst(world, old.id, 5, 60_000);
    world.clock.advance(60);
    expect(outcomes(soon)).toEqual(["TIMEOUT unknown", "TIMEOUT unknown"]);
    const fresh = world.leader(old.id);
    world.clock.advance(1000);
    expect(late.map(({ count }) => count)).toEqual([0, 0, 0, 0, 0]);
    world.heal();
    world.clock.advance(500);
    // Also those behind the end of the new log: nothing of the old term can follow what is applied.
    once(late);
    expect(outcomes(late)).toEqual(late.map(() => "LEADERSHIP_LOST not-applied"));
    expect(late[0]?.error?.message).toContain("was replaced before it was committed");
    expect(fresh.journal.texts).toEqual([]);
  });

  it("placed at one index by two leaders settle each with its own truth", () => {
    const world = new NodeWorld().startAll();
    const old = world.leader();
    world.isolate(old.id);
    const lost = world.propose(old.id, "lost", 60_000);
    world.clock.advance(5);
    const fresh = world.leader(old.id);
    // The no-op of the new term lies at the index of the lost one; more lie behind.
    const kept = burst(world, fresh.id, 3, 60_000);
    world.clock.advance(100);
    expect(outcomes(kept)).toEqual(["applied", "applied", "applied"]);
    world.heal();
    world.clock.advance(500);
    const again = world.settle(world.propose(old.id, "again"));
    expect(outcomes([lost, again])).toEqual(["LEADERSHIP_LOST not-applied", "applied"]);
    expect(again.result).toBe(4);
    expect(world.node(old.id).journal.texts).toEqual(fresh.journal.texts);
  });

  it.each([0.5, 1, 1.5, 2, 2.5, 3])(
    "forwarded to a leader that dies after %d ms settle once",
    (ms) => {
      const world = new NodeWorld().startAll();
      const leader = world.leader();
      const { id } = world.follower();
      const answers = burst(world, id, 20);
      world.clock.advance(ms);
      leader.kill();
      world.clock.advance(5000);
      once(answers);
      const { texts } = world.node(id).journal;
      for (const { error, text, result } of answers) {
        const seen = texts.filter((one) => one === text).length;
        if (error === null) expect([seen, texts[Number(result) - 1]]).toEqual([1, text]);
        else if (error.outcome === "not-applied") expect(seen).toBe(0);
        else expect(seen).toBeLessThanOrEqual(1);
      }
      // Sent, and no word of it: nobody knows.
      if (ms < 1) expect(outcomes(answers)).toEqual(answers.map(() => "LEADERSHIP_LOST unknown"));
    },
  );
});

describe("limits", () => {
  const full = (answer: Answer) => answer.error?.details;

  it("refuse before anything is appended", () => {
    const world = new NodeWorld({ limits: { pendingCountMax: 3, commandBytesMax: 64 } }).startAll();
    const leader = world.leader();
    const before = leader.member.raft.log.entries.length;
    const large = world.propose(leader.id, "x".repeat(65));
    expect(large.error).toMatchObject({
      ...{ code: "TOO_LARGE", outcome: "not-applied", retry: "never" },
      details: { bytes: 65 + 9, bytesMax: 64 },
    });
    expect(large.error?.message).toBe("Cannot propose a command of 74 bytes: the limit is 64");
    const answers = burst(world, leader.id, 4);
    expect(answers.map(({ count }) => count)).toEqual([0, 0, 0, 1]);
    expect(answers[3]?.error).toMatchObject({ code: "OVERLOADED", outcome: "not-applied" });
    expect(answers.slice(3).map(full)).toEqual([{ limit: "pendingCountMax", limitValue: 3 }]);
    const reads = [1, 2, 3, 4].map(() => world.read(leader.id));
    expect(reads.slice(3).map(full)).toEqual([{ limit: "pendingCountMax", limitValue: 3 }]);
    world.clock.advance(100);
    once([...answers, ...reads]);
    expect(leader.member.raft.log.entries.length).toBe(before + 3);
    expect(outcomes([world.settle(world.propose(leader.id, "room again"))])).toEqual(["applied"]);
  });

  it("bound what waits for a leader, by count and by bytes, and give the room back", () => {
    const limits = { waitingCountMax: 2, waitingBytesMax: 40 };
    const world = new NodeWorld({ limits });
    world.start("a");
    const byCount = burst(world, "a", 3, 200);
    world.clock.advance(10);
    expect(full(byCount[2] as Answer)).toEqual({ limit: "waitingCountMax", limitValue: 2 });
    world.clock.advance(300); // the others have run out of time, and are gone
    expect(outcomes(byCount.slice(0, 2))).toEqual([
      "NO_QUORUM not-applied",
      "NO_QUORUM not-applied",
    ]);
    for (let round = 0; round < 5; round++) {
      const fits = world.propose("a", "x".repeat(20), 50);
      const over = world.propose("a", "x".repeat(20), 50);
      world.clock.advance(10);
      expect(fits.count).toBe(0);
      expect(full(over)).toEqual({ limit: "waitingBytesMax", limitValue: 40 });
      if (round % 2 === 0) fits.abort(aborted("not-applied", undefined));
      world.settle(fits);
    }
  });

  it("bound what is uncommitted: the first passes, the rest is refused, here and forwarded", () => {
    const world = new NodeWorld({ settings: { uncommittedBytesMax: 100 } }).startAll();
    const leader = world.leader();
    const { id } = world.follower();
    world.clock.advance(100); // its no-op is committed
    const here = Array.from({ length: 4 }, () => world.propose(leader.id, "x".repeat(60)));
    const there = world.propose(id, "y".repeat(60));
    world.clock.advance(500);
    once([...here, there]);
    expect(outcomes(here)[0]).toBe("applied"); // alone it may be over the budget
    expect(outcomes(here).slice(1)).toEqual(here.slice(1).map(() => "OVERLOADED not-applied"));
    expect(full(here[1] as Answer)).toEqual({ limit: "uncommittedBytesMax", limitValue: 100 });
    world.heal();
    expect(outcomes([world.settle(world.propose(id, "later"))])).toEqual(["applied"]);
  });
});

describe("aborting", () => {
  const stop = (answer: Answer, outcome: "unknown" | "not-applied") =>
    answer.abort(aborted(outcome, undefined));

  it("ends the waiting in each state, once", () => {
    const world = new NodeWorld().startAll();
    const leader = world.leader();
    const { id } = world.follower();
    const gathered = world.propose(leader.id, "gathered");
    stop(gathered, "not-applied");
    const placed = world.propose(leader.id, "placed");
    const forwarded = world.propose(id, "forwarded");
    world.clock.advance(1);
    stop(placed, "unknown");
    stop(forwarded, "unknown");
    const read = world.read(id);
    world.clock.advance(1);
    stop(read, "not-applied");
    world.clock.advance(500);
    once([gathered, placed, forwarded, read]);
    for (const { error } of [gathered, placed, forwarded, read])
      expect(error?.code).toBe("ABORTED");
    expect([...leader.journal.texts].sort()).toEqual(["forwarded", "placed"]);
    const lonely = new NodeWorld();
    lonely.start("a");
    const waiting = lonely.propose("a", "waiting");
    const asking = lonely.read("a");
    lonely.clock.advance(10);
    stop(waiting, "not-applied");
    stop(asking, "not-applied");
    lonely.start("b");
    lonely.leader();
    lonely.clock.advance(100);
    once([waiting, asking]);
    expect(lonely.node("a").journal.texts).toEqual([]);
  });
});

describe("a command for an unknown machine", () => {
  const foreign = commandFor("shop", "buy");

  it("is refused at propose, appended nowhere", () => {
    const world = new NodeWorld().startAll();
    const leader = world.leader();
    const before = leader.member.raft.log.entries.length;
    for (const data of [foreign, new Uint8Array(0), Uint8Array.of(9, 1, 65), Uint8Array.of(1, 9)]) {
      const answer = world.propose(leader.id, "x", 2000, data);
      expect(answer.error).toMatchObject({ code: "UNKNOWN_COMMAND", outcome: "not-applied" });
    }
    expect(world.answers[0]?.error?.message).toBe(
      `Cannot propose: member ${leader.id} has no machine "shop", or an older version of it that ` +
        "does not know this command",
    );
    world.clock.advance(100);
    expect(leader.member.raft.log.entries.length).toBe(before);
  });

  it("is refused by the leader it is forwarded to, and others of its batch are not", () => {
    const world = new NodeWorld();
    world.alsoDeclares.set("c", ["shop"]);
    world.startAll();
    const leader = world.leaderBut("c");
    const id = "c";
    const good = world.propose(id, "good");
    const bad = world.propose(id, "bad", 2000, foreign);
    const fine = world.propose(id, "fine");
    world.clock.advance(200);
    once([good, bad, fine]);
    expect(outcomes([good, bad, fine])).toEqual([
      "applied",
      "UNKNOWN_COMMAND not-applied",
      "applied",
    ]);
    expect(bad.error?.message).toContain(`member ${leader.id} has no machine "shop"`);
    expect([...leader.journal.texts].sort()).toEqual(["fine", "good"]);
  });

  it("I5: in the log halts the member with an event that says so", () => {
    const world = new NodeWorld({ members: ["a"] }).startAll();
    const { member, events, log } = world.leader();
    const { raft } = member;
    const pending = world.propose("a", "behind it");
    raft.log.entries.push({
      index: logIndex(raft.log.entries.length + 1),
      term: raft.hardState.term,
      kind: "command",
      data: foreign,
    });
    const bytes = foreign.length + entryOverheadBytes;
    if (raft.leadership !== null) raft.leadership.uncommittedBytes += bytes;
    raft.backlog.unsyncedBytes += bytes;
    world.clock.advance(200);
    expect(member.isRunning).toBe(false);
    expect(events.stopped).toHaveLength(1);
    expect(events.stopped[0]?.error).toMatchObject({
      name: "UnknownMachineError",
      machine: "shop",
    });
    expect(log.join("\n")).toContain('it is for the machine "shop", which this program does not');
    once([pending]);
    expect(pending.error).toMatchObject({ code: "STOPPED", outcome: "unknown" });
  });
});
