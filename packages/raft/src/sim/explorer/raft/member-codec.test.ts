/**
 * What the bytes of a member leave out decides nothing, and what they keep is all there: members
 * that live for long, without ever being encoded, do what their decoded copies do; and a change of
 * any field shows.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type LogIndex,
  logIndex,
  type PersistUnit,
  persistUnit,
  term,
} from "../../../base/index.ts";
import type { LeasePromise, Persist, Progress, Raft, Transfer } from "../../../core/index.ts";
import { checkState } from "../../../core/index.ts";
import type { Bounds } from "./bounds.ts";
import { fastMs, leaseSettings, slowMs } from "./clocks.ts";
import { entryOf, idAt } from "./entries.ts";
import { createMember, createOptions, type Member, maySnapshot, type Outcome } from "./member.ts";
import { MemberCodec } from "./member-codec.ts";
import { inputs, receiveAt, runLocalInput } from "./member-steps.ts";
import { directionOf, encodeMessage, type WorldMessage } from "./messages.ts";

const bounds: Bounds = {
  name: "codec",
  preVote: false,
  checkQuorum: false,
  termMax: 5,
  timeoutsMax: 9,
  proposalsMax: 1,
  crashesMax: 9,
  roundsMax: 6,
  ticksMax: 9,
  readsMax: 2,
  duplicatesMax: "unlimited",
  followerReads: true,
  asyncDisk: true,
  storesCommit: true,
};

const { leaseMs } = leaseSettings;
const leases = { followerReads: false, clocks: { stepsMax: 7, slow: [1] } };

const variants: readonly Bounds[] = [
  bounds,
  { ...bounds, preVote: true, checkQuorum: true },
  { ...bounds, snapshotsMax: 9 },
  { ...bounds, preVote: true, checkQuorum: true, followerReads: false, storesCommit: false },
  { ...bounds, ...leases },
  { ...bounds, ...leases, transfersMax: 1 },
  { ...bounds, preVote: true, checkQuorum: true, transfersMax: 1, gonesMax: 1, wakesMax: 1 },
];

/** Three members that live on, and all that they ever sent. */
interface Walk {
  readonly codec: MemberCodec;
  readonly members: readonly Member[];
  readonly net: WorldMessage[];
  proposals: number;
  reads: number;
  time: number;
}

function createWalk(of: Bounds): Walk {
  const options = createOptions(of);
  const rateOf = (place: number): number => (place === 0 ? slowMs : fastMs);
  const members = [0, 1, 2].map((place) =>
    createMember(place, options, options.hasLeases ? rateOf(place) : 0),
  );
  return { codec: new MemberCodec(options), members, net: [], proposals: 0, reads: 0, time: 0 };
}

type Choice = number | WorldMessage;

/** Local inputs that make sense, and the messages for the member: none that leads out of bounds. */
function choices(walk: Walk, member: Member, mayCrash: boolean): Choice[] {
  const { raft } = member;
  const found: Choice[] = walk.net.filter((message) => message.to === raft.id);
  const leads = raft.role === "leader";
  const { hasLeases } = member.options;
  const isEarly = raft.hardState.term < bounds.termMax - 1;
  const mayOpen = leads && (raft.leadership?.round ?? 0) < 4;
  const timer = hasLeases ? inputs.timerAt + walk.time : inputs.electionTimer;
  if (!leads && isEarly) found.push(timer);
  if (!leads && !hasLeases) found.push(inputs.lull);
  if (mayOpen || (hasLeases && !leads)) {
    found.push(hasLeases ? inputs.tickAt + walk.time : inputs.tick);
  }
  if (hasLeases && mayOpen) found.push(inputs.leaseRead + walk.time);
  for (const digit of [1, 2]) {
    if (mayOpen && isEarly && member.options.handsOver) found.push(inputs.transfer + digit);
    if (!leads && member.options.seesGone) found.push(inputs.gone + digit);
  }
  if (raft.failover !== null && isEarly) found.push(inputs.wake);
  if (member.pending.length > 0) found.push(inputs.persisted, inputs.persisted);
  for (let kept = 0; mayCrash && kept <= member.pending.length; kept++) {
    found.push(inputs.crash + kept);
  }
  if (leads && walk.proposals < 1) found.push(inputs.propose + 1);
  if (member.options.takesSnapshots && maySnapshot(member)) found.push(inputs.snapshot);
  for (const digit of [1, 2]) {
    const peer = raft.leadership?.peers.get(idAt((member.place + digit) % 3));
    if (peer?.offer != null) found.push(inputs.fail + digit);
  }
  const mayRead = leads || (member.options.followerReads && raft.leader !== null);
  if (mayRead && walk.reads < 2) found.push(inputs.read + walk.reads + 1);
  return found;
}

