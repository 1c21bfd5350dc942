/**
 * One core against one disk, one network and one clock. Inputs are stepped as they come; once a
 * turn of the event loop the effects are taken and handed out. Nothing here is a promise: the
 * simulator runs this very code.
 *
 * Called by `node.ts`, which gives it to programs. Not here: how a member is opened
 * (`open-member.ts`).
 */
import { assert, type LogIndex, type NodeId, type QuorateError } from "../base/index.ts";
import type {
  Apply,
  Effect,
  Input,
  InstallSnapshot,
  LogPosition,
  Message,
  Persist,
  Raft,
  RoleChanged,
} from "../core/index.ts";
import type { Timer } from "../ports/index.ts";
import type { PeerEvent, PeerMessage, Transport, TransportHandlers } from "../transport/index.ts";
import { BlackBox } from "./black-box.ts";
import { ClientSessions, type SessionDone } from "./client-sessions.ts";
import { CoreDoor } from "./core-door.ts";
import { createDeadlines, type Deadlines, expireDue, failAll } from "./deadlines.ts";
import { cannotSnapshot, stoppedError, storageFailed } from "./errors.ts";
import { EventHub } from "./events.ts";
import type { Explanation } from "./insight/explain.ts";
import { Insight } from "./insight/insight.ts";
import { Leadership } from "./leadership/leadership.ts";
import type { TransferDone, TransferRequest } from "./leadership/transfer-request.ts";
import { describeThrown } from "./logger.ts";
import type { MemberParts } from "./member-parts.ts";
import type {
  AskedChange,
  ChangeDone,
  ChangeRequest,
  ProgressListener,
} from "./membership/change-request.ts";
import { Membership } from "./membership/membership.ts";
import { heldBytesOf, type MemoryShare } from "./memory-budget.ts";
import type { MemberObserver } from "./observer.ts";
import { Outlet } from "./outlet.ts";
import { Peers } from "./peers.ts";
import { Proposals } from "./proposals.ts";
import type { ReadDone, ReadRequest } from "./reads.ts";
import { Reads } from "./reads.ts";
import type { CommandDone, CommandRequest } from "./requests.ts";
import { MemberSnapshots } from "./snapshots/member-snapshots.ts";
import type { ExportDone, ExportRequest } from "./snapshots/snapshot-exports.ts";
import { StateComparison } from "./state-comparison.ts";
import { ToldVersions } from "./versions/told-versions.ts";
import { VersionGate } from "./versions/version-gate.ts";

export class Member {
  readonly raft: Raft;
  readonly events: EventHub;
  readonly peers: Peers;
  readonly snapshots: MemberSnapshots;
  readonly #parts: MemberParts;
  readonly #observer: MemberObserver | null;
  readonly #core: CoreDoor;
  readonly #deadlines: Deadlines;
  readonly #proposals: Proposals;
  readonly #reads: Reads;
  readonly #sessions: ClientSessions;
  readonly #insight: Insight;
  readonly #outlet: Outlet;
  readonly #blackBox: BlackBox;
  readonly #comparison: StateComparison;
  readonly #membership: Membership;
  readonly #leadership: Leadership;
  readonly #memory: MemoryShare | null;
  readonly versions: VersionGate;
  #transport: Transport | null = null;
  #timer: Timer | null = null;
  #nextTickMs: number;
  #isScheduled = false;
  #state: "running" | "stopping" | "stopped" = "running";
  #stopError: Error | null = null;
  readonly #onStopped: (() => void)[] = [];
  /** Who waits for the machines; null once they are told. */
  #whenApplied: { readonly index: LogIndex; readonly done: () => void } | null = null;

