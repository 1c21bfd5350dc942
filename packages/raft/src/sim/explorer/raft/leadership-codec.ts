/**
 * What transfers, failovers and leases add to a member's bytes, and only in models that have them.
 *
 * What is left out, and why nobody can tell:
 * - The clock of the last tick of a follower: it is only compared with when promises are over, and
 *   those that are over by it are 0. Whoever stands takes it along, and so may lead by it; one that
 *   is told to stand does so without a tick, so where leaders hand over all keep it.
 * - Promises of leaders of older terms: neither given back nor overtaken any more.
 * - A round's time, if an earlier round has the same: a promise counts from the newest time of the
 *   rounds up to its own. Also if promises that count from then are over.
 * - How often a member that lost its leader was woken: what it asks of the timer stops after six
 *   times, which no bound allows.
 * - When the last transfer of a stint ended: read for priorities and unhealthy disks only.
 */
import { assert, type NodeId, noTerm, term } from "../../../base/index.ts";
import type { Leadership, Progress, Raft } from "../../../core/index.ts";
import { leaseSettings } from "./clocks.ts";
import { decodedTick } from "./decoded-raft.ts";
import type { Member, MemberOptions } from "./member.ts";

type DigitOf = (id: NodeId) => number;
type IdOf = (digit: number) => NodeId | null;
type Round = Leadership["roundTicks"][number];

const { leaseMs } = leaseSettings;

/** Whether anything is compared with ticks that is not bounded otherwise. */
export function countsTicks({ settings, handsOver }: MemberOptions): boolean {
  return settings.checkQuorum || handsOver;
}

/** Whether the leader counts as alive by its last message. */
export function hearsLeader({ settings, leaderContactTick, nowTick }: Raft): boolean {
  if (!settings.checkQuorum || leaderContactTick === null) return false;
  return nowTick - leaderContactTick < settings.electionTicks;
}

// --- encoding ------------------------------------------------------------------------------------

/** Of a leader: the rounds that count for contact, where they do; with leases they come later. */
export function roundBytes(
  { leadership, nowTick, settings }: Raft,
  options: MemberOptions,
): number[] {
  if (!countsTicks(options) || options.hasLeases) return [];
  const rounds = leadership?.roundTicks ?? [];
  const counting = rounds.filter(({ tick }) => nowTick - tick < settings.electionTicks);
  return [counting.length, ...counting.flatMap(({ round, tick }) => [round, nowTick - tick])];
}

/** Behind all else of a member. */
export function leadershipBytes(member: Member, digitOf: DigitOf): number[] {
  const { hasLeases, handsOver, seesGone } = member.options;
  const bytes: number[] = [];
  if (hasLeases) putLease(member, digitOf, bytes);
  if (handsOver) putTransfer(member.raft, digitOf, bytes);
  if (seesGone) putFailover(member.raft, digitOf, bytes);
  return bytes;
}

function putLease({ raft, rateMs, options }: Member, digitOf: DigitOf, bytes: number[]): void {
  const { promise, leadership, nowMs } = raft;
  const { pendingMs, formerPendingMs } = promise;
  assert(pendingMs === 0 || pendingMs === leaseMs, "all promise the same");
  assert(formerPendingMs === 0 || formerPendingMs === leaseMs, "all promise the same");
  const isOfTerm = promise.term === raft.hardState.term;
  const flags = (pendingMs > 0 ? 1 : 0) | (formerPendingMs > 0 ? 2 : 0);
  bytes.push(rateMs, flags | ((isOfTerm ? promise.round : 0) << 2));
  const unlessOver = (untilMs: number): number => (untilMs > nowMs ? untilMs : 0);
  bytes.push(unlessOver(promise.untilMs), unlessOver(promise.formerUntilMs));
  if (raft.role !== "follower" || options.handsOver) bytes.push(nowMs);
  if (leadership === null) return;
  for (const { leaseUntilMs } of inOrder(leadership, digitOf)) bytes.push(unlessOver(leaseUntilMs));
  const rounds = countingRounds(raft, leadership, countsTicks(options));
  bytes.push(rounds.length);
  for (const { round, ms, tick } of rounds) {
    bytes.push(round, ms);
    if (countsTicks(options))
      bytes.push(Math.min(raft.nowTick - tick, options.settings.electionTicks));
  }
}

