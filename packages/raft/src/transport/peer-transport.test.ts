import { describe, expect, it } from "vitest";
import {
  answerIn,
  createWorld,
  forward,
  frames,
  greetingFrom,
  helloFrom,
  identityOf,
  kindsOf,
  peersOf,
  vote,
} from "../../test/transport/transport-world.ts";
import { crc32, nodeId } from "../base/index.ts";
import type { Connection } from "../ports/index.ts";
import { createSeededRandom } from "../testing/seeded-random.ts";
import { FrameParser } from "./codec/frame-parser.ts";
import { decodeHello, encodeRefusal, encodeWelcome } from "./codec/handshake-codec.ts";
import { encodeMessage } from "./codec/message-codec.ts";
import type { TransportLimits } from "./limits.ts";
import type { PeerMessage } from "./peer-message.ts";
import { createTransport } from "./peer-transport.ts";
import type { PeerIdentity, Transport } from "./transport.ts";

describe("two members", () => {
  it("connect, exchange messages in order, and leave nothing behind", () => {
    const { clock, start, network } = createWorld();
    const a = start("a", { peers: ["b"] });
    const b = start("b", { peers: ["a"] });
    clock.advance(100);
    expect(a.events).toEqual([
      {
        kind: "connected",
        peer: "b",
        boot: "0000000000000001",
        incarnation: "0000000000000062",
      },
    ]);
    const sent = [vote("a", "b", 1), forward("a", "b", 100_000), vote("a", "b", 2)];
    for (const message of sent) expect(a.transport.send(message)).toBe(true);
    clock.advance(10);
    expect(b.messages).toEqual([]);
    a.transport.flush();
    b.transport.send(vote("b", "a", 3));
    b.transport.flush();
    clock.advance(10);
    expect(b.messages).toEqual(sent);
    expect(a.messages).toEqual([vote("b", "a", 3)]);
    let closedCount = 0;
    for (const { transport } of [a, b]) {
      transport.close(() => {
        closedCount += 1;
      });
    }
    clock.advance(100);
    expect([closedCount, network.connectionCount(), clock.pendingCount()]).toEqual([2, 0, 0]);
  });

  it("understand each other whatever pieces the bytes come in", () => {
    const pieces = { bytesMax: 7, random: createSeededRandom(3) };
    const { clock, start } = createWorld({ pieces });
    const a = start("a", { peers: ["b"] });
    const b = start("b", { peers: ["a"] });
    clock.advance(100);
    const sent = Array.from({ length: 50 }, (_, i) =>
      i % 2 ? vote("a", "b", i) : forward("a", "b", i),
    );
    for (const message of sent) a.transport.send(message);
    a.transport.flush();
    clock.advance(10);
    expect(b.messages).toEqual(sent);
  });

  it("drop messages while there is no connection, or to a stranger", () => {
    const { start } = createWorld();
    const a = start("a", { peers: ["b"] });
    expect(a.transport.send(vote("a", "b", 1))).toBe(false);
    expect(a.transport.send(vote("a", "z", 1))).toBe(false);
    expect(() => a.transport.send(vote("b", "a", 1))).toThrow("in its own name");
  });

  it("connect again quickly after a kill, and tell the new boot", () => {
    const { clock, start, network } = createWorld();
    const a = start("a", { peers: ["b"] });
    start("b", { peers: ["a"] });
    clock.advance(2000);
    network.kill("b");
    clock.advance(5000);
    expect(kindsOf(a)).toEqual(["connected", "disconnected"]);
    const boot = "0000000000000002";
    const b = start("b", { peers: ["a"], identity: { boot } });
    // The new b dials a, which takes that as the sign to dial back at once.
    clock.advance(10);
    expect(a.events.at(-1)).toEqual({
      kind: "connected",
      peer: "b",
      boot,
      incarnation: "0000000000000062",
    });
    a.transport.send(vote("a", "b", 1));
    a.transport.flush();
    clock.advance(10);
    expect(b.messages).toHaveLength(1);
  });

  it("A13: refuse each other in both directions when one comes back as another incarnation", () => {
    const { clock, start, network } = createWorld();
    const a = start("a", { peers: ["b"] });
    start("b", { peers: ["a"] });
    clock.advance(100);
    network.kill("b");
    clock.advance(100);
    const b = start("b", { peers: ["a"], identity: { incarnation: "00000000000000ff" } });
    clock.advance(10_000);
    const text =
      "member b was incarnation 0000000000000062 and comes back as 00000000000000ff: its data " +
      "directory was removed or replaced, or it was in memory, so it may have forgotten votes " +
      "and entries. Start it with its old directory, or replace it by a new member with a new " +
      "name: quorate member replace b NEW --address HOST:PORT";
    const reasons = a.events.map((event) => ("reason" in event ? event.reason : event.kind));
    expect(reasons).toContain(`refused b:0: ${text}`);
    expect(reasons).toContain(text);
    expect(reasons.filter((reason) => reason === "connected")).toHaveLength(1);
    expect(b.events.at(-1)).toEqual({
      kind: "refused",
      peer: "a",
      reason: `a.localhost:2380 refused us: ${text} (code 6)`,
      verdict: "other-incarnation",
    });
    expect(kindsOf(b)).not.toContain("connected");
    expect(a.transport.send(vote("a", "b", 1))).toBe(false);
    // The old directory is back.
    network.kill("b");
    start("b", { peers: ["a"] });
    clock.advance(6000);
    expect(a.events.at(-1)).toMatchObject({ kind: "connected", peer: "b" });
  });

  it("remember a dialer, too, and forget who is no longer a peer", () => {
    const { clock, start, dial } = createWorld();
    const a = start("a", { peers: ["b"] });
    const first = dial("a.localhost:2380");
    first.connection.send(greetingFrom("b", "a"));
    clock.advance(10);
    expect(answerIn(first.received)).toMatchObject({ kind: "welcome" });
    const other = { incarnation: "00000000000000ff" };
    const second = dial("a.localhost:2380");
    second.connection.send(helloFrom("b", "a", other));
    clock.advance(10);
    expect(answerIn(second.received)).toMatchObject({ kind: "refusal", code: 6 });
    a.transport.setPeers(peersOf([]));
    a.transport.setPeers(peersOf(["b"]));
    const third = dial("a.localhost:2380");
    third.connection.send(helloFrom("b", "a", other));
    clock.advance(10);
    expect(answerIn(third.received)).toMatchObject({ kind: "welcome" });
  });

  it("dial with growing pauses while nobody answers", () => {
    const { clock, start, network } = createWorld();
    const dials: number[] = [];
    const a = start("a");
    network.endpoint("b").listen(
      "b.localhost:2380",
      (connection) => {
        dials.push(clock.nowMs());
        connection.close();
        return { onData() {}, onClose() {} };
      },
      () => {},
    );
    a.transport.setPeers(peersOf(["b"]));
    clock.advance(20_000);
    const pauses = dials.slice(1).map((at, i) => at - (dials[i] ?? 0));
    expect(pauses[0]).toBeLessThan(30);
    expect(Math.max(...pauses)).toBeLessThan(1010);
    expect(pauses.at(-1)).toBeGreaterThan(490);
    expect(dials.length).toBeLessThan(50);
    expect(a.log.filter((line) => line.includes("cannot reach"))).toHaveLength(1);
  });

  it("notice a silent partition, and find each other soon after it is healed", () => {
    const { clock, start, network } = createWorld();
    const a = start("a", { peers: ["b"] });
    const b = start("b", { peers: ["a"] });
    clock.advance(2000);
    network.cut("a", "b");
    clock.advance(6000);
    expect(kindsOf(a)).toEqual(["connected", "disconnected"]);
    expect(a.events.at(-1)).toMatchObject({ reason: "silent for 4000 ms" });
    clock.advance(60_000);
    expect(kindsOf(b)).toEqual(["connected", "disconnected"]);
    network.heal("a", "b");
    clock.advance(3100);
    expect([kindsOf(a).at(-1), kindsOf(b).at(-1)]).toEqual(["connected", "connected"]);
    clock.advance(60_000);
    expect([a.events.length, b.events.length]).toEqual([3, 3]);
    expect(network.connectionCount()).toBe(4);
  });

  it("tell once why a member cannot be dialled, however often it is tried", () => {
    const { clock, start } = createWorld();
    const a = start("a", { peers: ["b"] });
    clock.advance(60_000);
    expect(a.failures).toHaveLength(1);
    expect(a.failures[0]).toMatch(/^b: .*ECONNREFUSED/);
    start("b", { peers: ["a"] });
    clock.advance(5_000);
    expect(kindsOf(a)).toEqual(["connected"]);
    expect(a.failures).toHaveLength(1);
  });

  it("notice a partition in one direction", () => {
    const { clock, start, network } = createWorld();
    const a = start("a", { peers: ["b"] });
    const b = start("b", { peers: ["a"] });
    clock.advance(2000);
    network.cut("a", "b", { oneWay: true });
    clock.advance(10_000);
    expect([kindsOf(a).at(-1), kindsOf(b).at(-1)]).toEqual(["disconnected", "disconnected"]);
  });

  it("stay connected while idle", () => {
    const { clock, start } = createWorld({ latencyMs: 300 });
    const a = start("a", { peers: ["b"] });
    const b = start("b", { peers: ["a"] });
    clock.advance(600_000);
    expect([kindsOf(a), kindsOf(b)]).toEqual([["connected"], ["connected"]]);
    expect(a.messages).toEqual([]);
  });
});

