/** The sentences of `explain()`: one for each kind of finding, plain and with its numbers. */
import { describeLacking } from "../versions/version-errors.ts";
import type {
  AbstainingFinding,
  ApplyBehindFinding,
  CampaignFinding,
  CatchUpFinding,
  CommitHeldFinding,
  DiskDamageFinding,
  FailedCampaignsFinding,
  Finding,
  LeaderFinding,
  LearnerWaitsFinding,
  MembersChangingFinding,
  NoCandidateFinding,
  NoLeaderFinding,
  NoQuorumFinding,
  PeerFinding,
  RefusedPeerFinding,
  Severity,
  VersionHeldFinding,
} from "./findings.ts";
import {
  describeBytes,
  describeCount,
  describeMs,
  describeNames,
  describeNumber,
} from "./words.ts";

const entries = (count: number): string => describeCount(count, "entry", "entries");

/** How bad it is. */
export function severityOf(finding: Finding): Severity {
  switch (finding.kind) {
    case "leader":
      return "ok";
    case "peer":
      if (finding.state === "unreachable") return "trouble";
      return finding.state === "replicating" ? "ok" : "notice";
    case "campaign":
    case "election-due":
    case "disconnected":
    case "apply-behind":
    case "transferring":
    case "members-changing":
    case "learner-waits":
    case "version-held":
      return "notice";
    case "commit-held":
      return finding.forMs < heldNoticeMs ? "notice" : "trouble";
    case "catch-up":
    case "disk-damage":
      return finding.mustCatchUp ? "trouble" : "notice";
    case "stopped":
      return finding.error === null ? "notice" : "trouble";
    case "no-candidate":
      return finding.why === "joining" ? "notice" : "trouble";
    case "no-leader":
    case "no-quorum":
    case "failed-campaigns":
    case "refused-peer":
    case "storage-slow":
    case "disk-unhealthy":
    case "abstaining":
      return "trouble";
    default:
      return finding satisfies never;
  }
}

/** Milliseconds; what waits for a majority for less than this is work under way. */
const heldNoticeMs = 1000;

const noCandidateTexts: Readonly<Record<NoCandidateFinding["why"], string>> = {
  "not-a-voter": "is no voter and does not stand for election",
  "must-catch-up": "does not stand for election: it must catch up first",
  joining: "waits to be added to the cluster (members.add), and does not stand for election",
};

function describeChange({ index, joint, committed }: MembersChangingFinding): string {
  const head = `The members change, at entry ${describeNumber(index)}`;
  if (!joint) return `${head}, which is not committed yet.`;
  const state = committed ? "The voters after it decide alone next" : "It is not committed yet";
  return `${head}: the voters before and after it both decide. ${state}.`;
}

const transferTexts = {
  asked: "because it was asked to",
  priority: "which has a higher priority",
  disk: "because its own disk is unhealthy",
} as const;

/** One or two sentences. `self`: the member that says it. */
export function describeFinding(finding: Finding, self: string): string {
  switch (finding.kind) {
    case "stopped":
      return finding.error === null
        ? `${self} was stopped.`
        : `${self} has stopped because of an error: ${finding.error}`;
    case "leader":
      return describeLeader(finding, self);
    case "no-leader":
      return describeNoLeader(finding, self);
    case "no-quorum":
      return describeNoQuorum(finding, self);
    case "campaign":
      return describeOwnCampaign(finding, self);
    case "election-due":
      return `${self} stands for election in ${describeMs(finding.inMs)} unless it hears a leader.`;
    case "failed-campaigns":
      return describeFailed(finding, self);
    case "no-candidate":
      return `${self} ${noCandidateTexts[finding.why]}.`;
    case "transferring":
      return (
        `${self} has been handing over to ${finding.to} for ${describeMs(finding.forMs)}, ` +
        `${transferTexts[finding.why]}; commands wait meanwhile.`
      );
    case "members-changing":
      return describeChange(finding);
    case "learner-waits":
      return describeLearner(finding);
    case "version-held":
      return describeHeldVersion(finding);
    case "commit-held":
      return describeHeld(finding, self);
    case "apply-behind":
      return describeApply(finding, self);
    case "peer":
      return describePeer(finding);
    case "disconnected":
      return (
        `${self} has had no connection to ${finding.id} for ${describeMs(finding.forMs)}` +
        `${because(finding.reason)}.`
      );
    case "refused-peer":
      return describeRefused(finding);
    case "storage-slow":
      return (
        `The disk of ${self} is slow: it has been writing unit ${finding.unit} for ` +
        `${describeMs(finding.forMs)}; ${describeCount(finding.units, "unit", "units")} with ` +
        `${entries(finding.entries)} (${describeBytes(finding.bytes)}) wait for it.`
      );
    case "disk-unhealthy":
      return (
        `The disk of ${self} is unfit for a leader: ${self} ` +
        (finding.isLeader
          ? "hands over as soon as another voter is fit, and leads until then."
          : "does not stand for election.")
      );
    case "disk-damage":
      return describeDamage(finding, self);
    case "abstaining":
      return describeAbstaining(finding);
    case "catch-up":
      return describeCatchUp(finding, self);
    default:
      return finding satisfies never;
  }
}

