/**
 * A follower behind the log on a slow link, while writes go on and newer snapshots are taken: it
 * gets one snapshot, and then the log. `npm run test:deep` does it with a gigabyte.
 */
import { afterEach, describe, expect, it } from "vitest";
import { DeepCluster } from "../deep/deep-cluster.ts";
import { HostWatch, mebibyte } from "../deep/memory-watch.ts";
import { pageBytes } from "../deep/page-machine.ts";
import { print, printReports } from "../deep/print-reports.ts";
import { until } from "../support/wait.ts";

let cluster: DeepCluster | null = null;

afterEach(async () => {
  await cluster?.dispose();
  cluster = null;
});

/** A transfer takes 8 s, and another snapshot is due about every 2 s. */
const options = {
  pageCount: (32 * mebibyte) / pageBytes,
  limits: {
    snapshotEntries: 160,
    snapshotLogBytes: 256 * 1024,
    snapshotKeptEntries: 10,
    snapshotBytesPerSecond: 4 * mebibyte,
    snapshotStatusMs: 200,
  },
};

describe("a follower behind the log, on a slow link", () => {
  it("catches up with one snapshot while writes go on and newer ones are taken", async () => {
    const host = new HostWatch();
    cluster = await DeepCluster.started(options);
    const live = cluster;
    const leader = await live.leader();
    const [behind] = live.members.filter((member) => member !== leader);
    if (behind === undefined) throw new Error("a leader of three has followers");
    const { last } = await behind.ask({ kind: "status" });
    await live.kill(behind.id);
    await live.beginLoad(live.members, { writesPerSecond: 200, payloadBytes: 256 });
    await until(async () => (await leader.ask({ kind: "status" })).base > last);

    const back = await live.launch(behind.id);
    await live.until(() => back.source !== null, "it fetches");
    const takenBefore = leader.taken.length;
    await live.until(() => back.installed.length > 0, "it has a snapshot");
    const takenMeanwhile = leader.taken.length - takenBefore;
    const { commit } = await leader.ask({ kind: "status" });
    await until(async () => (await back.ask({ kind: "status" })).applied >= commit);
    const reports = await live.reports();
    await live.settle();
    printReports("a snapshot over a slow link", host, reports);
    print(`${takenMeanwhile} newer snapshots were taken meanwhile`);
    expect(back.installed).toHaveLength(1);
    expect(takenMeanwhile).toBeGreaterThan(1);
    for (const { failed } of reports.values()) expect(failed).toEqual([]);
    expect(new Set(await live.digests()).size).toBe(1);
  });
});
