/**
 * What this member sees of elections: its own campaigns with their votes, and for each leader that
 * comes to be known one summary of why and how. Looks at the core after each step and changes
 * nothing. Called by `witness.ts`.
 */
import type { NodeId, Term } from "../../base/index.ts";
import {
  allVoters,
  type Campaign,
  type Input,
  majority,
  type Raft,
  type VoteRefusal,
} from "../../core/index.ts";
import { describeMs, describeNames } from "./words.ts";

/**
 * `won`: a majority granted. `refused`: so many refused that it could not be won any more.
 * `timed-out`: neither, until the election timer ran out: votes were split or answers lost.
 * `superseded`: another leader or a newer term was heard of.
 */
export type CampaignOutcome = "won" | "refused" | "timed-out" | "superseded";

/** One campaign of this member, or with `pre` its question whether it could win. */
export interface CampaignSummary {
  readonly pre: boolean;
  /** That was campaigned for. */
  readonly term: number;
  readonly outcome: CampaignOutcome;
  /** Who granted, oneself included. */
  readonly granted: readonly string[];
  readonly refused: readonly VoteRefused[];
  /** Voters that did not answer. */
  readonly silent: readonly string[];
  /** Votes that win. */
  readonly needed: number;
  readonly durationMs: number;
}

export interface VoteRefused {
  readonly id: string;
  /** Null: not told. */
  readonly why: VoteRefusal | null;
}

/**
 * Why there was an election. `start`: this member has just started. `leader-silent`: the election
 * timer ran out. `leader-gone`: its connection ended, and it could not be reached again.
 * `lost-quorum`: this member led and lost contact to a majority. `newer-term`: a message of a newer
 * term ended the leader's.
 */
export type ElectionCause =
  | "start"
  | "leader-silent"
  | "leader-gone"
  | "lost-quorum"
  | "newer-term";

/** The time from the loss of one leader to the knowledge of the next, as this member saw it. */
export interface ElectionSummary {
  readonly leader: string;
  readonly term: number;
  /** The leader before, if this member knew one. */
  readonly previous: { readonly id: string; readonly term: number } | null;
  readonly why: ElectionCause;
  /** Milliseconds that another leader had been silent when it was given up; null: unknown. */
  readonly silentMs: number | null;
  /** Milliseconds without a known leader. */
  readonly durationMs: number;
  /** Whom this member voted for in `term`. */
  readonly votedFor: string | null;
  /** This member's own campaigns, the newest of them, oldest first. */
  readonly campaigns: readonly CampaignSummary[];
  readonly campaignCount: number;
}

/** Campaigns and elections that are kept: enough for a person to see a pattern. */
const keptMax = 16;

interface Loss {
  readonly sinceMs: number;
  readonly why: ElectionCause;
  readonly silentMs: number | null;
  readonly previous: ElectionSummary["previous"];
}

export interface ElectionWatchHost {
  readonly raft: Raft;
  readonly tickMs: number;
  nowMs(): number;
  onCampaign(summary: CampaignSummary): void;
  onElection(summary: ElectionSummary): void;
}

export class ElectionWatch {
  readonly #host: ElectionWatchHost;
  #leader: NodeId | null;
  #term: Term;
  #loss: Loss | null;
  #leaderSinceMs: number;
  /** Of the known leader, as of the last tick that knew it. */
  #contactTick: number | null = null;
  #campaign: Campaign | null = null;
  #campaignSinceMs = 0;
  readonly #whys = new Map<NodeId, VoteRefusal>();
  #campaigns: CampaignSummary[] = [];
  #campaignCount = 0;
  readonly #elections: ElectionSummary[] = [];

  constructor(host: ElectionWatchHost) {
    this.#host = host;
    this.#leader = host.raft.leader;
    this.#term = host.raft.hardState.term;
    const sinceMs = host.nowMs();
    this.#leaderSinceMs = sinceMs;
    this.#loss = { sinceMs, why: "start", silentMs: null, previous: null };
  }

  /** Since when the present leader is known, or none is. */
  get sinceMs(): number {
    return this.#loss?.sinceMs ?? this.#leaderSinceMs;
  }

  get loss(): Loss | null {
    return this.#loss;
  }

  get campaignSinceMs(): number {
    return this.#campaignSinceMs;
  }

  /** Own campaigns since the leader was lost, the newest of them. */
  get campaigns(): readonly CampaignSummary[] {
    return this.#campaigns;
  }

  get campaignCount(): number {
    return this.#campaignCount;
  }

  /** The newest, oldest first. */
  get elections(): readonly ElectionSummary[] {
    return this.#elections;
  }

  /** Why `id` refused the present campaign. */
  refusalOf(id: NodeId): VoteRefusal | null {
    return this.#whys.get(id) ?? null;
  }

