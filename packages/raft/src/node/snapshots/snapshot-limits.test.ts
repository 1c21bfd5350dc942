import { describe, expect, it } from "vitest";
import { defaultLimits, describeBadLimits } from "../limits.ts";

describe("the limits of snapshots", () => {
  it("fit together by default", () => {
    expect(describeBadLimits(defaultLimits)).toBe(null);
  });

  it.each([
    [{ snapshotWindowBytes: 66_559 }, "snapshotWindowBytes", "it must be 66560 (one block) to"],
    [{ snapshotWindowBytes: 2 ** 31 }, "snapshotWindowBytes", "it must be 66560"],
    [
      { snapshotBytesPerSecond: 50_000 },
      "snapshotBytesPerSecond",
      "with 2 sends at once (snapshotSendsMax) a block takes up to 2663 ms, and receivers leave " +
        "after snapshotStallMs (5000): it must be twice as fast",
    ],
    [{ snapshotSendsMax: 2000 }, "snapshotBytesPerSecond", "with 2000 sends at once"],
    [{ snapshotSendsMax: 0 }, "snapshotSendsMax", "it must be above 0"],
    [{ snapshotRetryMs: 6000 }, "snapshotRetryMs", "it must be at most snapshotStallMs"],
    [{ snapshotIdleMs: 4000 }, "snapshotIdleMs", "it must be at least snapshotStallMs (5000)"],
    [{ snapshotOfferMs: 11_000 }, "snapshotOfferMs", "or one slow source ends a transfer"],
  ])("are refused with the reason: %j", (given, option, fact) => {
    const bad = describeBadLimits({ ...defaultLimits, ...given });
    expect(bad?.option).toBe(option);
    expect(bad?.fact).toContain(fact);
  });
});
