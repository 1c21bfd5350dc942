/**
 * What strangers and operators can do wrong to members of the library, on real sockets and
 * directories: each gets a clear error, and the cluster does not notice.
 */
import { randomBytes } from "node:crypto";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { crc32, nodeId } from "../../src/base/index.ts";
import { defaultLimits } from "../../src/index.ts";
import { FrameWriter } from "../../src/transport/codec/frame-writer.ts";
import { encodeHello, protocolVersions } from "../../src/transport/codec/handshake-codec.ts";
import { freePorts } from "../support/free-ports.ts";
import { MemberFailure, type MemberProcess } from "../support/member-process.ts";
import { ProcessCluster } from "../support/process-cluster.ts";

const text = (words: string): Buffer => Buffer.from(words, "latin1");

/** Patient, so that a busy machine is no reason for an election. */
const patience = { limits: { heartbeatMs: 100, electionMs: 1_500 } };

interface Answer {
  readonly bytes: Buffer;
}

/** Sends bytes to a peer port and resolves with the answer once the other end has closed. */
function sendTo(address: string, chunks: readonly Uint8Array[]): Promise<Answer> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = createConnection(Number(address.split(":").at(-1)), "127.0.0.1", () => {
      for (const chunk of chunks) socket.write(chunk);
    });
    socket.on("data", (bytes) => received.push(bytes));
    socket.on("error", () => undefined); // a reset is a close, too
    socket.on("close", () => resolve({ bytes: Buffer.concat(received) }));
  });
}

