/** All accepted connections: how many there may be, and which one is a peer's. */
import type { NodeId } from "../base/index.ts";
import { membersMax } from "../core/index.ts";
import type { Connection, ConnectionHandlers } from "../ports/index.ts";
import type { TransportContext } from "./context.ts";
import { InboundConnection, type InboundOwner } from "./inbound-connection.ts";
import type { PeerIdentity } from "./transport.ts";

/** What accepted connections tell their owner. */
export interface InboundHost {
  /** This peer is up, for it has just introduced itself. */
  onPeerReached(peer: NodeId): void;
  /** Somebody of the cluster who is no known member can be dialled at `address`. */
  onGuest(id: NodeId, address: string): void;
  onGuestGone(id: NodeId): void;
}

export class InboundConnections implements InboundOwner {
  readonly #context: TransportContext;
  readonly #host: InboundHost;
  readonly #all = new Set<InboundConnection>();
  readonly #byPeer = new Map<NodeId, InboundConnection>();
  readonly #bulkByPeer = new Map<NodeId, InboundConnection>();
  #peers: ReadonlySet<NodeId> = new Set();
  #rejectedCount = 0;
  #isClosed = false;

  constructor(context: TransportContext, host: InboundHost) {
    this.#context = context;
    this.#host = host;
  }

  get peers(): ReadonlySet<NodeId> {
    return this.#peers;
  }

  get hasRoom(): boolean {
    let guests = 0;
    for (const { isGuest } of this.#byPeer.values()) if (isGuest) guests++;
    return guests < (this.#peers.size === 0 ? membersMax : this.#context.limits.guestsMax);
  }

  /** Drops the connections of those that are no longer peers; a guest may have become one. */
  setPeers(peers: ReadonlySet<NodeId>): void {
    this.#peers = peers;
    const { admission } = this.#context;
    for (const [id, connection] of [...this.#bulkByPeer]) {
      if (!peers.has(id)) connection.close("it is no longer a peer");
    }
    for (const [id, connection] of [...this.#byPeer]) {
      if (peers.has(id)) {
        // As its incarnation is remembered; else it introduces itself anew.
        const isKnown = admission.incarnationOf(id) === connection.peer?.incarnation;
        if (connection.isGuest && !isKnown) connection.close();
        connection.isGuest = false;
      } else if (!connection.isGuest || admission.isRemoved(id)) {
        connection.close();
      }
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

  /**
   * What another run of that member says does not count any more: if it is the one that lives, it
   * connects and introduces itself again.
   */
  onIntroduced({ id, boot }: PeerIdentity): void {
    const before = this.#byPeer.get(id);
    if (before === undefined || before.peer?.boot === boot) return;
    const run = `of boot ${boot}, before ${before.peer?.boot}`;
    this.#log("info", `a new connection of member ${id} (${run}) replaces its old one`);
    before.close();
  }

  onWelcomed(connection: InboundConnection): void {
    const { peer } = connection;
    if (peer === null) return;
    const before = this.#byPeer.get(peer.id);
    this.#byPeer.set(peer.id, connection);
    if (before !== undefined) {
      const text = `a new connection of member ${peer.id} (of the same run) replaces its old one`;
      this.#log("info", text);
      before.close();
    }
    if (!connection.isGuest) {
      this.#host.onPeerReached(peer.id);
      return;
    }
    const text = `member ${peer.id} at ${connection.address} is not known as a member here (yet)`;
    this.#log("info", `${text}: it is heard, and does not count`);
    this.#host.onGuest(peer.id, connection.address);
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
    if (this.#bulkByPeer.get(peer.id) === connection) this.#bulkByPeer.delete(peer.id);
    if (this.#byPeer.get(peer.id) !== connection) return;
    this.#byPeer.delete(peer.id);
    if (connection.isGuest) this.#host.onGuestGone(peer.id);
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
