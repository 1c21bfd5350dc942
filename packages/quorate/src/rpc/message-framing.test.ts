import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frameMessage, MessageAssembler } from "./message-framing.ts";
import type { Status } from "./status.ts";

function assemble(chunks: readonly Uint8Array[], bytesMax = 1_000): Uint8Array | Status {
  const assembler = new MessageAssembler(bytesMax);
  for (const chunk of chunks) {
    const refusal = assembler.push(chunk);
    if (refusal !== null) return refusal;
  }
  return assembler.finish();
}

describe("a message", () => {
  it("comes back, however it was cut", () => {
    const message = fc.uint8Array({ maxLength: 300 });
    const cuts = fc.array(fc.nat({ max: 305 }), { maxLength: 8 });
    fc.assert(
      fc.property(message, cuts, (bytes, places) => {
        const framed = frameMessage(bytes);
        const ends = [...places.sort((a, b) => a - b), framed.length];
        const chunks = ends.map((end, i) => framed.subarray(ends[i - 1] ?? 0, end));
        expect(assemble(chunks)).toEqual(bytes);
      }),
    );
  });

  it("is a view if it came in one chunk", () => {
    const framed = frameMessage(Uint8Array.of(1, 2));
    const message = assemble([framed]);
    expect(message instanceof Uint8Array && message.buffer).toBe(framed.buffer);
  });
});

describe("refused", () => {
  it.each([
    ["nothing", [], /no message/],
    ["half a prefix", [0, 0, 0], /unexpected EOF/],
    ["half a message", [0, 0, 0, 0, 3, 1], /unexpected EOF/],
    ["a second message", [0, 0, 0, 0, 1, 9, 0], /more than one message/],
    ["a compressed message", [1, 0, 0, 0, 0], /compressed flag set with identity/],
    ["an unknown flag", [2, 0, 0, 0, 0], /unexpected payload format 2/],
    ["a long message", [0, 0, 0, 3, 233], /larger than max \(1001 vs. 1000\)/],
    ["a huge length", [0, 255, 255, 255, 255], /larger than max \(4294967295 vs. 1000\)/],
  ])("%s", (_, bytes, text) => {
    expect(assemble([Uint8Array.from(bytes)])).toMatchObject({
      message: expect.stringMatching(text),
    });
    const single = bytes.map((byte) => Uint8Array.of(byte));
    expect(assemble(single)).toMatchObject({ message: expect.stringMatching(text) });
  });
});

describe("a message in pieces", () => {
  it("is the same in any pieces", () => {
    const sizes = fc.array(fc.nat(5_000), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.nat(60_000), sizes, (length, pieces) => {
        const message = Buffer.alloc(length, "abcdefg");
        const bytes = Buffer.from(frameMessage(message));
        const assembler = new MessageAssembler(100_000);
        let at = 0;
        for (let i = 0; at < bytes.length; i++) {
          const size = (pieces[i % pieces.length] ?? 0) + 1;
          expect(assembler.push(bytes.subarray(at, at + size))).toBeNull();
          at += size;
        }
        const result = assembler.finish();
        expect(result instanceof Uint8Array && Buffer.compare(result, message)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
