/** Which peers this member has a connection to, for messages to people and for `status()`. */
import type { NodeId } from "../base/index.ts";
import { type Configuration, majority } from "../core/index.ts";
import type { Reachability } from "./errors.ts";

export interface PeerState {
  connected: boolean;
  /** Why not, as last heard; null while connected or before the first attempt ended. */
  reason: string | null;
}

export class Peers {
  readonly #self: NodeId;
  readonly #states = new Map<NodeId, PeerState>();

  constructor(self: NodeId) {
    this.#self = self;
  }

  of(id: NodeId): PeerState {
    let state = this.#states.get(id);
    if (state === undefined) {
      state = { connected: false, reason: null };
      this.#states.set(id, state);
    }
    return state;
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
