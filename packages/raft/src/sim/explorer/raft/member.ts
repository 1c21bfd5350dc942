/**
 * One member of the model: a core, its disk, and what its host holds back. What happens to it, one
 * turn at a time: an input, and everything that the core wants done thereupon.
 */
import { assert, logIndex, noIndex, term } from "../../../base/index.ts";
import {
  beforeFirst,
  changeMembership,
  checkState,
  compactLog,
  createRaft,
  defaultSettings,
  type Effect,
  type Entry,
  type HardState,
  type Input,
  type InstallSnapshot,
  type LogPosition,
  mayRelease,
  type Persist,
  type PlacedSnapshot,
  propose,
  type Raft,
  type Send,
  type Settings,
  type SnapshotNeeded,
  step,
  takeEffects,
  transferLeadership,
} from "../../../core/index.ts";
import type { Bounds } from "./bounds.ts";
import type { Chain } from "./changes.ts";
import { leaseSettings } from "./clocks.ts";
import {
  commandOf,
  firstConfiguration,
  firstEntryOf,
  firstIndex,
  idAt,
  placeOf,
} from "./entries.ts";
import type { SnapshotMessage, SnapshotReport, WorldMessage } from "./messages.ts";

/** What a power loss now would leave. */
export interface Image {
  term: number;
  /** The place of whom it voted for; -1: nobody. */
  vote: number;
  /** The longest promise; 0: there was none. */
  promisedMs: number;
  commit: number;
  /** All of it, what a snapshot stands for included. */
  log: Entry[];
  /** The index behind which the log's records begin; 0: with the first entry. */
  base: number;
  /** Of the newest snapshot; 0: none. */
  snapshot: number;
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
  readonly takesSnapshots: boolean;
  readonly hasLeases: boolean;
  readonly handsOver: boolean;
  readonly seesGone: boolean;
}

/** What is under way to the disk. */
export type Unit = Persist | Install;

/** An installation, with what the machines hold in that snapshot. */
export interface Install extends InstallSnapshot {
  readonly content: readonly Entry[];
}

export interface Member {
  readonly options: MemberOptions;
  readonly place: number;
  /** What its clock shows for each step of time; 0: there are no clocks. */
  readonly rateMs: number;
  raft: Raft;
  readonly image: Image;
  /** Under way to the disk, in order; one core unit each. */
  pending: Unit[];
  /** The entries up to the log's base, as they were: the machines have applied them. */
  covered: readonly Entry[];
  /** The snapshot that is just handed to the core. */
  arriving: SnapshotMessage | null;
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
  readonly left: WorldMessage[];
  readonly answers: ReadAnswer[];
}

/** The smallest that are legal: a heartbeat each tick, an election timeout of two or three. */
export function createOptions(bounds: Bounds): MemberOptions {
  const { preVote, checkQuorum, followerReads, asyncDisk, storesCommit, changes = null } = bounds;
  const takesSnapshots = (bounds.snapshotsMax ?? 0) > 0;
  const hasLeases = bounds.clocks !== undefined;
  const handsOver = (bounds.transfersMax ?? 0) > 0;
  const seesGone = (bounds.gonesMax ?? 0) > 0;
  const ticks = { heartbeatTicks: 1, electionTicks: 2 };
  const leases = hasLeases ? leaseSettings : null;
  const settings = { ...defaultSettings, ...ticks, preVote, checkQuorum, ...leases };
  return {
    settings,
    followerReads,
    asyncDisk,
    storesCommit,
    changes,
    takesSnapshots,
    hasLeases,
    handsOver,
    seesGone,
  };
}

/** The first start. */
export function createMember(place: number, options: MemberOptions, rateMs = 0): Member {
  const log = [firstEntryOf(options.changes)];
  const image: Image = {
    term: 1,
    vote: -1,
    promisedMs: 0,
    commit: 1,
    log,
    base: 0,
    snapshot: 0,
  };
  const raft = start(place, image, options.settings, 0);
  const rest = { pending: [], covered: [], arriving: null, held: [] };
  const member: Member = { options, place, rateMs, image, raft, ...rest };
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
      ...promisedOf(image.promisedMs),
    },
    base: positionIn(image.log, image.base),
    snapshot: placedAt(image.log, image.snapshot),
    entries: image.log.slice(image.base),
    commit: logIndex(image.commit),
  });
}

/** Of a hard state: absent unless there ever was a promise. */
export function promisedOf(promisedMs: number): Pick<HardState, "promisedMs"> {
  return promisedMs > 0 ? { promisedMs } : {};
}

/** Of an entry in a whole log; (0, 0) before the first. */
export function positionIn(log: readonly Entry[], index: number): LogPosition {
  const entry = log[index - 1];
  return entry === undefined ? beforeFirst : { index: entry.index, term: entry.term };
}

/** The snapshot of the log up to `index`; 0: none. Members do not change where some are taken. */
export function placedAt(log: readonly Entry[], index: number): PlacedSnapshot | null {
  if (index === 0) return null;
  const position = positionIn(log, index);
  return { position, configuration: firstConfiguration, configurationIndex: firstIndex };
}

/** The log with what its base stands for. */
export function fullLog({ covered, raft }: Member): readonly Entry[] {
  return covered.length === 0 ? raft.log.entries : [...covered, ...raft.log.entries];
}

// --- what can happen to it -----------------------------------------------------------------------

/**
 * The election timer runs out. Timers are drawn anew each time, so when one runs out after the last
 * message is not bounded: any time will do, and all of them are this one action. At least
 * `electionTicks` have passed since it was set.
 */