/** By digit. */
function inOrder({ peers }: Leadership, digitOf: DigitOf): Progress[] {
  const all = [...peers].sort(([a], [b]) => digitOf(a) - digitOf(b));
  return all.map(([, progress]) => progress);
}

/** Those that count for promises, and `withTicks` those that count for contact. */
function countingRounds(raft: Raft, { roundTicks }: Leadership, withTicks: boolean): Round[] {
  const { nowMs, nowTick, settings } = raft;
  const rounds: Round[] = [];
  for (const sent of roundTicks) {
    const isNewer = sent.ms > (rounds.at(-1)?.ms ?? -1);
    const isContact = withTicks && nowTick - sent.tick < settings.electionTicks;
    if (isContact || (isNewer && sent.ms + leaseMs > nowMs)) rounds.push(sent);
  }
  return rounds;
}

function putTransfer(raft: Raft, digitOf: DigitOf, bytes: number[]): void {
  const { leadership, nowTick } = raft;
  bytes.push(raft.heardRound);
  if (raft.campaign !== null) bytes.push(raft.campaign.isTransfer ? 1 : 0);
  if (leadership === null) return;
  const { transfer, leaseFromRound } = leadership;
  bytes.push(leaseFromRound === null ? 0 : leaseFromRound + 1);
  bytes.push(transfer === null ? 0 : digitOf(transfer.to));
  if (transfer === null) return;
  bytes.push(transfer.toldRound | (transfer.releaseRound << 4), nowTick - transfer.sinceTick);
}

function putFailover({ failover }: Raft, digitOf: DigitOf, bytes: number[]): void {
  bytes.push(failover === null ? 0 : digitOf(failover.peer) | (failover.term << 4));
}

// --- decoding ------------------------------------------------------------------------------------

/** The member with what `leadershipBytes` kept of it. */
export function takeLeadershipRest(member: Member, take: () => number, idOf: IdOf): Member {
  const { hasLeases, handsOver, seesGone } = member.options;
  let whole = member;
  if (hasLeases) whole = takeLease(member, take, idOf);
  if (handsOver) takeTransfer(whole.raft, take, idOf);
  if (seesGone) takeFailover(whole.raft, take, idOf);
  return whole;
}

function takeLease(member: Member, take: () => number, idOf: IdOf): Member {
  const { raft, options } = member;
  const { promise, leadership } = raft;
  const rateMs = take();
  const flags = take();
  promise.pendingMs = (flags & 1) !== 0 ? leaseMs : 0;
  promise.formerPendingMs = (flags & 2) !== 0 ? leaseMs : 0;
  promise.round = flags >> 2;
  promise.term = promise.round > 0 ? raft.hardState.term : noTerm;
  promise.untilMs = take();
  promise.formerUntilMs = take();
  if (raft.role !== "follower" || options.handsOver) raft.nowMs = take();
  if (leadership === null) return { ...member, rateMs };
  for (const digit of [1, 2]) {
    const id = idOf(digit);
    const progress = id === null ? undefined : leadership.peers.get(id);
    assert(progress !== undefined, "a leader keeps its peers");
    progress.leaseUntilMs = take();
  }
  const count = take();
  const rounds: Round[] = [];
  for (let i = 0; i < count; i++) {
    const [round, ms] = [take(), take()];
    const age = countsTicks(options) ? take() : 1; // no round of this tick, and none to be pruned
    rounds.push({ round, tick: decodedTick - age, ms });
  }
  leadership.roundTicks = rounds;
  return { ...member, rateMs };
}

function takeTransfer(raft: Raft, take: () => number, idOf: IdOf): void {
  const { leadership, campaign } = raft;
  raft.heardRound = take();
  if (campaign !== null) raft.campaign = { ...campaign, isTransfer: take() === 1 };
  if (leadership === null) return;
  const from = take();
  leadership.leaseFromRound = from === 0 ? null : from - 1;
  const digit = take();
  const to = digit === 0 ? null : idOf(digit);
  if (to === null) return;
  const rounds = take();
  const sinceTick = decodedTick - take();
  const [toldRound, releaseRound] = [rounds & 15, rounds >> 4];
  leadership.transfer = { to, why: "asked", sinceTick, toldRound, releaseRound };
}

function takeFailover(raft: Raft, take: () => number, idOf: IdOf): void {
  const byte = take();
  const peer = byte === 0 ? null : idOf(byte & 15);
  if (peer !== null) raft.failover = { peer, term: term(byte >> 4), wakes: 0 };
}
