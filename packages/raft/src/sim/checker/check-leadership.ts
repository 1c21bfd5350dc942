/**
 * Who may lead, and for how long it is sure of that: L1 leases are exclusive, L5 promises are kept,
 * L6 transfers, V5 nobody's broken link deposes a leader. Told to the checker's own records, which
 * know of the real clocks.
 */
import type {
  AppendEntries,
  AppendEntriesResponse,
  Input,
  LeaseRead,
  Raft,
  RequestVote,
  TimeoutNow,
} from "../../core/index.ts";
import { check } from "../violation.ts";
import { inForce } from "./check-configuration.ts";
import { observeContact } from "./check-contact.ts";
import { isElecting } from "./electorate.ts";
import { type Ledger, memberTerm } from "./ledger.ts";
import type { MemberRecord } from "./member-record.ts";

/** What a member promised leaders, by its own clock over all its lives, in milliseconds. */
export interface PromiseRecord {
  /** Of the leader that asked last in this life. */
  term: number;
  /** By round of that leader: when it first came. */
  readonly asked: Map<number, number>;
  /** Promises to rounds up to this one were given back. */
  releasedRound: number;
  /** In force until then: of this life, and of lives before, which nobody gives back. */
  untilMs: number;
  formerUntilMs: number;
}

export function createPromiseRecord(): PromiseRecord {
  return { term: 0, asked: new Map(), releasedRound: 0, untilMs: 0, formerUntilMs: 0 };
}

/** The process ended: what it promised stays promised. */
export function onPromisesRecovered(promise: PromiseRecord): void {
  promise.formerUntilMs = Math.max(promise.formerUntilMs, promise.untilMs);
  promise.untilMs = 0;
  promise.term = 0;
  promise.asked.clear();
  promise.releasedRound = 0;
}

/** After a step, while `member.seen` still shows the state before. */
export function observeLeadership(
  ledger: Ledger,
  member: MemberRecord,
  raft: Raft,
  input: Input,
): void {
  if (raft.campaign !== null && raft.campaign !== member.seen.campaign) {
    checkCandidacy(ledger, member, raft, input);
  }
  member.seen.campaign = raft.campaign;
  observeTransfer(ledger, member, raft);
  observeContact(ledger, member, raft, input);
  switch (input.kind) {
    case "lease-read":
      observeLeaseRead(ledger, member, raft, input);
      break;
    case "leader-gone":
      if (leaderOf(ledger, member.seen.hardState.term) === input.peer) {
        member.seen.isLeaderGone = true;
      }
      break;
    case "receive":
      if (input.message.kind === "append-entries") onHeard(ledger, member, raft, input.message);
      break;
    default:
      break;
  }
}

function leaderOf({ leaders, members }: Ledger, term: number): string | undefined {
  const leader = leaders.get(term);
  return leader === undefined ? undefined : members[leader.at]?.id;
}

// --- who stands ----------------------------------------------------------------------------------

/** A campaign began in this step, with pre-votes or in earnest. */
function checkCandidacy(ledger: Ledger, member: MemberRecord, raft: Raft, input: Input): void {
  checkNoPromise(ledger, member, () => `${member.id} stands for ${raft.campaign?.term}`);
  if (input.kind === "wake") ledger.counts.failovers++;
  if (raft.role !== "candidate" && raft.role !== "leader") return;
  if (input.kind === "receive" && input.message.kind === "timeout-now") {
    checkObeyed(ledger, member, input.message);
    return;
  }
  if (input.kind === "tick" && !raft.settings.preVote) return;
  let votes = 1 << member.at;
  for (const voter of ledger.members) {
    const given = ledger.preVotesLeft.get(memberTerm(voter.at, raft.hardState.term)) ?? 0;
    if (((given >> member.at) & 1) === 1) votes |= 1 << voter.at;
  }
  const isAsked = isElecting(inForce(member), votes);
  const raises = (): string => `${member.id} raises the term to ${raft.hardState.term}`;
  check(ledger.evaluations, "V5", isAsked, () => `${raises()} without a majority's pre-votes`);
}

/** The order was its leader's, of this very stint, and the newest that was heard of it. */
function checkObeyed(ledger: Ledger, member: MemberRecord, order: TimeoutNow): void {
  const { evaluations } = ledger;
  const { seen } = member;
  const { from, term, round } = order;
  const obeys = (): string => `${member.id} obeys ${from}'s order of term ${term}`;
  const isOwn = term === seen.hardState.term && leaderOf(ledger, term) === from;
  check(evaluations, "L6", isOwn, () => `${obeys()} in term ${seen.hardState.term}`);
  const heard = seen.contactTerm === term ? seen.contactRound : 0;
  check(evaluations, "L6", round >= heard, () => `${obeys()}, round ${round}, and heard ${heard}`);
}

/** Whether the candidate of this request was told to stand by the leader of the term before. */
export function isOrdered(ledger: Ledger, member: MemberRecord, request: RequestVote): boolean {
  if (request.transfer !== true || request.term !== member.seen.hardState.term + 1) return false;
  const at = ledger.members.findIndex(({ id }) => id === request.from);
  return ledger.orders.has(memberTerm(at, request.term - 1));
}

export function onPreVoteLeft(ledger: Ledger, at: number, to: number, campaignTerm: number): void {
  const key = memberTerm(at, campaignTerm);
  ledger.preVotesLeft.set(key, (ledger.preVotesLeft.get(key) ?? 0) | (1 << to));
}

