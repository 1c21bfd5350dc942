/**
 * The real core, stepped once for each input to each state that a member can be in. Members of a
 * world are in far fewer states than the world, and a core sees nothing but its own: so what a step
 * does is looked up where it was done before. All members step as the one at place 0, their peers
 * named from there; that the core makes no difference between members is checked by `symmetry.ts`.
 * Where members change, a state says at which place the member stands, and it steps there.
 */
import {
  type Campaign,
  holdsPromise,
  lastIndex,
  type Progress,
  type Raft,
} from "../../../core/index.ts";
import type { Bounds } from "./bounds.ts";
import { ByteTable } from "./byte-table.ts";
import { idAt, packLog, placeOf } from "./entries.ts";
import {
  completeUnit,
  crash,
  createMember,
  createOptions,
  failSnapshot,
  fireElectionTimer,
  fullLog,
  handOver,
  input,
  type Member,
  type MemberOptions,
  maySnapshot,
  type Outcome,
  passLull,
  proposeCommand,
  type ReadAnswer,
  readByLease,
  receiveReport,
  receiveSnapshot,
  seeGone,
  takeSnapshot,
  tick,
  turn,
  wake,
} from "./member.ts";
import { MemberCodec } from "./member-codec.ts";
import { MessageTable } from "./message-table.ts";
import { decodeMessage, directionOf, encodeMessage, type WorldMessage } from "./messages.ts";
import { StepTable } from "./step-table.ts";

/** Inputs that are no message, by number; with most go the small numbers after them. */
export const inputs = {
  electionTimer: 0,
  lull: 1,
  tick: 2,
  persisted: 3,
  idle: 4,
  propose: 5,
  read: 9,
  crash: 12,
  snapshot: 22,
  /** With 1 or 2: what the peer so many places on is to get, it does not. */
  fail: 22,
  /** With 1 or 2: hands over to the peer so many places on. */
  transfer: 24,
  /** With 1 or 2: sees that the peer so many places on is gone. */
  gone: 26,
  wake: 29,
  /** With the steps of time that have passed: a tick, the election timer, a read by lease. */
  tickAt: 30,
  timerAt: 38,
  leaseRead: 46,
  /** Time passes, for nobody in particular. */
  pass: 54,
  /** See `receiveInput`. */
  receive: 55,
} as const;

/**
 * The message `post` arrives; with `afterLull` after so much silence that the leader does not count
 * as alive any more. Silence decides nothing but that, so it is no action of its own.
 */
export function receiveInput(post: number, afterLull = false): number {
  return inputs.receive + 2 * post + (afterLull ? 1 : 0);
}

/** Of an input that `receiveInput` made. */
export function postOf(input: number): number {
  return (input - inputs.receive) >> 1;
}

export function isAfterLull(input: number): boolean {
  return input >= inputs.receive && (input - inputs.receive) % 2 === 1;
}

/** Units under way in one member: the numbers between `crash` and `snapshot`. */
export const pendingLimit: number = inputs.snapshot - inputs.crash - 1;

/** What the model asks of a member's state; read from the core once. */
export interface MemberFacts {
  /** 0 follower, 1 pre-candidate, 2 candidate, 3 leader. */
  readonly role: number;
  readonly term: number;
  readonly campaignTerm: number;
  readonly commit: number;
  readonly logLength: number;
  /** `packLog`. */
  readonly log: number;
  readonly diskTerm: number;
  /** 0 itself, 1 the next, 2 the one after, 3 nobody. */
  readonly diskVote: number;
  readonly diskLength: number;
  readonly diskLog: number;
  /** How much its newest snapshot stands for, on disk; 0: there is none. */
  readonly diskSnapshot: number;
  /** The log in memory begins behind it. */
  readonly base: number;
  readonly maySnapshot: boolean;
  /** A received snapshot is on its way to the disk. */
  readonly isInstalling: boolean;
  /** Peers that are to get a snapshot: bit `digit`. */
  readonly offers: number;
  readonly pendingCount: number;
  readonly heldCount: number;
  /** Of a candidate: bit `digit` for each member whose answer was counted. */
  readonly counted: number;
  readonly hearsLeader: boolean;
  readonly knowsLeader: boolean;
  /** Whom it knows as its leader: 0 itself, 1 the next, 2 the one after, 3 nobody. */
  readonly leader: number;
  /** Its host has seen that a leader is gone, and the core has not forgotten it. */
  readonly isLeaderLost: boolean;
  /** That leader, by digit, and its term; 0: none. */
  readonly lostLeader: number;
  readonly lostTerm: number;
  /** A leader has told it to stand, or it has told another. */
  readonly isTransfer: boolean;
  /** What its clock shows for each step of time. */
  readonly rateMs: number;
  /** Its core elects nobody; of these, because of what it promised before it started. */
  readonly holdsPromise: boolean;
  readonly holdsFormerPromise: boolean;
  readonly diskPromisedMs: number;
  /** Of a leader, by its own clock, by digit: when the promise of the peer is over. */
  readonly leaseUntilMs: readonly [number, number];
  readonly termStart: number;
  readonly round: number;
  /** By digit: of the next, and of the one after. */
  readonly matched: readonly [number, number];
  /** Of a leader, own and others'. */
  readonly pendingReads: number;
  /** Of a follower, own. */
  readonly askedReads: number;
}

