import { describe, expect, it } from "vitest";
import { type Answer, commandFor, NodeWorld } from "../../test/node/node-world.ts";
import { nodeId } from "../base/index.ts";

const everyOnce = (answers: readonly Answer[]) =>
  expect(answers.map(({ count }) => count)).toEqual(answers.map(() => 1));

describe("stopping", () => {
  it("settles every request, wherever it is on its way, and leaves nothing behind", () => {
    const world = new NodeWorld().startAll();
    const leader = world.leader();
    const { id } = world.follower();
    const sent = [
      ...[world.propose(leader.id, "placed"), world.propose(id, "forwarded")],
      ...[world.read(leader.id), world.read(id)],
    ];
    world.clock.advance(1);
    const fresh = [world.propose(leader.id, "gathered"), world.read(id)];
    world.stop(leader.id);
    world.stop(id);
    everyOnce([...sent, ...fresh]);
    expect(sent.map(({ error }) => error?.outcome)).toEqual([
      "unknown",
      "unknown",
      "not-applied",
      "not-applied",
    ]);
    expect(fresh.map(({ error }) => `${error?.code} ${error?.outcome}`)).toEqual([
      "STOPPED not-applied",
      "STOPPED not-applied",
    ]);
    for (const one of [...world.running.values()]) world.stop(one.id);
    world.clock.advance(10_000);
    expect([world.network.connectionCount(), world.clock.pendingCount()]).toEqual([0, 0]);
  });

  it("is idempotent; later requests are refused at once", () => {
    const world = new NodeWorld({ members: ["a"] }).startAll();
    const { member, events } = world.leader();
    let stops = 0;
    for (let i = 0; i < 3; i++) member.stop(() => stops++);
    world.clock.advance(10);
    member.stop(() => stops++);
    world.clock.advance(10);
    expect(stops).toBe(4);
    expect(events.stopped).toEqual([{ error: null }]);
    const refused = [world.propose("a", "x"), world.read("a")];
    everyOnce(refused);
    for (const { error } of refused) {
      expect(error).toMatchObject({ code: "STOPPED", outcome: "not-applied" });
    }
  });

  it("in a listener, in the middle of a turn, is heard", () => {
    const world = new NodeWorld();
    const { member, events } = world.start("a");
    let isStopped = false;
    member.events.on("role", () => {
      member.stop(() => {
        isStopped = true;
      });
    });
    const waiting = world.propose("a", "x", 10_000);
    world.start("b");
    world.clock.advance(2000);
    expect([isStopped, member.isRunning, waiting.count]).toEqual([true, false, 1]);
    expect(events.stopped).toEqual([{ error: null }]);
  });
});

describe("a machine that throws", () => {
  it("I1: stops its member with the error; the others go on", () => {
    const world = new NodeWorld().startAll();
    const leader = world.leader();
    const broken = world.follower();
    const boom = new Error("the disk of the machine is full");
    broken.journal.onApply = (text) => {
      if (text === "poison") throw boom;
    };
    world.settle(world.propose(broken.id, "fine"));
    const poison = world.propose(broken.id, "poison");
    const behind = world.propose(broken.id, "behind");
    world.clock.advance(100);
    everyOnce([poison, behind]);
    for (const { error } of [poison, behind]) {
      expect(error).toMatchObject({ code: "STOPPED", outcome: "unknown", cause: boom });
      expect(error?.message).toBe(
        "Cannot go on: this member has stopped: the disk of the machine is full",
      );
    }
    expect(broken.events.stopped).toEqual([{ error: boom }]);
    expect(broken.journal.texts).toEqual(["fine"]);
    expect(broken.log.join("\n")).toContain(`Member ${broken.id} stops: the disk of the machine`);
    expect(world.settle(world.propose(leader.id, "on")).error).toBeNull();
    expect(leader.journal.texts).toEqual(["fine", "poison", "behind", "on"]);
  });
});

