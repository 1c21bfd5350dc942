import type { ClientHttp2Session } from "node:http2";
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
  flags,
  headersFrame,
  literal,
  RawPeer,
  uint32,
} from "../../../test/rpc/raw-peer.ts";
import { errorCodes } from "./protocol.ts";

/** RFC 9113: which mistake ends a stream, which the connection, and with which code. */

let server: EchoServer;
let bystander: ClientHttp2Session;

beforeEach(async () => {
  server = await startEchoServer({ stopGraceMs: 50 });
  bystander = openSession(server.port);
});

afterEach(async () => {
  const answer = await rawCall(bystander, "/test.Echo/Echo", framed("still here"));
  expect(answer.data).toEqual(framed("still here"));
  bystander.destroy();
  await server.stop();
  expect(server.rpc.load()).toEqual(noLoad);
  expect(server.thrown).toEqual([]);
});

const none = new Uint8Array(0);
const hold = headersFrame(1, callHeaders("/test.Echo/Hold"));
const closed = [headersFrame(1), dataFrame(1, framed("x"))];
const setting = (id: number, value: number): Buffer =>
  http2Frame(4, 0, 0, Buffer.concat([Buffer.from([0, id]), uint32(value)]));
const { protocolError, flowControlError, streamClosed, frameSizeError, compressionError } =
  errorCodes;

describe("mistakes that end the connection", () => {
  it.each<[string, number, readonly Uint8Array[]]>([
    ["DATA on stream 0", protocolError, [dataFrame(0, none)]],
    ["DATA on an idle stream", protocolError, [dataFrame(1, none)]],
    ["DATA on an even stream", protocolError, [hold, dataFrame(2, none)]],
    ["DATA with too much padding", protocolError, [hold, http2Frame(0, 8, 1, Buffer.from([5, 1]))]],
    ["DATA with padding and no length", protocolError, [hold, http2Frame(0, 8, 1, none)]],
    ["HEADERS on stream 0", protocolError, [headersFrame(0)]],
    ["HEADERS on an even stream", protocolError, [headersFrame(2)]],
    [
      "HEADERS with too much padding",
      protocolError,
      [http2Frame(1, flags.endHeaders | flags.padded, 1, Buffer.from([9, 0x82]))],
    ],
    [
      "HEADERS without room for a priority",
      frameSizeError,
      [http2Frame(1, flags.endHeaders | flags.priority, 1, Buffer.from([0, 0]))],
    ],
    ["HEADERS on a closed stream", streamClosed, [...closed, headersFrame(1)]],
    ["HEADERS on a stream below the last", streamClosed, [headersFrame(5), headersFrame(3)]],
    ["HPACK: index 0", compressionError, [headersFrame(1, Buffer.from([0x80]))]],
    ["HPACK: an index beyond the table", compressionError, [headersFrame(1, Buffer.from([0xbe]))]],
    [
      "HPACK: a table too large",
      compressionError,
      [headersFrame(1, Buffer.from("3fe21f82", "hex"))],
    ],
    ["HPACK in trailers", compressionError, [hold, headersFrame(1, Buffer.from([0x80]), 1)]],
    ["PRIORITY on stream 0", protocolError, [http2Frame(2, 0, 0, new Uint8Array(5))]],
    ["PRIORITY of the wrong size", frameSizeError, [http2Frame(2, 0, 9, new Uint8Array(4))]],
    ["RST_STREAM on stream 0", protocolError, [http2Frame(3, 0, 0, uint32(8))]],
    ["RST_STREAM on an idle stream", protocolError, [http2Frame(3, 0, 1, uint32(8))]],
    [
      "RST_STREAM of the wrong size",
      frameSizeError,
      [hold, http2Frame(3, 0, 1, new Uint8Array(5))],
    ],
    ["SETTINGS on a stream", protocolError, [http2Frame(4, 0, 1, none)]],
    ["SETTINGS of a wrong size", frameSizeError, [http2Frame(4, 0, 0, new Uint8Array(5))]],
    [
      "an acknowledgement of SETTINGS that says something",
      frameSizeError,
      [http2Frame(4, 1, 0, new Uint8Array(6))],
    ],
    ["ENABLE_PUSH of 2", protocolError, [setting(2, 2)]],
    ["a window of 2^31", flowControlError, [setting(4, 2 ** 31)]],
    ["frames of 16,383 bytes", protocolError, [setting(5, 16_383)]],
    ["frames of 2^24 bytes", protocolError, [setting(5, 2 ** 24)]],
    [
      "a window that settings make too large",
      flowControlError,
      [
        headersFrame(1, callHeaders("/test.Echo/Hold")),
        http2Frame(8, 0, 1, uint32(2 ** 31 - 1 - 65_535)),
        setting(4, 65_536),
      ],
    ],
    ["PUSH_PROMISE", protocolError, [http2Frame(5, 4, 1, new Uint8Array(4))]],
    ["PING on a stream", protocolError, [http2Frame(6, 0, 1, new Uint8Array(8))]],
    ["PING of the wrong size", frameSizeError, [http2Frame(6, 0, 0, new Uint8Array(7))]],
    ["GOAWAY on a stream", protocolError, [http2Frame(7, 0, 1, new Uint8Array(8))]],
    ["GOAWAY of the wrong size", frameSizeError, [http2Frame(7, 0, 0, new Uint8Array(7))]],
    ["WINDOW_UPDATE of the wrong size", frameSizeError, [http2Frame(8, 0, 0, new Uint8Array(3))]],
    ["WINDOW_UPDATE of nothing", protocolError, [http2Frame(8, 0, 0, uint32(0))]],
    ["WINDOW_UPDATE on an idle stream", protocolError, [http2Frame(8, 0, 1, uint32(1))]],
    ["WINDOW_UPDATE beyond 2^31-1", flowControlError, [http2Frame(8, 0, 0, uint32(2 ** 31 - 1))]],
    ["CONTINUATION without HEADERS", protocolError, [http2Frame(9, 4, 1, none)]],
    [
      "CONTINUATION of another stream",
      protocolError,
      [http2Frame(1, 0, 1, callHeaders()), http2Frame(9, 4, 3, none)],
    ],
    [
      "another frame within headers",
      protocolError,
      [http2Frame(1, 0, 1, callHeaders()), http2Frame(6, 0, 0, new Uint8Array(8))],
    ],
    [
      "HEADERS within headers",
      protocolError,
      [http2Frame(1, 0, 1, callHeaders()), headersFrame(1)],
    ],
    ["a frame of 16,385 bytes", frameSizeError, [http2Frame(0, 0, 1, none, 16_385)]],
  ])("%s: %i", async (_, code, frames) => {
    const peer = new RawPeer(server.port);
    peer.send(...frames);
    expect(await peer.goawayCode()).toBe(code);
  });

  it("a first frame that is no SETTINGS", async () => {
    const peer = new RawPeer(server.port, http2Frame(6, 0, 0, new Uint8Array(8)));
    expect(await peer.goawayCode()).toBe(protocolError);
  });
});

