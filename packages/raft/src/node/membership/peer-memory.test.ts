import { describe, expect, it } from "vitest";
import { logIndex, nodeId, term } from "../../base/index.ts";
import type { Raft } from "../../core/index.ts";
import type { PeerRecord } from "../../storage/index.ts";
import type { Introduction, Refused } from "../../transport/index.ts";
import { PeerMemory } from "./peer-memory.ts";

const b = nodeId("b");
const standing = { term: term(3), last: logIndex(7), commit: logIndex(5), mustCatchUp: false };

/** A memory whose disk answers when it is told to. */
function createMemory() {
  const saves: { readonly records: readonly PeerRecord[]; done(): void }[] = [];
  const answers: string[] = [];
  const memory = new PeerMemory({
    raft: { leadership: null } as unknown as Raft, // a follower: all that is looked at
    clusterId: "00000000000000c1",
    address: "a.localhost:2380",
    standing,
    records: [],
    store: { save: (records, done) => void saves.push({ records, done: () => done(null) }) },
    peerMemoryMs: 1_000,
  });
  const introduce = (boot: string, changes: Partial<Introduction["standing"]> = {}): void => {
    const identity = {
      id: b,
      clusterId: "00000000000000c1",
      incarnation: "00000000000000a1",
      boot,
    };
    const address = "b.localhost:2380";
    const told = { identity, address, standing: { ...standing, ...changes }, machines: null };
    memory.admit(told, (refused: Refused | null) => {
      answers.push(`${boot} ${refused === null ? "is let in" : refused.why}`);
    });
  };
  return { memory, saves, answers, introduce };
}

describe("what is remembered of peers", () => {
  it("lets a run in once it is on disk, and at once when it comes again", () => {
    const { saves, answers, introduce } = createMemory();
    introduce("1");
    expect(answers).toEqual([]);
    saves.shift()?.done();
    expect(answers).toEqual(["1 is let in"]);
    introduce("1");
    expect(answers).toEqual(["1 is let in", "1 is let in"]);
    expect(saves).toEqual([]);
  });

  it("lets in the last of two runs that introduce themselves before the first is on disk", () => {
    const { saves, answers, introduce } = createMemory();
    introduce("1");
    introduce("2");
    saves.shift()?.done();
    saves.shift()?.done();
    expect(answers).toEqual(["1 not-ready", "2 is let in"]);
  });

  it("lets the living run in after the words of a dead one came late", () => {
    const { saves, answers, introduce } = createMemory();
    introduce("2");
    introduce("1");
    for (let save = saves.shift(); save !== undefined; save = saves.shift()) save.done();
    expect(answers).toEqual(["2 not-ready", "1 is let in"]);
    introduce("2");
    expect(saves[0]?.records).toMatchObject([{ id: b, boot: "2" }]);
    saves.shift()?.done();
    expect(answers.at(-1)).toBe("2 is let in");
  });

  it("lets a run that waits for the disk wait no longer than for that, asked twice or not", () => {
    const { saves, answers, introduce } = createMemory();
    introduce("1");
    introduce("1");
    for (let save = saves.shift(); save !== undefined; save = saves.shift()) save.done();
    expect(answers).toEqual(["1 is let in", "1 is let in"]);
  });

  it("refuses a run that lacks what the one before had, and keeps that one's numbers", () => {
    const { saves, answers, introduce } = createMemory();
    introduce("1");
    saves.shift()?.done();
    introduce("2", { term: term(2) });
    introduce("3", { last: logIndex(4) });
    introduce("4", { last: logIndex(4), mustCatchUp: true });
    saves.shift()?.done();
    expect(answers.slice(1)).toEqual(["2 older-state", "3 older-state", "4 is let in"]);
  });
});
