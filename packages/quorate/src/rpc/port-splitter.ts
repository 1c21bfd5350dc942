import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer, type Socket, type Server as TcpServer } from "node:net";
import { defaultRpcLimits, type RpcLimits } from "./limits.ts";
import { sniffProtocol } from "./preface.ts";
import type { RpcServer } from "./rpc-server.ts";

/**
 * One TCP port for gRPC (HTTP/2 with prior knowledge) and plain HTTP/1: the first bytes of a
 * connection decide who gets it. It accepts, bounds and watches connections until then, and knows
 * nothing of what is served.
 */

export interface PortSplitterOptions {
  readonly rpc: RpcServer;
  /** Answers HTTP/1 requests: health, version and the like. */
  readonly onHttp: RequestListener;
  readonly limits?: Partial<RpcLimits>;
  /** Told when the listening socket itself fails, after it was open. */
  readonly onError: (error: Error) => void;
}

export interface PortSplitter {
  /**
   * Opens the port; 0 takes a free one. The callback gets the error, such as EADDRINUSE, or the
   * address.
   */
  listen(port: number, host: string, done: (result: Error | AddressInfo) => void): void;
  /**
   * Stops accepting, lets calls in progress end within `stopGraceMs`, closes everything, then calls
   * back.
   */
  stop(done: () => void): void;
  /** Connections open now. */
  readonly connectionCount: number;
}

/** Makes a splitter that is not yet listening. */
export function createPortSplitter(options: PortSplitterOptions): PortSplitter {
  return new Splitter(options);
}

class Splitter implements PortSplitter {
  readonly #limits: RpcLimits;
  readonly #rpc: RpcServer;
  readonly #http: Server;
  readonly #tcp: TcpServer;
  readonly #sockets: Set<Socket> = new Set();
  /** Connections of HTTP/1 that have not sent a request yet, with what will close them. */
  readonly #unproven: Map<Socket, NodeJS.Timeout> = new Map();
  readonly #onError: (error: Error) => void;

  constructor(options: PortSplitterOptions) {
    this.#limits = { ...defaultRpcLimits, ...options.limits };
    this.#rpc = options.rpc;
    this.#onError = options.onError;
    this.#http = createHttpServer();
    this.#http.on("request", (request) => this.#endWait(request.socket));
    this.#http.on("request", options.onHttp);
    this.#tcp = createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
      this.#onSocket(socket),
    );
    this.#tcp.maxConnections = this.#limits.connectionsMax;
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  listen(port: number, host: string, done: (result: Error | AddressInfo) => void): void {
    const tcp = this.#tcp;
    const onRefused = (error: Error): void => done(error);
    tcp.once("error", onRefused);
    tcp.listen(port, host, () => {
      tcp.off("error", onRefused);
      tcp.on("error", this.#onError);
      const address = tcp.address();
      if (address === null || typeof address === "string")
        done(new Error("Cannot listen: no port"));
      else done(address);
    });
  }

  stop(done: () => void): void {
    this.#tcp.close();
    // First the calls end; what is left then is HTTP/1, idle, or has not said what it is.
    this.#rpc.stop(() => {
      this.#http.closeAllConnections();
      let left = this.#sockets.size;
      if (left === 0) done();
      for (const socket of this.#sockets) {
        socket.once("close", () => {
          left--;
          if (left === 0) done();
        });
        socket.destroy();
      }
    });
  }

  #onSocket(socket: Socket): void {
    this.#sockets.add(socket);
    // A listener for the whole life of the socket: the servers remove theirs when they let go of
    // it.
    socket.on("error", () => {});
    const sniffing = new Sniffing(socket, this.#limits.sniffMs, (protocol, head) => {
      if (protocol === "http2") this.#rpc.accept(socket, head);
      else this.#acceptHttp(socket, head);
    });
    socket.once("close", () => {
      sniffing.end();
      this.#endWait(socket);
      this.#sockets.delete(socket);
    });
  }

  #acceptHttp(socket: Socket, head: Uint8Array): void {
    // Node checks its own time limits only on servers that listen themselves.
    const { httpRequestMs, httpIdleMs } = this.#limits;
    this.#unproven.set(
      socket,
      setTimeout(() => socket.destroy(), httpRequestMs),
    );
    socket.setTimeout(httpIdleMs, () => socket.destroy());
    socket.unshift(head);
    this.#http.emit("connection", socket);
    socket.resume();
  }

  #endWait(socket: Socket): void {
    clearTimeout(this.#unproven.get(socket));
    this.#unproven.delete(socket);
  }
}

/** Reads a socket until its protocol is known, then leaves it paused. */
class Sniffing {
  readonly #socket: Socket;
  readonly #decided: (protocol: "http1" | "http2", head: Uint8Array) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #onData: (chunk: Buffer) => void = (chunk) => this.#push(chunk);
  /** The client has nothing more to say, and what it said is no protocol. */
  readonly #onEnd: () => void = () => this.#socket.destroy();
  #head: Buffer = Buffer.alloc(0);

  constructor(
    socket: Socket,
    timeoutMs: number,
    decided: (protocol: "http1" | "http2", head: Uint8Array) => void,
  ) {
    this.#socket = socket;
    this.#decided = decided;
    this.#timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
  }

  #push(chunk: Buffer): void {
    this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const protocol = sniffProtocol(this.#head);
    if (protocol === "undecided") return;
    this.#socket.pause();
    this.end();
    this.#decided(protocol, this.#head);
  }
}
