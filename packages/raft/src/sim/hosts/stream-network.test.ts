import { describe, expect, it } from "vitest";
import type { Connection, Listener, NetworkError } from "../../ports/index.ts";
import { createRandom } from "../random.ts";
import { createHosts } from "./hosts.ts";
import { fixedLatency } from "./latency.ts";
import { type LinkProfile, soundLink } from "./link-profile.ts";

interface Side {
  connection: Connection | null;
  bytes: number[];
  /** When each of `bytes` came. */
  times: number[];
  events: string[];
}

function makeNetwork(link: Partial<LinkProfile> = {}, windowBytes?: number) {
  const hosts = createHosts({
    names: ["a", "b", "c"],
    random: (stream) => createRandom(1, stream),
    link: { ...soundLink, latency: fixedLatency(1), ...link },
    ...(windowBytes === undefined ? {} : { windowBytes }),
  });
  for (const host of hosts.list) host.boot();
  const { timeline } = hosts;
  const side = (): Side => ({ connection: null, bytes: [], times: [], events: [] });
  const handlers = (to: Side) => ({
    onOpen: () => void to.events.push(`open ${timeline.nowMs}`),
    onData: (bytes: Uint8Array) => {
      to.bytes.push(...bytes);
      for (const _ of bytes) to.times.push(timeline.nowMs);
    },
    onDrain: () => void to.events.push("drain"),
    onClose: (error: NetworkError | null) => void to.events.push(`close ${error?.code ?? "null"}`),
  });
  const listen = (name: string, accepted: Side[]): Listener[] => {
    const listeners: Listener[] = [];
    hosts.host(name).life?.ports.network.listen(
      `${name}:1`,
      (connection) => {
        const accepting = side();
        accepting.connection = connection;
        accepted.push(accepting);
        return handlers(accepting);
      },
      (_error, listener) => listener !== undefined && listeners.push(listener),
    );
    timeline.runUntil(timeline.nowMs);
    return listeners;
  };
  const dial = (from: string, address: string): Side => {
    const dialled = side();
    const network = hosts.host(from).life?.ports.network;
    dialled.connection = network?.connect(address, handlers(dialled)) ?? null;
    expect(dialled.events, "nothing completes inside the call").toEqual([]);
    return dialled;
  };
  /** a and b, connected; without the drains of the way there. */
  const connected = () => {
    const accepted: Side[] = [];
    listen("b", accepted);
    const near = dial("a", "b:1");
    timeline.runUntil(timeline.nowMs + 10);
    const far = accepted[0];
    if (far === undefined) throw new Error("not connected");
    return { near, far };
  };
  const run = (ms: number) => timeline.runUntil(timeline.nowMs + ms);
  const send = (from: Side, ...values: number[]) => from.connection?.send([new Uint8Array(values)]);
  return { hosts, timeline, listen, dial, connected, run, send, faults: hosts.faults };
}

describe("a sound network", () => {
  it("carries bytes in order, copied, and ends in order", () => {
    const { connected, run, send, faults, hosts } = makeNetwork();
    const { near, far } = connected();
    expect(near.events).toEqual(["open 2"]);
    const chunk = new Uint8Array([1, 2]);
    near.connection?.send([chunk, new Uint8Array([3])]);
    chunk[0] = 99;
    send(near, 4);
    send(far, 5);
    run(1);
    expect([far.bytes, near.bytes]).toEqual([[1, 2, 3, 4], [5]]);
    near.connection?.close();
    send(near, 6);
    run(1);
    expect(near.events).toEqual(["open 2", "drain", "close null"]);
    expect(far.events).toEqual(["drain", "close null"]);
    expect([far.bytes.length, hosts.network.connectionCount, faults.total]).toEqual([4, 0, 0]);
  });

  it("refuses where nobody listens, twice the same address, and unknown hosts", () => {
    const { dial, run, listen, hosts } = makeNetwork();
    const dialled = [dial("a", "b:1"), dial("a", "nowhere:1"), dial("a", "b")];
    run(2);
    expect(dialled.map((side) => side.events)).toEqual([
      ["close ECONNREFUSED"],
      ["close ENOTFOUND"],
      ["close EINVAL"],
    ]);
    listen("b", []);
    const errors: (string | undefined)[] = [];
    const network = hosts.host("b").life?.ports.network;
    network?.listen(
      "b:1",
      () => ({ onData: () => {}, onClose: () => {} }),
      (error) => errors.push(error?.code),
    );
    run(1);
    expect(errors).toEqual(["EADDRINUSE"]);
  });

  it("counts what is beyond the window as queued, and drains", () => {
    const { connected, run, send, hosts } = makeNetwork({}, 4);
    const { near } = connected();
    send(near, 1, 2, 3, 4, 5, 6);
    expect(near.connection?.queuedBytes).toBe(2);
    run(0.5);
    expect(near.events).toEqual(["open 2"]);
    run(1);
    expect([near.connection?.queuedBytes, near.events.at(-1)]).toEqual([0, "drain"]);
    expect(hosts.network.queuedBytesMost).toBe(2);
  });

  it("sends what is queued as it is when the window takes it", () => {
    const { connected, run } = makeNetwork({}, 4);
    const { near, far } = connected();
    const memory = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
    near.connection?.send([memory.subarray(0, 2), memory.subarray(2, 4)]);
    near.connection?.send([memory.subarray(4)]);
    memory.fill(9);
    run(10);
    expect(far.bytes).toEqual([1, 2, 3, 4, 9, 9, 9]);
  });
});

