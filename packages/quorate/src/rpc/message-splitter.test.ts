import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frameMessage } from "./message-framing.ts";
import { MessageSplitter } from "./message-splitter.ts";

describe("a stream of messages", () => {
  it("gives the messages that were framed, however it is cut", () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 });
    fc.assert(
      fc.property(messages, fc.array(fc.nat({ max: 7 })), (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(frameMessage));
        const splitter = new MessageSplitter(20);
        const got: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const end = at + 1 + (cuts[turn % Math.max(1, cuts.length)] ?? 3);
          const found = splitter.push(bytes.subarray(at, end));
          if ("fact" in found) throw new Error(found.fact);
          got.push(...found);
          at = end;
        }
        expect(got.map((each) => [...each])).toEqual(sent.map((each) => [...each]));
        expect(splitter.isBetween).toBe(true);
      }),
    );
  });

  it("says what cannot be, and where it must not end", () => {
    const splitter = new MessageSplitter(20);
    expect(splitter.push(frameMessage(new Uint8Array(21)))).toEqual({
      fact: "a message of 21 bytes; 20 are the most",
    });
    expect(new MessageSplitter(20).push(Uint8Array.of(1, 0, 0, 0, 0))).toEqual({
      fact: "a message with the flag 1",
    });
    const cut = new MessageSplitter(20);
    expect(cut.push(frameMessage(new Uint8Array(9)).subarray(0, 8))).toEqual([]);
    expect(cut.isBetween).toBe(false);
  });
});
