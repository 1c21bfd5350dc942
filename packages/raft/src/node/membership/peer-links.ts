/**
 * Connections follow configurations: to the members of the one in force and of the committed one,
 * and for a while to who has left, who is to hear of it. Called by `membership.ts`.
 */
import type { NodeId, QuorateError } from "../../base/index.ts";
import { allMembers, type Configuration, type Input, type Raft } from "../../core/index.ts";
import type { PeerEvent, Transport } from "../../transport/index.ts";
import type { NodeEvents } from "../events.ts";
import type { Logger } from "../logger.ts";
import type { Peers } from "../peers.ts";
import { programTooOld } from "../versions/version-errors.ts";
import { selfRemoved, staleDirectory } from "./membership-errors.ts";

export interface PeerLinksHost {
  readonly raft: Raft;
  readonly peers: Peers;
  readonly logger: Logger;
  /** How long who has left is still a peer. Milliseconds. */
  readonly farewellMs: number;
  /** Of a member that joins: who the members were when it asked; null elsewhere. */
  readonly firstSeen: Configuration | null;
  nowMs(): number;
  /** Uniform in [0, 1). */
  jitter(): number;
  transport(): Transport | null;
  step(input: Input): void;
  onDisconnected(peer: NodeId): void;
  onEvent(event: NodeEvents["peer"]): void;
  /** This member is no good any more. */
  end(error: QuorateError): void;
}

interface Leaving {
  readonly address: string;
  readonly untilMs: number;
}

export class PeerLinks {
  readonly #host: PeerLinksHost;
  #current: ReadonlyMap<NodeId, string> = new Map();
  /** Members of no configuration any more. */
  readonly #leaving = new Map<NodeId, Leaving>();

  constructor(host: PeerLinksHost) {
    this.#host = host;
  }

  /** A configuration came or went: tells the transport who the peers are. */
  follow(): void {
    const { raft } = this.#host;
    const members = this.#members();
    const untilMs = this.#host.nowMs() + this.#host.farewellMs;
    for (const [id, address] of this.#current) {
      if (!members.has(id) && !this.#leaving.has(id)) this.#leaving.set(id, { address, untilMs });
    }
    for (const id of [...this.#leaving.keys()]) if (members.has(id)) this.#leaving.delete(id);
    members.delete(raft.id);
    this.#current = members;
    this.#tellTransport();
  }

  #members(): Map<NodeId, string> {
    const { raft, firstSeen } = this.#host;
    const { configuration, committedConfiguration } = raft;
    const members = new Map<NodeId, string>();
    const isBlank = configuration.voters.length === 0 && firstSeen !== null;
    const configurations = isBlank ? [firstSeen] : [committedConfiguration, configuration];
    for (const one of configurations) {
      for (const { id, address } of allMembers(one)) members.set(id, address);
    }
    return members;
  }

  #tellTransport(): void {
    const peers = new Map(this.#current);
    for (const [id, { address }] of this.#leaving) if (!peers.has(id)) peers.set(id, address);
    this.#host.transport()?.setPeers(peers);
  }

  /** Whoever has left has had time to hear of it. */
  onTick(nowMs: number): void {
    if (this.#leaving.size === 0) return;
    const before = this.#leaving.size;
    for (const [id, { untilMs }] of this.#leaving) if (untilMs <= nowMs) this.#leaving.delete(id);
    if (this.#leaving.size < before) this.#tellTransport();
  }

  onPeer(event: PeerEvent): void {
    const { peers } = this.#host;
    switch (event.kind) {
      case "connected":
        peers.onConnected(event.peer);
        this.#host.step({ kind: "peer-reachable", peer: event.peer });
        break;
      case "disconnected":
        peers.onDown(event.peer, event.reason);
        this.#host.onDisconnected(event.peer);
        this.#host.step({ kind: "peer-unreachable", peer: event.peer });
        break;
      case "unreachable":
        peers.onDown(event.peer, event.reason);
        return; // told in the state; the event comes with connections that were made
      case "gone":
        this.#host.step({ kind: "leader-gone", peer: event.peer, jitter: this.#host.jitter() });
        return; // whoever leads: the core knows
      case "refused":
        this.#onRefused(event);
        break;
      default:
        event satisfies never;
    }
    const reason = event.kind === "connected" ? null : event.reason;
    this.#host.onEvent({ id: event.peer, kind: event.kind, reason });
  }

  /**
   * Whoever dials us under a peer's name: our own connection to that peer may stand all the while.
   * Or what a peer has found about us: what it knows is on its disk, and holds for all members.
   */
  #onRefused(event: Extract<PeerEvent, { readonly kind: "refused" }>): void {
    const { peers, logger, raft } = this.#host;
    const { peer, reason, verdict } = event;
    peers.onRefused(peer, reason);
    logger.warn({ peer }, reason);
    if (verdict === "removed-member") this.#host.end(selfRemoved(raft.id));
    else if (verdict === "other-incarnation" || verdict === "older-state") {
      this.#host.end(staleDirectory(raft.id, verdict, peer ?? "a peer", reason));
    } else if (verdict === "older-program") {
      this.#host.end(programTooOld(raft.id, peer ?? "a peer", reason));
    }
  }
}
