/** Which peers this member has a connection to, for messages to people and for `status()`. */
import type { NodeId } from "../base/index.ts";
import { allVoters, type Configuration, majority } from "../core/index.ts";
import type { PeerCause, Reachability } from "./errors.ts";

export interface PeerState {
  readonly connected: boolean;
  /** Why not, or whom we refused in its name, as last heard; null if there is nothing to say. */
  readonly reason: string | null;
  /** Monotonic milliseconds since when there is no connection; null while there is one. */
  readonly downSinceMs: number | null;
  /** Handshakes that were refused since the last connection; null: none. */
  readonly refused: Refused | null;
}

export interface Refused {
  readonly reason: string;
  readonly count: number;
  /** Monotonic milliseconds of the last time. */
  readonly atMs: number;
}

export class Peers {
  readonly #self: NodeId;
  readonly #nowMs: () => number;
  readonly #startMs: number;
  readonly #states = new Map<NodeId, PeerState>();
  #strangers: Refused | null = null;

  constructor(self: NodeId, nowMs: () => number) {
    this.#self = self;
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  of(id: NodeId): PeerState {
    const unknown = { connected: false, reason: null, downSinceMs: this.#startMs, refused: null };
    return this.#states.get(id) ?? unknown;
  }

  /** Refused handshakes of nobody that is known. */
  get strangers(): Refused | null {
    return this.#strangers;
  }

  onConnected(id: NodeId): void {
    this.#states.set(id, { connected: true, reason: null, downSinceMs: null, refused: null });
  }

  /** A connection ended, or none could be made. */
  onDown(id: NodeId, reason: string): void {
    const downSinceMs = this.of(id).downSinceMs ?? this.#nowMs();
    const { refused } = this.of(id);
    this.#states.set(id, { connected: false, reason, downSinceMs, refused });
  }

  /** A handshake in either direction was refused; null: of somebody that is no member. */
  onRefused(id: NodeId | null, reason: string): void {
    const before = id === null ? this.#strangers : this.of(id).refused;
    const refused = { reason, count: (before?.count ?? 0) + 1, atMs: this.#nowMs() };
    if (id === null) this.#strangers = refused;
    else this.#states.set(id, { ...this.of(id), reason, refused });
  }

  isConnected(id: NodeId): boolean {
    return id === this.#self || this.of(id).connected;
  }

  /** Of the voters; while two halves decide, of both, and as many as the larger one needs. */
  reachability(configuration: Configuration): Reachability {
    const reachable: string[] = [];
    const unreachable: string[] = [];
    const causes: PeerCause[] = [];
    const nowMs = this.#nowMs();
    for (const { id, address } of allVoters(configuration)) {
      if (this.isConnected(id)) {
        reachable.push(id);
        continue;
      }
      const { reason, downSinceMs } = this.of(id);
      unreachable.push(id);
      causes.push({ id, address, reason, forMs: Math.round(nowMs - (downSinceMs ?? nowMs)) });
    }
    const { voters, outgoing } = configuration;
    const needed = majority(Math.max(voters.length, outgoing?.length ?? 0));
    return { needed, reachable, unreachable, causes };
  }
}
