/** Bad networks between real processes: damage, stalls, cuts, splits, by a proxy in each link. */
import { afterEach, describe, expect, it } from "vitest";
import type { MemberStart } from "../support/member-messages.ts";
import { MemberFailure } from "../support/member-process.ts";
import { memberIds, type ProcessCluster } from "../support/process-cluster.ts";
import { ProxiedCluster } from "../support/proxied-cluster.ts";
import { until } from "../support/wait.ts";

let proxied: ProxiedCluster | null = null;

afterEach(async () => {
  await proxied?.dispose();
  proxied = null;
});

async function started(
  changes: Partial<MemberStart> = {},
): Promise<{ net: ProxiedCluster; live: ProcessCluster }> {
  const net = await ProxiedCluster.started(changes);
  proxied = net;
  return { net, live: net.cluster };
}

describe("three member processes on a bad network", () => {
  it("bytes flipped on the way corrupt nothing: connections drop and traffic resumes", async () => {
    const { net, live } = await started();
    await live.beginLoad();
    for (let round = 0; round < 8; round++) {
      for (const id of memberIds) {
        const proxy = net.proxies.get(id);
        const before = proxy?.flipped ?? 0;
        proxy?.flipNext(1);
        await until(() => (proxy?.flipped ?? 0) > before);
      }
      await live.acknowledged(5, live.member("a"));
    }
    const words = /dropped the connection of member .* (checksum|damaged|bytes|kind|follow|frame)/;
    for (const member of live.members) await member.untilLine(words);
    await live.endLoad();
    expect(await live.contradictions()).toEqual([]);
  });

  it("a leader that reaches nobody is replaced, and follows when it is heard again", async () => {
    const { net, live } = await started();
    await live.beginLoad();
    const old = await live.leader();
    const survivors = live.others(old);
    await live.acknowledged(20, old);
    net.setFaultsFrom(old.id, { isStalled: true });
    const next = await live.leader(survivors);
    await live.acknowledged(20, next);
    // It hears the others, and it is not left believing that it leads.
    await old.until(() => old.leader === next.id);
    // Everything that it sent meanwhile comes now, old appends and heartbeats included.
    net.setFaultsFrom(old.id, {});
    await live.acknowledged(50, next);
    await live.endLoad();
    expect(await live.contradictions()).toEqual([]);
  });

  it("what a cut-off leader took and another overwrote fails (raft-core 1)", async () => {
    // Patient, so that the old leader still believes that it leads when the commands come.
    const { net, live } = await started({ limits: { heartbeatMs: 50, electionMs: 1_000 } });
    const old = await live.leader();
    net.setFaultsFrom(old.id, { isCut: true });
    // They are in its log, and can leave it no more.
    const stuck = Array.from({ length: 20 }, (_, at) =>
      old.ask({ kind: "write", value: `stuck-${at}`, timeoutMs: 20_000 }).then(
        () => "acknowledged",
        (error: unknown) => (error instanceof MemberFailure ? error.message : "gone"),
      ),
    );
    const next = await live.leader(live.others(old));
    for (let at = 0; at < 30; at++) await next.ask({ kind: "write", value: `next.${at}` });
    net.setFaultsFrom(old.id, {});
    for (const outcome of await Promise.all(stuck)) {
      expect(outcome).toMatch(/^LEADERSHIP_LOST \(not-applied\): .*was replaced/);
    }
    expect(await live.contradictions()).toEqual([]);
    const values = await old.ask({ kind: "read" });
    expect(values.filter((value) => value.startsWith("next"))).toHaveLength(30);
    expect(values.filter((value) => value.startsWith("stuck"))).toEqual([]);
  });

  it("a leader that hears nobody steps down, though its heartbeats arrive", async () => {
    const { net, live } = await started();
    await live.beginLoad();
    const old = await live.leader();
    const survivors = live.others(old);
    for (const { id } of survivors) net.setFaults(id, old.id, { isStalled: true });
    const next = await live.leader(survivors);
    await live.acknowledged(20, next);
    for (const { id } of survivors) net.setFaults(id, old.id, {});
    await old.until(() => old.leader === next.id);
    await live.endLoad();
    expect(await live.contradictions()).toEqual([]);
  });

  it("a member that is cut off and comes back deposes nobody (PreVote)", async () => {
    const { net, live } = await started();
    await live.beginLoad();
    const leader = await live.leader();
    const lost = live.others(leader)[0] ?? leader;
    const rest = live.members.filter((member) => member !== lost);
    net.setFaultsFrom(lost.id, { isCut: true });
    for (const { id } of rest) net.setFaults(id, lost.id, { isCut: true });
    await lost.until(() => lost.leader === null);
    await live.acknowledged(100, leader);
    net.setFaultsFrom(lost.id, {});
    for (const { id } of rest) net.setFaults(id, lost.id, {});
    await lost.until(() => lost.leader !== null);
    expect(lost.leader).toBe(leader.id);
    expect(leader.leader).toBe(leader.id);
    expect(lost.term).toBe(leader.term);
    await live.endLoad();
    expect(await live.contradictions()).toEqual([]);
  });

  it("late and split messages make it slow, and nothing else", async () => {
    const { net, live } = await started();
    for (const id of memberIds) net.setFaultsFrom(id, { delayMs: 30, pieceBytes: 13 });
    await live.beginLoad();
    await live.acknowledged(80, live.member("a"));
    await live.endLoad();
    expect(await live.contradictions()).toEqual([]);
  });
});
