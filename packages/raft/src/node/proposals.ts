/**
 * Where commands wait and are found again. Commands of a turn go to the leader together: into its
 * core if that is us, else in one forwarded request. Only (index, term) comes back; the result is
 * this member's own, computed when it applies that index. Another term at that index means:
 * certainly not applied.
 */
import {
  assert,
  type LogIndex,
  logIndex,
  type NodeId,
  noTerm,
  type QuorateError,
  type Term,
} from "../base/index.ts";
import { type ProposeResult, type Raft, termAt } from "../core/index.ts";
import type { VersionedMachines } from "../machine/index.ts";
import type {
  ForwardRequest,
  ForwardResponse,
  HeldCommand,
  PeerMessage,
} from "../transport/index.ts";
import { addDeadline, type Deadlines } from "./deadlines.ts";
import {
  inSnapshot,
  leaderLost,
  noQuorum,
  overloaded,
  overwritten,
  type Reachability,
  resultDropped,
  timedOut,
  tooLarge,
  unknownMachine,
} from "./errors.ts";
import { leaderFull, memoryFull } from "./full.ts";
import type { NodeLimits } from "./limits.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { PlacedCommands } from "./placed-commands.ts";
import { type CommandDone, CommandRequest, type RequestOwner } from "./requests.ts";
import { SessionClock } from "./session-clock.ts";
import { type NotEnabled, notEnabledYet } from "./versions/version-errors.ts";
import type { VersionGate } from "./versions/version-gate.ts";

/** What is asked of the machines before a command gets into a log. */
export interface KnownMachines {
  /** Whether the machine that the command is for is declared here. */
  knows(data: Uint8Array): boolean;
  /** The machine's name, for messages. */
  describe(data: Uint8Array): string;
  /** As the leader: writes the session time into a command that has a place for it. */
  stamp(data: Uint8Array, timeMs: number): Uint8Array;
  /** The session time as far as it is applied. */
  readonly sessionTimeMs: number;
  readonly versions?: Pick<VersionedMachines, "lacksNewer">;
}

/** What proposals need of the member. */
export interface ProposalsHost {
  readonly raft: Raft;
  readonly limits: NodeLimits;
  readonly deadlines: Deadlines;
  readonly machines: KnownMachines;
  /** Of the process; without it nobody counts. */
  readonly memory?: MemoryBudget | null;
  nowMs(): number;
  isConnected(peer: NodeId): boolean;
  send(message: PeerMessage): boolean;
  reachability(): Reachability;
  /** Runs a turn soon. */
  schedule(): void;
  /** As the leader: whether the versions in force let a command in; left out: they do. */
  readonly gate?: Pick<VersionGate, "judge" | "judgeUnknown">;
  /** Gives the core commands. */
  propose(commands: readonly Uint8Array[]): ProposeResult;
}

/** Heartbeats for the answer of one who leads no more: a round trip, with room. */
const lateAnswerHeartbeats = 2;

interface PendingForward {
  readonly to: NodeId;
  readonly term: Term;
  readonly requests: readonly CommandRequest[];
  /** Applied here when it was sent: the leader can only place commands above. */
  readonly appliedBefore: LogIndex;
  /** Another one leads: it has until then to tell what became of them. Null: it leads. */
  lostAtMs: number | null;
}

type ForwardRefusal = Extract<ForwardResponse["result"], { kind: "refused" }>;

interface KeptResult {
  readonly term: Term;
  readonly result: unknown;
}

/** Bytes that frame a command in a forwarded request. */
const forwardOverheadBytes = 4;

export class Proposals implements RequestOwner<CommandRequest> {
  readonly #host: ProposalsHost;
  /** Since the last turn. */
  #gathered: CommandRequest[] = [];
  /** For a leader, first come first served. */
  readonly #waiting = new Set<CommandRequest>();
  #waitingBytes = 0;
  /** The leader refused, or took no more: not asked again before the next tick or leader. */
  #isHalted = false;
  readonly #forwards = new Map<number, PendingForward>();
  /** Goes on from the number of this run: an answer to a run before it finds nothing. */
  #forwardId: number;
  readonly #placed = new PlacedCommands();
  /**
   * What was applied while places are unknown: the answer of a forward may come after its entries.
   */
  readonly #kept = new Map<LogIndex, KeptResult>();
  /** The term of the newest applied entry. */
  #appliedTerm: Term = noTerm;
  #pendingCount = 0;
  #pendingBytes = 0;
  readonly #sessionClock = new SessionClock();

