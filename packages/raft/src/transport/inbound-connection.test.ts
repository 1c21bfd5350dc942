import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createWorld,
  forward,
  frames,
  greetingFrom,
  vote,
} from "../../test/transport/transport-world.ts";
import { encodeMessage } from "./codec/message-codec.ts";

describe("strangers at the peer port", () => {
  it("who speak HTTP get an answer that says what this port is", () => {
    const { clock, start, dial } = createWorld();
    const b = start("b");
    const { connection, received, closed } = dial("b.localhost:2380");
    connection.send([new TextEncoder().encode("GET /health HTTP/1.1\r\nhost: b\r\n\r\n")]);
    clock.advance(50);
    expect(String.fromCharCode(...received)).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*peer port/s);
    expect(closed()).toBe("orderly");
    expect(b.log.join("\n")).toContain("it looks like an HTTP client on the peer port");
  });

  it("who say nothing, or too little, are closed in time", () => {
    const { clock, start, dial } = createWorld();
    const b = start("b");
    const silent = dial("b.localhost:2380");
    const slow = dial("b.localhost:2380");
    slow.connection.send([Uint8Array.of(1, 2, 3)]);
    clock.advance(1900);
    expect([silent.closed(), slow.closed()]).toEqual([null, null]);
    clock.advance(200);
    expect([silent.closed(), slow.closed()]).toEqual(["orderly", "orderly"]);
    expect(b.log.join("\n")).toContain("no handshake within 2000 ms");
  });

  it("who announce a large frame before the handshake are closed", () => {
    const { clock, start, dial } = createWorld();
    const b = start("b", { peers: ["a"] });
    const { connection, closed } = dial("b.localhost:2380");
    connection.send(frames((writer) => encodeMessage(writer, forward("a", "b", 5000))));
    clock.advance(50);
    expect(closed()).toBe("orderly");
    expect(b.log.join("\n")).toContain("a frame of 5032 bytes; at most 4096 fit");
  });

  it("who are too many are closed at once", () => {
    const { clock, start, dial } = createWorld();
    const b = start("b", { peers: ["a"], limits: { connectionsMax: 2 } });
    const dialled = [dial, dial, dial, dial].map((make) => make("b.localhost:2380"));
    clock.advance(100);
    expect(dialled.map(({ closed }) => closed())).toEqual([null, null, "orderly", "orderly"]);
    clock.advance(1000);
    expect(b.log.join("\n")).toContain("closed 2 new connections at once: the limit of 2");
  });

  it("who send damaged frames after the handshake harm only their connection", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const { clock, start, dial } = createWorld();
        const b = start("b", { peers: ["x", "c"] });
        const c = start("c", { peers: ["b"] });
        const { connection, closed } = dial("b.localhost:2380");
        clock.advance(10);
        connection.send(greetingFrom("x", "b"));
        clock.advance(10);
        const [bytes] = frames((writer) => {
          for (let i = 0; i < 5; i++) encodeMessage(writer, vote("x", "b", i));
        });
        if (bytes === undefined) throw new Error("frames were expected");
        const damagedAt = at % bytes.length;
        bytes[damagedAt] = (bytes[damagedAt] ?? 0) ^ flip;
        connection.send([bytes]);
        clock.advance(10);
        expect(closed()).toBe("orderly");
        const whole = Math.floor(damagedAt / 41);
        const sent = [0, 1, 2, 3, 4].slice(0, whole).map((i) => vote("x", "b", i));
        expect(b.messages).toEqual(sent);
        c.transport.send(vote("c", "b", 9));
        c.transport.flush();
        clock.advance(10);
        expect(b.messages.at(-1)).toEqual(vote("c", "b", 9));
      }),
    );
  });

  it("who send anything at all end as closed connections", () => {
    const { clock, start, dial, network } = createWorld();
    const b = start("b", { peers: ["x"] });
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (chunks) => {
        const { connection, closed } = dial("b.localhost:2380");
        connection.send(chunks);
        clock.advance(2100);
        expect(closed()).toBe("orderly");
      }),
    );
    expect(b.messages).toEqual([]);
    clock.advance(10_000);
    expect(network.connectionCount()).toBe(0);
  });
});
