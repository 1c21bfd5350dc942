/**
 * A small cluster in memory for tests that tell every step themselves: real cores, a network that
 * delivers when it is told to, and disks whose writes complete at once or when they are told to.
 * Nothing happens by chance or by time. Used by the paper tests and the stories; the simulator
 * has its own worlds.
 */
import { assert, logIndex, type NodeId, nodeId, term } from "../../src/base/index.ts";
import {
  beforeFirst,
  type ChangeResult,
  changeMembership,
  checkState,
  createConfiguration,
  createRaft,
  defaultSettings,
  type Effect,
  type Entry,
  encodeConfiguration,
  type HardState,
  type Input,
  type InstallSnapshot,
  type MemberChange,
  type Message,
  mayRelease,
  type Persist,
  propose,
  type Raft,
  type ReadAnswered,
  type RoleChanged,
  type Send,
  type Settings,
  type SnapshotNeeded,
  step,
  type TransferEnded,
  type TransferResult,
  takeEffects,
  transferLeadership,
} from "../../src/core/index.ts";
import {
  type DiskImage,
  type DiskWrite,
  type LabSnapshot,
  lastIndexOn,
  write,
} from "./lab-disk.ts";

/** A peer that needs a snapshot, as its leader said. */
export interface Offer extends SnapshotNeeded {
  readonly leader: NodeId;
}

export interface LabMember {
  readonly id: NodeId;
  /**
   * What its host draws: the first member's timer is the shortest, 0.3 of an election timeout
   * apart.
   */
  jitter: number;
  raft: Raft;
  boot: number;
  isUp: boolean;
  disk: "fast" | "slow";
  /** A hung one takes what it is given to apply, and never answers. */
  machine: "fast" | "hung";
  /** Handed out and not on disk, oldest first. */
  writing: DiskWrite[];
  /** Sealed and not installed, by the id that the core knows them by. */
  readonly received: Map<number, LabSnapshot>;
  /** Messages that wait for the disk. */
  parked: Send[];
  image: DiskImage;
  /** The state of the machine: all that it has applied in this life, or a snapshot stands for. */
  applied: Entry[];
  answers: ReadAnswered[];
  roles: RoleChanged[];
  transfers: TransferEnded[];
  /** In how many milliseconds it wants to be woken; null: not at all. */
  wakeMs: number | null;
  /** What its clock shows; it goes on through restarts. */
  nowMs: number;
}

export interface Lab {
  readonly settings: Settings;
  readonly own: Readonly<Record<string, Partial<Settings>>>;
  readonly members: Map<NodeId, LabMember>;
  /** Under way, in sending order. */
  network: Message[];
  /** Directions that lose everything, as `from>to`. */
  readonly cut: Set<string>;
  /** Snapshots that are needed and were not brought, oldest first. */
  offers: Offer[];
  /** Told of each effect as it is handed out, and of each message as it leaves. */
  onEffect: (member: LabMember, effect: Effect) => void;
  onLeave: (message: Message) => void;
}

export interface LabOptions {
  readonly settings?: Partial<Settings>;
  /** Every member's log: the terms of the entries from index 1; the first is the configuration. */
  readonly terms?: readonly number[];
  /** Defaults to the whole log. */
  readonly commit?: number;
  /** Settings of single members. */
  readonly own?: Readonly<Record<string, Partial<Settings>>>;
}

/** Milliseconds that a member's clock goes on with each of its ticks. */
export const labTickMs = 100;

/** Small numbers, easy to follow: a heartbeat each tick, elections after 10 ticks. */
export const labSettings: Settings = { ...defaultSettings, heartbeatTicks: 1, electionTicks: 10 };

export function createLab(names: readonly string[], options: LabOptions = {}): Lab {
  const lab: Lab = {
    settings: { ...labSettings, ...options.settings },
    own: options.own ?? {},
    members: new Map(),
    network: [],
    cut: new Set(),
    offers: [],
    onEffect: () => {},
    onLeave: () => {},
  };
  const terms = options.terms ?? [1];
  for (const name of names) {
    placeMember(lab, name, names, { terms, commit: options.commit ?? terms.length });
  }
  return lab;
}

export interface Placement {
  readonly terms: readonly number[];
  readonly commit?: number;
  /** The own term; that of the last entry unless given. */
  readonly term?: number;
  readonly votedFor?: string | null;
}

/** Puts a member with a log of its own into the lab, in place of one of the same name. */
export function placeMember(
  lab: Lab,
  name: string,
  voters: readonly string[],
  at: Placement,
): void {
  const image: DiskImage = {
    hardState: {
      term: term(at.term ?? at.terms.at(-1) ?? 1),
      votedFor: at.votedFor == null ? null : nodeId(at.votedFor),
      mustCatchUp: false,
    },
    base: beforeFirst,
    entries: at.terms.map((value, i) => entryOf(i + 1, value, i === 0 ? voters : null)),
    commit: logIndex(at.commit ?? 1),
    snapshot: null,
  };
  const before = lab.members.get(nodeId(name));
  lab.members.set(nodeId(name), start(lab, nodeId(name), image, 1, before?.jitter));
}

