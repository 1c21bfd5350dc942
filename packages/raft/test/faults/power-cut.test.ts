/** Real power cuts, by shutting an ext4 down without its journal: what was not synced is gone. */
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import "../../../../tools/debian-programs.ts";
import { CutDisk, requireCutDisks } from "../support/mounts.ts";
import { lightLoad, ProcessCluster } from "../support/process-cluster.ts";

const cutDisks = requireCutDisks();

describe.skipIf(cutDisks.kind === "missing")("power cuts on ext4", () => {
  let cluster: ProcessCluster | null = null;
  let disk: CutDisk | null = null;

  afterEach(async () => {
    await cluster?.dispose();
    disk?.dispose();
    cluster = null;
    disk = null;
  });

  it("of one member: it comes back with what it acknowledged (liferaft 9)", async () => {
    const cutDisk = new CutDisk();
    disk = cutDisk;
    const live = await ProcessCluster.create({
      // Small segments, so that new files are made all the time.
      limits: { segmentBytesMax: 64 * 1024 },
      dirOf: (id) => (id === "a" ? join(cutDisk.path, id) : join(live.folder, id)),
    });
    cluster = live;
    await live.launchAll();
    await live.beginLoad({ ...lightLoad, paddingBytes: 2_000 });
    for (let cut = 0; cut < 3; cut++) {
      const member = live.member("a");
      await live.acknowledged(100, member);
      cutDisk.cut();
      await member.until(() => member.stopError !== undefined);
      expect(member.stopError?.message).toMatch(/EIO|EROFS/);
      await live.acknowledged(20, await live.leader(live.others(member)));
      await member.kill();
      cutDisk.restorePower();
      await restart(live, "a");
      await live.beginLoad({ ...lightLoad, paddingBytes: 2_000 }, [live.member("a")]);
    }
    await live.endLoad();
    await expectNothingLost(live);
  });

  it("of all members at once: nothing acknowledged is lost (H17)", async () => {
    const cutDisk = new CutDisk();
    disk = cutDisk;
    const live = await ProcessCluster.create({
      limits: { segmentBytesMax: 64 * 1024 },
      dirOf: (id) => join(cutDisk.path, id),
    });
    cluster = live;
    await live.launchAll();
    for (let cut = 0; cut < 3; cut++) {
      await live.beginLoad({ ...lightLoad, clients: 4, paddingBytes: 1_000 });
      await live.acknowledged(100, await live.leader());
      cutDisk.cut();
      // A member that has nothing to write does not notice; without a majority that is one.
      await Promise.any(
        live.members.map((member) => member.until(() => member.stopError !== undefined)),
      );
      await live.killAll();
      cutDisk.restorePower();
      await Promise.all(live.members.map(({ id }) => restart(live, id)));
    }
    await expectNothingLost(live);
  });
});

/** The last write may be torn; that it was damaged after its sync, or might be, is never true. */
async function restart(live: ProcessCluster, id: string): Promise<void> {
  const member = live.launch(id);
  await member.started();
  expect((await member.ask({ kind: "status" })).mustCatchUp).toBe(false);
  expect(member.lines.filter((line) => /damaged|cannot be read/.test(line))).toEqual([]);
}

async function expectNothingLost(live: ProcessCluster): Promise<void> {
  expect(await live.contradictions()).toEqual([]);
  console.log(`  outcomes: ${live.ledger.summary}`);
}
