/** The bytes of the sections of machines, as every version of the program has to read them. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { concatBytes, logIndex, term } from "../base/index.ts";
import { createMachineSet } from "./machine-set.ts";
import { rawMachine } from "./raw-machine.ts";
import { machine } from "./reducer.ts";
import { encodeSessionCommand, encodeSessionOpen } from "./session-envelope.ts";

interface State {
  map: Map<unknown, unknown>;
  list: unknown[];
  text: Record<string, unknown>;
}

function createSet() {
  let count = 0;
  const counter = {
    apply: () => ++count,
    snapshotVersion: 3,
    capture: () => {
      let left: Uint8Array | null = Uint8Array.of(count);
      return {
        next: () => {
          const piece = left;
          left = null;
          return piece;
        },
        release: () => {},
      };
    },
    restore: () => ({
      write: ([value]: Uint8Array) => {
        count = value ?? count;
      },
      finish: () => {},
    }),
  };
  const odd = machine({
    version: 2,
    since: { fill: 2 },
    initial: (): State => ({ map: new Map(), list: [], text: {} }),
    commands: {
      fill(state) {
        state.map.set("b", new Set([1, true])).set(-1n, null);
        state.list.push(undefined, Number.NaN, { ok: false });
        state.list.length = 5;
        state.list[3] = -0;
        state.text = { "10": "é", "9": "\ud800", z: "\ufeffa" };
      },
    },
  });
  return createMachineSet({ odd, counter: rawMachine(() => counter), unused: odd });
}

const file = new URL("../../test/golden/machine/snapshot-v1.txt", import.meta.url);

/** Lines of the file: the name of a section, a space, its bytes in hex. */
function golden(): Map<string, Uint8Array> {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return new Map(
    lines.map((line) => {
      const [name = "", hex = ""] = line.split(" ");
      return [name, new Uint8Array(Buffer.from(hex, "hex"))];
    }),
  );
}

function bytesOf(set: ReturnType<typeof createSet>): Map<string, Uint8Array> {
  const sections = new Map<string, Uint8Array>();
  const capture = set.capture(logIndex(4), term(2));
  for (let piece = capture.next(1 << 20); piece !== null; piece = capture.next(1 << 20)) {
    const before = sections.get(piece.section) ?? new Uint8Array(0);
    sections.set(piece.section, concatBytes([before, piece.data]));
  }
  return sections;
}

describe("the sections of machines in a snapshot", () => {
  it("are those of the golden file, written and read", () => {
    const set = createSet();
    const fill = set.encode("odd", set.direct("odd").encode("fill", undefined, 0));
    const once = { session: 1, sequence: 1, floor: 1, command: fill };
    const count = set.encode("counter", Uint8Array.of(1));
    const entries = [encodeSessionOpen(1_000), encodeSessionCommand(once), count, count];
    for (const [i, data] of entries.entries()) {
      set.apply(set.stamp(data, 5 * i), logIndex(i + 1), term(2), false);
    }
    expect(bytesOf(set)).toEqual(golden());

    const other = createSet();
    const restore = other.restore(logIndex(4), term(2));
    for (const [section, data] of golden()) restore.write({ section, data, isLast: true });
    restore.finish();
    expect(bytesOf(other)).toEqual(golden());
    other.apply(count, logIndex(5), term(2), false);
    expect(other.direct("odd").read((state: State) => [state.map, state.list, state.text])).toEqual(
      set.direct("odd").read((state: State) => [state.map, state.list, state.text]),
    );
  });
});
