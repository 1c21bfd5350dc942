import { describe, expect, it } from "vitest";
import { logIndex, nodeId, term } from "../base/index.ts";
import {
  checkState,
  createConfiguration,
  createRaft,
  defaultSettings,
  type Effect,
  encodeConfiguration,
  type Message,
  propose,
  type Raft,
  step,
  takeEffects,
} from "./index.ts";

const names = ["n1", "n2", "n3"].map((name) => nodeId(name));

function member(id: string, jitter: number): Raft {
  const members = names.map((name) => ({ id: name, address: `${name}:1` }));
  return createRaft({
    id: nodeId(id),
    settings: defaultSettings,
    boot: 1,
    jitter,
    hardState: { term: term(1), votedFor: null, mustCatchUp: false },
    entries: [
      {
        index: logIndex(1),
        term: term(1),
        kind: "configuration",
        data: encodeConfiguration(createConfiguration(members)),
      },
    ],
    commit: logIndex(1),
  });
}

/** Runs a few members over a perfect network and disk until nothing moves. */
function settle(rafts: Raft[]): Effect[] {
  const all: Effect[] = [];
  for (let moved = true; moved; ) {
    moved = false;
    for (const raft of rafts) {
      const effects = takeEffects(raft);
      all.push(...effects);
      for (const effect of effects) {
        moved = true;
        if (effect.kind === "persist") step(raft, { kind: "persisted", unit: effect.unit });
        if (effect.kind === "apply") {
          const last = effect.entries.at(-1);
          if (last !== undefined) step(raft, { kind: "applied", index: last.index });
        }
        if (effect.kind === "send") deliver(rafts, effect.message);
        checkState(raft);
      }
    }
  }
  return all;
}

function deliver(rafts: Raft[], message: Message): void {
  const to = rafts.find((raft) => raft.id === message.to);
  if (to !== undefined) step(to, { kind: "receive", message });
}

function elapse(raft: Raft, count: number): void {
  for (let i = 0; i < count; i++) step(raft, { kind: "tick", nowMs: 0, jitter: 0 });
}

describe("three members over a perfect network", () => {
  it("elects, replicates, commits, applies and reads", () => {
    const rafts = [member("n1", 0), member("n2", 0.5), member("n3", 0.9)];
    const [n1, n2, n3] = rafts as [Raft, Raft, Raft];
    elapse(n1, 100);
    settle(rafts);
    expect(rafts.map((raft) => raft.role)).toEqual(["leader", "follower", "follower"]);
    expect(rafts.map((raft) => raft.commit)).toEqual([2, 2, 2]);
    expect(propose(n1, [new Uint8Array([1]), new Uint8Array([2])])).toEqual({
      kind: "appended",
      first: 3,
      term: 2,
    });
    settle(rafts);
    expect(rafts.map((raft) => raft.applied)).toEqual([4, 4, 4]);
    step(n2, { kind: "read", id: 7 });
    step(n1, { kind: "read", id: 8 });
    const answers = settle(rafts).filter((effect) => effect.kind === "read-answered");
    expect(answers).toContainEqual({ kind: "read-answered", ids: [7], index: 4 });
    expect(answers).toContainEqual({ kind: "read-answered", ids: [8], index: 4 });
    expect(propose(n3, [new Uint8Array(1)])).toEqual({ kind: "refused", why: "not-leader" });
  });

  it("tells of a commit with the entries that its answers lead to, or else one take later", () => {
    const rafts = [member("n1", 0), member("n2", 0.5), member("n3", 0.9)];
    const [n1, n2] = rafts as [Raft, Raft, Raft];
    elapse(n1, 100);
    settle(rafts);
    const commitTo = (): { follows: boolean; quiet: boolean } => {
      propose(n1, [new Uint8Array([1])]);
      for (const effect of takeEffects(n1)) {
        if (effect.kind === "send" && effect.message.to === n2.id) deliver(rafts, effect.message);
        if (effect.kind === "persist") step(n1, { kind: "persisted", unit: effect.unit });
      }
      for (const effect of takeEffects(n2)) {
        if (effect.kind === "persist") step(n2, { kind: "persisted", unit: effect.unit });
        if (effect.kind === "send") deliver(rafts, effect.message);
      }
      const effects = takeEffects(n1);
      return {
        follows: effects.some((effect) => effect.kind === "apply"),
        quiet: effects.every((effect) => effect.kind !== "send"),
      };
    };
    const newsOf = (effects: readonly Effect[]): unknown[] =>
      effects.flatMap((effect) =>
        effect.kind === "send" && effect.message.kind === "append-entries"
          ? [{ entries: effect.message.entries.length, commit: effect.message.commit }]
          : [],
      );

    expect(commitTo()).toEqual({ follows: true, quiet: true });
    expect(newsOf(takeEffects(n1))).toEqual([
      { entries: 0, commit: 3 },
      { entries: 0, commit: 3 },
    ]);
    step(n1, { kind: "applied", index: logIndex(3) });
    expect(commitTo()).toEqual({ follows: true, quiet: true });
    propose(n1, [new Uint8Array([2])]);
    expect(newsOf(takeEffects(n1))).toEqual([
      { entries: 1, commit: 4 },
      { entries: 1, commit: 4 },
    ]);
  });
});
