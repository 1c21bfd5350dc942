import { describe, expect, it } from "vitest";
import { defaultSettings, describeBadSettings, type Settings } from "./index.ts";

const bad: readonly (readonly [Partial<Settings>, RegExp])[] = [
  [{ heartbeatTicks: 0 }, /heartbeatTicks is 0; it must be 1 or more/],
  [{ electionTicks: 1.5 }, /electionTicks is 1.5/],
  [{ inflightMessagesMax: Number.NaN }, /inflightMessagesMax is NaN/],
  [{ uncommittedBytesMax: Number.POSITIVE_INFINITY }, /uncommittedBytesMax is Infinity/],
  [{ applyBytesMax: -1 }, /applyBytesMax is -1/],
  [{ heartbeatTicks: 60 }, /at least twice heartbeatTicks \(60\)/],
  [{ appendBytesMax: 100, inflightBytesMax: 99 }, /inflightBytesMax is 99.*\(100\)/],
];

describe("describeBadSettings", () => {
  it("finds nothing wrong with the defaults", () => {
    expect(describeBadSettings(defaultSettings)).toBeNull();
  });

  it.each(bad)("%j", (change, message) => {
    expect(describeBadSettings({ ...defaultSettings, ...change })).toMatch(message);
  });
});