export function fireElectionTimer(member: Member, time = 0): Outcome {
  const { raft } = member;
  raft.nowTick += raft.settings.electionTicks - 1;
  raft.electionElapsed = raft.electionTimeout - 1;
  return input(member, { kind: "tick", nowMs: time * member.rateMs, jitter: 0 });
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

/**
 * One tick: of a leader a heartbeat round, or the end of its stint; of another one that is not so
 * long without a leader that it stands for election, which only looks at its clock.
 */
export function tick(member: Member, time = 0): Outcome {
  member.raft.electionElapsed = 0;
  return input(member, { kind: "tick", nowMs: time * member.rateMs, jitter: 0 });
}

/** The clock is looked at, and then the core is asked, after any number of steps without a tick. */
export function readByLease(member: Member, time: number): Outcome {
  return input(member, { kind: "lease-read", id: 1, nowMs: time * member.rateMs });
}

/** Refused where nobody would be told to stand. */
export function handOver(member: Member, peer: number): Outcome {
  transferLeadership(member.raft, idAt(peer));
  return turn(member);
}

/** Its host saw that nobody listens where `peer` was, whatever is there. */
export function seeGone(member: Member, peer: number): Outcome {
  return input(member, { kind: "leader-gone", peer: idAt(peer), jitter: 0 });
}

/** What it asked to be woken for, at any later time. */
export function wake(member: Member): Outcome {
  return input(member, { kind: "wake", jitter: 0 });
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
 * A whole snapshot has come, the core is told, and then the leader's host that it has come: the
 * report may be lost as any message.
 */
export function receiveSnapshot(member: Member, message: SnapshotMessage): Outcome {
  const { term, position, from, to } = message;
  member.arriving = message;
  const placed = { configuration: firstConfiguration, configurationIndex: firstIndex };
  const { left, answers } = input(member, {
    kind: "snapshot-received",
    id: 1,
    term,
    position,
    ...placed,
  });
  member.arriving = null;
  return { left: [...left, { kind: "snapshot-report", from: to, to: from, term }], answers };
}

/** Of another stint the host tells nothing. */
export function receiveReport(member: Member, { term, from }: SnapshotReport): Outcome {
  const { role, hardState } = member.raft;
  if (role !== "leader" || hardState.term !== term) return turn(member);
  return input(member, { kind: "snapshot-sent", peer: from });
}

/** The leader's host gives up what it brings to a peer. */
export function failSnapshot(member: Member, peer: number): Outcome {
  return input(member, { kind: "snapshot-failed", peer: idAt(peer) });
}

/**
 * The machines' state of now is on disk as a snapshot, and the log behind it goes as far as it may.
 * That the file takes time is no state of its own: what was lost with a crash was never there.
 */
export function takeSnapshot(member: Member): Outcome {
  const { raft, image } = member;
  const whole = [...fullLog(member)]; // the core is about to cut its own
  step(raft, { kind: "snapshot-saved", position: positionIn(whole, raft.applied) });
  const base = compactLog(raft, raft.applied).index;
  member.covered = whole.slice(0, base);
  image.snapshot = Math.max(image.snapshot, raft.applied);
  image.base = Math.max(image.base, base);
  return turn(member);
}

/** Whether a snapshot would be a new one, and what is to be in it is on disk. */
export function maySnapshot({ raft, pending }: Member): boolean {
  const { applied, durableIndex, snapshot, log } = raft;
  if (applied <= firstIndex || applied > durableIndex) return false;
  if (pending.some((unit) => unit.kind === "install-snapshot")) return false;
  return applied > Math.max(snapshot?.position.index ?? 0, log.base.index);
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
  member.covered = member.image.log.slice(0, member.image.base);
  member.raft = start(member.place, member.image, member.raft.settings, member.raft.boot + 1);
  return turn(member);
}

function writeUnit(image: Image, unit: Unit): void {
  if (unit.kind === "install-snapshot") writeInstall(image, unit);
  else writePersist(image, unit);
}

/** Storage judges as the core does: what has the position stays. */
function writeInstall(image: Image, { position, replacesLog, content }: Install): void {
  image.snapshot = position.index;
  if (!replacesLog) return;
  image.log = [...content];
  image.base = position.index;
}

function writePersist(image: Image, unit: Persist): void {
  if (unit.hardState !== null) {
    image.term = unit.hardState.term;
    image.vote = unit.hardState.votedFor === null ? -1 : placeOf(unit.hardState.votedFor);
    image.promisedMs = unit.hardState.promisedMs ?? 0;
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
    case "snapshot-refused":
      break;
    case "install-snapshot":
      install(member, effect);
      break;
    case "snapshot-needed":
      outcome.left.push(snapshotFor(member, effect));
      break;
    default:
      effect satisfies never;
  }
}

/** The machines have its state at once: that they take time is no state of its own. */
function install(member: Member, effect: InstallSnapshot): void {
  const { arriving, raft } = member;
  assert(arriving !== null, "what is installed has just come");
  const { content } = arriving;
  member.pending.push({ ...effect, content });
  if (effect.replacesLog) member.covered = content;
  step(raft, { kind: "applied", index: effect.position.index });
}

function snapshotFor(member: Member, { peer, position, term }: SnapshotNeeded): SnapshotMessage {
  const content = fullLog(member).slice(0, position.index);
  return { kind: "snapshot", from: member.raft.id, to: peer, term, position, content };
}
