import type { ClientHttp2Session } from "node:http2";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type EchoServer,
  framed,
  noLoad,
  openSession,
  rawCall,
  startEchoServer,
} from "../../../test/rpc/echo-server.ts";
import { decodePutRequest, decodeRangeRequest } from "../../proto/index.ts";
import { createClient } from "../client.ts";
import { MethodTable } from "../service.ts";

let server: EchoServer;
let session: ClientHttp2Session;

beforeEach(async () => {
  const extra = new MethodTable().register("/test.Echo/Decode", {
    kind: "unary",
    handle: (request, call) => call.respond(decodePutRequest(request).key),
  });
  extra.register("/test.Echo/DecodeRange", {
    kind: "unary",
    handle: (request, call) => call.respond(decodeRangeRequest(request).key),
  });
  server = await startEchoServer({ stopGraceMs: 50 }, extra);
  session = openSession(server.port);
});

afterEach(async () => {
  session.destroy();
  await server.stop();
  expect(server.rpc.load()).toEqual(noLoad);
  expect(server.splitter.connectionCount).toBe(0);
});

describe("a call that succeeds", () => {
  it("has headers, one message, trailers", async () => {
    const answer = await rawCall(session, "/test.Echo/Echo", framed("hello"));
    expect(answer.headers).toMatchObject({ ":status": 200, "content-type": "application/grpc" });
    expect(answer.headers["grpc-status"]).toBeUndefined();
    expect(answer.data).toEqual(framed("hello"));
    expect(answer.trailers).toMatchObject({ "grpc-status": "0" });
    expect(answer.rstCode).toBe(0);
  });

  it("may have an empty message, or the largest", async () => {
    const empty = await rawCall(session, "/test.Echo/Echo", framed(""));
    expect(empty.data).toEqual(framed(""));
    const largest = framed(new Uint8Array(2_097_152).fill(7));
    const answer = await rawCall(session, "/test.Echo/Echo", largest);
    expect(answer.trailers).toMatchObject({ "grpc-status": "0" });
    expect(answer.data.equals(largest)).toBe(true);
  });

  it("shows deadline and metadata to the service", async () => {
    const headers = { "grpc-timeout": "5S", token: "abc.1" };
    const answer = await rawCall(session, "/test.Echo/Show", framed(""), headers);
    expect(JSON.parse(answer.data.subarray(5).toString())).toEqual({
      deadlineMs: 5_000,
      token: "abc.1",
    });
    const bare = await rawCall(session, "/test.Echo/Show", framed(""));
    expect(JSON.parse(bare.data.subarray(5).toString())).toEqual({ deadlineMs: null, token: null });
  });

  it("takes application/grpc+proto and identity", async () => {
    const headers = { "content-type": "application/grpc+proto", "grpc-encoding": "identity" };
    const answer = await rawCall(session, "/test.Echo/Echo", framed("x"), headers);
    expect(answer.trailers).toMatchObject({ "grpc-status": "0" });
  });

  it("serves a thousand at once", async () => {
    const calls = Array.from({ length: 1_000 }, (_, i) =>
      rawCall(session, "/test.Echo/Echo", framed(`m${i}`)),
    );
    const answers = await Promise.all(calls);
    answers.forEach((answer, i) => {
      expect(answer.data.subarray(5).toString()).toBe(`m${i}`);
    });
  });
});

