/**
 * Members, messages and effects as one line of text each: for stories, traces and error messages.
 * Positions are printed as `term/index`. Not a format: nothing reads these lines back.
 */
import { unreachable } from "../base/index.ts";
import type { Configuration } from "./configuration.ts";
import type {
  ConfigurationChanged,
  Effect,
  InstallSnapshot,
  Persist,
  ReadAnswered,
  SnapshotNeeded,
} from "./effects.ts";
import type { Entry, LogPosition } from "./entry.ts";
import { lastPosition } from "./log.ts";
import type {
  AppendEntriesResponse,
  AppendOutcome,
  Message,
  RequestVote,
  RequestVoteResponse,
} from "./messages.ts";
import type { Progress } from "./progress.ts";
import type { Raft } from "./state.ts";

/** Such as `2/17`: term 2, index 17. */
export function describePosition(position: LogPosition): string {
  return `${position.term}/${position.index}`;
}

/** Runs of one term together, such as `1/4..1/9,3/10`; `-` for none. */
export function describeEntries(entries: readonly Entry[]): string {
  const runs: { first: Entry; last: Entry }[] = [];
  for (const entry of entries) {
    const run = runs.at(-1);
    if (run !== undefined && run.last.term === entry.term) run.last = entry;
    else runs.push({ first: entry, last: entry });
  }
  if (runs.length === 0) return "-";
  return runs
    .map(({ first, last }) =>
      first === last
        ? describePosition(first)
        : `${describePosition(first)}..${describePosition(last)}`,
    )
    .join(",");
}

/** Such as `n2 follower term=2 voted=n1 leader=n1 last=2/13 commit=12`. */
export function describeMember(raft: Raft): string {
  const { term, votedFor, mustCatchUp } = raft.hardState;
  const last = describePosition(lastPosition(raft.log));
  const state = `term=${term} voted=${votedFor ?? "-"} leader=${raft.leader ?? "-"} last=${last}`;
  const { base } = raft.log;
  const start = base.index === 0 ? "" : ` base=${describePosition(base)}`;
  const suffix = mustCatchUp ? " must-catch-up" : "";
  return `${raft.id} ${raft.role} ${state} commit=${raft.commit}${start}${suffix}`;
}

/** What a leader knows of one peer, such as `replicate matched=3 next=6 inflight=2 (96 bytes)`. */
export function describeProgress(progress: Progress): string {
  const { mode, matched, next, inflight, inflightBytes } = progress;
  const window = `inflight=${inflight.length} (${inflightBytes} bytes)`;
  const { offer } = progress;
  const offered = offer === null ? "" : ` offered=${describePosition(offer.position)}`;
  const full = progress.isFull ? " full" : "";
  return `${mode} matched=${matched} next=${next} ${window}${offered}${full}`;
}

/** Such as `n1 -> n2 append-entries term=2 prev=1/12 entries=2/13 commit=12 round=1`. */
export function describeMessage(message: Message): string {
  const { from, to, kind, term } = message;
  return `${from} -> ${to} ${kind} term=${term} ${describeContent(message)}`;
}

/** The hard state, truncation, entries and messages that an effect is about. */
export function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case "persist":
      return describePersist(effect);
    case "send":
      return `send after=${effect.after} ${describeMessage(effect.message)}`;
    case "apply":
      return `apply ${describeEntries(effect.entries)}`;
    case "read-answered":
      return describeReadAnswered(effect);
    case "role-changed":
      return `role-changed ${effect.role} term=${effect.term} leader=${effect.leader ?? "-"}`;
    case "configuration-changed":
      return describeConfigurationChanged(effect);
    case "transfer-ended":
      return `transfer-ended to=${effect.to} (${effect.why}) ${effect.outcome}`;
    case "wake-in":
      return `wake-in ${effect.delayMs} ms`;
    case "install-snapshot":
      return describeInstall(effect);
    case "snapshot-refused":
      return `snapshot ${effect.id} refused (${effect.why})`;
    case "snapshot-needed":
      return describeNeed(effect);
    default:
      return unreachable(effect, "describeEffect: an effect of unknown kind");
  }
}

