/**
 * The contract of the transport: what the node needs of the network. The implementation on the
 * `network` port is `peer-transport.ts`.
 */
import type { NodeId } from "../base/index.ts";
import type { BulkDial, BulkDialHandlers, BulkHandlers, BulkLink } from "./bulk-link.ts";
import type { RefusalReason } from "./codec/handshake-codec.ts";
import type { PeerMessage } from "./peer-message.ts";

/** Who speaks: sent in the handshake of every connection. Ids are 16 lower-case hex digits. */
export interface PeerIdentity {
  readonly clusterId: string;
  readonly id: NodeId;
  /** Random per data directory (per process without one). */
  readonly incarnation: string;
  /** Random per start. */
  readonly boot: string;
}

/**
 * `connected` and `disconnected` are about our own connection to the peer, the one that `send`
 * uses.
 */
export type PeerEvent =
  | {
      readonly kind: "connected";
      readonly peer: NodeId;
      readonly boot: string;
      readonly incarnation: string;
    }
  | { readonly kind: "disconnected"; readonly peer: NodeId; readonly reason: string }
  /** A dial failed for another reason than the one before. Nothing was connected. */
  | { readonly kind: "unreachable"; readonly peer: NodeId; readonly reason: string }
  /**
   * The process that we were connected to is gone, as far as can be seen from here: after the end
   * of our connection a dial failed, was not answered within `goneAfterMs`, or another boot
   * answered (then this follows `connected`). A broken way between the two looks the same.
   */
  | { readonly kind: "gone"; readonly peer: NodeId; readonly reason: string }
  /**
   * The peer (or we) refused the handshake: another cluster, another member, another incarnation
   * than before, an unknown version.
   */
  | {
      readonly kind: "refused";
      readonly peer: NodeId | null;
      readonly reason: string;
      /** What the peer has found about this member; left out where this member refused. */
      readonly verdict?: RefusalReason;
    };

export interface TransportHandlers {
  /**
   * A checked and decoded message of a member that completed the handshake; its bytes are views of
   * what was received. Must not throw.
   */
  onMessage(message: PeerMessage): void;
  onPeer(event: PeerEvent): void;
  /**
   * A peer has opened a connection for bulk; a new one of the same peer ends the one before.
   * Without this handler such connections are dropped. Must not throw.
   */
  onBulk?(link: BulkLink): BulkHandlers;
}

export interface Transport {
  /** `host:port` where peers reach this member, with the real port. */
  readonly address: string;
  /**
   * Queues a message to `message.to`. Never blocks, never throws: with no connection, or over the
   * queue's limit, the message is dropped, which Raft survives. Returns whether it was queued.
   * Raft's messages may also come twice, late or out of order; `forward` and `forward-response`
   * come at most once, and only from the run of the sender to the run of the receiver that were
   * there when they were sent.
   */
  send(message: PeerMessage): boolean;
  /**
   * Hands what was queued in this turn to the network, one write per peer. Called once a turn by
   * the node.
   */
  flush(): void;
  /**
   * Dials a peer for a connection for bulk, which is its user's alone and disturbs no other. Once:
   * it is not dialled again. Null: there is no peer of that name.
   */
  dialBulk(peer: NodeId, handlers: BulkDialHandlers): BulkDial | null;
  /**
   * The peers to keep connections to (without oneself): id to `host:port`. Others of the cluster
   * are heard as guests, and answered where they say that they can be dialled.
   */
  setPeers(peers: ReadonlyMap<NodeId, string>): void;
  close(done: () => void): void;
}
