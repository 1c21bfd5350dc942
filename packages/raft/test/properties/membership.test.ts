/**
 * Changes of the members under random schedules: elections at any time, messages lost and late,
 * crashes, changes asked of every leader. After each step: one leader a term, what is committed
 * stays, every two configurations that could decide overlap (C1), and each is what its log says
 * (C3). In the end, with everybody back, a leader is found and no change is left half done.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodeId } from "../../src/base/index.ts";
import {
  allMembers,
  type Configuration,
  configurationAt,
  isChangePending,
  isQuorum,
  lastIndex,
  type MemberChange,
  termAt,
} from "../../src/core/index.ts";
import {
  add,
  changeAt,
  crash,
  createLab,
  deliver,
  demote,
  drop,
  elect,
  joinMember,
  type Lab,
  type LabMember,
  promote,
  proposeAt,
  remove,
  restart,
  settle,
  tick,
  timeOut,
} from "../lab/index.ts";

const names = ["n1", "n2", "n3", "n4", "n5", "n6"];
const everySet = 2 ** names.length;

/** What happens next, and to whom. */
interface Step {
  readonly kind:
    | "tick"
    | "time-out"
    | "deliver"
    | "flood"
    | "lose"
    | "crash"
    | "propose"
    | "change";
  readonly at: number;
  readonly other: number;
}

const kinds: fc.Arbitrary<Step["kind"]> = fc.oneof(
  { weight: 5, arbitrary: fc.constant("tick" as const) },
  { weight: 1, arbitrary: fc.constant("time-out" as const) },
  { weight: 8, arbitrary: fc.constant("deliver" as const) },
  { weight: 10, arbitrary: fc.constant("flood" as const) },
  { weight: 2, arbitrary: fc.constant("lose" as const) },
  { weight: 1, arbitrary: fc.constant("crash" as const) },
  { weight: 1, arbitrary: fc.constant("propose" as const) },
  { weight: 5, arbitrary: fc.constant("change" as const) },
);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ kind: kinds, at: fc.nat(999), other: fc.nat(999) }),
  { minLength: 60, maxLength: 160 },
);

interface History {
  readonly lab: Lab;
  readonly leaders: Map<number, NodeId>;
  /** The terms of what is committed, from index 1. */
  readonly committed: number[];
  /** So that the test does not pass because nothing happened. */
  readonly seen: Seen;
}

interface Seen {
  changes: number;
  done: number;
  jointLeaders: number;
  rolledBack: number;
}

function begin(seen: Seen): History {
  const lab = createLab(names.slice(0, 3));
  for (const name of names.slice(3)) joinMember(lab, name);
  for (const [i, member] of [...lab.members.values()].entries()) member.jitter = i * 0.15;
  const history: History = { lab, leaders: new Map(), committed: [1], seen };
  lab.onEffect = (member, effect) => {
    if (effect.kind === "role-changed" && effect.role === "leader") {
      expect(history.leaders.get(effect.term) ?? member.id).toBe(member.id);
      history.leaders.set(effect.term, member.id);
      if (member.raft.configuration.outgoing !== null) seen.jointLeaders++;
    }
    if (effect.kind === "persist" && effect.truncateFrom !== null) {
      if (member.raft.configurationIndex < effect.truncateFrom) seen.rolledBack++;
    }
  };
  elect(lab, "n1");
  return history;
}

function pick<T>(from: readonly T[], by: number): T | undefined {
  return from[by % Math.max(1, from.length)];
}

function take({ lab, seen }: History, { kind, at, other }: Step): void {
  const up = [...lab.members.values()].filter((member) => member.isUp);
  const member = pick(up, at);
  const leading = pick(
    up.filter(({ raft }) => raft.role === "leader"),
    at,
  );
  const message = pick(lab.network, other);
  switch (kind) {
    case "tick":
      if (member !== undefined) tick(lab, member.id, 1 + (other % 6));
      break;
    case "time-out":
      if (member === undefined) break;
      for (const { raft } of up) if (other % 2 === 0) raft.leaderContactTick = null;
      timeOut(lab, member.id);
      break;
    case "deliver":
      deliver(lab, (one) => one === message);
      break;
    case "flood":
      if (other % 3 === 0) deliver(lab);
      else deliver(lab, (one) => one.from === member?.id || one.to === member?.id);
      break;
    case "lose":
      drop(lab, (one) => one === message);
      break;
    case "crash":
      crashOrRestart(lab, pick([...lab.members.values()], at));
      break;
    case "propose":
      if (leading !== undefined) proposeAt(lab, leading.id, "x");
      break;
    case "change":
      if (leading === undefined) break;
      if (changeAt(lab, leading.id, ...changesFor(at, other)).kind === "appended") seen.changes++;
      break;
    default:
      kind satisfies never;
  }
}

