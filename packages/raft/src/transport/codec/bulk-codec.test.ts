import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, crc32, FormatError, logIndex, term } from "../../base/index.ts";
import { type BulkMessage, bulkDataBytesMax } from "../bulk-message.ts";
import { bulkFrameBytesMax, decodeBulk, encodeBulk } from "./bulk-codec.ts";
import { FrameParser } from "./frame-parser.ts";

const snapshot = {
  position: { index: logIndex(44), term: term(6) },
  bytes: 2 ** 53 - 1,
  hash: "fedcba9876543210",
};

const anyBulk: fc.Arbitrary<BulkMessage> = fc.oneof(
  fc.constant<BulkMessage>({ kind: "snapshot-open", snapshot }),
  fc.record({
    kind: fc.constant("snapshot-read" as const),
    offset: fc.maxSafeNat(),
    length: fc.integer({ min: 1, max: bulkDataBytesMax }),
  }),
  fc.record({
    kind: fc.constant("snapshot-block" as const),
    offset: fc.maxSafeNat(),
    data: fc.uint8Array({ minLength: 1, maxLength: 500 }),
  }),
  fc.record({
    kind: fc.constant("snapshot-refused" as const),
    why: fc.constantFrom(
      "busy" as const,
      "unknown" as const,
      "damaged" as const,
      "failed" as const,
    ),
    retryMs: fc.nat(2 ** 31 - 1),
  }),
);

const encode = (message: BulkMessage) => concatBytes(encodeBulk(message, crc32));

function decodeAll(chunks: readonly Uint8Array[], frameBytesMax = bulkFrameBytesMax) {
  const parser = new FrameParser(crc32, frameBytesMax);
  const messages: BulkMessage[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let frame = parser.next(); frame !== null; frame = parser.next()) {
      messages.push(decodeBulk(frame));
    }
  }
  return messages;
}

describe("bulk codec", () => {
  it("gives back every message, whatever pieces its bytes come in", () => {
    fc.assert(
      fc.property(
        fc.array(anyBulk, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 }),
        (messages, sizes) => {
          const bytes = concatBytes(messages.map(encode));
          const chunks: Uint8Array[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length] ?? 1;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(decodeAll(chunks)).toEqual(messages);
        },
      ),
    );
  });

  it("does not copy the data of a block, in either direction", () => {
    const data = new Uint8Array(bulkDataBytesMax).fill(7);
    const chunks = encodeBulk({ kind: "snapshot-block", offset: 5, data }, crc32);
    expect(chunks[1]).toBe(data);
    const bytes = concatBytes(chunks);
    expect(bytes.length).toBe(bulkFrameBytesMax);
    const [message] = decodeAll([bytes]);
    expect(message?.kind === "snapshot-block" ? message.data.buffer : null).toBe(bytes.buffer);
  });

  it("reports each flipped bit of a frame, or waits for more bytes", () => {
    const bytes = encode({ kind: "snapshot-block", offset: 9, data: Uint8Array.of(1, 2, 3) });
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeAll([damaged])).toThrow(FormatError);
    }
  });

  it("answers random payloads of each kind with a message or a FormatError", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 70 }),
        fc.uint8Array({ maxLength: 60 }),
        (kind, payload) => {
          try {
            decodeBulk({ kind, payload });
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  const u64 = (value: number) => [value & 0xff, (value >> 8) & 0xff, 0, 0, 0, 0, 0, 0];
  const table: readonly [what: string, kind: number, payload: readonly number[], error: string][] =
    [
      ["a message of the other connections", 18, [], "a frame of kind 18 on a connection for bulk"],
      ["an alive frame", 4, [], "a frame of kind 4 on a connection for bulk"],
      ["too many bytes", 65, [...u64(1), 1, 0, 0, 0, 7], "1 bytes after a snapshot-read"],
      ["a read of nothing", 65, [...u64(1), 0, 0, 0, 0], "0 bytes asked for at once"],
      ["a read of too much", 65, [...u64(1), 1, 128, 1, 0], "98305 bytes asked for at once"],
      ["an empty block", 66, u64(1), "a block of 0 bytes"],
      ["an unknown refusal", 67, [5, 0, 0, 0, 0], "unknown code 5"],
      ["a snapshot of nothing", 64, [...u64(0), ...u64(0), ...u64(9), ...u64(0)], "at index 0"],
    ];
  it.each(table)("refuses %s", (_what, kind, payload, error) => {
    const frame = { kind, payload: Uint8Array.from(payload) };
    expect(() => decodeBulk(frame)).toThrow(FormatError);
    expect(() => decodeBulk(frame)).toThrow(error);
  });
});