function helloOf(clusterId: string, from: string, to: string): Buffer {
  const writer = new FrameWriter(crc32, 4_096);
  const identity = {
    clusterId,
    id: nodeId(from),
    incarnation: "00000000000000aa",
    boot: "00000000000000bb",
  };
  encodeHello(writer, { versions: protocolVersions, identity, to: nodeId(to) });
  return Buffer.concat(writer.take());
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** A header that announces so many bytes, with a right checksum. */
function headerOf(payloadBytes: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(payloadBytes, 0);
  header.writeUInt8(1, 4);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return header;
}

describe("a running cluster", () => {
  let cluster: ProcessCluster;
  let target: MemberProcess;
  let address = "";

  beforeAll(async () => {
    cluster = await ProcessCluster.started(patience);
    target = await cluster.leader();
    address = cluster.addresses[target.id] ?? "";
  });

  afterAll(async () => {
    await cluster.dispose();
  });

  /** Writes go on through every member, and nobody stood for election. */
  async function undisturbed(act: () => Promise<void>): Promise<void> {
    const terms = cluster.members.map(({ term }) => term);
    await act();
    for (const member of cluster.members) {
      await member.ask({ kind: "write", value: `undisturbed-${randomBytes(4).toString("hex")}` });
    }
    expect(cluster.members.map(({ term }) => term)).toEqual(terms);
  }

  const tls = text("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
  const hello = helloOf("00000000000000c1", "x", "a");
  const strangers = [
    { what: "random bytes", sent: () => randomBytes(200), words: /no handshake/ },
    { what: "an HTTP request", sent: () => text("GET / HTTP/1.1\r\n\r\n"), words: /HTTP client/ },
    { what: "a TLS hello", sent: () => Buffer.concat([tls, randomBytes(64)]), words: /TLS client/ },
    { what: "half a frame", sent: () => hello.subarray(0, 30), words: /no handshake within/ },
    { what: "a wrong checksum", sent: () => flipped(hello, 20), words: /wrong checksum/ },
    { what: "a damaged header", sent: () => flipped(hello, 1), words: /header .*damaged/ },
    { what: "a giant length", sent: () => headerOf(0xffff_fff0), words: /a frame of 4294967\d+/ },
  ];

  for (const { what, sent, words } of strangers) {
    it(`closes a connection that sends ${what}, and goes on`, async () => {
      await undisturbed(async () => {
        const answer = await sendTo(address, [sent()]);
        await target.untilLine(words);
        if (what === "an HTTP request") {
          expect(answer.bytes.toString()).toMatch(/^HTTP\/1\.1 400 .*peer port of quorate/s);
        }
      });
    });
  }

  it("refuses the hello of another cluster, and drops who does not introduce itself", async () => {
    await undisturbed(async () => {
      const { clusterId } = await target.ask({ kind: "status" });
      const foreign = sendTo(address, [helloOf("00000000000000c1", "b", target.id)]);
      await target.untilLine(new RegExp(`cluster 00000000000000c1.*${clusterId}`));
      const unknown = sendTo(address, [helloOf(clusterId, "zoe", target.id)]);
      await target.untilLine(/dropped the connection of member zoe .*no handshake within/);
      const self = sendTo(address, [helloOf(clusterId, target.id, target.id)]);
      await target.untilLine(/both ends are called/);
      for (const answer of await Promise.all([foreign, unknown, self])) {
        expect(answer.bytes.length).toBeGreaterThan(16);
      }
    });
  });

  it("refuses a member of a second cluster at its address; both sides log it", async () => {
    await undisturbed(async () => {
      const [port] = await freePorts(1);
      const stranger = cluster.launch("y", {
        id: "y",
        members: { y: `127.0.0.1:${port}`, [target.id]: address },
        dir: join(cluster.folder, "y"),
      });
      await stranger.started();
      await target.untilLine(/warn refused .*member y is of cluster [0-9a-f]{16}, member \w of/);
      await stranger.untilLine(/cannot reach member \w: .* refused us: .*check the addresses/);
      await stranger.kill();
      cluster.forget("y");
    });
  });

  it("refuses a second process on a directory in use, and names the pid", async () => {
    await undisturbed(async () => {
      const second = cluster.launchBeside(target.id);
      const error = await second.refused();
      expect(error).toMatchObject({ code: "DATA_DIR_IN_USE", outcome: "not-applied" });
      expect(error.message).toContain(`process ${target.pid}`);
      expect(error.details["directory"]).toBe(target.start.dir);
    });
  });

  it("takes a command of exactly the limit and refuses one byte more (TOO_LARGE)", async () => {
    await undisturbed(async () => {
      const envelopeBytes = 2 + "ledger".length;
      const bytes = defaultLimits.commandBytesMax - envelopeBytes;
      for (const member of cluster.members) {
        await member.ask({ kind: "write-bytes", bytes });
        const over = member.ask({ kind: "write-bytes", bytes: bytes + 1 });
        const failure = await over.catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(MemberFailure);
        expect(failure).toMatchObject({
          told: {
            code: "TOO_LARGE",
            outcome: "not-applied",
            details: { bytes: 1_572_865, bytesMax: 1_572_864 },
          },
        });
      }
    });
  });
});

describe("a member that is started wrongly", () => {
  let cluster: ProcessCluster;

  beforeAll(async () => {
    cluster = await ProcessCluster.started();
    for (const member of cluster.members) await member.ask({ kind: "write", value: member.id });
    await cluster.stopAll();
  });

  afterAll(async () => {
    await cluster.dispose();
  });

  it("on a port in use: BAD_CONFIG names the address; later it starts", async () => {
    const [port] = await freePorts(1);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", () => resolve()));
    const error = await cluster.launch("a", { listen: `127.0.0.1:${port}` }).refused();
    expect(error).toMatchObject({ code: "BAD_CONFIG", details: { option: "listen" } });
    expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(error.message).toContain("in use");
    await new Promise((resolve) => server.close(resolve));
    const later = cluster.launch("a", { listen: `127.0.0.1:${port}` });
    await later.started();
    await later.kill();
  });

  it("on another member's directory: WRONG_CLUSTER names both", async () => {
    const error = await cluster.launch("a", { dir: join(cluster.folder, "b") }).refused();
    expect(error.code).toBe("WRONG_CLUSTER");
    expect(error.message).toMatch(/belongs to member b, and this is member a/);
  });

  it("on the directory of another cluster: WRONG_CLUSTER names both", async () => {
    const error = await cluster.launch("a", { token: "another" }).refused();
    expect(error.code).toBe("WRONG_CLUSTER");
    const { expected, found } = error.details;
    expect(error.message).toContain(String(expected));
    expect(error.message).toContain(String(found));
  });

  it("with members that are not the cluster's: WRONG_CLUSTER, or a warning", async () => {
    const ports = await freePorts(3);
    const others = Object.fromEntries(
      ["a", "b", "c"].map((id, at) => [id, `127.0.0.1:${ports[at]}`]),
    );
    const error = await cluster.launch("a", { members: others }).refused();
    expect(error.code).toBe("WRONG_CLUSTER");
    const differing = { ...cluster.addresses, c: `127.0.0.1:${ports[2]}` };
    const member = cluster.launch("a", { members: differing });
    await member.started();
    await member.untilLine(/differs from the log's .* the log is the truth/);
    await member.kill();
  });

  it("in a folder that is no directory: STORAGE_FAILED names it", async () => {
    const file = join(cluster.folder, "member-program.mjs");
    const error = await cluster.launch("a", { dir: join(file, "data") }).refused();
    expect(error).toMatchObject({ code: "STORAGE_FAILED", details: { systemCode: "ENOTDIR" } });
    expect(error.message).toContain(file);
  });
});

describe("a command for a machine that a member does not know", () => {
  let cluster: ProcessCluster;

  afterAll(async () => {
    await cluster.dispose();
  });

  it("is refused by a leader that does not know it, or whose follower does not", async () => {
    cluster = await ProcessCluster.create(patience);
    for (const id of ["a", "b"]) cluster.launch(id, { hasExtraMachine: true });
    cluster.launch("c");
    await Promise.all(cluster.members.map((member) => member.started()));
    const ignorant = cluster.member("c");
    const leader = await cluster.leader();
    if (leader === ignorant) {
      const refused = cluster.member("a").ask({ kind: "write-extra" });
      await expect(refused).rejects.toThrow(/^UNKNOWN_COMMAND \(not-applied\): .*extra/);
      await ignorant.kill();
      cluster.launch("c");
      await cluster.member("c").started();
    }
    const knowing = await cluster.leader([cluster.member("a"), cluster.member("b")]);
    await expect(knowing.ask({ kind: "write-extra" })).rejects.toThrow(/^NOT_ENABLED_YET/);
    expect(cluster.member("c").stopError).toBeUndefined();
    await knowing.ask({ kind: "write", value: "all go on" });
  });
});

describe("a member without a directory", () => {
  it("does not come back under its old id: the others refuse it, and it ends", async () => {
    const cluster = await ProcessCluster.started({ ...patience, dirOf: () => null });
    try {
      const leader = await cluster.leader();
      const victim = cluster.others(leader)[0] ?? leader;
      const rest = cluster.members.filter((member) => member !== victim);
      await leader.ask({ kind: "write", value: "kept by two" });
      await victim.kill();
      const again = cluster.launch(victim.id);
      await again.started();
      const words = new RegExp(`member ${victim.id} was incarnation .* and comes back as`);
      await Promise.all(rest.map((member) => member.untilLine(words)));
      await again.until(() => again.stopError !== undefined);
      expect(again.stopError).toMatchObject({ code: "STALE_DIRECTORY" });
      expect(await leader.ask({ kind: "read" })).toContain("kept by two");
    } finally {
      await cluster.dispose();
    }
  });
});
