/** The limits of the client port, with unit and reason. All can be set. */

export interface RpcLimits {
  /**
   * The largest request message in bytes: etcd's largest request, 1.5 MiB, and 512 KiB for what
   * surrounds it.
   */
  readonly requestBytesMax: number;
  /**
   * Bytes of requests that have begun to arrive and are not complete, over all connections. Without
   * it, clients that stop in the middle of large requests could fill the memory.
   */
  readonly pendingRequestBytesMax: number;
  /**
   * Bytes of answers that clients have not fetched, over all connections. An answer that would
   * exceed it is refused, unless it is the only one: clients that ask and do not read could fill
   * the memory.
   */
  readonly pendingResponseBytesMax: number;
  /**
   * Milliseconds that a client has to fetch one message of a streamed answer: whoever takes nothing
   * must not hold files and memory for ever. A message is small, so that slow networks can.
   */
  readonly streamedMessageMs: number;
  /**
   * Milliseconds from the first to the last byte of a request, so that a stuck client frees what it
   * holds.
   */
  readonly requestArrivalMs: number;
  /**
   * Streams open at once on a connection; etcd has no limit, but a queue without one hides
   * overload.
   */
  readonly connectionStreamsMax: number;
  /** Connections open at once; each takes file descriptors and some tens of KiB. */
  readonly connectionsMax: number;
  /** Milliseconds from accepting a connection to the bytes that tell its protocol. */
  readonly sniffMs: number;
  /** Milliseconds from the first bytes of HTTP/1 to the end of the request's headers. */
  readonly httpRequestMs: number;
  /** Milliseconds of silence after which a connection of HTTP/1 is closed. */
  readonly httpIdleMs: number;
  /**
   * Bytes that wait to be written to an HTTP/2 connection before the server stops reading from it:
   * a client that does not fetch its answers gets no new ones.
   */
  readonly connectionOutputBytesMax: number;
  /**
   * Bytes of a request's headers as HPACK counts them: enough for tokens, too few to fill memory.
   */
  readonly headerListBytesMax: number;
  /**
   * Frames that carry no call (pings, settings, empty data) that a connection may send at once, and
   * in each second for ever: each costs work without being any. Each answer allows one more.
   */
  readonly controlFramesBurst: number;
  readonly controlFramesPerSecond: number;
  /**
   * Streams that a client may reset at once, and in each second: each is work that was in vain.
   * When a cluster stalls, honest clients reset all they have: twice `connectionStreamsMax`.
   */
  readonly streamResetsBurst: number;
  readonly streamResetsPerSecond: number;
  /**
   * Milliseconds without a frame on an HTTP/2 connection after which the server asks whether the
   * client is there; up to twice as many may pass.
   */
  readonly keepaliveMs: number;
  /** Milliseconds that a client has to answer that. */
  readonly keepaliveTimeoutMs: number;
  /**
   * Bytes that a client may send ahead on one stream: half a large request without waiting for us.
   */
  readonly streamWindowBytes: number;
  /** Bytes that a client may send ahead on all streams of a connection together. */
  readonly connectionWindowBytes: number;
  /** Milliseconds that calls in progress get to end when the server stops. */
  readonly stopGraceMs: number;
}

export const defaultRpcLimits: RpcLimits = {
  requestBytesMax: 1_572_864 + 524_288,
  pendingRequestBytesMax: 268_435_456,
  pendingResponseBytesMax: 1_073_741_824,
  streamedMessageMs: 60_000,
  requestArrivalMs: 30_000,
  connectionStreamsMax: 4_096,
  connectionsMax: 10_000,
  sniffMs: 10_000,
  httpRequestMs: 10_000,
  httpIdleMs: 60_000,
  connectionOutputBytesMax: 1_048_576,
  headerListBytesMax: 65_536,
  controlFramesBurst: 2_000,
  controlFramesPerSecond: 500,
  streamResetsBurst: 8_192,
  streamResetsPerSecond: 1_000,
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  streamWindowBytes: 1_048_576,
  connectionWindowBytes: 4_194_304,
  stopGraceMs: 1_000,
};
