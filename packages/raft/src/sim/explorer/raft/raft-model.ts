/**
 * Three members of the real core, their disks, and a network that loses, doubles, delays and
 * reorders: a message that was ever sent may arrive at any later time, any number of times, or
 * never.
 *
 * One action is one turn of one member: an input, a take, and everything in it handed out. So that
 * several inputs share one take is not explored here (the random walks do that); neither are
 * damaged disks, news of connections, and members that join with an empty log.
 */
import { InvariantError } from "../../../base/index.ts";
import type { AppendEntriesResponse } from "../../../core/index.ts";
import { type Model, ModelViolation } from "../model.ts";
import { type Bounds, checkBounds, memberCount } from "./bounds.ts";
import type { Chain } from "./changes.ts";
import { checkTurn } from "./checks.ts";
import { fastMs, slowMs } from "./clocks.ts";
import { createHistory, type History } from "./history.ts";
import {
  inputs,
  isAfterLull,
  type MemberFacts,
  MemberSteps,
  pendingLimit,
  postOf,
  receiveInput,
} from "./member-steps.ts";
import { decodeMessage, describeWorldMessage } from "./messages.ts";
import { type Probe, probesOf } from "./probes.ts";
import { isSpent, type Prospect } from "./spent.ts";
import { isLeaseRead, placeOn, type Turn } from "./turn.ts";
import { createWorld, type World, WorldCodec } from "./world-codec.ts";

/** `message` arrives, or -1; `stays`: it can arrive again. */
type Visit = (place: number, input: number, message: number, stays: boolean) => void;
type Emit = (action: number, next: Uint8Array) => void;

export class RaftModel implements Model {
  readonly name: string;
  readonly description: string;
  readonly probes: readonly string[];
  readonly probeHits: Float64Array;
  failedAction = -1;
  readonly steps: MemberSteps;
  readonly codec: WorldCodec;
  readonly #bounds: Bounds;
  readonly #probes: readonly Probe[];
  readonly #world: World = createWorld();
  readonly #next: World = createWorld();
  /** By message number: 1 where it is in the world that is expanded. */
  #isSent = new Uint8Array(1 << 12);
  readonly #turn: Turn;
  #history: History;
  #action = 0;
  readonly #prospect: Prospect;

  readonly #keepsSpent: boolean;
  readonly #changes: Chain | null;

