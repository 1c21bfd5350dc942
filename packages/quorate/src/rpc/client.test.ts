import { createServer as createHttp2Server } from "node:http2";
import { createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EchoServer, noLoad, startEchoServer } from "../../test/rpc/echo-server.ts";
import { type ClientOptions, createClient, type RpcClient } from "./client.ts";
import { type CallFailure, RpcError } from "./client-error.ts";
import { MethodTable } from "./service.ts";
import { status } from "./status.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = { timeoutMs: 5_000, idempotent: true };
const write = { timeoutMs: 5_000, idempotent: false };

let server: EchoServer;
const clients: RpcClient[] = [];

beforeEach(async () => {
  server = await startEchoServer({ stopGraceMs: 10 });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.stop();
  expect(server.rpc.load()).toEqual(noLoad);
});

function clientOf(ports: readonly number[], options: ClientOptions = {}): RpcClient {
  const client = createClient(
    ports.map((port) => `127.0.0.1:${port}`),
    options,
  );
  clients.push(client);
  return client;
}

async function failureOf(call: Promise<unknown>): Promise<RpcError> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof RpcError) return error;
  throw new Error("expected an RpcError", { cause: error });
}

const kinds = (error: RpcError): CallFailure["kind"][] => error.attempts.map(({ kind }) => kind);

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const { port, close } = await tcpServer(() => {});
  await close();
  return port;
}

async function tcpServer(
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; close: () => Promise<void> }> {
  const tcp = createServer();
  const sockets = new Set<Socket>();
  tcp.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.resume();
    onConnection(socket);
  });
  await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
  const address = tcp.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const close = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => tcp.close(() => resolve()));
  };
  return { port: address.port, close };
}

describe("answers", () => {
  it("come with their endpoint, over one connection", async () => {
    const client = clientOf([server.port]);
    const calls = Array.from({ length: 20 }, (_, i) =>
      client.unary("/test.Echo/Echo", bytes(`m${i}`), write),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ message }) => new TextDecoder().decode(message))).toEqual(
      Array.from({ length: 20 }, (_, i) => `m${i}`),
    );
    expect(answers[0]?.endpoint).toBe(`127.0.0.1:${server.port}`);
    expect(server.splitter.connectionCount).toBe(1);
  });

  it("may be large", async () => {
    const large = new Uint8Array(2_000_000).fill(5);
    const answer = await clientOf([server.port]).unary("/test.Echo/Echo", large, write);
    expect(Buffer.compare(answer.message, large)).toBe(0);
  });

  it("carry the deadline to the server", async () => {
    const answer = await clientOf([server.port]).unary("/test.Echo/Show", bytes(""), read);
    const { deadlineMs } = JSON.parse(new TextDecoder().decode(answer.message));
    expect(deadlineMs).toBeGreaterThan(0);
    expect(deadlineMs).toBeLessThanOrEqual(5_000);
  });

  it("come again after the connection was lost", async () => {
    const client = clientOf([server.port]);
    await client.unary("/test.Echo/Echo", bytes("a"), write);
    client.close();
    const answer = await client.unary("/test.Echo/Echo", bytes("b"), write);
    expect(answer.message).toEqual(bytes("b"));
  });
});

