/** A server whose disk is full: it ends and says why, the others serve, it comes back. */
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import "../../../../tools/debian-programs.ts";
import { requireSmallDisks, SmallDisk } from "../../../raft/test/support/mounts.ts";
import { call, put, putRequest, range, ServerCluster } from "../support/server-cluster.ts";

const smallDisks = requireSmallDisks();

describe.skipIf(smallDisks.kind === "missing")("a server whose disk is full", () => {
  let cluster: ServerCluster | null = null;
  let disk: SmallDisk | null = null;

  afterEach(async () => {
    await cluster?.dispose();
    disk?.dispose();
  });

  it("ends with STORAGE_FAILED and the path, the others serve, it starts again", async () => {
    const smallDisk = new SmallDisk(512);
    disk = smallDisk;
    const live = await ServerCluster.started({
      dirOf: (name, folder) => join(name === "a" ? smallDisk.path : folder, name),
    });
    cluster = live;
    const full = live.server("a");
    const survivor = live.server("b").endpoint;
    for (let at = 0; !full.isGone; at++) {
      await call(survivor, "KV/Put", putRequest(`bulk-${at}`, new Uint8Array(16_000)));
    }
    expect(full.exitCode).toBe(1);
    const said = full.text.replace(/\s+/g, " ");
    expect(said).toContain("STORAGE_FAILED");
    expect(said).toContain("ENOSPC");
    expect(said).toContain(join(smallDisk.path, "a"));
    const revision = await put(survivor, "after");

    smallDisk.resize(64 * 1_024);
    const again = live.launch("a");
    await live.ready();
    const { header, kvs } = await range(again.endpoint, "after");
    expect(header?.revision).toBe(revision);
    expect(kvs).toHaveLength(1);
  });
});