// --- transfers -----------------------------------------------------------------------------------

/** A transfer is of one stint, and has a deadline. */
export function observeTransfer(ledger: Ledger, member: MemberRecord, raft: Raft): void {
  const { seen } = member;
  const now = raft.leadership?.transfer ?? null;
  if (now !== seen.transfer) {
    if (now !== null) {
      ledger.counts.transfers++;
      seen.transferTick = raft.nowTick;
      seen.transfersOpen++;
    } else if (raft.leadership === null) ledger.counts.handovers++;
    seen.transfer = now;
  }
  if (now === null) return;
  const ticks = raft.nowTick - seen.transferTick;
  const isInTime = ticks < raft.settings.electionTicks;
  check(ledger.evaluations, "L6", isInTime, () => `${member.id} hands over for ${ticks} ticks`);
}

/** After a take: the end of each transfer was told, once. */
export function checkTransfersTold(ledger: Ledger, member: MemberRecord): void {
  const { transfersOpen, transfer } = member.seen;
  if (transfersOpen === 0 && transfer === null) return;
  const isTold = transfersOpen === (transfer === null ? 0 : 1);
  check(ledger.evaluations, "R", isTold, () => `${member.id}: ${transfersOpen} ends untold`);
}

/** The leader makes an order: the target has its whole log on disk. */
export function onOrder(ledger: Ledger, member: MemberRecord, order: TimeoutNow): void {
  const target = ledger.members.find(({ id }) => id === order.to);
  if (target === undefined) return;
  ledger.orders.add(memberTerm(target.at, order.term));
  const { image, lossTerm } = target;
  if (image.term !== order.term || lossTerm >= order.term) return;
  const { log } = member.seen;
  const hasAll = image.log[log.length - 1] === log.at(-1);
  const tells = (): string => `${member.id} tells ${order.to} to stand`;
  check(ledger.evaluations, "L6", hasAll, () => `${tells()}, which lacks some of the log`);
}

// --- promises ------------------------------------------------------------------------------------

function onHeard(ledger: Ledger, member: MemberRecord, raft: Raft, request: AppendEntries): void {
  const { term, round, promiseMs } = request;
  if (term !== raft.hardState.term) return;
  const { promise } = member;
  if (promiseMs === undefined || ledger.clockOf === null) return;
  if (promise.term !== term) {
    promise.term = term;
    promise.asked.clear();
    promise.releasedRound = 0;
  }
  if (promiseMs > 0) {
    if (!promise.asked.has(round)) promise.asked.set(round, ledger.clockOf(member.at));
  } else if (round > promise.releasedRound) {
    // Those to older leaders go, too: since there was this one they have no lease and get none.
    if ([...promise.asked.keys()].every((asked) => asked <= round)) promise.untilMs = 0;
    promise.releasedRound = round;
  }
}

/** The answer leaves: from now on the leader may count on it. */
export function onPromiseLeft(
  ledger: Ledger,
  member: MemberRecord,
  { term, round, promisedMs }: AppendEntriesResponse,
): void {
  if (promisedMs === undefined || ledger.clockOf === null) return;
  const { evaluations } = ledger;
  const { promise, image } = member;
  const onDisk = image.promisedMs ?? 0;
  const promises = (): string => `${member.id} promises ${promisedMs} ms for round ${round}`;
  check(evaluations, "L5", onDisk >= promisedMs, () => `${promises()}, on its disk is ${onDisk}`);
  if (promise.term !== term || round <= promise.releasedRound) return;
  const askedMs = promise.asked.get(round);
  check(evaluations, "L5", askedMs !== undefined, () => `${promises()}, which asks for none`);
  promise.untilMs = Math.max(promise.untilMs, (askedMs ?? 0) + promisedMs);
}

/** Who promised elects nobody, itself included. */
export function checkNoPromise(ledger: Ledger, member: MemberRecord, what: () => string): void {
  if (ledger.clockOf === null) return;
  const { untilMs, formerUntilMs } = member.promise;
  const until = Math.max(untilMs, formerUntilMs);
  if (until === 0) return;
  const now = ledger.clockOf(member.at);
  const left = (): string => `${Math.round(until - now)} ms before what it promised is over`;
  check(ledger.evaluations, "L5", now >= until, () => `${what()} ${left()}`);
}

// --- leases --------------------------------------------------------------------------------------

/** Answered at once: then nobody else can have committed anything by now. */
function observeLeaseRead(
  ledger: Ledger,
  member: MemberRecord,
  raft: Raft,
  { id }: LeaseRead,
): void {
  const { evaluations, canon, newestLeaderTerm, counts } = ledger;
  member.reads.set(id, canon.length);
  const answer = raft.outbox.answers.at(-1);
  if (answer?.kind !== "read-answered" || !("index" in answer) || answer.ids[0] !== id) return;
  counts.leaseReads++;
  const { term } = raft.hardState;
  const leads = (): string => `${member.id} of term ${term} reads by its lease`;
  check(evaluations, "L1", raft.role === "leader", () => `${leads()} and does not lead`);
  const isNewest = newestLeaderTerm <= term;
  check(evaluations, "L1", isNewest, () => `${leads()}; there is a leader of ${newestLeaderTerm}`);
  const isFresh = answer.index >= canon.length;
  check(evaluations, "L1", isFresh, () => `${leads()} at ${answer.index} of ${canon.length}`);
}
