/** Calls with many answers: in order, no faster than they are fetched, and ended in every way. */
import { connect } from "node:http2";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type EchoServer,
  framed,
  http2Frame,
  noLoad,
  openSession,
  type RawAnswer,
  rawCall,
  startEchoServer,
} from "../../../test/rpc/echo-server.ts";
import {
  callHeaders,
  dataFrame,
  headersFrame,
  RawPeer,
  uint32,
} from "../../../test/rpc/raw-peer.ts";
import type { RpcLimits } from "../limits.ts";
import { type CancelReason, MethodTable } from "../service.ts";
import { status } from "../status.ts";

/** Bytes of a message of `/test.Stream/Count`. */
const messageBytes = 1_000;

/** What the newest call did. */
interface Trace {
  sent: number;
  ready: number;
  cancelled: CancelReason | null;
}

let server: EchoServer;
let trace: Trace;
let expectedThrown: unknown[];

const messageOf = (number: number): Buffer => Buffer.alloc(messageBytes, number % 256);

/** `Count` sends as many messages as the request says, `Fail` and `Throw` after two of them. */
function createMethods(): MethodTable {
  const methods = new MethodTable();
  for (const name of ["Count", "Fail", "Throw"]) {
    methods.register(`/test.Stream/${name}`, {
      kind: "server-streaming",
      handle: (request, call) => {
        const count = Number(new TextDecoder().decode(request));
        const own: Trace = { sent: 0, ready: 0, cancelled: null };
        trace = own;
        call.onCancelled((reason) => {
          own.cancelled = reason;
          call.send(messageOf(0), () => own.ready++); // must change nothing
        });
        const next = (): void => {
          if (own.sent === count) call.end();
          else if (own.sent === 2 && name === "Fail") call.fail(status("dataLoss", "it is rotten"));
          else if (own.sent === 2 && name === "Throw") throw new Error("a bug");
          else {
            call.send(messageOf(own.sent++), () => {
              own.ready++;
              next();
            });
          }
        };
        next();
      },
    });
  }
  return methods;
}

async function start(limits: Partial<RpcLimits> = {}): Promise<void> {
  server = await startEchoServer({ stopGraceMs: 50, ...limits }, createMethods());
}

beforeEach(async () => {
  trace = { sent: 0, ready: 0, cancelled: null };
  expectedThrown = [];
  await start();
});

afterEach(async () => {
  await server.stop();
  expect(server.rpc.load()).toEqual(noLoad);
  expect(server.thrown).toEqual(expectedThrown);
});

async function restart(limits: Partial<RpcLimits>): Promise<void> {
  await server.stop();
  await start(limits);
}

const expectedData = (count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, number) => framed(messageOf(number))));

const windowSetting = (bytes: number): Buffer =>
  http2Frame(4, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]));
const update = (stream: number, bytes: number): Buffer => http2Frame(8, 0, stream, uint32(bytes));
const count = (stream: number, text: string): Buffer =>
  Buffer.concat([
    headersFrame(stream, callHeaders("/test.Stream/Count")),
    dataFrame(stream, framed(text)),
  ]);
const isEndOf =
  (id: number) =>
  ({ type, flags, stream }: { type: number; flags: number; stream: number }): boolean =>
    type === 1 && stream === id && (flags & 1) === 1;

async function call(method: string, text: string, timeout?: string): Promise<RawAnswer> {
  const session = openSession(server.port);
  const headers = timeout === undefined ? {} : { "grpc-timeout": timeout };
  const answer = await rawCall(session, `/test.Stream/${method}`, framed(text), headers);
  session.destroy();
  return answer;
}

describe("a streamed answer", () => {
  it.each([0, 1, 2, 300])("of %i messages comes whole and in order", async (total) => {
    const { headers, trailers, data } = await call("Count", String(total));
    expect(headers).toMatchObject({ ":status": 200, "content-type": "application/grpc" });
    expect(trailers).toMatchObject({ "grpc-status": "0" });
    expect(data.equals(expectedData(total))).toBe(true);
    expect(trace).toEqual({ sent: total, ready: total, cancelled: null });
  });

  it("comes whole in any window, beside others", async () => {
    const sizes = fc.record({
      window: fc.integer({ min: 1, max: 5_000 }),
      total: fc.integer({ min: 0, max: 20 }),
      frame: fc.constantFrom(16_384, 16_385, 100_000),
      table: fc.constantFrom(0, 100, 4_096),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ window, total, frame, table }) => {
        const settings = { initialWindowSize: window, maxFrameSize: frame, headerTableSize: table };
        const session = connect(`http://127.0.0.1:${server.port}`, { settings });
        const body = framed(String(total));
        const [one, echo, other] = await Promise.all(
          ["/test.Stream/Count", "/test.Echo/Echo", "/test.Stream/Count"].map((path) =>
            rawCall(session, path, body),
          ),
        );
        expect(one?.data.equals(expectedData(total))).toBe(true);
        expect(other?.data.equals(expectedData(total))).toBe(true);
        expect(echo?.data.equals(body)).toBe(true);
        expect(one?.trailers["grpc-status"]).toBe("0");
        session.destroy();
      }),
      { numRuns: 30 },
    );
  });

  it("goes no further than the client's windows; one message waits", async () => {
    const peer = new RawPeer(server.port, windowSetting(2_500));
    peer.send(count(1, "1000000"));
    await peer.until(() => peer.dataOf(1).length === 2_500);
    await peer.sync();
    expect(trace).toEqual({ sent: 3, ready: 2, cancelled: null });
    expect(server.rpc.load().pendingResponseBytes).toBe(messageBytes);
    // Others go on, and so does this one as the window opens.
    peer.send(headersFrame(3), dataFrame(3, framed("x")));
    await peer.until(isEndOf(3));
    peer.send(update(1, 2_000));
    await peer.until(() => peer.dataOf(1).length === 4_500);
    await peer.sync("further ");
    expect(trace).toEqual({ sent: 5, ready: 4, cancelled: null });
    expect(peer.dataOf(1).equals(expectedData(5).subarray(0, 4_500))).toBe(true);
    peer.close();
    await peer.raw.closed;
  });

  it("goes no further than a client reads, however large its windows are", async () => {
    const peer = new RawPeer(server.port, windowSetting(2 ** 31 - 1));
    peer.send(update(0, 2 ** 31 - 1 - 65_535));
    await peer.sync();
    peer.raw.socket.pause();
    peer.send(count(1, "1000000000"));
    // Until the system's buffers are full, too, and nothing moves any more.
    let before = -1;
    while (trace.sent !== before) {
      before = trace.sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { pendingResponseBytes } = server.rpc.load();
    expect(pendingResponseBytes).toBeLessThan(2 * 1_048_576);
    expect(trace.sent * messageBytes).toBeLessThan(64 * 1_048_576);
    peer.close();
    await peer.raw.closed;
  });
});

