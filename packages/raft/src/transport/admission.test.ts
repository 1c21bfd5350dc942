import { describe, expect, it } from "vitest";
import { identityOf, peersOf, vote } from "../../test/transport/transport-world.ts";
import { crc32, logIndex, type NodeId, nodeId, term } from "../base/index.ts";
import { createMemoryNetwork } from "../testing/memory-network.ts";
import { createSeededRandom } from "../testing/seeded-random.ts";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import type { Admission, Introduction, JoinAnswer, Refused, Standing } from "./admission.ts";
import { askToJoin, type JoinOutcome } from "./ask-to-join.ts";
import type { PeerMessage } from "./peer-message.ts";
import { createTransport } from "./peer-transport.ts";
import type { PeerEvent, Transport } from "./transport.ts";

const standing: Standing = {
  ...{ term: term(3), last: logIndex(7), commit: logIndex(5), mustCatchUp: false },
};

/** Answers when the test says so. */
class SlowAdmission implements Admission {
  readonly address: string;
  readonly standing = standing;
  readonly machines = [{ machine: "bank", version: 3 }];
  readonly known = new Map<NodeId, string>();
  readonly removed = new Set<NodeId>();
  readonly asked: { introduction: Introduction; done: (refused: Refused | null) => void }[] = [];
  isSlow = false;
  answer: JoinAnswer | Refused = { why: "not-ready", text: "not yet" };

  constructor(address: string) {
    this.address = address;
  }

  incarnationOf(id: NodeId): string | null {
    return this.known.get(id) ?? null;
  }

  isRemoved(id: NodeId): boolean {
    return this.removed.has(id);
  }

  admit(introduction: Introduction, done: (refused: Refused | null) => void): void {
    this.asked.push({ introduction, done });
    if (!this.isSlow) done(null);
  }

  onPeers(): void {}

  answerJoin(): JoinAnswer | Refused {
    return this.answer;
  }
}

function createWorld() {
  const clock = createVirtualClock();
  const network = createMemoryNetwork({ clock, latencyMs: 1 });
  const start = (name: string, peers: readonly string[]) => {
    const address = `${name}.localhost:2380`;
    const admission = new SlowAdmission(address);
    const messages: PeerMessage[] = [];
    const events: PeerEvent[] = [];
    const log: string[] = [];
    let transport: Transport | undefined;
    createTransport(
      {
        ...{ network: network.endpoint(name), clock, random: createSeededRandom(1), crc32 },
        ...{ identity: identityOf(name), listenAddress: address, admission },
        handlers: {
          onMessage: (message) => messages.push(message),
          onPeer: (event) => events.push(event),
        },
        log: (line) => log.push(line.message),
      },
      (_error, made) => {
        transport = made;
        made?.setPeers(peersOf(peers));
      },
    );
    clock.advance(0);
    if (transport === undefined) throw new Error(`${name} did not start`);
    return { transport, admission, messages, events, log };
  };
  return { clock, network, start };
}

describe("an introduction", () => {
  it("says where its sender can be dialled and what it had on its disk", () => {
    const { clock, start } = createWorld();
    const a = start("a", ["b"]);
    start("b", ["a"]);
    clock.advance(100);
    expect(a.admission.asked.map(({ introduction }) => introduction)).toEqual([
      {
        ...{ identity: identityOf("b"), address: "b.localhost:2380", standing },
        machines: [{ machine: "bank", version: 3 }],
      },
    ]);
  });

  it("is waited for, and the host's word on it: until then no message counts", () => {
    const { clock, start } = createWorld();
    const a = start("a", ["b"]);
    a.admission.isSlow = true;
    const b = start("b", ["a"]);
    clock.advance(100);
    for (const at of [1, 2]) b.transport.send(vote("b", "a", at));
    b.transport.flush();
    clock.advance(10_000); // longer than any patience with strangers
    expect(a.messages).toEqual([]);
    a.admission.asked.at(-1)?.done(null);
    expect(a.messages).toEqual([vote("b", "a", 1), vote("b", "a", 2)]);
  });

  it("may be refused, which its sender is told with the reason", () => {
    const { clock, start } = createWorld();
    const a = start("a", ["b"]);
    a.admission.isSlow = true;
    const b = start("b", ["a"]);
    clock.advance(100);
    b.transport.send(vote("b", "a", 1));
    b.transport.flush();
    a.admission.asked.at(-1)?.done({ why: "older-state", text: "it had more" });
    clock.advance(100);
    expect(b.events.slice(-2)).toEqual([
      expect.objectContaining({ kind: "disconnected", peer: "a" }),
      {
        ...{ kind: "refused", peer: "a", verdict: "older-state" },
        reason: "a.localhost:2380 refused us: it had more (code 8)",
      },
    ]);
    expect(a.messages).toEqual([]);
    expect(a.events.at(-1)).toMatchObject({ kind: "refused", peer: "b" });
  });
});

