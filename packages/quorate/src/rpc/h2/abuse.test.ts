import type { ClientHttp2Session } from "node:http2";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type EchoServer,
  framed,
  http2Frame,
  noLoad,
  openSession,
  rawCall,
  startEchoServer,
} from "../../../test/rpc/echo-server.ts";
import {
  callHeaders,
  dataFrame,
  emptySettings,
  headersFrame,
  literal,
  RawPeer,
  uint32,
} from "../../../test/rpc/raw-peer.ts";
import { errorCodes } from "./protocol.ts";

/** Clients that mean harm: another client notices nothing, and nothing of them is left. */

let server: EchoServer;
let bystander: ClientHttp2Session;

beforeEach(async () => {
  server = await startEchoServer({ stopGraceMs: 50 });
  bystander = openSession(server.port);
});

afterEach(async () => {
  // The client's side of a connection may close before the server's.
  do await expectBystanderServed();
  while (server.rpc.load().connections > 1);
  expect(server.rpc.load()).toEqual({ ...noLoad, connections: 1 });
  bystander.destroy();
  await server.stop();
  expect(server.rpc.load()).toEqual(noLoad);
  expect(server.thrown).toEqual([]);
});

async function expectBystanderServed(): Promise<void> {
  const answer = await rawCall(bystander, "/test.Echo/Echo", framed("still here"));
  expect(answer.data).toEqual(framed("still here"));
}

const repeat = (count: number, frame: (i: number) => Uint8Array): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => frame(i)));
const calm = errorCodes.enhanceYourCalm;

describe("floods end the connection", () => {
  it.each<[string, Uint8Array]>([
    ["pings", repeat(10_000, () => http2Frame(6, 0, 0, new Uint8Array(8)))],
    ["answers to pings", repeat(10_000, () => http2Frame(6, 1, 0, new Uint8Array(8)))],
    ["settings", repeat(10_000, () => emptySettings)],
    ["priorities", repeat(10_000, () => http2Frame(2, 0, 1, new Uint8Array(5)))],
    ["frames that nobody knows", repeat(10_000, () => http2Frame(99, 0, 0, new Uint8Array(0)))],
    [
      "empty DATA",
      Buffer.concat([headersFrame(1), repeat(10_000, () => dataFrame(1, new Uint8Array(0), 0))]),
    ],
    [
      "streams that are reset at once",
      repeat(20_000, (i) =>
        Buffer.concat([
          headersFrame(2 * i + 1, callHeaders("/test.Echo/Hold")),
          dataFrame(2 * i + 1, framed("")),
          http2Frame(3, 0, 2 * i + 1, uint32(8)),
        ]),
      ),
    ],
    [
      "streams that the server has to reset",
      repeat(20_000, (i) => headersFrame(2 * i + 1, literal("a", "b"))),
    ],
    [
      "endless headers",
      Buffer.concat([
        http2Frame(1, 0, 1, callHeaders()),
        repeat(1_000, () => http2Frame(9, 0, 1, literal("a", "b".repeat(9_000)))),
      ]),
    ],
    [
      "empty CONTINUATION",
      Buffer.concat([
        http2Frame(1, 0, 1, callHeaders()),
        repeat(1_000, () => http2Frame(9, 0, 1, new Uint8Array(0))),
      ]),
    ],
  ])("%s", async (_, bytes) => {
    const peer = new RawPeer(server.port);
    peer.send(bytes);
    expect(await peer.goawayCode()).toBe(calm);
  });
});

it("work earns frames that carry none", async () => {
  const peer = new RawPeer(
    server.port,
    Buffer.concat([emptySettings, http2Frame(8, 0, 0, uint32(1_000_000))]),
  );
  const ping = http2Frame(6, 0, 0, new Uint8Array(8));
  for (let i = 0; i < 5_000; i += 100) {
    const calls = repeat(100, (k) => {
      const id = 2 * (i + k) + 1;
      return Buffer.concat([headersFrame(id), dataFrame(id, framed("x")), ping]);
    });
    peer.send(calls);
    const last = 2 * (i + 99) + 1;
    await peer.until(({ type, flags, stream }) => type === 1 && stream === last && flags === 5);
  }
  peer.close();
  await peer.raw.closed;
});