  constructor(host: ProposalsHost) {
    this.#host = host;
    this.#forwardId = host.raft.boot;
  }

  /**
   * Takes over `data`. `done` never runs inside the call. What `isRepeatable` is sent again until
   * its deadline, whatever became of it before: only for what does no harm when it is applied
   * twice.
   */
  propose(
    data: Uint8Array,
    timeoutMs: number,
    done: CommandDone,
    isRepeatable = false,
  ): CommandRequest | QuorateError {
    const { limits, machines } = this.#host;
    if (data.length > limits.commandBytesMax) {
      return tooLarge(data.length, limits.commandBytesMax);
    }
    if (!machines.knows(data)) return unknownMachine(machines.describe(data), this.#host.raft.id);
    if (this.#pendingCount >= limits.pendingCountMax) {
      return overloaded("pendingCountMax", limits.pendingCountMax);
    }
    const noRoom = this.#findLimit(data.length);
    if (noRoom !== null) return noRoom;
    this.#pendingCount++;
    this.#pendingBytes += data.length;
    const nowMs = this.#host.nowMs();
    const request = new CommandRequest(this, data, nowMs, timeoutMs, done, isRepeatable);
    addDeadline(this.#host.deadlines, timeoutMs, request);
    this.#gathered.push(request);
    this.#host.schedule();
    return request;
  }

  /** Of the commands that have no answer yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** What forbids to keep `bytes` more, or null. A process short of memory leaves one append. */
  #findLimit(bytes: number): QuorateError | null {
    const { limits, memory, raft } = this.#host;
    const held = this.#pendingBytes + bytes;
    if (held > limits.pendingBytesMax) {
      return overloaded("pendingBytesMax", limits.pendingBytesMax);
    }
    if (memory?.isTight !== true || this.#pendingBytes === 0) return null;
    return held > raft.settings.appendBytesMax ? memoryFull(memory) : null;
  }

  /**
   * Hands what was gathered to the leader; without one it waits. Called at the beginning of a turn.
   */
  flush(): void {
    if (this.#gathered.length === 0 && this.#waiting.size === 0) return;
    const { leader, leadership } = this.#host.raft;
    if (leadership !== null) {
      this.#proposeHere(this.#takeAll());
    } else if (leader !== null && !this.#isHalted && this.#host.isConnected(leader)) {
      this.#forward(this.#takeAll(), leader);
    } else {
      const gathered = this.#gathered;
      this.#gathered = [];
      for (const request of gathered) this.#wait(request);
    }
  }

  /** First those that wait longest. */
  #takeAll(): readonly CommandRequest[] {
    const gathered = this.#gathered;
    this.#gathered = [];
    if (this.#waiting.size === 0) return gathered;
    const all = [...this.#waiting, ...gathered];
    this.#waiting.clear();
    this.#waitingBytes = 0;
    return all;
  }

  #wait(request: CommandRequest): void {
    if (request.isSettled) return;
    request.place = "waiting"; // in no log, wherever it was before
    const { waitingCountMax, waitingBytesMax } = this.#host.limits;
    if (this.#waiting.size >= waitingCountMax) {
      request.settle(overloaded("waitingCountMax", waitingCountMax));
    } else if (this.#waitingBytes + request.data.length > waitingBytesMax) {
      request.settle(overloaded("waitingBytesMax", waitingBytesMax));
    } else {
      this.#waitingBytes += request.data.length;
      this.#waiting.add(request);
    }
  }

  onTick(): void {
    this.#isHalted = false;
    const nowMs = this.#host.nowMs();
    for (const [id, forward] of this.#forwards) {
      if (forward.requests.every((request) => request.isSettled)) this.#forwards.delete(id);
      else if (nowMs >= (forward.lostAtMs ?? nowMs + 1)) this.#abandon(id, forward);
    }
    this.#dropKept();
  }

  #proposeHere(requests: readonly CommandRequest[]): void {
    const live = requests.filter((request) => this.#mayPass(request));
    if (live.length === 0) return;
    // What the core takes as the first one passes whole: a turn of many must not be that.
    let bytes = 0;
    for (const { data } of live) bytes += data.length;
    const isSmall = bytes <= this.#host.raft.settings.uncommittedBytesMax;
    const result = isSmall ? this.#proposeAll(live) : null;
    if (result?.kind === "appended") this.#place(live, result.first, result.term);
    else for (const request of live) this.#proposeOne(request);
  }

  /** As the leader: whether it may get into the log now. If not it is settled, or waits. */
  #mayPass(request: CommandRequest): boolean {
    if (request.isSettled) return false;
    const { raft } = this.#host;
    const verdict = raft.leadership === null ? null : this.#host.gate?.judge(request.data);
    if (verdict?.kind === "held") request.settle(notEnabledYet(verdict.held));
    else if (verdict?.kind === "later") this.#wait(request);
    else return true;
    return false;
  }

  #proposeAll(requests: readonly CommandRequest[]): ProposeResult {
    return this.#proposeStamped(requests.map(({ data }) => data));
  }

  /** As the leader, whose clock is the sessions'. */
  #proposeStamped(commands: readonly Uint8Array[]): ProposeResult {
    const { raft, machines } = this.#host;
    if (raft.leadership === null) return this.#host.propose(commands);
    const { term } = raft.hardState;
    const timeMs = this.#sessionClock.read(term, machines.sessionTimeMs, this.#host.nowMs());
    return this.#host.propose(commands.map((data) => machines.stamp(data, timeMs)));
  }

