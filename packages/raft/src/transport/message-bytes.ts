/**
 * Single messages as bytes and back, with the frames and checksums of the connections: for whoever
 * carries messages by other means. The connections themselves do not pass here.
 */
import { assert, type Crc32, FormatError, type NodeId } from "../base/index.ts";
import { FrameParser } from "./codec/frame-parser.ts";
import { FrameWriter } from "./codec/frame-writer.ts";
import { decodeMessage, encodeMessage } from "./codec/message-codec.ts";
import { defaultTransportLimits } from "./limits.ts";
import type { PeerMessage } from "./peer-message.ts";

export interface MessageBytes {
  /** The frame of `message`, in memory of its own. `from` and `to` are not in it. */
  encode(message: PeerMessage): Uint8Array;
  /**
   * Data in the message are views of `bytes`.
   *
   * @throws FormatError unless `bytes` are exactly one sound frame of a known kind
   */
  decode(bytes: Uint8Array, from: NodeId, to: NodeId): PeerMessage;
}

/** Both ways; frames are as large as the default limits allow. */
export function createMessageBytes(crc32: Crc32): MessageBytes {
  const { blockBytes, frameBytesMax } = defaultTransportLimits;
  const writer = new FrameWriter(crc32, blockBytes);
  return {
    encode(message) {
      encodeMessage(writer, message);
      const [frame, ...more] = writer.take();
      assert(frame !== undefined && more.length === 0, "one message is one chunk");
      const bytes = frame.slice();
      writer.recycle();
      return bytes;
    },
    decode(bytes, from, to) {
      const parser = new FrameParser(crc32, frameBytesMax);
      parser.push(bytes);
      const frame = parser.next();
      if (frame === null) throw new FormatError(`${bytes.length} bytes are less than a frame`);
      const message = decodeMessage(frame, { from, to });
      if (parser.next() !== null) throw new FormatError("more than one frame");
      return message;
    },
  };
}