function because(reason: string | null): string {
  return reason === null ? "" : ` (${reason})`;
}

function describeLeader({ leader, isSelf, term, forMs, silentMs }: LeaderFinding, self: string) {
  if (isSelf) return `${self} has led term ${term} for ${describeMs(forMs)}.`;
  const heard = silentMs === null ? "" : `; it was last heard ${describeMs(silentMs)} ago`;
  const since = describeMs(forMs);
  return `${self} has followed ${leader}, the leader of term ${term}, for ${since}${heard}.`;
}

function describeNoLeader({ term, forMs, previous, why }: NoLeaderFinding, self: string): string {
  const head = `${self} has known no leader for ${describeMs(forMs)} (term ${term})`;
  if (previous === null) return `${head}: it has not heard of one since it started.`;
  const before = previous.id === self ? `${self} itself` : previous.id;
  switch (why) {
    case "start":
      return `${head}.`;
    case "leader-silent":
      return `${head}: ${before}, leader of term ${previous.term}, fell silent.`;
    case "leader-gone":
      return `${head}: ${before}, leader of term ${previous.term}, could not be reached any more.`;
    case "lost-quorum":
      return `${head}: ${before} led term ${previous.term} and lost contact to a majority.`;
    case "newer-term":
      return `${head}: a newer term ended term ${previous.term} of ${before}.`;
    default:
      return why satisfies never;
  }
}

function describeNoQuorum(finding: NoQuorumFinding, self: string): string {
  const { reachable, unreachable, needed, isIsolated } = finding;
  const total = reachable.length + unreachable.length;
  const causes = unreachable.map(({ id, address, reason, forMs }) => {
    return `${id} at ${address} for ${describeMs(forMs)}${because(reason)}`;
  });
  const head =
    `No quorum: ${self} is in contact with ${reachable.length} of ${total} voters ` +
    `(${describeNames(reachable)}), ${needed} are needed. No connection to ${causes.join("; ")}.`;
  if (!isIsolated) return head;
  return (
    `${head} ${self} reaches nobody: either it is cut off and the others go on without it, or ` +
    `they are all down.`
  );
}

function describeOwnCampaign(finding: CampaignFinding, self: string): string {
  const { pre, term, granted, refused, unanswered, needed, ownVoteUnderWay, forMs } = finding;
  const what = pre ? `asks whether it could win term ${term}` : `campaigns in term ${term}`;
  const parts = [`${granted.length} of ${needed} votes (${describeNames(granted)})`];
  for (const { id, why } of refused) parts.push(`${id} refused${because(why)}`);
  if (unanswered.length > 0) parts.push(`no answer yet from ${describeNames(unanswered)}`);
  if (ownVoteUnderWay) parts.push("its own vote waits for its disk");
  return `${self} ${what}, for ${describeMs(forMs)}: ${parts.join("; ")}.`;
}

function describeFailed(finding: FailedCampaignsFinding, self: string): string {
  const { count, splitCount, refusals, recent } = finding;
  const parts: string[] = [];
  if (splitCount > 0) {
    parts.push(`the vote was split in ${describeCount(splitCount, "of them", "of them")}`);
  }
  if (refusals.length > 0) {
    const reasons = refusals.map(({ why, count: times }) => `${refusalTexts[why]} (${times})`);
    parts.push(`refusals: ${reasons.join(", ")}`);
  }
  const silent = recent.at(-1)?.silent ?? [];
  if (silent.length > 0) parts.push(`${describeNames(silent)} did not answer the last time`);
  const times = describeCount(count, "time", "times");
  const head = `${self} has asked for votes ${times} without winning`;
  return parts.length === 0 ? `${head}.` : `${head}; ${parts.join("; ")}.`;
}

/** Why votes are refused, in words. */
const refusalTexts = {
  "stale-term": "its term was old",
  "voted-for-other": "the vote was given to another",
  "log-behind": "its log is behind the voter's",
  "leader-alive": "the voter hears a leader",
  "must-catch-up": "the voter must catch up",
} as const;

function describeHeld(finding: CommitHeldFinding, self: string): string {
  const { commit, last, forMs, needed, have, heldBy, leader } = finding;
  const head =
    `${entries(last - commit)} above ${describeNumber(commit)} ` +
    `${last - commit === 1 ? "is" : "are"} not known to be committed, ` +
    `without progress for ${describeMs(forMs)}`;
  if (heldBy !== null) {
    return (
      `${head}: ${describeNumber(needed)} voters must have the next one on disk, ` +
      `${have.length} ${have.length === 1 ? "has" : "have"} (${describeNames(have)}); ` +
      `${describeNames(heldBy)} ` +
      `${heldBy.length === 1 ? "holds" : "hold"} it back.`
    );
  }
  if (leader === null) return `${head}: there is no leader to commit them.`;
  return `${head}. Only the leader knows who holds them back: ask ${leader}, not ${self}.`;
}