/** What a step lets out, by number. */
export interface StepOutcome {
  /** Messages that leave, by number. */
  readonly left: readonly number[];
  readonly answers: readonly ReadAnswer[];
}

const roleNumbers = { follower: 0, "pre-candidate": 1, candidate: 2, leader: 3 } as const;

export class MemberSteps {
  readonly members: ByteTable = new ByteTable();
  readonly messages: MessageTable;
  readonly steps: StepTable = new StepTable();
  readonly codec: MemberCodec;
  readonly options: MemberOptions;
  readonly #facts: MemberFacts[] = [];
  readonly #mirrors: number[] = [];
  readonly #outcomes: StepOutcome[] = [];
  readonly #outcomeIds = new Map<string, number>();

  constructor(bounds: Bounds) {
    this.options = createOptions(bounds);
    this.codec = new MemberCodec(this.options);
    this.messages = new MessageTable(this.options.changes);
  }

  /** A member that was never started before; only where members change its place matters. */
  initial(place = 0, rateMs = 0): number {
    return this.internMember(createMember(place, this.options, rateMs));
  }

  internMember(member: Member): number {
    const bytes = this.codec.encode(member);
    return this.intern(bytes, 0, bytes.length);
  }

  intern(bytes: Uint8Array, from: number, to: number): number {
    const id = this.members.intern(bytes, from, to);
    if (id === this.#facts.length) {
      this.#facts.push(factsOf(this.decode(id)));
      this.#mirrors.push(-1);
    }
    return id;
  }

  decode(id: number): Member {
    return this.codec.decode(this.members.view(id), 0);
  }

  facts(id: number): MemberFacts {
    const facts = this.#facts[id];
    if (facts === undefined) throw new RangeError(`There is no member state ${id}`);
    return facts;
  }

  outcome(id: number): StepOutcome {
    const outcome = this.#outcomes[id];
    if (outcome === undefined) throw new RangeError(`There is no outcome ${id}`);
    return outcome;
  }

  /** The same state with its peers exchanged. */
  mirror(id: number): number {
    const known = this.#mirrors[id] ?? -1;
    if (known >= 0) return known;
    const bytes = this.codec.encode(this.decode(id), true);
    const mirrored = this.intern(bytes, 0, bytes.length);
    this.#mirrors[id] = mirrored;
    return mirrored;
  }

  /** Afterwards `steps.next` and `steps.outcome` are what came of it. */
  step(id: number, input: number): void {
    if (this.steps.find(id, input)) return;
    const member = this.decode(id);
    const outcome = runInput(member, input, this.messages);
    const next = this.internMember(member);
    this.steps.add(id, input, next, this.#internOutcome(outcome));
  }

  #internOutcome(outcome: Outcome): number {
    const posts = outcome.left.map((message) =>
      this.messages.intern(encodeMessage(message, directionOf(message))),
    );
    const left = [...new Set(posts)];
    const { answers } = outcome;
    const key = `${left.join(",")};${answers.map(({ id, index }) => `${id}:${index}`).join(",")}`;
    const known = this.#outcomeIds.get(key);
    if (known !== undefined) return known;
    const id = this.#outcomes.length;
    this.#outcomes.push({ left, answers });
    this.#outcomeIds.set(key, id);
    return id;
  }
}

/** Lets the input with this number happen to a member at place 0. */
export function runInput(member: Member, number: number, messages: MessageTable): Outcome {
  if (number >= inputs.receive) {
    const { message, value, direction } = messages.at(postOf(number));
    const from = (member.place + 3 - direction) % 3;
    const seen =
      member.place === 0 ? message : decodeMessage(value, from, false, member.options.changes);
    return receiveAt(member, seen, isAfterLull(number));
  }
  return runLocalInput(member, number);
}

export function receiveAt(member: Member, message: WorldMessage, afterLull: boolean): Outcome {
  if (message.kind === "snapshot") return receiveSnapshot(member, message);
  if (message.kind === "snapshot-report") return receiveReport(member, message);
  if (!afterLull) return input(member, { kind: "receive", message });
  const { left, answers } = passLull(member);
  const outcome = input(member, { kind: "receive", message });
  return { left: [...left, ...outcome.left], answers: [...answers, ...outcome.answers] };
}

