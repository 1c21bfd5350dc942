/**
 * Where commands wait and are found again. Commands of a turn go to the leader together: into its core if that is
 * us, else in one forwarded request. Only (index, term) comes back; the result is this member's own, computed when
 * it applies that index. Another term at that index means: certainly not applied.
 */
import {
  assert,
  type LogIndex,
  logIndex,
  type NodeId,
  type QuorateError,
  type Term,
} from "../base/index.ts";
import { type ProposeResult, propose, type Raft } from "../core/index.ts";
import type { ForwardRequest, ForwardResponse, PeerMessage } from "../transport/index.ts";
import { addDeadline, type Deadlines } from "./deadlines.ts";
import {
  leaderLost,
  noQuorum,
  overloaded,
  overwritten,
  type Reachability,
  resultDropped,
  stoppedError,
  timedOut,
  tooLarge,
} from "./errors.ts";
import type { NodeLimits } from "./limits.ts";
import { type CommandDone, type CommandOwner, CommandRequest } from "./requests.ts";

/** What proposals need of the member. */
export interface ProposalsHost {
  readonly raft: Raft;
  readonly limits: NodeLimits;
  readonly deadlines: Deadlines;
  nowMs(): number;
  send(message: PeerMessage): boolean;
  reachability(): Reachability;
  /** Runs a turn soon. */
  schedule(): void;
}

interface PendingForward {
  readonly to: NodeId;
  readonly term: Term;
  readonly requests: readonly CommandRequest[];
}

interface KeptResult {
  readonly term: Term;
  readonly result: unknown;
}

export class Proposals implements CommandOwner {
  readonly #host: ProposalsHost;
  /** Since the last turn. */
  #gathered: CommandRequest[] = [];
  /** For a leader, first come first served. */
  #waiting: CommandRequest[] = [];
  #waitingBytes = 0;
  readonly #forwards = new Map<number, PendingForward>();
  #forwardId = 0;
  readonly #placed = new Map<LogIndex, CommandRequest>();
  /** What was applied while places are unknown: the answer of a forward may come after its entries. */
  readonly #kept = new Map<LogIndex, KeptResult>();
  #keptFrom: LogIndex = logIndex(0);
  #pendingCount = 0;

  constructor(host: ProposalsHost) {
    this.#host = host;
  }

