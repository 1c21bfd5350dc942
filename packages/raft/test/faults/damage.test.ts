/**
 * Damage at rest: the directory of a stopped member is changed, and it is started again. Bytes that
 * were acknowledged are never cut off silently, and the other members do not notice.
 */
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ToldError } from "../support/member-messages.ts";
import { ProcessCluster } from "../support/process-cluster.ts";
import { until } from "../support/wait.ts";

const segmentName = "log-0000000000000001.wal";

/** Bytes of a sector; write units begin at multiples of it. */
const sectorBytes = 512;

describe("a stopped member whose directory was damaged", () => {
  let cluster: ProcessCluster;
  let copies = 0;

  beforeAll(async () => {
    cluster = await ProcessCluster.started();
    for (let at = 0; at < 20; at++) {
      await cluster.member("a").ask({ kind: "write", value: `seed.${at}` });
    }
    await cluster.readAll();
    await cluster.member("a").ask({ kind: "stop" });
    await cluster.member("a").end();
  });

  afterAll(async () => {
    await cluster.dispose();
  });

  /** A copy of the member's directory, for one kind of damage. */
  function copyOfA(): string {
    copies++;
    const copy = join(cluster.folder, `damaged-${copies}`);
    cpSync(join(cluster.folder, "a"), copy, {
      recursive: true,
      filter: (path) => !path.includes("/lock-"),
    });
    return copy;
  }

  /** `repair` false: of what the others could give back. */
  async function refusal(dir: string, repair = false): Promise<ToldError> {
    const error = await cluster.launch("a", { dir, repair }).refused();
    const [other] = cluster.members.filter(({ isRunning }) => isRunning);
    await other?.ask({ kind: "write", value: `others-go-on.${copies}` });
    return error;
  }

  /** It takes part in nothing, and ends with what to do; both sides log why. */
  async function expectRefusedByOthers(dir: string): Promise<void> {
    const others = cluster.members.filter(({ isRunning }) => isRunning);
    const terms = others.map(({ term }) => term);
    const member = cluster.launch("a", { dir });
    await member.started();
    const words = /member a was incarnation [0-9a-f]{16} and comes back as [0-9a-f]{16}/;
    await Promise.all(others.map((other) => other.untilLine(words)));
    await member.untilLine(words);
    await member.until(() => member.stopError !== undefined);
    expect(member.stopError).toMatchObject({ code: "STALE_DIRECTORY" });
    await others[0]?.ask({ kind: "write", value: "others-still-go-on" });
    expect(others.map(({ term }) => term)).toEqual(terms);
    await member.kill();
  }

  function flip(file: string, at: number): void {
    const bytes = readFileSync(file);
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    writeFileSync(file, bytes);
  }

  it("in mid-log: CORRUPT names file, offset and record (H3, zmq-raft 4)", async () => {
    const dir = copyOfA();
    const file = join(dir, segmentName);
    const size = readFileSync(file).length;
    for (const share of [0.3, 0.5, 0.7]) {
      const at = Math.floor(size * share);
      flip(file, at);
      const error = await refusal(dir);
      flip(file, at);
      expect(error).toMatchObject({ code: "CORRUPT", details: { file } });
      const offset = Number(error.details["offset"]);
      expect(offset % sectorBytes).toBe(0);
      expect(offset).toBeLessThanOrEqual(at);
      expect(offset).toBeGreaterThan(at - 4 * sectorBytes);
      expect(String(error.details["record"])).toMatch(/^unit \d+/);
      expect(error.message).toContain(`${file} at offset ${offset}`);
    }
  });

  it("in the last unit, which the witness knows: CORRUPT", async () => {
    const dir = copyOfA();
    const file = join(dir, segmentName);
    flip(file, readFileSync(file).length - sectorBytes + 80);
    expect(await refusal(dir)).toMatchObject({ code: "CORRUPT", details: { file } });
  });

  it("with a sector of zeros in the log: CORRUPT, not torn (etcd isTornEntry)", async () => {
    const dir = copyOfA();
    const file = join(dir, segmentName);
    const bytes = readFileSync(file);
    const from = Math.floor(bytes.length / 2 / sectorBytes) * sectorBytes;
    writeFileSync(file, bytes.fill(0, from, from + sectorBytes));
    expect(await refusal(dir)).toMatchObject({ code: "CORRUPT", details: { file } });
  });

  it("with its tail cut off: CORRUPT, nothing is cut further", async () => {
    const dir = copyOfA();
    const file = join(dir, segmentName);
    for (const bytes of [1, sectorBytes, 3 * sectorBytes]) {
      const size = readFileSync(file).length - bytes;
      truncateSync(file, size);
      expect(await refusal(dir)).toMatchObject({ code: "CORRUPT", details: { file } });
      expect(readFileSync(file).length).toBe(size);
    }
  });

  it("without its log: CORRUPT, never an empty member", async () => {
    const dir = copyOfA();
    rmSync(join(dir, segmentName));
    const error = await refusal(dir);
    expect(error).toMatchObject({ code: "CORRUPT", details: { file: join(dir, segmentName) } });
    expect(error.message).toContain("the files of the log are missing");
  });

  it("with nothing but its identity: refused by the others, like an empty one (H18)", async () => {
    const dir = copyOfA();
    for (const name of readdirSync(dir)) if (name !== "identity") rmSync(join(dir, name));
    await expectRefusedByOthers(dir);
  });

  it("that was wiped: refused by the others, who hold it for another one (H18)", async () => {
    await expectRefusedByOthers(join(cluster.folder, "wiped"));
  });

  it("without its identity: CORRUPT", async () => {
    const dir = copyOfA();
    rmSync(join(dir, "identity"));
    expect((await refusal(dir, true)).message).toContain("but no identity");
  });

  it("without either copy of the hard state: CORRUPT", async () => {
    const dir = copyOfA();
    for (const copy of [0, 1]) rmSync(join(dir, `hard-state.${copy}`));
    const error = await refusal(dir, true);
    expect(error.code).toBe("CORRUPT");
    expect(error.message).toContain("there is a log but no hard state");
  });

  it("with both copies of the hard state damaged: CORRUPT", async () => {
    const dir = copyOfA();
    for (const copy of [0, 1]) flip(join(dir, `hard-state.${copy}`), 30);
    const { message } = await refusal(dir, true);
    expect(message).toContain("neither copy of the hard state can be read");
  });

  for (const what of ["removed", "damaged"] as const) {
    it(`with one copy of the hard state ${what}: starts and warns`, async () => {
      const file = join(cluster.folder, "a", "hard-state.1");
      if (what === "removed") rmSync(file);
      else flip(file, 30);
      const member = cluster.launch("a");
      await member.started();
      await member.untilLine(/warn .*hard-state\.1 (is missing|cannot be read)/);
      await cluster.readAll(cluster.members);
      await member.ask({ kind: "stop" });
      await member.end();
      const again = cluster.launch("a");
      await again.started();
      expect(again.lines.filter((line) => line.includes("hard-state"))).toEqual([]);
      await again.ask({ kind: "stop" });
      await again.end();
    });
  }
});

