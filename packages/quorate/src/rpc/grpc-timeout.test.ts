import fc from "fast-check";
import { expect, it } from "vitest";
import { formatGrpcTimeout, parseGrpcTimeout } from "./grpc-timeout.ts";

it.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["5S", 5_000],
  ["100m", 100],
  ["4999843u", 4_999.843],
  ["99999999n", 99.999999],
  ["0m", 0],
])("%s is %d ms", (header, milliseconds) => {
  expect(parseGrpcTimeout(header)).toBeCloseTo(milliseconds, 6);
});

it.each(["", "5", "S", "5s", "-5S", "1.5S", "123456789S", "5S ", "5SS"])(
  "%j is not well-formed",
  (header) => {
    expect(parseGrpcTimeout(header)).toBeNull();
  },
);

it("what is written is read, never shorter", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e14, noNaN: true }), (milliseconds) => {
      const read = parseGrpcTimeout(formatGrpcTimeout(milliseconds)) ?? -1;
      expect(read).toBeGreaterThanOrEqual(milliseconds);
    }),
  );
});
