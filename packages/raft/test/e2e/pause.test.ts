/**
 * A leader that is stopped (SIGSTOP) for longer than an election takes, as by a debugger or a
 * starved machine: the others go on, and what it does after it wakes up is right.
 */
import { afterEach, describe, expect, it } from "vitest";
import { MemberFailure } from "../support/member-process.ts";
import { ProcessCluster } from "../support/process-cluster.ts";

let cluster: ProcessCluster | null = null;

afterEach(async () => {
  await cluster?.dispose();
  cluster = null;
});

describe("a leader that is paused for longer than an election", () => {
  it("answers no stale read when it wakes up (antietcd 1, etcd #20418)", async () => {
    cluster = await ProcessCluster.started();
    for (let round = 0; round < 3; round++) {
      const old = await cluster.leader();
      await old.ask({ kind: "write", value: `before.${round}` });
      // Reads are on their way through the old leader when it is stopped, and come again after.
      const early = Array.from({ length: 10 }, () => old.ask({ kind: "read" }));
      old.signal("SIGSTOP");
      const next = await cluster.leader(cluster.others(old));
      await next.ask({ kind: "write", value: `during.${round}` });
      const late = Array.from({ length: 50 }, () => old.ask({ kind: "read", timeoutMs: 5_000 }));
      old.signal("SIGCONT");
      for (const read of late) expect(await read).toContain(`during.${round}`);
      for (const read of early) expect(await read).toContain(`before.${round}`);
      await old.until(() => old.leader !== null && old.leader !== old.id);
      const { role, term } = await old.ask({ kind: "status" });
      expect(role).toBe("follower");
      expect(term).toBeGreaterThanOrEqual(next.term);
    }
  });

  it("settles its pending commands by what was committed", async () => {
    cluster = await ProcessCluster.started();
    const live = cluster;
    for (let round = 0; round < 3; round++) {
      const old = await live.leader();
      const stuck = Array.from({ length: 20 }, (_, at) => writeAndRecord(live, old, round, at));
      old.signal("SIGSTOP");
      const next = await live.leader(live.others(old));
      // The new leader's commands take the very places that the old one's had in its log.
      for (let at = 0; at < 30; at++) {
        await next.ask({ kind: "write", value: `next${round}.${at}` });
      }
      const woken = Array.from({ length: 20 }, (_, at) =>
        writeAndRecord(live, old, round, 20 + at),
      );
      old.signal("SIGCONT");
      await Promise.all([...stuck, ...woken]);
    }
    expect(await live.contradictions()).toEqual([]);
    const values = await live.member("a").ask({ kind: "read" });
    expect(values.filter((value) => value.startsWith("next"))).toHaveLength(90);
  });
});

/** Each is a client of its own, for those of one member at one time have no order. */
async function writeAndRecord(
  live: ProcessCluster,
  member: ReturnType<ProcessCluster["member"]>,
  round: number,
  at: number,
): Promise<void> {
  const value = `stuck${round}-${at}.1`;
  try {
    await member.ask({ kind: "write", value, timeoutMs: 5_000 });
    live.ledger.record(value, null);
  } catch (error) {
    if (!(error instanceof MemberFailure)) throw error;
    live.ledger.record(value, error.told);
  }
}