  /** `keepsSpent`: leaves messages that can do nothing where they are, to show that they cannot. */
  constructor(bounds: Bounds, keepsSpent = false) {
    checkBounds(bounds);
    this.#keepsSpent = keepsSpent;
    this.#bounds = bounds;
    this.#prospect = { termMax: 0, mayCampaign: true, seesGone: (bounds.gonesMax ?? 0) > 0 };
    this.name = bounds.name;
    this.description = describeBounds(bounds);
    this.#probes = probesOf(bounds);
    this.probes = this.#probes.map((probe) => probe.name);
    this.probeHits = new Float64Array(this.probes.length);
    this.steps = new MemberSteps(bounds);
    this.codec = new WorldCodec(bounds, this.steps);
    this.#history = createHistory(bounds);
    const facts = this.steps.facts(this.steps.initial());
    this.#changes = bounds.changes ?? null;
    this.#turn = {
      bounds,
      changes: this.#changes,
      place: 0,
      input: 0,
      before: facts,
      after: facts,
      all: [facts, facts, facts],
      outcome: { left: [], answers: [] },
      isDuplicate: false,
      received: null,
      left: [],
    };
  }

  initial(): readonly Uint8Array[] {
    const { clocks } = this.#bounds;
    if (clocks === undefined) return [this.#initialWorld(() => 0)];
    return clocks.slow.map((slow) => this.#initialWorld((at) => (at < slow ? slowMs : fastMs)));
  }

  #initialWorld(rateOf: (place: number) => number): Uint8Array {
    const world = createWorld();
    for (let place = 0; place < memberCount; place++) {
      world.members[place] = this.steps.initial(place, rateOf(place));
    }
    world.history = this.codec.internHistory(createHistory(this.#bounds));
    return this.codec.encode(world).slice();
  }

  expand(state: Uint8Array, emit: Emit): void {
    this.#open(state);
    try {
      this.#enumerate((place, input, message, stays) => {
        this.#turn.isDuplicate = message >= 0 && stays && this.#isConsuming;
        this.#act(place, input, stays ? -1 : message, emit);
      });
    } catch (error) {
      this.failedAction = this.#action;
      if (error instanceof InvariantError) throw new ModelViolation(`core: ${error.message}`);
      throw error;
    } finally {
      this.#close();
    }
  }

  describe(state: Uint8Array, action: number): string {
    this.#open(state);
    let line = `There is no action ${action}`;
    this.#enumerate((place, input, message, stays) => {
      if (this.#action !== action) return;
      const again = message >= 0 && stays && this.#isConsuming ? ", not for the last time" : "";
      line = this.#describeInput(place, input) + again;
    });
    this.#close();
    return line;
  }

  /** Decodes `state` and marks what was sent. */
  #open(state: Uint8Array): void {
    const world = this.#world;
    this.codec.decode(state, world);
    this.#history = this.codec.history(world.history);
    for (let i = 0; i < world.netCount; i++) this.#mark(world.net[i] ?? 0, 1);
    for (let place = 0; place < memberCount; place++) {
      this.#turn.all[place] = this.steps.facts(world.members[place] ?? 0);
    }
  }

  #close(): void {
    const { net, netCount } = this.#world;
    for (let i = 0; i < netCount; i++) this.#isSent[net[i] ?? 0] = 0;
  }

  #mark(message: number, value: number): void {
    while (message >= this.#isSent.length) {
      const larger = new Uint8Array(this.#isSent.length * 2);
      larger.set(this.#isSent);
      this.#isSent = larger;
    }
    this.#isSent[message] = value;
  }

  /** Calls back for each thing that may happen, in a fixed order; `#action` counts them. */
  #enumerate(visit: Visit): void {
    this.#action = 0;
    for (let place = 0; place < memberCount; place++) this.#enumerateLocal(place, visit);
    if (this.#mayPass()) {
      visit(0, inputs.pass, -1, true);
      this.#action++;
    }
    const { net, netCount } = this.#world;
    for (let i = 0; i < netCount; i++) {
      const id = net[i] ?? 0;
      const from = id % 3;
      const post = (id - from) / 3;
      const { direction, message } = this.steps.messages.at(post);
      const to = placeOn(from, direction);
      this.#enumerateArrivals(to, receiveInput(post), id, visit);
      const facts = this.steps.facts(this.#world.members[to] ?? 0);
      if (message.kind !== "request-vote" || !facts.hearsLeader || facts.role === 3) continue;
      if (this.#bounds.isNeverSilent === true) continue;
      this.#enumerateArrivals(to, receiveInput(post, true), id, visit);
    }
  }

  /** Not while no clock has anything to measure: what comes then is the same, and takes no time. */
  #mayPass(): boolean {
    const { clocks } = this.#bounds;
    if (clocks === undefined || this.#history.time >= clocks.stepsMax) return false;
    return this.#turn.all.some(({ role, holdsPromise }) => role !== 0 || holdsPromise);
  }

  #enumerateArrivals(place: number, input: number, message: number, visit: Visit): void {
    visit(place, input, message, !this.#isConsuming);
    this.#action++;
    if (!this.#mayDuplicate()) return;
    visit(place, input, message, true);
    this.#action++;
  }

  get #isConsuming(): boolean {
    return this.#bounds.duplicatesMax !== "unlimited";
  }

  #mayDuplicate(): boolean {
    const { duplicatesMax } = this.#bounds;
    return duplicatesMax !== "unlimited" && this.#history.duplicates < duplicatesMax;
  }

  #enumerateLocal(place: number, visit: Visit): void {
    const bounds = this.#bounds;
    const history = this.#history;
    const facts = this.steps.facts(this.#world.members[place] ?? 0);
    const offer = (input: number): void => {
      visit(place, input, -1, true);
      this.#action++;
    };
    const leads = facts.role === 3;
    const hasClock = bounds.clocks !== undefined;
    const timer = hasClock ? inputs.timerAt + history.time : inputs.electionTimer;
    if (!leads && history.timeouts < bounds.timeoutsMax) offer(timer);
    if (facts.askedReads > 0) offer(inputs.lull);
    const isTicking = leads ? history.ticks < bounds.ticksMax : hasClock;
    if (isTicking) offer(hasClock ? inputs.tickAt + history.time : inputs.tick);
    if (leads && hasClock) offer(inputs.leaseRead + history.time);
    this.#enumerateLeadership(facts, offer);
    if (leads) offer(inputs.idle);
    if (facts.pendingCount > 0) offer(inputs.persisted);
    if (leads && history.proposals < bounds.proposalsMax) {
      const count = this.#changes?.changes.length ?? 0;
      if (this.#changes === null) offer(inputs.propose + history.proposals + 1);
      else for (let at = 1; at <= count; at++) offer(inputs.propose + at);
    }
    if (facts.maySnapshot && history.snapshots < (bounds.snapshotsMax ?? 0)) {
      offer(inputs.snapshot);
    }
    for (const digit of [1, 2]) if ((facts.offers >> digit) & 1) offer(inputs.fail + digit);
    const mayRead = leads || (bounds.followerReads && facts.knowsLeader);
    if (mayRead && history.reads < bounds.readsMax) offer(inputs.read + history.reads + 1);
    if (history.crashes >= bounds.crashesMax) return;
    const units = Math.min(facts.pendingCount, pendingLimit);
    for (let kept = 0; kept <= units; kept++) offer(inputs.crash + kept);
  }

  /** Transfers, and leaders that are gone: truly or not, and whether it is the leader or not. */
  #enumerateLeadership(facts: MemberFacts, offer: (input: number) => void): void {
    const { transfersMax = 0, gonesMax = 0, wakesMax = 0 } = this.#bounds;
    const { transfers, gones, wakes } = this.#history;
    for (const digit of [1, 2]) {
      if (facts.role === 3 && transfers < transfersMax) offer(inputs.transfer + digit);
      if (facts.role === 0 && gones < gonesMax) offer(inputs.gone + digit);
    }
    if (facts.isLeaderLost && wakes < wakesMax) offer(inputs.wake);
  }

  /**
   * Does it, checks it, and emits what came of it, unless nothing did or it is out of bounds. That
   * `consumed` is gone is nothing: it may as well never arrive.
   */
  #act(place: number, input: number, consumed: number, emit: Emit): void {
    const { steps } = this;
    const world = this.#world;
    if (input === inputs.pass) {
      this.#pass(emit);
      return;
    }
    const id = world.members[place] ?? 0;
    steps.step(id, input);
    if (isLeaseRead(input)) {
      this.#readByLease(place, input, id);
      return;
    }
    const nextId = steps.steps.next;
    const outcome = steps.outcome(steps.steps.outcome);
    const isSame = nextId === id && outcome.answers.length === 0;
    // Or does nothing for another reason.
    const isRefused = this.#changes !== null && input < inputs.read;
    const isCounted = input >= inputs.propose && input < inputs.receive && !isRefused;
    if (isSame && !isCounted && this.#areSent(place, outcome.left)) return;
    const after = steps.facts(nextId);
    if (after.campaignTerm > this.#bounds.termMax || after.round > this.#bounds.roundsMax) return;
    this.#prepareNext(place, nextId, outcome.left, consumed);
    const history = this.#check(place, input, id);
    const next = this.#next;
    if (!this.#keepsSpent) this.#dropSpent(place, after, history);
    next.history = history === this.#history ? world.history : this.codec.internHistory(history);
    emit(this.#action, this.codec.encode(next));
  }

  #pass(emit: Emit): void {
    const world = this.#world;
    const history = { ...this.#history, time: this.#history.time + 1 };
    this.#prepareNext(0, world.members[0] ?? 0, [], -1);
    this.#next.history = this.codec.internHistory(history);
    emit(this.#action, this.codec.encode(this.#next));
  }

  /**
   * What a read by a lease is answered at this moment, if it is: it leaves nothing behind. One that
   * is not is a read as any other, and goes no further here.
   */
  #readByLease(place: number, input: number, id: number): void {
    const { steps } = this;
    if (steps.outcome(steps.steps.outcome).answers.length === 0) return;
    this.#prepareNext(place, steps.steps.next, [], -1);
    this.#check(place, input, id);
  }

  #areSent(place: number, left: readonly number[]): boolean {
    for (const post of left) if (this.#isSent[post * 3 + place] !== 1) return false;
    return true;
  }

  #prepareNext(place: number, nextId: number, left: readonly number[], consumed: number): void {
    const world = this.#world;
    const next = this.#next;
    next.members.set(world.members);
    next.members[place] = nextId;
    const countMax = world.netCount + left.length;
    if (next.net.length < countMax) next.net = new Int32Array(countMax * 2);
    const { net } = next;
    let count = 0;
    for (let i = 0; i < world.netCount; i++) {
      const message = world.net[i] ?? 0;
      if (message !== consumed) net[count++] = message;
    }
    const kept = count;
    for (const post of left) {
      const message = post * 3 + place;
      const isSent = this.#isSent[message] === 1 && message !== consumed;
      if (!isSent && !includes(net, kept, count, message)) net[count++] = message;
    }
    next.netCount = count;
  }

  /** Without election timers to run out, nobody ever has a newer term than is somewhere now. */
  #foresee(history: History): Prospect {
    const prospect = this.#prospect;
    const { timeoutsMax, transfersMax = 0, gonesMax = 0 } = this.#bounds;
    prospect.mayCampaign = history.timeouts < timeoutsMax || transfersMax > 0 || gonesMax > 0;
    prospect.termMax = this.#bounds.termMax;
    if (prospect.mayCampaign) return prospect;
    let term = 0;
    for (const facts of this.#turn.all) {
      term = Math.max(term, facts.term, facts.campaignTerm, facts.diskTerm);
    }
    const { net, netCount } = this.#next;
    for (let i = 0; i < netCount; i++) {
      term = Math.max(term, this.steps.messages.term(Math.floor((net[i] ?? 0) / 3)));
    }
    prospect.termMax = term;
    return prospect;
  }

  /** Afterwards no message is in the next world that can do nothing any more: see `spent.ts`. */
  #dropSpent(place: number, after: MemberFacts, history: History): void {
    const { net, netCount } = this.#next;
    const { all } = this.#turn;
    const before = all[place];
    all[place] = after;
    const prospect = this.#foresee(history);
    let count = 0;
    for (let i = 0; i < netCount; i++) {
      const id = net[i] ?? 0;
      const place = id % 3;
      const post = this.steps.messages.at((id - place) / 3);
      const from = all[place];
      const to = all[placeOn(place, post.direction)];
      if (from === undefined || to === undefined) continue;
      if (isSpent(post.message, 3 - post.direction, from, to, prospect)) this.#checkSpent(id);
      else net[count++] = id;
    }
    this.#next.netCount = count;
    if (before !== undefined) all[place] = before;
  }

  /**
   * No more than any input does. That it can do nothing is what the core's sources say; that it
   * does nothing now, is seen.
   */
  #checkSpent(id: number): void {
    const { steps } = this;
    const from = id % 3;
    const post = (id - from) / 3;
    const { direction, message } = steps.messages.at(post);
    const member = this.#next.members[placeOn(from, direction)] ?? 0;
    steps.step(member, inputs.idle);
    const idle = steps.steps.next;
    steps.step(member, receiveInput(post));
    if (steps.steps.next === idle) return;
    const value = steps.messages.value(post);
    const sent = describeWorldMessage(decodeMessage(value, from, false, this.#changes));
    throw new ModelViolation(`spent: ${message.kind} still does something: ${sent}`);
  }

  #check(place: number, input: number, id: number): History {
    const { steps } = this;
    const turn = this.#turn;
    const before = steps.facts(id);
    turn.place = place;
    turn.input = input;
    turn.before = before;
    turn.after = steps.facts(this.#next.members[place] ?? 0);
    turn.all[place] = turn.after;
    turn.outcome = steps.outcome(steps.steps.outcome);
    turn.received = input >= inputs.receive ? steps.messages.at(postOf(input)).message : null;
    turn.left.length = 0;
    for (const post of turn.outcome.left) turn.left.push(steps.messages.at(post));
    try {
      const history = checkTurn(turn, this.#history, this.#acknowledgements);
      this.#countProbes(turn, history);
      return history;
    } finally {
      turn.all[place] = before;
    }
  }

  #countProbes(turn: Turn, history: History): void {
    const probes = this.#probes;
    for (let at = 0; at < probes.length; at++) {
      if (probes[at]?.sees(turn, history) === true) {
        this.probeHits[at] = (this.probeHits[at] ?? 0) + 1;
      }
    }
  }

  readonly #acknowledgements = (
    place: number,
    visit: (response: AppendEntriesResponse, to: number) => void,
  ): void => {
    const { net, netCount } = this.#world;
    for (let i = 0; i < netCount; i++) {
      const id = net[i] ?? 0;
      const from = id % 3;
      if (from !== place) continue;
      const { message, direction } = this.steps.messages.at((id - from) / 3);
      if (message.kind === "append-entries-response") visit(message, placeOn(from, direction));
    }
  };

  #describeInput(place: number, input: number): string {
    const who = "abc"[place] ?? "?";
    if (input >= inputs.receive) {
      const { value, direction } = this.steps.messages.at(postOf(input));
      const from = placeOn(place, 3 - direction);
      const message = describeWorldMessage(decodeMessage(value, from, false, this.#changes));
      return `${who} receives ${message}${isAfterLull(input) ? ", after a silence" : ""}`;
    }
    if (input === inputs.pass) return "half a lease passes";
    if (input >= inputs.tickAt) return describeAtTime(who, input);
    if (input > inputs.transfer) {
      const first = input > inputs.gone ? inputs.gone : inputs.transfer;
      const peer = "abc"[placeOn(place, input - first)] ?? "?";
      if (input === inputs.wake) return `${who} wakes because its leader is gone`;
      return input > inputs.gone
        ? `${who} sees that ${peer} is gone`
        : `${who} hands over to ${peer}`;
    }
    if (input > inputs.fail) {
      const peer = "abc"[placeOn(place, input - inputs.fail)] ?? "?";
      return `${who} hears that ${peer} does not get its snapshot`;
    }
    if (input === inputs.snapshot) return `${who} takes a snapshot and drops the log behind it`;
    if (input >= inputs.crash) {
      const { pendingCount } = this.steps.facts(this.#world.members[place] ?? 0);
      return `${who} crashes, ${input - inputs.crash} of ${pendingCount} units kept`;
    }
    if (input >= inputs.read) return `${who} is asked for read ${input - inputs.read}`;
    if (input >= inputs.propose) {
      const what = this.#changes === null ? "given command" : "asked for change";
      return `${who} is ${what} ${input - inputs.propose}`;
    }
    if (input === inputs.idle) return `${who} gets an input that it has no use for`;
    if (input === inputs.persisted) return `${who}'s next unit is durable`;
    if (input === inputs.tick) return `${who} ticks as leader`;
    if (input === inputs.lull) return `${who} hears nothing for an election timeout`;
    return `${who}'s election timer runs out`;
  }
}

function describeAtTime(who: string, input: number): string {
  if (isLeaseRead(input)) return `${who} is asked for a read by its lease`;
  return input >= inputs.timerAt ? `${who}'s election timer runs out` : `${who} looks at its clock`;
}

function includes(net: Int32Array, from: number, to: number, message: number): boolean {
  for (let i = from; i < to; i++) if (net[i] === message) return true;
  return false;
}

function describeBounds(bounds: Bounds): string {
  const parts = [
    `3 members, terms 2 to ${bounds.termMax}`,
    `${bounds.timeoutsMax} election timeouts`,
    `${bounds.proposalsMax} ${bounds.changes === undefined ? "commands" : "changes of members"}`,
    `${bounds.crashesMax} crashes`,
    `${bounds.roundsMax} rounds a leader`,
    `${bounds.ticksMax} leader's ticks`,
    `${bounds.duplicatesMax} duplicates`,
  ];
  if (bounds.readsMax > 0) {
    parts.push(`${bounds.readsMax} reads${bounds.followerReads ? " anywhere" : " of leaders"}`);
  }
  if (bounds.changes !== undefined) parts.push(bounds.changes.description);
  if (bounds.snapshotsMax !== undefined) parts.push(`${bounds.snapshotsMax} snapshots`);
  describeLeadership(bounds, parts);
  if (bounds.preVote) parts.push("PreVote");
  if (bounds.checkQuorum) parts.push("CheckQuorum");
  if (!bounds.asyncDisk) parts.push("disks at once");
  if (bounds.storesCommit) parts.push("stored commit index");
  return parts.join(", ");
}

function describeLeadership(bounds: Bounds, parts: string[]): void {
  const { clocks, transfersMax, gonesMax, wakesMax = 0 } = bounds;
  if (clocks !== undefined) {
    const slow = clocks.slow.join(" or ");
    parts.push(`leases, ${clocks.stepsMax} times half of one, ${slow} slow clocks`);
  }
  if (transfersMax !== undefined) parts.push(`${transfersMax} transfers`);
  if (gonesMax !== undefined) parts.push(`${gonesMax} leaders gone, ${wakesMax} wakes`);
  if (bounds.isNeverSilent === true) parts.push("no silence");
}