describe("the queue of a peer", () => {
  it("drops what is over its limit, says so, and recovers", () => {
    const { clock, start, network } = createWorld({ windowBytes: 1000 });
    const limits = { queueBytesMax: 100_000, frameBytesMax: 50_000, forwardQueueBytesMax: 60_000 };
    const a = start("a", { peers: ["b"], limits });
    const b = start("b", { peers: ["a"] });
    clock.advance(100);
    network.cut("a", "b");
    expect(a.transport.send(forward("a", "b", 50_001))).toBe(false);
    expect(a.log.at(-1)).toContain("error cannot send a forward to member b: 50033 bytes");
    expect(a.transport.send(forward("a", "b", 40_000))).toBe(true);
    a.transport.flush();
    expect(a.transport.send(forward("a", "b", 40_000))).toBe(false);
    let queued = 0;
    while (a.transport.send(vote("a", "b", queued))) {
      queued += 1;
      if (queued % 100 === 0) a.transport.flush();
    }
    expect(queued * 41).toBeGreaterThan(59_000);
    expect(queued * 41).toBeLessThan(62_000);
    clock.advance(1000);
    expect(a.log.filter((line) => line.includes("dropped")).at(-1)).toContain("dropped 3 messages");
    network.heal("a", "b");
    a.transport.flush();
    clock.advance(10);
    expect(b.messages).toHaveLength(queued + 1);
    expect(a.transport.send(vote("a", "b", 0))).toBe(true);
  });
});

