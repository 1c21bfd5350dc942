/**
 * Snapshots under random schedules: members take them and drop their logs at any time, changes of
 * the members go on, messages are lost and late, disks are slow, members crash between any two
 * writes, snapshots arrive late, from anybody who has them, and reports of that are lost. After
 * each step: what is committed stays, machines hold exactly that, every log follows its base, one
 * leader a term. In the end, with everybody back, all catch up.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodeId } from "../../src/base/index.ts";
import {
  allMembers,
  isChangePending,
  type MemberChange,
  type Raft,
  termAt,
} from "../../src/core/index.ts";
import {
  add,
  changeAt,
  compact,
  crash,
  createLab,
  deliver,
  demote,
  drop,
  elect,
  giveSnapshot,
  joinMember,
  type Lab,
  type LabMember,
  type LabSnapshot,
  lastIndexOn,
  type Offer,
  persist,
  promote,
  proposeAt,
  receiveSnapshot,
  remove,
  report,
  restart,
  setDisk,
  settle,
  takeSnapshot,
  tick,
  timeOut,
} from "../lab/index.ts";

const names = ["n1", "n2", "n3", "n4", "n5"];

/** What happens next, and to whom. */
interface Step {
  readonly kind:
    | "tick"
    | "time-out"
    | "deliver"
    | "flood"
    | "lose"
    | "crash"
    | "disk"
    | "persist"
    | "propose"
    | "change"
    | "snapshot"
    | "compact"
    | "fetch"
    | "arrive"
    | "copy"
    | "work"
    | "depose"
    | "report";
  readonly at: number;
  readonly other: number;
}

function weighted(weight: number, kind: Step["kind"]): fc.WeightedArbitrary<Step["kind"]> {
  return { weight, arbitrary: fc.constant(kind) };
}

const kinds: fc.Arbitrary<Step["kind"]> = fc.oneof(
  weighted(5, "tick"),
  weighted(1, "time-out"),
  weighted(6, "deliver"),
  weighted(10, "flood"),
  weighted(2, "lose"),
  weighted(2, "crash"),
  weighted(1, "disk"),
  weighted(4, "persist"),
  weighted(4, "propose"),
  weighted(2, "change"),
  weighted(3, "snapshot"),
  weighted(4, "compact"),
  weighted(4, "fetch"),
  weighted(4, "arrive"),
  weighted(2, "copy"),
  weighted(6, "work"),
  weighted(3, "depose"),
  weighted(2, "report"),
);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ kind: kinds, at: fc.nat(999), other: fc.nat(999) }),
  { minLength: 80, maxLength: 200 },
);

/** A snapshot on its way: no crash of who sent it stops it. */
interface Transfer {
  readonly offer: Offer;
  readonly snapshot: LabSnapshot;
}

interface History {
  readonly lab: Lab;
  readonly leaders: Map<number, NodeId>;
  /** The terms of what is committed, from index 1. */
  readonly committed: number[];
  transfers: Transfer[];
  /** So that the test does not pass because nothing happened. */
  readonly seen: Seen;
}

interface Seen {
  kept: number;
  replaced: number;
  covered: number;
  dropped: number;
  installsLost: number;
}

function begin(seen: Seen): History {
  const lab = createLab(names.slice(0, 3), { settings: { snapshotTicks: 30 } });
  for (const name of names.slice(3)) joinMember(lab, name);
  for (const [i, member] of [...lab.members.values()].entries()) member.jitter = i * 0.15;
  const history: History = { lab, leaders: new Map(), committed: [1], transfers: [], seen };
  lab.onEffect = (member, effect) => {
    if (effect.kind === "role-changed" && effect.role === "leader") {
      expect(history.leaders.get(effect.term) ?? member.id).toBe(member.id);
      history.leaders.set(effect.term, member.id);
    } else if (effect.kind === "install-snapshot") {
      if (effect.replacesLog) seen.replaced++;
      else seen.kept++;
    } else if (effect.kind === "snapshot-refused") {
      expect(effect.why).toBe("covered"); // all of them are of this cluster's history
      seen.covered++;
    }
  };
  elect(lab, "n1");
  return history;
}

function pick<T>(from: readonly T[], by: number): T | undefined {
  return from[by % Math.max(1, from.length)];
}

function take(history: History, step: Step): void {
  const { lab } = history;
  const { kind, at, other } = step;
  const up = [...lab.members.values()].filter((member) => member.isUp);
  const member = pick(up, at);
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
    case "flood":
    case "lose":
      onNetwork(lab, step, member);
      break;
    case "crash":
      crashOrRestart(history, pick([...lab.members.values()], at));
      break;
    case "disk":
      if (member !== undefined) setDisk(lab, member.id, other % 3 === 0 ? "fast" : "slow");
      break;
    case "persist":
      if (member !== undefined) persist(lab, member.id, 1 + (other % 3));
      break;
    default:
      onMember(history, step, up);
  }
}