describe("a bad link", () => {
  it("is as slow as its bandwidth", () => {
    const { run, near, far } = withConnected({ bytesPerMs: 100 });
    near.connection?.send([new Uint8Array(1000)]);
    near.connection?.send([new Uint8Array(500)]);
    run(100);
    expect([far.times[0], far.times[1000]]).toEqual([10 + 10 + 1, 10 + 15 + 1]);
  });

  it("delays all that follows a loss, and keeps the order", () => {
    const { near, far, hosts, run, send, faults } = withConnected();
    hosts.topology.link("a", "b").profile = { ...soundLink, lossShare: 0.5, retransmitMs: 100 };
    for (let value = 0; value < 100; value++) send(near, value);
    run(100_000);
    expect(far.bytes).toEqual(Array.from({ length: 100 }, (_, value) => value));
    expect(faults.of("network.loss")).toBeGreaterThan(20);
    expect(far.times[99]).toBeGreaterThan(200);
  });

  it("resets in the middle of a write, for both ends", () => {
    const { near, far, hosts, run, faults } = withConnected();
    hosts.topology.link("a", "b").profile = { ...soundLink, resetShare: 1 };
    near.connection?.send([new Uint8Array(1000)]);
    run(10);
    expect(far.bytes.length).toBeLessThan(1000);
    expect([near.events.at(-1), far.events.at(-1)]).toEqual([
      "close ECONNRESET",
      "close ECONNRESET",
    ]);
    expect(faults.byKind).toEqual({ "network.reset": 1 });
  });

  it("changes bytes in flight, and not those of the sender", () => {
    const { near, far, hosts, run, faults } = withConnected();
    hosts.topology.link("a", "b").profile = { ...soundLink, corruptShare: 1 };
    const bytes = new Uint8Array(100);
    near.connection?.send([bytes]);
    run(10);
    expect(bytes).toEqual(new Uint8Array(100));
    expect(far.bytes.length).toBe(100);
    expect(far.bytes.filter((byte) => byte !== 0).length).toBeGreaterThan(0);
    expect(faults.byKind).toEqual({ "network.corrupt": 1 });
  });

  it("splits what was one write", () => {
    const { near, far, hosts, run } = withConnected();
    hosts.topology.link("a", "b").profile = {
      ...soundLink,
      ...{ splitShare: 1, latency: { minMs: 1, meanMs: 5 } },
    };
    near.connection?.send([Uint8Array.from({ length: 200 }, (_, at) => at)]);
    run(100);
    expect(far.bytes).toEqual(Array.from({ length: 200 }, (_, at) => at));
    expect(new Set(far.times).size).toBeGreaterThan(1);
  });
});

