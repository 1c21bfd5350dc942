import { describe, expect, it } from "vitest";
import { logIndex, nodeId, term } from "../../base/index.ts";
import type { PeerEvent, PeerMessage, Transport } from "../../transport/index.ts";
import { createRandom } from "../random.ts";
import { createDatagramTransport } from "./datagram-transport.ts";
import { createHosts } from "./hosts.ts";
import { type DatagramProfile, soundDatagrams } from "./link-profile.ts";

interface Running {
  readonly transport: Transport;
  readonly messages: PeerMessage[];
  readonly events: PeerEvent[];
}

function makeWorld(profile: Partial<DatagramProfile> = {}) {
  const hosts = createHosts({
    names: ["a", "b"],
    random: (stream) => createRandom(5, stream),
    datagrams: { ...soundDatagrams, ...profile },
  });
  const { timeline, datagrams } = hosts;
  const start = (name: string, incarnation = "1"): Running => {
    const life = hosts.host(name).boot();
    const messages: PeerMessage[] = [];
    const events: PeerEvent[] = [];
    const opened: Transport[] = [];
    const identity = {
      clusterId: "c".repeat(16),
      id: nodeId(name),
      incarnation: incarnation.padStart(16, "0"),
      boot: life.ports.random.id64(),
    };
    const handlers = {
      onMessage: (message: PeerMessage) => void messages.push(message),
      onPeer: (event: PeerEvent) => void events.push(event),
    };
    const listenAddress = `${name}:1`;
    createDatagramTransport(datagrams, life)({ identity, listenAddress, handlers }, (_, made) =>
      opened.push(made),
    );
    timeline.runUntil(timeline.nowMs);
    const [transport] = opened;
    if (transport === undefined) throw new Error("not opened");
    const other = name === "a" ? "b" : "a";
    transport.setPeers(new Map([[nodeId(other), `${other}:1`]]));
    return { transport, messages, events };
  };
  const run = (ms: number) => timeline.runUntil(timeline.nowMs + ms);
  return { hosts, datagrams, timeline, start, run, faults: hosts.faults };
}

const [a, b] = [nodeId("a"), nodeId("b")];

function ask(batch: number): PeerMessage {
  return { kind: "read-index", from: a, to: b, term: term(1), batch, boot: 1 };
}

function forward(id: number): PeerMessage {
  return { kind: "forward", from: a, to: b, id, commands: [new Uint8Array([id & 0xff])] };
}

const ids = (messages: readonly PeerMessage[]) =>
  messages.map((message) => (message.kind === "read-index" ? message.batch : -1));

