import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../base/index.ts";
import type { SessionCommand } from "./session-envelope.ts";
import { SessionTable, sessionLimits } from "./session-table.ts";

const bytes = (size: number, value = 7) => new Uint8Array(size).fill(value);

function command(session: number, sequence: number, floor = 1): SessionCommand {
  return { kind: "command", session, sequence, floor, command: new Uint8Array(0) };
}

/** Admits a command, and applies it at `index` if it is to be applied. */
function run(table: SessionTable, one: SessionCommand, index: number, reply = bytes(1)): string {
  const { kind } = table.admit(one);
  if (kind === "fresh") table.keep(one, index, reply);
  return kind;
}

/** How long the reply to a duplicate is; null if it was not kept. */
function lengthKept(table: SessionTable, one: SessionCommand): number | null {
  const admission = table.admit(one);
  if (admission.kind !== "duplicate") throw new Error(`it is ${admission.kind}`);
  return admission.reply?.length ?? null;
}

function withSession(ttlMs = 1000): SessionTable {
  const table = new SessionTable();
  expect(table.open(5, ttlMs)).toEqual({ kind: "opened", session: 5 });
  return table;
}

describe("a session's commands", () => {
  it("@thesis §6.3: each sequence is applied once, and its reply remembered", () => {
    const table = withSession();
    expect(run(table, command(5, 1), 6, bytes(3))).toBe("fresh");
    expect(table.admit(command(5, 1))).toEqual({ kind: "duplicate", reply: bytes(3) });
    expect(run(table, command(5, 3), 8)).toBe("fresh"); // several under way, in any order
    expect(run(table, command(5, 2), 9)).toBe("fresh");
    expect(run(table, command(5, 2), 10)).toBe("duplicate");
  });

  it("@thesis §6.3: what is answered is discarded, and never applied again", () => {
    const table = withSession();
    const empty = table.encode().length;
    for (const sequence of [1, 2, 3]) run(table, command(5, sequence), 5 + sequence, bytes(100));
    expect(run(table, command(5, 4, 3), 9, bytes(0))).toBe("fresh");
    expect(run(table, command(5, 1), 10)).toBe("forgotten");
    expect(run(table, command(5, 2), 11)).toBe("forgotten");
    expect(run(table, command(5, 3), 12)).toBe("duplicate");
    expect(table.keepAlive(5, 5)).toEqual({ kind: "alive" });
    expect(table.encode().length).toBe(empty);
    expect(run(table, command(5, 4), 13)).toBe("forgotten");
  });

  it("@thesis §6.3: without a session nothing is applied", () => {
    const table = withSession();
    expect(run(table, command(4, 1), 6)).toBe("expired");
    table.close(5);
    expect(run(table, command(5, 1), 7)).toBe("expired");
    expect(table.close(5)).toEqual({ kind: "closed" });
    expect(table.keepAlive(5, 1)).toEqual({ kind: "expired" });
  });

  it("are remembered within a window only", () => {
    const table = withSession();
    const { windowMax } = sessionLimits;
    expect(run(table, command(5, windowMax), 6)).toBe("fresh");
    expect(run(table, command(5, windowMax + 1), 7)).toBe("beyond-window");
    expect(run(table, command(5, windowMax + 1, 2), 8)).toBe("fresh");
  });

  it("stay applied once when their replies are too large or too many", () => {
    const table = withSession();
    const { replyBytesMax, repliesBytesMax } = sessionLimits;
    run(table, command(5, 1), 6, bytes(replyBytesMax + 1));
    expect(table.admit(command(5, 1))).toEqual({ kind: "duplicate", reply: null });
    const count = repliesBytesMax / replyBytesMax + 1;
    const large = bytes(replyBytesMax);
    for (let at = 2; at < 2 + count; at++) run(table, command(5, at), 5 + at, large);
    expect(lengthKept(table, command(5, 2))).toBeNull(); // the oldest
    expect(lengthKept(table, command(5, 3))).toBe(replyBytesMax);
  });
});

describe("I4: expiry", () => {
  it("is a matter of the stamps in the entries, of whatever session", () => {
    const table = withSession(1000);
    table.open(6, 5000);
    table.advance(999);
    expect(table.keepAlive(5, 1)).toEqual({ kind: "alive" });
    table.advance(1998);
    expect(table.size).toBe(2);
    table.advance(1999);
    expect(table.size).toBe(1);
    expect(run(table, command(5, 1), 9)).toBe("expired");
    expect(run(table, command(6, 1), 10)).toBe("fresh");
  });

  it("does not come earlier or later by a stamp that goes back", () => {
    const table = withSession(1000);
    table.advance(900);
    table.advance(100);
    expect(table.timeMs).toBe(900);
    table.advance(1000);
    expect(table.size).toBe(0);
  });

  it("frees the place of a session, of which there are only so many", () => {
    const table = new SessionTable();
    for (let at = 1; at <= sessionLimits.sessionsMax; at++) table.open(at, 1000);
    expect(table.open(5000, 1000)).toEqual({ kind: "table-full" });
    table.advance(1000);
    expect(table.open(5001, 1000)).toEqual({ kind: "opened", session: 5001 });
  });

  it("comes after a day at the latest", () => {
    const table = withSession(2 ** 32 - 1);
    table.advance(sessionLimits.ttlMsMax);
    expect(table.size).toBe(0);
  });
});