describe("the peers", () => {
  it("are connected and disconnected as they come and go, and redialled at another address", () => {
    const { clock, start } = createWorld();
    const a = start("a", { peers: ["b", "c"] });
    start("b", { peers: ["a"] });
    const c = start("c", { peers: ["a"] });
    clock.advance(100);
    a.transport.setPeers(peersOf(["b"]));
    clock.advance(100);
    expect(a.events.slice(2)).toEqual([
      { kind: "disconnected", peer: "c", reason: "it is no longer a peer" },
      expect.objectContaining({ kind: "connected", peer: "c" }), // as a guest
    ]);
    expect(a.log.join("\n")).toContain("member c at c.localhost:2380 is not known as a member");
    a.transport.setPeers(new Map([[nodeId("b"), "elsewhere.localhost:1"]]));
    clock.advance(100);
    expect(a.events.at(-1)).toMatchObject({ reason: "its address changed" });
    a.transport.setPeers(peersOf(["b", "c"]));
    clock.advance(6000);
    for (const peer of ["b", "c"]) {
      const last = a.events.filter((event) => event.peer === peer).at(-1);
      expect(last?.kind).toBe("connected");
    }
    expect(c.events.at(-1)?.kind).toBe("connected");
  });

  it("have one accepted connection each: a new one replaces the old", () => {
    const { clock, start, dial } = createWorld();
    const b = start("b", { peers: ["x"] });
    const first = dial("b.localhost:2380");
    first.connection.send(greetingFrom("x", "b"));
    clock.advance(20);
    const second = dial("b.localhost:2380");
    second.connection.send(greetingFrom("x", "b", { boot: "0000000000000002" }));
    clock.advance(20);
    expect([first.closed(), second.closed()]).toEqual(["orderly", null]);
    expect(b.log.join("\n")).toContain("of boot 0000000000000002, before 0000000000000001");
  });
});