describe("who is no known member", () => {
  it("is heard, and answered where it says that it can be dialled", () => {
    const { clock, start } = createWorld();
    const a = start("a", ["b"]);
    const d = start("d", ["a"]);
    clock.advance(100);
    d.transport.send(vote("d", "a", 1));
    d.transport.flush();
    a.transport.send(vote("a", "d", 2));
    a.transport.flush();
    clock.advance(100);
    expect(a.messages).toEqual([vote("d", "a", 1)]);
    expect(d.messages).toEqual([vote("a", "d", 2)]);
    expect(a.log.join("\n")).toContain("d.localhost:2380 is not known as a member here (yet)");
  });

  it("keeps its connections when it becomes one", () => {
    const { clock, start } = createWorld();
    const a = start("a", ["b"]);
    const d = start("d", ["a"]);
    clock.advance(100);
    a.admission.known.set(nodeId("d"), identityOf("d").incarnation);
    a.transport.setPeers(peersOf(["b", "d"]));
    clock.advance(100);
    expect(d.events.filter(({ kind }) => kind !== "connected")).toEqual([]);
    expect(a.events.filter(({ peer }) => peer === "d").map(({ kind }) => kind)).toEqual([
      "connected",
    ]);
    a.transport.send(vote("a", "d", 2));
    a.transport.flush();
    clock.advance(100);
    expect(d.messages).toHaveLength(1);
  });

  it("introduces itself anew if its incarnation is not the one that is remembered", () => {
    const { clock, start } = createWorld();
    const a = start("a", ["b"]);
    start("d", ["a"]);
    clock.advance(100);
    a.admission.known.set(nodeId("d"), "00000000000000ff");
    a.transport.setPeers(peersOf(["b", "d"]));
    clock.advance(6000);
    expect(a.events.at(-1)).toMatchObject({ kind: "refused", peer: "d" });
  });

  it("is refused for good once it was removed", () => {
    const { clock, start } = createWorld();
    const a = start("a", ["b"]);
    const d = start("d", ["a"]);
    clock.advance(100);
    a.admission.removed.add(nodeId("d"));
    a.transport.setPeers(peersOf(["b"]));
    clock.advance(100);
    expect(d.events.at(-1)).toMatchObject({ kind: "refused", verdict: "removed-member" });
    expect(d.events.at(-1)).toMatchObject({
      reason: expect.stringContaining("member d was removed from the cluster, and its name is"),
    });
  });
});

describe("the question of who joins", () => {
  const ask = (world: ReturnType<typeof createWorld>, address: string): JoinOutcome | null => {
    let outcome: JoinOutcome | null = null;
    askToJoin(
      {
        ...{ network: world.network.endpoint("d"), clock: world.clock, crc32, address },
        request: { id: nodeId("d"), address: "d.localhost:2380" },
      },
      (found) => {
        outcome = found;
      },
    );
    world.clock.advance(5000);
    return outcome;
  };

  it("is answered with the cluster and its members", () => {
    const world = createWorld();
    const a = world.start("a", []);
    const answer = {
      ...{ clusterId: "00000000000000c1", from: nodeId("a") },
      configuration: Uint8Array.of(1, 2, 3),
    };
    a.admission.answer = answer;
    expect(ask(world, "a.localhost:2380")).toEqual({ kind: "answered", ...answer });
    expect(world.network.connectionCount()).toBe(0);
  });

  it("is refused with the reason", () => {
    const world = createWorld();
    world.start("a", []);
    expect(ask(world, "a.localhost:2380")).toEqual({
      ...{ kind: "refused", why: "not-ready", text: "not yet" },
    });
  });

  it("ends where nobody answers, or nobody who could", () => {
    const world = createWorld();
    expect(ask(world, "a.localhost:2380")).toMatchObject({ kind: "unreachable" });
    world.network.endpoint("a").listen(
      "a.localhost:2380",
      () => ({ onData() {}, onClose() {} }),
      () => {},
    );
    expect(ask(world, "a.localhost:2380")).toEqual({
      ...{ kind: "unreachable", text: "no answer from a.localhost:2380 within 2000 ms" },
    });
  });
});
