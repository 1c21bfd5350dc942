import { describe, expect, it } from "vitest";
import { type CommittedCommand, type RevisionVerdict, revisionRules } from "./check-by-revision.ts";
import { createHistoryRecorder, type HistoryRecorder } from "./history.ts";
import {
  type KeyValueInput,
  type KeyValueResult,
  keyValueModel,
} from "./models/key-value-model.ts";
import { judgeByRevision } from "./testing/judge.ts";

type Recorder = HistoryRecorder<KeyValueInput, KeyValueResult>;

const get: KeyValueInput = { kind: "get", key: "k" };

function put(value: string): KeyValueInput {
  return { kind: "put", key: "k", value };
}

/** Records what `script` tells, against a log of these puts at 1, 2, 3 … */
function judge(log: readonly string[], script: (recorder: Recorder) => void): RevisionVerdict {
  const recorder = createHistoryRecorder<KeyValueInput, KeyValueResult>();
  script(recorder);
  const committed = log.map((value, place): CommittedCommand<KeyValueInput> => {
    return { index: place + 1, command: put(value) };
  });
  return judgeByRevision(recorder.history, committed, keyValueModel);
}

function write(recorder: Recorder, value: string, result: KeyValueResult, revision: number): void {
  recorder.ok(recorder.call(1, "write", put(value), 0), result, revision, 0);
}

function read(recorder: Recorder, result: KeyValueResult, revision: number, isStale = false): void {
  const kind = isStale ? "stale-read" : "read";
  recorder.ok(recorder.call(2, kind, get, 0), result, revision, 0);
}

describe("checkByRevision", () => {
  it("accepts what is right, and counts what it evaluated", () => {
    const verdict = judge(["a", "b", "c"], (recorder) => {
      write(recorder, "a", null, 1);
      recorder.fail(recorder.call(3, "write", put("f"), 0), "refused", 0);
      recorder.info(recorder.call(3, "write", put("b"), 0), "lost", 0);
      recorder.info(recorder.call(3, "write", put("never"), 0), "lost", 0);
      recorder.info(recorder.call(3, "read", get, 0), "lost", 0);
      read(recorder, "b", 2);
      write(recorder, "c", "b", 3);
      read(recorder, "a", 1, true);
      read(recorder, "c", 9);
    });
    expect(verdict).toEqual({
      kind: "ok",
      evaluations: {
        lost: 4,
        duplicate: 3,
        phantom: 3,
        "failed-applied": 1,
        "real-time": 5,
        result: 5,
      },
      unknownApplied: 1,
      unknownAbsent: 1,
    });
  });

  const wrong: readonly [string, readonly string[], (recorder: Recorder) => void][] = [
    [
      'X2 lost: operation 0 (client 1, put k "a"): nothing was committed at 1',
      [],
      (recorder) => write(recorder, "a", null, 1),
    ],
    [
      'X2 lost: operation 0 (client 1, put k "a"): at 1 stands put k "b" instead',
      ["b"],
      (recorder) => write(recorder, "a", null, 1),
    ],
    [
      'X2 lost: operation 1 (client 1, put k "b"): two writes were told that they are at 1',
      ["a"],
      (recorder) => {
        write(recorder, "a", null, 1);
        write(recorder, "b", null, 1);
      },
    ],
    [
      'X2 duplicate: operation 0 (client 1, put k "a"): put k "a" stands at 2 once more than it ' +
        "can",
      ["a", "a"],
      (recorder) => write(recorder, "a", null, 1),
    ],
    [
      'X2 phantom: the log: put k "a" at 1 was called by no client',
      ["a"],
      (recorder) => read(recorder, null, 0),
    ],
    [
      'X2 failed-applied: operation 0 (client 1, put k "a"): put k "a" failed for its client and ' +
        "stands at 1",
      ["a"],
      (recorder) => recorder.fail(recorder.call(1, "write", put("a"), 0), "refused", 0),
    ],
    [
      "L3 real-time: operation 1 (client 2, get k): it is at 0, though operation 0 had " +
        "returned 1 before its call",
      ["a"],
      (recorder) => {
        write(recorder, "a", null, 1);
        read(recorder, null, 0);
      },
    ],
    [
      'L3 real-time: operation 1 (client 1, put k "a"): it is at 1, though operation 0 had ' +
        "returned 1 before its call",
      ["a"],
      (recorder) => {
        read(recorder, "a", 1, true);
        write(recorder, "a", null, 1);
      },
    ],
    [
      'L3 result: operation 1 (client 2, get k): it was answered null at 1, not "a"',
      ["a"],
      (recorder) => {
        write(recorder, "a", null, 1);
        read(recorder, null, 1);
      },
    ],
  ];

  it.each(wrong)("finds %s", (message, log, script) => {
    const verdict = judge(log, script);
    expect(verdict).toMatchObject({ kind: "violation", message });
  });

  it("has a rule for each of the above", () => {
    const rules = wrong.map(([message]) => message.split(/[ :]/)[1] ?? "");
    expect(new Set(rules)).toEqual(new Set(revisionRules));
  });

  it("gives equal commands of unknown outcome each a place of its own", () => {
    const script = (recorder: Recorder): void => {
      recorder.info(recorder.call(3, "write", put("a"), 0), "lost", 0);
      recorder.info(recorder.call(3, "write", put("a"), 0), "lost", 0);
    };
    expect(judge(["a", "a"], script)).toMatchObject({ kind: "ok", unknownApplied: 2 });
    expect(judge(["a", "a", "a"], script)).toMatchObject({ rule: "duplicate" });
  });

  it("lets a read be older than a stale read, but not than what had returned", () => {
    const verdict = judge(["a", "b"], (recorder) => {
      write(recorder, "a", null, 1);
      const pending = recorder.call(1, "write", put("b"), 0);
      read(recorder, "b", 2, true);
      read(recorder, "a", 1);
      recorder.ok(pending, "a", 2, 0);
    });
    expect(verdict.kind).toBe("ok");
  });

  it("refuses an ok operation without a revision, and two commands at one index", () => {
    const script = (recorder: Recorder): void => {
      recorder.ok(recorder.call(1, "write", put("a"), 0), null, null, 0);
    };
    expect(() => judge(["a"], script)).toThrow("has a revision");
    const twice = [1, 1].map((index) => ({ index, command: put("a") }));
    const recorder = createHistoryRecorder<KeyValueInput, KeyValueResult>();
    for (const _ of twice) recorder.call(1, "write", put("a"), 0);
    const check = (): unknown => judgeByRevision(recorder.history, twice, keyValueModel);
    expect(check).toThrow("an index of its own");
  });
});