describe("failures", () => {
  it("of the service carry code and text", async () => {
    const call = clientOf([server.port]).unary("/test.Echo/Fail", bytes("ü"), read);
    const { failure, message } = await failureOf(call);
    expect(failure).toEqual({
      kind: "status",
      endpoint: `127.0.0.1:${server.port}`,
      wasSent: true,
      status: { code: 5, message: "nicht gefunden: ü 100%" },
    });
    expect(message).toMatch(/Cannot call \/test.Echo\/Fail: 127.0.0.1:\d+: nicht gefunden: ü 100%/);
  });

  it("of the service may carry more, of any text", async () => {
    const told = { "quorate-error": '{"why":"ü 100%"}' };
    const extra = new MethodTable().register("/test.Echo/Told", {
      kind: "unary",
      handle: (_, call) => call.fail({ ...status("unavailable", "no"), trailers: told }),
    });
    const telling = await startEchoServer({ stopGraceMs: 10 }, extra);
    const client = clientOf([telling.port]);
    const { failure } = await failureOf(client.unary("/test.Echo/Told", bytes(""), write));
    expect(failure).toMatchObject({ status: { code: 14, message: "no", trailers: told } });
    client.close();
    await telling.stop();
  });

  it("to connect name each endpoint", async () => {
    const ports = [await closedPort(), await closedPort()];
    const error = await failureOf(clientOf(ports).unary("/test.Echo/Echo", bytes(""), write));
    expect(kinds(error)).toEqual(["connect", "connect"]);
    expect(error.failure).toMatchObject({ code: "ECONNREFUSED", wasSent: false });
    for (const port of ports) expect(error.message).toContain(`127.0.0.1:${port}: nothing listens`);
  });

  it("by the deadline say how long it was", async () => {
    const client = clientOf([server.port]);
    await client.unary("/test.Echo/Echo", bytes(""), read);
    const call = client.unary("/test.Echo/Hold", bytes(""), {
      timeoutMs: 60,
      idempotent: true,
    });
    const { failure } = await failureOf(call);
    // The client's clock and the server's answer race; both say the same.
    if (failure.kind === "status") expect(failure.status.code).toBe(4);
    else expect(failure).toMatchObject({ kind: "deadline", timeoutMs: 60 });
  });

  it("by the caller's signal end the call on the server too", async () => {
    const stop = new AbortController();
    const begun = server.nextEvent();
    const call = clientOf([server.port]).unary("/test.Echo/Hold", bytes(""), {
      ...read,
      signal: stop.signal,
    });
    await begun;
    const cancelled = server.nextEvent();
    stop.abort();
    expect((await failureOf(call)).failure.kind).toBe("cancelled");
    await cancelled;
    expect(server.cancels).toEqual(["cancelled-by-client"]);
  });

  it("by a signal or deadline while connecting do not wait for the connection", async () => {
    const silent = await tcpServer(() => {});
    const stop = new AbortController();
    const client = clientOf([silent.port], { connectTimeoutMs: 60_000 });
    const call = client.unary("/test.Echo/Echo", bytes(""), { ...read, signal: stop.signal });
    stop.abort();
    expect((await failureOf(call)).failure).toMatchObject({ kind: "cancelled", wasSent: false });
    const short = client.unary("/test.Echo/Echo", bytes(""), { timeoutMs: 30, idempotent: true });
    const { failure } = await failureOf(short);
    expect(failure).toMatchObject({ kind: "deadline", wasSent: false, timeoutMs: 30 });
    client.close();
    await silent.close();
  });

  it("by a signal that came before send nothing", async () => {
    const call = clientOf([server.port]).unary("/test.Echo/Hold", bytes(""), {
      ...read,
      signal: AbortSignal.abort(),
    });
    expect((await failureOf(call)).failure).toMatchObject({ kind: "cancelled", wasSent: false });
  });

  it("on a port that speaks something else are told so, before anything is sent", async () => {
    const talker = await tcpServer((socket) => socket.write("QRFT hello, who is there?\n"));
    const call = clientOf([talker.port]).unary("/test.Echo/Echo", bytes(""), write);
    const { failure, message } = await failureOf(call);
    expect(failure).toMatchObject({ kind: "protocol", wasSent: false });
    expect(message).toMatch(/does not answer in HTTP\/2 .*is this a client port\?/);
    await talker.close();
  });

  it("on a port that hangs up", async () => {
    const deaf = await tcpServer((socket) => socket.end());
    const call = clientOf([deaf.port]).unary("/test.Echo/Echo", bytes(""), write);
    expect((await failureOf(call)).failure).toMatchObject({ kind: "protocol", wasSent: false });
    await deaf.close();
  });

  it("on a port that is silent", async () => {
    const silent = await tcpServer(() => {});
    const client = clientOf([silent.port], { connectTimeoutMs: 500 });
    const error = await failureOf(client.unary("/test.Echo/Echo", bytes(""), write));
    expect(error.failure).toMatchObject({ kind: "protocol", wasSent: false });
    expect(error.message).toContain("CONNECT_TIMEOUT");
    await silent.close();
  });

  it("on an HTTP/2 server without gRPC", async () => {
    const web = createHttp2Server();
    web.on("stream", (stream) => stream.respond({ ":status": 404 }, { endStream: true }));
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", () => resolve()));
    const address = web.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const client = clientOf([port]);
    const { failure } = await failureOf(client.unary("/test.Echo/Echo", bytes(""), write));
    expect(failure).toMatchObject({
      kind: "protocol",
      fact: "HTTP status 404 without a gRPC status",
    });
    client.close();
    await new Promise<void>((resolve) => web.close(() => resolve()));
  });

  it("an answer beyond the limit is refused", async () => {
    const client = clientOf([server.port], { responseBytesMax: 10 });
    const call = client.unary("/test.Echo/Echo", new Uint8Array(11), read);
    expect((await failureOf(call)).message).toMatch(/larger than max \(11 vs. 10\)/);
  });
});

describe("the next endpoint", () => {
  it("is asked when nothing listens at the first, and remembered", async () => {
    const client = clientOf([await closedPort(), server.port]);
    const answer = await client.unary("/test.Echo/Echo", bytes("a"), write);
    expect(answer.endpoint).toBe(`127.0.0.1:${server.port}`);
    await client.unary("/test.Echo/Echo", bytes("b"), write);
  });

  it("is asked for a read that is Unavailable, not for a write", async () => {
    const other = await startEchoServer({ stopGraceMs: 10 });
    const path = "/test.Echo/Unavailable";
    const ports = [server.port, other.port];
    const reading = await failureOf(clientOf(ports).unary(path, bytes(""), read));
    expect(kinds(reading)).toEqual(["status", "status"]);
    const writing = await failureOf(clientOf(ports).unary(path, bytes(""), write));
    expect(kinds(writing)).toEqual(["status"]);
    await other.stop();
  });

  it("is asked for a read whose connection was lost, not for a write", async () => {
    const dropping = createHttp2Server();
    dropping.on("stream", (stream) => stream.session?.destroy());
    await new Promise<void>((resolve) => dropping.listen(0, "127.0.0.1", () => resolve()));
    const address = dropping.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const answer = await clientOf([port, server.port]).unary("/test.Echo/Echo", bytes("x"), read);
    expect(answer.endpoint).toBe(`127.0.0.1:${server.port}`);
    const call = clientOf([port, server.port]).unary("/test.Echo/Echo", bytes("x"), write);
    const { failure } = await failureOf(call);
    expect(failure).toMatchObject({ kind: "connection-lost", wasSent: true });
    await new Promise<void>((resolve) => dropping.close(() => resolve()));
  });

  it("is not asked for other errors of the service", async () => {
    const client = clientOf([server.port, await closedPort()]);
    const error = await failureOf(client.unary("/test.Echo/Fail", bytes(""), read));
    expect(kinds(error)).toEqual(["status"]);
  });
});

it("needs an endpoint", () => {
  expect(() => createClient([])).toThrow("give at least one endpoint");
});