/** A member that joins: it knows nothing, not even its cluster. */
export function joinMember(lab: Lab, name: string): void {
  const hardState: HardState = { term: term(0), votedFor: null, mustCatchUp: false };
  const empty = { base: beforeFirst, entries: [], commit: logIndex(0), snapshot: null };
  const image: DiskImage = { hardState, ...empty };
  lab.members.set(nodeId(name), start(lab, nodeId(name), image, 1));
}

/**
 * `voters`: a configuration entry; else a command whose data tells term and index apart from all
 * others.
 */
export function entryOf(
  index: number,
  ofTerm: number,
  voters: readonly string[] | null = null,
): Entry {
  const at = { index: logIndex(index), term: term(ofTerm) };
  if (voters === null) {
    return { ...at, kind: "command", data: new TextEncoder().encode(`${ofTerm}/${index}`) };
  }
  const members = voters.map((name) => ({ id: nodeId(name), address: `${name}:1` }));
  return { ...at, kind: "configuration", data: encodeConfiguration(createConfiguration(members)) };
}

function start(
  lab: Lab,
  id: NodeId,
  image: DiskImage,
  boot: number,
  jitter = Math.min(0.9, 0.3 * lab.members.size),
): LabMember {
  const settings = { ...lab.settings, ...lab.own[id] };
  const raft = createRaft({ id, settings, boot, jitter, ...image });
  const applied = [...(image.snapshot?.state ?? [])];
  const received = new Map<number, LabSnapshot>();
  const volatile = { writing: [], received, parked: [], answers: [], roles: [], transfers: [] };
  const wakeMs = null;
  return {
    id,
    jitter,
    raft,
    boot,
    isUp: true,
    disk: "fast",
    machine: "fast",
    image,
    applied,
    wakeMs,
    nowMs: lab.members.get(id)?.nowMs ?? 0,
    ...volatile,
  };
}

export function memberOf(lab: Lab, name: string): LabMember {
  const member = lab.members.get(nodeId(name));
  assert(member !== undefined, "the lab has such a member", () => name);
  return member;
}

export function raftOf(lab: Lab, name: string): Raft {
  return memberOf(lab, name).raft;
}

/** Steps one member, and hands its effects out. */
export function feed(lab: Lab, name: string, ...inputs: readonly Input[]): void {
  const member = memberOf(lab, name);
  assert(member.isUp, "only members that are up take inputs", () => name);
  for (const input of inputs) stepMember(member, input);
  drain(lab, member);
}

function stepMember(member: LabMember, input: Input): void {
  step(member.raft, input);
  checkState(member.raft);
}

/** Lets `count` ticks pass at one member. */
export function tick(lab: Lab, name: string, count = 1): void {
  const { jitter } = memberOf(lab, name);
  for (let i = 0; i < count; i++) {
    const nowMs = pass(lab, name, labTickMs);
    feed(lab, name, { kind: "tick", nowMs, jitter });
  }
}

/** The member's clock goes on, and it does nothing. Returns what the clock shows then. */
export function pass(lab: Lab, name: string, ms: number): number {
  const member = memberOf(lab, name);
  member.nowMs += ms;
  return member.nowMs;
}

/** Ticks until the election timer of the member runs out. */
export function timeOut(lab: Lab, name: string): void {
  const { raft } = memberOf(lab, name);
  tick(lab, name, Math.max(1, raft.electionTimeout - raft.electionElapsed));
}

export function proposeAt(
  lab: Lab,
  name: string,
  ...commands: readonly string[]
): ReturnType<typeof propose> {
  const member = memberOf(lab, name);
  const result = propose(
    member.raft,
    commands.map((command) => new TextEncoder().encode(command)),
  );
  drain(lab, member);
  return result;
}

export function changeAt(
  lab: Lab,
  name: string,
  ...changes: readonly MemberChange[]
): ChangeResult {
  const member = memberOf(lab, name);
  const result = changeMembership(member.raft, changes);
  drain(lab, member);
  return result;
}

/** Reads that may be answered by a lease, `afterMs` after the member's last tick. */
export function leaseReadAt(lab: Lab, name: string, id: number, afterMs = 0): void {
  feed(lab, name, { kind: "lease-read", id, nowMs: memberOf(lab, name).nowMs + afterMs });
}

