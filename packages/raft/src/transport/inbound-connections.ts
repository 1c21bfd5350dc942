/** All accepted connections: how many there may be, and which one is a peer's. */
import type { NodeId } from "../base/index.ts";
import type { Connection, ConnectionHandlers } from "../ports/index.ts";
import type { TransportContext } from "./context.ts";
import { InboundConnection, type InboundOwner } from "./inbound-connection.ts";

export class InboundConnections implements InboundOwner {
  readonly #context: TransportContext;
  readonly #onPeerReached: (peer: NodeId) => void;
  readonly #all = new Set<InboundConnection>();
  readonly #byPeer = new Map<NodeId, InboundConnection>();
  readonly #bulkByPeer = new Map<NodeId, InboundConnection>();
  #peers: ReadonlySet<NodeId> = new Set();
  #rejectedCount = 0;
  #isClosed = false;

  /** `onPeerReached`: this peer is up, for it has just introduced itself. */
  constructor(context: TransportContext, onPeerReached: (peer: NodeId) => void) {
    this.#context = context;
    this.#onPeerReached = onPeerReached;
  }

  get peers(): ReadonlySet<NodeId> {
    return this.#peers;
  }

  /** Drops the connections of those that are no longer peers. */
  setPeers(peers: ReadonlySet<NodeId>): void {
    this.#peers = peers;
    for (const [peer, connection] of [...this.#byPeer, ...this.#bulkByPeer]) {
      if (!peers.has(peer)) connection.close("it is no longer a peer");
    }
  }

  accept(connection: Connection): ConnectionHandlers {
    const { connectionsMax } = this.#context.limits;
    if (this.#isClosed || this.#all.size >= connectionsMax) {
      this.#reject(connection);
      return { onData() {}, onClose() {} };
    }
    const accepted = new InboundConnection(this.#context, this, connection);
    this.#all.add(accepted);
    return accepted.handlers();
  }

  onWelcomed(connection: InboundConnection): void {
    const { peer } = connection;
    if (peer === null) return;
    const before = this.#byPeer.get(peer.id);
    this.#byPeer.set(peer.id, connection);
    if (before !== undefined) {
      const isSameRun = before.peer?.boot === peer.boot;
      const run = isSameRun
        ? "of the same run"
        : `of boot ${peer.boot}, before ${before.peer?.boot}`;
      this.#log("info", `a new connection of member ${peer.id} (${run}) replaces its old one`);
      before.close();
    }
    this.#onPeerReached(peer.id);
  }

  /** The messages' connection of the peer is not touched. */
  onBulkWelcomed(connection: InboundConnection): void {
    const { peer } = connection;
    if (peer === null) return;
    const before = this.#bulkByPeer.get(peer.id);
    this.#bulkByPeer.set(peer.id, connection);
    before?.close(`a new connection for bulk of member ${peer.id} takes its place`);
  }

  onGone(connection: InboundConnection): void {
    this.#all.delete(connection);
    const { peer } = connection;
    if (peer === null) return;
    for (const byPeer of [this.#byPeer, this.#bulkByPeer]) {
      if (byPeer.get(peer.id) === connection) byPeer.delete(peer.id);
    }
  }

  onAliveInterval(): void {
    if (this.#rejectedCount > 0) {
      const limit = `the limit of ${this.#context.limits.connectionsMax} connections is reached`;
      this.#log("warn", `closed ${this.#rejectedCount} new connections at once: ${limit}`);
    }
    this.#rejectedCount = 0;
    for (const connection of [...this.#all]) connection.onAliveInterval();
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#all]) connection.close("this member stops");
  }

  #reject(connection: Connection): void {
    this.#rejectedCount += 1;
    connection.close();
  }

  #log(level: "info" | "warn", message: string): void {
    this.#context.log({ level, message });
  }
}
