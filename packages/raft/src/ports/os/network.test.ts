import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Connection, ConnectionHandlers, Listener, NetworkError } from "../index.ts";
import { osNetwork } from "./network.ts";

const listeners: Listener[] = [];
const connections: Connection[] = [];

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  for (const listener of listeners.splice(0))
    await new Promise<void>((done) => listener.close(done));
});

function listen(
  address: string,
  handlersOf: (connection: Connection) => ConnectionHandlers = () => ({
    onData() {},
    onClose() {},
  }),
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const onConnection = (connection: Connection) => {
      connections.push(connection);
      return handlersOf(connection);
    };
    osNetwork.listen(address, onConnection, (error, listener) => {
      if (listener === undefined) return reject(error);
      listeners.push(listener);
      resolve(listener);
    });
  });
}

function connect(address: string, handlers: Partial<ConnectionHandlers>): Connection {
  const connection = osNetwork.connect(address, { onData() {}, onClose() {}, ...handlers });
  connections.push(connection);
  return connection;
}

function closeOf(address: string): Promise<NetworkError | null> {
  return new Promise((resolve) => connect(address, { onClose: resolve }));
}

describe("osNetwork", () => {
  it("carries bytes both ways in order and ends orderly at the other end", async () => {
    const listener = await listen("127.0.0.1:0", (connection) => ({
      onData: (bytes) => connection.send([bytes]),
      onClose() {},
    }));
    expect(listener.address).toMatch(/^127\.0\.0\.1:[1-9][0-9]*$/);
    const sent = Array.from({ length: 100 }, (_, i) => new Uint8Array(10_000).fill(i));
    const received: number[] = [];
    await new Promise<void>((resolve) => {
      const connection = connect(listener.address, {
        onOpen: () => connection.send(sent),
        onData(bytes) {
          expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
          for (let i = 0; i < bytes.length; i++) received.push(bytes[i] ?? 0);
          if (received.length === 1_000_000) connection.close();
        },
        onClose(error) {
          expect(error).toBeNull();
          resolve();
        },
      });
    });
    expect(received.every((byte, i) => byte === Math.floor(i / 10_000))).toBe(true);
  });

  it("never calls back from inside a call, and closes once", async () => {
    const listener = await listen("127.0.0.1:0");
    const calls: string[] = [];
    await new Promise<void>((resolve) => {
      const connection = connect(listener.address, {
        onOpen: () => {
          calls.push("open");
          connection.close();
          connection.close();
          connection.send([Uint8Array.of(1)]);
          calls.push("closing");
        },
        onClose: () => {
          calls.push("closed");
          setImmediate(resolve);
        },
      });
      calls.push("connecting");
    });
    expect(calls).toEqual(["connecting", "open", "closing", "closed"]);
  });

  it("tells when what was queued is gone", async () => {
    let server: Connection | undefined;
    const listener = await listen("127.0.0.1:0", (connection) => {
      server = connection;
      return { onData() {}, onClose() {} };
    });
    await new Promise<void>((resolve) => {
      const connection = connect(listener.address, {
        onOpen: () => {
          connection.send([new Uint8Array(20_000_000), new Uint8Array(20_000_000)]);
          expect(connection.queuedBytes).toBeGreaterThan(0);
        },
        onDrain: () => {
          expect(connection.queuedBytes).toBe(0);
          resolve();
        },
      });
    });
    expect(server?.remote).toMatch(/^127\.0\.0\.1:[0-9]+$/);
  });

  it("names the address and says what to do when it cannot listen", async () => {
    const listener = await listen("127.0.0.1:0");
    await expect(listen(listener.address)).rejects.toMatchObject({
      code: "EADDRINUSE",
      message:
        `Cannot listen on ${listener.address}: the address is in use; ` +
        "stop the other program or choose another port (EADDRINUSE)",
    });
    await expect(listen("nonsense")).rejects.toMatchObject({
      code: "EINVAL",
      message: expect.stringContaining('Cannot use the address "nonsense"'),
    });
  });

  it("frees the port at once when it stops listening, though connections stay", async () => {
    const listener = await listen("127.0.0.1:0");
    const isClosed = { value: false };
    const connection = connect(listener.address, {
      onClose: () => {
        isClosed.value = true;
      },
    });
    await new Promise<void>((resolve) => {
      const opened = connect(listener.address, { onOpen: () => resolve() });
      expect(opened.queuedBytes).toBe(0);
    });
    await new Promise<void>((done) => listener.close(done));
    listeners.length = 0;
    const again = await listen(listener.address);
    expect(again.address).toBe(listener.address);
    expect(isClosed.value).toBe(false);
    connection.close();
  });

  it("says why a dial failed", async () => {
    const probe = createServer();
    await new Promise<void>((done) => probe.listen(0, "127.0.0.1", done));
    const bound = probe.address();
    const port = bound !== null && typeof bound === "object" ? bound.port : 0;
    await new Promise((done) => probe.close(done));
    expect(await closeOf(`127.0.0.1:${port}`)).toMatchObject({
      code: "ECONNREFUSED",
      message: `Cannot connect to 127.0.0.1:${port}: nobody listens there (ECONNREFUSED)`,
    });
    expect(await closeOf("http://127.0.0.1:1")).toMatchObject({ code: "EINVAL" });
  });
});
