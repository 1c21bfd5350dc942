/**
 * One member of the model: a core, its disk, and what its host holds back. What happens to it, one
 * turn at a time: an input, and everything that the core wants done thereupon.
 */
import { assert, logIndex, noIndex, term } from "../../../base/index.ts";
import {
  changeMembership,
  checkState,
  createRaft,
  defaultSettings,
  type Effect,
  type Entry,
  type Input,
  type Message,
  mayRelease,
  type Persist,
  propose,
  type Raft,
  type Send,
  type Settings,
  step,
  takeEffects,
} from "../../../core/index.ts";
import type { Bounds } from "./bounds.ts";
import type { Chain } from "./changes.ts";
import { commandOf, firstEntryOf, firstIndex, idAt, placeOf } from "./entries.ts";

/** What a power loss now would leave. */
export interface Image {
  term: number;
  /** The place of whom it voted for; -1: nobody. */
  vote: number;
  commit: number;
  log: Entry[];
}

/** What of a member's state there is in a model. */
export interface MemberOptions {
  readonly settings: Settings;
  /** Else only leaders are asked for reads. */
  readonly followerReads: boolean;
  /** Else a turn ends with all on disk. */
  readonly asyncDisk: boolean;
  /** Else the commit index on disk is the first, always. */
  readonly storesCommit: boolean;
  /** See `Bounds`. */
  readonly changes: Chain | null;
}

export interface Member {
  readonly options: MemberOptions;
  readonly place: number;
  raft: Raft;
  readonly image: Image;
  /** Under way to the disk, in order; one core unit each. */
  pending: Persist[];
  /** Sends that wait for a unit. */
  held: Send[];
}

export interface ReadAnswer {
  readonly id: number;
  /** -1: failed. */
  readonly index: number;
}

/** What a turn lets out. */
export interface Outcome {
  readonly left: Message[];
  readonly answers: ReadAnswer[];
}

/** The smallest that are legal: a heartbeat each tick, an election timeout of two or three. */
export function createOptions(bounds: Bounds): MemberOptions {
  const { preVote, checkQuorum, followerReads, asyncDisk, storesCommit, changes = null } = bounds;
  const ticks = { heartbeatTicks: 1, electionTicks: 2 };
  const settings = { ...defaultSettings, ...ticks, preVote, checkQuorum };
  return { settings, followerReads, asyncDisk, storesCommit, changes };
}

/** The first start. */
export function createMember(place: number, options: MemberOptions): Member {
  const image: Image = { term: 1, vote: -1, commit: 1, log: [firstEntryOf(options.changes)] };
  const raft = start(place, image, options.settings, 0);
  const member: Member = { options, place, image, raft, pending: [], held: [] };
  turn(member);
  return member;
}

function start(place: number, image: Image, settings: Settings, boot: number): Raft {
  return createRaft({
    id: idAt(place),
    settings,
    boot,
    jitter: 0,
    hardState: {
      term: term(image.term),
      votedFor: image.vote < 0 ? null : idAt(image.vote),
      mustCatchUp: false,
    },
    entries: image.log,
    commit: logIndex(image.commit),
  });
}

// --- what can happen to it -----------------------------------------------------------------------

/**
 * The election timer runs out. Timers are drawn anew each time, so when one runs out after the last
 * message is not bounded: any time will do, and all of them are this one action. At least
 * `electionTicks` have passed since it was set.
 */
export function fireElectionTimer(member: Member): Outcome {
  const { raft } = member;
  raft.nowTick += raft.settings.electionTicks - 1;
  raft.electionElapsed = raft.electionTimeout - 1;
  return input(member, { kind: "tick", nowMs: 0, jitter: 0 });
}

/**
 * So much time without a message that the leader does not count as alive any more, but not enough
 * for this member's election timer.
 */
export function passLull(member: Member): Outcome {
  const { raft } = member;
  raft.nowTick += raft.settings.electionTicks - 1;
  raft.electionElapsed = 0;
  return input(member, { kind: "tick", nowMs: 0, jitter: 0 });
}

/** One tick of a leader: a heartbeat round, or the end of its stint. */
export function tickLeader(member: Member): Outcome {
  return input(member, { kind: "tick", nowMs: 0, jitter: 0 });
}

