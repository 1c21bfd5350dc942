/**
 * The one error of this room. Codecs throw it for bytes or values that they refuse; the RPC room
 * turns it into a status, the command line into a sentence.
 */

/**
 * What was wrong.
 *
 * - `malformed`: the bytes are no protobuf, or not of this message (truncated, wrong wire type, bad
 *   UTF-8).
 * - `unknown-enum-value`: a well-formed number that this version gives no meaning to.
 * - `out-of-range`: an integer that its field cannot carry exactly (see `docs/decisions/0030`).
 * - `too-deep`: more nested messages than `messageDepthMax`.
 */
export type ProtoErrorReason = "malformed" | "unknown-enum-value" | "out-of-range" | "too-deep";

/**
 * Thrown by every `encode*` and `decode*`; the message names the root message, the place and the
 * value.
 */
export class ProtoError extends Error {
  override readonly name: string = "ProtoError";
  readonly reason: ProtoErrorReason;
  /** How a server answers that: Internal for what is malformed, else InvalidArgument. */
  readonly badRequest: "malformed" | "unsupported";

  constructor(reason: ProtoErrorReason, message: string) {
    super(message);
    this.reason = reason;
    this.badRequest = reason === "malformed" ? "malformed" : "unsupported";
  }
}
