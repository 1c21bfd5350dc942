/** Dissertation 3.10: leadership transfer extension; 4.2.3 as far as it belongs to it. */
import { describe, expect } from "vitest";
import {
  choose,
  crash,
  createLab,
  deliver,
  drop,
  elect,
  type Lab,
  memberOf,
  persist,
  proposeAt,
  raftOf,
  setDisk,
  settle,
  tick,
  transferAt,
} from "../lab/index.ts";
import { paper } from "./paper.ts";

/** n1 leads, and everybody has answered a round. */
function led(): Lab {
  const lab = createLab(["n1", "n2", "n3"]);
  elect(lab, "n1");
  tick(lab, "n1");
  settle(lab);
  return lab;
}

describe("leadership transfer", () => {
  paper("3.10-stops", () => {
    const lab = led();
    expect(transferAt(lab, "n1", "n3")).toEqual({ kind: "started", to: "n3" });
    expect(proposeAt(lab, "n1", "x")).toEqual({ kind: "refused", why: "transferring" });
    expect(raftOf(lab, "n1").log.entries).toHaveLength(2);
    settle(lab);
    expect(raftOf(lab, "n3").role).toBe("leader");
    expect(proposeAt(lab, "n3", "x").kind).toBe("appended");
  });

  paper("3.10-up-to-date", () => {
    const lab = led();
    setDisk(lab, "n3", "slow");
    proposeAt(lab, "n1", "x", "y");
    transferAt(lab, "n1", "n3");
    for (let i = 0; i < 3; i++) {
      tick(lab, "n1");
      settle(lab);
      expect(raftOf(lab, "n3").role).toBe("follower");
    }
    persist(lab, "n3");
    setDisk(lab, "n3", "fast");
    settle(lab);
    expect(raftOf(lab, "n3")).toMatchObject({ role: "leader", commit: 5 });
  });

  paper("3.10-at-once", () => {
    const lab = led();
    transferAt(lab, "n1", "n3");
    deliver(lab, choose({ kind: "timeout-now" }));
    expect(raftOf(lab, "n3")).toMatchObject({ role: "candidate", hardState: { term: 3 } });
    const asked = lab.network.filter(choose({ from: "n3" }));
    expect(asked).toMatchObject([
      { kind: "request-vote", to: "n1", pre: false, term: 3 },
      { kind: "request-vote", to: "n2", pre: false, term: 3 },
    ]);
  });

  paper("3.10-deadline", () => {
    const lab = led();
    crash(lab, "n3");
    transferAt(lab, "n1", "n3");
    for (let i = 0; i < 9; i++) {
      tick(lab, "n1");
      settle(lab);
    }
    expect(memberOf(lab, "n1").transfers).toEqual([]);
    expect(proposeAt(lab, "n1", "x").kind).toBe("refused");
    tick(lab, "n1");
    expect(memberOf(lab, "n1").transfers).toMatchObject([{ to: "n3", outcome: "timed-out" }]);
    proposeAt(lab, "n1", "x");
    settle(lab);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", commit: 3, hardState: { term: 2 } });
  });

  paper("4.2.3-transfer", () => {
    const lab = led();
    transferAt(lab, "n1", "n3");
    deliver(lab, choose({ kind: "timeout-now" }));
    drop(lab, choose({ to: "n1" }));
    deliver(lab, choose({ to: "n2" })); // which has heard n1 within the last tick
    expect(lab.network).toMatchObject([{ kind: "request-vote-response", refused: null }]);
    settle(lab);
    expect(raftOf(lab, "n3").role).toBe("leader");
  });
});
