import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HpackError } from "./hpack-error.ts";
import { decodeHuffman, huffmanCodeBits, huffmanCodes } from "./huffman.ts";

const decode = (bytes: Uint8Array): string => decodeHuffman(bytes, 0, bytes.length);

/** The other direction, bit by bit; the rest of the last byte is ones. */
function encode(bytes: Uint8Array): Uint8Array {
  let bits = "";
  for (const byte of bytes) {
    bits += (huffmanCodes[byte] ?? 0).toString(2).padStart(huffmanCodeBits[byte] ?? 0, "0");
  }
  const groups = bits.match(/.{1,8}/g) ?? [];
  return Uint8Array.from(groups, (group) => Number.parseInt(group.padEnd(8, "1"), 2));
}

describe("the Huffman code", () => {
  it("is complete: each string of bits means something", () => {
    const sum = huffmanCodeBits.reduce((total, bits) => total + 2 ** (30 - bits), 0);
    expect(sum).toBe(2 ** 30);
    expect(huffmanCodeBits).toHaveLength(257);
  });

  it.each([
    ["f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"],
    ["a8eb10649cbf", "no-cache"],
    ["25a849e95ba97d7f", "custom-key"],
    ["25a849e95bb8e8b4bf", "custom-value"],
    ["d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"],
    ["9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com"],
    ["640eff", "307"],
  ])("decodes %s of the standard", (hex, text) => {
    expect(decode(Buffer.from(hex, "hex"))).toBe(text);
  });

  it("gives back all bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        expect(Buffer.from(decode(encode(bytes)), "latin1")).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each([
    ["its own end", "ffffffff"],
    ["eight bits of padding", "1fff"],
    ["zeros as padding", "18"],
  ])("refuses %s", (_, hex) => {
    expect(() => decode(Buffer.from(hex, "hex"))).toThrow(HpackError);
  });

  it("decodes any bytes or refuses them; what it decodes is what they say", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(encode(Buffer.from(decode(bytes), "latin1"))).toEqual(Uint8Array.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(HpackError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
