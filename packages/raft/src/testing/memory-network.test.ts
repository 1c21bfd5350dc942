import { describe, expect, it } from "vitest";
import type { Connection, ConnectionHandlers, Listener, Network } from "../ports/index.ts";
import { createMemoryNetwork, type MemoryNetworkOptions } from "./memory-network.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createVirtualClock } from "./virtual-clock.ts";

/** Two endpoints; `b` listens at `b:1` and echoes nothing. All callbacks are noted. */
function setUp(options: Partial<MemoryNetworkOptions> = {}) {
  const clock = createVirtualClock();
  const network = createMemoryNetwork({ clock, latencyMs: 10, ...options });
  const notes: string[] = [];
  const note = (text: string) => notes.push(`${clock.nowMs()} ${text}`);
  const handlers = (name: string): Required<ConnectionHandlers> => ({
    onOpen: () => note(`${name} open`),
    onData: (bytes) => note(`${name} data ${Array.from(bytes)}`),
    onDrain: () => {},
    onClose: (error) => note(`${name} close ${error?.code ?? "orderly"}`),
  });
  const accepted: Connection[] = [];
  const listen = (endpoint: Network, address: string): void => {
    endpoint.listen(
      address,
      (connection) => {
        accepted.push(connection);
        return handlers("b");
      },
      (error, listener) => note(error === null ? `listens ${listener?.address}` : error.code),
    );
  };
  listen(network.endpoint("b"), "b:1");
  clock.advance(0);
  notes.length = 0;
  const dial = () => network.endpoint("a").connect("b:1", handlers("a"));
  const take = () => notes.splice(0);
  return { clock, network, accepted, dial, listen, handlers, take };
}

describe("memory network", () => {
  it("opens, delivers in order after the latency, and closes", () => {
    const { clock, accepted, dial, take, network } = setUp();
    const connection = dial();
    connection.send([Uint8Array.of(1), Uint8Array.of(2, 3)]);
    expect(take()).toEqual([]);
    clock.advance(20);
    accepted[0]?.send([Uint8Array.of(4)]);
    connection.close();
    connection.close();
    clock.advance(100);
    expect(take()).toEqual([
      "10 b data 1,2,3",
      "20 a open",
      "20 a close orderly",
      "30 b close orderly",
    ]);
    expect(network.connectionCount()).toBe(0);
    expect(clock.pendingCount()).toBe(0);
  });

  it("refuses a dial where nobody listens, and a second listener of an address", () => {
    const { clock, network, handlers, listen, take } = setUp();
    network.endpoint("a").connect("b:2", handlers("a"));
    listen(network.endpoint("c"), "b:1");
    listen(network.endpoint("c"), "c:0");
    listen(network.endpoint("c"), "c");
    clock.advance(100);
    expect(take()).toEqual([
      "0 EADDRINUSE",
      "0 listens c:40000",
      "0 EINVAL",
      "20 a close ECONNREFUSED",
    ]);
  });

  it("stalls bytes while the way is cut, in one direction if asked", () => {
    const { clock, network, accepted, dial, take } = setUp();
    const connection = dial();
    clock.advance(20);
    take();
    network.cut("a", "b", { oneWay: true });
    connection.send([Uint8Array.of(1)]);
    accepted[0]?.send([Uint8Array.of(2)]);
    clock.advance(1000);
    expect(take()).toEqual(["30 a data 2"]);
    network.heal("a", "b");
    connection.send([Uint8Array.of(3)]);
    clock.advance(1000);
    expect(take()).toEqual(["1020 b data 1", "1030 b data 3"]);
  });

  it("holds a dial back while the way is cut", () => {
    const { clock, network, dial, take } = setUp();
    network.cut("a", "b");
    dial();
    clock.advance(1000);
    expect(take()).toEqual([]);
    network.healAll();
    clock.advance(100);
    expect(take()).toEqual(["1010 a open"]);
  });

  it("breaks connections at once where the cut drops", () => {
    const { clock, network, dial, take } = setUp();
    dial();
    clock.advance(20);
    take();
    network.cut("a", "b", { mode: "drop" });
    clock.advance(0);
    expect(take()).toEqual(["20 a close ECONNRESET", "20 b close ECONNRESET"]);
    dial();
    clock.advance(100);
    expect(take()).toEqual(["30 a close EHOSTUNREACH"]);
  });

  it("kills an endpoint without telling it, and lets it start again", () => {
    const { clock, network, dial, listen, take } = setUp();
    const dead = network.endpoint("b");
    dial();
    clock.advance(20);
    take();
    network.kill("b");
    clock.advance(100);
    expect(take()).toEqual(["30 a close ECONNRESET"]);
    listen(dead, "b:1");
    dial();
    clock.advance(30);
    expect(take()).toEqual(["140 a close ECONNREFUSED"]);
    listen(network.endpoint("b"), "b:1");
    dial();
    clock.advance(100);
    expect(take()).toEqual(["150 listens b:1", "170 a open"]);
  });

  it("counts as queued what the window does not hold, and tells when it drained", () => {
    const { clock, dial, network } = setUp({ windowBytes: 10 });
    let drains = 0;
    const closed = { onData() {}, onClose() {} };
    const connection = network.endpoint("a").connect("b:1", {
      ...closed,
      onDrain: () => {
        drains += 1;
      },
    });
    connection.send([new Uint8Array(15)]);
    expect(connection.queuedBytes).toBe(5);
    clock.advance(5);
    expect(drains).toBe(0);
    clock.advance(5);
    expect([connection.queuedBytes, drains]).toEqual([0, 1]);
    connection.send([new Uint8Array(10)]);
    clock.advance(0);
    expect([connection.queuedBytes, drains]).toEqual([0, 2]);
    dial().close();
  });

  it("cuts what is sent into pieces, the same for the same seed", () => {
    const run = () => {
      const pieces = { bytesMax: 3, random: createSeededRandom(5) };
      const { clock, dial, take } = setUp({ pieces });
      dial().send([Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)]);
      clock.advance(50);
      return take().filter((note) => note.includes("data"));
    };
    const [first, second] = [run(), run()];
    expect(first).toEqual(second);
    expect(first.length).toBeGreaterThan(2);
    const bytes = first.flatMap((note) => note.split(" ")[3]?.split(",") ?? []);
    expect(bytes).toEqual(["1", "2", "3", "4", "5", "6", "7", "8"]);
  });

  it("frees an address when its listener closes; accepted connections stay", () => {
    const { clock, network, handlers, take } = setUp();
    let listener: Listener | undefined;
    network.endpoint("c").listen(
      "c:5",
      () => handlers("c"),
      (_error, made) => {
        listener = made;
      },
    );
    const connection = network.endpoint("a").connect("c:5", handlers("a"));
    clock.advance(50);
    let isClosed = false;
    listener?.close(() => {
      isClosed = true;
    });
    expect(isClosed).toBe(false);
    connection.send([Uint8Array.of(9)]);
    network.endpoint("a").connect("c:5", handlers("late"));
    clock.advance(50);
    expect(isClosed).toBe(true);
    expect(take()).toEqual(["20 a open", "60 c data 9", "70 late close ECONNREFUSED"]);
  });
});