describe("headers that are bombs", () => {
  it("more than allowed are refused, the connection goes on", async () => {
    const peer = new RawPeer(server.port);
    // One large field in the table, then references to it: 4 kB each for a byte.
    const large = Buffer.concat([Buffer.from("400161", "hex"), Buffer.from([0x7f, 0x91, 0x1e])]);
    const bomb = Buffer.concat([
      callHeaders(),
      large,
      Buffer.alloc(4_000 + 240, 0x62).subarray(0, 127 + 0x11 + 0x1e * 128),
      Buffer.alloc(5_000, 0xbe),
    ]);
    peer.send(headersFrame(1, bomb, 1), headersFrame(3), dataFrame(3, framed("x")));
    await peer.until(({ type, stream }) => type === 0 && stream === 3);
    const refusal = peer.frames().find(({ type, stream }) => type === 1 && stream === 1);
    expect(refusal?.payload.toString("latin1")).toContain("grpc: received headers larger than max");
    peer.close();
    await peer.raw.closed;
  });
});

describe("clients that do not read", () => {
  it("are not read from either, until they go", async () => {
    const peer = new RawPeer(
      server.port,
      Buffer.concat([
        http2Frame(4, 0, 0, Buffer.from("00047fffffff", "hex")),
        http2Frame(8, 0, 0, uint32(2 ** 31 - 1 - 65_535)),
      ]),
    );
    peer.raw.socket.pause();
    const body = framed(new Uint8Array(10_000));
    let id = 1;
    for (let left = 60_000_000; left > 0; left -= body.length, id += 2) {
      peer.send(headersFrame(id), dataFrame(id, body));
    }
    await expectBystanderServed();
    expect(server.rpc.load().pendingResponseBytes).toBeLessThan(4_000_000);
    peer.close();
    await peer.raw.closed;
    await expectBystanderServed();
  });

  it("with windows of nothing hold what they asked for, and no more when they go", async () => {
    const peer = new RawPeer(server.port, http2Frame(4, 0, 0, Buffer.from("000400000000", "hex")));
    for (let i = 0; i < 100; i++)
      peer.send(headersFrame(2 * i + 1), dataFrame(2 * i + 1, framed("xy")));
    await peer.sync();
    expect(server.rpc.load().pendingResponseBytes).toBe(200);
    await expectBystanderServed();
    peer.close();
    await peer.raw.closed;
    await expectBystanderServed();
  });

  it("get their answers when they read at last", async () => {
    const peer = new RawPeer(
      server.port,
      Buffer.concat([
        http2Frame(4, 0, 0, Buffer.from("00047fffffff", "hex")),
        http2Frame(8, 0, 0, uint32(2 ** 31 - 1 - 65_535)),
      ]),
    );
    peer.raw.socket.pause();
    const body = framed(new Uint8Array(1_000_000).fill(7));
    const pieces = Array.from({ length: Math.ceil(body.length / 16_384) }, (_, i) =>
      body.subarray(i * 16_384, (i + 1) * 16_384),
    );
    for (let id = 1; id < 40; id += 2) {
      peer.send(headersFrame(id), ...pieces.map((piece) => dataFrame(id, piece, 0)));
      peer.send(dataFrame(id, new Uint8Array(0)));
    }
    await expectBystanderServed();
    peer.raw.socket.resume();
    await peer.until(({ type, flags, stream }) => type === 1 && stream === 39 && flags === 5);
    await expectBystanderServed();
    peer.close();
    await peer.raw.closed;
  });
});

it("any frames, in any pieces, end in an answer, an error or the client's own end", async () => {
  const payload = fc.uint8Array({ maxLength: 60 });
  const anyFrame = fc
    .tuple(fc.integer({ min: 0, max: 10 }), fc.nat(255), fc.nat(8), payload)
    .map(([type, flags, stream, bytes]) => http2Frame(type, flags, stream, bytes));
  const goodFrame = fc.constantFrom(
    headersFrame(1),
    headersFrame(3),
    dataFrame(1, framed("x")),
    dataFrame(3, framed("x").subarray(0, 3), 0),
    headersFrame(5, callHeaders("/test.Echo/Hold"), 1),
    http2Frame(3, 0, 5, uint32(8)),
    http2Frame(8, 0, 1, uint32(1_000)),
  );
  const input = fc.tuple(fc.array(fc.oneof(anyFrame, goodFrame), { maxLength: 12 }), fc.nat(50));
  await fc.assert(
    fc.asyncProperty(input, async ([frames, cut]) => {
      const peer = new RawPeer(server.port);
      const bytes = Buffer.concat(frames);
      await peer.raw.write(bytes.subarray(0, cut), bytes.subarray(cut));
      peer.raw.socket.end();
      await peer.raw.closed;
    }),
    { numRuns: 300 },
  );
});