/** Such as `voters=n1,n2 outgoing=n1,n3 learners=n4`; what there is not is left out. */
export function describeConfiguration(configuration: Configuration): string {
  const { voters, outgoing, learners } = configuration;
  const parts = [`voters=${namesOf(voters)}`];
  if (outgoing !== null) parts.push(`outgoing=${namesOf(outgoing)}`);
  if (learners.length > 0) parts.push(`learners=${namesOf(learners)}`);
  return parts.join(" ");
}

function namesOf(members: Configuration["voters"]): string {
  return members.length === 0 ? "-" : members.map(({ id }) => id).join(",");
}

function describeConfigurationChanged(effect: ConfigurationChanged): string {
  const what = `${effect.index} ${describeConfiguration(effect.configuration)}`;
  return `configuration-changed ${what} committed=${effect.committedIndex}`;
}

function describeContent(message: Message): string {
  switch (message.kind) {
    case "request-vote":
      return describeRequest(message);
    case "request-vote-response":
      return describeVote(message);
    case "append-entries": {
      const { prev, entries, commit, round } = message;
      const what = entries.length === 0 ? "" : ` entries=${describeEntries(entries)}`;
      const asked = message.promiseMs === undefined ? "" : ` promise=${message.promiseMs}`;
      return `prev=${describePosition(prev)}${what} commit=${commit} round=${round}${asked}`;
    }
    case "append-entries-response":
      return describeAnswer(message);
    case "read-index":
      return `batch=${message.batch} boot=${message.boot}`;
    case "read-index-response":
      return `batch=${message.batch} boot=${message.boot} index=${message.index ?? "unknown"}`;
    case "timeout-now":
      return `round=${message.round}`;
    default:
      return unreachable(message, "describeMessage: a message of unknown kind");
  }
}

function describeRequest({ pre, transfer, last }: RequestVote): string {
  const mark = pre ? "pre " : transfer === true ? "transfer " : "";
  return `${mark}last=${describePosition(last)}`;
}

function describeAnswer(answer: AppendEntriesResponse): string {
  const { round, outcome, standing, promisedMs, isFull } = answer;
  const text = `round=${round} ${describeOutcome(outcome)}${isFull === true ? " full" : ""}`;
  const promised = promisedMs === undefined ? "" : ` promised=${promisedMs}`;
  if (standing === undefined) return `${text}${promised}`;
  const health = standing.isHealthy ? "" : " unhealthy";
  return `${text}${promised} priority=${standing.priority}${health}`;
}

function describeVote({ pre, campaignTerm, refused }: RequestVoteResponse): string {
  const verdict = refused === null ? "granted" : `refused (${refused})`;
  return `${pre ? "pre " : ""}for=${campaignTerm} ${verdict}`;
}

function describeOutcome(outcome: AppendOutcome): string {
  switch (outcome.kind) {
    case "accepted":
      return `accepted matched=${outcome.matched} verified=${outcome.verified}`;
    case "conflict": {
      const { prev, hint } = outcome;
      return `conflict prev=${describePosition(prev)} hint=${describePosition(hint)}`;
    }
    case "stale-term":
      return "stale-term";
    default:
      return unreachable(outcome, "describeMessage: an outcome of unknown kind");
  }
}

function describePersist({ unit, hardState, truncateFrom, entries }: Persist): string {
  const parts = [`persist unit=${unit}`];
  if (hardState !== null) parts.push(`term=${hardState.term} voted=${hardState.votedFor ?? "-"}`);
  if (truncateFrom !== null) parts.push(`truncate-from=${truncateFrom}`);
  if (entries.length > 0) parts.push(`entries=${describeEntries(entries)}`);
  return parts.join(" ");
}

function describeInstall({ unit, id, position, replacesLog }: InstallSnapshot): string {
  const log = replacesLog ? "replaces" : "keeps";
  return `install unit=${unit} snapshot ${id} at ${describePosition(position)}, ${log} the log`;
}

function describeNeed({ peer, position, term }: SnapshotNeeded): string {
  return `${peer} needs snapshot ${describePosition(position)} term=${term}`;
}

function describeReadAnswered(answer: ReadAnswered): string {
  const outcome = "index" in answer ? `index=${answer.index}` : `failed (${answer.failed})`;
  return `read ${answer.ids.join(",")} ${outcome}`;
}
