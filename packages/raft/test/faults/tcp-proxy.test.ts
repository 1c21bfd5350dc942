/** The bad network itself: whatever begins a connection passes, and who can be told is told. */
import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { crc32, nodeId } from "../../src/base/index.ts";
import { encodeJoin } from "../../src/transport/codec/admission-codec.ts";
import { FrameWriter } from "../../src/transport/codec/frame-writer.ts";
import { freePorts } from "../support/free-ports.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

const open: { server: Server; proxy: TcpProxy; sockets: Socket[] }[] = [];

afterEach(async () => {
  for (const { server, proxy, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await proxy.close();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A proxy in front of a server that says everything back, and a connection through it. */
async function echoed(): Promise<{ proxy: TcpProxy; socket: Socket }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const target = server.address();
  if (target === null || typeof target === "string") throw new Error("no port");
  const [port = 0] = await freePorts(1);
  const proxy = new TcpProxy(port, target.port);
  await proxy.listen();
  const socket = createConnection(port, "127.0.0.1");
  sockets.push(socket);
  open.push({ server, proxy, sockets });
  await once(socket, "connect");
  return { proxy, socket };
}

async function answerTo(socket: Socket, bytes: Uint8Array): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  socket.write(bytes);
  let count = 0;
  while (count < bytes.length) {
    const [chunk] = (await once(socket, "data")) as [Buffer]; // what a socket's data is
    chunks.push(chunk);
    count += chunk.length;
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function question(id: string): Uint8Array {
  const writer = new FrameWriter(crc32, 64 * 1024);
  encodeJoin(writer, { id: nodeId(id), address: "127.0.0.1:1" });
  return new Uint8Array(Buffer.concat(writer.take()));
}

describe("the proxy between members", () => {
  it("passes the question of a member that is to join, as that member's", async () => {
    const { proxy, socket } = await echoed();
    const bytes = question("d");
    expect(await answerTo(socket, bytes)).toEqual(bytes);
    expect(proxy.answeredBytes("d")).toBe(bytes.length);
  });

  it("cuts the question of a member whose link is cut", async () => {
    const { proxy, socket } = await echoed();
    proxy.setFaults("d", { isCut: true });
    socket.on("error", () => undefined);
    socket.write(question("d"));
    await once(socket, "close");
    expect(proxy.answeredBytes("d")).toBe(0);
  });

  it("passes what is no frame at all, as nobody's", async () => {
    const { proxy, socket } = await echoed();
    const bytes = new TextEncoder().encode("GET / HTTP/1.1\r\nhost: here\r\n\r\n");
    expect(await answerTo(socket, bytes)).toEqual(bytes);
    expect(await answerTo(socket, bytes)).toEqual(bytes);
    expect(proxy.answeredBytes("")).toBe(2 * bytes.length);
  });
});
