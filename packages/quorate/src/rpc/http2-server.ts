import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { Http2Call, type Http2CallHost } from "./http2-call.ts";
import { defaultRpcLimits, type RpcLimits } from "./limits.ts";
import type { RpcLoad, RpcServer } from "./rpc-server.ts";
import type { MethodTable } from "./service.ts";

/**
 * gRPC over node:http2: sessions here, one stream each in `http2-call.ts`. It uses the stream
 * events only; the request and response objects of Node's HTTP/1 compatibility cost a third of the
 * throughput.
 */

export interface Http2RpcServerOptions {
  readonly methods: MethodTable;
  readonly limits?: Partial<RpcLimits>;
  /**
   * Told what a handler threw that was no `BadRequest`: a bug. The call was answered Internal.
   */
  readonly onHandlerError: (error: unknown, path: string) => void;
}

/** Makes a server that waits for connections; it opens nothing. */
export function createHttp2RpcServer(options: Http2RpcServerOptions): RpcServer {
  return new Http2RpcServer(options);
}

class Http2RpcServer implements RpcServer, Http2CallHost {
  pendingRequestBytes = 0;
  pendingResponseBytes = 0;
  readonly calls: Set<Http2Call> = new Set();
  readonly limits: RpcLimits;
  readonly methods: MethodTable;
  readonly onHandlerError: (error: unknown, path: string) => void;
  readonly #sessions: Set<ServerHttp2Session> = new Set();
  readonly #server: Http2Server;
  #stopped: (() => void) | null = null;

  constructor(options: Http2RpcServerOptions) {
    this.limits = { ...defaultRpcLimits, ...options.limits };
    this.methods = options.methods;
    this.onHandlerError = options.onHandlerError;
    this.#server = createServer({
      maxSessionMemory: this.limits.connectionMemoryMb,
      settings: {
        maxConcurrentStreams: this.limits.connectionStreamsMax,
        initialWindowSize: this.limits.streamWindowBytes,
      },
    });
    this.#server.on("session", (session) => this.#onSession(session));
    this.#server.on("stream", (stream, headers) => new Http2Call(this, stream, headers));
    // Damaged frames and broken connections end their own session, which Node does by itself.
    this.#server.on("sessionError", () => {});
    this.#server.on("error", () => {});
  }

  accept(socket: Socket, head: Uint8Array): void {
    if (this.#stopped !== null) {
      socket.destroy();
      return;
    }
    // HTTP/2 has no half-closed connections: a client that ends its side is gone.
    socket.allowHalfOpen = false;
    if (head.length > 0) socket.unshift(head);
    // The documented way to hand an accepted connection to a server that does not listen.
    this.#server.emit("connection", socket);
  }

  load(): RpcLoad {
    return {
      connections: this.#sessions.size,
      openCalls: this.calls.size,
      pendingRequestBytes: this.pendingRequestBytes,
      pendingResponseBytes: this.pendingResponseBytes,
    };
  }

  stop(done: () => void): void {
    const grace = setTimeout(() => this.#cutOff(), this.limits.stopGraceMs);
    this.#stopped = () => {
      clearTimeout(grace);
      done();
    };
    for (const session of this.#sessions) session.close();
    this.#maybeStopped();
  }

  #onSession(session: ServerHttp2Session): void {
    session.setLocalWindowSize(this.limits.connectionWindowBytes);
    this.#sessions.add(session);
    session.on("error", () => {});
    const keepalive = new Keepalive(session, this.limits);
    session.on("close", () => {
      keepalive.end();
      this.#sessions.delete(session);
      this.#maybeStopped();
    });
  }

  #cutOff(): void {
    for (const call of this.calls) call.cancel("server-stopped");
    for (const session of this.#sessions) session.destroy();
  }

  #maybeStopped(): void {
    const stopped = this.#stopped;
    if (stopped === null || this.#sessions.size > 0) return;
    this.#stopped = () => {};
    // Not from inside `stop`: its caller gets the callback after it returned, always.
    setImmediate(stopped);
  }
}

/** Pings a connection that has been silent, and ends it if nobody answers. */
class Keepalive {
  readonly #session: ServerHttp2Session;
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(session: ServerHttp2Session, limits: RpcLimits) {
    this.#session = session;
    this.#timeoutMs = limits.keepaliveTimeoutMs;
    session.setTimeout(limits.keepaliveMs, () => this.#ask());
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #ask(): void {
    if (this.#timer !== null || this.#session.destroyed) return;
    this.#timer = setTimeout(() => this.#session.destroy(), this.#timeoutMs);
    this.#session.ping((error) => {
      if (error === null) this.end();
    });
  }
}