function run(member: Member, what: Choice): Outcome {
  return typeof what === "number" ? runLocalInput(member, what) : receiveAt(member, what, false);
}

function describeOutcome(outcome: Outcome): string {
  // How often a message leaves is nobody's business: it may arrive any number of times.
  const left = outcome.left.map((message) => encodeMessage(message, directionOf(message)));
  return JSON.stringify([[...new Set(left)].sort((a, b) => a - b), outcome.answers]);
}

/** One step of a member that lives on and of its copy; `visit` sees the copy before. */
function advance(walk: Walk, dice: number, visit: (member: Member) => void): void {
  const member = walk.members[dice % 3];
  if (member === undefined) return;
  if (member.options.hasLeases && dice % 11 === 0 && walk.time < 7) walk.time++;
  const possible = choices(walk, member, dice % 5 === 0);
  const what = possible[Math.floor(dice / 3) % possible.length];
  if (what === undefined) return;
  if (what === inputs.propose + 1) walk.proposals++;
  if (typeof what === "number" && what > inputs.read && what < inputs.crash) walk.reads++;
  perform(walk, member, what, visit);
}

/** What happens to the member happens to its copy, too, and comes to the same. */
function perform(walk: Walk, member: Member, what: Choice, visit: (member: Member) => void): void {
  const bytes = walk.codec.encode(member).slice();
  const copy = walk.codec.decode(bytes, member.place);
  expect(walk.codec.encode(copy)).toEqual(bytes);
  visit(copy);
  const again = walk.codec.decode(bytes, member.place);
  const outcome = run(member, what);
  const outcomeAgain = run(again, what);
  expect(describeOutcome(outcomeAgain)).toBe(describeOutcome(outcome));
  expect(walk.codec.encode(again).slice()).toEqual(walk.codec.encode(member));
  for (const message of outcome.left) walk.net.push(message);
}

/** a and b do without c until the log that c lacks is gone: a walk does not get there by chance. */
function visitOffer(visit: (codec: MemberCodec, member: Member) => void): void {
  const walk = createWalk({ ...bounds, snapshotsMax: 9 });
  const [a, , c] = walk.members;
  if (a === undefined || c === undefined) throw new Error("There are three members");
  const perform = (member: Member, what: Choice): void => {
    walk.net.push(...run(member, what).left);
    const copy = walk.codec.decode(walk.codec.encode(member).slice(), member.place);
    checkState(copy.raft);
    visit(walk.codec, copy);
  };
  const settle = (isThere: (member: Member) => boolean): void => {
    for (;;) {
      const busy = walk.members.find((member) => isThere(member) && member.pending.length > 0);
      if (busy !== undefined) perform(busy, inputs.persisted);
      const at = walk.net.findIndex(({ to }) =>
        walk.members.some((m) => isThere(m) && m.raft.id === to),
      );
      const [message] = at < 0 ? [] : walk.net.splice(at, 1);
      const to = walk.members.find(({ raft }) => raft.id === message?.to);
      if (message !== undefined && to !== undefined) perform(to, message);
      if (busy === undefined && message === undefined) return;
    }
  };
  perform(a, inputs.electionTimer);
  settle((member) => member !== c);
  walk.net.length = 0; // what c was sent is lost
  perform(a, inputs.snapshot);
  settle(() => true);
  expect(c.image.snapshot).toBeGreaterThan(0);
}

