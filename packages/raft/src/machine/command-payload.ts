/**
 * The bytes of a typed command inside its envelope: `docs/formats.md` specifies them. Written by
 * the handle of a typed machine, read when applying.
 */
import { assert, FormatError } from "../base/index.ts";
import { UnknownVersionError } from "./machine-errors.ts";

/** Version of this format. */
export const payloadVersion = 1;

/** Machine versions are stored in two bytes. */
export const machineVersionMax = 65_535;

const headBytes = 13;

/** What is known of a typed command besides its name and argument. */
export interface PayloadHead {
  /** The version of the machine that brought the command: members below it cannot apply it. */
  readonly machineVersion: number;
  /** Wall time in milliseconds when it was proposed. */
  readonly nowMs: number;
}

/** `argument` is null for a command without one. */
export function encodePayload(
  head: PayloadHead,
  name: Uint8Array,
  argument: Uint8Array | null,
): Uint8Array {
  assert(name.length >= 1 && name.length <= 255, "a command's name is 1 to 255 bytes long");
  assert(isTime(head.nowMs), "wall time is a safe integer from 0", () => String(head.nowMs));
  const nameEnd = headBytes + name.length;
  const bytes = new Uint8Array(nameEnd + (argument?.length ?? 0));
  const view = new DataView(bytes.buffer);
  bytes[0] = payloadVersion;
  view.setUint16(1, head.machineVersion, true);
  view.setUint32(3, head.nowMs >>> 0, true);
  view.setUint32(7, Math.floor(head.nowMs / 0x1_0000_0000), true);
  bytes[11] = argument === null ? 0 : 1;
  bytes[12] = name.length;
  bytes.set(name, headBytes);
  if (argument !== null) bytes.set(argument, nameEnd);
  return bytes;
}

/**
 * A payload's parts, read where they lie. One is kept and refilled, so that reading allocates
 * little.
 */
export class PayloadReader implements PayloadHead {
  machineVersion = 0;
  nowMs = 0;
  hasArgument = false;
  readonly nameOffset: number = headBytes;
  nameLength = 0;

  /**
   * Reads everything but the argument, which fills the rest from `argumentOffset`.
   *
   * @throws UnknownVersionError for a later format
   * @throws FormatError for bytes that are no payload
   */
  read(bytes: Uint8Array, index: number): void {
    const version = byteAt(bytes, 0);
    if (version !== payloadVersion) {
      throw new UnknownVersionError("command payload", version, payloadVersion, index);
    }
    this.nameLength = byteAt(bytes, 12);
    if (this.nameLength === 0 || headBytes + this.nameLength > bytes.length) {
      throw new FormatError(`entry ${index}: a command's name does not fit into its payload`);
    }
    this.machineVersion = byteAt(bytes, 1) | (byteAt(bytes, 2) << 8);
    this.nowMs = u32At(bytes, 7) * 0x1_0000_0000 + u32At(bytes, 3);
    if (!isTime(this.nowMs)) throw new FormatError(`entry ${index}: its time is above 2^53 - 1`);
    const flag = byteAt(bytes, 11);
    if (flag > 1) throw new FormatError(`entry ${index}: unknown kind of argument ${flag}`);
    this.hasArgument = flag === 1;
    if (!this.hasArgument && bytes.length !== this.argumentOffset) {
      throw new FormatError(`entry ${index}: bytes behind a command without argument`);
    }
  }

  get argumentOffset(): number {
    return headBytes + this.nameLength;
  }
}

function isTime(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function byteAt(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new FormatError(`a command's payload ends at byte ${bytes.length}`);
  return byte;
}

function u32At(bytes: Uint8Array, offset: number): number {
  const low = byteAt(bytes, offset) | (byteAt(bytes, offset + 1) << 8);
  return (low | (byteAt(bytes, offset + 2) << 16) | (byteAt(bytes, offset + 3) << 24)) >>> 0;
}