describe("a cut", () => {
  it("stalls one way until healed, late by the retransmission", () => {
    const { near, far, hosts, run, send } = withConnected({ retransmitMaxMs: 50 });
    hosts.topology.cut("a", "b", { oneWay: true });
    send(near, 1);
    send(far, 2);
    run(1000);
    expect([near.bytes, far.bytes]).toEqual([[2], []]);
    hosts.topology.healAll();
    run(50);
    expect(far.bytes).toEqual([1]);
    expect(far.times[0]).toBeGreaterThan(1010);
  });

  it("that drops breaks both ends and refuses dials until healed", () => {
    const { near, far, hosts, run, dial } = withConnected();
    hosts.topology.cut("a", "b", { mode: "drop" });
    run(1);
    expect([near.events.at(-1), far.events.at(-1)]).toEqual([
      "close ECONNRESET",
      "close ECONNRESET",
    ]);
    const tried = dial("a", "b:1");
    run(10);
    expect(tried.events).toEqual(["close EHOSTUNREACH"]);
    hosts.topology.heal("a", "b");
    const again = dial("a", "b:1");
    run(10);
    expect(again.events[0]).toMatch(/^open/);
  });

  it("takes any shape: groups, isolation, digraphs", () => {
    const { hosts } = makeNetwork();
    const { topology } = hosts;
    const open = () => {
      const ways: string[] = [];
      for (const from of "abc") {
        for (const to of "abc") if (from !== to && topology.isOpen(from, to)) ways.push(from + to);
      }
      return ways.join(" ");
    };
    topology.partition([["a", "b"], ["c"]]);
    expect(open()).toBe("ab ba");
    topology.partition([
      ["a", "b"],
      ["b", "c"],
    ]);
    expect(open()).toBe("ab ba bc cb");
    topology.shape((from, to) => from < to);
    expect(open()).toBe("ab ac bc");
    topology.healAll();
    topology.isolate("a");
    expect(open()).toBe("bc cb");
  });
});

describe("an end that fails", () => {
  it("resets its connections when its program is killed", () => {
    const { near, far, hosts, run } = withConnected();
    hosts.host("b").kill();
    run(10);
    expect([near.events.at(-1), far.events]).toEqual(["close ECONNRESET", []]);
  });

  it("says nothing when its power fails, and resets what it does not know when it is back", () => {
    const { near, hosts, run, send, dial, faults } = withConnected({}, 2);
    hosts.host("b").crash();
    send(near, 1, 2, 3);
    const hanging = dial("a", "b:1");
    run(60_000);
    expect([near.events, near.connection?.queuedBytes]).toEqual([["open 2"], 1]);
    expect(hanging.events).toEqual([]);
    hosts.host("b").boot();
    run(10);
    expect(near.events.at(-1)).toBe("close ECONNRESET");
    expect(faults.byKind).toEqual({ "network.half-open": 1 });
    run(127_000);
    expect(hanging.events).toEqual(["close ETIMEDOUT"]);
  });

  it("keeps what it is sent waiting while paused, up to the window, also dials and ends", () => {
    const { near, far, hosts, run, send, dial } = withConnected({}, 2);
    hosts.host("b").pause();
    send(near, 1, 2);
    send(near, 3);
    const late = dial("c", "b:1");
    run(1000);
    expect([far.bytes, near.connection?.queuedBytes, late.events]).toEqual([[], 1, []]);
    near.connection?.close();
    hosts.host("b").resume();
    run(10);
    expect([far.bytes, far.events, late.events[0]]).toEqual([
      [1, 2], // the close drops what the system had not taken
      ["close null"],
      "open 1011",
    ]);
  });

  it("hears of a refusal after its pause", () => {
    const { hosts, dial, run } = makeNetwork();
    const dialled = dial("a", "b:1");
    run(1.5);
    hosts.host("a").pause();
    run(100);
    expect(dialled.events).toEqual([]);
    hosts.host("a").resume();
    run(0);
    expect(dialled.events).toEqual(["close ECONNREFUSED"]);
  });

  it("can be refused, reset and frozen by the world", () => {
    const { near, far, hosts, run, send, dial } = withConnected();
    hosts.network.refuse("b", true);
    const refused = dial("a", "b:1");
    run(10);
    expect(refused.events).toEqual(["close ECONNREFUSED"]);
    hosts.network.refuse("b", false);
    hosts.network.freeze("a", "b");
    send(near, 1);
    send(far, 2);
    near.connection?.close();
    run(100_000);
    expect([near.bytes, far.bytes, far.events]).toEqual([[], [], ["drain"]]);
    const fresh = dial("a", "b:1");
    run(10);
    hosts.network.reset("b", "a");
    run(10);
    expect(fresh.events.at(-1)).toBe("close ECONNRESET");
  });
});

function withConnected(link: Partial<LinkProfile> = {}, windowBytes?: number) {
  const made = makeNetwork(link, windowBytes);
  return { ...made, ...made.connected() };
}
