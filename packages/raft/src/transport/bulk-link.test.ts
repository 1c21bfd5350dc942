import { describe, expect, it } from "vitest";
import {
  answerIn,
  createWorld,
  frames,
  greetingFrom,
  helloFrom,
  identityOf,
  kindsOf,
  type Member,
  peersOf,
  type StartOptions,
  vote,
} from "../../test/transport/transport-world.ts";
import { concatBytes, crc32, logIndex, nodeId, term } from "../base/index.ts";
import type { BulkDial, BulkHandlers, BulkLink } from "./bulk-link.ts";
import type { BulkMessage } from "./bulk-message.ts";
import { encodeBulk } from "./codec/bulk-codec.ts";
import { bulkHelloKind } from "./codec/frame.ts";
import { writeFrameHeader } from "./codec/frame-writer.ts";
import { encodeWelcome } from "./codec/handshake-codec.ts";
import { encodeMessage } from "./codec/message-codec.ts";

const snapshot = {
  position: { index: logIndex(9), term: term(2) },
  bytes: 100_000,
  hash: "0123456789abcdef",
};
const opening: BulkMessage = { kind: "snapshot-open", snapshot };

/** One end of a link, and what it heard. */
interface End extends BulkHandlers {
  link: BulkLink | null;
  readonly heard: BulkMessage[];
  readonly closes: string[];
  drains: number;
}

function makeEnd(): End {
  const end: End = {
    link: null,
    heard: [],
    closes: [],
    drains: 0,
    onMessage: (message) => end.heard.push(message),
    onDrain: () => {
      end.drains += 1;
    },
    onClose: (reason) => end.closes.push(reason),
  };
  return end;
}

function dialFrom(member: Member, peer: string): End & { dial: BulkDial | null } {
  const end = makeEnd();
  const onOpen = (link: BulkLink) => {
    end.link = link;
  };
  // The handlers write into `end`, so it must be the very object.
  const dial = member.transport.dialBulk(nodeId(peer), { ...end, onOpen });
  return Object.assign(end, { dial });
}

/** Members a and b, connected; `ends` are the links that b accepted. */
function startPair(bOptions: StartOptions = {}) {
  const world = createWorld();
  const ends: End[] = [];
  const onBulk = (link: BulkLink) => {
    const end = makeEnd();
    end.link = link;
    ends.push(end);
    return end;
  };
  const a = world.start("a", { peers: ["b"] });
  const b = world.start("b", { peers: ["a", "x"], onBulk, ...bOptions });
  world.clock.advance(100);
  return { ...world, a, b, ends };
}

describe("a connection for bulk", () => {
  it("carries messages both ways beside those of the members, and ends alone", () => {
    const { clock, a, b, ends, network } = startPair();
    const before = network.connectionCount();
    const dialled = dialFrom(a, "b");
    expect(dialled.link).toBe(null);
    clock.advance(10);
    const [accepted] = ends;
    expect(accepted?.link?.peer).toMatchObject({ id: "a", boot: "0000000000000001" });
    expect(dialled.link?.peer.id).toBe("b");
    dialled.link?.send(opening);
    const drainsBefore = accepted?.drains ?? 0;
    const block: BulkMessage = { kind: "snapshot-block", offset: 0, data: new Uint8Array(66_000) };
    accepted?.link?.send(block);
    clock.advance(10);
    expect(accepted?.heard).toEqual([opening]);
    expect(dialled.heard).toEqual([block]);
    expect(accepted?.drains).toBeGreaterThan(drainsBefore);
    expect(accepted?.link?.queuedBytes).toBe(0);
    a.transport.send(vote("a", "b", 1));
    a.transport.flush();
    dialled.link?.close();
    clock.advance(10);
    expect(accepted?.closes).toEqual(["the other end closed it"]);
    expect(dialled.closes).toEqual([]);
    expect(b.messages).toEqual([vote("a", "b", 1)]);
    expect([kindsOf(a), kindsOf(b)]).toEqual([["connected"], ["connected"]]);
    expect(network.connectionCount()).toBe(before);
    clock.advance(60_000);
    expect([kindsOf(a), ends.length]).toEqual([["connected"], 1]);
  });

  it("is one for each peer: a new one ends the one before, and no other", () => {
    const { clock, a, ends } = startPair();
    const first = dialFrom(a, "b");
    clock.advance(10);
    const second = dialFrom(a, "b");
    clock.advance(10);
    expect(ends[0]?.closes).toEqual(["a new connection for bulk of member a takes its place"]);
    expect(first.closes).toHaveLength(1);
    expect([ends[1]?.closes, second.closes, kindsOf(a)]).toEqual([[], [], ["connected"]]);
  });

  it("is admitted as any other: not from another cluster, nor to one", () => {
    const { clock, a, b, ends } = startPair({ identity: { clusterId: "00000000000000c2" } });
    const dialled = dialFrom(a, "b");
    clock.advance(100);
    const text =
      "member a is of cluster 00000000000000c1, member b of cluster 00000000000000c2: check the " +
      "addresses, the cluster token and the data directories of both";
    expect(dialled.closes).toEqual([`b.localhost:2380 refused us: ${text} (code 2)`]);
    expect(ends).toEqual([]);
    expect(b.events).toContainEqual({
      kind: "refused",
      peer: "a",
      reason: `refused a:0: ${text}`,
    });
  });

  it("is not made to strangers, and reports who does not answer", () => {
    const { clock, a, network } = startPair();
    expect(dialFrom(a, "z").dial).toBe(null);
    network.cut("a", "b");
    const dialled = dialFrom(a, "b");
    clock.advance(1999);
    expect(dialled.closes).toEqual([]);
    clock.advance(1);
    expect(dialled.closes).toEqual(["no answer from b.localhost:2380 within 2000 ms"]);
    const closed = dialFrom(a, "b");
    closed.dial?.close();
    clock.advance(10_000);
    expect(closed.closes).toEqual([]);
  });

  it("is dropped by a member that has no use for it", () => {
    const world = createWorld();
    const a = world.start("a", { peers: ["b"] });
    const b = world.start("b", { peers: ["a"] });
    world.clock.advance(100);
    const dialled = dialFrom(a, "b");
    world.clock.advance(10);
    expect(dialled.closes).toHaveLength(1);
    expect(b.log.join()).toContain("a hello for bulk, which this member has no use for");
    expect(kindsOf(b)).toEqual(["connected"]);
  });

  it("ends with the peer's membership, and with the transport", () => {
    const { clock, a, b, ends, network } = startPair();
    const first = dialFrom(a, "b");
    clock.advance(10);
    b.transport.setPeers(peersOf([]));
    clock.advance(10);
    expect(ends[0]?.closes).toEqual(["it is no longer a peer"]);
    expect(first.closes).toHaveLength(1);
    b.transport.setPeers(peersOf(["a"]));
    clock.advance(10);
    const second = dialFrom(a, "b");
    const third = dialFrom(a, "b");
    clock.advance(1);
    a.transport.setPeers(peersOf([]));
    expect([second.closes, third.closes]).toEqual([
      ["it is no longer a peer"],
      ["it is no longer a peer"],
    ]);
    a.transport.setPeers(peersOf(["b"]));
    clock.advance(10);
    const last = dialFrom(a, "b");
    clock.advance(10);
    let closedCount = 0;
    for (const { transport } of [a, b]) transport.close(() => closedCount++);
    clock.advance(100);
    expect(last.closes).toEqual(["this member stops"]);
    expect(ends.at(-1)?.closes).toEqual(["this member stops"]);
    expect([closedCount, network.connectionCount(), clock.pendingCount()]).toEqual([2, 0, 0]);
  });
});

