/** Disks that fail under a running member: full ones, and ones that cannot sync. */
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { pathOfProgram, requireProgram } from "../../../../tools/debian-programs.ts";
import type { MemberProcess } from "../support/member-process.ts";
import { requireSmallDisks, SmallDisk } from "../support/mounts.ts";
import { lightLoad, ProcessCluster } from "../support/process-cluster.ts";

const smallDisks = requireSmallDisks();
const strace = requireProgram("strace");

let cluster: ProcessCluster | null = null;
let disk: SmallDisk | null = null;

afterEach(async () => {
  await cluster?.dispose();
  disk?.dispose();
  cluster = null;
  disk = null;
});

describe.skipIf(smallDisks.kind === "missing")("a member whose disk is full", () => {
  it("stops and says so; the others go on; it starts again when there is space", async () => {
    const smallDisk = new SmallDisk(1_024);
    disk = smallDisk;
    const live = await ProcessCluster.create({
      limits: { segmentBytesMax: 256 * 1024 },
      dirOf: (id) => join(id === "a" ? smallDisk.path : live.folder, id),
    });
    cluster = live;
    await live.launchAll();
    const full = live.member("a");
    await live.beginLoad({ ...lightLoad, paddingBytes: 8_000 });
    await full.until(() => full.stopError !== undefined);
    expect(full.stopError).toMatchObject({
      code: "STORAGE_FAILED",
      details: { systemCode: "ENOSPC" },
    });
    expect(full.stopError?.message).toContain("ENOSPC");
    expect(full.stopError?.message).toContain(join(smallDisk.path, "a"));
    await expect(full.ask({ kind: "write", value: "full.1" })).rejects.toThrow(
      /^STOPPED \(not-applied\): .*ENOSPC/,
    );
    await live.acknowledged(30, await live.leader(live.others(full)));
    await full.end();

    // A restart on the full disk costs nothing: it serves until it has to write, or refuses.
    const still = live.launch("a");
    await still.until(() => still.stopError !== undefined || still.refusal !== null);
    const error = still.stopError ?? still.refusal;
    expect(error?.message).toContain("ENOSPC");
    await still.end();

    smallDisk.resize(64 * 1_024);
    const again = live.launch("a");
    await again.started();
    await live.endLoad(live.others(again));
    expect(await live.contradictions()).toEqual([]);
  });
});

describe.skipIf(strace.kind === "missing")("a member whose disk fails to sync once", () => {
  it("stops at once and acknowledges nothing more, as a follower (H1, zmq-raft 2)", async () => {
    await failOneSync(false);
  });

  it("stops at once and acknowledges nothing more, as the leader (H1, zmq-raft 2)", async () => {
    await failOneSync(true);
  });

  async function failOneSync(leads: boolean): Promise<void> {
    const live = await ProcessCluster.create();
    cluster = live;
    // The first call after the attach fails, all later ones work: whoever tries again is fooled.
    const wrapper = [
      pathOfProgram(strace),
      ...["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"],
      ...["-e", "inject=fdatasync:error=EIO:when=60"],
    ];
    // A member that never stands for election, and one that stands long before the others do.
    const patient = { heartbeatMs: 50, electionMs: 2_000 };
    const eager = { heartbeatMs: 50, electionMs: 400 };
    const failing = live.launch(
      "a",
      { limits: leads ? eager : patient },
      { wrapper, environment: { UV_THREADPOOL_SIZE: "1" } },
    );
    for (const id of ["b", "c"]) live.launch(id, { limits: leads ? patient : eager });
    await Promise.all(live.members.map((member) => member.started()));
    const first = await live.leader();
    expect(first.id === "a").toBe(leads);
    await live.beginLoad();
    await failing.until(() => failing.stopError !== undefined);
    const applied = appliedBy(live, failing);
    expect(failing.stopError?.message).toMatch(/sync .*\/a\/\S+.*EIO/);
    expect(failing.stopError).toMatchObject({
      code: "STORAGE_FAILED",
      details: { systemCode: "EIO" },
    });
    await failing.ask({ kind: "unload" });
    // What its clients heard after the stop is that it has stopped.
    expect(appliedBy(live, failing)).toBe(applied);
    expect([...live.ledger.codes.keys()]).toContain("STOPPED");
    await live.acknowledged(30, await live.leader(live.others(failing)));
    await failing.kill();
    const again = live.launch("a");
    await again.started();
    await live.endLoad(live.others(again));
    expect(await live.contradictions()).toEqual([]);
  }
});

function appliedBy(live: ProcessCluster, member: MemberProcess): number {
  const own = `${member.id}${member.start.life}.`;
  return live.ledger.applied.filter((value) => value.startsWith(own)).length;
}
