/** The numbers of HTTP/2 by name: RFC 9113. */

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const frameFlags = {
  endStream: 0x1,
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

export const errorCodes = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;

export type ErrorCode = (typeof errorCodes)[keyof typeof errorCodes];

/** Bytes before the payload of each frame. */
export const frameHeadBytes = 9;
/** Payload bytes of the largest frame that this server takes: what every peer must be able to. */
export const frameBytesMax = 16_384;
/** Bytes that either side may send ahead before anything else was agreed. */
export const windowBytesInitial = 65_535;
/** The largest window there is. */
export const windowBytesMax = 2_147_483_647;
/** Bytes of the dynamic table of HPACK, in both directions, unless agreed otherwise. */
export const headerTableBytes = 4_096;

/** Writes the head of a frame; returns where its payload begins. */
export function writeFrameHead(
  bytes: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  return writeUint32(bytes, at + 5, streamId);
}

/** Writes four bytes, the highest first; returns where they end. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  return at + 4;
}

/** Reads four bytes without the highest bit, which is reserved everywhere. */
export function readUint31(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) & 0x7f) << 24;
  return high | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}