  /** Takes over `data`. `done` never runs inside the call. */
  propose(data: Uint8Array, timeoutMs: number, done: CommandDone): CommandRequest | QuorateError {
    const { limits } = this.#host;
    if (data.length > limits.commandBytesMax) {
      return tooLarge(data.length, limits.commandBytesMax);
    }
    if (this.#pendingCount >= limits.pendingCountMax) {
      return overloaded("pendingCountMax", limits.pendingCountMax);
    }
    this.#pendingCount++;
    const request = new CommandRequest(this, data, this.#host.nowMs(), timeoutMs, done);
    addDeadline(this.#host.deadlines, timeoutMs, request);
    this.#gathered.push(request);
    this.#host.schedule();
    return request;
  }

  /** Hands what was gathered to the leader; without one it waits. Called at the beginning of a turn. */
  flush(): void {
    if (this.#gathered.length === 0 && this.#waiting.length === 0) return;
    const { leader, leadership } = this.#host.raft;
    if (leader === null) {
      for (const request of this.#takeGathered()) this.#wait(request);
      return;
    }
    const requests = this.#takeWaiting();
    for (const request of this.#takeGathered()) requests.push(request);
    if (leadership !== null) this.#proposeHere(requests);
    else this.#forward(requests, leader);
  }

  #takeGathered(): CommandRequest[] {
    const gathered = this.#gathered;
    this.#gathered = [];
    return gathered;
  }

  #takeWaiting(): CommandRequest[] {
    const waiting = this.#waiting.filter((request) => !request.isSettled);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return waiting;
  }

  #wait(request: CommandRequest): void {
    if (request.isSettled) return;
    const { waitingCountMax, waitingBytesMax } = this.#host.limits;
    if (this.#waiting.length >= waitingCountMax) {
      request.settle(overloaded("waitingCountMax", waitingCountMax));
    } else if (this.#waitingBytes + request.data.length > waitingBytesMax) {
      request.settle(overloaded("waitingBytesMax", waitingBytesMax));
    } else {
      request.place = "waiting";
      this.#waitingBytes += request.data.length;
      this.#waiting.push(request);
    }
  }

  #proposeHere(requests: CommandRequest[]): void {
    const live = requests.filter((request) => !request.isSettled);
    if (live.length === 0) return;
    const result = this.#proposeAll(live);
    if (result.kind === "appended") this.#place(live, result.first, result.term);
    else for (const request of live) this.#proposeOne(request);
  }

  #proposeAll(requests: readonly CommandRequest[]): ProposeResult {
    const commands: Uint8Array[] = [];
    for (const request of requests) commands.push(request.data);
    return propose(this.#host.raft, commands);
  }

  /** The turn together is over the budget: each for itself, as far as it reaches. */
  #proposeOne(request: CommandRequest): void {
    const result = this.#proposeAll([request]);
    if (result.kind === "appended") this.#place([request], result.first, result.term);
    else request.settle(uncommittedFull(this.#host.raft));
  }

  /** Finds the requests again when their indexes are applied. */
  #place(requests: readonly CommandRequest[], first: LogIndex, term: Term): void {
    let index: number = first;
    for (const request of requests) {
      this.#placeAt(request, logIndex(index), term);
      index++;
    }
  }

  #placeAt(request: CommandRequest, index: LogIndex, term: Term): void {
    if (request.isSettled) return;
    request.place = "placed";
    request.index = index;
    request.term = term;
    if (index <= this.#host.raft.applied) {
      this.#settleFromKept(request, index, term);
      return;
    }
    request.alsoHere = this.#placed.get(index) ?? null;
    this.#placed.set(index, request);
  }

  #settleFromKept(request: CommandRequest, index: LogIndex, term: Term): void {
    const kept = this.#kept.get(index);
    if (kept === undefined) request.settle(resultDropped(this.#host.limits.keptResultsMax));
    else if (kept.term === term) request.settle(null, kept.result);
    else request.settle(overwritten(term));
  }

  // --- forwarding --------------------------------------------------------------------------------------------

  #forward(requests: readonly CommandRequest[], leader: NodeId): void {
    let batch: CommandRequest[] = [];
    let bytes = 0;
    for (const request of requests) {
      if (request.isSettled) continue;
      if (batch.length > 0 && bytes + request.data.length > this.#host.limits.forwardBytesMax) {
        this.#sendForward(batch, leader);
        batch = [];
        bytes = 0;
      }
      batch.push(request);
      bytes += request.data.length;
    }
    if (batch.length > 0) this.#sendForward(batch, leader);
  }

  #sendForward(requests: readonly CommandRequest[], to: NodeId): void {
    this.#forwardId++;
    const id = this.#forwardId;
    const { raft } = this.#host;
    const commands = requests.map((request) => request.data);
    if (!this.#host.send({ kind: "forward", from: raft.id, to, id, commands })) {
      for (const request of requests) this.#wait(request); // it never left: wait for a way
      return;
    }
    if (this.#forwards.size === 0) this.#keptFrom = raft.applied;
    this.#forwards.set(id, { to, term: raft.hardState.term, requests });
    for (const request of requests) request.place = "forwarded";
  }

  /** As the leader: appends a peer's commands. */
  onForward(request: ForwardRequest): void {
    const { raft } = this.#host;
    const result = propose(raft, request.commands);
    const answer: ForwardResponse = {
      kind: "forward-response",
      from: raft.id,
      to: request.from,
      id: request.id,
      result,
    };
    this.#host.send(answer);
  }

