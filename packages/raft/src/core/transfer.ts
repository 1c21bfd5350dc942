/**
 * Handing over the leadership: the leader stops taking proposals, brings one voter up to date, and
 * tells it to stand for election at once. Asked for by an operator, or begun by the leader itself
 * for a member of higher priority or because its own disk is unhealthy.
 *
 * A transfer belongs to one stint and has a deadline. It needs no trust: whoever is told to stand
 * must still win an election.
 *
 * @thesis §3.10
 */
import { type LogIndex, type NodeId, unreachable } from "../base/index.ts";
import type { TransferEnded, TransferReason } from "./effects.ts";
import { campaign, mayStand } from "./election.ts";
import { voidLease } from "./lease.ts";
import { lastIndex } from "./log.ts";
import { isChangePending } from "./membership.ts";
import { hasContact, promotionLagMax } from "./membership-preflight.ts";
import type { TimeoutNow } from "./messages.ts";
import type { Progress } from "./progress.ts";
import { isQuorum } from "./quorum.ts";
import { startRound } from "./replication.ts";
import type { Leadership, Raft, Transfer } from "./state.ts";
import { adoptTerm } from "./terms.ts";

/**
 * Election timeouts that a leader is in office, and lets pass after a transfer, before it hands
 * over for the sake of priority: leaders that fail are not called back at once.
 */
const priorityPauseTimeouts = 10;

export type TransferRefusal =
  | { readonly why: "not-leader" }
  /** No entry of the own term is committed yet: ask again. */
  | { readonly why: "term-not-started" }
  | { readonly why: "transfer-in-flight"; readonly to: NodeId }
  /** `index`: of the configuration that is to be left, or committed, first. */
  | { readonly why: "change-in-flight"; readonly index: LogIndex }
  /** Nobody was named, and nobody is fit. */
  | { readonly why: "no-target" }
  | TargetRefusal;

type TargetRefusal =
  /** The one that leads already, or does not vote, or was not heard within an election timeout. */
  | { readonly why: "to-self" | "not-voter" | "unreachable"; readonly to: NodeId }
  /** Its host says that its disk is: it would not stand. */
  | { readonly why: "unhealthy"; readonly to: NodeId }
  /** It lacks more entries than can be sent within an election timeout. */
  | {
      readonly why: "behind";
      readonly to: NodeId;
      readonly matched: LogIndex;
      readonly commit: LogIndex;
    };

export type TransferResult =
  /** How it ends is told by `transfer-ended`, within an election timeout. */
  | { readonly kind: "started"; readonly to: NodeId }
  | ({ readonly kind: "refused" } & TransferRefusal);

/**
 * Begins to hand over to `to`, or with null to the fittest voter: of the highest priority, then
 * with the most of the log. Until it ends, proposals and changes of the members are refused as
 * `transferring`.
 */
export function transferLeadership(raft: Raft, to: NodeId | null): TransferResult {
  const { leadership } = raft;
  if (leadership === null) return { kind: "refused", why: "not-leader" };
  if (raft.commit < leadership.termStart) return { kind: "refused", why: "term-not-started" };
  if (leadership.transfer !== null) {
    return { kind: "refused", why: "transfer-in-flight", to: leadership.transfer.to };
  }
  if (isChangePending(raft)) {
    return { kind: "refused", why: "change-in-flight", index: raft.configurationIndex };
  }
  const target = to ?? chooseTarget(raft, leadership, 1);
  if (target === null) return { kind: "refused", why: "no-target" };
  const refusal = checkTarget(raft, leadership, target);
  if (refusal !== null) return { kind: "refused", ...refusal };
  startTransfer(raft, leadership, target, "asked");
  return { kind: "started", to: target };
}

/** Why `to` cannot take over, or null. */
function checkTarget(raft: Raft, leadership: Leadership, to: NodeId): TargetRefusal | null {
  if (to === raft.id) return { why: "to-self", to };
  const progress = leadership.peers.get(to);
  const isVoter = raft.configuration.voters.some(({ id }) => id === to);
  if (!isVoter || progress === undefined) return { why: "not-voter", to };
  if (progress.ackedRound === 0 || !hasContact(raft, leadership, to)) {
    return { why: "unreachable", to };
  }
  if (!progress.standing.isHealthy) return { why: "unhealthy", to };
  const { matched } = progress;
  const { commit } = raft;
  return commit - matched > promotionLagMax ? { why: "behind", to, matched, commit } : null;
}

/** The fittest voter of at least `priorityMin` that is being fed and answers, or null. */
function chooseTarget(raft: Raft, leadership: Leadership, priorityMin: number): NodeId | null {
  let best: { id: NodeId; priority: number; matched: LogIndex } | null = null;
  for (const { id } of raft.configuration.voters) {
    const progress = leadership.peers.get(id);
    if (progress?.mode !== "replicate" || checkTarget(raft, leadership, id) !== null) continue;
    const { matched } = progress;
    const { priority } = progress.standing;
    if (priority < priorityMin) continue;
    const isBetter =
      best === null ||
      priority > best.priority ||
      (priority === best.priority && matched > best.matched);
    if (isBetter) best = { id, priority, matched };
  }
  return best?.id ?? null;
}

