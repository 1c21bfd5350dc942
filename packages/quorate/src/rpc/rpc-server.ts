import type { Socket } from "node:net";

/**
 * gRPC on connections that somebody else accepts: the port splitter hands over those that speak
 * HTTP/2.
 */
export interface RpcServer {
  /**
   * Serves a connection from its first byte on.
   *
   * @param head Bytes that were read from the socket already; the socket is paused.
   */
  accept(socket: Socket, head: Uint8Array): void;
  /**
   * Takes no new calls, lets calls in progress end for `stopGraceMs`, then cancels the rest and
   * closes all connections. Calls back when nothing is left.
   */
  stop(done: () => void): void;
  /** What it holds now. */
  load(): RpcLoad;
}

export interface RpcLoad {
  readonly connections: number;
  /** Calls that have not been answered. */
  readonly openCalls: number;
  /** Bytes of requests that have not arrived in full. */
  readonly pendingRequestBytes: number;
  /** Bytes of answers that clients have not fetched. */
  readonly pendingResponseBytes: number;
}
