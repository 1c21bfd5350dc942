/**
 * The leader's care for learners that are to become voters: how far they have come, told to all
 * members, and their promotion when they have caught up. What is to become of a learner stands in
 * the configuration, so any leader goes on where another one ended. Called by `membership.ts`.
 */
import { type LogIndex, type NodeId, noIndex } from "../../base/index.ts";
import {
  allMembers,
  type ChangeResult,
  type Member as ClusterMember,
  isChangePending,
  type Leadership,
  type MemberChange,
  type Raft,
} from "../../core/index.ts";
import type { PromotionHold } from "../../transport/index.ts";
import type { NodeEvents } from "../events.ts";
import type { NodeLimits } from "../limits.ts";

export interface PromotionsHost {
  readonly raft: Raft;
  readonly limits: Pick<NodeLimits, "heartbeatMs">;
  change(changes: readonly MemberChange[]): ChangeResult;
  /** Tells this member's listeners and the other members. */
  tell(progress: NodeEvents["member-progress"]): void;
}

/** Heartbeat intervals between two reports of a learner. */
const reportHeartbeats = 5;

interface Report {
  readonly matched: LogIndex;
  readonly hold: PromotionHold;
  readonly atMs: number;
}

export class Promotions {
  readonly #host: PromotionsHost;
  readonly #reports = new Map<NodeId, Report>();
  #lookedMs = 0;
  /** What was committed when it was last looked: who has that has caught up. */
  #committed: LogIndex = noIndex;

  constructor(host: PromotionsHost) {
    this.#host = host;
  }

  onTick(nowMs: number): void {
    const { raft, limits } = this.#host;
    const { leadership } = raft;
    if (leadership === null || raft.configuration.learners.length === 0) {
      this.#reports.clear();
      this.#committed = raft.commit;
      return;
    }
    if (nowMs - this.#lookedMs < limits.heartbeatMs) return;
    this.#lookedMs = nowMs;
    for (const learner of raft.configuration.learners) {
      if (learner.whenReady !== undefined) this.#look(learner, leadership, nowMs);
    }
    this.#committed = raft.commit;
  }

  #look(learner: ClusterMember, leadership: Leadership, nowMs: number): void {
    const { raft } = this.#host;
    const { id } = learner;
    const progress = leadership.peers.get(id);
    const matched = progress?.matched ?? raft.log.base.index;
    const isHeard = (progress?.ackedRound ?? 0) > 0;
    const isNear = matched >= this.#committed;
    const hold = isHeard ? (isNear ? this.#promote(learner) : "behind") : "silent";
    const before = this.#reports.get(id);
    const isNews = before === undefined || before.matched !== matched || before.hold !== hold;
    const isDue = nowMs - (before?.atMs ?? 0) >= reportHeartbeats * this.#host.limits.heartbeatMs;
    if (before?.hold === hold && !(isNews && isDue)) return;
    this.#reports.set(id, { matched, hold, atMs: nowMs });
    this.#host.tell({ id, matched, commit: raft.commit, hold });
  }

  /** With it, in the same change, goes the member that it replaces: there is none in between. */
  #promote({ id, whenReady }: ClusterMember): PromotionHold {
    const { raft } = this.#host;
    if (isChangePending(raft)) return "change";
    const changes: MemberChange[] = [{ kind: "promote", id }];
    const replaces = whenReady?.replaces ?? null;
    const isThere = allMembers(raft.configuration).some((member) => member.id === replaces);
    if (replaces !== null && isThere) changes.push({ kind: "remove", id: replaces });
    const result = this.#host.change(changes);
    if (result.kind === "appended") return "nothing";
    switch (result.why) {
      case "would-lose-quorum":
        return "quorum";
      case "learner-not-ready":
        return result.because;
      default:
        return "change"; // this term has not begun, or a change came between
    }
  }
}
