/**
 * The one quorum function against counting subsets, for every configuration of up to five members,
 * joint ones included, and the overlap that changes of the members rest on.
 */
import { describe, expect, it } from "vitest";
import { type NodeId, nodeId } from "../base/index.ts";
import { type Configuration, emptyConfiguration, isQuorum, quorumValue } from "./index.ts";

const ids: readonly NodeId[] = ["a", "b", "c", "d", "e"].map((name) => nodeId(name));
const everySet = 2 ** ids.length;

/** Members as bits: 1 is a, 2 is b, 4 is c … */
function membersIn(set: number): Configuration["voters"] {
  return ids.filter((_, i) => (set & (1 << i)) !== 0).map((id) => ({ id, address: `${id}:1` }));
}

/** `outgoing` 0: not joint. Everybody else learns. */
function configurationOf(voters: number, outgoing: number): Configuration {
  return {
    voters: membersIn(voters),
    outgoing: outgoing === 0 ? null : membersIn(outgoing),
    learners: membersIn((everySet - 1) & ~voters),
    removed: [],
  };
}

function sizeOf(set: number): number {
  return set.toString(2).replaceAll("0", "").length;
}

/** More than half of the voters, and of the outgoing ones if there are any. */
function hasMajorities(voters: number, outgoing: number, set: number): boolean {
  const hasMost = (half: number): boolean => 2 * sizeOf(half & set) > sizeOf(half);
  return hasMost(voters) && (outgoing === 0 || hasMost(outgoing));
}

function isIn(set: number): (id: NodeId) => boolean {
  return (id) => (set & (1 << ids.indexOf(id))) !== 0;
}

/** Every set of voters with every set of outgoing ones, and none. */
function* everyConfiguration(): Generator<[voters: number, outgoing: number]> {
  for (let voters = 1; voters < everySet; voters++) {
    for (let outgoing = 0; outgoing < everySet; outgoing++) yield [voters, outgoing];
  }
}

describe("quorums", () => {
  it("F8, C7: are the sets with a majority of each half, for all configurations up to 5", () => {
    let count = 0;
    for (const [voters, outgoing] of everyConfiguration()) {
      const configuration = configurationOf(voters, outgoing);
      for (let set = 0; set < everySet; set++) {
        const expected = hasMajorities(voters, outgoing, set);
        if (isQuorum(configuration, isIn(set)) !== expected) {
          expect({ configuration, set }).toBe(`a quorum: ${expected}`);
        }
        count++;
      }
    }
    expect(count).toBe(31 * 32 * 32);
  });

  it("F8, C7: have reached the highest value that one of them has reached", () => {
    const values = [0, 3, 7, 10]; // of which sorting as text would make 0, 10, 3, 7
    for (const [voters, outgoing] of everyConfiguration()) {
      const configuration = configurationOf(voters, outgoing);
      for (let code = (voters * 7 + outgoing) % 11; code < 4 ** 5; code += 11) {
        const reached = ids.map((_, i) => values[Math.floor(code / 4 ** i) % 4] ?? 0);
        const least = (value: number): number =>
          reached.reduce((set, each, i) => (each >= value ? set | (1 << i) : set), 0);
        const expected = Math.max(
          ...values.filter((value) => hasMajorities(voters, outgoing, least(value))),
        );
        const got = quorumValue(configuration, (id) => reached[ids.indexOf(id)] ?? 0);
        if (got !== expected) expect({ configuration, reached, got }).toBe(expected);
      }
    }
    expect.assertions(0);
  });

  it("F8: of a configuration meet those of the joint one after it, which meet the new", () => {
    for (let old = 1; old < everySet; old++) {
      for (let next = 1; next < everySet; next++) {
        const joint = configurationOf(next, old);
        for (const end of [configurationOf(old, 0), configurationOf(next, 0)]) {
          for (let set = 0; set < everySet; set++) {
            const rest = everySet - 1 - set; // the largest set that does not meet it
            if (isQuorum(joint, isIn(set)) && isQuorum(end, isIn(rest))) {
              expect({ joint, end, set }).toBe("overlapping");
            }
          }
        }
      }
    }
    expect.assertions(0);
  });

  it("F8: would not overlap if several voters changed at once, without joint ones", () => {
    const before = configurationOf(0b00111, 0);
    const after = configurationOf(0b11001, 0);
    expect(isQuorum(before, isIn(0b00110))).toBe(true);
    expect(isQuorum(after, isIn(0b11000))).toBe(true);
  });

  it("F8: decide nothing where there is nobody", () => {
    expect(isQuorum(emptyConfiguration, () => true)).toBe(false);
    expect(quorumValue(emptyConfiguration, () => 7)).toBe(0);
    const noOldHalf = { ...configurationOf(1, 0), outgoing: [] };
    expect(isQuorum(noOldHalf, () => true)).toBe(false);
  });
});