function startTransfer(raft: Raft, leadership: Leadership, to: NodeId, why: TransferReason): void {
  const releaseRound = voidLease(raft, leadership);
  leadership.transfer = { to, why, sinceTick: raft.nowTick, toldRound: 0, releaseRound };
}

/**
 * Once the target has all of the log on its disk it is told to stand, and told again with each
 * round, for what is lost. Called once a take, behind the appends.
 */
export function sendTimeoutNow(raft: Raft, leadership: Leadership): void {
  const { transfer, round } = leadership;
  if (transfer === null || transfer.toldRound === round) return;
  const progress = leadership.peers.get(transfer.to);
  if (progress === undefined || progress.matched < lastIndex(raft.log)) return;
  if (!isReleased(raft, leadership, transfer)) return;
  transfer.toldRound = round;
  raft.outbox.sends.push({
    kind: "send",
    after: raft.hardStateUnit,
    message: {
      kind: "timeout-now",
      from: raft.id,
      to: transfer.to,
      term: raft.hardState.term,
      round,
    },
  });
}

/**
 * Whether the target and enough others know that what they promised this leader is given back: they
 * would refuse.
 */
function isReleased(raft: Raft, leadership: Leadership, transfer: Transfer): boolean {
  const { to, releaseRound } = transfer;
  const isFree = (id: NodeId): boolean =>
    id === raft.id || (leadership.peers.get(id)?.ackedRound ?? 0) >= releaseRound;
  return releaseRound === 0 || (isFree(to) && isQuorum(raft.configuration, isFree));
}

/**
 * Stands for election at once, without asking whether it could win: its leader knows. A copy that
 * comes late counts for nothing: in another term, or when a later round of the leader was heard.
 */
export function onTimeoutNow(raft: Raft, order: TimeoutNow): void {
  if (order.term > raft.hardState.term) adoptTerm(raft, order.term, null);
  if (order.term < raft.hardState.term || order.from !== raft.leader) return;
  if (order.round < raft.heardRound) return;
  if (!mayStand(raft) || !raft.isDiskHealthy) return;
  campaign(raft, true);
}

/** The deadline is an election timeout: then the leader goes on as before. Called once a tick. */
export function maybeGiveUpTransfer(raft: Raft, leadership: Leadership): void {
  const { transfer } = leadership;
  if (transfer === null || raft.nowTick - transfer.sinceTick < raft.settings.electionTicks) return;
  giveUp(raft, leadership, "timed-out");
}

/** The target has said how it is: an unhealthy one does not obey. */
export function maybeCallOff(
  raft: Raft,
  leadership: Leadership,
  peer: NodeId,
  { standing }: Progress,
): void {
  if (leadership.transfer?.to !== peer || standing.isHealthy) return;
  giveUp(raft, leadership, "unfit");
}

function giveUp(raft: Raft, leadership: Leadership, outcome: TransferEnded["outcome"]): void {
  endTransfer(raft, leadership, outcome);
  startRound(raft, leadership); // whoever hears it no longer obeys the old order
  leadership.leaseFromRound = leadership.round;
}

export function endTransfer(
  raft: Raft,
  leadership: Leadership,
  outcome: TransferEnded["outcome"],
): void {
  const { transfer } = leadership;
  if (transfer === null) return;
  leadership.transfer = null;
  leadership.transferEndedTick = raft.nowTick;
  const { to, why } = transfer;
  raft.outbox.answers.push({ kind: "transfer-ended", to, why, outcome });
}

/**
 * What a leader does of its own accord: away from an unhealthy disk, or up to a higher priority.
 * Called once a heartbeat.
 */
export function maybeHandOver(raft: Raft, leadership: Leadership): void {
  if (leadership.transfer !== null || isChangePending(raft)) return;
  if (raft.commit < leadership.termStart) return;
  const why: TransferReason = raft.isDiskHealthy ? "priority" : "disk";
  if (!isPauseOver(raft, leadership, why)) return;
  const priorityMin = why === "disk" ? 1 : raft.settings.priority + 1;
  const to = chooseTarget(raft, leadership, priorityMin);
  if (to !== null) startTransfer(raft, leadership, to, why);
}

function isPauseOver(raft: Raft, leadership: Leadership, why: TransferReason): boolean {
  const { electionTicks } = raft.settings;
  const { sinceTick, transferEndedTick } = leadership;
  switch (why) {
    case "disk":
      return transferEndedTick === null || raft.nowTick - transferEndedTick >= electionTicks;
    case "priority":
      return (
        raft.nowTick - (transferEndedTick ?? sinceTick) >= priorityPauseTimeouts * electionTicks
      );
    case "asked":
      return true;
    default:
      return unreachable(why, "isPauseOver: a reason of unknown kind");
  }
}
