/** The network of the operating system: TCP by `node:net`, without Nagle's delay. */
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { FormatError } from "../../base/index.ts";
import {
  type Address,
  type Connection,
  type ConnectionHandlers,
  formatAddress,
  type Listener,
  type Network,
  NetworkError,
  parseAddress,
} from "../index.ts";

/** Real sockets. All callbacks come from the event loop, never from inside a call. */
export const osNetwork: Network = { listen, connect };

function listen(
  address: string,
  onConnection: (connection: Connection) => ConnectionHandlers,
  done: (error: NetworkError | null, listener?: Listener) => void,
): void {
  const wanted = tryParse(address);
  if (wanted instanceof NetworkError) {
    setImmediate(() => done(wanted));
    return;
  }
  const server = createServer({ noDelay: true }, (socket) => {
    const remote = remoteOf(socket);
    const connection = new OsConnection(
      socket,
      remote,
      () => `The connection from ${remote} broke`,
    );
    connection.attach(onConnection(connection));
  });
  const onError = (error: Error): void =>
    done(toNetworkError(`Cannot listen on ${address}`, error));
  server.once("error", onError);
  server.listen({ host: wanted.host, port: wanted.port }, () => {
    server.removeListener("error", onError);
    // A failed accept (out of file descriptors) concerns that connection alone; the dialer sees it.
    server.on("error", () => {});
    done(null, { address: boundAddress(server, wanted), close: (closed) => stop(server, closed) });
  });
}

function connect(address: string, handlers: ConnectionHandlers): Connection {
  const wanted = tryParse(address);
  if (wanted instanceof NetworkError) {
    setImmediate(() => handlers.onClose(wanted));
    return { remote: address, queuedBytes: 0, send() {}, close() {} };
  }
  const socket = createConnection({ host: wanted.host, port: wanted.port, noDelay: true });
  let isOpen = false;
  const connection = new OsConnection(socket, address, () =>
    isOpen ? `The connection to ${address} broke` : `Cannot connect to ${address}`,
  );
  connection.attach(handlers);
  socket.once("connect", () => {
    isOpen = true;
    handlers.onOpen?.();
  });
  return connection;
}

/**
 * The server's own callback waits for the accepted connections; what counts here is that the port
 * is free.
 */
function stop(server: Server, done: () => void): void {
  server.close();
  // The handle closes at the end of a turn of the loop, after its immediates: so done is in the
  // next.
  setImmediate(() => setImmediate(done));
}

/** One connection of the port on one socket. `what` says what an error of it means. */
class OsConnection implements Connection {
  readonly remote: string;
  readonly #socket: Socket;
  readonly #what: () => string;
  #handlers: ConnectionHandlers | null = null;

  constructor(socket: Socket, remote: string, what: () => string) {
    this.#socket = socket;
    this.remote = remote;
    this.#what = what;
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  attach(handlers: ConnectionHandlers): void {
    const socket = this.#socket;
    this.#handlers = handlers;
    let failure: NetworkError | null = null;
    socket.on("data", (chunk: Uint8Array) => {
      // A plain array, not a Buffer: views of it are cheaper, and nobody meets Buffer's other
      // `slice`.
      handlers.onData(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    });
    socket.once("error", (error) => {
      failure = toNetworkError(this.#what(), error);
    });
    socket.once("close", () => handlers.onClose(failure));
  }

  send(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket;
    if (!socket.writable || chunks.length === 0) return;
    // Corked, several chunks leave in one writev.
    const last = chunks.length - 1;
    socket.cork();
    for (const [i, chunk] of chunks.entries()) {
      if (i === last) socket.write(chunk, this.#onWritten);
      else socket.write(chunk);
    }
    socket.uncork();
  }

  close(): void {
    this.#socket.destroy();
  }

  readonly #onWritten = (): void => {
    const isDrained = this.#socket.writableLength === 0 && !this.#socket.destroyed;
    if (isDrained) this.#handlers?.onDrain?.();
  };
}

function tryParse(address: string): Address | NetworkError {
  try {
    return parseAddress(address);
  } catch (error) {
    if (error instanceof FormatError) return new NetworkError(error.message, "EINVAL");
    throw error;
  }
}

function boundAddress(server: Server, wanted: Address): string {
  const bound = server.address();
  const port = bound !== null && typeof bound === "object" ? bound.port : wanted.port;
  return formatAddress({ host: wanted.host, port });
}

function remoteOf(socket: Socket): string {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return "an address unknown";
  return formatAddress({ host: remoteAddress, port: remotePort });
}

/** What a person can do about the codes that occur in practice. */
const explanations: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is in use; stop the other program or choose another port",
  EADDRNOTAVAIL: "this machine has no such address; use one of its own",
  EACCES: "permission denied; choose a port above 1023",
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "the other end dropped it",
  EHOSTUNREACH: "there is no way to this host",
  ENETUNREACH: "there is no way to this network",
  ENOTFOUND: "the host name is unknown",
  EAI_AGAIN: "the host name cannot be looked up now",
  EPIPE: "the other end had closed it",
  ETIMEDOUT: "no answer",
};

function toNetworkError(what: string, error: Error): NetworkError {
  const found = "code" in error ? error.code : null;
  const code = typeof found === "string" ? found : "EUNKNOWN";
  return new NetworkError(`${what}: ${explanations[code] ?? error.message} (${code})`, code);
}
