/** The dissertation's 6.3: exactly-once commands through sessions. */
import { describe, expect } from "vitest";
import { logIndex, term } from "../../src/base/index.ts";
import {
  createMachineSet,
  encodeSessionCommand,
  encodeSessionKeepAlive,
  encodeSessionOpen,
  rawMachine,
  type SessionOutcome,
} from "../../src/machine/index.ts";
import { Journal, NodeWorld } from "../node/node-world.ts";
import { paper } from "./paper.ts";

/** Two members that apply the same entries; the second one's results nobody waits for. */
function pair() {
  const [journal, other] = [new Journal(), new Journal()];
  const sets = [journal, other].map((one) => createMachineSet({ journal: rawMachine(() => one) }));
  let index = 0;
  const apply = (data: Uint8Array, timeMs = 0): SessionOutcome => {
    index++;
    const [first] = sets.map((set, at) =>
      set.apply(set.stamp(data, timeMs), logIndex(index), term(1), at === 0),
    );
    expect(sets[0]?.encodeSessions()).toEqual(sets[1]?.encodeSessions());
    expect(other.texts).toEqual(journal.texts);
    return first as SessionOutcome; // of an entry of a session
  };
  const command = (sequence: number, text: string, floor = 1, session = 1) => {
    const data = sets[0]?.encode("journal", new TextEncoder().encode(text)) ?? new Uint8Array(0);
    return encodeSessionCommand({ session, sequence, floor, command: data });
  };
  apply(encodeSessionOpen(1000));
  return { apply, command, journal };
}

describe("sessions", () => {
  paper("6.3-once", () => {
    const { apply, command, journal } = pair();
    expect(apply(command(1, "a"))).toEqual({ kind: "applied", result: 1 });
    apply(command(2, "b"));
    expect(apply(command(1, "a"))).toEqual({ kind: "applied", result: 1 });
    expect(journal.texts).toEqual(["a", "b"]);
  });

  paper("6.3-discard", () => {
    const { apply, command, journal } = pair();
    apply(command(1, "a"));
    apply(command(2, "b", 2));
    expect(apply(command(1, "a"))).toEqual({ kind: "forgotten" });
    apply(encodeSessionKeepAlive(1, 3));
    expect(apply(command(2, "b", 2))).toEqual({ kind: "forgotten" });
    expect(journal.texts).toEqual(["a", "b"]);
  });

  paper("6.3-concurrent", () => {
    const { apply, command, journal } = pair();
    for (const sequence of [3, 1, 3, 2, 1]) apply(command(sequence, String(sequence)));
    expect(journal.texts).toEqual(["3", "1", "2"]);
  });

  paper("6.3-no-session", () => {
    const { apply, command, journal } = pair();
    apply(encodeSessionOpen(9000), 500);
    expect(apply(command(1, "a", 1, 2), 1000)).toEqual({ kind: "applied", result: 1 });
    expect(apply(command(1, "b"), 1000)).toEqual({ kind: "expired" });
    expect(apply(command(1, "c", 1, 77), 1000)).toEqual({ kind: "expired" });
    expect(journal.texts).toEqual(["a"]);
  });

  paper("6.3-expiry", () => {
    const aheadMs = { a: 0, b: 1e7, c: -1e9 };
    // the world's members are those three
    const clockOf = (id: string) => ({ pace: 1, aheadMs: aheadMs[id as keyof typeof aheadMs] });
    const world = new NodeWorld({ clockOf }).startAll();
    const leader = world.leader();
    const [silent, busy] = [...world.running.values()].filter((one) => one !== leader);
    if (silent === undefined || busy === undefined) throw new Error("three members run");
    let opened = 0;
    for (const one of [silent, busy]) {
      one.member.openSession(500, 2000, (error) => {
        opened += error === null ? 1 : 0;
      });
    }
    world.clock.advance(300);
    const table = (one: typeof leader) => one.machines.encodeSessions();
    const both = table(leader).length;
    expect(opened).toBe(2);
    silent.kill();
    for (let passed = 0; passed < 400; passed += 20) {
      world.clock.advance(20);
      expect(table(leader).length).toBe(both);
    }
    world.clock.advance(1000); // the busy one's entries move time on
    expect(table(leader).length).toBeLessThan(both);
    expect(table(busy)).toEqual(table(leader));
  });
});
