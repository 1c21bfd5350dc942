/** Traps of PreVote, CheckQuorum and stickiness (B): `docs/traps.md`. */
import { describe, expect, it } from "vitest";
import { crc32, noIndex, persistUnit } from "../../src/base/index.ts";
import { createMachineSet, rawMachine } from "../../src/machine/index.ts";
import {
  checkOptions,
  defaultLimits,
  Member,
  type OpenedMember,
  openMember,
  silentLogger,
} from "../../src/node/index.ts";
import type { Clock } from "../../src/ports/index.ts";
import { createHosts, type Hosts } from "../../src/sim/hosts/index.ts";
import { createRandom } from "../../src/sim/random.ts";
import { openMemoryLog } from "../../src/storage/index.ts";
import { createSeededRandom, createVirtualClock } from "../../src/testing/index.ts";
import {
  append,
  choose,
  createLab,
  deliver,
  drop,
  elect,
  heal,
  type Lab,
  memberOf,
  partition,
  placeMember,
  proposeAt,
  raftOf,
  readAt,
  receive,
  requestVote,
  settle,
  tick,
  timeOut,
} from "../lab/index.ts";
import { Journal, worldLimits } from "../node/node-world.ts";

const names = ["n1", "n2", "n3"];
const five = ["n1", "n2", "n3", "n4", "n5"];

/** Every member ticks, and all is delivered, `count` times. */
function run(lab: Lab, count: number): void {
  for (let i = 0; i < count; i++) {
    for (const [name, member] of lab.members) if (member.isUp) tick(lab, name);
    settle(lab);
  }
}

/** Members on simulated machines that can stand still. */
class HostWorld {
  readonly hosts: Hosts;
  readonly members = new Map<string, OpenedMember["member"]>();

  constructor(ids: readonly string[]) {
    this.hosts = createHosts({ names: ids, random: (stream) => createRandom(1, stream) });
    const members = Object.fromEntries(ids.map((id) => [id, `${id}:1`]));
    for (const host of this.hosts.list) {
      const parts = {
        options: checkOptions({ id: host.name, members, dir: "/data", limits: worldLimits }),
        ports: host.boot().ports,
        machines: createMachineSet({ texts: rawMachine(() => new Journal()) }),
        logger: silentLogger,
      };
      openMember(parts, (_error, opened) => {
        if (opened !== undefined) this.members.set(host.name, opened.member);
      });
    }
    this.run(1000);
  }

  run(ms: number): void {
    const { timeline } = this.hosts;
    timeline.runUntil(timeline.nowMs + ms);
  }

  /** Whom most members follow. */
  leader(): string {
    const followed = [...this.members.values()].map(({ raft }) => raft.leader);
    const found = followed.find((id) => followed.filter((other) => other === id).length >= 2);
    return found ?? "";
  }
}

function leaders(lab: Lab): string[] {
  return [...lab.members.keys()].filter((name) => raftOf(lab, name).role === "leader");
}

