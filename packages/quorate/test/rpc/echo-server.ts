import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import {
  type CancelReason,
  createPortSplitter,
  createRpcServer,
  MethodTable,
  type PortSplitter,
  type RpcLimits,
  type RpcLoad,
  type RpcServer,
  status,
} from "../../src/rpc/index.ts";

/**
 * For tests: a gRPC server with methods that show what the transport does, and raw clients for it.
 */

export interface EchoServer {
  readonly port: number;
  readonly splitter: PortSplitter;
  readonly rpc: RpcServer;
  /** Why calls of `/test.Echo/Hold` were cancelled, in order. */
  readonly cancels: CancelReason[];
  /** What handlers threw. */
  readonly thrown: unknown[];
  /** Resolves when a call of `/test.Echo/Hold` has begun or been cancelled the next time. */
  nextEvent(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts on a free port of the loopback. */
export async function startEchoServer(
  limits: Partial<RpcLimits> = {},
  extra: MethodTable = new MethodTable(),
): Promise<EchoServer> {
  const cancels: CancelReason[] = [];
  const thrown: unknown[] = [];
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  const methods = registerEcho(extra, (reason) => {
    if (reason !== null) cancels.push(reason);
    wake();
  });
  const rpc = createRpcServer({ methods, limits, onHandlerError: (e) => thrown.push(e) });
  const splitter = createPortSplitter({
    rpc,
    limits,
    onHttp: (request, response) => response.end(`http1 ${request.method} ${request.url}`),
    onError: (error) => thrown.push(error),
  });
  const port = await new Promise<number>((resolve, reject) => {
    splitter.listen(0, "127.0.0.1", (result) => {
      if (result instanceof Error) reject(result);
      else resolve(result.port);
    });
  });
  return {
    port,
    splitter,
    rpc,
    cancels,
    thrown,
    nextEvent: () => new Promise((resolve) => waiting.push(resolve)),
    stop: () => new Promise((resolve) => splitter.stop(resolve)),
  };
}

function registerEcho(
  methods: MethodTable,
  onHold: (reason: CancelReason | null) => void,
): MethodTable {
  return methods
    .register("/test.Echo/Echo", {
      kind: "unary",
      handle: (request, call) => call.respond(request),
    })
    .register("/test.Echo/Show", {
      kind: "unary",
      handle: (_, call) => {
        const shown = { deadlineMs: call.deadlineMs, token: call.metadata("token") };
        call.respond(new TextEncoder().encode(JSON.stringify(shown)));
      },
    })
    .register("/test.Echo/Fail", {
      kind: "unary",
      handle: (request, call) =>
        call.fail(status("notFound", `nicht gefunden: ${new TextDecoder().decode(request)} 100%`)),
    })
    .register("/test.Echo/Unavailable", {
      kind: "unary",
      handle: (_, call) => call.fail(status("unavailable", "etcdserver: no leader")),
    })
    .register("/test.Echo/Hold", {
      kind: "unary",
      handle: (_, call) => {
        call.onCancelled((reason) => {
          onHold(reason);
          // An answer after the end must change nothing.
          call.respond(new Uint8Array(1));
        });
        onHold(null);
      },
    })
    .register("/test.Echo/Throw", {
      kind: "unary",
      handle: () => {
        throw new Error("a bug");
      },
    });
}

export interface RawAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly data: Buffer;
  readonly rstCode: number;
}

/** Opens an HTTP/2 session; errors of the session show in its calls. */
export function openSession(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  return session;
}

/** One request with any headers and body; it resolves when the stream has closed. */
export function rawCall(
  session: ClientHttp2Session,
  path: string,
  body: Uint8Array | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const answer = { headers: {}, trailers: {}, data: Buffer.alloc(0) };
  return new Promise((resolve) => {
    stream.on("response", (received) => {
      answer.headers = received;
    });
    stream.on("trailers", (received) => {
      answer.trailers = received;
    });
    stream.on("data", (chunk: Buffer) => {
      answer.data = Buffer.concat([answer.data, chunk]);
    });
    stream.on("error", () => {});
    stream.on("close", () => resolve({ ...answer, rstCode: stream.rstCode ?? 0 }));
    if (body === null) stream.end();
    else stream.end(body);
  });
}

/** A message with its gRPC prefix. */
export function framed(message: Uint8Array | string, flag = 0): Buffer {
  const bytes = Buffer.from(message);
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

/** A TCP connection that keeps what it receives. */
export class RawSocket {
  readonly socket: Socket;
  received: Buffer = Buffer.alloc(0);
  readonly closed: Promise<void>;

  constructor(port: number) {
    this.socket = connectTcp(port, "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    this.closed = new Promise((resolve) => this.socket.once("close", () => resolve()));
  }

  /** Writes each chunk only after the one before has left, so that they arrive apart. */
  async write(...chunks: (Uint8Array | string)[]): Promise<void> {
    this.socket.setNoDelay(true);
    for (const chunk of chunks) {
      await new Promise<void>((resolve) => this.socket.write(chunk, () => resolve()));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves as soon as what was received satisfies `test`. */
  async until(test: (received: Buffer) => boolean): Promise<Buffer> {
    while (!test(this.received)) {
      await new Promise<void>((resolve) => this.socket.once("data", () => resolve()));
    }
    return this.received;
  }
}

/** The 24 bytes that open HTTP/2 with prior knowledge. */
export const prefaceText = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** One HTTP/2 frame. */
export function http2Frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array,
  claimedLength = payload.length,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(claimedLength, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The load of a server that holds nothing. */
export const noLoad: RpcLoad = {
  connections: 0,
  openCalls: 0,
  pendingRequestBytes: 0,
  pendingResponseBytes: 0,
};
