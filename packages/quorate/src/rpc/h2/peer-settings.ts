import type { ConnectionFault } from "./faults.ts";
import {
  errorCodes,
  frameBytesMax,
  headerTableBytes,
  readUint31,
  windowBytesInitial,
  windowBytesMax,
} from "./protocol.ts";

/** What the client has said that it takes. */

/** Settings by their number in the frame. */
export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

const frameSizeMax = 2 ** 24 - 1;

export class PeerSettings {
  /** Bytes that may be sent on a new stream. */
  windowBytes: number = windowBytesInitial;
  /** Payload bytes of a frame. */
  frameBytes: number = frameBytesMax;
  /** The client wants a smaller table than HPACK begins with, and waits to hear that it has it. */
  wantsSmallTable = false;

  /** Takes the payload of a SETTINGS frame over; returns what is wrong with it. */
  apply(bytes: Uint8Array, start: number, end: number): ConnectionFault | null {
    if ((end - start) % 6 !== 0) {
      return { code: errorCodes.frameSizeError, text: "SETTINGS is no list of pairs" };
    }
    for (let at = start; at < end; at += 6) {
      const id = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      const isOverMax = (bytes[at + 2] ?? 0) >= 0x80;
      const value = readUint31(bytes, at + 2) + (isOverMax ? 2 ** 31 : 0);
      const fault = this.#set(id, value);
      if (fault !== null) return fault;
    }
    return null;
  }

  #set(id: number, value: number): ConnectionFault | null {
    if (id === settingIds.headerTableSize) {
      if (value < headerTableBytes) this.wantsSmallTable = true;
    } else if (id === settingIds.enablePush) {
      if (value > 1) return invalid("ENABLE_PUSH", value);
    } else if (id === settingIds.initialWindowSize) {
      if (value > windowBytesMax) {
        return { code: errorCodes.flowControlError, text: `a window of ${value} bytes` };
      }
      this.windowBytes = value;
    } else if (id === settingIds.maxFrameSize) {
      if (value < frameBytesMax || value > frameSizeMax) return invalid("MAX_FRAME_SIZE", value);
      this.frameBytes = value;
    }
    return null;
  }
}

function invalid(name: string, value: number): ConnectionFault {
  return { code: errorCodes.protocolError, text: `${name} is ${value}` };
}