/** `to` null: to whom it thinks best. */
export function transferAt(lab: Lab, name: string, to: string | null): TransferResult {
  const member = memberOf(lab, name);
  const result = transferLeadership(member.raft, to === null ? null : nodeId(to));
  drain(lab, member);
  return result;
}

/** The host of `name` saw that `peer` is gone. */
export function seeGone(lab: Lab, name: string, peer: string): void {
  const { jitter } = memberOf(lab, name);
  feed(lab, name, { kind: "peer-unreachable", peer: nodeId(peer) });
  feed(lab, name, { kind: "leader-gone", peer: nodeId(peer), jitter });
}

/** The time that a member asked to be woken after has passed. */
export function wake(lab: Lab, name: string): void {
  const member = memberOf(lab, name);
  assert(member.wakeMs !== null, "wake: it asked for it", () => name);
  member.wakeMs = null;
  feed(lab, name, { kind: "wake", jitter: member.jitter });
}

export function setDiskHealth(lab: Lab, name: string, isHealthy: boolean): void {
  feed(lab, name, { kind: "disk-health", isHealthy });
}

export function readAt(lab: Lab, name: string, ...ids: readonly number[]): void {
  feed(lab, name, ...ids.map((id) => ({ kind: "read", id }) as const));
}

export function drain(lab: Lab, member: LabMember): void {
  for (;;) {
    const effects = takeEffects(member.raft);
    checkState(member.raft);
    if (effects.length === 0) return;
    for (const effect of effects) handOut(lab, member, effect);
  }
}

function handOut(lab: Lab, member: LabMember, effect: Effect): void {
  lab.onEffect(member, effect);
  switch (effect.kind) {
    case "persist":
      enqueue(lab, member, effect);
      break;
    case "send":
      member.parked.push(effect);
      release(lab, member);
      break;
    case "apply":
      for (const entry of effect.entries) {
        assert(entry.index === member.applied.length + 1, "applied in order, once");
        member.applied.push(entry);
      }
      if (member.machine === "hung") break;
      stepMember(member, { kind: "applied", index: logIndex(member.applied.length) });
      break;
    case "read-answered":
      member.answers.push(effect);
      break;
    case "role-changed":
      member.roles.push(effect);
      break;
    case "configuration-changed":
      break;
    case "wake-in":
      member.wakeMs = effect.delayMs;
      break;
    case "transfer-ended":
      member.transfers.push(effect);
      break;
    case "install-snapshot":
      install(lab, member, effect);
      break;
    case "snapshot-refused":
      member.received.delete(effect.id);
      break;
    case "snapshot-needed":
      lab.offers.push({ ...effect, leader: member.id });
      break;
    default:
      effect satisfies never;
  }
}

/** To the disk in its place, and into the machine. */
function install(lab: Lab, member: LabMember, effect: InstallSnapshot): void {
  const snapshot = member.received.get(effect.id);
  assert(snapshot !== undefined, "what is installed was received");
  member.received.delete(effect.id);
  enqueue(lab, member, { ...effect, snapshot });
  member.applied = [...snapshot.state];
  if (member.machine === "hung") return;
  stepMember(member, { kind: "applied", index: effect.position.index });
}

/** The units of entries that a slow disk has to write. */
export function unitsAt(lab: Lab, name: string): Persist[] {
  return memberOf(lab, name).writing.filter((what) => what.kind === "persist");
}

/** Gives the disk something to do, behind all that it has to do already. */
export function enqueue(lab: Lab, member: LabMember, what: DiskWrite): void {
  member.writing.push(what);
  if (member.disk === "fast") completeWrites(lab, member, member.writing.length);
}

function release(lab: Lab, member: LabMember): void {
  const waiting: Send[] = [];
  for (const send of member.parked) {
    if (!mayRelease(send, member.raft.durableUnit)) waiting.push(send);
    else leave(lab, send.message);
  }
  member.parked = waiting;
}

function leave(lab: Lab, message: Message): void {
  if (lab.cut.has(`${message.from}>${message.to}`)) return;
  lab.network.push(message);
  lab.onLeave(message);
}

/** The oldest `count` writes of a slow disk complete. Returns how many there were. */
export function persist(lab: Lab, name: string, count = Number.POSITIVE_INFINITY): number {
  const member = memberOf(lab, name);
  const done = completeWrites(lab, member, Math.min(count, member.writing.length));
  drain(lab, member);
  return done;
}

function completeWrites(lab: Lab, member: LabMember, count: number): number {
  for (const what of member.writing.splice(0, count)) {
    write(member.image, what);
    if ("unit" in what) stepMember(member, { kind: "persisted", unit: what.unit });
    else if (what.kind === "save") {
      stepMember(member, { kind: "snapshot-saved", position: what.snapshot.position });
    }
  }
  release(lab, member);
  return count;
}