describe("the datagram transport", () => {
  it("delivers copies in order when it is sound, and tells of starts and ends", () => {
    const { start, run, hosts, faults } = makeWorld();
    const one = start("a");
    const two = start("b");
    run(10);
    const command = new Uint8Array([1]);
    const message = { ...forward(1), commands: [command] } as PeerMessage;
    expect(one.transport.send(message)).toBe(true);
    command[0] = 9;
    one.transport.send(forward(2));
    run(10);
    expect(two.messages).toEqual([forward(1), forward(2)]);
    expect(two.messages[0]).not.toBe(message);
    expect([one.events, two.events].map((events) => events.map(({ kind }) => kind))).toEqual([
      ["connected"],
      ["connected"],
    ]);
    hosts.host("b").kill();
    run(10);
    expect(one.events.at(-1)?.kind).toBe("disconnected");
    start("b");
    run(10);
    expect(one.events.at(-1)?.kind).toBe("connected");
    expect(faults.total).toBe(0);
  });

  it("loses, doubles and overtakes", () => {
    const { start, run, datagrams, faults } = makeWorld();
    const one = start("a");
    const two = start("b");
    datagrams.profile = {
      ...soundDatagrams,
      ...{ dropShare: 0.2, duplicateShare: 0.2, reorderShare: 0.2 },
    };
    const count = 1000;
    for (let id = 0; id < count; id++) one.transport.send(ask(id));
    run(1000);
    const got = ids(two.messages);
    const { byKind } = faults;
    expect(byKind["datagram.drop"]).toBeGreaterThan(150);
    expect(byKind["datagram.duplicate"]).toBeGreaterThan(100);
    expect(byKind["datagram.reorder"]).toBeGreaterThan(150);
    const lost = byKind["datagram.drop"] ?? 0;
    expect(got.length).toBe(count - lost + (byKind["datagram.duplicate"] ?? 0));
    expect(new Set(got).size).toBe(count - lost);
    expect(got.some((id, at) => id < (got[at - 1] ?? 0))).toBe(true);
  });

  it("keeps messages for ever, over the lives of both ends", () => {
    const { start, run, datagrams, faults, hosts } = makeWorld({ keepShare: 1 });
    const one = start("a");
    start("b");
    one.transport.send(ask(7));
    run(1_000_000);
    hosts.host("a").kill();
    hosts.host("b").crash();
    const again = start("b");
    expect(again.messages).toEqual([]);
    expect(datagrams.deliverKept(1, "a")).toBe(0);
    expect(datagrams.deliverKept(1, "b")).toBe(1);
    run(0);
    expect(again.messages).toEqual([ask(7)]);
    const third = start("a");
    datagrams.profile = { ...soundDatagrams, ancientShare: 1, dropShare: 1 };
    third.transport.send(ask(8));
    run(10);
    expect(ids(again.messages)).toEqual([7, 7]);
    expect(faults.of("datagram.ancient")).toBe(2);
    datagrams.forget();
    expect(datagrams.keptCount).toBe(0);
  });

  it("brings the oldest answer to a read again when its number is asked again, if it is to", () => {
    const { start, run, datagrams, hosts, faults } = makeWorld();
    const answer = (batch: number, index: number): PeerMessage => {
      const ends = { from: b, to: a, term: term(1), boot: 1 };
      return { kind: "read-index-response", ...ends, batch, index: logIndex(index) };
    };
    const indexes = ({ messages }: Running) =>
      messages.map((message) => (message.kind === "read-index-response" ? message.index : -1));
    start("a");
    const two = start("b");
    two.transport.send(answer(1, 3));
    datagrams.echoesReads = true;
    for (const [batch, index] of [
      [1, 5],
      [1, 7],
      [2, 8],
    ] as const) {
      two.transport.send(answer(batch, index));
    }
    run(10);
    hosts.host("a").kill();
    const again = start("a");
    again.transport.send(ask(1));
    again.transport.send(ask(3));
    run(10);
    expect(indexes(again)).toEqual([5]);
    expect(faults.of("datagram.echo")).toBe(1);
    datagrams.forget();
    again.transport.send(ask(2));
    run(10);
    expect(indexes(again)).toEqual([5]);
  });

  it("hears no other incarnation, and tells it nothing that was meant for the one before", () => {
    const { start, run, datagrams, faults, hosts } = makeWorld({ keepShare: 1 });
    const one = start("a");
    const two = start("b");
    one.transport.send(ask(1));
    run(10);
    hosts.host("b").kill();
    const wiped = start("b", "2");
    run(10);
    datagrams.deliverKept(1);
    one.transport.send(ask(2));
    wiped.transport.send({ ...ask(3), from: b, to: a });
    run(10);
    expect([ids(two.messages), wiped.messages, one.messages]).toEqual([[1], [], []]);
    expect(faults.of("datagram.refused")).toBe(3);
    expect(one.events.map(({ kind }) => kind)).toEqual(["connected", "disconnected"]);
  });

  it("brings forwarded commands once, also of the dead, and only to the run they are for", () => {
    const { start, run, hosts, datagrams } = makeWorld({ keepShare: 1, duplicateShare: 1 });
    const one = start("a");
    const two = start("b");
    one.transport.send(forward(1));
    run(10);
    expect([two.messages, datagrams.keptCount]).toEqual([[forward(1)], 0]);
    one.transport.send(forward(2));
    hosts.host("a").kill();
    const again = start("a");
    run(10);
    expect(two.messages).toEqual([forward(1), forward(2)]);
    again.transport.send(forward(3));
    hosts.host("b").kill();
    const other = start("b");
    run(10);
    expect([two.messages.length, other.messages]).toEqual([2, []]);
  });

  it("leaves out reports and makes needless ones; `forget` tells all of it again", () => {
    const { start, run, datagrams, faults } = makeWorld({ unreportedShare: 1 });
    const one = start("a");
    const two = start("b");
    run(100);
    expect([one.events, two.events]).toEqual([[], []]);
    expect(faults.of("datagram.unreported")).toBe(2);
    datagrams.profile = { ...soundDatagrams, flapShare: 1 };
    datagrams.forget();
    run(100);
    expect([one.events.length, two.events.length]).toEqual([1, 1]);
    one.transport.send(ask(1));
    run(100);
    expect(two.events.map(({ kind }) => kind)).toEqual(["connected", "disconnected", "connected"]);
  });

  it("obeys cuts, pauses and the close", () => {
    const { start, run, hosts } = makeWorld();
    const one = start("a");
    const two = start("b");
    hosts.topology.cut("a", "b", { oneWay: true });
    one.transport.send(ask(1));
    hosts.topology.healAll();
    hosts.host("b").pause();
    one.transport.send(ask(2));
    run(100);
    expect(two.messages).toEqual([]);
    hosts.host("b").resume();
    run(0);
    expect(ids(two.messages)).toEqual([2]);
    let isClosed = false;
    two.transport.close(() => {
      isClosed = true;
    });
    one.transport.send(ask(3));
    run(100);
    expect([isClosed, ids(two.messages), one.events.at(-1)?.kind]).toEqual([
      true,
      [2],
      "disconnected",
    ]);
    const late: PeerMessage = {
      ...{ kind: "request-vote-response", from: b, to: a, term: term(1) },
      ...{ pre: false, campaignTerm: term(1), refused: null },
    };
    expect(two.transport.send(late)).toBe(false);
  });
});