describe("PreVote, CheckQuorum, stickiness", () => {
  it("B1, B4: a member with a higher term, ignored as a candidate, is heard", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    placeMember(lab, "n3", names, { terms: [1], term: 9 });
    tick(lab, "n1");
    deliver(lab);
    expect(lab.network).toContainEqual(
      expect.objectContaining({ from: "n3", term: 9, outcome: { kind: "stale-term" } }),
    );
    run(lab, 40);
    expect(leaders(lab)).toHaveLength(1);
    expect(raftOf(lab, "n3").log.entries).toEqual(raftOf(lab, "n1").log.entries);
  });

  it("B2: a rejected pre-vote with a higher term is adopted, a granted one is not", () => {
    const lab = createLab(names);
    placeMember(lab, "n2", names, { terms: [1], term: 7 });
    timeOut(lab, "n1");
    deliver(lab, choose({ to: "n2" }));
    deliver(lab, choose({ from: "n2" }));
    expect(raftOf(lab, "n1")).toMatchObject({ role: "follower", hardState: { term: 7 } });
    const other = createLab(five);
    for (const name of ["n2", "n3"]) placeMember(other, name, five, { terms: [1], term: 2 });
    timeOut(other, "n1"); // asks for term 2, which n2 has and is free to vote in
    deliver(other, choose({ to: "n2" }));
    deliver(other, choose({ from: "n2" }));
    expect(raftOf(other, "n1")).toMatchObject({ role: "pre-candidate", hardState: { term: 1 } });
  });

  it("B3: a pre-candidate changes role and leader, nothing else; its reads fail fast", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    const before = raftOf(lab, "n2").hardState;
    tick(lab, "n2", raftOf(lab, "n2").electionTimeout - 1);
    readAt(lab, "n2", 1);
    drop(lab);
    tick(lab, "n2");
    expect(raftOf(lab, "n2")).toMatchObject({ role: "pre-candidate", leader: null });
    expect(raftOf(lab, "n2").hardState).toBe(before);
    readAt(lab, "n2", 2);
    expect(memberOf(lab, "n2").answers.map((answer) => answer.ids)).toEqual([[1], [2]]);
    expect(memberOf(lab, "n2").answers.every((answer) => "failed" in answer)).toBe(true);
  });

  it("B4: a partitioned candidate without PreVote rejoins, and the cluster settles", () => {
    const lab = createLab(names, { settings: { preVote: false } });
    elect(lab, "n1");
    partition(lab, ["n1", "n2"]);
    run(lab, 170);
    expect(raftOf(lab, "n3").hardState.term).toBeGreaterThan(8);
    heal(lab);
    run(lab, 60);
    expect(leaders(lab)).toHaveLength(1);
  });

  it("B5: a pre-vote looks at the log: a member that is behind causes no elections", () => {
    const lab = createLab(names, { terms: [1, 1, 1] });
    placeMember(lab, "n1", names, { terms: [1], commit: 1 });
    tick(lab, "n1", 200); // its timer runs out again and again
    settle(lab);
    expect(names.map((name) => raftOf(lab, name).hardState.term)).toEqual([1, 1, 1]);
  });

  it("B7: pre-votes that arrive after the election start nothing", () => {
    const lab = createLab(five);
    timeOut(lab, "n1");
    deliver(lab, choose({ kind: "request-vote" }));
    const late = drop(lab, choose({ from: "n5", kind: "request-vote-response" }));
    settle(lab);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", hardState: { term: 2 } });
    for (const message of late) receive(lab, message);
    expect(late).toHaveLength(1);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", hardState: { term: 2 } });
  });

  it("B9: contact counts from sending: answers late by a timeout are none", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    let isLeaderFor = 0;
    for (let i = 0; i < 30 && raftOf(lab, "n1").role === "leader"; i++) {
      tick(lab, "n1");
      isLeaderFor++;
      deliver(lab, choose({ kind: "append-entries" }));
      // Only answers to what was sent eight ticks ago arrive.
      const round = (raftOf(lab, "n1").leadership?.round ?? 0) - 8;
      deliver(
        lab,
        (message) => "round" in message && message.to === "n1" && message.round <= round,
      );
    }
    expect(isLeaderFor).toBe(30); // 8 is less than 10: it stays
    let ticks = 0;
    for (; raftOf(lab, "n1").role === "leader" && ticks < 30; ticks++) {
      tick(lab, "n1");
      const round = 23 + Math.floor(ticks / 3); // answers go on coming, later and later
      deliver(
        lab,
        (message) => "round" in message && message.to === "n1" && message.round <= round,
      );
    }
    expect(ticks).toBeLessThanOrEqual(10);
  });

  it("B10: heartbeats keep their phase, and timers are drawn anew each time", () => {
    const lab = createLab(names, { settings: { heartbeatTicks: 5 } });
    elect(lab, "n1");
    const at: number[] = [];
    for (let i = 0; i < 1000; i++) {
      tick(lab, "n1");
      if (lab.network.length > 0) at.push(i);
      settle(lab);
    }
    expect(at).toEqual(Array.from({ length: 200 }, (_, k) => 5 * k + 4));
    const drawn = new Set<number>();
    for (let i = 0; i < 10; i++) {
      memberOf(lab, "n2").jitter = i / 10;
      tick(lab, "n2");
      receive(lab, append("n1", "n2", 2, { prev: [2, 2] }));
      drawn.add(raftOf(lab, "n2").electionTimeout);
    }
    expect(drawn.size).toBe(10);
  });

  it("B10: a tick that runs late does not move those after it", () => {
    const clock = createVirtualClock();
    const late: Clock = {
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.wallMs(),
      after: (ms, run) => clock.after(ms + 0.7, run),
      defer: (run) => clock.defer(run),
    };
    const { raft } = memberOf(createLab(["n1"]), "n1");
    const { store } = openMemoryLog({ clock, crc32, clusterId: "00c1a51e00c1a51e" });
    const { entries } = raft.log;
    const unit = { unit: persistUnit(0), hardState: null, truncateFrom: null, commit: noIndex };
    store.append({ ...unit, entries }, () => {});
    const member = new Member({
      ...{ raft, store, lock: null, clock: late },
      ...{ random: createSeededRandom(1), limits: { ...defaultLimits, tickMs: 5 } },
      ...{ machines: createMachineSet({ texts: rawMachine(() => new Journal()) }) },
      ...{ logger: silentLogger, check: null, observer: null },
      ...{ metrics: null, recorder: null, recordings: null },
    });
    member.run({
      ...{ address: "n1:1", send: () => true, flush: () => {}, setPeers: () => {} },
      ...{ dialBulk: () => null, close: (done: () => void) => clock.defer(done) },
    });
    clock.advance(5000);
    expect(raft.nowTick).toBeGreaterThanOrEqual(999);
    expect(raft.nowTick).toBeLessThanOrEqual(1000);
  });

  it("B11: granting a pre-vote delays nobody's election", () => {
    const lab = createLab(names);
    tick(lab, "n1", 9);
    for (let i = 0; i < 5; i++) receive(lab, requestVote("n2", "n1", 2, [1, 1], true));
    expect(lab.network.every((message) => "refused" in message && message.refused === null)).toBe(
      true,
    );
    tick(lab, "n1");
    expect(raftOf(lab, "n1").role).toBe("pre-candidate");
  });

  it("B12: a leader that reaches only a bridge gives way to the majority behind it", () => {
    const lab = createLab(five);
    elect(lab, "n1");
    // n1 - n2 - n3 - n4, with n2 and n4 connected; n5 is alone.
    const links = new Set(["n1>n2", "n2>n3", "n3>n4", "n2>n4"]);
    for (const from of five) {
      for (const to of five) {
        if (!links.has(`${from}>${to}`) && !links.has(`${to}>${from}`))
          lab.cut.add(`${from}>${to}`);
      }
    }
    run(lab, 80);
    const [leader] = leaders(lab).filter((name) => name !== "n1");
    expect(["n2", "n3", "n4"]).toContain(leader);
    proposeAt(lab, leader ?? "", "a");
    settle(lab);
    const last = raftOf(lab, leader ?? "").log.entries.length;
    expect(raftOf(lab, leader ?? "").commit).toBe(last);
  });

  it("B13: a leader whose loop stands still is replaced, and follows when it goes on", () => {
    const world = new HostWorld(names);
    const old = world.leader();
    world.hosts.host(old).pause();
    world.run(400); // two election timeouts at most, and the votes
    const fresh = world.leader();
    expect(fresh).not.toBe(old);
    world.run(4600);
    world.hosts.host(old).resume();
    world.run(100);
    expect(world.leader()).toBe(fresh);
    expect(world.members.get(old)?.raft).toMatchObject({ role: "follower", leader: fresh });
  });

  it("B14: a follower that refuses its leader's appends counts them as contact", () => {
    const lab = createLab(names);
    for (let i = 0; i < 100; i++) {
      tick(lab, "n1");
      receive(lab, append("n2", "n1", 2, { prev: [2, 50], sequence: i }));
    }
    expect(raftOf(lab, "n1")).toMatchObject({ role: "follower", leader: "n2" });
    expect(new Set(memberOf(lab, "n1").roles.map(({ role }) => role))).toEqual(
      new Set(["follower"]),
    );
  });
});