describe("a call that fails", () => {
  it("has headers only, with the message percent-encoded", async () => {
    const answer = await rawCall(session, "/test.Echo/Fail", framed("ü"));
    expect(answer.headers).toMatchObject({
      ":status": 200,
      "grpc-status": "5",
      "grpc-message": "nicht gefunden: %C3%BC 100%25",
    });
    expect(answer.data).toHaveLength(0);
  });

  it.each<[string, string, Uint8Array | null, Record<string, string>, number, string, string]>([
    [
      "unknown method",
      "/test.Echo/No",
      framed(""),
      {},
      200,
      "12",
      "unknown method No for service test.Echo",
    ],
    ["unknown service", "/test.No/Echo", framed(""), {}, 200, "12", "unknown service test.No"],
    ["malformed path", "/nothing", framed(""), {}, 200, "12", 'malformed method name: "/nothing"'],
    [
      "JSON",
      "/test.Echo/Echo",
      framed(""),
      { "content-type": "application/json" },
      415,
      "3",
      'invalid gRPC request content-type "application/json"',
    ],
    [
      "grpc-web",
      "/test.Echo/Echo",
      framed(""),
      { "content-type": "application/grpc-web" },
      415,
      "3",
      'invalid gRPC request content-type "application/grpc-web"',
    ],
    [
      "GET",
      "/test.Echo/Echo",
      null,
      { ":method": "GET" },
      405,
      "13",
      'Received a HEADERS frame with :method "GET" which should be POST',
    ],
    [
      "gzip",
      "/test.Echo/Echo",
      framed("", 1),
      { "grpc-encoding": "gzip" },
      200,
      "12",
      'grpc: Decompressor is not installed for grpc-encoding "gzip"',
    ],
    [
      "compressed without encoding",
      "/test.Echo/Echo",
      framed("", 1),
      {},
      200,
      "13",
      "grpc: compressed flag set with identity or empty encoding",
    ],
    [
      "bad timeout",
      "/test.Echo/Echo",
      framed(""),
      { "grpc-timeout": "5x" },
      200,
      "13",
      'malformed grpc-timeout: "5x"',
    ],
    [
      "no time at all",
      "/test.Echo/Echo",
      framed(""),
      { "grpc-timeout": "0m" },
      200,
      "4",
      "context deadline exceeded",
    ],
    [
      "no body",
      "/test.Echo/Echo",
      null,
      {},
      200,
      "13",
      "grpc: received no message for a unary call",
    ],
    [
      "half a body",
      "/test.Echo/Echo",
      framed("hello").subarray(0, 7),
      {},
      200,
      "13",
      "unexpected EOF",
    ],
    [
      "two messages",
      "/test.Echo/Echo",
      Buffer.concat([framed("a"), framed("b")]),
      {},
      200,
      "13",
      "grpc: received more than one message for a unary call",
    ],
    [
      "too large",
      "/test.Echo/Echo",
      framed(new Uint8Array(2_097_153)),
      {},
      200,
      "8",
      "grpc: received message larger than max (2097153 vs. 2097152)",
    ],
    [
      "a value that is not supported",
      "/test.Echo/DecodeRange",
      framed(Uint8Array.of(40, 9)),
      {},
      200,
      "3",
      "Cannot decode RangeRequest at byte 2: 9 is none of NONE, ASCEND, DESCEND",
    ],
    [
      "not the message",
      "/test.Echo/Decode",
      framed(Uint8Array.of(10, 9)),
      {},
      200,
      "13",
      "grpc: error unmarshalling request: Cannot decode PutRequest at byte 2: " +
        "length 9, but 0 bytes are left",
    ],
  ])("%s", async (_, path, body, headers, httpStatus, code, message) => {
    const answer = await rawCall(session, path, body, headers);
    expect(answer.headers).toMatchObject({
      ":status": httpStatus,
      "grpc-status": code,
      "grpc-message": message,
    });
    // The connection goes on.
    const next = await rawCall(session, "/test.Echo/Echo", framed("next"));
    expect(next.trailers).toMatchObject({ "grpc-status": "0" });
  });

  it("by a bug of the handler is Internal, and reported", async () => {
    const answer = await rawCall(session, "/test.Echo/Throw", framed(""));
    expect(answer.headers).toMatchObject({ "grpc-status": "13", "grpc-message": "internal error" });
    expect(server.thrown).toEqual([new Error("a bug")]);
  });
});

describe("cancellation", () => {
  it("by the client's reset reaches the service once; its late answer is dropped", async () => {
    const begun = server.nextEvent();
    const stream = session.request({
      ":method": "POST",
      ":path": "/test.Echo/Hold",
      "content-type": "application/grpc",
    });
    stream.on("error", () => {});
    stream.end(framed(""));
    await begun;
    const cancelled = server.nextEvent();
    stream.close(8);
    await cancelled;
    expect(server.cancels).toEqual(["cancelled-by-client"]);
  });

  it("by a lost connection reaches the service", async () => {
    const begun = server.nextEvent();
    const call = rawCall(session, "/test.Echo/Hold", framed(""));
    await begun;
    const cancelled = server.nextEvent();
    session.destroy();
    await cancelled;
    await call;
    expect(server.cancels).toEqual(["connection-lost"]);
  });

  it("may cross the answer", async () => {
    let release: (() => void)[] = [];
    const extra = new MethodTable().register("/test.Echo/Later", {
      kind: "unary",
      handle: (request, call) => {
        release.push(() => call.respond(request));
        // Answers are given by tens, in turns in which resets arrive too.
        if (release.length < 10) return;
        for (const respond of release) setImmediate(respond);
        release = [];
      },
    });
    const crossing = await startEchoServer({ stopGraceMs: 10 }, extra);
    const client = openSession(crossing.port);
    // 800 resets in all: fewer than an attack.
    for (let i = 0; i < 80; i++) {
      const streams = Array.from({ length: 10 }, () => {
        const stream = client.request({
          ":method": "POST",
          ":path": "/test.Echo/Later",
          "content-type": "application/grpc",
        });
        stream.on("error", () => {});
        stream.end(framed(new Uint8Array(20_000)));
        return stream;
      });
      await rawCall(client, "/test.Echo/Echo", framed(""));
      for (const stream of streams) stream.close(8);
    }
    client.destroy();
    await crossing.stop();
    expect(crossing.thrown).toEqual([]);
    expect(crossing.rpc.load()).toEqual(noLoad);
  });

  it("by the deadline is answered", async () => {
    const answer = await rawCall(session, "/test.Echo/Hold", framed(""), { "grpc-timeout": "20m" });
    expect(answer.headers).toMatchObject({
      "grpc-status": "4",
      "grpc-message": "context deadline exceeded",
    });
    expect(server.cancels).toEqual(["deadline"]);
  });

  it("by stopping the server is answered Unavailable", async () => {
    const begun = server.nextEvent();
    const call = rawCall(session, "/test.Echo/Hold", framed(""));
    await begun;
    await server.stop();
    const answer = await call;
    expect(server.cancels).toEqual(["server-stopped"]);
    expect(answer.headers).toMatchObject({ "grpc-status": "14" });
    server = await startEchoServer();
  });
});

