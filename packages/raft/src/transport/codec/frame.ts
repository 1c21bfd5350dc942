/**
 * The outer form of all that members send each other: a header of 16 bytes and a payload. Specified
 * in `docs/formats.md`; the same for every protocol version.
 *
 *     0  u32  bytes of the payload
 *     4  u8   kind, then three zero bytes
 *     8  u32  CRC-32 of the payload
 *    12  u32  CRC-32 of the 12 bytes before
 */

/** Bytes before each payload. */
export const frameHeaderBytes = 16;

/** What a frame carries; the messages' kinds are in `message-codec.ts`. */
export interface Frame {
  readonly kind: number;
  /** A view of the received bytes. */
  readonly payload: Uint8Array;
}

/** The kinds that belong to the connection itself. */
export const helloKind = 1;
export const welcomeKind = 2;
export const refusalKind = 3;
export const aliveKind = 4;
/** A hello that asks for a connection for bulk; its layout is the hello's. */
export const bulkHelloKind = 5;
/** The question of a member that is to join, in place of a hello, and its answer. */
export const joinKind = 6;
export const joinAnswerKind = 7;
/** The dialer's first frame after the welcome. */
export const introductionKind = 8;
