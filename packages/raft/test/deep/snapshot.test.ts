/**
 * A snapshot of 1 GiB on its way to an empty member while a load runs: what it costs the sender in
 * memory, the writes in time, and what becomes of it when connections and members go. Run by
 * `npm run test:deep`, on a machine that does nothing else: it judges times.
 */
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../support/wait.ts";
import { DeepCluster } from "./deep-cluster.ts";
import type { DeepMember } from "./deep-member.ts";
import type { LoadReport, SteadyLoad } from "./deep-messages.ts";
import { HostWatch, MemoryWatch, mebibyte } from "./memory-watch.ts";
import { pageBytes } from "./page-machine.ts";
import { mebibytes, print, printReports, sha256Of } from "./print-reports.ts";

const stateBytes = 1024 * mebibyte;
const growthBytesMax = 256 * mebibyte;
const stallMsMax = 200;

/**
 * One snapshot in each test: the load is too small for a second one to be due. Small segments: what
 * it stands for is gone from the disks, too, so who starts again cannot send that as entries.
 */
const limits = { snapshotEntries: 2_000, snapshotKeptEntries: 100, segmentBytesMax: 64 * 1024 };
const load: SteadyLoad = { writesPerSecond: 250, payloadBytes: 256 };
const pageCount = stateBytes / pageBytes;

let cluster: DeepCluster | null = null;

afterEach(async () => {
  await cluster?.dispose();
  cluster = null;
});

/** Three members under load, each with a snapshot of its own. */
async function withSnapshots(isProxied: boolean): Promise<DeepCluster> {
  cluster = await DeepCluster.started({ pageCount, limits, isProxied });
  const live = cluster;
  await live.reports(); // what the start took is not the load's
  await live.beginLoad(live.members, load);
  await live.until(() => live.members.every(({ taken }) => taken.length > 0), "all snapshots");
  return live;
}

/** All members, one of them with a snapshot of another, have the same state and the same file. */
async function expectEqual(live: DeepCluster, joined: DeepMember): Promise<void> {
  await live.settle();
  expect(joined.installed).toHaveLength(1);
  expect(new Set(await live.digests()).size).toBe(1);
  const [index = 0] = joined.installed;
  const file = await sha256Of(live.snapshotPath(joined.id, index));
  for (const { id } of live.members) {
    expect({ id, file: await sha256Of(live.snapshotPath(id, index)) }).toEqual({ id, file });
  }
}

function expectSmooth(reports: ReadonlyMap<string, LoadReport>): void {
  for (const [id, { maxMs, failed }] of reports) {
    expect(failed, `writes of ${id} that failed`).toEqual([]);
    expect(maxMs, `milliseconds of the longest write of ${id}`).toBeLessThanOrEqual(stallMsMax);
  }
}

async function becomesVoter(live: DeepCluster, id: string): Promise<void> {
  await until(async () => {
    const { members, changing } = await (await live.leader()).ask({ kind: "status" });
    return !changing && members.some((member) => member.id === id && member.role === "voter");
  });
}

describe("a snapshot of 1 GiB to an empty member, under load", () => {
  it("costs the sender 256 MiB at most, and no write 200 ms", async () => {
    const host = new HostWatch();
    const live = await withSnapshots(false);
    const taking = await live.reports();
    printReports("three members take it", host, taking);

    const watches = live.members.map(({ id, pid }) => ({ id, watch: new MemoryWatch(pid) }));
    const secondHost = new HostWatch();
    const leader = await live.leader();
    const joined = await live.launch("d");
    watches.push({ id: "d", watch: new MemoryWatch(joined.pid) });
    await leader.ask({ kind: "add", id: "d", address: live.addressOf("d") });
    const moving = await live.reports();
    printReports("it is sent and installed", secondHost, moving);
    const grown = watches.map(({ id, watch: { beforeBytes, growthBytes } }) => {
      print(`${id}: resident ${mebibytes(beforeBytes)}, at most ${mebibytes(growthBytes)} more`);
      return { id, growthBytes };
    });

    await expectEqual(live, joined);
    for (const { id, growthBytes } of grown) {
      expect(growthBytes, `growth of ${id}`).toBeLessThanOrEqual(growthBytesMax);
    }
    expectSmooth(taking);
    expectSmooth(moving);
  });

  it("goes on where it was when its connection is cut, and its leader and source die", async () => {
    const live = await withSnapshots(true);
    const host = new HostWatch();
    const leader = await live.leader(); // who is not added yet hears of none
    const joined = await live.launch("d");
    // Who answers this is killed below; that the member is added is seen by all.
    leader.ask({ kind: "add", id: "d", address: live.addressOf("d") }).catch(() => undefined);
    const hasPart = (part: number) => () => joined.receivedBytes > part * stateBytes;

    await live.until(hasPart(0.2), "a fifth has come");
    const cut = joined.source ?? "";
    const proxy = live.proxies.get(cut);
    proxy?.setFaults("d", { isCut: true });
    await live.until(() => joined.source !== cut, "another member sends");
    proxy?.setFaults("d", {});

    await live.until(hasPart(0.4), "two fifths have come");
    await live.kill(leader.id);
    const next = await live.leader();
    await live.launch(leader.id);

    await live.until(hasPart(0.7), "seven tenths have come");
    const dead = joined.source ?? next.id;
    await live.kill(dead);
    await live.launch(dead);

    await becomesVoter(live, "d");
    print(`cut off from ${cut}, leader ${leader.id} killed, source ${dead} killed`);
    printReports("it is sent and installed", host, await live.reports());
    const { snapshot } = await joined.ask({ kind: "status" });
    const bytes = snapshot?.bytes ?? 0;
    let answered = 0;
    for (const one of live.proxies.values()) answered += one.answeredBytes("d");
    print(`d got ${mebibytes(answered)} for a snapshot of ${mebibytes(bytes)}`);
    expect(bytes).toBeGreaterThan(stateBytes);
    // What was under way at each of the breaks, a window, may have come twice.
    expect(answered).toBeGreaterThan(bytes);
    expect(answered).toBeLessThan(bytes + 8 * mebibyte);
    await expectEqual(live, joined);
  });
});