  onForwardResponse(response: ForwardResponse): void {
    const forward = this.#forwards.get(response.id);
    if (forward === undefined || forward.to !== response.from) return;
    this.#forwards.delete(response.id);
    const { result } = response;
    if (result.kind === "appended") {
      this.#place(forward.requests, result.first, result.term);
    } else if (result.why === "overloaded") {
      const error = overloaded("uncommittedBytesMax", this.#host.raft.settings.uncommittedBytesMax);
      for (const request of forward.requests) request.settle(error);
    } else {
      for (const request of forward.requests) this.#wait(request); // a refusal: it is in no log
    }
    this.#dropKept();
  }

  /** Forwards to other leaders, or over a broken connection, are not answered any more. */
  abandonForwards(isAbandoned: (to: NodeId, term: Term) => boolean): void {
    for (const [id, forward] of this.#forwards) {
      if (!isAbandoned(forward.to, forward.term)) continue;
      this.#forwards.delete(id);
      for (const request of forward.requests) request.settle(leaderLost(forward.term));
    }
    this.#dropKept();
  }

  // --- applying ----------------------------------------------------------------------------------------------

  isWanted(index: LogIndex): boolean {
    return this.#forwards.size > 0 || this.#placed.has(index);
  }

  /** The machine has applied the entry at `index` of `term`. */
  onApplied(index: LogIndex, term: Term, result: unknown): void {
    if (this.#forwards.size > 0) this.#keep(index, term, result);
    let request = this.#placed.get(index) ?? null;
    if (request === null) return;
    this.#placed.delete(index);
    for (; request !== null; request = request.alsoHere) {
      assert(request.term !== null, "a placed request knows its term");
      if (request.term === term) request.settle(null, result);
      else request.settle(overwritten(request.term));
    }
  }

  #keep(index: LogIndex, term: Term, result: unknown): void {
    if (index <= this.#keptFrom) return;
    this.#kept.set(index, { term, result });
    if (this.#kept.size <= this.#host.limits.keptResultsMax) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      break;
    }
  }

  #dropKept(): void {
    if (this.#forwards.size === 0) this.#kept.clear();
  }

  // --- settling ----------------------------------------------------------------------------------------------

  onSettled(): void {
    this.#pendingCount--;
  }

  onExpired(request: CommandRequest): void {
    const waitedMs = this.#host.nowMs() - request.startedMs;
    if (request.mayBeApplied) request.settle(timedOut("apply the command", waitedMs, "unknown"));
    else request.settle(noQuorum("apply the command", waitedMs, this.#host.reachability()));
    this.#forget(request);
  }

  /** The caller no longer waits; `error` tells it so. */
  abort(request: CommandRequest, error: QuorateError): void {
    request.settle(error);
    this.#forget(request);
  }

  #forget(request: CommandRequest): void {
    const isAlone = request.alsoHere === null;
    if (request.index !== null && isAlone && this.#placed.get(request.index) === request) {
      this.#placed.delete(request.index);
    }
    if (request.place === "waiting") this.#waiting = this.#waiting.filter((one) => one !== request);
  }

  /** The member has stopped: every command settles with what is known. */
  settleAll(cause: unknown): void {
    const unknown = stoppedError("unknown", cause);
    const notApplied = stoppedError("not-applied", cause);
    for (const request of [...this.#gathered, ...this.#waiting]) request.settle(notApplied);
    for (const forward of this.#forwards.values()) {
      for (const request of forward.requests) request.settle(unknown);
    }
    for (const first of this.#placed.values()) {
      for (let at: CommandRequest | null = first; at !== null; at = at.alsoHere) at.settle(unknown);
    }
    this.#gathered = [];
    this.#waiting = [];
    this.#forwards.clear();
    this.#placed.clear();
    this.#kept.clear();
  }
}

function uncommittedFull(raft: Raft): QuorateError {
  return overloaded("uncommittedBytesMax", raft.settings.uncommittedBytesMax);
}
