/** Which peers this member has a connection to, for messages to people and for `status()`. */
import type { NodeId } from "../base/index.ts";
import { type Configuration, majority } from "../core/index.ts";
import type { Reachability } from "./errors.ts";

export interface PeerState {
  readonly connected: boolean;
  /** Why not, or whom we refused in its name, as last heard; null if there is nothing to say. */
  readonly reason: string | null;
}

export class Peers {
  readonly #self: NodeId;
  readonly #states = new Map<NodeId, PeerState>();

  constructor(self: NodeId) {
    this.#self = self;
  }

  of(id: NodeId): PeerState {
    return this.#states.get(id) ?? { connected: false, reason: null };
  }

  onConnected(id: NodeId): void {
    this.#states.set(id, { connected: true, reason: null });
  }

  onDisconnected(id: NodeId, reason: string): void {
    this.#states.set(id, { connected: false, reason });
  }

  /** A handshake in either direction was refused. */
  onRefused(id: NodeId, reason: string): void {
    this.#states.set(id, { connected: this.isConnected(id), reason });
  }

  isConnected(id: NodeId): boolean {
    return id === this.#self || this.of(id).connected;
  }

  reachability(configuration: Configuration): Reachability {
    const reachable: string[] = [];
    const unreachable: string[] = [];
    for (const member of configuration.voters) {
      if (this.isConnected(member.id)) reachable.push(member.id);
      else unreachable.push(member.id);
    }
    return { needed: majority(configuration.voters.length), reachable, unreachable };
  }
}
