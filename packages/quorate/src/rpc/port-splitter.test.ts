import type { ClientHttp2Session } from "node:http2";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type EchoServer,
  framed,
  http2Frame,
  noLoad,
  openSession,
  prefaceText,
  RawSocket,
  rawCall,
  startEchoServer,
} from "../../test/rpc/echo-server.ts";
import { createRpcServer } from "./h2/server.ts";
import { createPortSplitter } from "./port-splitter.ts";
import { MethodTable } from "./service.ts";

let server: EchoServer;
let bystander: ClientHttp2Session;

beforeEach(async () => {
  server = await startEchoServer(limits);
  bystander = openSession(server.port);
  await expectBystanderServed();
});

afterEach(async () => {
  await expectBystanderServed();
  bystander.destroy();
  await server.stop();
  expect(server.rpc.load()).toEqual(noLoad);
  expect(server.thrown).toEqual([]);
});

/** Long enough that a slow machine does not meet them in tests that are about something else. */
const limits = {
  stopGraceMs: 50,
  sniffMs: 1_000,
  httpRequestMs: 1_000,
  keepaliveMs: 100,
  keepaliveTimeoutMs: 1_000,
};

/** Another client, connected all the time, notices nothing. */
async function expectBystanderServed(): Promise<void> {
  const answer = await rawCall(bystander, "/test.Echo/Echo", framed("still here"));
  expect(answer.data).toEqual(framed("still here"));
}

const settings = http2Frame(4, 0, 0, new Uint8Array(0));
const endsHttp1 = (received: Buffer): boolean => received.includes("http1 GET /health");
/** Whether a GOAWAY frame (type 7) on stream 0 is among the frames. */
function hasGoaway(received: Buffer): boolean {
  for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3)) {
    if (received[at + 3] === 7) return true;
  }
  return false;
}