function onNetwork(lab: Lab, { kind, other }: Step, member: LabMember | undefined): void {
  const message = pick(lab.network, other);
  if (kind === "lose") drop(lab, (one) => one === message);
  else if (kind === "deliver") deliver(lab, (one) => one === message);
  else if (other % 3 === 0) deliver(lab);
  else deliver(lab, (one) => one.from === member?.id || one.to === member?.id);
}

function onMember(history: History, { kind, at, other }: Step, up: readonly LabMember[]): void {
  const { lab } = history;
  const member = pick(up, at);
  const leading = pick(
    up.filter(({ raft }) => raft.role === "leader"),
    at,
  );
  if (kind === "propose") {
    if (leading !== undefined) proposeAt(lab, leading.id, "x");
  } else if (kind === "work") {
    if (leading !== undefined) workWithout(lab, leading, pick(names, other));
  } else if (kind === "depose") {
    if (leading !== undefined) depose(lab, leading, up, other);
  } else if (kind === "copy") {
    if (member !== undefined) copy(lab, member, pick(up, other));
  } else if (kind === "change") {
    if (leading !== undefined) changeAt(lab, leading.id, ...changesFor(at, other));
  } else if (kind === "fetch") fetchFrom(history, pick(lab.offers, at), other);
  else if (kind === "arrive") arrive(history, pick(history.transfers, at), other);
  else if (kind === "report") {
    const peer = pick(names, other);
    const what = pick(["snapshot-sent", "snapshot-failed", "snapshot-moving"] as const, other);
    if (leading === undefined || peer === undefined || what === undefined) return;
    report(lab, offerTo(leading, peer), what);
  } else if (member !== undefined) snapshotOrCompact(history, kind, member, other);
}

/** The others go on: `without` hears nothing of it. */
function workWithout(lab: Lab, leader: LabMember, without: string | undefined): void {
  for (let i = 0; i < 3; i++) {
    proposeAt(lab, leader.id, "x");
    drop(lab, (one) => one.to === without || one.from === without);
    deliver(lab);
    drop(lab, (one) => one.to === without || one.from === without);
    deliver(lab);
  }
  if (leader.raft.applied > leader.raft.log.base.index) takeSnapshot(lab, leader.id);
}

/** A leader is left with entries of its own, and perhaps one follower; the others elect another. */
function depose(lab: Lab, old: LabMember, up: readonly LabMember[], other: number): void {
  const rest = up.filter((member) => member !== old);
  const follower = other % 2 === 0 ? pick(rest, other) : undefined;
  proposeAt(lab, old.id, "x", "y", "z");
  deliver(lab, (one) => one.from === old.id && one.to === follower?.id);
  const next = pick(
    rest.filter((member) => member !== follower),
    other,
  );
  if (next === undefined) return;
  for (const { raft } of rest) if (raft.role !== "leader") raft.leaderContactTick = null;
  timeOut(lab, next.id);
  for (let i = 0; i < 5; i++) {
    drop(lab, ({ from, to }) => [from, to].some((id) => id === old.id || id === follower?.id));
    deliver(lab);
  }
}

/** A member gets what another has on its disk, unasked, in the term that this one is in. */
function copy(lab: Lab, to: LabMember, from: LabMember | undefined): void {
  if (from?.image.snapshot == null) return;
  giveSnapshot(lab, to.id, from.image.snapshot, from.image.hardState.term);
}

function snapshotOrCompact(
  { lab, seen }: History,
  kind: Step["kind"],
  member: LabMember,
  other: number,
): void {
  if (kind === "snapshot") {
    if (member.applied.length > 0) takeSnapshot(lab, member.id);
    return;
  }
  const { base } = member.raft.log;
  const after = compact(lab, member.id, base.index + 1 + (other % 8));
  seen.dropped += after.index - base.index;
}

/** Who has what was offered, the leader or another; nobody may. */
function fetchFrom(history: History, offer: Offer | undefined, other: number): void {
  const { lab } = history;
  if (offer === undefined) return;
  lab.offers = lab.offers.filter((one) => one !== offer);
  const have = [...lab.members.values()].filter(({ isUp, image }) => {
    return isUp && image.snapshot?.position.index === offer.position.index;
  });
  const snapshot = pick(have, other)?.image.snapshot;
  if (snapshot == null) report(lab, offer, "snapshot-failed");
  else history.transfers.push({ offer, snapshot });
}

/** Sometimes twice, and sometimes nobody tells the leader. */
function arrive(history: History, transfer: Transfer | undefined, other: number): void {
  const { lab } = history;
  if (transfer === undefined || lab.members.get(transfer.offer.peer)?.isUp !== true) return;
  if (other % 4 !== 0) history.transfers = history.transfers.filter((one) => one !== transfer);
  receiveSnapshot(lab, transfer.offer, transfer.snapshot);
  if (other % 3 !== 0) report(lab, transfer.offer, "snapshot-sent");
}