/**
 * A leader hands over, which a walk does by chance too late: all is delivered as it was sent, but
 * for the orders, and then it gives up. With leases these are given back meanwhile. Then another
 * sees that it is gone, which it is not.
 */
function visitLeadership(of: Bounds, visit: (codec: MemberCodec, member: Member) => void): void {
  const walk = createWalk(of);
  const [a, b] = walk.members;
  if (a === undefined || b === undefined) throw new Error("There are three members");
  const { hasLeases } = a.options;
  const see = (member: Member): void => visit(walk.codec, member);
  const settle = (): void => {
    for (let message = walk.net.shift(); message !== undefined; message = walk.net.shift()) {
      const { to, kind } = message;
      const member = walk.members.find(({ raft }) => raft.id === to);
      if (member !== undefined && kind !== "timeout-now") perform(walk, member, message, see);
    }
  };
  perform(walk, a, hasLeases ? inputs.timerAt : inputs.electionTimer, see);
  settle();
  perform(walk, a, inputs.transfer + 1, see);
  settle();
  expect(a.raft.leadership?.transfer?.toldRound).toBeGreaterThan(0);
  for (let ticks = 0; ticks < 2; ticks++) {
    perform(walk, a, hasLeases ? inputs.tickAt + 1 : inputs.tick, see);
    settle();
  }
  expect(a.raft.leadership?.transfer).toBeNull();
  if (!b.options.seesGone) return;
  for (const what of [inputs.gone + 2, inputs.wake]) perform(walk, b, what, see);
  expect(b.raft.role).toBe("pre-candidate");
  settle();
}

type Change = (member: Member, raft: Raft) => boolean;

function up(index: LogIndex): LogIndex {
  return logIndex(index + 1);
}

function first(raft: Raft): Progress | undefined {
  return raft.leadership?.peers.values().next().value;
}

/** Changes something in the state; false where there is no such thing. */
function changeProgress(change: (progress: Progress) => void): Change {
  return (_, raft) => {
    const progress = first(raft);
    if (progress === undefined) return false;
    change(progress);
    return true;
  };
}