export function setDisk(lab: Lab, name: string, disk: "fast" | "slow"): void {
  memberOf(lab, name).disk = disk;
  if (disk === "fast") persist(lab, name);
}

export type Choice = (message: Message) => boolean;

/** Chooses messages by sender, receiver and kind; what is not given does not matter. */
export function choose(by: { from?: string; to?: string; kind?: Message["kind"] }): Choice {
  return (message) =>
    (by.from === undefined || message.from === by.from) &&
    (by.to === undefined || message.to === by.to) &&
    (by.kind === undefined || message.kind === by.kind);
}

const every: Choice = () => true;

/** Delivers what is under way now, not what comes of it. */
export function deliver(lab: Lab, choice: Choice = every): Message[] {
  const chosen = takeMessages(lab, choice);
  for (const message of chosen) receive(lab, message);
  return chosen;
}

/** Delivers until nothing is under way. */
export function settle(lab: Lab, choice: Choice = every): void {
  for (let i = 0; deliver(lab, choice).length > 0; i++)
    assert(i < 1000, "the network falls silent");
}

/** Loses what is under way. */
export function drop(lab: Lab, choice: Choice = every): Message[] {
  return takeMessages(lab, choice);
}

function takeMessages(lab: Lab, choice: Choice): Message[] {
  const chosen = lab.network.filter(choice);
  lab.network = lab.network.filter((message) => !chosen.includes(message));
  return chosen;
}

/**
 * Gives one message to its receiver, whether or not it was ever under way; a member that is down
 * loses it.
 */
export function receive(lab: Lab, message: Message): void {
  if (memberOf(lab, message.to).isUp) feed(lab, message.to, { kind: "receive", message });
}

/** Loses all that was not on disk. */
export function crash(lab: Lab, name: string): void {
  const member = memberOf(lab, name);
  member.isUp = false;
  member.writing = [];
  member.parked = [];
}

export interface Damage {
  /** Recovery finds that acknowledged entries may be missing. */
  readonly mustCatchUp?: boolean;
  /** Entries from here on are gone. */
  readonly loseFrom?: number;
}

/** Starts a member again from what is on its disk. */
export function restart(lab: Lab, name: string, damage: Damage = {}): void {
  const { id, image, boot, jitter } = memberOf(lab, name);
  const end = damage.loseFrom ?? Number.POSITIVE_INFINITY;
  image.entries = image.entries.filter((entry) => entry.index < end);
  image.commit = logIndex(Math.min(image.commit, lastIndexOn(image)));
  image.hardState = {
    ...image.hardState,
    mustCatchUp: image.hardState.mustCatchUp || damage.mustCatchUp === true,
  };
  const member = start(lab, id, image, boot + 1, jitter);
  lab.members.set(id, member);
  for (const other of lab.members.values()) {
    const isConnected = other.isUp && other !== member && !lab.cut.has(`${id}>${other.id}`);
    if (isConnected) stepMember(member, { kind: "peer-reachable", peer: other.id });
  }
}

/** Cuts the cluster into groups; members that are in none are alone. */
export function partition(lab: Lab, ...groups: readonly (readonly string[])[]): void {
  lab.cut.clear();
  const groupOf = (name: string): string => groups.find((g) => g.includes(name))?.join() ?? name;
  for (const from of lab.members.keys()) {
    for (const to of lab.members.keys()) {
      if (groupOf(from) !== groupOf(to)) lab.cut.add(`${from}>${to}`);
    }
  }
  drop(lab, (message) => lab.cut.has(`${message.from}>${message.to}`));
}

/** Nothing passes between two members any more, both ways. */
export function cutLink(lab: Lab, one: string, other: string): void {
  lab.cut.add(`${one}>${other}`).add(`${other}>${one}`);
  drop(lab, (message) => lab.cut.has(`${message.from}>${message.to}`));
}

export function heal(lab: Lab): void {
  lab.cut.clear();
}

/**
 * Makes `name` the leader: its timer runs out, the others have not heard of a leader for as long.
 */
export function elect(lab: Lab, name: string): void {
  for (const { id, raft, isUp } of lab.members.values()) {
    if (isUp && id !== name) raft.leaderContactTick = null; // as if it had been silent for long
  }
  timeOut(lab, name);
  settle(lab);
  assert(raftOf(lab, name).role === "leader", "elect: it wins", () => name);
}

/** The terms of a member's log, from its base on: index 1 unless it was compacted. */
export function termsOf(lab: Lab, name: string): number[] {
  return raftOf(lab, name).log.entries.map((entry) => entry.term);
}

/** The data of all that a member's machine has applied, commands only. */
export function appliedAt(lab: Lab, name: string): string[] {
  return memberOf(lab, name)
    .applied.filter((entry) => entry.kind === "command")
    .map((entry) => new TextDecoder().decode(entry.data));
}
