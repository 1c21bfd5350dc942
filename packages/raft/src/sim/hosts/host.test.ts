import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { createHosts } from "./hosts.ts";

function makeHost() {
  const hosts = createHosts({ names: ["a"], random: (stream) => createRandom(1, stream) });
  const host = hosts.host("a");
  return { hosts, host, timeline: hosts.timeline };
}

describe("the clock of a life", () => {
  it("runs at its own speed, from its own origin, and timers move when the speed changes", () => {
    const { host, timeline } = makeHost();
    const { clock } = host.boot().ports;
    host.time.jump(1000);
    host.time.setRate(2);
    const ran: number[] = [];
    clock.after(100, () => ran.push(clock.nowMs()));
    timeline.runUntil(25);
    expect(clock.nowMs()).toBe(1050);
    host.time.setRate(0.5);
    timeline.runUntil(124);
    expect(ran).toEqual([]);
    timeline.runUntil(125);
    expect(ran).toEqual([1100]);
  });

  it("never rings early, whatever the speed", () => {
    const { host, timeline } = makeHost();
    const { clock } = host.boot().ports;
    const random = createRandom(3, 3);
    let rings = 0;
    const set = (): void => {
      const dueMs = clock.nowMs() + random.unit() * 3;
      clock.after(dueMs - clock.nowMs(), () => {
        expect(clock.nowMs()).toBeGreaterThanOrEqual(dueMs);
        rings += 1;
        if (rings % 50 === 0) host.time.setRate(0.1 + random.unit() * 9);
        set();
      });
    };
    set();
    timeline.runUntil(1000);
    expect(rings).toBeGreaterThan(300);
  });

  it("jumps on the wall and nowhere else", () => {
    const { host, timeline } = makeHost();
    const { clock } = host.boot().ports;
    const wallMs = clock.wallMs();
    host.time.jumpWall(-3_600_000);
    timeline.runUntil(10);
    expect([clock.wallMs() - wallMs, clock.nowMs()]).toEqual([10 - 3_600_000, 10]);
  });

  it("defers to the end of the turn, and what is deferred there to the next", () => {
    const { host, timeline } = makeHost();
    const life = host.boot();
    const { clock } = life.ports;
    const ran: string[] = [];
    clock.after(5, () => {
      ran.push("first");
      clock.defer(() => {
        ran.push("deferred");
        clock.defer(() => ran.push("deferred again"));
        life.post(() => ran.push("posted"));
      });
    });
    clock.after(5, () => {
      ran.push("second");
      clock.defer(() => ran.push("deferred, too"));
    });
    timeline.runUntil(5);
    const turns = ["first", "second", "deferred", "deferred, too", "deferred again", "posted"];
    expect(ran).toEqual(turns);
  });
});

describe("a pause", () => {
  it("holds timers, answers of the disk and the turn, and all runs in order at the end", () => {
    const { host, timeline } = makeHost();
    const life = host.boot();
    const { clock, disk } = life.ports;
    const ran: string[] = [];
    clock.after(3, () => ran.push("timer 3"));
    clock.after(1, () => ran.push("timer 1"));
    const cancelled = clock.after(2, () => ran.push("cancelled"));
    clock.defer(() => ran.push("turn"));
    disk.makeDirectory("/d", () => ran.push("disk"));
    host.pause();
    timeline.runUntil(100);
    expect(ran).toEqual([]);
    cancelled.cancel(); // as by the world
    host.resume();
    timeline.runUntil(100);
    expect(ran).toEqual(["disk", "timer 1", "timer 3", "turn"]);
    expect(clock.nowMs()).toBe(100);
  });

  it("that stops the clock, too, leaves timers as far ahead as they were", () => {
    const { host, timeline } = makeHost();
    const { clock } = host.boot().ports;
    const ran: number[] = [];
    clock.after(10, () => ran.push(timeline.nowMs));
    timeline.runUntil(4);
    host.pause({ stopsClock: true });
    timeline.runUntil(104);
    host.resume();
    expect(clock.nowMs()).toBe(4);
    timeline.runUntil(200);
    expect(ran).toEqual([110]);
  });
});

describe("a death", () => {
  it("ends all that was to come, also in the middle of a turn", () => {
    const { host, timeline, hosts } = makeHost();
    const life = host.boot();
    const { clock, disk } = life.ports;
    const ran: string[] = [];
    clock.after(1, () => ran.push("timer"));
    disk.makeDirectory("/d", () => ran.push("disk"));
    clock.defer(() => {
      host.kill();
      disk.open("/d/late", "create", () => ran.push("late"));
      clock.defer(() => ran.push("deferred by the dead"));
      clock.after(0, () => ran.push("timer of the dead"));
    });
    clock.defer(() => ran.push("the rest of the turn"));
    timeline.runUntil(10);
    expect([ran, host.life, hosts.network.connectionCount]).toEqual([[], null, 0]);
    expect(host.disk.memory.files()).toEqual([]);
    const second = host.boot();
    expect([second.number, life.isAlive, second.isAlive]).toEqual([2, false, true]);
    expect(() => host.boot()).toThrow("a host runs one program at a time");
  });

  it("takes with it what was paused", () => {
    const { host, timeline } = makeHost();
    const ran: string[] = [];
    host.boot().ports.clock.after(1, () => ran.push("timer"));
    host.pause({ stopsClock: true });
    timeline.runUntil(5);
    host.kill();
    const { clock } = host.boot().ports;
    host.resume();
    clock.after(1, () => ran.push("of the next life"));
    timeline.runUntil(10);
    expect(ran).toEqual(["of the next life"]);
  });
});