  /** The turn together is over the budget: each for itself, as far as it reaches. */
  #proposeOne(request: CommandRequest): void {
    const result = this.#proposeAll([request]);
    if (result.kind === "appended") {
      this.#place([request], result.first, result.term);
    } else if (result.why === "transferring") {
      this.#isHalted = true;
      this.#wait(request);
    } else {
      this.#overload(request);
    }
  }

  /** The leader takes no more. What was sent before keeps its chance to be told for certain. */
  #overload(request: CommandRequest): void {
    if (!request.isUncertain) {
      request.settle(leaderFull(this.#host.raft, this.#host.memory ?? null, request.data));
      return;
    }
    this.#isHalted = true;
    this.#wait(request);
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
    if (term < this.#appliedTerm) {
      this.#lose(request, overwritten(term));
      return;
    }
    this.#placed.add(request);
  }

  #settleFromKept(request: CommandRequest, index: LogIndex, term: Term): void {
    const kept = this.#kept.get(index);
    const applied = kept?.term ?? termAt(this.#host.raft.log, index);
    if (applied === undefined) this.#lose(request, inSnapshot(term, index));
    else if (applied !== term) this.#lose(request, overwritten(term));
    else if (kept !== undefined) request.settle(null, kept.result);
    else this.#lose(request, resultDropped(this.#host.limits.keptResultsMax));
  }

  /**
   * There will be no result of this attempt: `error` says why. What is repeatable goes to a leader
   * once more.
   */
  #lose(request: CommandRequest, error: QuorateError): void {
    if (!request.isRepeatable || request.isSettled) {
      request.settle(error);
      return;
    }
    if (error.outcome !== "not-applied") request.isUncertain = true;
    request.index = null;
    request.term = null;
    this.#wait(request);
    this.#host.schedule();
  }

  // --- forwarding --------------------------------------------------------------------------------

  #forward(requests: readonly CommandRequest[], leader: NodeId): void {
    let batch: CommandRequest[] = [];
    let bytes = 0;
    for (const request of requests) {
      if (request.isSettled) continue;
      const requestBytes = request.data.length + forwardOverheadBytes;
      if (batch.length > 0 && bytes + requestBytes > this.#host.limits.forwardBytesMax) {
        this.#sendForward(batch, leader);
        batch = [];
        bytes = 0;
      }
      batch.push(request);
      bytes += requestBytes;
    }
    if (batch.length > 0) this.#sendForward(batch, leader);
  }

  #sendForward(requests: readonly CommandRequest[], to: NodeId): void {
    const id = this.#forwardId + 1;
    const { raft } = this.#host;
    const commands = requests.map((request) => request.data);
    const forward: ForwardRequest = { kind: "forward", from: raft.id, to, id, commands };
    if (this.#isHalted || !this.#host.send(forward)) {
      this.#isHalted = true; // what follows must not overtake
      for (const request of requests) this.#wait(request); // it never left
      return;
    }
    this.#forwardId = id;
    const { term } = raft.hardState;
    this.#forwards.set(id, { to, term, requests, appliedBefore: raft.applied, lostAtMs: null });
    for (const request of requests) request.place = "forwarded";
  }

  /** As the leader: appends a peer's commands. */
  onForward(request: ForwardRequest): void {
    const { raft } = this.#host;
    const result = this.#proposeForwarded(request.commands);
    const answer: ForwardResponse = {
      kind: "forward-response",
      from: raft.id,
      to: request.from,
      id: request.id,
      result,
    };
    this.#host.send(answer);
  }

  /** What this member could not apply must not get into the log: it would halt it. */
  #proposeForwarded(commands: readonly Uint8Array[]): ForwardResponse["result"] {
    const { raft, machines } = this.#host;
    if (raft.leadership !== null) {
      for (const data of commands) {
        const refusal = machines.knows(data) ? this.#refusal(data) : this.#refusalOfUnknown(data);
        if (refusal !== null) return refusal;
      }
    }
    const result = this.#proposeStamped(commands);
    if (result.kind === "appended") return result;
    const { why } = result;
    return { kind: "refused", why: why === "transferring" ? "not-leader" : why }; // ask again soon
  }

  #refusal(data: Uint8Array): ForwardResponse["result"] | null {
    const verdict = this.#host.gate?.judge(data);
    if (verdict === undefined || verdict.kind === "free") return null;
    if (verdict.kind === "later") return { kind: "refused", why: "not-leader" }; // ask again soon
    return { kind: "refused", why: "not-enabled", held: toWire(verdict.held) };
  }

  #refusalOfUnknown(data: Uint8Array): ForwardResponse["result"] {
    const held = this.#host.gate?.judgeUnknown(data) ?? null;
    if (held === null) return { kind: "refused", why: "unknown-machine" };
    return { kind: "refused", why: "not-enabled", held: toWire(held) };
  }

  onForwardResponse(response: ForwardResponse): void {
    const forward = this.#forwards.get(response.id);
    if (forward === undefined || forward.to !== response.from) return;
    this.#forwards.delete(response.id);
    const { result } = response;
    if (result.kind === "appended") {
      this.#place(forward.requests, result.first, result.term);
    } else {
      this.#onRefused(forward, result);
    }
    this.#dropKept();
  }

  /** The commands are in no log. */
  #onRefused({ requests, to }: PendingForward, refusal: ForwardRefusal): void {
    const { why } = refusal;
    switch (why) {
      case "not-leader":
        this.#isHalted = true;
        for (const request of requests) this.#wait(request);
        break;
      case "overloaded":
        for (const request of requests) this.#overload(request);
        break;
      case "unknown-machine":
        this.#onOneRefused(requests, to, (data) => this.#describeUnknown(data, to));
        break;
      case "not-enabled":
        this.#onOneRefused(requests, to, () => notEnabledYet(refusal.held));
        break;
      default:
        why satisfies never;
    }
  }

  /** An older program may not even know what it refuses. */
  #describeUnknown(data: Uint8Array, by: NodeId): QuorateError {
    const { machines } = this.#host;
    const lack = machines.versions?.lacksNewer(data) ?? null;
    if (lack === null || lack.version === 1) return unknownMachine(machines.describe(data), by);
    return notEnabledYet({ ...lack, enabled: 0, lacking: [{ id: by, version: null }] });
  }

  /** One of them is no good there. Together they were refused, each for itself finds out which. */
  #onOneRefused(
    requests: readonly CommandRequest[],
    by: NodeId,
    errorOf: (data: Uint8Array) => QuorateError,
  ): void {
    const [only] = requests;
    if (requests.length === 1 && only !== undefined) {
      only.settle(errorOf(only.data));
      return;
    }
    for (const request of requests) {
      if (request.isSettled) continue;
      if (this.#host.raft.leader === by) this.#sendForward([request], by);
      else this.#wait(request);
    }
  }

  /**
   * Another leader, or none: what the old one refused may be asked again. What was sent to it is
   * answered still, if it lives: it knows whether it took it.
   */
  onLeader(leader: NodeId | null, term: Term): void {
    this.#isHalted = false;
    const lostAtMs = this.#host.nowMs() + lateAnswerHeartbeats * this.#host.limits.heartbeatMs;
    for (const forward of this.#forwards.values()) {
      if (forward.to !== leader || forward.term !== term) forward.lostAtMs ??= lostAtMs;
    }
  }

  /** Forwards over a broken connection are not answered any more. */
  onDisconnected(peer: NodeId): void {
    for (const [id, forward] of this.#forwards) if (forward.to === peer) this.#abandon(id, forward);
    this.#dropKept();
  }

  #abandon(id: number, { requests, term }: PendingForward): void {
    this.#forwards.delete(id);
    for (const request of requests) this.#lose(request, leaderLost(term));
  }

  // --- applying ----------------------------------------------------------------------------------

  isWanted(index: LogIndex): boolean {
    return this.#forwards.size > 0 || this.#placed.lowest === index;
  }

  /** The machine has applied the entry at `index` of `term`. */
  onApplied(index: LogIndex, term: Term, result: unknown): void {
    if (term > this.#appliedTerm) this.#onAppliedTerm(term);
    if (this.#forwards.size > 0) this.#keep(index, term, result);
    for (;;) {
      const request = this.#placed.take(index);
      if (request === null) return;
      assert(request.term !== null, "a placed request knows its term");
      if (request.term === term) request.settle(null, result);
      else this.#lose(request, overwritten(request.term));
    }
  }

  /**
   * Terms do not decrease along the log, and what is applied stays: no entry of an older term can
   * come behind this one. Its commands need not wait until the new log is that long.
   */
  #onAppliedTerm(term: Term): void {
    this.#appliedTerm = term;
    for (const request of this.#placed.takeAll()) {
      if (request.index === null || request.term === null) continue;
      this.#placeAt(request, request.index, request.term);
    }
  }

  /**
   * The machines hold the state at this position without having applied what led to it: of the
   * commands in between nobody here knows more. Terms do not decrease along the log.
   */
  onRestored(index: LogIndex, term: Term): void {
    if (term > this.#appliedTerm) this.#appliedTerm = term;
    for (const request of this.#placed.takeAll()) {
      if (request.index === null || request.term === null) continue;
      const isBefore = request.index <= index;
      const isOverwritten = isBefore ? request.term > term : request.term < this.#appliedTerm;
      if (isOverwritten) this.#lose(request, overwritten(request.term));
      else if (isBefore) this.#lose(request, inSnapshot(request.term, index));
      else this.#placed.add(request);
    }
  }

  #keep(index: LogIndex, term: Term, result: unknown): void {
    this.#kept.set(index, { term, result });
    if (this.#kept.size <= this.#host.limits.keptResultsMax) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      break;
    }
  }

  /** Forgets what no pending forward can be about. They are in the order of their sending. */
  #dropKept(): void {
    if (this.#kept.size === 0) return;
    const [oldest] = this.#forwards.values();
    for (const index of this.#kept.keys()) {
      if (oldest !== undefined && index > oldest.appliedBefore) break;
      this.#kept.delete(index);
    }
  }

  // --- settling ----------------------------------------------------------------------------------

  onExpired(request: CommandRequest): void {
    const { raft } = this.#host;
    const waitedMs = this.#host.nowMs() - request.startedMs;
    const action = "apply the command";
    if (request.mayBeApplied) this.abort(request, timedOut(action, waitedMs, "unknown"));
    else if (raft.leader !== null) this.abort(request, timedOut(action, waitedMs, "not-applied"));
    else this.abort(request, noQuorum(action, waitedMs, this.#host.reachability()));
  }

  /** The caller no longer waits; `error` tells it so. */
  abort(request: CommandRequest, error: QuorateError): void {
    request.settle(error);
    if (this.#waiting.delete(request)) this.#waitingBytes -= request.data.length;
    this.#placed.remove(request);
  }

  onSettled(request: CommandRequest): void {
    this.#pendingBytes -= request.data.length;
    this.#pendingCount--;
  }
}

function toWire({ lacking, ...rest }: NotEnabled): HeldCommand {
  // names of members of the configuration
  return { ...rest, lacking: lacking.map(({ id, version }) => ({ id: id as NodeId, version })) };
}
