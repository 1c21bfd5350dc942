/**
 * A member's share in who the members are: connections that follow configurations, changes that are
 * asked of it, learners that become voters, the memory of peers, events, and its own removal.
 * Called by `member.ts`.
 */
import type { LogIndex, NodeId, QuorateError, Term } from "../../base/index.ts";
import {
  allMembers,
  type ChangeResult,
  type Configuration,
  type ConfigurationChanged,
  type Input,
  type MemberChange,
  type Raft,
} from "../../core/index.ts";
import type { StorageError } from "../../storage/index.ts";
import type {
  ChangeMembersRequest,
  ChangeMembersResponse,
  LearnerProgress,
  PeerEvent,
  PeerMessage,
  Transport,
} from "../../transport/index.ts";
import type { Deadlines } from "../deadlines.ts";
import type { Reachability } from "../errors.ts";
import type { EventHub, NodeEvents } from "../events.ts";
import type { NodeLimits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { Peers } from "../peers.ts";
import type { VersionGate } from "../versions/version-gate.ts";
import type { AskedChange, ChangeDone, ChangeRequest, ProgressListener } from "./change-request.ts";
import { MemberChanges } from "./member-changes.ts";
import { selfRemoved } from "./membership-errors.ts";
import { PeerLinks } from "./peer-links.ts";
import type { PeerMemory } from "./peer-memory.ts";
import { Promotions } from "./promotions.ts";

export interface MembershipHost {
  readonly raft: Raft;
  readonly limits: NodeLimits;
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  readonly events: EventHub;
  readonly peers: Peers;
  /** Null: the transport has its own. */
  readonly memory: PeerMemory | null;
  readonly firstSeen: Configuration | null;
  nowMs(): number;
  /** Uniform in [0, 1). */
  jitter(): number;
  isConnected(peer: NodeId): boolean;
  transport(): Transport | null;
  send(message: PeerMessage): boolean;
  reachability(): Reachability;
  schedule(): void;
  step(input: Input): void;
  change(changes: readonly MemberChange[]): ChangeResult;
  readonly gate: Pick<VersionGate, "refuseChange">;
  onDisconnected(peer: NodeId): void;
  onPeerEvent(event: NodeEvents["peer"]): void;
  end(error: QuorateError): void;
  onStorageFailed(error: StorageError): void;
}

export class Membership {
  readonly #host: MembershipHost;
  readonly #links: PeerLinks;
  readonly #changes: MemberChanges;
  readonly #promotions: Promotions;
  /** As last told in the event `membership`. */
  #told: { readonly index: LogIndex; readonly committed: LogIndex };
  #toldRemoved: readonly NodeId[];
  /** When this member learned by its own log that it was removed; null: it was not. */
  #removedMs: number | null = null;

  constructor(host: MembershipHost) {
    const { raft, limits } = host;
    this.#host = host;
    this.#links = new PeerLinks({
      ...{ raft, peers: host.peers, logger: host.logger, firstSeen: host.firstSeen },
      farewellMs: limits.electionMs,
      nowMs: () => host.nowMs(),
      jitter: () => host.jitter(),
      transport: () => host.transport(),
      step: (input) => host.step(input),
      onDisconnected: (peer) => {
        this.#changes.onDisconnected(peer);
        host.onDisconnected(peer);
      },
      onEvent: (event) => host.onPeerEvent(event),
      end: (error) => host.end(error),
    });
    this.#changes = new MemberChanges(host);
    this.#promotions = new Promotions({
      ...{ raft, limits },
      change: (changes) => host.change(changes),
      tell: (progress) => this.#tellProgress(progress),
    });
    host.memory?.attach((error) => host.onStorageFailed(error));
    this.#told = { index: raft.configurationIndex, committed: raft.committedConfigurationIndex };
    this.#toldRemoved = raft.committedConfiguration.removed;
  }

  /** The transport is there. */
  start(): void {
    this.#links.follow();
  }

  /** `done` never runs inside the call. A returned error is the answer, too. */
  request(
    asked: AskedChange,
    timeoutMs: number,
    done: ChangeDone,
    onProgress: ProgressListener | null,
  ): ChangeRequest | QuorateError {
    return this.#changes.request(asked, timeoutMs, done, onProgress);
  }

  abort(request: ChangeRequest, error: QuorateError): void {
    this.#changes.abort(request, error);
  }

  /** Called at the beginning of a turn. */
  flush(): void {
    this.#changes.flush();
  }

  onTick(nowMs: number): void {
    this.#links.onTick(nowMs);
    this.#changes.onTick();
    this.#promotions.onTick(nowMs);
    this.#host.memory?.onTick(nowMs);
    this.#maybeEnd(nowMs);
  }

  onPeer(event: PeerEvent): void {
    this.#links.onPeer(event);
  }

  onMessage(message: ChangeMembersRequest | ChangeMembersResponse | LearnerProgress): void {
    if (message.kind === "change-members") this.#changes.onRequest(message);
    else if (message.kind === "change-members-response") this.#changes.onResponse(message);
    else this.#onProgress(message);
  }

  onApplied(index: LogIndex, term: Term): void {
    this.#changes.onApplied(index, term);
  }

  /** The machines hold the state at `index` without having applied what led to it. */
  onRestored(index: LogIndex): void {
    this.#changes.onRestored(index);
  }

  onLeader(leader: NodeId | null, term: Term): void {
    this.#changes.onLeader(leader, term);
  }

  onConfiguration(effect: ConfigurationChanged): void {
    this.#links.follow();
    this.#tellConfiguration(effect);
    this.#changes.onConfiguration();
    this.#removedMs = this.#isRemoved() ? this.#host.nowMs() : null;
  }

  // --- events ------------------------------------------------------------------------------------

  #tellConfiguration(effect: ConfigurationChanged): void {
    const before = this.#told;
    const { index, committedIndex, configuration, committed } = effect;
    this.#told = { index, committed: committedIndex };
    if (index < before.index) this.#tellOne("withdrawn", index, configuration, []);
    if (index > before.index && index > committedIndex) {
      this.#tellOne("begun", index, configuration, []);
    }
    if (committedIndex <= before.committed) return;
    const gone = committed.removed.filter((id) => !this.#toldRemoved.includes(id));
    const removed = committed.outgoing === null ? gone : [];
    if (committed.outgoing === null) this.#toldRemoved = committed.removed;
    this.#tellOne("committed", committedIndex, committed, removed);
  }

  #tellOne(
    kind: NodeEvents["membership"]["kind"],
    index: LogIndex,
    { voters, learners, outgoing }: Configuration,
    removed: readonly NodeId[],
  ): void {
    const { events, logger } = this.#host;
    const joint = outgoing !== null;
    const names = voters.map(({ id }) => id).join(", ");
    const also =
      learners.length === 0 ? "" : `; learning: ${learners.map(({ id }) => id).join(", ")}`;
    const text = `Members ${kind} at ${index}${joint ? ", joint" : ""}: ${names}${also}`;
    logger.info({ index, kind }, text);
    events.emit("membership", { kind, index, joint, voters, learners, removed });
  }

  #tellProgress(progress: NodeEvents["member-progress"]): void {
    const { raft } = this.#host;
    const { configuration } = raft;
    for (const { id } of allMembers(configuration)) {
      if (id !== raft.id) this.#host.send(toMessage(raft, id, progress));
    }
    this.#tellOwn(progress);
  }

  #onProgress({ learner, matched, commit, hold }: LearnerProgress): void {
    this.#tellOwn({ id: learner, matched, commit, hold });
  }

  #tellOwn(progress: NodeEvents["member-progress"]): void {
    const { events, logger } = this.#host;
    const { id, matched, commit, hold } = progress;
    logger.info({ id, matched, commit, hold }, `${id} has the log up to ${matched} of ${commit}`);
    events.emit("member-progress", progress);
    this.#changes.onProgress(progress);
  }

  // --- the own removal ---------------------------------------------------------------------------

  #isRemoved(): boolean {
    const { id, configuration, committedConfiguration } = this.#host.raft;
    const isIt = (member: { readonly id: NodeId }): boolean => member.id === id;
    if (committedConfiguration.outgoing !== null) return false;
    if (!committedConfiguration.removed.includes(id)) return false;
    return !allMembers(configuration).some(isIt);
  }

  /** Not at once: a leader that has left tells the others that they decide alone. */
  #maybeEnd(nowMs: number): void {
    const { raft, limits } = this.#host;
    if (this.#removedMs === null || raft.applied < raft.committedConfigurationIndex) return;
    if (nowMs - this.#removedMs >= 2 * limits.heartbeatMs) this.#host.end(selfRemoved(raft.id));
  }
}

function toMessage(
  raft: Raft,
  to: NodeId,
  { id, matched, commit, hold }: NodeEvents["member-progress"],
): LearnerProgress {
  // The numbers of an event are those of the core.
  const known = { learner: id as NodeId, matched: matched as LogIndex, commit: commit as LogIndex };
  return { kind: "learner-progress", from: raft.id, to, ...known, hold };
}