// --- the table as bytes --------------------------------------------------------------------------

type Step =
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "open"; readonly ttlMs: number }
  | { readonly kind: "close"; readonly at: number }
  | { readonly kind: "keep-alive"; readonly at: number; readonly floor: number }
  | {
      readonly kind: "command";
      readonly at: number;
      readonly ahead: number;
      readonly done: number;
    };

const small = fc.integer({ min: 0, max: 12 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("advance" as const), ms: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ kind: fc.constant("open" as const), ttlMs: fc.integer({ min: 0, max: 60 }) }),
    fc.record({ kind: fc.constant("close" as const), at: small }),
    fc.record({ kind: fc.constant("keep-alive" as const), at: small, floor: small }),
    fc.record({ kind: fc.constant("command" as const), at: small, ahead: small, done: small }),
  ),
  { maxLength: 60 },
);

/** Applies a step at `index`; the sessions are named by their numbers, so that they are met. */
function apply(table: SessionTable, step: Step, index: number, ids: number[]): string {
  const id = "at" in step ? (ids[step.at % Math.max(1, ids.length)] ?? 1) : 0;
  switch (step.kind) {
    case "advance":
      table.advance(table.timeMs + step.ms);
      return "";
    case "open": {
      ids.push(index);
      return table.open(index, step.ttlMs).kind;
    }
    case "close":
      return table.close(id).kind;
    case "keep-alive":
      return table.keepAlive(id, step.floor).kind;
    case "command": {
      const floor = 1 + step.done;
      return run(table, command(id, floor + step.ahead, floor), index, bytes(index % 5));
    }
    default:
      return step satisfies never;
  }
}

describe("the table as bytes", () => {
  it("goes on after decoding as if nothing had happened", () => {
    fc.assert(
      fc.property(steps, small, (all, cut) => {
        let table = new SessionTable();
        const twin = new SessionTable();
        const ids: number[] = [];
        for (const [i, step] of all.entries()) {
          const known = [...ids];
          if (i % 13 === cut) table = SessionTable.decode(table.encode());
          expect(apply(table, step, 100 + i, ids)).toBe(apply(twin, step, 100 + i, known));
          expect(table.encode()).toEqual(twin.encode());
        }
      }),
    );
  });

  it("drops the oldest replies first, after decoding too", () => {
    const { replyBytesMax, repliesBytesMax } = sessionLimits;
    let table = withSession();
    table.open(6, 1000);
    const large = bytes(replyBytesMax);
    run(table, command(6, 1), 7, large);
    const rest = repliesBytesMax / replyBytesMax - 1;
    for (let at = 1; at <= rest; at++) run(table, command(5, at), 7 + at, large);
    table = SessionTable.decode(table.encode());
    run(table, command(5, rest + 1), 100, large);
    expect(lengthKept(table, command(6, 1))).toBeNull();
    expect(lengthKept(table, command(5, 1))).toBe(replyBytesMax);
  });

  it("is that of docs/formats.md", () => {
    const table = withSession(1000);
    table.advance(10);
    run(table, command(5, 2), 6, Uint8Array.of(9));
    const hex = Array.from(table.encode(), (byte) => byte.toString(16).padStart(2, "0")).join("");
    expect(hex).toBe(
      "01" +
        "0a00000000000000" +
        "01000000" +
        "0500000000000000" +
        "e8030000" +
        "0a00000000000000" +
        "0100000000000000" +
        "01000000" +
        "0200000000000000" +
        "0600000000000000" +
        "01" +
        "01000000" +
        "09",
    );
  });

  it("refuses foreign bytes", () => {
    const whole = withSession().encode();
    for (let length = 0; length < whole.length; length++) {
      expect(() => SessionTable.decode(whole.subarray(0, length))).toThrow(FormatError);
    }
    expect(() => SessionTable.decode(Uint8Array.of(...whole, 0))).toThrow("bytes behind");
    const table = withSession();
    run(table, command(5, 1), 6, bytes(0));
    const flagged = table.encode();
    flagged[flagged.length - 5] = 2;
    expect(() => SessionTable.decode(flagged)).toThrow("of kind 2");
    expect(() => SessionTable.decode(Uint8Array.of(2, ...whole.subarray(1)))).toThrow("version 2");
  });
});