  constructor(parts: MemberParts) {
    this.raft = parts.raft;
    this.#parts = parts;
    this.#observer = parts.observer;
    this.#core = new CoreDoor(parts, (input) => this.#insight.onStep(input));
    this.events = new EventHub((name, error) => this.#onListenerError(name, error));
    this.peers = new Peers(parts.raft.id, () => parts.clock.nowMs());
    this.#outlet = new Outlet((message) => this.#leave(message));
    this.#blackBox = new BlackBox(parts);
    this.#nextTickMs = parts.clock.nowMs() + parts.limits.tickMs;
    this.#deadlines = createDeadlines();
    const { raft, limits, machines } = parts;
    this.versions = this.#createGate(parts);
    const host = {
      ...{ raft, limits, machines, deadlines: this.#deadlines, gate: this.versions },
      memory: parts.memory ?? null,
      isConnected: (peer: NodeId) => this.peers.isConnected(peer),
      nowMs: () => parts.clock.nowMs(),
      jitter: () => parts.random.fraction(),
      send: (message: PeerMessage) => this.#transport?.send(message) ?? false,
      reachability: () => this.peers.reachability(this.raft.configuration),
      schedule: () => this.#schedule(),
      step: (input: Input) => this.#core.step(input),
      propose: (commands: readonly Uint8Array[]) => this.#core.propose(commands),
      change: (changes: AskedChange["changes"]) => this.#core.change(changes),
      isRestoring: () => this.snapshots.isRestoring,
      isRunning: () => this.isRunning,
      transport: () => this.#transport,
    };
    this.#proposals = new Proposals(host);
    this.#reads = new Reads(host);
    this.#sessions = new ClientSessions({
      limits: parts.limits,
      nowMs: () => parts.clock.nowMs(),
      propose: (data, timeoutMs, done) => this.#proposeRepeatable(data, timeoutMs, done),
      onListenerError: (name, error) => this.#onListenerError(name, error),
    });
    this.#comparison = this.#createComparison(parts);
    const { events, peers, versions: gate } = this;
    this.#insight = new Insight({ ...parts, events, peers, gate, isRunning: () => this.isRunning });
    this.snapshots = new MemberSnapshots({
      ...{ ...parts, ...host },
      tell: (name, event) => this.#insight.tell(name, event),
      step: (input) => this.#step(input),
      guard: (run) => this.#guard(run),
      end: (error) => this.#fail(error),
      onInstalled: (effect) => this.#onPersisted(effect),
      onRestored: (position) => this.#onRestored(position),
      onCut: () => this.#core.onCut(),
    });
    this.#membership = new Membership({
      ...{ ...host, logger: parts.logger, events: this.events, peers: this.peers },
      ...{ memory: parts.peerMemory ?? null, firstSeen: parts.firstSeen ?? null },
      step: (input) => this.#step(input),
      onDisconnected: (peer) => this.#proposals.onDisconnected(peer),
      onPeerEvent: (event) => this.#insight.tell("peer", event),
      end: (error) => this.#fail(error),
      onStorageFailed: (error) => this.#fail(storageFailed(error)),
    });
    this.#leadership = new Leadership({
      ...{ ...host, clock: parts.clock, logger: parts.logger, events: this.events },
      step: (input) => this.#step(input),
      transfer: (to) => this.#core.transfer(to),
    });
    this.#memory = parts.memory?.open((isTight) => this.#step({ kind: "memory", isTight })) ?? null;
  }

  #createComparison(parts: MemberParts): StateComparison {
    return new StateComparison({
      ...{ raft: parts.raft, entries: parts.limits.compareEntries },
      hash: () => parts.machines.hashState?.() ?? null,
      nowMs: () => parts.clock.nowMs(),
      send: (message) => this.#transport?.send(message),
      warn: (text) => parts.logger.warn({}, text),
    });
  }

  #createGate(parts: MemberParts): VersionGate {
    return new VersionGate({
      ...{ raft: parts.raft, limits: parts.limits, events: this.events, logger: parts.logger },
      versions: parts.machines.versions ?? null,
      told: parts.peerMemory?.told ?? new ToldVersions(),
      automatic: parts.enablesVersions ?? true,
      propose: (data, timeoutMs, done) => this.#proposals.propose(data, timeoutMs, done),
    });
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** What ended the member, or null. */
  get stopError(): Error | null {
    return this.#stopError;
  }

  /** Why things are as they are, now. */
  explain(): Explanation {
    return this.#insight.explain(this.isRunning ? null : { error: this.#stopError });
  }

  /** The newest inputs of the core with the state they began at; null: they are not kept. */
  recording(): string | null {
    return this.#blackBox.read(this.#stopError);
  }

  /** Writes `recording()` into the directory; `done` gets the path, or why there is none. */
  saveRecording(done: (error: QuorateError | null, path?: string) => void): void {
    this.#blackBox.save(this.#stopError, done);
  }

  /** What the transport calls. */
  get handlers(): TransportHandlers {
    return {
      onMessage: (message) => this.#onMessage(message),
      onPeer: (event) => this.#onPeer(event),
      onBulk: (link) => this.snapshots.onBulk(link),
    };
  }

  /** Begins: from here on time passes. */
  run(transport: Transport): void {
    this.#transport = transport;
    this.#observer?.onStart(this.raft);
    this.#membership.start();
    this.#armTimer();
    this.#schedule();
  }

  // --- the public requests -----------------------------------------------------------------------

  /** `done` never runs inside the call. A returned error is the answer, too. */
  propose(data: Uint8Array, timeoutMs: number, done: CommandDone): CommandRequest | QuorateError {
    if (!this.isRunning) return stoppedError("not-applied", this.#stopError);
    return this.#proposals.propose(data, timeoutMs, this.#insight.measured("command", done));
  }

  #proposeRepeatable(
    data: Uint8Array,
    timeoutMs: number,
    done: CommandDone,
  ): CommandRequest | QuorateError {
    if (!this.isRunning) return stoppedError("not-applied", this.#stopError);
    return this.#proposals.propose(data, timeoutMs, this.#insight.measured("command", done), true);
  }

  /** Opens a session that outlives `ttlMs` of silence. `done` never runs inside the call. */
  openSession(ttlMs: number, timeoutMs: number, done: SessionDone): CommandRequest | QuorateError {
    return this.#sessions.open(ttlMs, timeoutMs, done);
  }

  abortCommand(request: CommandRequest, error: QuorateError): void {
    this.#proposals.abort(request, error);
  }

  /** Changes the members: all steps together, or nothing. `done` never runs inside the call. */
  changeMembers(
    asked: AskedChange,
    timeoutMs: number,
    done: ChangeDone,
    onProgress: ProgressListener | null = null,
  ): ChangeRequest | QuorateError {
    if (!this.isRunning) return stoppedError("not-applied", this.#stopError);
    return this.#membership.request(asked, timeoutMs, done, onProgress);
  }

  abortChange(request: ChangeRequest, error: QuorateError): void {
    this.#membership.abort(request, error);
  }

  /**
   * Hands over to `to`, or with null to the fittest; of the leader only. `done` hears who leads
   * then, and never runs inside the call.
   */
  transferLeadership(
    to: NodeId | null,
    timeoutMs: number,
    done: TransferDone,
  ): TransferRequest | QuorateError {
    if (!this.isRunning) return stoppedError("not-applied", this.#stopError);
    return this.#leadership.transfer(to, timeoutMs, done);
  }

  /** The machines' state as it is now, as a file. `done` never runs inside the call. */
  openSnapshot(timeoutMs: number, done: ExportDone): ExportRequest | QuorateError {
    if (!this.isRunning) return stoppedError("not-applied", this.#stopError);
    const { withoutSnapshots = [] } = this.#parts.machines;
    if (withoutSnapshots.length > 0) return cannotSnapshot(withoutSnapshots);
    return this.snapshots.exports.request(timeoutMs, done);
  }

  /** As `propose`; `done(null)` runs when the machines may be read. `byLease`: if there is one. */
  read(timeoutMs: number, done: ReadDone, byLease = false): ReadRequest | QuorateError {
    if (!this.isRunning) return stoppedError("not-applied", this.#stopError);
    return this.#reads.read(timeoutMs, this.#insight.measured("read", done), byLease);
  }

  /**
   * `done` runs when the machines have applied up to `index`, or when the member has ended and all
   * is closed; never inside the call. One at a time.
   */
  whenApplied(index: LogIndex, done: () => void): void {
    assert(this.#whenApplied === null, "one waits for the machines at a time");
    const isStopped = this.#state === "stopped";
    if (this.raft.applied >= index || isStopped) this.#parts.clock.defer(done);
    else this.#whenApplied = { index, done };
  }

  #tellApplied(): void {
    const waiting = this.#whenApplied;
    if (waiting === null) return;
    if (this.#state !== "stopped" && this.raft.applied < waiting.index) return;
    this.#whenApplied = null;
    waiting.done();
  }

  /** Settles all requests and closes everything. Idempotent; `done` runs when all is closed. */
  stop(done: () => void): void {
    if (this.#state === "stopped") this.#parts.clock.defer(done);
    else this.#onStopped.push(done);
    this.#shutDown(null);
  }

  // --- inputs ------------------------------------------------------------------------------------

  /** Runs what changes the core, then a turn. What it throws ends the member, not the process. */
  #take(input: () => void): void {
    if (this.#state !== "running") return;
    try {
      input();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#schedule();
  }

  /** Runs what may change nothing of the core. What it throws ends the member, too. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#fail(error);
    }
  }

  #step(input: Input): void {
    this.#take(() => this.#core.step(input));
  }

  #onMessage(message: PeerMessage): void {
    this.#insight.onReceived(message);
    this.#take(() => {
      switch (message.kind) {
        case "forward":
          this.#proposals.onForward(message);
          break;
        case "forward-response":
          this.#proposals.onForwardResponse(message);
          break;
        case "state-hash":
          this.#comparison.onMessage(message);
          break;
        case "change-members":
        case "change-members-response":
        case "learner-progress":
          this.#membership.onMessage(message);
          break;
        case "snapshot-offer":
          this.snapshots.onOffer(message);
          break;
        case "snapshot-status":
          this.snapshots.onStatus(message);
          break;
        default:
          this.#core.step({ kind: "receive", message });
      }
    });
  }

  #onPeer(event: PeerEvent): void {
    if (this.#state !== "running") return;
    this.versions.onPeer(event);
    this.#membership.onPeer(event);
  }

  #armTimer(): void {
    const delayMs = Math.max(0, this.#nextTickMs - this.#parts.clock.nowMs());
    this.#timer = this.#parts.clock.after(delayMs, () => this.#onTimer());
  }

  /** One tick, however late it is: a stall of this process is not the silence of the others. */
  #onTimer(): void {
    if (this.#state !== "running") return;
    const nowMs = this.#parts.clock.nowMs();
    this.#nextTickMs += this.#parts.limits.tickMs;
    if (this.#nextTickMs <= nowMs) this.#nextTickMs = nowMs + this.#parts.limits.tickMs;
    const jitter = this.#parts.random.fraction();
    this.#take(() => {
      this.#core.step({ kind: "tick", nowMs, jitter });
      expireDue(this.#deadlines, nowMs);
      this.#proposals.onTick();
      this.#reads.onTick(nowMs);
      this.#sessions.onTick(nowMs);
      this.#membership.onTick(nowMs);
      this.snapshots.onTick(nowMs);
      this.#leadership.onTick(nowMs);
      this.versions.onTick(nowMs);
    });
    if (this.isRunning) this.#armTimer();
  }

  // --- the turn ----------------------------------------------------------------------------------

  #schedule(): void {
    if (this.#isScheduled || this.#state !== "running") return;
    this.#isScheduled = true;
    this.#parts.clock.defer(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    if (this.#state !== "running") return;
    try {
      this.#proposals.flush();
      this.#membership.flush();
      this.#leadership.flush();
      const effects = this.#core.take();
      for (const effect of effects) {
        this.#perform(effect);
        if (!this.isRunning) return; // a listener stopped it
      }
      this.#memory?.hold(heldBytesOf(this.raft, this.#proposals.pendingBytes));
      this.#insight.tellNews();
      this.#parts.check?.(this.raft);
      // Once more: what the answers lead to, and the news of a commit, belong to one message then.
      if (effects.length > 0) this.#schedule();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#transport?.flush();
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case "persist":
        this.#transport?.flush(); // the others' disks work at the same time as ours
        this.#persist(effect);
        break;
      case "send":
        this.#outlet.send(effect);
        break;
      case "apply":
        this.#transport?.flush(); // what others wait for leaves before the machines take their time
        this.#apply(effect);
        break;
      case "read-answered":
        this.#reads.onAnswered(effect);
        break;
      case "role-changed":
        this.#onRole(effect);
        break;
      case "configuration-changed":
        this.#membership.onConfiguration(effect);
        break;
      case "wake-in":
        this.#leadership.onWakeIn(effect);
        break;
      case "transfer-ended":
        this.#leadership.onTransferEnded(effect);
        break;
      case "install-snapshot":
        this.#transport?.flush();
        this.snapshots.onInstall(effect);
        break;
      case "snapshot-refused":
        this.snapshots.onRefused(effect);
        break;
      case "snapshot-needed":
        this.snapshots.onNeeded(effect);
        break;
      default:
        effect satisfies never;
    }
  }

  #persist(effect: Persist): void {
    this.#insight.onPersist(effect);
    this.#leadership.onPersist(effect);
    this.#parts.store.append(effect, (error) => {
      if (error !== null) this.#fail(storageFailed(error));
      else this.#onPersisted(effect);
    });
  }

  #onPersisted(effect: Persist | InstallSnapshot): void {
    const { unit } = effect;
    this.#take(() => {
      if (effect.kind === "persist") this.#observer?.onDurable(effect);
      else this.#observer?.onInstalled?.(effect);
      this.#insight.onDurable(unit);
      this.#leadership.onDurable(unit);
      // An acknowledgement that the leader waits for: not a turn later.
      if (this.#outlet.release(unit)) this.#transport?.flush();
      this.#core.step({ kind: "persisted", unit });
    });
  }

  /** The machines hold a state that they have not come to by applying. */
  #onRestored({ index, term }: LogPosition): void {
    this.#step({ kind: "applied", index });
    this.#proposals.onRestored(index, term);
    this.#membership.onRestored(index);
    this.#reads.onApplied(index);
    this.#tellApplied();
  }

  #leave(message: Message): void {
    this.#observer?.onLeave(message);
    this.#insight.onSent(message);
    this.#transport?.send(message);
  }

  #apply(effect: Apply): void {
    const applied = this.#insight.onApply(effect);
    for (const entry of effect.entries) {
      let result: unknown;
      if (entry.kind === "command") {
        const wanted = this.#proposals.isWanted(entry.index);
        this.versions.check(entry.data);
        result = this.#parts.machines.apply(entry.data, entry.index, entry.term, wanted);
        this.versions.onApplied(entry.data, entry.index);
      }
      this.#proposals.onApplied(entry.index, entry.term, result);
      this.#membership.onApplied(entry.index, entry.term);
      this.#comparison.onApplied(entry.index);
      this.snapshots.onApplied(entry);
    }
    const last = effect.entries.at(-1);
    assert(last !== undefined, "an apply has entries");
    this.#core.step({ kind: "applied", index: last.index });
    this.#reads.onApplied(last.index);
    this.#tellApplied();
    applied?.();
  }

  #onRole(effect: RoleChanged): void {
    const { leader, term } = effect;
    this.#proposals.onLeader(leader, term);
    this.#reads.onLeader();
    this.#membership.onLeader(leader, term);
    this.#leadership.onRole(effect);
    this.versions.onRole();
    this.#schedule();
  }

  /** A listener is a guest: what it throws is told and changes nothing. */
  #onListenerError(name: string, error: unknown): void {
    const text = `A listener of "${name}" threw: ${describeThrown(error)}`;
    this.#parts.logger.error({ event: name }, text);
  }

  // --- the end -----------------------------------------------------------------------------------

  /**
   * A storage error, a broken invariant, a machine's exception: this member is finished, the
   * process is not.
   */
  #fail(reason: unknown): void {
    if (this.#state !== "running") return;
    const error = reason instanceof Error ? reason : new Error(String(reason));
    this.#parts.logger.error(
      { error: error.message },
      `Member ${this.raft.id} stops: ${error.message}`,
    );
    this.#insight.onFailed(error);
    this.#shutDown(error);
  }

  #shutDown(error: Error | null): void {
    if (this.#state !== "running") return;
    this.#state = "stopping";
    this.#stopError = error;
    this.#observer?.onEnd();
    this.#timer?.cancel();
    this.#leadership.close();
    this.#memory?.close();
    this.#outlet.clear();
    failAll(this.#deadlines, error);
    let open = 4;
    const closed = () => {
      open--;
      if (open > 0) return;
      const { lock } = this.#parts;
      if (lock === null) this.#closed();
      else lock.release(() => this.#closed());
    };
    this.#blackBox.saveLast(error, closed);
    this.snapshots.stop(closed);
    if (this.#transport === null) this.#parts.clock.defer(closed);
    else this.#transport.close(closed);
    this.#parts.store.close((failed) => {
      if (failed !== null) this.#parts.logger.warn({ error: failed.message }, failed.message);
      closed();
    });
  }

  #closed(): void {
    this.#state = "stopped";
    this.#tellApplied();
    this.events.emit("stopped", { error: this.#stopError });
    for (const done of this.#onStopped.splice(0)) done();
  }
}
