/**
 * Everything that can happen in a world. Each exported function is one thing that happens; it
 * checks all invariants that it may have touched.
 */
import { assert, type LogIndex, noIndex } from "../../src/base/index.ts";
import {
  checkState,
  createRaft,
  type Effect,
  type Input,
  type Message,
  mayRelease,
  type Persist,
  propose,
  type Raft,
  type Send,
  step,
  takeEffects,
} from "../../src/core/index.ts";
import {
  checkPromise,
  checkPromiseKept,
  checkVerified,
  observeMatched,
  onAcknowledged,
} from "./check-acks.ts";
import { checkApply, checkCaughtUp, checkRemoval, observeCommit } from "./check-commit.ts";
import { checkLeaving, observeRole, observeVote, onHardStateDurable } from "./check-election.ts";
import { auditLog, observeLog } from "./check-log.ts";
import { cutImage } from "./disk.ts";
import { recall } from "./history.ts";
import { forgetVolatile, type Member, type Proposal, seenAtStart } from "./member.ts";
import { send } from "./network.ts";
import { check } from "./violation.ts";
import type { World } from "./world.ts";

// --- one step of one core ------------------------------------------------------------------------

/** Steps the member's core and checks what that did. The member is up. */
export function feed(world: World, member: Member, input: Input): void {
  const { raft } = member;
  assert(raft !== null, "feed: the member is up");
  const sent = raft.outbox.sends.length;
  step(raft, input);
  observeVote(world.ledger, member, raft, input, raft.outbox.sends[sent]?.message);
  observe(world, member, raft, input);
  member.isDirty = true;
}

/** Everything that a change of a member's state is checked for. */
function observe(world: World, member: Member, raft: Raft, input: Input | null): void {
  const { ledger, members } = world;
  const { seen } = member;
  checkState(raft);
  observeLog(ledger, member, raft);
  if (raft.role === "leader" && seen.role !== "leader") world.tally.elections++;
  observeRole(ledger, members, member, raft);
  observeCommit(ledger, members, member, raft);
  observeMatched(ledger, members, member, raft, input);
  seen.role = raft.role;
  seen.hardState = raft.hardState;
  seen.commit = raft.commit;
  seen.applying = raft.applying;
  seen.applied = raft.applied;
}

/** Proposes `count` commands to a member that may lead. */
export function offer(world: World, member: Member, count: number): boolean {
  const { raft } = member;
  assert(raft !== null, "offer: the member is up");
  const commands: Uint8Array[] = [];
  for (let i = 0; i < count; i++) commands.push(commandOf(world.nextCommand++));
  const result = propose(raft, commands);
  if (result.kind === "refused") return false;
  for (let i = 0; i < count; i++) {
    member.proposals.push({ index: result.first + i, term: result.term });
  }
  observe(world, member, raft, null);
  member.isDirty = true;
  return true;
}

/** Eight bytes that no other command has. */
function commandOf(number: number): Uint8Array {
  const bytes = new Uint8Array(8);
  for (let at = 0, rest = number; rest > 0; at++, rest = Math.floor(rest / 256)) bytes[at] = rest;
  return bytes;
}

/** Asks for a read; remembers what was committed anywhere by then. */
export function ask(world: World, member: Member): number {
  const id = world.nextRead++;
  member.reads.set(id, world.ledger.canon.length);
  feed(world, member, { kind: "read", id });
  return id;
}

// --- effects -------------------------------------------------------------------------------------

/** Takes and hands out what the core wants done. */
export function take(world: World, member: Member): void {
  const { raft } = member;
  assert(raft !== null, "take: the member is up");
  const effects = takeEffects(raft);
  member.isDirty = false;
  for (const effect of effects) handOut(world, member, effect);
  observe(world, member, raft, null);
}

function handOut(world: World, member: Member, effect: Effect): void {
  switch (effect.kind) {
    case "persist":
      member.disk.pending.push(effect);
      break;
    case "send":
      handOutSend(world, member, effect);
      break;
    case "apply":
      checkApply(world.ledger, member, effect.entries);
      member.applying = effect.entries;
      break;
    case "read-answered":
      for (const id of effect.ids) {
        settleRead(world, member, id, "index" in effect ? effect.index : null);
      }
      break;
    case "role-changed":
    case "configuration-changed":
      break;
    default:
      effect satisfies never;
  }
}

function handOutSend(world: World, member: Member, effect: Send): void {
  const { message } = effect;
  if (message.kind === "append-entries-response") {
    checkVerified(world.ledger, member, message);
    if (effect.after <= member.disk.durableUnit) checkPromise(world.ledger, member, message);
  }
  if (mayRelease(effect, member.reported)) leave(world, member, message);
  else member.held.push(effect);
}

function leave(world: World, member: Member, message: Message): void {
  const to = world.byId.get(message.to);
  assert(to !== undefined, "messages go to members");
  checkLeaving(world.ledger, member, to.at, message);
  if (message.kind === "append-entries-response") onAcknowledged(world.ledger, member, message);
  send(world.network, world.faults, member.at * world.members.length + to.at, message);
}

function settleRead(world: World, member: Member, id: number, index: number | null): void {
  const least = member.reads.get(id);
  check(world.ledger.evaluations, "R", least !== undefined, () => `read ${id} is answered twice`);
  member.reads.delete(id);
  if (index === null) {
    world.tally.readsFailed++;
    return;
  }
  world.tally.readsAnswered++;
  check(
    world.ledger.evaluations,
    "L2",
    index >= (least ?? 0),
    () => `${member.id} may read at ${index}; ${least} was committed when the read was asked`,
  );
}

