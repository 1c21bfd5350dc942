/**
 * Connections for bulk, one for each transfer, beside the two that carry messages: what the two
 * ends have of them after the handshake. They have no alive frames; who uses one watches over it.
 */
import { assert, type Crc32, type NodeId } from "../base/index.ts";
import type { Connection } from "../ports/index.ts";
import type { BulkMessage } from "./bulk-message.ts";
import { encodeBulk } from "./codec/bulk-codec.ts";
import type { PeerIdentity } from "./transport.ts";

/** One end of an open connection for bulk. */
export interface BulkLink {
  /** Who is at the other end, as the handshake told. */
  readonly peer: PeerIdentity;
  /** Bytes that were sent and not yet taken by the system. */
  readonly queuedBytes: number;
  /** Hands the message to the network at once. Ignored after the end. */
  send(message: BulkMessage): void;
  /** Drops the connection; no handler is called any more. Idempotent. */
  close(): void;
}

export interface BulkHandlers {
  /** Data in the message are views of what was received. */
  onMessage(message: BulkMessage): void;
  /** All that was sent has been taken by the system. */
  onDrain(): void;
  /** Once, unless this end closed it first. For people. */
  onClose(reason: string): void;
}

/** What a dialer gives: the same, and what to do when the link is open. */
export interface BulkDialHandlers extends BulkHandlers {
  /** Once, after the handshake; not before `dialBulk` has returned. */
  onOpen(link: BulkLink): void;
}

/** A dial under way, or the connection that came of it. */
export interface BulkDial {
  readonly peer: NodeId;
  /** As `BulkLink.close`, at any time. */
  close(): void;
}

/** An open link on a connection that another object owns and reads. */
export class ConnectedBulk implements BulkLink {
  readonly peer: PeerIdentity;
  readonly #connection: Connection;
  readonly #crc32: Crc32;
  readonly #drop: () => void;
  #handlers: BulkHandlers | null = null;
  #isOver = false;

  /** `drop` ends the connection. */
  constructor(peer: PeerIdentity, connection: Connection, crc32: Crc32, drop: () => void) {
    this.peer = peer;
    this.#connection = connection;
    this.#crc32 = crc32;
    this.#drop = drop;
  }

  get queuedBytes(): number {
    return this.#isOver ? 0 : this.#connection.queuedBytes;
  }

  attach(handlers: BulkHandlers): void {
    assert(this.#handlers === null, "a link has one owner");
    this.#handlers = handlers;
  }

  send(message: BulkMessage): void {
    if (!this.#isOver) this.#connection.send(encodeBulk(message, this.#crc32));
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#drop();
  }

  onMessage(message: BulkMessage): void {
    if (!this.#isOver) this.#handlers?.onMessage(message);
  }

  onDrain(): void {
    if (!this.#isOver) this.#handlers?.onDrain();
  }

  /** The connection ended, whoever did it. */
  onEnd(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers?.onClose(reason);
  }
}
