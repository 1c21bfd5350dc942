import { describe, expect, it } from "vitest";
import { checkLinearizable } from "./check-linearizable.ts";
import { createHistoryRecorder, type HistoryRecorder } from "./history.ts";
import { type CounterInput, counterModel } from "./models/counter-model.ts";
import {
  type KeyValueInput,
  type KeyValueResult,
  keyValueModel,
  unseen,
} from "./models/key-value-model.ts";

type Recorder = HistoryRecorder<KeyValueInput, KeyValueResult>;

function get(key: string): KeyValueInput {
  return { kind: "get", key };
}

function put(key: string, value: string): KeyValueInput {
  return { kind: "put", key, value };
}

function record(script: (recorder: Recorder) => void): Recorder["history"] {
  const recorder = createHistoryRecorder<KeyValueInput, KeyValueResult>();
  script(recorder);
  return recorder.history;
}

describe("checkLinearizable", () => {
  it("finds an order of what overlaps, and gives it", () => {
    const history = record((recorder) => {
      const a = recorder.call(1, "write", put("k", "a"), 0);
      const b = recorder.call(2, "write", put("k", "b"), 0);
      const reader = recorder.call(3, "read", get("k"), 0);
      recorder.ok(reader, "b", null, 0);
      recorder.ok(a, "b", null, 0);
      recorder.ok(b, null, null, 0);
    });
    expect(checkLinearizable(history, keyValueModel)).toMatchObject({
      kind: "linearizable",
      orders: [[1, 2, 0]],
    });
  });

  it("says how far one gets with what is not", () => {
    const history = record((recorder) => {
      recorder.ok(recorder.call(1, "write", put("other", "a"), 0), null, null, 0);
      recorder.ok(recorder.call(1, "write", put("k", "a"), 0), null, null, 0);
      recorder.ok(recorder.call(2, "read", get("k"), 0), null, null, 0);
    });
    expect(checkLinearizable(history, keyValueModel)).toMatchObject({
      kind: "not-linearizable",
      message:
        "partition k: after 1 of 2 operations nothing under way fits the state after " +
        'operation 1: 2 (client 2, get k) was answered null, not "a"',
      order: [1],
      stuck: [2],
    });
  });

  it("lets an unknown write come late or never, but not before its call, and once", () => {
    const readsAfterUnknown = (...results: readonly KeyValueResult[]): string => {
      const history = record((recorder) => {
        recorder.info(recorder.call(1, "write", put("k", "u"), 0), "lost", 0);
        for (const result of results) {
          recorder.ok(recorder.call(2, "read", get("k"), 0), result, null, 0);
          recorder.ok(recorder.call(2, "write", put("k", "a"), 0), unseen, null, 0);
        }
      });
      return checkLinearizable(history, keyValueModel).kind;
    };
    expect(readsAfterUnknown(null, "a", "a")).toBe("linearizable");
    expect(readsAfterUnknown("u", "a")).toBe("linearizable");
    expect(readsAfterUnknown(null, "a", "u", "a")).toBe("linearizable");
    expect(readsAfterUnknown("u", "u")).toBe("not-linearizable");
    const early = record((recorder) => {
      recorder.ok(recorder.call(2, "read", get("k"), 0), "u", null, 0);
      recorder.info(recorder.call(1, "write", put("k", "u"), 0), "lost", 0);
    });
    expect(checkLinearizable(early, keyValueModel).kind).toBe("not-linearizable");
  });

  it("leaves out stale reads, and what failed", () => {
    const history = record((recorder) => {
      recorder.ok(recorder.call(1, "write", put("k", "a"), 0), null, null, 0);
      recorder.ok(recorder.call(2, "stale-read", get("k"), 0), null, null, 0);
      recorder.fail(recorder.call(1, "write", put("k", "b"), 0), "refused", 0);
      recorder.ok(recorder.call(2, "read", get("k"), 0), "a", null, 0);
    });
    expect(checkLinearizable(history, keyValueModel)).toMatchObject({ orders: [[0, 3]] });
  });

  it("gives up at its limits, and says that it does not know", () => {
    const recorder = createHistoryRecorder<CounterInput, number>();
    for (let client = 0; client < 30; client++) {
      recorder.call(client, "write", { kind: "add", amount: 2 ** client }, 0);
    }
    recorder.ok(recorder.call(30, "read", { kind: "read" }, 0), 0.5, null, 0);
    expect(checkLinearizable(recorder.history, counterModel, { stepsMax: 5_000 })).toMatchObject({
      kind: "unknown",
      message: "after 1 of 31 operations: gave up: 5000 steps",
    });
    const limits = { memoryWordsMax: 1_000 };
    expect(checkLinearizable(recorder.history, counterModel, limits)).toMatchObject({
      kind: "unknown",
      message: "after 1 of 31 operations: gave up: memory is full",
    });
  });
});