describe("mistakes that end a stream", () => {
  const request = (...fields: [string, string][]): Buffer =>
    headersFrame(1, Buffer.concat(fields.map(([name, value]) => literal(name, value))));
  const pseudo: [string, string][] = [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", "/test.Echo/Echo"],
  ];
  it.each<[string, number, readonly Uint8Array[]]>([
    ["no :method", protocolError, [request(...pseudo.slice(1))]],
    ["no :scheme", protocolError, [request(...pseudo.slice(0, 1), ...pseudo.slice(2))]],
    ["no :path", protocolError, [request(...pseudo.slice(0, 2))]],
    ["an empty :path", protocolError, [request(...pseudo.slice(0, 2), [":path", ""])]],
    [":path twice", protocolError, [request(...pseudo, [":path", "/"])]],
    ["a pseudo-header of responses", protocolError, [request(...pseudo, [":status", "200"])]],
    ["a pseudo-header after others", protocolError, [request(["a", "b"], ...pseudo)]],
    ["an upper-case name", protocolError, [request(...pseudo, ["Token", "x"])]],
    ["an empty name", protocolError, [request(...pseudo, ["", "x"])]],
    ["a line break in a value", protocolError, [request(...pseudo, ["token", "a\r\nb"])]],
    ["connection", protocolError, [request(...pseudo, ["connection", "close"])]],
    ["te: gzip", protocolError, [request(...pseudo, ["te", "gzip"])]],
    [
      "content-length that is no number",
      protocolError,
      [request(...pseudo, ["content-length", "x"])],
    ],
    [
      "content-length that is wrong",
      protocolError,
      [
        headersFrame(1, callHeaders("/test.Echo/Echo", [["content-length", "7"]])),
        dataFrame(1, framed("x")),
      ],
    ],
    [
      "DATA after the end",
      streamClosed,
      [
        headersFrame(1, callHeaders("/test.Echo/Hold")),
        dataFrame(1, framed("x")),
        dataFrame(1, framed("x")),
      ],
    ],
    [
      "HEADERS after the end",
      streamClosed,
      [
        headersFrame(1, callHeaders("/test.Echo/Hold")),
        dataFrame(1, framed("x")),
        headersFrame(1, Buffer.alloc(0), 1),
      ],
    ],
    ["DATA on a closed stream", streamClosed, [...closed, dataFrame(1, framed("x"))]],
    [
      "trailers that do not end the stream",
      protocolError,
      [hold, headersFrame(1, literal("a", "b"))],
    ],
    [
      "a pseudo-header in trailers",
      protocolError,
      [hold, headersFrame(1, literal(":path", "/"), 1)],
    ],
    ["WINDOW_UPDATE of nothing", protocolError, [hold, http2Frame(8, 0, 1, uint32(0))]],
    [
      "WINDOW_UPDATE beyond 2^31-1",
      flowControlError,
      [hold, http2Frame(8, 0, 1, uint32(2 ** 31 - 1))],
    ],
    ["PRIORITY of the wrong size", frameSizeError, [hold, http2Frame(2, 0, 1, new Uint8Array(4))]],
  ])("%s: %i", async (_, code, frames) => {
    const peer = new RawPeer(server.port);
    peer.send(...frames);
    const reset = await peer.until(({ type }) => type === 3);
    expect([reset.stream, reset.payload.readUInt32BE(0)]).toEqual([1, code]);
    // The connection goes on.
    peer.send(headersFrame(7), dataFrame(7, framed("next")));
    await peer.until(({ type, stream }) => type === 0 && stream === 7);
    expect(peer.dataOf(7)).toEqual(framed("next"));
    peer.close();
    await peer.raw.closed;
  });

  it("a stream more than allowed is refused", async () => {
    const small = await startEchoServer({ connectionStreamsMax: 2, stopGraceMs: 10 });
    const peer = new RawPeer(small.port);
    for (const stream of [1, 3, 5]) peer.send(headersFrame(stream, callHeaders("/test.Echo/Hold")));
    const reset = await peer.until(({ type }) => type === 3);
    expect([reset.stream, reset.payload.readUInt32BE(0)]).toEqual([5, errorCodes.refusedStream]);
    peer.close();
    await small.stop();
    expect(small.rpc.load()).toEqual(noLoad);
  });
});

