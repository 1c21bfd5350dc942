/** When the process of a peer counts as gone: what a fast failover begins with. */
import { describe, expect, it } from "vitest";
import { createWorld, type Member } from "../../test/transport/transport-world.ts";

/** Two members that have been connected for a while. */
function connected() {
  const world = createWorld();
  const a = world.start("a", { peers: ["b"] });
  const b = world.start("b", { peers: ["a"] });
  world.clock.advance(2000);
  return { ...world, a, b };
}

function kindsOf({ events }: Member): string[] {
  return events.map(({ kind }) => kind);
}

describe("a peer whose connection ended", () => {
  it("is gone at once where nobody listens any more", () => {
    const { network, clock, a } = connected();
    network.kill("b");
    clock.advance(5); // the end, the dial and its refusal: three ways of a millisecond each
    expect(kindsOf(a)).toEqual(["connected", "disconnected"]);
    expect(a.gone).toEqual([expect.stringMatching(/^b: .*ECONNREFUSED/)]);
    clock.advance(60_000);
    expect(a.gone).toHaveLength(1);
  });

  it("is gone where another boot answers, after that is connected", () => {
    const { network, clock, start, a } = connected();
    network.kill("b");
    start("b", { peers: ["a"], identity: { boot: "0000000000000002" } });
    clock.advance(10);
    expect(kindsOf(a)).toEqual(["connected", "disconnected", "connected"]);
    expect(a.gone).toEqual(["b: b.localhost:2380 was started again (boot 0000000000000002)"]);
  });

  it("is gone when a dial is not answered in time", () => {
    const { network, clock, a } = connected();
    network.cut("a", "b", { mode: "drop" });
    network.heal("a", "b");
    network.cut("a", "b"); // the connections are broken, and now nothing comes through
    clock.advance(199);
    expect([kindsOf(a), a.gone]).toEqual([["connected", "disconnected"], []]);
    clock.advance(10);
    expect(a.gone).toEqual(["b: no answer from b.localhost:2380 within 200 ms"]);
    network.heal("a", "b");
    clock.advance(5000);
    expect(kindsOf(a).at(-1)).toBe("connected");
    expect(a.gone).toHaveLength(1);
  });

  it("is not gone if it answers the dial, which comes at once, but not again and again", () => {
    const { network, clock, a } = connected();
    const breakOff = () => {
      network.cut("a", "b", { mode: "drop" });
      network.heal("a", "b");
    };
    breakOff();
    clock.advance(5);
    expect(kindsOf(a)).toEqual(["connected", "disconnected", "connected"]);
    breakOff();
    clock.advance(5);
    expect(kindsOf(a).at(-1)).toBe("disconnected");
    clock.advance(1000);
    expect(kindsOf(a).at(-1)).toBe("connected");
    expect(a.gone).toEqual([]);
  });

  it("is not gone if it is known that it shall not be a peer any more", () => {
    const { network, clock, a } = connected();
    a.transport.setPeers(new Map());
    network.kill("b");
    clock.advance(5000);
    expect(a.gone).toEqual([]);
  });
});
