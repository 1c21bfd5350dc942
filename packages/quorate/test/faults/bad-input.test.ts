/**
 * What clients and operators can do wrong to servers: each gets a clear error, other clients and
 * members do not notice.
 */
import { randomBytes } from "node:crypto";
import { connect as connectHttp2, constants } from "node:http2";
import { createConnection } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RpcError } from "../../src/rpc/index.ts";
import { runCli } from "../support/cli.ts";
import { call, put, putRequest, range, ServerCluster } from "../support/server-cluster.ts";

const requestBytesMax = 1_572_864;

let cluster: ServerCluster;

beforeAll(async () => {
  cluster = await ServerCluster.started({ flags: ["--election-timeout", "1500"] });
});

afterAll(async () => {
  await cluster.dispose();
});

/** Puts go on through every member, nobody ended, and nobody stood for election. */
async function undisturbed(act: (endpoint: string) => Promise<void>): Promise<void> {
  const { endpoint } = await cluster.leader();
  const termOf = async () => (await range(endpoint, "term")).header?.raftTerm;
  const term = await termOf();
  await act(endpoint);
  for (const server of cluster.servers) {
    await put(server.endpoint, "undisturbed");
    expect(server.isGone).toBe(false);
  }
  expect(await termOf()).toBe(term);
}

/** A put whose request is exactly so many bytes long. */
function putOfBytes(bytes: number): Uint8Array {
  const overhead = putRequest("big", new Uint8Array(bytes)).length - bytes;
  const request = putRequest("big", new Uint8Array(bytes - overhead));
  expect(request).toHaveLength(bytes);
  return request;
}

async function failureOf(answer: Promise<unknown>): Promise<RpcError["failure"]> {
  const error = await answer.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof RpcError) return error.failure;
  throw error ?? new Error("the call succeeded");
}

/** Sends bytes to a client port, and resolves when the other end has closed. */
function sendTo(endpoint: string, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = createConnection(Number(endpoint.split(":")[1]), "127.0.0.1", () => {
      socket.write(bytes);
    });
    socket.setEncoding("latin1").on("data", (text) => {
      received += text;
    });
    socket.on("error", () => undefined); // a reset is a close, too
    socket.on("close", () => resolve(received));
  });
}

interface GrpcAnswer {
  readonly httpStatus: number;
  readonly grpcStatus: string;
  readonly message: string;
}

/** A POST to a method with this body, as a faulty client would send it. */
function post(endpoint: string, path: string, body: Uint8Array): Promise<GrpcAnswer> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`http://${endpoint}`);
    session.on("error", reject);
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const fields: Record<string, unknown> = {};
    stream.on("response", (headers) => Object.assign(fields, headers));
    stream.on("trailers", (headers) => Object.assign(fields, headers));
    stream.on("error", reject);
    stream.on("data", () => undefined);
    stream.on("close", () => {
      session.close();
      resolve({
        httpStatus: Number(fields[":status"]),
        grpcStatus: String(fields["grpc-status"]),
        message: decodeURIComponent(String(fields["grpc-message"])),
      });
    });
    stream.end(body);
  });
}

/** A message in gRPC's frame, which announces `announced` bytes. */
function framed(message: Uint8Array, announced = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(announced, 1);
  return Buffer.concat([head, message]);
}