/** Any input but a message, wherever the member stands. */
export function runLocalInput(member: Member, number: number): Outcome {
  if (number >= inputs.tickAt) return runAtTime(member, number);
  if (number === inputs.wake) return wake(member);
  const peerAfter = (first: number): number => (member.place + number - first) % 3;
  if (number > inputs.gone) return seeGone(member, peerAfter(inputs.gone));
  if (number > inputs.transfer) return handOver(member, peerAfter(inputs.transfer));
  if (number > inputs.fail) return failSnapshot(member, peerAfter(inputs.fail));
  if (number === inputs.snapshot) return takeSnapshot(member);
  if (number >= inputs.crash) return crash(member, number - inputs.crash);
  if (number >= inputs.read) return input(member, { kind: "read", id: number - inputs.read });
  if (number >= inputs.propose) return proposeCommand(member, number - inputs.propose);
  if (number === inputs.idle) return turn(member);
  if (number === inputs.persisted) return completeUnit(member);
  if (number === inputs.tick) return tick(member);
  if (number === inputs.lull) return passLull(member);
  return fireElectionTimer(member);
}

function runAtTime(member: Member, number: number): Outcome {
  if (number >= inputs.leaseRead) return readByLease(member, number - inputs.leaseRead);
  if (number >= inputs.timerAt) return fireElectionTimer(member, number - inputs.timerAt);
  return tick(member, number - inputs.tickAt);
}

function factsOf(member: Member): MemberFacts {
  const { raft, image } = member;
  const { leadership } = raft;
  const peerAt = (digit: number): Progress | undefined =>
    leadership?.peers.get(idAt((member.place + digit) % 3));
  const matchedAt = (digit: number): number => peerAt(digit)?.matched ?? 0;
  const leaseAt = (digit: number): number => peerAt(digit)?.leaseUntilMs ?? 0;
  const digitOf = (place: number): number => (place - member.place + 3) % 3;
  return {
    role: roleNumbers[raft.role],
    term: raft.hardState.term,
    campaignTerm: raft.campaign?.term ?? raft.hardState.term,
    commit: raft.commit,
    logLength: lastIndex(raft.log),
    log: packLog(fullLog(member)),
    diskTerm: image.term,
    diskVote: image.vote < 0 ? 3 : digitOf(image.vote),
    diskLength: image.log.length,
    diskLog: packLog(image.log),
    diskSnapshot: image.snapshot,
    base: raft.log.base.index,
    maySnapshot: maySnapshot(member),
    isInstalling: member.pending.some((unit) => unit.kind === "install-snapshot"),
    offers: offersOf(raft, digitOf),
    pendingCount: member.pending.length,
    heldCount: member.held.length,
    counted: countedOf(raft.campaign, digitOf),
    hearsLeader: raft.leaderContactTick !== null,
    knowsLeader: raft.leader !== null,
    leader: raft.leader === null ? 3 : digitOf(placeOf(raft.leader)),
    isLeaderLost: raft.failover !== null,
    lostLeader: raft.failover === null ? 0 : digitOf(placeOf(raft.failover.peer)),
    lostTerm: raft.failover?.term ?? 0,
    isTransfer: raft.campaign?.isTransfer === true || (leadership?.transfer ?? null) !== null,
    rateMs: member.rateMs,
    holdsPromise: holdsPromise(raft),
    holdsFormerPromise: raft.promise.formerPendingMs > 0 || raft.promise.formerUntilMs > 0,
    diskPromisedMs: image.promisedMs,
    leaseUntilMs: [leaseAt(1), leaseAt(2)],
    termStart: leadership?.termStart ?? 0,
    round: leadership?.round ?? 0,
    matched: [matchedAt(1), matchedAt(2)],
    pendingReads: leadership?.pendingReads.length ?? 0,
    askedReads: raft.readsAsked.size,
  };
}

function offersOf({ leadership }: Raft, digitOf: (place: number) => number): number {
  let offers = 0;
  for (const [id, { offer }] of leadership?.peers ?? []) {
    if (offer !== null) offers |= 1 << digitOf(placeOf(id));
  }
  return offers;
}

function countedOf(campaign: Campaign | null, digitOf: (place: number) => number): number {
  let counted = 0;
  for (const id of campaign?.grants ?? []) counted |= 1 << digitOf(placeOf(id));
  for (const id of campaign?.refusals ?? []) counted |= 1 << digitOf(placeOf(id));
  return counted;
}
