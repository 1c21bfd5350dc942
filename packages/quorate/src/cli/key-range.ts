/**
 * Keys and ranges as the command line names them, as the wire wants them.
 * @etcd etcdctl/ctlv3/command
 */
import { usageError } from "./cli-error.ts";

export interface KeyRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

export interface KeyRangeFlags {
  readonly prefix?: boolean;
  readonly fromKey?: boolean;
}

const utf8 = new TextEncoder();
/** The least key, and as an end: beyond the last key. */
const zero = Uint8Array.of(0);
const nothing = new Uint8Array();

/** @throws CliError if the flags contradict each other */
export function createKeyRange(
  key: string,
  end: string | undefined,
  flags: KeyRangeFlags,
): KeyRange {
  const { prefix = false, fromKey = false } = flags;
  if (prefix && fromKey) throw usageError("--prefix and --from-key exclude each other");
  if (end !== undefined && (prefix || fromKey)) {
    const flag = prefix ? "--prefix" : "--from-key";
    throw usageError(`${flag} and RANGE_END (${JSON.stringify(end)}) exclude each other`);
  }
  const bytes = utf8.encode(key);
  const isAll = bytes.length === 0 && (prefix || fromKey);
  if (isAll) return { key: zero, rangeEnd: zero };
  if (prefix) return { key: bytes, rangeEnd: endOfPrefix(bytes) };
  if (fromKey) return { key: bytes, rangeEnd: zero };
  return { key: bytes, rangeEnd: end === undefined ? nothing : utf8.encode(end) };
}

/** The first key after all that begin with `prefix`. */
export function endOfPrefix(prefix: Uint8Array): Uint8Array {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const byte = prefix[at] ?? 0xff;
    if (byte === 0xff) continue;
    const end = prefix.slice(0, at + 1);
    end[at] = byte + 1;
    return end;
  }
  return zero;
}