describe("servers that are sent what they cannot take", () => {
  it("take a request of exactly 1.5 MiB and refuse one byte more, through any member", async () => {
    await undisturbed(async () => {
      for (const { endpoint } of cluster.servers) {
        await call(endpoint, "KV/Put", putOfBytes(requestBytesMax));
        const failure = await failureOf(call(endpoint, "KV/Put", putOfBytes(requestBytesMax + 1)));
        expect(failure).toMatchObject({
          kind: "status",
          status: { code: 3, message: "etcdserver: request is too large" },
        });
      }
    });
  });

  it("refuse a request far above every limit, and the connection lives on", async () => {
    await undisturbed(async (endpoint) => {
      const failure = await failureOf(call(endpoint, "KV/Put", new Uint8Array(8 * 1024 * 1024)));
      expect(failure).toMatchObject({ kind: "status", status: { code: 8 } });
    });
  });

  it("refuse messages that are no protobuf, and lengths that lie", async () => {
    await undisturbed(async (endpoint) => {
      const path = "/etcdserverpb.KV/Put";
      const garbage = await post(endpoint, path, framed(Buffer.alloc(40, 0xff)));
      expect(garbage).toMatchObject({ httpStatus: 200, grpcStatus: "13" });
      const short = await post(endpoint, path, framed(Buffer.from("ab"), 100));
      expect(short).toMatchObject({ httpStatus: 200, grpcStatus: "13" });
      const giant = await post(endpoint, path, framed(Buffer.from("ab"), 0xffff_fff0));
      expect(giant).toMatchObject({ httpStatus: 200, grpcStatus: "8" });
      const none = await post(endpoint, path, Buffer.alloc(0));
      expect(none.grpcStatus).not.toBe("0");
      for (const answer of [garbage, short, giant, none]) {
        expect(answer.message.length).toBeGreaterThan(10);
      }
      const unknown = await post(endpoint, "/etcdserverpb.KV/Nothing", framed(Buffer.alloc(0)));
      expect(unknown.grpcStatus).toBe("12");
    });
  });

  it("close connections that speak something else", async () => {
    await undisturbed(async (endpoint) => {
      const tls = Buffer.concat([Buffer.from("160301020001", "hex"), randomBytes(100)]);
      await sendTo(endpoint, tls);
      await sendTo(endpoint, Buffer.concat([Buffer.from([0]), randomBytes(100)]));
      const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      await sendTo(endpoint, Buffer.concat([preface, Buffer.alloc(200, 0xee)]));
      expect(await sendTo(endpoint, Buffer.from("NONSENSE\r\n\r\n"))).toMatch(/^HTTP\/1\.1 400/);
    });
  });

  it("do not mind a client that goes away in the middle of a request", async () => {
    await undisturbed(async (endpoint) => {
      const session = connectHttp2(`http://${endpoint}`);
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: "POST",
        [constants.HTTP2_HEADER_PATH]: "/etcdserverpb.KV/Put",
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.on("error", () => undefined);
      stream.write(framed(Buffer.from("ab"), 1_000));
      await new Promise<void>((resolve) => session.on("remoteSettings", () => resolve()));
      await new Promise<void>((resolve) => {
        session.on("close", resolve);
        session.destroy();
      });
    });
  });
});

describe("a server that is started with flags that make no sense", () => {
  const peer = "http://127.0.0.1:1";
  const wrong = [
    {
      what: "an --initial-cluster without its name",
      args: ["--name", "zoe", "--initial-cluster", `a=${peer}`],
      words: /BAD_CONFIG Cannot start with --name zoe: --initial-cluster names a, and not/,
    },
    {
      what: "an --initial-cluster that cannot be read",
      args: ["--name", "a", "--initial-cluster", "nonsense"],
      words: /BAD_CONFIG Cannot start with --initial-cluster nonsense: "nonsense" is not name=url/,
    },
    {
      what: "an --initial-cluster that names a member twice",
      args: ["--name", "a", "--initial-cluster", `a=${peer},a=http://127.0.0.1:2`],
      words: /BAD_CONFIG .*the member a is named twice/,
    },
    {
      what: "an --initial-cluster with another peer URL for itself",
      args: ["--name", "a", "--initial-cluster", "a=http://127.0.0.1:2"],
      words: /BAD_CONFIG .*--initial-advertise-peer-urls .*127\.0\.0\.1:2 for a/,
    },
    {
      what: "a peer URL with TLS",
      args: ["--name", "a", "--initial-cluster", "a=https://127.0.0.1:1"],
      words: /BAD_CONFIG .*does not serve TLS yet/,
    },
  ];
  for (const { what, args, words } of wrong) {
    it(`refuses ${what}, names it and ends`, async () => {
      const urls = ["--listen-peer-urls", peer, "--listen-client-urls", "http://127.0.0.1:2"];
      const { code, stderr } = await runCli(["server", "--memory", ...urls, ...args]);
      expect(code).toBe(1);
      expect(stderr.replace(/\s+/g, " ")).toMatch(words);
    });
  }

  it("refuses another --initial-cluster than its directory was made with", async () => {
    const { name, endpoint } = cluster.server("c");
    await cluster.server("c").kill();
    const args = [
      ...["--name", name, "--data-dir", `${cluster.folder}/${name}`],
      ...["--listen-client-urls", `http://${endpoint}`, "--listen-peer-urls", peer],
      ...["--initial-cluster", `${name}=${peer},d=http://127.0.0.1:3`],
    ];
    const { code, stderr } = await runCli(["server", ...args]);
    expect(code).toBe(1);
    expect(stderr.replace(/\s+/g, " ")).toMatch(/WRONG_CLUSTER Cannot use .*belongs to cluster/);
    cluster.launch(name);
    await cluster.ready();
  });
});
