/** What a leader believes of a peer: windows, and what counts as lost. */
import { describe, expect, it } from "vitest";
import { type LogIndex, logIndex } from "../base/index.ts";
import { defaultSettings } from "./index.ts";
import {
  advanceMatched,
  becomeProbe,
  becomeReplicate,
  createProgress,
  hasLost,
  mayReplicate,
  type Progress,
  recordInflight,
} from "./progress.ts";

const settings = { ...defaultSettings, inflightMessagesMax: 3, inflightBytesMax: 100 };

/** Replicating from index 2, with one message for each `last`. */
function replicating(lasts: readonly number[], bytes = 10): Progress {
  const progress = createProgress(logIndex(2), 0);
  advanceMatched(progress, logIndex(1), 1);
  becomeReplicate(progress, logIndex(1), 1);
  for (const [i, last] of lasts.entries()) {
    recordInflight(progress, { sequence: 2 + i, last: logIndex(last), bytes });
    progress.next = (last + 1) as LogIndex; // index plus one
  }
  return progress;
}

describe("progress", () => {
  it("closes the window by messages and by bytes, and lets one message of any size through", () => {
    expect(mayReplicate(replicating([2, 3]), settings)).toBe(true);
    expect(mayReplicate(replicating([2, 3, 4]), settings)).toBe(false);
    expect(mayReplicate(replicating([2, 3], 50), settings)).toBe(false);
    expect(mayReplicate(replicating([2], 99), settings)).toBe(true);
    expect(mayReplicate(replicating([]), { ...settings, inflightBytesMax: 1 })).toBe(true);
  });

  it("an acknowledgement frees every message that it covers, wholly", () => {
    const progress = replicating([2, 4, 6]);
    expect(advanceMatched(progress, logIndex(5), 9)).toBe(true);
    expect(progress).toMatchObject({ matched: 5, inflightBytes: 10, inflight: [{ last: 6 }] });
    expect(advanceMatched(progress, logIndex(5), 10)).toBe(false);
    expect(advanceMatched(progress, logIndex(3), 11)).toBe(false);
    expect(progress.matched).toBe(5);
    expect(advanceMatched(progress, logIndex(9), 12)).toBe(true);
    expect(progress).toMatchObject({ next: 10, inflight: [], inflightBytes: 0 });
  });

  it("a message is lost when a later one was seen and its entries were not", () => {
    const progress = replicating([2, 4, 6]); // sequences 2, 3, 4
    expect(hasLost(progress, 2, logIndex(2))).toBe(false);
    expect(hasLost(progress, 3, logIndex(2))).toBe(true);
    expect(hasLost(progress, 4, logIndex(4))).toBe(true);
    expect(hasLost(progress, 4, logIndex(6))).toBe(false);
    expect(hasLost(progress, 1, logIndex(1))).toBe(false);
  });

  it("what is verified and not on the peer's disk stays in flight", () => {
    const progress = createProgress(logIndex(5), 0);
    becomeReplicate(progress, logIndex(8), 7);
    expect(progress).toMatchObject({ mode: "replicate", next: 9, inflight: [{ last: 8 }] });
    expect(hasLost(progress, 8, logIndex(4))).toBe(true);
    expect(hasLost(progress, 6, logIndex(4))).toBe(false); // an older answer tells nothing
    advanceMatched(progress, logIndex(8), 9);
    expect(progress).toMatchObject({ inflight: [], inflightBytes: 0 });
  });

  it("probing forgets what is in flight and never goes below what matched", () => {
    const progress = replicating([2, 4, 6]);
    becomeProbe(progress, logIndex(3));
    expect(progress).toMatchObject({ mode: "probe", next: 3, inflight: [], inflightBytes: 0 });
    expect(() => becomeProbe(progress, logIndex(1))).toThrow(/matched < next/);
    expect(() => becomeReplicate(progress, logIndex(0), 1)).toThrow(/was verified/);
  });
});
