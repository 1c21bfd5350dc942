import { encodeStatusMessage, type Status } from "../status.ts";

/**
 * Header blocks of answers. They use no table that either side would have to keep: what is the same
 * for all answers is encoded once, the rest is written as it is.
 */

/** Before the message of an answer: status 200 and the type of the content. */
export const okHeaders: Uint8Array = Uint8Array.from([
  ...encodeHttpStatus(200),
  ...encodeLiteral("content-type", "application/grpc"),
]);

/** After the message. */
export const okTrailers: Uint8Array = Uint8Array.from(encodeLiteral("grpc-status", "0"));

/** All headers of an answer that has no message. */
export function encodeFailure(httpStatus: number, failure: Status): Uint8Array {
  return Uint8Array.from([
    ...encodeHttpStatus(httpStatus),
    ...encodeLiteral("content-type", "application/grpc"),
    ...encodeFailedTrailers(failure),
  ]);
}

/** After messages of a streamed answer that cannot go on. */
export function encodeFailedTrailers(failure: Status): Uint8Array {
  const block = [
    ...encodeLiteral("grpc-status", String(failure.code)),
    ...encodeLiteral("grpc-message", encodeStatusMessage(failure.message)),
  ];
  for (const [key, value] of Object.entries(failure.trailers ?? {})) {
    block.push(...encodeLiteral(key, encodeStatusMessage(value)));
  }
  return Uint8Array.from(block);
}

/** Tells the client's decoder that its table is empty, for it has asked for a smaller one. */
export const emptyTableUpdate = 0x20;

/** 200 is a field of the static table; for others only the name is. */
function encodeHttpStatus(httpStatus: number): number[] {
  return httpStatus === 200 ? [0x88] : [0x08, ...encodeString(String(httpStatus))];
}

/** A literal that enters no table, with its name written out. */
function encodeLiteral(name: string, value: string): number[] {
  return [0x00, ...encodeString(name), ...encodeString(value)];
}

function encodeString(text: string): number[] {
  return [...encodeLength(text.length), ...Buffer.from(text, "latin1")];
}

/** An integer with a prefix of seven bits. */
function encodeLength(length: number): number[] {
  if (length < 127) return [length];
  const bytes = [127];
  let left = length - 127;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  bytes.push(left);
  return bytes;
}