describe("limits", () => {
  it("a request that stops arriving is given up, others go on", async () => {
    const limited = await startEchoServer({ requestArrivalMs: 80 });
    const client = openSession(limited.port);
    const stream = client.request({
      ":method": "POST",
      ":path": "/test.Echo/Echo",
      "content-type": "application/grpc",
    });
    stream.on("error", () => {});
    const answered = new Promise<string>((resolve) => {
      stream.on("response", (headers) => resolve(String(headers["grpc-message"])));
    });
    stream.write(framed("hello").subarray(0, 6));
    expect(await answered).toBe("grpc: the request did not arrive within 80 ms");
    const other = await rawCall(client, "/test.Echo/Echo", framed("x"));
    expect(other.trailers).toMatchObject({ "grpc-status": "0" });
    client.destroy();
    await limited.stop();
  });

  it("bytes of answers that nobody fetches are bounded, and given back", async () => {
    const limited = await startEchoServer({ pendingResponseBytesMax: 1_000_000 });
    const client = openSession(limited.port);
    const hoarder = client.request({
      ":method": "POST",
      ":path": "/test.Echo/Echo",
      "content-type": "application/grpc",
    });
    hoarder.on("error", () => {});
    // It never reads, so its answer waits for the window of the stream to open.
    hoarder.pause();
    const answered = new Promise((resolve) => hoarder.once("response", resolve));
    hoarder.end(framed(new Uint8Array(900_000)));
    await answered;
    const other = await rawCall(client, "/test.Echo/Echo", framed(new Uint8Array(200_000)));
    expect(other.headers).toMatchObject({
      "grpc-status": "8",
      "grpc-message": "grpc: answers that clients have not fetched hold 900000 of 1000000 bytes",
    });
    const small = await rawCall(client, "/test.Echo/Echo", framed("x"));
    expect(small.trailers).toMatchObject({ "grpc-status": "0" });
    client.destroy();
    await limited.stop();
    expect(limited.rpc.load()).toEqual(noLoad);
  });

  it("an answer of 100 MB is no problem", async () => {
    const huge = new Uint8Array(100_000_000).fill(3);
    const extra = new MethodTable().register("/test.Echo/Huge", {
      kind: "unary",
      handle: (_, call) => call.respond(huge),
    });
    const large = await startEchoServer({}, extra);
    const client = createClient([`127.0.0.1:${large.port}`]);
    const options = { timeoutMs: 20_000, idempotent: true };
    const answer = await client.unary("/test.Echo/Huge", new Uint8Array(0), options);
    expect(Buffer.compare(answer.message, huge)).toBe(0);
    client.close();
    await large.stop();
  });

  it("bytes of incomplete requests are bounded, and given back", async () => {
    const limited = await startEchoServer({ pendingRequestBytesMax: 100_000 });
    const client = openSession(limited.port);
    const stuck = client.request({
      ":method": "POST",
      ":path": "/test.Echo/Echo",
      "content-type": "application/grpc",
    });
    stuck.on("error", () => {});
    const refused = new Promise<string>((resolve) => {
      stuck.on("response", (headers) => resolve(String(headers["grpc-status"])));
    });
    stuck.write(framed(new Uint8Array(200_000)).subarray(0, 150_000));
    expect(await refused).toBe("8");
    const answer = await rawCall(client, "/test.Echo/Echo", framed(new Uint8Array(90_000)));
    expect(answer.trailers).toMatchObject({ "grpc-status": "0" });
    client.destroy();
    await limited.stop();
  });
});