const changes: Readonly<Record<string, Change>> = {
  term: (_, raft) => {
    raft.hardState = { ...raft.hardState, term: term(raft.hardState.term + 1) };
    return true;
  },
  votedFor: (_, raft) => {
    const votedFor = raft.hardState.votedFor === raft.id ? null : raft.id;
    raft.hardState = { ...raft.hardState, votedFor };
    return true;
  },
  leader: (_, raft) => {
    if (raft.role !== "follower") return false;
    const other = idAt(raft.id === "a" ? 1 : 0);
    raft.leader = raft.leader === other ? null : other;
    raft.told = { ...raft.told, leader: raft.leader };
    return true;
  },
  role: (_, raft) => {
    if (raft.role !== "candidate") return false;
    raft.role = "follower";
    raft.campaign = null;
    raft.told = { ...raft.told, role: "follower" };
    return true;
  },
  commit: (_, raft) => {
    if (raft.leadership !== null) return false;
    raft.commit = raft.applied = raft.applying = up(raft.commit);
    return true;
  },
  log: (_, raft) => {
    raft.log.entries[raft.log.entries.length] = entryOf(raft.log.entries.length + 1, 31);
    raft.unstableFrom = up(raft.unstableFrom);
    return raft.leadership === null;
  },
  durableIndex: (_, raft) => {
    raft.durableIndex = up(raft.durableIndex);
    return true;
  },
  verified: (_, raft) => {
    raft.verified = up(raft.verified);
    return true;
  },
  leaderCommit: (_, raft) => {
    raft.leaderCommit = up(raft.leaderCommit);
    return true;
  },
  answeredRound: (_, raft) => {
    raft.answeredRound++;
    return true;
  },
  hardStateUnit: (_, raft) => {
    raft.hardStateUnit = persistUnit(Math.max(raft.hardStateUnit, raft.durableUnit) + 1);
    return true;
  },
  leaderContactTick: (_, raft) => {
    if (!raft.settings.checkQuorum) return false;
    raft.leaderContactTick = raft.leaderContactTick === null ? raft.nowTick : null;
    return true;
  },
  "disk: term": ({ image }) => {
    image.term++;
    return true;
  },
  "disk: vote": ({ image }) => {
    image.vote = image.vote === 1 ? -1 : 1;
    return true;
  },
  "disk: commit": ({ image, options }) => {
    image.commit++;
    return options.storesCommit;
  },
  "disk: log": ({ image }) => {
    image.log = [...image.log, entryOf(image.log.length + 1, 31)];
    return true;
  },
  "unit: hard state": (member, raft) =>
    changeUnit(member, { hardState: raft.hardState }, "hardState"),
  "unit: truncation": (member) => changeUnit(member, { truncateFrom: logIndex(7) }, "truncateFrom"),
  "unit: entries": (member) => changeUnit(member, { entries: [entryOf(6, 31)] }, "entries"),
  "unit: last index": (_, raft) => {
    const [unit] = raft.outstanding;
    if (unit === undefined) return false;
    unit.lastIndex = up(unit.lastIndex);
    return true;
  },
  "held: message": (member) => {
    const [send] = member.held;
    const { message } = send ?? {};
    if (send === undefined || message === undefined) return false;
    const newer = { ...message, term: term(message.term + 1) };
    member.held = [{ ...send, message: newer }, ...member.held.slice(1)];
    return true;
  },
  "held: unit": (member, raft) => {
    const [send] = member.held;
    if (send === undefined || member.held.length > 1) return false;
    const after = send.after > raft.durableUnit + 1 ? send.after - 1 : send.after + 1;
    member.held = [{ ...send, after: after as PersistUnit }]; // one of two units
    return true;
  },
  "campaign: grants": (_, { campaign }) => {
    if (campaign === null) return false;
    if (!campaign.grants.delete(idAt(2))) campaign.grants.add(idAt(2));
    return true;
  },
  "campaign: refusals": (_, { campaign }) => {
    if (campaign === null) return false;
    if (!campaign.refusals.delete(idAt(1))) campaign.refusals.add(idAt(1));
    return true;
  },
  "leadership: round": (_, { leadership }) => {
    if (leadership === null) return false;
    leadership.round++;
    return true;
  },
  "leadership: start": (_, raft) => {
    const { leadership } = raft;
    if (leadership === null) return false;
    raft.leadership = { ...leadership, termStart: up(leadership.termStart) };
    return true;
  },
  "leadership: rounds' ticks": (_, { leadership, settings }) => {
    if (!settings.checkQuorum) return false;
    return leadership?.roundTicks.pop() !== undefined && leadership.roundTicks.length === 0;
  },
  "leadership: reads": (_, { leadership }) => leadership?.pendingReads.pop() !== undefined,
  "progress: matched": changeProgress((progress) => {
    progress.matched = up(progress.matched);
  }),
  "progress: next": changeProgress((progress) => {
    progress.next = up(progress.next);
  }),
  "progress: mode": changeProgress((progress) => {
    progress.mode = progress.mode === "probe" ? "replicate" : "probe";
    progress.offer = null;
  }),
  "progress: offer": (_, raft) => {
    const peers = [...(raft.leadership?.peers.values() ?? [])];
    const offer = peers.find((progress) => progress.offer !== null)?.offer ?? null;
    if (offer !== null) offer.isSent = !offer.isSent;
    return offer !== null;
  },
  "snapshot: durable": (_, raft) => {
    const has = raft.snapshot !== null;
    raft.snapshot = null;
    return has;
  },
  "disk: snapshot": ({ image, options }) => {
    image.snapshot++;
    return options.takesSnapshots;
  },
  "disk: base": ({ image, options }) => {
    image.base++;
    return options.takesSnapshots;
  },
  "unit: install": (member) => {
    const [unit, ...rest] = member.pending;
    if (unit?.kind !== "install-snapshot") return false;
    member.pending = [{ ...unit, replacesLog: !unit.replacesLog }, ...rest];
    return true;
  },
  "progress: probe": changeProgress((progress) => {
    progress.probeSequence = progress.probeSequence === null ? 0 : null;
  }),
  "progress: probing since": (_, raft) => {
    const progress = first(raft);
    if (progress?.mode !== "probe") return false;
    progress.probeSince++;
    return true;
  },
  "progress: in flight": changeProgress((progress) => {
    if (progress.inflight.pop() === undefined) {
      progress.inflight.push({ sequence: 1, last: logIndex(1), bytes: 0 });
    }
  }),
  "progress: sequence": changeProgress((progress) => {
    progress.sequence++;
  }),
  "progress: matched sequence": changeProgress((progress) => {
    progress.matchedSequence++;
  }),
  "progress: sent round": changeProgress((progress) => {
    progress.sentRound++;
  }),
  "progress: answered round": changeProgress((progress) => {
    progress.ackedRound++;
  }),
  "progress: sent commit": changeProgress((progress) => {
    progress.sentCommit = up(progress.sentCommit);
  }),
  "progress: contact": (_, raft) => {
    const progress = first(raft);
    if (progress === undefined || !raft.settings.checkQuorum) return false;
    const age = raft.nowTick - progress.contactTick;
    progress.contactTick = age > 0 ? raft.nowTick : raft.nowTick - 1;
    return true;
  },
  "hard state: promise": (_, raft) => {
    const { promisedMs = 0, ...rest } = raft.hardState;
    raft.hardState = promisedMs > 0 ? rest : { ...rest, promisedMs: leaseMs };
    return true;
  },
  "disk: promise": ({ image }) => {
    image.promisedMs = image.promisedMs > 0 ? 0 : leaseMs;
    return true;
  },
  "lease: rate": (member) => changeRate(member),
  "lease: clock": ({ options }, raft) => {
    raft.nowMs -= 1; // nothing is over by that
    return options.hasLeases && (raft.role !== "follower" || options.handsOver);
  },
  "promise: pending": changePromise(({ pendingMs }) => ({ pendingMs: leaseMs - pendingMs })),
  "promise: until": changePromise(() => ({ untilMs: 99 })),
  "promise: round": changePromise(({ round }, { hardState }) => ({
    round: round + 1,
    term: hardState.term,
  })),
  "promise: former, pending": changePromise(({ formerPendingMs }) => ({
    formerPendingMs: leaseMs - formerPendingMs,
  })),
  "promise: former, until": changePromise(() => ({ formerUntilMs: 99 })),
  "progress: lease": (member, raft) => {
    const progress = first(raft);
    if (progress === undefined) return false;
    progress.leaseUntilMs = 99;
    return member.options.hasLeases;
  },
  "leadership: rounds' times": ({ options }, { leadership, nowMs }) => {
    const [round] = leadership?.roundTicks ?? [];
    if (leadership === null || round === undefined || !options.hasLeases) return false;
    leadership.roundTicks[0] = { ...round, ms: nowMs + 90 };
    return true;
  },
  "leadership: lease from": ({ options }, { leadership }) => {
    if (leadership === null || !options.handsOver) return false;
    leadership.leaseFromRound = leadership.leaseFromRound === null ? 1 : null;
    return true;
  },
  "transfer: to": changeTransfer((transfer, raft) => ({
    ...transfer,
    to: [0, 1, 2].map(idAt).find((id) => id !== raft.id && id !== transfer.to) ?? transfer.to,
  })),
  "transfer: told": changeTransfer((now) => ({ ...now, toldRound: now.toldRound + 1 })),
  "transfer: release": changeTransfer((now) => ({ ...now, releaseRound: now.releaseRound + 1 })),
  "transfer: since": changeTransfer((now) => ({ ...now, sinceTick: now.sinceTick - 1 })),
  "transfer: none": changeTransfer(() => null),
  "heard round": ({ options }, raft) => {
    raft.heardRound++;
    return options.handsOver;
  },
  "campaign: by order": ({ options }, raft) => {
    if (raft.campaign === null || !options.handsOver) return false;
    raft.campaign = { ...raft.campaign, isTransfer: !raft.campaign.isTransfer };
    return true;
  },
  failover: (_, raft) => {
    const { failover } = raft;
    raft.failover = null;
    return failover !== null;
  },
  "reads: batch": ({ options }, raft) => {
    raft.readBatch++;
    return options.followerReads;
  },
  "reads: asked": ({ options }, raft) => {
    raft.readsAsked.set(5, { ids: [1], tick: 0 });
    return options.followerReads;
  },
  "reads: boot": (member, raft) => {
    member.raft = { ...raft, boot: raft.boot + 1 };
    return member.options.followerReads;
  },
};

