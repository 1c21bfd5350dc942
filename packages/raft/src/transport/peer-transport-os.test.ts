/** The transport over real sockets on the loopback. */
import { connect as connectSocket } from "node:net";
import { crc32 as nativeCrc32 } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { logIndex, type NodeId, nodeId, term } from "../base/index.ts";
import type { Clock } from "../ports/index.ts";
import { osNetwork } from "../ports/os/network.ts";
import { createSeededRandom } from "../testing/seeded-random.ts";
import type { PeerMessage } from "./peer-message.ts";
import { createTransport } from "./peer-transport.ts";
import type { PeerEvent, Transport } from "./transport.ts";

const clock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  defer: (callback) => void setImmediate(callback),
};

interface Member {
  readonly transport: Transport;
  readonly log: string[];
  onMessage: (message: PeerMessage) => void;
  onPeer: (event: PeerEvent) => void;
}

const members: Member[] = [];

afterEach(async () => {
  for (const { transport } of members.splice(0)) {
    await new Promise<void>((done) => transport.close(done));
  }
  const handles = process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP"));
  expect(handles).toEqual([]);
});

function start(name: string, listenAddress = "127.0.0.1:0"): Promise<Member> {
  return new Promise((resolve, reject) => {
    const log: string[] = [];
    let member: Member | null = null;
    createTransport(
      {
        ...{ network: osNetwork, clock, random: createSeededRandom(1), crc32: nativeCrc32 },
        ...{ listenAddress, log: (line) => log.push(line.message) },
        identity: {
          clusterId: "00000000000000c1",
          id: nodeId(name),
          incarnation: "0000000000000001",
          boot: "0000000000000001",
        },
        handlers: {
          onMessage: (message) => member?.onMessage(message),
          onPeer: (event) => member?.onPeer(event),
        },
      },
      (error, transport) => {
        if (transport === undefined) return reject(error);
        member = { transport, log, onMessage() {}, onPeer() {} };
        members.push(member);
        resolve(member);
      },
    );
  });
}

async function startPair(): Promise<readonly [Member, Member]> {
  const a = await start("a");
  const b = await start("b");
  const connected = Promise.all([a, b].map(nextConnected));
  a.transport.setPeers(new Map<NodeId, string>([[nodeId("b"), b.transport.address]]));
  b.transport.setPeers(new Map<NodeId, string>([[nodeId("a"), a.transport.address]]));
  await connected;
  return [a, b];
}

function nextConnected(member: Member): Promise<void> {
  return new Promise((resolve) => {
    member.onPeer = (event) => {
      if (event.kind === "connected") resolve();
    };
  });
}

function append(index: number, dataBytes: number): PeerMessage {
  const data = new Uint8Array(dataBytes).fill(index & 0xff);
  const entry = { index: logIndex(index), term: term(1), kind: "command" as const, data };
  const [from, to, prev] = [
    nodeId("a"),
    nodeId("b"),
    { index: logIndex(index - 1), term: term(1) },
  ];
  const rest = { entries: [entry], commit: logIndex(0), round: 1, sequence: index };
  return { kind: "append-entries", from, to, term: term(1), prev, ...rest };
}