describe("the acceptor refuses", () => {
  const refuse = (hello: readonly Uint8Array[]) => {
    const { clock, start, dial } = createWorld();
    const b = start("b", { peers: ["a"] });
    const { connection, received, closed } = dial("b.localhost:2380");
    connection.send(hello);
    clock.advance(50);
    const answer = answerIn(received);
    if (answer?.kind !== "refusal") throw new Error("a refusal was expected");
    expect(closed()).toBeNull();
    clock.advance(3000);
    expect(closed()).toBe("orderly");
    expect(b.messages).toEqual([]);
    return { answer, event: b.events.find((event) => event.kind === "refused") };
  };

  it("another cluster", () => {
    const { answer, event } = refuse(helloFrom("a", "b", { clusterId: "00000000000000c2" }));
    expect(answer.code).toBe(2);
    expect(answer.text).toBe(
      "member a is of cluster 00000000000000c2, member b of cluster 00000000000000c1: " +
        "check the addresses, the cluster token and the data directories of both",
    );
    expect(event).toMatchObject({ peer: "a", reason: expect.stringContaining(answer.text) });
  });

  it("a dialer that looks for another member", () => {
    const { answer } = refuse(helloFrom("a", "c"));
    expect(answer.code).toBe(3);
    expect(answer.text).toContain("member a looked for member c at this address");
    expect(answer.text).toContain("this is member b: correct the address of c");
  });

  it("whom it does not know, when it keeps no more places for those who may be added", () => {
    const { clock, start, dial } = createWorld();
    const b = start("b", { peers: ["a"], limits: { guestsMax: 1 } });
    const guest = dial("b.localhost:2380");
    guest.connection.send(greetingFrom("y", "b"));
    clock.advance(50);
    expect(answerIn(guest.received)?.kind).toBe("welcome");
    const { connection, received } = dial("b.localhost:2380");
    connection.send(helloFrom("z", "b"));
    clock.advance(50);
    const answer = answerIn(received);
    if (answer?.kind !== "refusal") throw new Error("a refusal was expected");
    expect(answer.code).toBe(4);
    expect(answer.text).toContain("member z is not a member of the cluster as b knows it (a)");
    expect(b.events.find(({ kind }) => kind === "refused")).toMatchObject({ peer: null });
  });

  it("a member of its own name", () => {
    const { answer } = refuse(helloFrom("b", "b"));
    expect(answer.code).toBe(5);
    expect(answer.text).toContain("both ends are called b");
  });

  it("B6: a version that it does not know, whatever follows it", () => {
    const magic = [...new TextEncoder().encode("QUORATEP")];
    const payload = Uint8Array.from([...magic, 3, 0, 9, 0, 255, 255, 255]);
    const hello = frames((writer) => {
      writer.begin(payload.length);
      writer.raw(payload);
      writer.end(1);
    });
    const { answer } = refuse(hello);
    expect(answer.code).toBe(1);
    expect(answer.text).toContain(
      "speaks versions 3 to 9 of the peer protocol, this member versions 1 to 2",
    );
  });
});