  /** After each step of the core. */
  onStep(input: Input): void {
    const { raft } = this.#host;
    if (input.kind === "receive" && this.#campaign !== null) this.#noteRefusal(input);
    if (raft.campaign !== this.#campaign) this.#onCampaign(raft.campaign);
    if (raft.leader !== this.#leader || raft.hardState.term !== this.#term) this.#onLeader(input);
    if (input.kind === "tick" && raft.leader !== null) this.#contactTick = raft.leaderContactTick;
  }

  #noteRefusal({ message }: Extract<Input, { kind: "receive" }>): void {
    if (message.kind !== "request-vote-response" || message.refused === null) return;
    const current = this.#campaign;
    if (current === null || message.pre !== current.pre) return;
    if (message.campaignTerm === current.term) this.#whys.set(message.from, message.refused);
  }

  #onCampaign(next: Campaign | null): void {
    const before = this.#campaign;
    const nowMs = this.#host.nowMs();
    if (before !== null) this.#endCampaign(before, next, nowMs);
    this.#campaign = next;
    this.#campaignSinceMs = nowMs;
    this.#whys.clear();
  }

  #endCampaign(before: Campaign, next: Campaign | null, nowMs: number): void {
    const { raft } = this.#host;
    const voters = allVoters(raft.configuration).map(({ id }) => id);
    const { voters: stay, outgoing } = raft.configuration;
    const granted = voters.filter((id) => before.grants.has(id));
    const refused = voters.filter((id) => before.refusals.has(id) || this.#whys.has(id));
    const summary: CampaignSummary = {
      pre: before.pre,
      term: before.term,
      outcome: outcomeOf(raft, before, next),
      granted,
      refused: refused.map((id) => ({ id, why: this.refusalOf(id) })),
      silent: voters.filter((id) => !granted.includes(id) && !refused.includes(id)),
      needed: majority(Math.max(stay.length, outgoing?.length ?? 0)),
      durationMs: nowMs - this.#campaignSinceMs,
    };
    this.#campaignCount++;
    this.#campaigns.push(summary);
    if (this.#campaigns.length > keptMax) this.#campaigns.shift();
    this.#host.onCampaign(summary);
  }

  #onLeader(input: Input): void {
    const { raft } = this.#host;
    const nowMs = this.#host.nowMs();
    const { leader } = raft;
    const wasLeader = this.#leader;
    if (wasLeader !== null && (leader !== wasLeader || raft.hardState.term !== this.#term)) {
      const contact = this.#contactTick;
      const why = causeOf(raft, input, wasLeader);
      this.#loss = {
        sinceMs: nowMs,
        why,
        silentMs:
          wasLeader !== raft.id && contact !== null
            ? (raft.nowTick - contact) * this.#host.tickMs
            : null,
        previous: { id: wasLeader, term: this.#term },
      };
    }
    this.#leader = leader;
    this.#term = raft.hardState.term;
    if (leader !== null) this.#endElection(leader, nowMs);
  }

  #endElection(leader: NodeId, nowMs: number): void {
    const loss = this.#loss;
    if (loss === null) return;
    const { term, votedFor } = this.#host.raft.hardState;
    const summary: ElectionSummary = {
      leader,
      term,
      previous: loss.previous,
      why: loss.why,
      silentMs: loss.silentMs,
      durationMs: nowMs - loss.sinceMs,
      votedFor,
      campaigns: this.#campaigns,
      campaignCount: this.#campaignCount,
    };
    this.#loss = null;
    this.#leaderSinceMs = nowMs;
    this.#campaigns = [];
    this.#campaignCount = 0;
    this.#elections.push(summary);
    if (this.#elections.length > keptMax) this.#elections.shift();
    this.#host.onElection(summary);
  }
}

function outcomeOf(raft: Raft, before: Campaign, next: Campaign | null): CampaignOutcome {
  if (next !== null) return before.pre && !next.pre ? "won" : "timed-out";
  const { term } = raft.hardState;
  if (raft.role === "leader") return "won";
  const isOvertaken = before.pre ? term >= before.term : term > before.term;
  return isOvertaken || raft.leader !== null ? "superseded" : "refused";
}

function causeOf(raft: Raft, input: Input, before: NodeId): ElectionCause {
  if (input.kind === "wake") return "leader-gone";
  // A member that has caught up after damage raises the term itself.
  if (input.kind !== "tick" || raft.hardState.mustCatchUp) return "newer-term";
  return before === raft.id ? "lost-quorum" : "leader-silent";
}

/** Such as `PreVote for term 8: 1 of 2 votes (a); c refused (leader-alive); b did not answer`. */
export function describeCampaign(campaign: CampaignSummary): string {
  const { pre, term, granted, refused, silent, needed } = campaign;
  const parts = [`${granted.length} of ${needed} votes (${granted.join(", ") || "-"})`];
  for (const { id, why } of refused) parts.push(`${id} refused${why === null ? "" : ` (${why})`}`);
  if (silent.length > 0) parts.push(`${describeNames(silent)} did not answer`);
  return `${pre ? "PreVote for term" : "campaign in term"} ${term}: ${parts.join("; ")}`;
}

/** The one line for the log. */
export function describeElection(election: ElectionSummary, self: string): string {
  const { leader, term, durationMs, campaigns, campaignCount, votedFor } = election;
  const parts = [`${leader} leads term ${term} after ${describeMs(durationMs)} without a leader`];
  parts.push(describeCause(election, self));
  if (votedFor !== null) parts.push(`${self} voted for ${votedFor === self ? "itself" : votedFor}`);
  const last = campaigns.at(-1);
  if (last !== undefined) {
    const times = campaignCount === 1 ? "once" : `${campaignCount} times`;
    parts.push(`${self} asked for votes ${times}, at last ${describeCampaign(last)}`);
  }
  return parts.join("; ");
}

function describeCause(election: ElectionSummary, self: string): string {
  const { previous, silentMs } = election;
  const before =
    previous === null ? "no leader" : `${previous.id}, leader of term ${previous.term}`;
  const silent = silentMs === null ? "" : ` after ${describeMs(silentMs)} of silence`;
  switch (election.why) {
    case "start":
      return `${self} had just started`;
    case "leader-silent":
      return `${before}, was given up${silent}`;
    case "leader-gone":
      return `${before}, could not be reached any more${silent}`;
    case "lost-quorum":
      return `${before}, had lost contact to a majority`;
    case "newer-term":
      return `${before}, was replaced by a newer term${silent}`;
    default:
      return election.why satisfies never;
  }
}
