/**
 * CRC-32 (IEEE 802.3, the polynomial of zlib and Ethernet) in plain TypeScript, eight bytes a step.
 * The host may pass a native one of the same polynomial through the ports; this one is the
 * reference and serves browsers.
 */

/** Computes or continues a CRC-32: `crc32(b, crc32(a))` equals the checksum of `a` then `b`. */
export type Crc32 = (bytes: Uint8Array, previous?: number) => number;

const tables = makeTables();

function makeTables(): readonly Uint32Array[] {
  const result: Uint32Array[] = [];
  for (let slice = 0; slice < 8; slice++) result.push(new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    at(result, 0)[byte] = value >>> 0;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let slice = 1; slice < 8; slice++) {
      const before = at(result, slice - 1)[byte] ?? 0;
      at(result, slice)[byte] = ((before >>> 8) ^ (at(result, 0)[before & 0xff] ?? 0)) >>> 0;
    }
  }
  return result;
}

function at(list: readonly Uint32Array[], index: number): Uint32Array {
  return list[index] as Uint32Array; // made above, always eight of them
}

const [t0, t1, t2, t3, t4, t5, t6, t7] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => at(tables, i)) as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
]; // eight tables, from a list of eight

/** The checksum of `bytes`, an unsigned 32-bit number; `previous` continues an earlier one. */
export function crc32(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  let i = 0;
  const wide = bytes.length - 7;
  for (; i < wide; i += 8) {
    const low =
      crc ^
      (byteAt(bytes, i) |
        (byteAt(bytes, i + 1) << 8) |
        (byteAt(bytes, i + 2) << 16) |
        (byteAt(bytes, i + 3) << 24));
    crc =
      entry(t7, low & 0xff) ^
      entry(t6, (low >>> 8) & 0xff) ^
      entry(t5, (low >>> 16) & 0xff) ^
      entry(t4, low >>> 24) ^
      entry(t3, byteAt(bytes, i + 4)) ^
      entry(t2, byteAt(bytes, i + 5)) ^
      entry(t1, byteAt(bytes, i + 6)) ^
      entry(t0, byteAt(bytes, i + 7));
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ entry(t0, (crc ^ byteAt(bytes, i)) & 0xff);
  return ~crc >>> 0;
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number; // the callers stay inside the array
}

function entry(table: Uint32Array, index: number): number {
  return table[index] as number; // index is masked to 0..255
}