describe("the dialer refuses", () => {
  const answerWith = (answer: readonly Uint8Array[]) => {
    const { clock, start, network } = createWorld();
    const times: number[] = [];
    const hellos: unknown[] = [];
    network.endpoint("b").listen(
      "b.localhost:2380",
      (connection) => ({
        onData(bytes) {
          times.push(clock.nowMs());
          const parser = new FrameParser(crc32, 4096);
          parser.push(bytes);
          const frame = parser.next();
          if (frame !== null) hellos.push(decodeHello(frame).hello);
          connection.send(answer);
        },
        onClose() {},
      }),
      () => {},
    );
    const a = start("a", { peers: ["b"] });
    clock.advance(30_000);
    expect(hellos[0]).toEqual({
      versions: { oldest: 1, newest: 2 },
      identity: identityOf("a"),
      to: "b",
    });
    // Refusals are for people: the next try comes later than after a broken connection.
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(2400);
    return { a, event: a.events[0] };
  };
  const welcomeOf = (identity: PeerIdentity, version = 1) =>
    frames((writer) => encodeWelcome(writer, { version, identity }));

  it.each([
    [
      "another cluster",
      welcomeOf(identityOf("b", { clusterId: "00000000000000c2" })),
      "member b is of cluster 00000000000000c2, member a of cluster 00000000000000c1",
    ],
    ["another member", welcomeOf(identityOf("c")), "member c answers at the address of member b"],
    ["another version", welcomeOf(identityOf("b"), 3), "speaks version 3 of the peer protocol"],
    ["something else", frames((w) => encodeMessage(w, vote("b", "a", 1))), "an answer of kind 16"],
    ["garbage", [new Uint8Array(100)], "b.localhost:2380 sent a frame header ending at byte 16"],
    [
      "a refusal for a reason it does not know",
      frames((writer) => encodeRefusal(writer, { code: 77, text: "it is \u001b[31mMonday" })),
      "b.localhost:2380 refused us: it is ?[31mMonday (code 77)",
    ],
  ])("%s", (_what, answer, reason) => {
    const { event } = answerWith(answer);
    expect(event).toEqual({ kind: "refused", peer: "b", reason: expect.stringContaining(reason) });
  });

  it("messages on a connection that is for its own alone", () => {
    const both = frames((writer) => {
      encodeWelcome(writer, { version: 1, identity: identityOf("b") });
      encodeMessage(writer, vote("b", "a", 1));
    });
    const { clock, start, network } = createWorld();
    network.endpoint("b").listen(
      "b.localhost:2380",
      (connection) => ({ onData: () => connection.send(both), onClose() {} }),
      () => {},
    );
    const a = start("a", { peers: ["b"] });
    clock.advance(10);
    expect(kindsOf(a)).toEqual(["connected", "disconnected"]);
    expect(a.events[1]).toMatchObject({ reason: expect.stringContaining("only alive frames") });
    expect(a.messages).toEqual([]);
  });
});

describe("starting", () => {
  const attempt = (listenAddress: string, limits: Partial<TransportLimits> = {}) => {
    const { clock, network, start } = createWorld();
    start("b");
    let failure: unknown;
    createTransport(
      {
        network: network.endpoint("a"),
        clock,
        random: createSeededRandom(1),
        crc32,
        identity: identityOf("a"),
        listenAddress,
        handlers: { onMessage() {}, onPeer() {} },
        limits,
      },
      (error) => {
        failure = error;
      },
    );
    expect(failure).toBeUndefined();
    clock.advance(0);
    return failure;
  };

  it("fails with an error that names the address or the limit", () => {
    expect(attempt("b.localhost:2380")).toMatchObject({ code: "EADDRINUSE" });
    expect(attempt("2380")).toMatchObject({
      code: "BAD_CONFIG",
      message: expect.stringContaining('Cannot use the address "2380"'),
      details: { option: "listenAddress", value: "2380" },
    });
    expect(attempt("a:1", { queueBytesMax: 1 })).toMatchObject({
      code: "BAD_CONFIG",
      message: "Cannot use limits.queueBytesMax 1: it must be at least frameBytesMax",
    });
    expect(attempt("a:1", { aliveIntervalMs: 0.5 })).toMatchObject({ code: "BAD_CONFIG" });
  });

  it("warns that the port is not authenticated where others reach it", () => {
    const { start } = createWorld();
    expect(start("a", { address: "0.0.0.0:2380" }).log[0]).toContain(
      "warn the peer port 0.0.0.0:2380 is not authenticated",
    );
    expect(start("b", { address: "127.0.0.1:2380" }).log).toEqual([]);
  });
});

describe("a handler that closes the transport", () => {
  it("hears no more of the bytes that came together", () => {
    const { clock, network, dial } = createWorld();
    const messages: PeerMessage[] = [];
    let isClosed = false;
    let transport: Transport | undefined;
    createTransport(
      {
        network: network.endpoint("b"),
        clock,
        random: createSeededRandom(1),
        crc32,
        identity: identityOf("b"),
        listenAddress: "b.localhost:2380",
        handlers: {
          onMessage(message) {
            messages.push(message);
            transport?.close(() => {
              isClosed = true;
            });
          },
          onPeer() {},
        },
      },
      (_error, made) => {
        transport = made;
        made?.setPeers(peersOf(["x"]));
      },
    );
    clock.advance(0);
    const { connection }: { connection: Connection } = dial("b.localhost:2380");
    connection.send(greetingFrom("x", "b"));
    connection.send(
      frames((writer) => {
        for (let i = 0; i < 5; i++) encodeMessage(writer, vote("x", "b", i));
      }),
    );
    clock.advance(100);
    expect(messages).toEqual([vote("x", "b", 0)]);
    expect(isClosed).toBe(true);
    expect(network.connectionCount()).toBe(0);
  });
});