// --- disk, machines, crashes ---------------------------------------------------------------------

/** The oldest unit under way becomes durable. */
export function completeUnit(world: World, member: Member): void {
  const unit = member.disk.pending.shift();
  assert(unit !== undefined, "completeUnit: something is under way");
  applyUnit(world, member, unit);
  member.disk.durableUnit = unit.unit;
  for (const { after, message } of member.held) {
    if (after === unit.unit && message.kind === "append-entries-response") {
      checkPromise(world.ledger, member, message);
    }
  }
}

function applyUnit(world: World, member: Member, unit: Persist): void {
  const { image } = member.disk;
  const { ledger, members } = world;
  if (unit.hardState !== null) {
    const before = image.term;
    const caughtUp = image.mustCatchUp && !unit.hardState.mustCatchUp;
    Object.assign(image, unit.hardState);
    onHardStateDurable(ledger, members, member, before);
    if (caughtUp) {
      // What this unit brings counts, too: it is one with the hard state.
      applyEntries(world, member, unit);
      checkCaughtUp(ledger, member);
      member.lost = [];
      return;
    }
  }
  applyEntries(world, member, unit);
}

function applyEntries(world: World, member: Member, unit: Persist): void {
  const { image } = member.disk;
  const { ledger, members } = world;
  const removed = unit.truncateFrom === null ? [] : image.log.slice(unit.truncateFrom - 1);
  if (unit.truncateFrom !== null) cutImage(image, unit.truncateFrom - 1);
  let parent = image.log.at(-1) ?? null;
  for (const entry of unit.entries) {
    parent = recall(ledger.history, ledger.evaluations, parent, entry, false);
    image.log.push(parent);
  }
  image.commit = Math.max(image.commit, unit.commit) as LogIndex; // one of two indexes
  check(ledger.evaluations, "S13", image.commit <= image.log.length, () => "stored commit index");
  if (removed.length === 0) return;
  checkRemoval(ledger, members, removed);
  checkPromiseKept(ledger, member);
}

/** The core hears that everything durable is durable; what waited for it leaves. */
export function report(world: World, member: Member): void {
  member.reported = member.disk.durableUnit;
  const { held } = member;
  member.held = held.filter((effect) => !mayRelease(effect, member.reported));
  for (const effect of held) {
    if (mayRelease(effect, member.reported)) leave(world, member, effect.message);
  }
  feed(world, member, { kind: "persisted", unit: member.reported });
}

/** The machines have applied what they were given, or its first `count`. */
export function finishApply(world: World, member: Member, count: number): void {
  const { applying } = member;
  assert(applying !== null, "finishApply: something is being applied");
  const index = applying[count - 1]?.index ?? noIndex;
  member.applying = count < applying.length ? applying.slice(count) : null;
  feed(world, member, { kind: "applied", index });
  if (member.proposals.length > 0) settleProposals(world, member, index);
}

/**
 * What is applied at the proposal's index with its term is the proposal; with another term it is
 * lost.
 */
function settleProposals(world: World, member: Member, applied: number): void {
  const open: Proposal[] = [];
  for (const proposal of member.proposals) {
    const past = world.ledger.canon[proposal.index - 1];
    if (proposal.index > applied) open.push(proposal);
    else if (past?.entry.term === proposal.term) {
      world.ledger.acknowledged.push(past);
      world.tally.writes++;
    }
  }
  member.proposals = open;
}

/**
 * The process dies: the first `kept` units under way survive, and whatever was durable, unless it
 * is lost.
 */
export function crash(
  world: World,
  member: Member,
  kept: number,
  keptEntries: number | null,
): void {
  const { raft, disk } = member;
  assert(raft !== null, "crash: the member is up");
  auditLog(world.ledger, member, raft);
  for (const unit of disk.pending.slice(0, kept)) applyUnit(world, member, unit);
  forgetVolatile(member);
  world.network.isDown[member.at] = true;
  world.tally.crashes++;
  if (keptEntries === null || keptEntries >= disk.image.log.length) return;
  member.lost.push([...disk.image.log]);
  member.lossTerm = disk.image.term;
  cutImage(disk.image, keptEntries);
  disk.image.mustCatchUp = true;
  world.tally.losses++;
}

/** The process starts with what is on disk; `commit` is what the disk happens to know of it. */
export function restart(world: World, member: Member, commit: LogIndex): void {
  const { image } = member.disk;
  const raft = createRaft({
    id: member.id,
    settings: world.options.settings,
    boot: world.hosts.below(2 ** 31),
    jitter: world.hosts.unit(),
    hardState: {
      term: image.term,
      votedFor: image.votedFor,
      mustCatchUp: image.mustCatchUp,
    },
    entries: image.log.map((past) => past.entry),
    commit,
  });
  check(world.ledger.evaluations, "S13", raft.commit <= image.commit, () => "commit after a start");
  member.raft = raft;
  world.network.isDown[member.at] = false;
  member.seen = seenAtStart(raft, image.log);
  member.isDirty = true;
  observe(world, member, raft, null);
}

/** One tick of the member's clock. */
export function tick(world: World, member: Member): void {
  feed(world, member, { kind: "tick", nowMs: world.step, jitter: world.hosts.unit() });
}