function crashOrRestart(lab: Lab, member: LabMember | undefined): void {
  if (member === undefined) return;
  if (member.isUp) crash(lab, member.id);
  else restart(lab, member.id);
}

/** One step or two; many are refused, as they do not fit the members of the moment. */
function changesFor(at: number, other: number): MemberChange[] {
  const make = [(name: string) => add(name), (name: string) => add(name, "learner")];
  const every = [...make, promote, demote, remove];
  const one = (by: number): MemberChange[] => {
    const kind = pick(every, by);
    const name = pick(names, Math.floor(by / every.length));
    return kind === undefined || name === undefined ? [] : [kind(name)];
  };
  return other % 2 === 0 ? one(at) : [...one(at), ...one(other)];
}

function check(history: History): void {
  const { lab, committed } = history;
  for (const { raft } of lab.members.values()) {
    for (let index = 1; index <= raft.commit; index++) {
      const term = raft.log.entries[index - 1]?.term;
      if (index > committed.length) committed.push(term ?? 0);
      else if (committed[index - 1] !== term) expect(term).toBe(committed[index - 1]);
    }
    const newest = configurationAt(raft.log, lastIndex(raft.log));
    expect(newest.index).toBe(raft.configurationIndex);
  }
  checkOverlap(lab);
}

/** C1, over the configurations of all whose log has the newest committed one. */
function checkOverlap(lab: Lab): void {
  const rafts = [...lab.members.values()].map(({ raft }) => raft);
  const newest = rafts.reduce((a, b) =>
    a.committedConfigurationIndex >= b.committedConfigurationIndex ? a : b,
  );
  const index = newest.committedConfigurationIndex;
  const term = termAt(newest.log, index);
  const deciding = new Map<string, Configuration>();
  for (const raft of rafts) {
    if (raft.configurationIndex < index || termAt(raft.log, index) !== term) continue;
    deciding.set(JSON.stringify(raft.configuration), raft.configuration);
  }
  const all = [...deciding.values(), newest.committedConfiguration];
  if (deciding.size < 2) return;
  for (const [i, one] of all.entries()) {
    for (const other of all.slice(i + 1)) expect(findDisjoint(one, other)).toBeNull();
  }
}

/** Members that are a quorum of `one` while the rest is one of `other`, or null. */
function findDisjoint(one: Configuration, other: Configuration): number | null {
  for (let set = 0; set < everySet; set++) {
    const isIn = (id: NodeId): boolean => (set & (1 << names.indexOf(id))) !== 0;
    if (isQuorum(one, isIn) && isQuorum(other, (id) => !isIn(id))) return set;
  }
  return null;
}

/** Everybody is back, nothing is lost: in the end one leads, and its members are agreed. */
function checkEnd({ lab, seen }: History): void {
  for (const { id, isUp } of lab.members.values()) if (!isUp) restart(lab, id);
  for (let i = 0; i < 200; i++) {
    for (const name of names) tick(lab, name);
    settle(lab);
  }
  const leading = [...lab.members.values()].filter(({ raft }) => raft.role === "leader");
  expect(leading).toHaveLength(1);
  for (const { raft } of leading) {
    expect(isChangePending(raft)).toBe(false);
    seen.done += raft.configurationIndex > 1 ? 1 : 0;
    for (const { id } of allMembers(raft.configuration)) {
      const member = lab.members.get(id)?.raft;
      expect(member?.configuration).toEqual(raft.configuration);
      expect(member?.commit).toBe(raft.commit);
    }
  }
}

describe("changes of the members", () => {
  it("F1, F3: keep every two deciding configurations overlapping, whatever happens", () => {
    const seen: Seen = { changes: 0, done: 0, jointLeaders: 0, rolledBack: 0 };
    const property = fc.property(steps, (each) => {
      const history = begin(seen);
      for (const step of each) {
        take(history, step);
        check(history);
      }
      checkEnd(history);
      check(history);
    });
    fc.assert(property, { numRuns: 150, seed: 4 });
    expect(seen.changes).toBeGreaterThan(100);
    expect(seen.done).toBeGreaterThan(70);
    expect(seen.jointLeaders).toBeGreaterThan(10);
    expect(seen.rolledBack).toBeGreaterThan(0);
  });
});