describe("what is no mistake", () => {
  it.each<[string, readonly Uint8Array[]]>([
    [
      "padding",
      [
        http2Frame(1, 12, 1, Buffer.concat([Buffer.from([2]), callHeaders(), Buffer.alloc(2)])),
        http2Frame(0, 9, 1, Buffer.concat([Buffer.from([3]), framed("x"), Buffer.alloc(3)])),
      ],
    ],
    [
      "a priority with the headers",
      [
        http2Frame(1, 36, 1, Buffer.concat([Buffer.from([0, 0, 0, 3, 9]), callHeaders()])),
        dataFrame(1, framed("x")),
      ],
    ],
    [
      "PRIORITY on an idle stream",
      [http2Frame(2, 0, 1, new Uint8Array(5)), headersFrame(1), dataFrame(1, framed("x"))],
    ],
    [
      "headers in three frames",
      [
        http2Frame(1, 0, 1, callHeaders().subarray(0, 10)),
        http2Frame(9, 0, 1, none),
        http2Frame(9, 4, 1, callHeaders().subarray(10)),
        dataFrame(1, framed("x")),
      ],
    ],
    [
      "trailers",
      [headersFrame(1), dataFrame(1, framed("x"), 0), headersFrame(1, literal("a", "b"), 1)],
    ],
    ["an empty end", [headersFrame(1), dataFrame(1, framed("x"), 0), dataFrame(1, none)]],
    [
      "a message byte by byte",
      [
        headersFrame(1),
        ...[...framed("x")].map((byte) => dataFrame(1, Uint8Array.of(byte), 0)),
        dataFrame(1, none),
      ],
    ],
    [
      "an unknown frame",
      [http2Frame(200, 255, 9, none), headersFrame(1), dataFrame(1, framed("x"))],
    ],
    ["an unknown setting", [setting(99, 1), headersFrame(1), dataFrame(1, framed("x"))]],
    [
      "a URL as :authority",
      [
        headersFrame(
          1,
          Buffer.concat([
            Buffer.from([0x83, 0x86]),
            literal(":path", "/test.Echo/Echo"),
            literal(":authority", "http://127.0.0.1:2379"),
            literal("content-type", "application/grpc"),
          ]),
        ),
        dataFrame(1, framed("x")),
      ],
    ],
    [
      "no :authority",
      [
        headersFrame(
          1,
          Buffer.concat([
            Buffer.from([0x83, 0x86]),
            literal(":path", "/test.Echo/Echo"),
            literal("content-type", "application/grpc"),
          ]),
        ),
        dataFrame(1, framed("x")),
      ],
    ],
    [
      "frames that cross a reset of ours",
      [
        headersFrame(3, callHeaders("/test.Echo/No")),
        dataFrame(3, framed("x")),
        headersFrame(5),
        dataFrame(5, framed("x")),
      ],
    ],
  ])("%s", async (_, frames) => {
    const peer = new RawPeer(server.port);
    peer.send(...frames);
    const last = await peer.until(({ type, flags: f }) => type === 1 && (f & 1) === 1);
    await peer.sync();
    const ids = [1, 5].filter((id) => peer.dataOf(id).equals(framed("x")));
    expect(ids).toHaveLength(1);
    expect(last.stream).toBeGreaterThan(0);
    peer.close();
    await peer.raw.closed;
  });

  it("GOAWAY lets calls end, then closes", async () => {
    const peer = new RawPeer(server.port);
    peer.send(headersFrame(1), http2Frame(7, 0, 0, new Uint8Array(8)), dataFrame(1, framed("x")));
    expect(await peer.goawayCode()).toBe(0);
    expect(peer.dataOf(1)).toEqual(framed("x"));
  });
});
