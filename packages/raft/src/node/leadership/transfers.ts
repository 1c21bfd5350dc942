/**
 * Handing over the leadership, as it is asked of this member by its program. What forbids it only
 * for now (a leader that is new, a change of the members, another transfer) is waited out until the
 * deadline. Called by `leadership.ts`.
 */
import type { NodeId, QuorateError } from "../../base/index.ts";
import type { Raft, TransferEnded, TransferResult } from "../../core/index.ts";
import { addDeadline, type Deadlines } from "../deadlines.ts";
import { overloaded, timedOut } from "../errors.ts";
import type { RequestOwner } from "../requests.ts";
import { notLeader, transferFailed, transferRefused } from "./transfer-errors.ts";
import { type TransferDone, TransferRequest } from "./transfer-request.ts";

export interface TransfersHost {
  readonly raft: Raft;
  readonly deadlines: Deadlines;
  nowMs(): number;
  schedule(): void;
  /** Asks the core to hand over; null: to whoever is fittest. */
  transfer(to: NodeId | null): TransferResult;
}

/** Transfers that are waited for; more are somebody's mistake. */
const pendingTransfersMax = 100;

export class Transfers implements RequestOwner<TransferRequest> {
  readonly #host: TransfersHost;
  readonly #pending = new Set<TransferRequest>();

  constructor(host: TransfersHost) {
    this.#host = host;
  }

  /** `done` never runs inside the call. A returned error is the answer, too. */
  request(
    wanted: NodeId | null,
    timeoutMs: number,
    done: TransferDone,
  ): TransferRequest | QuorateError {
    if (this.#pending.size >= pendingTransfersMax) {
      return overloaded("pendingTransfersMax", pendingTransfersMax);
    }
    const times = { startedMs: this.#host.nowMs(), timeoutMs };
    const request = new TransferRequest(this, wanted, times, done);
    addDeadline(this.#host.deadlines, timeoutMs, request);
    this.#pending.add(request);
    this.#host.schedule();
    return request;
  }

  /** What waits is tried again. */
  onTick(): void {
    for (const { place } of this.#pending) if (place === "waiting") this.#host.schedule();
  }

  /** Called at the beginning of a turn. */
  flush(): void {
    for (const request of [...this.#pending]) if (request.place === "waiting") this.#try(request);
  }

  #try(request: TransferRequest): void {
    const { raft } = this.#host;
    const result = this.#host.transfer(request.wanted);
    if (result.kind === "started") {
      request.place = "begun";
      request.to = result.to;
      return;
    }
    switch (result.why) {
      case "not-leader":
        this.#onNotLeader(request);
        break;
      case "to-self":
        request.settle(null, raft.id); // as it shall be
        break;
      case "transfer-in-flight":
        this.#onInFlight(request, result.to);
        break;
      case "term-not-started":
      case "change-in-flight":
        request.refusal = transferRefused(result);
        break;
      default:
        request.settle(transferRefused(result));
    }
  }

  /** Who wants that very one to lead has what it wants. */
  #onNotLeader(request: TransferRequest): void {
    const { raft } = this.#host;
    const { leader } = raft;
    if (leader !== null && leader === request.wanted) request.settle(null, leader);
    else request.settle(notLeader(raft.id, leader));
  }

  #onInFlight(request: TransferRequest, to: NodeId): void {
    if (request.wanted === null || request.wanted === to) {
      request.place = "begun";
      request.to = to;
    } else {
      request.refusal = transferRefused({ why: "transfer-in-flight", to });
    }
  }

  onEnded({ to, outcome }: TransferEnded): void {
    for (const request of [...this.#pending]) {
      if (request.place !== "begun" || request.to !== to) continue;
      if (outcome === "stepped-down") request.place = "stepped-down";
      else request.settle(transferFailed(to, outcome, this.#host.raft.leader));
    }
    this.onLeader();
  }

  /** Somebody leads, or nobody is known to. */
  onLeader(): void {
    const { leader } = this.#host.raft;
    if (leader === null) return;
    for (const request of [...this.#pending]) {
      const { place, to } = request;
      if (place !== "stepped-down" || to === null) continue;
      if (leader === to) request.settle(null, leader);
      else request.settle(transferFailed(to, "other-leader", leader));
    }
  }

  onExpired(request: TransferRequest): void {
    const waitedMs = this.#host.nowMs() - request.startedMs;
    const action = "hand over the leadership";
    if (request.mayBeApplied) request.settle(timedOut(action, waitedMs, "unknown"));
    else request.settle(request.refusal ?? timedOut(action, waitedMs, "not-applied"));
  }

  onSettled(request: TransferRequest): void {
    this.#pending.delete(request);
  }
}
