/**
 * Counts connections until their `onClose`, so that a transport that was closed leaves nothing
 * behind.
 */
import { assert } from "../base/index.ts";
import type { Connection, ConnectionHandlers, Network } from "../ports/index.ts";

export class ConnectionCount {
  readonly #network: Network;
  #open = 0;
  #whenNone: (() => void) | null = null;

  constructor(network: Network) {
    this.#network = network;
  }

  get open(): number {
    return this.#open;
  }

  /** Dials and counts. */
  connect(address: string, handlers: ConnectionHandlers): Connection {
    return this.#network.connect(address, this.count(handlers));
  }

  /** Counts a connection that is open already; the returned handlers are the ones to use. */
  count(handlers: ConnectionHandlers): ConnectionHandlers {
    this.#open += 1;
    return {
      onOpen: () => handlers.onOpen?.(),
      onData: (bytes) => handlers.onData(bytes),
      onDrain: () => handlers.onDrain?.(),
      onClose: (error) => {
        handlers.onClose(error);
        this.#closed();
      },
    };
  }

  /** Calls `callback` when there is no connection, at once if that is now. */
  whenNone(callback: () => void): void {
    assert(this.#whenNone === null, "one waits for the last connection to close");
    this.#whenNone = callback;
    this.#notify();
  }

  #closed(): void {
    assert(this.#open > 0, "a connection closes once");
    this.#open -= 1;
    this.#notify();
  }

  #notify(): void {
    if (this.#open > 0 || this.#whenNone === null) return;
    const callback = this.#whenNone;
    this.#whenNone = null;
    callback();
  }
}
