/** Members whose programs speak other versions of the protocol. */
import { describe, expect, it } from "vitest";
import { vote } from "../../test/transport/transport-world.ts";
import { crc32, logIndex, type MachineVersion, nodeId, term } from "../base/index.ts";
import { createMemoryNetwork } from "../testing/memory-network.ts";
import { createSeededRandom } from "../testing/seeded-random.ts";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import type { Introduction, Refused } from "./admission.ts";
import { FrameWriter } from "./codec/frame-writer.ts";
import { encodeHello, type VersionRange } from "./codec/handshake-codec.ts";
import { OpenAdmission } from "./open-admission.ts";
import type { PeerMessage } from "./peer-message.ts";
import { createTransport } from "./peer-transport.ts";
import type { PeerEvent, PeerIdentity, Transport } from "./transport.ts";

class Teller extends OpenAdmission {
  override readonly machines: readonly MachineVersion[] = [{ machine: "bank", version: 2 }];
  readonly heard: Introduction[] = [];

  override admit(introduction: Introduction, done: (refused: Refused | null) => void): void {
    this.heard.push(introduction);
    super.admit(introduction, done);
  }
}

const identityOf = (name: string): PeerIdentity => ({
  ...{ id: nodeId(name), clusterId: "00000000000000c1" },
  ...{ incarnation: "00000000000000a1", boot: "00000000000000b1" },
});

function createWorld() {
  const clock = createVirtualClock();
  const network = createMemoryNetwork({ clock, latencyMs: 1 });
  const start = (name: string, peer: string, versions: VersionRange) => {
    const listenAddress = `${name}.localhost:2380`;
    const admission = new Teller(listenAddress);
    const messages: PeerMessage[] = [];
    const events: PeerEvent[] = [];
    const log: string[] = [];
    let transport: Transport | undefined;
    createTransport(
      {
        ...{ network: network.endpoint(name), clock, random: createSeededRandom(1), crc32 },
        ...{ identity: identityOf(name), listenAddress, admission, versions },
        handlers: {
          onMessage: (message) => messages.push(message),
          onPeer: (event) => events.push(event),
        },
        log: ({ message }) => log.push(message),
      },
      (_error, made) => {
        transport = made;
        made?.setPeers(new Map([[nodeId(peer), `${peer}.localhost:2380`]]));
      },
    );
    const send = (message: PeerMessage): boolean => {
      const isSent = transport?.send(message) ?? false;
      transport?.flush();
      clock.advance(20);
      return isSent;
    };
    return { admission, messages, events, log, send };
  };
  return { clock, network, start };
}

const ends = { from: nodeId("b"), to: nodeId("a") };

describe("members whose programs speak other versions of the protocol", () => {
  it("B6: speak the newest that both know, and leave out what the older one does not", () => {
    const { clock, start } = createWorld();
    const a = start("a", "b", { oldest: 1, newest: 1 });
    const b = start("b", "a", { oldest: 1, newest: 9 });
    clock.advance(200);
    expect(a.admission.heard.map(({ machines }) => machines)).toEqual([null]);
    expect(b.admission.heard.map(({ machines }) => machines)).toEqual([null]);
    const plain = vote("b", "a", 3);
    expect(plain.kind).toBe("request-vote");
    if (plain.kind !== "request-vote") return;
    expect(b.send({ ...plain, transfer: true })).toBe(true);
    expect(b.send({ kind: "state-hash", ...ends, index: logIndex(7), hash: 7 })).toBe(false);
    const held = { machine: "bank", version: 2, enabled: 1, lacking: [] };
    const refused = { kind: "refused", why: "not-enabled", held } as const;
    expect(b.send({ kind: "forward-response", ...ends, id: 4, result: refused })).toBe(true);
    const answered = { ...ends, term: term(3), round: 1, sequence: 2 } as const;
    const outcome = { kind: "accepted", verified: logIndex(4), matched: logIndex(4) } as const;
    const answer = { kind: "append-entries-response", ...answered, outcome } as const;
    expect(b.send({ ...answer, isFull: true, promisedMs: 5 })).toBe(true);
    expect(a.messages).toEqual([
      plain,
      {
        kind: "forward-response",
        ...ends,
        id: 4,
        result: { kind: "refused", why: "unknown-machine" },
      },
      answer,
    ]);
    const c = createWorld();
    const [d, e] = [
      { oldest: 1, newest: 2 },
      { oldest: 2, newest: 5 },
    ] as const;
    const newer = c.start("a", "b", d);
    c.start("b", "a", e);
    c.clock.advance(200);
    expect(newer.admission.heard[0]?.machines).toEqual([{ machine: "bank", version: 2 }]);
  });

  it("B6: say so on both sides when there is none in common, and stay apart", () => {
    const { clock, start } = createWorld();
    const a = start("a", "b", { oldest: 1, newest: 2 });
    const b = start("b", "a", { oldest: 3, newest: 4 });
    clock.advance(20_000);
    for (const [one, text] of [
      [a, "the other end speaks versions 1 to 2 of the peer protocol, this member versions 3 to 4"],
      [b, "the other end speaks versions 3 to 4 of the peer protocol, this member versions 1 to 2"],
    ] as const) {
      expect(one.events.map(({ kind }) => kind)).not.toContain("connected");
      const told = one.events.find((event) => event.kind === "refused" && event.peer !== null);
      expect(told).toMatchObject({
        ...{ kind: "refused", verdict: "unknown-version" },
        reason: expect.stringContaining(`${text}: upgrade the older of the two`),
      });
      expect(one.admission.heard).toEqual([]);
    }
  });

  it.each([
    ["a newer program costs nothing but itself", 9, true],
    ["a program of the same version ends the connection", 2, false],
  ])("B6: an unknown kind of %s", (_what, newest, isKept) => {
    const { clock, network, start } = createWorld();
    const a = start("a", "b", { oldest: 1, newest: 2 });
    let isOpen = false;
    const connection = network.endpoint("b").connect("a.localhost:2380", {
      onOpen: () => {
        isOpen = true;
      },
      onData() {},
      onClose: () => {
        isOpen = false;
      },
    });
    clock.advance(10);
    const writer = new FrameWriter(crc32, 4096);
    const versions = { oldest: 1, newest };
    encodeHello(writer, { versions, identity: identityOf("b"), to: nodeId("a") });
    // Its introduction: an empty address, nothing on its disk, no machines.
    const introduction = new Uint8Array(2 + 8 + 8 + 8 + 1 + 2);
    for (const [kind, payload] of [
      [8, introduction],
      [200, new Uint8Array(5)],
      [200, new Uint8Array(7)],
    ] as const) {
      writer.begin(payload.length);
      writer.raw(payload);
      writer.end(kind);
    }
    connection.send(writer.take());
    clock.advance(50);
    expect(a.admission.heard).toHaveLength(1);
    expect(isOpen).toBe(isKept);
    const told = a.log.filter((line) => line.includes("kind 200"));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(isKept ? "skips" : "dropped the connection");
  });
});