describe("the end of a streamed answer", () => {
  it("is the status that the service gives, after what it has sent", async () => {
    const { headers, trailers, data } = await call("Fail", "5");
    expect(headers[":status"]).toBe(200);
    expect(trailers).toMatchObject({ "grpc-status": "15", "grpc-message": "it is rotten" });
    expect(trailers[":status"]).toBeUndefined();
    expect(data.equals(expectedData(2))).toBe(true);
  });

  it("is Internal after a bug in the service", async () => {
    expectedThrown = [new Error("a bug")];
    const { trailers, data } = await call("Throw", "5");
    expect(trailers["grpc-status"]).toBe("13");
    expect(data.equals(expectedData(2))).toBe(true);
  });

  it("comes with the client's reset, and with its connection", async () => {
    const peer = new RawPeer(server.port, windowSetting(2_500));
    peer.send(count(1, "9"));
    await peer.until(() => peer.dataOf(1).length === 2_500);
    peer.send(http2Frame(3, 0, 1, uint32(8)));
    await peer.sync();
    expect(trace).toEqual({ sent: 3, ready: 2, cancelled: "cancelled-by-client" });
    expect(server.rpc.load()).toMatchObject({ openCalls: 0, pendingResponseBytes: 0 });
    peer.send(count(3, "9"));
    await peer.until(() => peer.dataOf(3).length === 2_500);
    const held = trace;
    peer.close();
    await peer.raw.closed;
    await server.stop();
    expect(held.cancelled).toBe("connection-lost");
  });

  it("comes with the deadline, in the middle of a message", async () => {
    const peer = new RawPeer(server.port, windowSetting(1_500));
    const block = callHeaders("/test.Stream/Count", [["grpc-timeout", "50m"]]);
    peer.send(headersFrame(1, block), dataFrame(1, framed("9")));
    const last = await peer.until(isEndOf(1));
    expect(last.payload.toString("latin1")).toContain("context deadline exceeded");
    expect(last.payload.toString("latin1")).not.toContain("content-type");
    expect(trace.cancelled).toBe("deadline");
    expect(server.rpc.load()).toMatchObject({ openCalls: 0, pendingResponseBytes: 0 });
    peer.close();
    await peer.raw.closed;
  });

  it("comes where a client fetches nothing for too long", async () => {
    await restart({ streamedMessageMs: 50 });
    const peer = new RawPeer(server.port, windowSetting(1_500));
    peer.send(count(1, "9"));
    const last = await peer.until(isEndOf(1));
    expect(last.payload.toString("latin1")).toContain("was not fetched within 50 ms");
    expect(trace).toEqual({ sent: 2, ready: 1, cancelled: "not-fetched" });
    peer.close();
    await peer.raw.closed;
  });

  it("comes where all clients together leave too much unfetched", async () => {
    await restart({ pendingResponseBytesMax: 1_500 });
    const peer = new RawPeer(server.port, windowSetting(0));
    peer.send(count(1, "9"));
    await peer.sync();
    const first = trace;
    peer.send(count(3, "9"));
    const last = await peer.until(isEndOf(3));
    expect(last.payload.toString("latin1")).toContain("clients have not fetched hold");
    expect(trace).toEqual({ sent: 1, ready: 0, cancelled: "not-fetched" });
    expect(first.cancelled).toBe(null);
    peer.close();
    await peer.raw.closed;
  });

  it("comes when the server stops, after its grace", async () => {
    const peer = new RawPeer(server.port, windowSetting(1_500));
    peer.send(count(1, "9"));
    await peer.until(() => peer.dataOf(1).length === 1_500);
    const stopped = server.stop();
    const last = await peer.until(isEndOf(1));
    expect(last.payload.toString("latin1")).toContain("etcdserver: server stopped");
    await stopped;
    expect(trace.cancelled).toBe("server-stopped");
  });
});