describe("a member whose log has rotted, and which may be repaired", () => {
  it("sets it aside, gets it back from the others under load, and is a full member", async () => {
    const cluster = await ProcessCluster.started();
    try {
      await cluster.beginLoad();
      const leader = await cluster.leader();
      const victim = cluster.others(leader)[0] ?? leader;
      await cluster.acknowledged(50, leader);
      await victim.kill();
      const directory = join(cluster.folder, victim.id);
      const file = join(directory, segmentName);
      const rotten = readFileSync(file);
      const at = Math.floor(rotten.length / 3);
      rotten[at] = (rotten[at] ?? 0) ^ 1;
      writeFileSync(file, rotten);
      const again = cluster.launch(victim.id);
      await again.started();
      await again.untilLine(/set aside: .*damaged/);
      await until(async () => !(await again.ask({ kind: "status" })).mustCatchUp);
      expect(readFileSync(join(directory, `${segmentName}.1.damaged`))).toEqual(rotten);
      await cluster.endLoad(cluster.others(again));
      expect(await cluster.contradictions()).toEqual([]);
      await again.ask({ kind: "stop" });
      await again.end();
      await cluster.launch(victim.id).started();
    } finally {
      await cluster.dispose();
    }
  });
});

describe("a member that was killed while it wrote, and whose last write cannot be read", () => {
  it("sets the write aside, has no vote until it has caught up, and goes on (H4)", async () => {
    const cluster = await ProcessCluster.started();
    try {
      await cluster.beginLoad();
      const leader = await cluster.leader();
      const victim = cluster.others(leader)[0] ?? leader;
      await cluster.acknowledged(50, leader);
      await victim.kill(); // under load, so that no witness covers the end
      const file = join(cluster.folder, victim.id, segmentName);
      const bytes = readFileSync(file);
      const last = lastUnitOffset(bytes);
      bytes[last + 100] = (bytes[last + 100] ?? 0) ^ 1;
      writeFileSync(file, bytes);
      const again = cluster.launch(victim.id);
      await again.started();
      await again.untilLine(/neither votes nor campaigns until it has caught up/);
      await until(async () => !(await again.ask({ kind: "status" })).mustCatchUp);
      expect(readdirSync(join(cluster.folder, victim.id)).join()).toContain(".suspect");
      await cluster.endLoad(cluster.others(again));
      expect(await cluster.contradictions()).toEqual([]);
    } finally {
      await cluster.dispose();
    }
  });
});

/** Where the last sector begins that has the magic word of a write unit. */
function lastUnitOffset(bytes: Uint8Array): number {
  let at = Math.floor((bytes.length - 1) / sectorBytes) * sectorBytes;
  while (new TextDecoder().decode(bytes.subarray(at, at + 4)) !== "unit") at -= sectorBytes;
  return at;
}
