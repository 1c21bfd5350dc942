/**
 * What is taken for spent is: with such messages left where they are, the members come to the same
 * states, no more and no less. (But for who still hears its leader: a silence is told apart from
 * none only when a vote is asked for, and a spent request is nobody's.)
 */
import { describe, expect, it } from "vitest";
import { explore } from "../index.ts";
import { RaftModel, raftBounds } from "./index.ts";
import { placeBefore } from "./places.ts";

/** All that the members of `model` come to together. */
function reached(model: RaftModel): Set<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  const texts = new Map<string, readonly [string, string]>();
  const queue: Uint8Array[] = [...model.initial()];
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    found.add(membersOf(model, state, texts));
    model.expand(state, (_, next) => {
      const key = textOf(next);
      if (seen.has(key)) return;
      seen.add(key);
      queue.push(next.slice());
    });
  }
  return found;
}

/** The least of the six ways to name the members. Each is preceded by its length, in two bytes. */
function membersOf(
  model: RaftModel,
  state: Uint8Array,
  texts: Map<string, readonly [string, string]>,
): string {
  const members: (readonly [string, string])[] = [];
  let at = 0;
  for (let place = 0; place < 3; place++) {
    const end = at + 2 + (state[at] ?? 0) + 256 * (state[at + 1] ?? 0);
    const bytes = state.subarray(at + 2, end);
    const key = textOf(bytes);
    const known = texts.get(key) ?? bothTexts(model, bytes);
    texts.set(key, known);
    members.push(known);
    at = end;
  }
  const ways: string[] = [];
  for (let move = 0; move < 6; move++) {
    const order = [0, 1, 2].map((place) => members[placeBefore(move, place)]);
    ways.push(order.map((texts) => texts?.[move < 3 ? 0 : 1]).join("|"));
  }
  return ways.sort()[0] ?? "";
}

/** The member, who may have heard its leader or not, and with its peers exchanged. */
function bothTexts(model: RaftModel, bytes: Uint8Array): readonly [string, string] {
  const member = model.steps.codec.decode(bytes, 0);
  member.raft.leaderContactTick = null;
  const text = textOf(model.steps.codec.encode(member));
  return [text, textOf(model.steps.codec.encode(member, true))];
}

function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

describe("spent messages", () => {
  it.each([
    { name: "crash-small", smaller: { crashesMax: 0 } },
    { name: "reads-small", smaller: { ticksMax: 0, readsMax: 0, roundsMax: 1 } },
    { name: "leases-small", smaller: { timeoutsMax: 1, clocks: { stepsMax: 1, slow: [1] } } },
    { name: "failover-small", smaller: { wakesMax: 0 } },
  ])("$name reaches the same without them", ({ name, smaller }) => {
    const small = raftBounds.find((candidate) => candidate.name === name);
    if (small === undefined) throw new Error(`There is no model ${name}`);
    const bounds = { ...small, ...smaller };
    const expected = reached(new RaftModel(bounds, true));
    const found = reached(new RaftModel(bounds));
    expect(found.size).toBeGreaterThan(50);
    expect(found).toEqual(expected);
    const all = explore(new RaftModel(bounds, true)).statistics.distinct;
    expect(all).toBeGreaterThan(explore(new RaftModel(bounds)).statistics.distinct);
  });
});
