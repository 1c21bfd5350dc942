import { describe, expect, it } from "vitest";
import { nodeId } from "../../base/index.ts";
import { SourceList } from "./source-list.ts";

const ids = (...names: readonly string[]) => names.map(nodeId);
const [a, b, c] = [nodeId("a"), nodeId("b"), nodeId("c")];

describe("SourceList", () => {
  it("asks each but oneself once a round, in the order of the offer", () => {
    const list = new SourceList(b, ids("a", "b", "c"));
    expect(list.next()).toBe("a");
    list.onLeft(a, "lost");
    expect(list.next()).toBe("c");
    list.onLeft(c, "stalled");
    expect([list.next(), list.roundEnd]).toEqual([null, "silent"]);
    list.beginRound();
    expect(list.next()).toBe("a");
  });

  it("gives all another chance when bytes came, except those who sent what is wrong", () => {
    const list = new SourceList(b, ids("a", "c"));
    list.onLeft(a, "bad");
    list.onProgress();
    expect(list.next()).toBe("c");
    list.onLeft(c, "lost");
    list.onProgress();
    expect(list.next()).toBe("c");
    list.onLeft(c, "damaged");
    expect([list.next(), list.isExhausted]).toEqual([null, true]);
    list.offer(ids("a", "c"));
    expect(list.next()).toBe(null);
  });

  it("tells a snapshot that is gone from one whose sources are busy or silent", () => {
    const list = new SourceList(b, ids("a", "c"));
    list.onLeft(a, "unknown");
    list.onLeft(c, "busy");
    expect(list.roundEnd).toBe("busy");
    list.beginRound();
    list.onLeft(a, "unknown");
    list.onLeft(c, "unknown");
    expect(list.roundEnd).toBe("gone");
    // Who was not named before may have it by now.
    list.offer(ids("c"));
    expect(list.next()).toBe(null);
    list.offer(ids("a", "c"));
    expect(list.next()).toBe("a");
    list.offer(ids("c"));
    list.onLeft(c, "failed");
    expect(list.roundEnd).toBe("gone");
    expect(new SourceList(b, ids("b")).isExhausted).toBe(true);
  });

  it("ends its round however often the same are offered again", () => {
    const list = new SourceList(b, ids("a", "c", "d"));
    for (const id of [a, c, nodeId("d")]) {
      expect(list.next()).toBe(id);
      list.onLeft(id, id === a ? "lost" : "unknown");
      list.offer(ids("a", "c", "d"));
    }
    expect([list.next(), list.roundEnd]).toEqual([null, "silent"]);
    list.beginRound();
    expect(list.next()).toBe("a");
  });
});
