/** Priorities and what a member says of itself; transfers as such are paper tests and stories. */
import { describe, expect, it } from "vitest";
import {
  createLab,
  elect,
  type Lab,
  memberOf,
  proposeAt,
  raftOf,
  setDiskHealth,
  settle,
  tick,
  timeOut,
  transferAt,
} from "../../test/lab/index.ts";
import { run } from "../../test/traps/cluster.ts";
import { defaultSettings, describeBadSettings } from "./index.ts";
import { drawElectionTimeout } from "./state.ts";

const names = ["n1", "n2", "n3"];

function ledWith(priorities: Readonly<Record<string, number>>): Lab {
  const own = Object.fromEntries(
    Object.entries(priorities).map(([name, priority]) => [name, { priority }]),
  );
  const lab = createLab(names, { own });
  elect(lab, "n1");
  run(lab, 1);
  return lab;
}

const leaderOf = (lab: Lab) => names.filter((name) => raftOf(lab, name).role === "leader");

describe("priority", () => {
  it("is 0 to 10", () => {
    expect(describeBadSettings({ ...defaultSettings, priority: 0 })).toBe(null);
    expect(describeBadSettings({ ...defaultSettings, priority: 11 })).toMatch(/^priority is 11/);
    expect(describeBadSettings({ ...defaultSettings, priority: 0.5 })).toMatch(/0 to 10/);
  });

  it("draws the election timer from the beginning of the usual range while it has a leader", () => {
    for (const [priority, most] of [
      [0, 199],
      [1, 199],
      [2, 149],
      [10, 109],
    ] as const) {
      const settings = { ...defaultSettings, priority };
      expect(drawElectionTimeout(settings, 0, true)).toBe(100);
      expect(drawElectionTimeout(settings, 0.9999, true)).toBe(most);
      // Without a leader those of equal priority must not stand at the same time for ever.
      expect(drawElectionTimeout(settings, 0.9999, false)).toBe(199);
    }
  });

  it("decides whom a leader hands over to, before the length of the logs does", () => {
    const lab = ledWith({ n2: 2, n3: 3 });
    expect(transferAt(lab, "n1", null)).toEqual({ kind: "started", to: "n3" });
    const equal = ledWith({});
    equal.cut.add("n1>n2");
    proposeAt(equal, "n1", "x");
    settle(equal);
    expect(transferAt(equal, "n1", null)).toEqual({ kind: "started", to: "n3" });
  });

  it("0 is never chosen and never stands, and leads where it is told to", () => {
    const lab = ledWith({ n2: 0, n3: 0 });
    expect(transferAt(lab, "n1", null)).toEqual({ kind: "refused", why: "no-target" });
    timeOut(lab, "n2");
    expect(raftOf(lab, "n2")).toMatchObject({ role: "follower", leader: null });
    proposeAt(lab, "n1", "x");
    settle(lab);
    expect(raftOf(lab, "n2").leader).toBe("n1");
    expect(transferAt(lab, "n1", "n2").kind).toBe("started");
    settle(lab);
    expect(leaderOf(lab)).toEqual(["n2"]);
  });

  it("0 leads where there is no other voter", () => {
    const lab = createLab(["n1"], { own: { n1: { priority: 0 } } });
    setDiskHealth(lab, "n1", false);
    tick(lab, "n1");
    expect(raftOf(lab, "n1").role).toBe("leader");
  });

  it("waits while the better one is not fit: silent, behind or unhealthy", () => {
    const lab = ledWith({ n3: 5 });
    setDiskHealth(lab, "n3", false);
    run(lab, 150);
    expect(leaderOf(lab)).toEqual(["n1"]);
    lab.cut.add("n1>n3");
    setDiskHealth(lab, "n3", true);
    for (let i = 0; i < 100; i++) {
      tick(lab, "n1");
      settle(lab);
    }
    expect(leaderOf(lab)).toEqual(["n1"]);
    lab.cut.clear();
    run(lab, 3);
    expect(leaderOf(lab)).toEqual(["n3"]);
  });

  it("asks again only after ten election timeouts if nobody came", () => {
    const lab = ledWith({ n3: 5 });
    lab.onLeave = (message) => {
      if (message.kind === "timeout-now") {
        lab.network = lab.network.filter((other) => other !== message);
      }
    };
    run(lab, 250);
    expect(memberOf(lab, "n1").transfers.map(({ outcome }) => outcome)).toEqual([
      "timed-out",
      "timed-out",
    ]);
  });
});

describe("an unhealthy disk", () => {
  it("moves the office to a healthy member, at once if there is one", () => {
    const lab = ledWith({});
    setDiskHealth(lab, "n2", false);
    run(lab, 1);
    setDiskHealth(lab, "n1", false);
    run(lab, 2);
    expect(leaderOf(lab)).toEqual(["n3"]);
    expect(memberOf(lab, "n1").transfers).toMatchObject([{ to: "n3", why: "disk" }]);
  });

  it("ends a transfer to it as soon as the leader hears of it", () => {
    const lab = ledWith({});
    setDiskHealth(lab, "n2", false); // not told yet
    expect(transferAt(lab, "n1", "n2").kind).toBe("started");
    run(lab, 1);
    expect(memberOf(lab, "n1").transfers).toMatchObject([{ to: "n2", outcome: "unfit" }]);
    expect(proposeAt(lab, "n1", "x").kind).toBe("appended");
  });

  it("leaves the office where it is if nobody is better", () => {
    const lab = ledWith({});
    for (const name of names) setDiskHealth(lab, name, false);
    run(lab, 50);
    expect(leaderOf(lab)).toEqual(["n1"]);
    expect(proposeAt(lab, "n1", "x").kind).toBe("appended");
  });

  it("keeps a member from standing, and ends with it", () => {
    const lab = ledWith({});
    setDiskHealth(lab, "n2", false);
    timeOut(lab, "n2");
    timeOut(lab, "n2");
    expect(raftOf(lab, "n2").role).toBe("follower");
    setDiskHealth(lab, "n2", true);
    timeOut(lab, "n2");
    expect(raftOf(lab, "n2").role).toBe("pre-candidate");
  });
});