describe("two members over TCP", () => {
  it("get a burst whole that is larger than what the system takes at once", async () => {
    const [a, b] = await startPair();
    const count = 24;
    const bytes = 1024 * 1024;
    const wrong: number[] = [];
    const lost = new Promise<never>((_, reject) => {
      a.onPeer = (event) => reject(new Error(`the connection broke: ${JSON.stringify(event)}`));
    });
    const received = new Promise<void>((resolve) => {
      b.onMessage = (message) => {
        if (message.kind !== "append-entries") return;
        const data = message.entries[0]?.data;
        const isRight =
          data?.length === bytes && data.every((byte) => byte === (message.sequence & 0xff));
        if (!isRight) wrong.push(message.sequence);
        if (message.sequence === count) resolve();
      };
    });
    // One turn, so that nobody reads meanwhile: most of it waits in our own memory.
    for (let next = 1; next <= count; next++) {
      expect(a.transport.send(append(next, bytes))).toBe(true);
      a.transport.flush();
    }
    await Promise.race([received, lost]);
    expect(wrong).toEqual([]);
  });

  it("exchange 100,000 messages in order", async () => {
    const [a, b] = await startPair();
    const count = 100_000;
    const batch = 500;
    let next = 1;
    let received = 0;
    const sendBatch = (): void => {
      for (let i = 0; i < batch && next <= count; i++, next++) {
        if (!a.transport.send(append(next, next % 300))) throw new Error(`${next} was dropped`);
      }
      a.transport.flush();
    };
    await new Promise<void>((resolve) => {
      b.onMessage = (message) => {
        if (message.kind !== "append-entries") throw new Error("an append was expected");
        received += 1;
        const data = message.entries[0]?.data;
        const isRight =
          message.sequence === received &&
          data?.length === received % 300 &&
          (data.length === 0 || data.at(-1) === (received & 0xff));
        if (!isRight) throw new Error(`message ${received} is ${message.sequence}`);
        if (received % batch !== 0) return;
        const index = logIndex(received);
        const outcome = { kind: "accepted", matched: index, verified: index } as const;
        const ends = { from: nodeId("b"), to: nodeId("a"), term: term(1) };
        const response = { ...ends, round: 1, sequence: received, outcome };
        b.transport.send({ kind: "append-entries-response", ...response });
        b.transport.flush();
      };
      a.onMessage = () => (received === count ? resolve() : sendBatch());
      sendBatch();
      sendBatch();
    });
    expect(received).toBe(count);
  });

  it("carry messages of several MiB", async () => {
    const [a, b] = await startPair();
    const sizes = [5_000_000, 1, 16 * 1024 * 1024 - 100, 2_000_000];
    const received: number[] = [];
    await new Promise<void>((resolve) => {
      b.onMessage = (message) => {
        if (message.kind !== "append-entries") throw new Error("an append was expected");
        received.push(message.entries[0]?.data.length ?? 0);
        if (received.length === sizes.length) resolve();
      };
      for (const [i, size] of sizes.entries()) {
        expect(a.transport.send(append(i + 1, size))).toBe(true);
      }
      a.transport.flush();
    });
    expect(received).toEqual(sizes);
  });

  it("find each other again when one of them was stopped and started", async () => {
    const [a, b] = await startPair();
    const { address } = b.transport;
    const lost = new Promise<PeerEvent>((resolve) => {
      a.onPeer = resolve;
    });
    members.splice(members.indexOf(b), 1);
    await new Promise<void>((done) => b.transport.close(done));
    expect((await lost).kind).toBe("disconnected");
    const again = await start("b", address);
    const connected = nextConnected(a);
    again.transport.setPeers(new Map([[nodeId("a"), a.transport.address]]));
    await connected;
  });
});

describe("the real port", () => {
  it("answers HTTP with what it is, and members do not notice", async () => {
    const [a, b] = await startPair();
    const [host = "", port = ""] = b.transport.address.split(":");
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connectSocket(Number(port), host, () => {
        socket.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
      });
      socket.on("data", (chunk) => {
        text += chunk.toString();
      });
      socket.on("close", () => resolve(text));
    });
    expect(answer).toContain("HTTP/1.1 400 Bad Request");
    expect(answer).toContain("This is the peer port of quorate");
    const arrived = new Promise<PeerMessage>((resolve) => {
      b.onMessage = resolve;
    });
    a.transport.send(append(1, 10));
    a.transport.flush();
    expect(await arrived).toEqual(append(1, 10));
  });

  it("drops garbage", async () => {
    const [, b] = await startPair();
    const [host = "", port = ""] = b.transport.address.split(":");
    await new Promise<void>((resolve) => {
      const socket = connectSocket(Number(port), host, () =>
        socket.write(Buffer.alloc(100_000, 7)),
      );
      // Closed with bytes unread, the system resets the connection: an error here is as good as an
      // end.
      socket.on("error", () => {});
      socket.on("close", () => resolve());
    });
    expect(b.log.join("\n")).toContain("it sent what is no handshake: a frame header");
  });

  it("in use gives an error that names the address", async () => {
    const a = await start("a");
    const { address } = a.transport;
    await expect(start("b", address)).rejects.toThrow(
      `Cannot listen on ${address}: the address is in`,
    );
  });
});