function describePeer(finding: PeerFinding): string {
  const { id, state, forMs, behindEntries, behindBytes, reason, silentMs } = finding;
  const behind =
    behindEntries === 0
      ? "it has the whole log"
      : `it is ${entries(behindEntries)} (${describeBytes(behindBytes)}) behind`;
  const since = describeMs(forMs);
  switch (state) {
    case "replicating":
      return `${id} has been replicating for ${since}; ${behind}.`;
    case "probing":
      return (
        `${id} has been probed for ${since}: it is not known yet where its log parts from the ` +
        `leader's; ${behind}; last answer ${describeMs(silentMs)} ago.`
      );
    case "window-full":
      return (
        `${id} is slow: its window has been full for ${since}, with ` +
        `${describeCount(finding.inflightMessages, "message", "messages")} ` +
        `(${describeBytes(finding.inflightBytes)}) unanswered; ${behind}.`
      );
    case "full":
      return (
        `${id} has been full for ${since}: its disk or its machines are behind what it has got, ` +
        `and it gets nothing more until there is room; ${behind}.`
      );
    case "snapshot":
      return (
        `${id} has been fetching a snapshot for ${since}: it lacks entries that the log ` +
        `here does not have any more; ${behind}.`
      );
    case "unreachable":
      return `${id} has been unreachable for ${since}${because(reason)}; ${behind}.`;
    default:
      return state satisfies never;
  }
}

function describeRefused({ id, reason, count, agoMs }: RefusedPeerFinding): string {
  const who = id === null ? "somebody that is no member" : `what calls itself ${id}`;
  const times = count === 1 ? "once" : `${describeNumber(count)} times`;
  return `A connection with ${who} was refused ${times}, last ${describeMs(agoMs)} ago: ${reason}`;
}

function describeCatchUp(finding: CatchUpFinding, self: string): string {
  const { mustCatchUp, commit, leaderCommit, durable, forMs, waitsFor } = finding;
  const since = forMs === null ? "" : ` for ${describeMs(forMs)}`;
  const gap =
    leaderCommit > commit
      ? ` It has ${describeNumber(commit)} of ${describeNumber(leaderCommit)} committed entries ` +
        `(up to ${describeNumber(durable)} on disk).`
      : "";
  const head = mustCatchUp
    ? `${self} found damage that may have been acknowledged, and neither votes nor stands until ` +
      `it has caught up${since === "" ? "" : ` (${since.trim()})`}.`
    : `${self} has been behind its leader${since}.`;
  return `${head}${gap} ${waitTexts[waitsFor]}`;
}

function describeApply({ applied, commit, forMs }: ApplyBehindFinding, self: string): string {
  return (
    `The machines of ${self} have applied up to ${describeNumber(applied)} of ` +
    `${describeNumber(commit)} committed entries, without progress for ${describeMs(forMs)}.`
  );
}

function describeLearner({ id, replaces }: LearnerWaitsFinding): string {
  const place = replaces === null ? "" : `, in the place of ${replaces}`;
  return `${id} learns, and becomes a voter once it has caught up${place}.`;
}

function describeHeldVersion({ machine, version, lacking }: VersionHeldFinding): string {
  const what = `Version ${version} of the machine "${machine}" is not enabled`;
  if (lacking.length === 0) return `${what}: every member can apply it, and nobody has enabled it.`;
  return `${what}: ${describeLacking(lacking)} cannot apply it yet.`;
}

function describeDamage({ reasons, kept, mustCatchUp }: DiskDamageFinding, self: string): string {
  const what =
    reasons.length > 0
      ? `${self} found damage on its disk at this start: ${reasons.join("; ")}.`
      : `${self} has found damage on its disk at an earlier start.`;
  const state = mustCatchUp ? "It is being repaired from the other members" : "It is repaired";
  const files = `${kept.length === 1 ? "this lies" : "these lie"} aside: ${kept.join(", ")}`;
  return `${what} ${state}${kept.length === 0 ? "" : `; ${files}`}.`;
}

function describeAbstaining({ abstaining, others, needed }: AbstainingFinding): string {
  const who = `${describeNames(abstaining)} ${abstaining.length === 1 ? "abstains" : "abstain"}`;
  return (
    `${who} after damage, and ${describeNumber(needed)} voters are needed to elect a leader ` +
    `without ${abstaining.length === 1 ? "it" : "them"} ` +
    `(${others.length === 0 ? "nobody is left" : `left: ${describeNames(others)}`}): the cluster ` +
    "stands still rather than forget what was acknowledged. While a leader works, replace who " +
    "abstains (members.replace); without one, quorate recover says what can be saved."
  );
}

const waitTexts = {
  leader: "It waits for a leader.",
  entries: "It waits for entries from its leader.",
  disk: "It waits for its disk.",
  "own-term-entry": "It waits until the leader has committed an entry of its own term.",
  election: "It has everything, and waits until the others have elected a leader without it.",
  contact: "It waits for connections to a majority besides itself.",
} as const;
