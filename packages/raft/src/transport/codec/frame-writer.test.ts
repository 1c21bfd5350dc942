import { describe, expect, it } from "vitest";
import { concatBytes, crc32 } from "../../base/index.ts";
import { FrameWriter } from "./frame-writer.ts";

function frame(writer: FrameWriter, byte: number, length: number): Uint8Array {
  writer.begin(length);
  writer.raw(new Uint8Array(length).fill(byte));
  writer.end(9);
  return concatBytes(writer.take());
}

describe("the memory of a frame writer", () => {
  it("is not written again before it is given back, and is then", () => {
    const writer = new FrameWriter(crc32, 64);
    writer.begin(4);
    writer.raw(Uint8Array.of(1, 1, 1, 1));
    writer.end(9);
    const first = writer.take();
    const before = concatBytes(first);
    frame(writer, 2, 4);
    expect(concatBytes(first)).toEqual(before);
    writer.recycle();
    frame(writer, 3, 4);
    expect(concatBytes(first)).not.toEqual(before);
  });

  it("keeps frames that were not taken when it is given back", () => {
    const writer = new FrameWriter(crc32, 64);
    const expected = frame(new FrameWriter(crc32, 64), 1, 4);
    writer.begin(4);
    writer.raw(Uint8Array.of(1, 1, 1, 1));
    writer.end(9);
    writer.recycle();
    expect(concatBytes(writer.take())).toEqual(expected);
  });

  it("writes the same bytes after a very large frame", () => {
    const writer = new FrameWriter(crc32, 64);
    const expected = frame(new FrameWriter(crc32, 64), 5, 10);
    frame(writer, 4, 3 * 1024 * 1024);
    writer.recycle();
    expect(frame(writer, 5, 10)).toEqual(expected);
  });
});
