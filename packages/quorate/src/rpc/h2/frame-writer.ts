import { messagePrefixBytes } from "../message-framing.ts";
import type { Output } from "./output.ts";
import { blockBytes } from "./output.ts";
import {
  type ErrorCode,
  frameFlags,
  frameHeadBytes,
  frameTypes,
  writeFrameHead,
  writeUint32,
} from "./protocol.ts";
import { okHeaders, okTrailers } from "./response-blocks.ts";

/** The frames that a server sends, written into the output of a connection. */

/** Larger pieces of answers are not copied into a block but written from where they are. */
const copyBytesMax = 4_096;

export function writeSettings(
  output: Output,
  settings: readonly (readonly [number, number])[],
): void {
  output.reserve(frameHeadBytes + 6 * settings.length);
  const { block } = output;
  let at = writeFrameHead(block, output.at, 6 * settings.length, frameTypes.settings, 0, 0);
  for (const [id, value] of settings) {
    block[at] = id >>> 8;
    block[at + 1] = id;
    at = writeUint32(block, at + 2, value);
  }
  output.at = at;
}

export function writeSettingsAck(output: Output): void {
  output.reserve(frameHeadBytes);
  const { block, at } = output;
  output.at = writeFrameHead(block, at, 0, frameTypes.settings, frameFlags.ack, 0);
}

/** @param payload Holds the eight bytes of the ping at `from` */
export function writePing(output: Output, flags: number, payload: Uint8Array, from: number): void {
  output.reserve(frameHeadBytes + 8);
  const at = writeFrameHead(output.block, output.at, 8, frameTypes.ping, flags, 0);
  for (let i = 0; i < 8; i++) output.block[at + i] = payload[from + i] ?? 0;
  output.at = at + 8;
}

export function writeWindowUpdate(output: Output, streamId: number, increment: number): void {
  output.reserve(frameHeadBytes + 4);
  const at = writeFrameHead(output.block, output.at, 4, frameTypes.windowUpdate, 0, streamId);
  output.at = writeUint32(output.block, at, increment);
}

export function writeReset(output: Output, streamId: number, code: ErrorCode): void {
  output.reserve(frameHeadBytes + 4);
  const at = writeFrameHead(output.block, output.at, 4, frameTypes.rstStream, 0, streamId);
  output.at = writeUint32(output.block, at, code);
}

/** @param text Why, in ASCII, for whoever debugs the client */
export function writeGoaway(
  output: Output,
  lastStreamId: number,
  code: ErrorCode,
  text: string,
): void {
  const debug = Buffer.from(text.slice(0, 256), "latin1");
  const length = 8 + debug.length;
  output.reserve(frameHeadBytes + length);
  const { block } = output;
  let at = writeFrameHead(block, output.at, length, frameTypes.goaway, 0, 0);
  at = writeUint32(block, at, lastStreamId);
  at = writeUint32(block, at, code);
  block.set(debug, at);
  output.at = at + debug.length;
}

/** A header block in as many frames as it takes. */
export function writeHeaders(
  output: Output,
  streamId: number,
  block: Uint8Array,
  endStream: boolean,
): void {
  const pieceMax = blockBytes - frameHeadBytes;
  for (let from = 0; from === 0 || from < block.length; from += pieceMax) {
    const length = Math.min(pieceMax, block.length - from);
    const isLast = from + length === block.length;
    let flags: number = isLast ? frameFlags.endHeaders : 0;
    if (from === 0 && endStream) flags |= frameFlags.endStream;
    const type = from === 0 ? frameTypes.headers : frameTypes.continuation;
    output.reserve(frameHeadBytes + length);
    const at = writeFrameHead(output.block, output.at, length, type, flags, streamId);
    output.block.set(block.subarray(from, from + length), at);
    output.at = at + length;
  }
}

/** The head of a DATA frame and its payload: bytes of the framed message from `from` on. */
export function writeData(
  output: Output,
  streamId: number,
  message: Uint8Array,
  from: number,
  length: number,
): void {
  output.reserve(frameHeadBytes + messagePrefixBytes);
  const { block } = output;
  let at = writeFrameHead(block, output.at, length, frameTypes.data, 0, streamId);
  const end = from + length;
  for (let i = from; i < messagePrefixBytes && i < end; i++) {
    block[at++] = prefixByte(message.length, i);
  }
  output.at = at;
  const bodyFrom = Math.max(0, from - messagePrefixBytes);
  const body = message.subarray(bodyFrom, Math.max(0, end - messagePrefixBytes));
  if (body.length === 0) return;
  if (body.length > copyBytesMax) {
    output.appendView(body);
    return;
  }
  output.reserve(body.length);
  output.block.set(body, output.at);
  output.at += body.length;
}

/** Whether an answer is small enough for `writeAnswer`. */
export function isSmall(message: Uint8Array): boolean {
  return message.length <= copyBytesMax;
}

const answerOverhead =
  3 * frameHeadBytes + okHeaders.length + okTrailers.length + messagePrefixBytes;

/** A whole answer at once: headers, one small message, trailers. */
export function writeAnswer(output: Output, streamId: number, message: Uint8Array): void {
  const { length } = message;
  output.reserve(answerOverhead + length);
  const { block } = output;
  const { headers, data } = frameTypes;
  const { endHeaders, endStream } = frameFlags;
  let at = writeFrameHead(block, output.at, okHeaders.length, headers, endHeaders, streamId);
  block.set(okHeaders, at);
  at += okHeaders.length;
  at = writeFrameHead(block, at, length + messagePrefixBytes, data, 0, streamId);
  block[at++] = 0;
  at = writeUint32(block, at, length);
  block.set(message, at);
  at += length;
  const lastFlags = endHeaders | endStream;
  at = writeFrameHead(block, at, okTrailers.length, headers, lastFlags, streamId);
  block.set(okTrailers, at);
  output.at = at + okTrailers.length;
}

/** The flag of compression, then the length, the highest byte first. */
function prefixByte(messageBytes: number, index: number): number {
  return index === 0 ? 0 : (messageBytes >>> (8 * (messagePrefixBytes - 1 - index))) & 0xff;
}