describe("telling protocols apart", () => {
  it("serves HTTP/1", async () => {
    const raw = new RawSocket(server.port);
    await raw.write("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await raw.closed;
    expect(raw.received.toString()).toMatch(/^HTTP\/1.1 200 OK.*http1 GET \/health$/s);
  });

  it("serves HTTP/1 that arrives byte by byte, and its next request", async () => {
    const raw = new RawSocket(server.port);
    await raw.write(..."GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    await raw.until(endsHttp1);
    raw.received = Buffer.alloc(0);
    await raw.write("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    await raw.until(endsHttp1);
    raw.socket.destroy();
  });

  it("serves a client that closes its side after the request", async () => {
    const raw = new RawSocket(server.port);
    raw.socket.end("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    await raw.closed;
    expect(raw.received.toString()).toContain("http1 GET /health");
  });

  it("serves HTTP/2 that arrives byte by byte", async () => {
    const raw = new RawSocket(server.port);
    const ping = http2Frame(6, 0, 0, Buffer.from("12345678"));
    for (const byte of Buffer.concat([Buffer.from(prefaceText), settings, ping])) {
      await raw.write(Uint8Array.of(byte));
    }
    // The answer to a ping carries its eight bytes.
    await raw.until((received) => received.includes("12345678"));
    raw.socket.destroy();
    await raw.closed;
  });

  it("serves HTTP/2 whose preface comes with the first frames", async () => {
    const raw = new RawSocket(server.port);
    const ping = http2Frame(6, 0, 0, Buffer.from("abcdefgh"));
    await raw.write(Buffer.concat([Buffer.from(prefaceText), settings, ping]));
    await raw.until((received) => received.includes("abcdefgh"));
    raw.socket.destroy();
    await raw.closed;
  });
});

describe("abuse leaves others alone", () => {
  it("silence, and what never ends", async () => {
    const starts = ["", "P", "PRI * HT", "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "];
    await Promise.all(
      starts.map(async (start) => {
        const raw = new RawSocket(server.port);
        if (start !== "") await raw.write(start);
        await raw.closed;
        expect(raw.received).toHaveLength(0);
      }),
    );
  });

  it("a preface cut off", async () => {
    const raw = new RawSocket(server.port);
    raw.socket.end("PRI * HTTP/2.0\r\n");
    await raw.closed;
    expect(raw.received).toHaveLength(0);
  });

  it.each([
    ["bytes of nothing", Buffer.alloc(64, 0xff)],
    ["a TLS hello", Buffer.from("16030100a5010000a10303", "hex")],
    ["almost a preface", Buffer.from("PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n")],
  ])("%s: 400", async (_, bytes) => {
    const raw = new RawSocket(server.port);
    await raw.write(bytes);
    await raw.closed;
    expect(raw.received.toString()).toMatch(/^HTTP\/1.1 400 Bad Request/);
  });

  it("malformed frames: the connection is told so and ends", async () => {
    const malformed = {
      tooLong: http2Frame(0, 0, 1, new Uint8Array(0), 0xffffff),
      dataOnIdleStream: http2Frame(0, 0, 5, new Uint8Array(3)),
      noHpack: http2Frame(1, 5, 1, Buffer.alloc(20, 0xff)),
      oddSettings: http2Frame(4, 0, 0, new Uint8Array(5)),
      evenStream: http2Frame(1, 5, 2, Buffer.from([0x82])),
      zeroWindowUpdate: http2Frame(8, 0, 0, new Uint8Array(4)),
    };
    await Promise.all(
      Object.entries(malformed).map(async ([name, bytes]) => {
        const raw = new RawSocket(server.port);
        await raw.write(Buffer.concat([Buffer.from(prefaceText), settings, bytes]));
        await raw.closed;
        expect(`${name}: ${hasGoaway(raw.received)}`).toBe(`${name}: true`);
      }),
    );
  });

  it("half a frame, then the end", async () => {
    const raw = new RawSocket(server.port);
    const half = http2Frame(1, 5, 1, new Uint8Array(3), 100);
    raw.socket.end(Buffer.concat([Buffer.from(prefaceText), settings, half]));
    await raw.closed;
  });

  it("a connection cut in the middle of a request", async () => {
    const session = openSession(server.port);
    const stream = session.request({
      ":method": "POST",
      ":path": "/test.Echo/Echo",
      "content-type": "application/grpc",
    });
    stream.on("error", () => {});
    await new Promise<void>((resolve) => {
      stream.write(framed("hello").subarray(0, 6), () => resolve());
    });
    session.destroy();
    await expectBystanderServed();
  });

  it("ten thousand streams, each reset at once", async () => {
    const session = openSession(server.port);
    const isClosed = new Promise<void>((resolve) => session.once("close", () => resolve()));
    for (let i = 0; i < 10_000 && !session.destroyed; i++) {
      const stream = session.request({
        ":method": "POST",
        ":path": "/test.Echo/Hold",
        "content-type": "application/grpc",
      });
      stream.on("error", () => {});
      stream.end(framed(""));
      stream.close(8);
      if (i % 100 === 0) await expectBystanderServed();
    }
    session.destroy();
    await isClosed;
  });

  it("streams reset before and after their request arrived leave nothing behind", async () => {
    const session = openSession(server.port);
    for (let i = 0; i < 400; i++) {
      const stream = session.request({
        ":method": "POST",
        ":path": "/test.Echo/Hold",
        "content-type": "application/grpc",
      });
      stream.on("error", () => {});
      const body = framed("hello");
      if (i % 2 === 0) stream.end(body);
      else stream.write(body.subarray(0, 7));
      // The next call's answer tells that what was sent before it has arrived.
      await rawCall(session, "/test.Echo/Echo", body);
      stream.close(8);
    }
    await rawCall(session, "/test.Echo/Echo", framed(""));
    expect(server.rpc.load()).toEqual({ ...noLoad, connections: 2 });
    expect(server.cancels).toHaveLength(200);
    session.destroy();
  });
});

describe("limits and errors", () => {
  it("a client that answers pings stays, one that does not is let go", async () => {
    const raw = new RawSocket(server.port);
    await raw.write(Buffer.concat([Buffer.from(prefaceText), settings]));
    await raw.closed;
    expect(bystander.closed).toBe(false);
  });

  it("more connections than allowed are closed", async () => {
    const small = await startEchoServer({ connectionsMax: 1, stopGraceMs: 10 });
    const first = new RawSocket(small.port);
    await first.write("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    await first.until(endsHttp1);
    const second = new RawSocket(small.port);
    await second.closed;
    first.socket.destroy();
    await small.stop();
  });

  it("a port in use is told to the caller", async () => {
    const rpc = createRpcServer({ methods: new MethodTable(), onHandlerError: () => {} });
    const other = createPortSplitter({ rpc, onHttp: () => {}, onError: () => {} });
    const result = await new Promise((resolve) => {
      other.listen(server.port, "127.0.0.1", resolve);
    });
    expect(result).toMatchObject({ code: "EADDRINUSE" });
    await new Promise<void>((resolve) => other.stop(resolve));
  });

  it("stopping closes idle and silent connections", async () => {
    const idle = await startEchoServer({ stopGraceMs: 10 });
    const silent = new RawSocket(idle.port);
    const http = new RawSocket(idle.port);
    await http.write("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    await http.until(endsHttp1);
    const session = openSession(idle.port);
    await rawCall(session, "/test.Echo/Echo", framed(""));
    await idle.stop();
    await Promise.all([silent.closed, http.closed]);
    expect(idle.splitter.connectionCount).toBe(0);
  });
});