/** A command, or where members change one of these changes, which may be refused. */
export function proposeCommand(member: Member, number: number): Outcome {
  const { changes } = member.options;
  if (changes !== null) {
    changeMembership(member.raft, changes.changes[number - 1] ?? []);
    return turn(member);
  }
  const result = propose(member.raft, [commandOf(number)]);
  assert(result.kind === "appended", "only leaders are given commands");
  return turn(member);
}

/** A message arrives, or a read is asked for. */
export function input(member: Member, what: Input): Outcome {
  step(member.raft, what);
  return turn(member);
}

/**
 * The next unit is on disk, and the core is told. On disk and not yet told is not a state of its
 * own: all that could happen there is a crash (which may keep any number of units, see `crash`), or
 * what happens to the core with and without that news in any order.
 */
export function completeUnit(member: Member): Outcome {
  const unit = member.pending.shift();
  assert(unit !== undefined, "completeUnit: a unit is under way");
  writeUnit(member.image, unit);
  const { held } = member;
  member.held = held.filter((send) => !mayRelease(send, unit.unit));
  const left = held.filter((send) => mayRelease(send, unit.unit)).map((send) => send.message);
  step(member.raft, { kind: "persisted", unit: unit.unit });
  const outcome = turn(member);
  return { left: [...left, ...outcome.left], answers: outcome.answers };
}

/**
 * The process dies and starts again from what is on disk: everything reported, and the first `kept`
 * units under way. That it is down for a while is not a state of its own: others cannot tell a
 * member that is down from one that does nothing.
 */
export function crash(member: Member, kept: number): Outcome {
  for (const unit of member.pending.slice(0, kept)) writeUnit(member.image, unit);
  member.pending = [];
  member.held = [];
  member.raft = start(member.place, member.image, member.raft.settings, member.raft.boot + 1);
  return turn(member);
}

function writeUnit(image: Image, unit: Persist): void {
  if (unit.hardState !== null) {
    image.term = unit.hardState.term;
    image.vote = unit.hardState.votedFor === null ? -1 : placeOf(unit.hardState.votedFor);
  }
  if (unit.truncateFrom !== null) image.log = image.log.slice(0, unit.truncateFrom - 1);
  image.log = [...image.log, ...unit.entries];
  image.commit = Math.max(Math.min(image.commit, image.log.length), unit.commit);
}

// --- what the core wants done --------------------------------------------------------------------

/**
 * One take; what is to be applied is applied at once, so that is no state of its own either. Alone
 * it is what any input does that the core has no use for: a leader's news of what is committed
 * waits for the next input, whatever it is.
 */
export function turn(member: Member): Outcome {
  const { raft } = member;
  checkState(raft);
  const outcome: Outcome = { left: [], answers: [] };
  for (const effect of takeEffects(raft)) handOut(member, effect, outcome);
  checkState(raft);
  if (member.options.asyncDisk || member.pending.length === 0) return outcome;
  const { left, answers } = completeUnit(member);
  return { left: [...outcome.left, ...left], answers: [...outcome.answers, ...answers] };
}

function handOut(member: Member, effect: Effect, outcome: Outcome): void {
  const { raft } = member;
  switch (effect.kind) {
    case "persist":
      member.pending.push(member.options.storesCommit ? effect : { ...effect, commit: firstIndex });
      break;
    case "send":
      if (mayRelease(effect, raft.durableUnit)) outcome.left.push(effect.message);
      else member.held.push(effect);
      break;
    case "apply":
      step(raft, { kind: "applied", index: effect.entries.at(-1)?.index ?? noIndex });
      break;
    case "read-answered":
      for (const id of effect.ids) {
        outcome.answers.push({ id, index: "index" in effect ? effect.index : -1 });
      }
      break;
    case "role-changed":
    case "configuration-changed":
    case "transfer-ended":
    case "wake-in":
      break;
    case "install-snapshot":
    case "snapshot-refused":
    case "snapshot-needed":
      assert(false, "nobody takes snapshots in this world");
      break;
    default:
      effect satisfies never;
  }
}
