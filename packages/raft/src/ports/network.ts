/**
 * The door to other members: ordered byte streams that may break at any time. Callbacks are never
 * called synchronously inside `listen`, `connect` or `send`.
 */

export class NetworkError extends Error {
  override readonly name = "NetworkError";
  /** The system's code, such as `ECONNREFUSED` or `EADDRINUSE`. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

export interface Connection {
  /** `host:port` of the other end, for messages to people. */
  readonly remote: string;
  /** Bytes accepted by `send` and not yet taken by the system. */
  readonly queuedBytes: number;
  /**
   * Queues the chunks in order. The caller does not change them until `queuedBytes` is 0 again.
   * Ignored after the close.
   */
  send(chunks: readonly Uint8Array[]): void;
  /** Drops the connection; `onClose` follows. Idempotent. */
  close(): void;
}

export interface ConnectionHandlers {
  /**
   * Once, when a `connect` succeeded; not called for accepted connections, which are open already.
   */
  onOpen?(): void;
  onData(bytes: Uint8Array): void;
  /** All that was queued has been taken by the system (`queuedBytes` is 0 again). */
  onDrain?(): void;
  /** Exactly once, also when the connect failed. `null` for an orderly end. */
  onClose(error: NetworkError | null): void;
}

export interface Listener {
  /** The address in use, with the real port where 0 was asked for. */
  readonly address: string;
  /** Stops accepting; accepted connections stay. */
  close(done: () => void): void;
}

export interface Network {
  /**
   * `address` is `host:port`; port 0 picks a free one. Each accepted connection gets its own
   * handlers.
   */
  listen(
    address: string,
    onConnection: (connection: Connection) => ConnectionHandlers,
    done: (error: NetworkError | null, listener?: Listener) => void,
  ): void;
  connect(address: string, handlers: ConnectionHandlers): Connection;
}
