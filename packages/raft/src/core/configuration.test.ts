import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError, InvariantError, nodeId } from "../base/index.ts";
import {
  type Configuration,
  createConfiguration,
  decodeConfiguration,
  encodeConfiguration,
  isVoter,
  type Member,
  membersMax,
} from "./index.ts";

function membersOf(...names: readonly string[]): Member[] {
  return names.map((name) => ({ id: nodeId(name), address: `${name}.example:2380` }));
}

/** The bytes of a configuration of a, b, c, changed at one place. */
function bytesWith(at: number, value: number): Uint8Array {
  const bytes = encodeConfiguration(createConfiguration(membersOf("a", "b", "c")));
  bytes[at] = value;
  return bytes;
}

describe("configurations", () => {
  it("sort their members and know them", () => {
    const configuration = createConfiguration(membersOf("c", "a", "b"));
    expect(configuration.voters.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(isVoter(configuration, nodeId("b"))).toBe(true);
    expect(isVoter(configuration, nodeId("d"))).toBe(false);
  });

  it("refuse to be empty, too large or ambiguous", () => {
    const many = membersOf(...Array.from({ length: membersMax + 1 }, (_, i) => `n${i}`));
    expect(() => createConfiguration([])).toThrow(InvariantError);
    expect(() => createConfiguration(many)).toThrow(/1 to 63 members/);
    expect(() => createConfiguration(membersOf("a", "a"))).toThrow(/ids are distinct/);
    expect(createConfiguration(many.slice(1)).voters).toHaveLength(membersMax);
  });

  it("come back from their bytes as they were", () => {
    const id = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/).map((name) => nodeId(name));
    const member = fc.record({ id, address: fc.string({ unit: "grapheme" }) });
    const configuration = fc
      .uniqueArray(member, { minLength: 1, maxLength: membersMax, selector: (each) => each.id })
      .map(createConfiguration);
    fc.assert(
      fc.property(configuration, (original: Configuration) => {
        expect(decodeConfiguration(encodeConfiguration(original))).toEqual(original);
      }),
    );
  });

  it("have these bytes: version, count, and role, id and address of each", () => {
    const bytes = encodeConfiguration(createConfiguration([{ id: nodeId("a"), address: "h:1" }]));
    expect([...bytes]).toEqual([1, 1, 0, 1, 1, 0, 97, 3, 0, 104, 58, 49]);
  });

  it.each([
    ["an unknown version", 0, 2, /version 2; this version reads 1/],
    ["no members", 1, 0, /0 members/],
    ["too many members", 2, 1, /259 members/],
    ["an unknown role", 3, 2, /role 2; this version knows 1/],
    ["a bad name", 6, 32, /a member called " "/],
    ["members out of order", 6, 122, /members out of order/],
  ] as const)("refuse %s", (_, at, value, message) => {
    expect(() => decodeConfiguration(bytesWith(at, value))).toThrow(FormatError);
    expect(() => decodeConfiguration(bytesWith(at, value))).toThrow(message);
  });

  it("refuse every cut and every extra byte", () => {
    const bytes = bytesWith(0, 1);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeConfiguration(bytes.subarray(0, length))).toThrow(FormatError);
    }
    const longer = new Uint8Array([...bytes, 0]);
    expect(() => decodeConfiguration(longer)).toThrow(/1 bytes after a configuration/);
  });
});
