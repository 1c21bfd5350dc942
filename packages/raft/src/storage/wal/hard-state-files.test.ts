/**
 * The two versions of a hard state's block. Writing and choosing copies: `write-ahead-log.test.ts`.
 */
import { describe, expect, it } from "vitest";
import { crc32, nodeId, term } from "../../base/index.ts";
import { decodeHardState, encodeHardState, type NumberedHardState } from "./hard-state-files.ts";

const identity = {
  clusterId: "0123456789abcdef",
  incarnation: "00000000000000a1",
  member: nodeId("a"),
};
const plain: NumberedHardState = {
  sequence: 7,
  state: { term: term(3), votedFor: nodeId("b"), mustCatchUp: false },
};
const promised: NumberedHardState = {
  sequence: 8,
  state: { ...plain.state, promisedMs: 500 },
};
const versionOf = (bytes: Uint8Array) => (bytes[8] ?? 0) + 256 * (bytes[9] ?? 0);

describe("a hard state", () => {
  it.each([
    ["without a promise is of version 1", plain, 1],
    ["with one is of version 2", promised, 2],
  ] as const)("%s", (_, numbered, version) => {
    const bytes = encodeHardState(1, numbered, identity, crc32);
    expect(versionOf(bytes)).toBe(version);
    const read = decodeHardState(bytes, 1, "hard-state.1", identity, crc32);
    expect(read).toEqual({ kind: "sound", numbered });
  });

  it("of another version is not guessed at, and a damaged one is damaged", () => {
    const bytes = encodeHardState(0, promised, identity, crc32);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    const read = decodeHardState(bytes, 0, "hard-state.0", identity, crc32);
    expect(read.kind).toBe("damaged");
  });
});