describe("a listener that throws", () => {
  it("is reported, and neither the member nor other listeners notice", () => {
    const world = new NodeWorld();
    const { member, log, events } = world.start("a");
    const throwing = () => {
      throw new Error("the listener's own fault");
    };
    for (const name of ["role", "leader", "peer", "stopped"] as const) {
      member.events.on(name, throwing);
    }
    world.start("b");
    world.leader();
    expect(world.settle(world.propose("a", "x")).error).toBeNull();
    world.stop("a");
    expect(events.stopped).toEqual([{ error: null }]);
    for (const name of ["role", "leader", "peer", "stopped"]) {
      const line = log.find((one) => one.startsWith(`error A listener of "${name}" threw: Error`));
      expect(line).toContain("the listener's own fault");
    }
  });
});

describe("whoever poses as a peer", () => {
  it("is refused, and what we send to that peer goes on", () => {
    const world = new NodeWorld().startAll();
    const leader = world.leader();
    const { id, member, events } = world.follower();
    const forwarded = world.propose(id, "x");
    world.clock.advance(0.5);
    member.handlers.onPeer({ kind: "refused", peer: nodeId(leader.id), reason: "an impostor" });
    world.settle(forwarded);
    expect(forwarded.error).toBeNull();
    const seen = world.status(id).members.find((one) => one.id === leader.id);
    expect(seen).toMatchObject({ connected: true, reason: "an impostor" });
    expect(events.peer.at(-1)).toMatchObject({ kind: "refused", reason: "an impostor" });
  });
});

describe("storage errors", () => {
  /** The first `count` operations after the start succeed, the next one of b fails. */
  function run(count: number): { readonly isHit: boolean } {
    const world = new NodeWorld({ disk: true }).startAll();
    world.leader();
    let left = count;
    let isHit = false;
    world.fault = (id) => {
      if (id !== "b" || left-- !== 0) return null;
      isHit = true;
      return { kind: "fail", code: "EIO" };
    };
    const b = world.node("b");
    const answers: Answer[] = [];
    for (let i = 0; i < 6; i++) {
      answers.push(world.propose("b", `${i}`, 3000), world.read("b", 3000));
      world.clock.advance(3);
    }
    world.clock.advance(5000);
    if (isHit && b.events.stopped.length > 0) {
      expect(b.events.stopped).toHaveLength(1);
      expect(b.events.stopped[0]?.error).toMatchObject({
        code: "STORAGE_FAILED",
        details: { systemCode: "EIO" },
      });
      expect(b.member.isRunning).toBe(false);
    }
    everyOnce(answers);
    const rest = [...world.running.values()].filter(({ id }) => id !== "b");
    world.leader(b.member.isRunning ? null : "b");
    const [one, other] = rest.map(({ journal }) => journal.texts);
    expect(world.settle(world.propose(rest[0]?.id ?? "", "on")).error).toBeNull();
    world.clock.advance(200);
    expect(one).toEqual(other);
    for (const { text, error, result } of answers) {
      if (text.startsWith("read")) continue;
      const seen = one?.filter((each) => each === text).length;
      if (error === null) expect([seen, one?.[Number(result) - 1]]).toEqual([1, text]);
      else if (error.outcome === "not-applied") expect(seen).toBe(0);
      else expect(seen).toBeLessThanOrEqual(1);
    }
    return { isHit };
  }

  it("at any operation end the member, once, and every request settles truly", () => {
    let count = 0;
    while (run(count).isHit) count++;
    expect(count).toBeGreaterThan(10);
  });

  it("are final: the message names the file", () => {
    const world = new NodeWorld({ disk: true, members: ["a"] }).startAll();
    const { events } = world.leader();
    world.fault = (_id, { kind }) => (kind === "sync" ? { kind: "fail", code: "EIO" } : null);
    const answer = world.settle(world.propose("a", "x", 2000, commandFor("journal", "x")));
    expect(answer.error).toMatchObject({ code: "STOPPED", outcome: "unknown" });
    world.clock.advance(100);
    expect(events.stopped[0]?.error?.message).toMatch(/^Cannot sync \/data\/member\/.*EIO/);
  });
});
