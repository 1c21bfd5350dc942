import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError, InvariantError, nodeId } from "../base/index.ts";
import {
  allMembers,
  allVoters,
  type Configuration,
  createConfiguration,
  decodeConfiguration,
  encodeConfiguration,
  isLearner,
  isVoter,
  type Member,
  membersMax,
  planChange,
  withoutOutgoing,
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
    ["an unknown version", 0, 4, /version 4; this version reads 1 to 3/],
    ["no members", 1, 0, /0 members/],
    ["too many members", 2, 1, /259 members/],
    ["a later version's role", 3, 2, /role 2 in a configuration of version 1/],
    ["a bad name", 6, 32, /a member called " "/],
    ["members out of order", 6, 122, /members out of order/],
  ] as const)("refuse %s", (_, at, value, message) => {
    expect(() => decodeConfiguration(bytesWith(at, value))).toThrow(FormatError);
    expect(() => decodeConfiguration(bytesWith(at, value))).toThrow(message);
  });

  it("have these bytes in a change: role bits, and who was removed", () => {
    const [a, b, c] = membersOf("a", "b", "c") as [Member, Member, Member]; // three of three
    const joint: Configuration = {
      voters: [b],
      outgoing: [a, b],
      learners: [c],
      removed: [nodeId("a"), nodeId("z")],
    };
    const bytes = encodeConfiguration(joint);
    expect(bytes[0]).toBe(2);
    expect(decodeConfiguration(bytes)).toEqual(joint);
    const short = { ...joint, outgoing: [{ ...a, address: "h" }, b] };
    expect([...encodeConfiguration(short)].slice(0, 10)).toEqual([2, 3, 0, 2, 1, 0, 97, 1, 0, 104]);
    expect([...bytes].slice(-8)).toEqual([2, 0, 1, 0, 97, 1, 0, 122]);
    const demoted = { ...joint, learners: [a, c], removed: [] };
    expect(decodeConfiguration(encodeConfiguration(demoted))).toEqual(demoted);
  });

  it("have the bytes that docs/formats.md shows for a replacement", () => {
    const member = (name: string, port: number) => ({ id: nodeId(name), address: `h:${port}` });
    const before = createConfiguration([member("a", 1), member("b", 2)]);
    const result = planChange(before, [
      { kind: "remove", id: nodeId("b") },
      { kind: "add", ...member("c", 3), as: "voter" },
    ]);
    if (result.kind === "refused") throw new Error(result.why);
    const joint = result.configuration;
    const hexes = [before, joint, withoutOutgoing(joint)].map((configuration) =>
      [...encodeConfiguration(configuration)].map((b) => b.toString(16).padStart(2, "0")).join(""),
    );
    const formats = readFileSync(new URL("../../../../docs/formats.md", import.meta.url), "utf8");
    const shown = [...formats.matchAll(/`(0[12] 0[23]00 · [0-9a-f ·]+)`/g)];
    expect(shown.map(([, hex = ""]) => hex.replaceAll(/[ ·]/g, ""))).toEqual(hexes);
  });

  it("are written as version 1 while that says everything", () => {
    const voters = membersOf("a", "b");
    const plain = createConfiguration(voters);
    expect(encodeConfiguration(plain)[0]).toBe(1);
    expect(encodeConfiguration({ ...plain, outgoing: voters.slice(1) })[0]).toBe(2);
    expect(encodeConfiguration({ ...plain, learners: membersOf("c") })[0]).toBe(2);
    expect(encodeConfiguration({ ...plain, removed: [nodeId("c")] })[0]).toBe(2);
  });

  it("are version 3 with a learner that becomes a voter, and name whom it replaces", () => {
    const plain = createConfiguration([{ id: nodeId("a"), address: "h:1" }]);
    const learner = { id: nodeId("d"), address: "h:4" };
    const replacing = {
      ...plain,
      learners: [{ ...learner, whenReady: { replaces: nodeId("a") } }],
    };
    const bytes = encodeConfiguration(replacing);
    expect([...bytes]).toEqual(
      [3, 2, 0, 1, 1, 0, 97, 3, 0, 104, 58, 49].concat([
        12, 1, 0, 100, 3, 0, 104, 58, 52, 1, 0, 97, 0, 0,
      ]),
    );
    expect(decodeConfiguration(bytes)).toEqual(replacing);
    const plainly = { ...plain, learners: [{ ...learner, whenReady: { replaces: null } }] };
    expect(decodeConfiguration(encodeConfiguration(plainly))).toEqual(plainly);
    const older = Uint8Array.from(bytes);
    older[0] = 2;
    expect(() => decodeConfiguration(older)).toThrow("role 12 in a configuration of version 2");
    bytes[23] = 32;
    expect(() => decodeConfiguration(bytes)).toThrow(/a member called " "/);
  });

  it.each([
    ["a voter that is a learner, too", { voters: "a", learners: "a" }, /role 5/],
    ["no voters", { voters: "", learners: "a" }, /without voters/],
    ["a member that was removed", { voters: "a", learners: "b", removed: "b" }, /was removed/],
  ] as const)("refuse %s", (_, names, message) => {
    const split = (text = ""): string[] => text.split(",").filter((name) => name !== "");
    const bytes = encodeConfiguration({
      voters: membersOf(...split(names.voters)),
      outgoing: null,
      learners: membersOf(...split(names.learners)),
      removed: split("removed" in names ? names.removed : "").map(nodeId),
    });
    expect(() => decodeConfiguration(bytes)).toThrow(FormatError);
    expect(() => decodeConfiguration(bytes)).toThrow(message);
  });

  it("say who votes, in either half, and who gets the log", () => {
    const [a, b, c] = membersOf("a", "b", "c") as [Member, Member, Member]; // three of three
    const joint = { voters: [b, c], outgoing: [a, b], learners: [a], removed: [] };
    expect(allVoters(joint)).toEqual([a, b, c]);
    expect(allMembers(joint)).toEqual([a, b, c]);
    expect(["a", "b", "c"].map((name) => isVoter(joint, nodeId(name)))).toEqual([true, true, true]);
    expect(isLearner(joint, nodeId("a"))).toBe(true);
    const final = withoutOutgoing(joint);
    expect(isVoter(final, nodeId("a"))).toBe(false);
    expect(allVoters(final)).toBe(final.voters); // nothing is copied while nothing is joint
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
