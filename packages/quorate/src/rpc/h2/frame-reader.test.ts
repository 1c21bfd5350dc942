import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { http2Frame, prefaceText } from "../../../test/rpc/echo-server.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";

/** Writes down what it is told; stops at a frame of type 99. */
function record(): { readonly seen: string[]; readonly sink: FrameSink } {
  const seen: string[] = [];
  const sink: FrameSink = {
    onFrame: (type, flags, stream, bytes, start, end) => {
      seen.push(`${type} ${flags} ${stream} ${bytes.toString("hex", start, end)}`);
      return type !== 99;
    },
    onFrameTooLong: (length) => seen.push(`too long: ${length}`),
    onWrongPreface: () => seen.push("wrong preface"),
  };
  return { seen, sink };
}

const frames = fc.array(
  fc.record({
    type: fc.nat(98),
    flags: fc.nat(255),
    stream: fc.nat(2 ** 31 - 1),
    payload: fc.uint8Array({ maxLength: 400 }),
  }),
  { maxLength: 20 },
);

describe("frames", () => {
  it("are the same however the bytes are cut", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(2_000)), (list, cuts) => {
        const { seen, sink } = record();
        const reader = new FrameReader(sink);
        const encoded = list.map((f) => http2Frame(f.type, f.flags, f.stream, f.payload));
        const bytes = Buffer.concat([Buffer.from(prefaceText), ...encoded]);
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        places.forEach((from, i) => {
          reader.push(Buffer.from(bytes.subarray(from, places[i + 1] ?? bytes.length)));
        });
        expect(seen).toEqual(
          list.map(
            (f) => `${f.type} ${f.flags} ${f.stream} ${Buffer.from(f.payload).toString("hex")}`,
          ),
        );
      }),
    );
  });

  it.each([
    ["whole", 1_000],
    ["byte by byte", 1],
  ])("stop when the sink wants no more, or one is too long: %s", (_, pieceBytes) => {
    const ping = http2Frame(6, 0, 0, new Uint8Array(2));
    const push = (bytes: Buffer): string[] => {
      const { seen, sink } = record();
      const reader = new FrameReader(sink);
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        reader.push(Buffer.from(bytes.subarray(at, at + pieceBytes)));
        // The connection drops what comes after the end.
        if (seen.some((text) => text.startsWith("99") || /too long|preface/.test(text))) break;
      }
      return seen;
    };
    const preface = Buffer.from(prefaceText);
    const stop = http2Frame(99, 0, 1, new Uint8Array(0));
    expect(push(Buffer.concat([preface, ping, stop, ping]))).toEqual(["6 0 0 0000", "99 0 1 "]);
    const long = http2Frame(0, 0, 1, new Uint8Array(0), 16_385);
    expect(push(Buffer.concat([preface, ping, long, ping]))).toEqual([
      "6 0 0 0000",
      "too long: 16385",
    ]);
    expect(push(Buffer.concat([Buffer.from(prefaceText.toLowerCase()), ping]))).toEqual([
      "wrong preface",
    ]);
  });
});