/** No field of the core's, and one that never changes. */
function changeRate(member: Member): boolean {
  Object.assign(member, { rateMs: member.rateMs + 1 });
  return member.options.hasLeases;
}

function changePromise(
  change: (promise: LeasePromise, raft: Raft) => Partial<LeasePromise>,
): Change {
  return ({ options }, raft) => {
    Object.assign(raft.promise, change(raft.promise, raft));
    return options.hasLeases;
  };
}

function changeTransfer(change: (transfer: Transfer, raft: Raft) => Transfer | null): Change {
  return (_, raft) => {
    const { leadership } = raft;
    if (leadership === null || leadership.transfer === null) return false;
    leadership.transfer = change(leadership.transfer, raft);
    return true;
  };
}

function changeUnit(member: Member, patch: Partial<Persist>, field: keyof Persist): boolean {
  const [unit, ...rest] = member.pending;
  if (unit?.kind !== "persist" || JSON.stringify(unit[field]) === JSON.stringify(patch[field])) {
    return false;
  }
  member.pending = [{ ...unit, ...patch }, ...rest];
  return true;
}

/** Encodes what may be no state of a member at all: then it is refused, which shows as well. */
function encodeAnyway(codec: MemberCodec, member: Member): string {
  try {
    return codec.encode(member).join(" ");
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message : ""}`;
  }
}

describe("the bytes of a member", () => {
  it("hold all that decides what it does", () => {
    const dice = fc.array(fc.nat(1_000_000), { minLength: 20, maxLength: 70 });
    fc.assert(
      fc.property(fc.constantFrom(...variants), dice, (of, rolls) => {
        const walk = createWalk(of);
        for (const roll of rolls) advance(walk, roll, () => undefined);
      }),
      { numRuns: 100 },
    );
  });

  it("show a change of any field", () => {
    const shown = new Map(Object.keys(changes).map((name) => [name, 0]));
    const dice = fc.array(fc.nat(1_000_000), { minLength: 60, maxLength: 120 });
    fc.assert(
      fc.property(fc.constantFrom(...variants), dice, (of, rolls) => {
        const walk = createWalk(of);
        for (const roll of rolls) {
          advance(walk, roll, (copy) => expectChangesToShow(walk.codec, copy, shown));
        }
      }),
      { numRuns: 40, seed: 7 },
    );
    visitOffer((codec, copy) => expectChangesToShow(codec, copy, shown));
    for (const more of [{ preVote: true, checkQuorum: true, gonesMax: 1 }, leases]) {
      const of = { ...bounds, ...more, transfersMax: 1, asyncDisk: false };
      visitLeadership(of, (codec, copy) => expectChangesToShow(codec, copy, shown));
    }
    for (const [name, count] of shown) expect(count, name).toBeGreaterThan(0);
  });

  it("do not depend on where the member stands", () => {
    const codec = new MemberCodec(createOptions(bounds));
    const all = [0, 1, 2].map((place) => createMember(place, createOptions(bounds)));
    const bytes = all.map((member) => codec.encode(member).slice());
    expect(bytes[1]).toEqual(bytes[0]);
    expect(bytes[2]).toEqual(bytes[0]);
  });
});

function expectChangesToShow(codec: MemberCodec, member: Member, shown: Map<string, number>): void {
  const bytes = codec.encode(member).slice();
  const before = bytes.join(" ");
  for (const [name, change] of Object.entries(changes)) {
    const copy = codec.decode(bytes, member.place);
    if (!change(copy, copy.raft)) continue;
    if (encodeAnyway(codec, copy) === before) expect.fail(`${name} is not in the bytes`);
    shown.set(name, (shown.get(name) ?? 0) + 1);
  }
}
