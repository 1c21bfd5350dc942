import { describe, expect, it } from "vitest";
import { crc32, FormatError, nodeId } from "../base/index.ts";
import { createMessageBytes } from "./message-bytes.ts";
import type { ForwardRequest, PeerMessage } from "./peer-message.ts";

const [a, b] = [nodeId("a"), nodeId("b")];
const message: PeerMessage = {
  ...{ kind: "forward", from: a, to: b, id: 5 },
  commands: [new Uint8Array([1, 2, 3]), new Uint8Array(70_000)],
};

describe("message bytes", () => {
  it("come back as the same message, and stay when the next is encoded", () => {
    const codec = createMessageBytes(crc32);
    const bytes = codec.encode(message);
    const checksum = crc32(bytes);
    codec.encode({ ...message, id: 6 });
    expect(crc32(bytes)).toBe(checksum);
    const { commands, ...rest } = codec.decode(bytes, a, b) as ForwardRequest; // it was one
    expect(rest).toEqual({ kind: "forward", from: a, to: b, id: 5 });
    expect(commands.map((command) => command.length)).toEqual([3, 70_000]);
    expect(commands[0]).toEqual(new Uint8Array([1, 2, 3]));
  });

  it("are refused when a bit is wrong, when there are less, and when there are more", () => {
    const codec = createMessageBytes(crc32);
    const bytes = codec.encode({ ...message, commands: [] });
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const wrong = bytes.slice();
      wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => codec.decode(wrong, a, b)).toThrow(FormatError);
    }
    expect(() => codec.decode(bytes.subarray(0, 20), a, b)).toThrow("less than a frame");
    const twice = new Uint8Array([...bytes, ...bytes]);
    expect(() => codec.decode(twice, a, b)).toThrow("more than one frame");
  });
});