function offerTo(leader: LabMember, peer: string): Offer {
  const { id, raft } = leader;
  const position = raft.log.base;
  const of = { kind: "snapshot-needed", position, term: raft.hardState.term } as const;
  return { ...of, leader: id, peer: peer as NodeId }; // a name of the lab
}

function crashOrRestart({ lab, seen }: History, member: LabMember | undefined): void {
  if (member === undefined) return;
  if (!member.isUp) {
    restart(lab, member.id);
    return;
  }
  if (member.writing.some(({ kind }) => kind === "install-snapshot")) seen.installsLost++;
  crash(lab, member.id);
}

function changesFor(at: number, other: number): MemberChange[] {
  const make = [(name: string) => add(name), (name: string) => add(name, "learner")];
  const kind = pick([...make, promote, demote, remove], at);
  const name = pick(names, other);
  return kind === undefined || name === undefined ? [] : [kind(name)];
}

function check({ lab, committed }: History): void {
  for (const member of lab.members.values()) {
    const { raft, image, applied } = member;
    const { base } = raft.log;
    expect(base.index).toBeLessThanOrEqual(raft.applying);
    for (let index = base.index; index <= raft.commit; index++) {
      const term = termOf(raft, index);
      if (index > committed.length) committed.push(term ?? 0);
      else if (index > 0 && committed[index - 1] !== term) expect(term).toBe(committed[index - 1]);
    }
    expect(image.base.index).toBeLessThanOrEqual(image.snapshot?.position.index ?? 0);
    const wrong = applied.findIndex(({ index, term }, i) => {
      return index !== i + 1 || term !== committed[i];
    });
    expect(wrong).toBe(-1);
    expect(applied.length).toBeLessThanOrEqual(raft.commit);
    if (member.isUp) checkDisk(member, committed);
  }
}

/**
 * What a member takes for durable is on its disk: as it is in its log, or in what it stands for.
 */
function checkDisk({ raft, image }: LabMember, committed: readonly number[]): void {
  const { base } = raft.log;
  expect(raft.durableIndex).toBeLessThanOrEqual(lastIndexOn(image));
  for (let index = image.base.index + 1; index <= raft.durableIndex; index++) {
    const term = index <= base.index ? committed[index - 1] : termOf(raft, index);
    const onDisk = image.entries[index - image.base.index - 1]?.term;
    if (onDisk !== term) expect(`${index} is of term ${onDisk}`).toBe(`${index} of term ${term}`);
  }
}

function termOf(raft: Raft, index: number): number | undefined {
  return termAt(raft.log, index as typeof raft.commit); // between two indexes
}

/** Everybody is back, nothing is lost: in the end all have all. */
function checkEnd(history: History): void {
  const { lab } = history;
  for (const { id, isUp } of lab.members.values()) if (!isUp) restart(lab, id);
  for (const name of names) setDisk(lab, name, "fast");
  for (let i = 0; i < 200; i++) {
    for (const name of names) tick(lab, name);
    settle(lab);
    for (const offer of lab.offers) fetchFrom(history, offer, 0);
    for (const transfer of history.transfers) arrive(history, transfer, 1 + (i % 3));
    settle(lab);
  }
  const leading = [...lab.members.values()].filter(({ raft }) => raft.role === "leader");
  expect(leading).toHaveLength(1);
  for (const { raft, applied } of leading) {
    expect(isChangePending(raft)).toBe(false);
    for (const { id } of allMembers(raft.configuration)) {
      const member = lab.members.get(id);
      expect(member?.raft.configuration).toEqual(raft.configuration);
      expect(member?.raft.commit).toBe(raft.commit);
      expect(member?.applied.length).toBe(applied.length);
      expect(raft.leadership?.peers.get(id)?.mode ?? "replicate").toBe("replicate");
    }
  }
}

describe("snapshots", () => {
  it("keep what is committed, whatever happens, and bring everybody up to date", () => {
    const seen: Seen = { kept: 0, replaced: 0, covered: 0, dropped: 0, installsLost: 0 };
    const property = fc.property(steps, (each) => {
      const history = begin(seen);
      for (const step of each) {
        take(history, step);
        check(history);
      }
      checkEnd(history);
      check(history);
    });
    fc.assert(property, { numRuns: 120, seed: 16 });
    expect(seen.replaced).toBeGreaterThan(40);
    expect(seen.kept).toBeGreaterThan(0);
    expect(seen.covered).toBeGreaterThan(20);
    expect(seen.dropped).toBeGreaterThan(300);
    expect(seen.installsLost).toBeGreaterThan(0);
  });
});