describe("bad bytes on a connection for bulk cost only that connection", () => {
  const garbage = new Uint8Array(100).fill(9);
  const tooLarge = concatBytes(
    encodeBulk({ kind: "snapshot-block", offset: 0, data: new Uint8Array(5000) }, crc32),
  );
  const foreign = concatBytes(frames((writer) => encodeMessage(writer, vote("x", "b", 1))));
  it.each([
    ["garbage", garbage, "a frame header ending at byte"],
    ["a large frame to who only answers", tooLarge, "a frame of 5024 bytes; at most 4096 fit"],
    ["a message of the other connections", foreign, "a frame of kind 16 on a connection for bulk"],
  ])("%s", (_what, bytes, reason) => {
    const { clock, dial, b, ends } = startPair();
    dial("b.localhost:2380").connection.send(greetingFrom("x", "b"));
    clock.advance(10);
    const stranger = dial("b.localhost:2380");
    stranger.connection.send(helloFrom("x", "b", {}, bulkHelloKind));
    clock.advance(10);
    expect(answerIn(stranger.received)).toMatchObject({ kind: "welcome" });
    stranger.connection.send([bytes]);
    clock.advance(10);
    expect(stranger.closed()).not.toBe(null);
    expect(ends[0]?.heard).toEqual([]);
    expect(ends[0]?.closes.join()).toContain(reason);
    expect(b.log.join()).toContain(reason);
    expect(kindsOf(b)).toEqual(["connected"]);
    expect(b.messages).toEqual([]);
  });

  it("is for who has introduced itself on an ordinary one", () => {
    const { clock, dial, ends } = startPair();
    const stranger = dial("b.localhost:2380");
    stranger.connection.send(helloFrom("x", "b", {}, bulkHelloKind));
    clock.advance(10);
    expect(answerIn(stranger.received)).toMatchObject({ kind: "refusal", code: 9 });
    expect(ends).toEqual([]);
  });

  it("from the acceptor, too", () => {
    const { clock, start, network } = createWorld();
    const frame = encodeBulk({ kind: "snapshot-block", offset: 0, data: Uint8Array.of(1) }, crc32);
    const large = concatBytes(frame);
    writeFrameHeader(large, 66, 1_000_000, 0, crc32);
    const welcome = frames((writer) => {
      encodeWelcome(writer, { version: 1, identity: identityOf("b") });
    });
    network.endpoint("b").listen(
      "b.localhost:2380",
      (connection) => {
        connection.send(welcome);
        connection.send([large]);
        return { onData() {}, onClose() {} };
      },
      () => {},
    );
    const a = start("a", { peers: ["b"] });
    const dialled = dialFrom(a, "b");
    clock.advance(10);
    expect(dialled.link).not.toBe(null);
    expect(dialled.heard).toEqual([]);
    expect(dialled.closes).toEqual([
      "b.localhost:2380 sent a frame of 1000016 bytes; at most 98328 fit",
    ]);
  });
});
