import type { Socket } from "node:net";
import { defaultRpcLimits, type RpcLimits } from "../limits.ts";
import type { RpcLoad, RpcServer } from "../rpc-server.ts";
import type { MethodTable } from "../service.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { DeadlineQueue } from "./deadlines.ts";
import { BlockPool } from "./output.ts";

/**
 * gRPC over HTTP/2 frames of our own: all connections of one server, what they share, and its
 * beginning and end.
 */

export interface RpcServerOptions {
  readonly methods: MethodTable;
  readonly limits?: Partial<RpcLimits>;
  /**
   * Told what a handler threw that was no `BadRequest`: a bug. The call was answered Internal.
   */
  readonly onHandlerError: (error: unknown, path: string) => void;
}

/** Makes a server that waits for connections; it opens nothing. */
export function createRpcServer(options: RpcServerOptions): RpcServer {
  return new H2RpcServer(options);
}

class H2RpcServer implements RpcServer, ConnectionHost {
  openCalls = 0;
  pendingRequestBytes = 0;
  pendingResponseBytes = 0;
  readonly limits: RpcLimits;
  readonly methods: MethodTable;
  readonly deadlines: DeadlineQueue = new DeadlineQueue();
  readonly blocks: BlockPool = new BlockPool();
  readonly onHandlerError: (error: unknown, path: string) => void;
  readonly #connections: Map<Connection, Keepalive> = new Map();
  #toFlush: Connection[] = [];
  #stopped: (() => void) | null = null;

  constructor(options: RpcServerOptions) {
    this.limits = { ...defaultRpcLimits, ...options.limits };
    this.methods = options.methods;
    this.onHandlerError = options.onHandlerError;
  }

  accept(socket: Socket, head: Uint8Array): void {
    if (this.#stopped !== null || socket.destroyed) {
      socket.destroy();
      return;
    }
    const connection = new Connection(this, socket);
    this.#connections.set(connection, new Keepalive(connection, this.limits));
    connection.start(head);
  }

  load(): RpcLoad {
    return {
      connections: this.#connections.size,
      openCalls: this.openCalls,
      pendingRequestBytes: this.pendingRequestBytes,
      pendingResponseBytes: this.pendingResponseBytes,
    };
  }

  stop(done: () => void): void {
    const grace = setTimeout(() => this.#cutOff(), this.limits.stopGraceMs);
    this.#stopped = () => {
      clearTimeout(grace);
      this.deadlines.clear();
      done();
    };
    for (const connection of this.#connections.keys()) connection.close();
    this.#maybeStopped();
  }

  /** All that is answered in one turn leaves in one write for each connection. */
  flushLater(connection: Connection): void {
    if (connection.isFlushPending) return;
    connection.isFlushPending = true;
    if (this.#toFlush.push(connection) === 1) setImmediate(this.#flushAll);
  }

  onClosed(connection: Connection): void {
    this.#connections.get(connection)?.end();
    this.#connections.delete(connection);
    this.#maybeStopped();
  }

  readonly #flushAll = (): void => {
    const connections = this.#toFlush;
    this.#toFlush = [];
    for (const connection of connections) connection.flush();
  };

  #cutOff(): void {
    for (const connection of this.#connections.keys()) connection.cutOff();
  }

  #maybeStopped(): void {
    const stopped = this.#stopped;
    if (stopped === null || this.#connections.size > 0) return;
    this.#stopped = () => {};
    // Not from inside `stop`: its caller gets the callback after it returned, always.
    setImmediate(stopped);
  }
}

/** Pings a connection that has been silent, and ends it if nothing comes. */
class Keepalive {
  readonly #connection: Connection;
  readonly #limits: RpcLimits;
  #timer: NodeJS.Timeout;

  constructor(connection: Connection, limits: RpcLimits) {
    this.#connection = connection;
    this.#limits = limits;
    this.#timer = setTimeout(() => this.#ask(), limits.keepaliveMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #ask(): void {
    const { keepaliveMs, keepaliveTimeoutMs } = this.#limits;
    if (this.#connection.isAlive) {
      this.#connection.isAlive = false;
      this.#timer = setTimeout(() => this.#ask(), keepaliveMs);
      return;
    }
    this.#connection.ping();
    this.#timer = setTimeout(() => this.#judge(), keepaliveTimeoutMs);
  }

  #judge(): void {
    if (this.#connection.isAlive) this.#ask();
    else this.#connection.destroy();
  }
}
