import { connect } from "node:http2";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type EchoServer,
  framed,
  http2Frame,
  noLoad,
  rawCall,
  startEchoServer,
} from "../../../test/rpc/echo-server.ts";
import { dataFrame, headersFrame, RawPeer, uint32 } from "../../../test/rpc/raw-peer.ts";

let server: EchoServer;

beforeEach(async () => {
  server = await startEchoServer({ stopGraceMs: 50 });
});

afterEach(async () => {
  await server.stop();
  expect(server.rpc.load()).toEqual(noLoad);
  expect(server.thrown).toEqual([]);
});

const windowSetting = (bytes: number): Buffer =>
  http2Frame(4, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]));
const update = (stream: number, bytes: number): Buffer => http2Frame(8, 0, stream, uint32(bytes));
const request = (stream: number, text: string): Buffer =>
  Buffer.concat([headersFrame(stream), dataFrame(stream, framed(text))]);
const isEndOf =
  (id: number) =>
  ({ type, flags, stream }: { type: number; flags: number; stream: number }): boolean =>
    type === 1 && stream === id && (flags & 1) === 1;

describe("what the server sends", () => {
  it("waits for the window of the stream, byte by byte, while others go on", async () => {
    const peer = new RawPeer(server.port, windowSetting(0));
    peer.send(request(1, "hello"));
    await peer.sync();
    expect(peer.dataOf(1)).toHaveLength(0);
    peer.send(windowSetting(100), windowSetting(0), request(3, "other"), update(3, 10));
    await peer.until(isEndOf(3));
    expect(peer.dataOf(1)).toHaveLength(0);
    peer.send(windowSetting(7));
    await peer.until(() => peer.dataOf(1).length === 7);
    // A window may become negative: 7 bytes more than there are now.
    peer.send(windowSetting(0), update(1, 7));
    await peer.sync("negative");
    expect(peer.dataOf(1)).toHaveLength(7);
    peer.send(update(1, 3));
    await peer.until(isEndOf(1));
    expect(peer.dataOf(1)).toEqual(framed("hello"));
    peer.send(request(5, "slow"));
    for (let i = 1; i <= 9; i++) {
      peer.send(update(5, 1));
      await peer.until(() => peer.dataOf(5).length === i);
    }
    await peer.until(isEndOf(5));
    expect(peer.dataOf(5)).toEqual(framed("slow"));
    peer.close();
    await peer.raw.closed;
  });

  it("waits for the window of the connection, and shares it", async () => {
    const peer = new RawPeer(server.port, windowSetting(2 ** 31 - 1));
    const text = "x".repeat(16_000);
    for (let id = 1; id <= 19; id += 2) peer.send(request(id, text));
    await peer.sync();
    const sent = (): number =>
      Array.from({ length: 10 }, (_, i) => peer.dataOf(2 * i + 1).length).reduce((a, b) => a + b);
    await peer.until(() => sent() === 65_535);
    expect(server.rpc.load().pendingResponseBytes).toBeGreaterThan(90_000);
    for (let i = 0; i < 10; i++) peer.send(update(0, 9_452));
    for (let id = 1; id <= 19; id += 2) {
      await peer.until(isEndOf(id));
      expect(peer.dataOf(id)).toEqual(framed(text));
    }
    peer.close();
    await peer.raw.closed;
  });

  it("gives back what a reset stream or a lost connection would have got", async () => {
    const peer = new RawPeer(server.port, windowSetting(3));
    peer.send(request(1, "one"), request(3, "three"));
    await peer.until(() => peer.dataOf(1).length === 3 && peer.dataOf(3).length === 3);
    expect(server.rpc.load().pendingResponseBytes).toBe(8);
    peer.send(http2Frame(3, 0, 1, uint32(8)));
    await peer.sync();
    expect(server.rpc.load().pendingResponseBytes).toBe(5);
    peer.close();
    await peer.raw.closed;
  });

  it("arrives whole in any window", async () => {
    const sizes = fc.record({
      window: fc.integer({ min: 1, max: 40_000 }),
      length: fc.integer({ min: 0, max: 60_000 }),
      frame: fc.constantFrom(16_384, 16_385, 100_000),
      table: fc.constantFrom(0, 100, 4_096),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ window, length, frame, table }) => {
        const settings = { initialWindowSize: window, maxFrameSize: frame, headerTableSize: table };
        const session = connect(`http://127.0.0.1:${server.port}`, { settings });
        const body = framed(Buffer.alloc(length, window));
        const answers = await Promise.all(
          ["/test.Echo/Echo", "/test.Echo/Echo", "/test.Echo/Unavailable"].map((path) =>
            rawCall(session, path, body),
          ),
        );
        expect(answers[0]?.data.equals(body)).toBe(true);
        expect(answers[1]?.data.equals(body)).toBe(true);
        expect(answers[0]?.trailers["grpc-status"]).toBe("0");
        expect(answers[2]?.headers["grpc-status"]).toBe("14");
        session.destroy();
      }),
      { numRuns: 40 },
    );
  });
});

describe("what the server takes", () => {
  it("windows are opened again as they are used", async () => {
    const peer = new RawPeer(server.port, windowSetting(2 ** 31 - 1));
    peer.send(update(0, 2 ** 31 - 1 - 65_535));
    const body = framed(Buffer.alloc(2_000_000, 5));
    let granted = 65_535;
    for (let round = 0; round < 4; round++) {
      const id = 2 * round + 1;
      peer.send(headersFrame(id));
      let window = 1_048_576;
      for (let at = 0; at < body.length; ) {
        const updates = peer.frames().filter(({ type }) => type === 8);
        const sum = (stream: number): number =>
          updates
            .filter((frame) => frame.stream === stream)
            .reduce((total, { payload }) => total + payload.readUInt32BE(0), 0);
        granted = 65_535 + sum(0) - round * body.length - at;
        window = 1_048_576 + sum(id) - at;
        const length = Math.min(16_384, granted, window, body.length - at);
        if (length > 0) {
          const isLast = at + length === body.length;
          peer.send(dataFrame(id, body.subarray(at, at + length), isLast ? 1 : 0));
          at += length;
        }
        if (at < body.length && Math.min(granted, window) < 32_768) {
          const count = updates.length;
          await peer.until(() => peer.frames().filter(({ type }) => type === 8).length > count);
        }
      }
      await peer.until(isEndOf(id));
      expect(peer.dataOf(id).equals(body)).toBe(true);
    }
    peer.close();
    await peer.raw.closed;
  });
});
