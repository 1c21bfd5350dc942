/**
 * How members change in the models where they do: chains of configurations, each of which follows
 * the one before, so that a log holds them in this order, each once at most.
 */
import { assert, InvariantError, type NodeId, nodeId } from "../../../base/index.ts";
import { type Configuration, encodeConfiguration, type MemberChange } from "../../../core/index.ts";

/** Who decides: sets of places as bits. */
export interface Electorate {
  readonly voters: number;
  /** 0: not joint. */
  readonly outgoing: number;
}

export interface Chain {
  readonly description: string;
  /** What is asked of leaders, by number from 1. */
  readonly changes: readonly (readonly MemberChange[])[];
  /** The first configuration, and those that follow, by the number of their entry: 1, 2, 3. */
  readonly configurations: readonly Configuration[];
  /** Of the entries. */
  readonly bytes: readonly Uint8Array[];
  readonly electorates: readonly Electorate[];
}

const [a, b, c] = [nodeId("a"), nodeId("b"), nodeId("c")];

/** Three configurations: a learner, the joint one, its new half. */
export const replacing: Chain = createChain(
  "a and b begin, c joins as a learner and takes a's place",
  1,
  [
    [{ kind: "add", id: c, address: `${c}:1`, as: "learner" }],
    [
      { kind: "promote", id: c },
      { kind: "remove", id: a },
    ],
  ],
  [
    { voters: [a, b], outgoing: null, learners: [], removed: [] },
    { voters: [a, b], outgoing: null, learners: [c], removed: [] },
    { voters: [b, c], outgoing: [a, b], learners: [], removed: [a] },
    { voters: [b, c], outgoing: null, learners: [], removed: [a] },
  ],
);

/** Two configurations: the joint one, its new half. A majority can do without whoever began. */
export const leaving: Chain = createChain(
  "a leaves b and c",
  2,
  [[{ kind: "remove", id: a }]],
  [
    { voters: [a, b, c], outgoing: null, learners: [], removed: [] },
    { voters: [b, c], outgoing: [a, b, c], learners: [], removed: [a] },
    { voters: [b, c], outgoing: null, learners: [], removed: [a] },
  ],
);

/** Members by name. */
interface Names {
  readonly voters: readonly NodeId[];
  readonly outgoing: readonly NodeId[] | null;
  readonly learners: readonly NodeId[];
  readonly removed: readonly NodeId[];
}

/** What follows what is written down, not asked of the core: it may be wrong about that. */
function createChain(
  description: string,
  port: number,
  changes: readonly (readonly MemberChange[])[],
  names: readonly Names[],
): Chain {
  const membersOf = (ids: readonly NodeId[]): Configuration["voters"] =>
    ids.map((id) => ({ id, address: `${id}:${port}` }));
  const configurations = names.map(({ voters, outgoing, learners, removed }) => ({
    voters: membersOf(voters),
    outgoing: outgoing === null ? null : membersOf(outgoing),
    learners: membersOf(learners),
    removed,
  }));
  const electorates = configurations.map(({ voters, outgoing }) => ({
    voters: bitsOf(voters),
    outgoing: bitsOf(outgoing ?? []),
  }));
  const bytes = configurations.map((configuration) => encodeConfiguration(configuration));
  return { description, changes, configurations, bytes, electorates };
}

function bitsOf(members: Configuration["voters"]): number {
  return members.reduce((bits, { id }) => bits | (1 << [a, b, c].indexOf(id)), 0);
}

/** Of an entry's bytes, in whichever chain: they have other addresses. */
export function numberOf(data: Uint8Array): number {
  for (const { bytes } of [replacing, leaving]) {
    const number = bytes.findIndex((one) => isEqual(one, data));
    if (number >= 0) return number;
  }
  return unreachableConfiguration();
}

function unreachableConfiguration(): never {
  throw new InvariantError("C6: a configuration follows the one before");
}

function isEqual(x: Uint8Array, y: Uint8Array): boolean {
  return x.length === y.length && x.every((byte, at) => byte === y[at]);
}

export function chainConfiguration(chain: Chain, number: number): Configuration {
  const configuration = chain.configurations[number];
  assert(configuration !== undefined, "a configuration of the model");
  return configuration;
}

const everybody: Electorate = { voters: 7, outgoing: 0 };

/** Of the configuration with this number; null: members do not change, all three vote. */
export function electorateOf(chain: Chain | null, number: number): Electorate {
  return chain?.electorates[number] ?? everybody;
}

/** More than half of each half. Arithmetic of its own. */
export function isElecting({ voters, outgoing }: Electorate, members: number): boolean {
  if (2 * countBits(voters & members) <= countBits(voters)) return false;
  return outgoing === 0 || 2 * countBits(outgoing & members) > countBits(outgoing);
}

export function votesIn({ voters, outgoing }: Electorate, place: number): boolean {
  return (((voters | outgoing) >> place) & 1) === 1;
}

export function countBits(bits: number): number {
  return (bits & 1) + ((bits >> 1) & 1) + ((bits >> 2) & 1);
}

/**
 * The index of the newest configuration of a packed log among its first `length` entries; 1: the
 * first. Only where members change.
 */
export function newestChange(log: number, length: number): number {
  for (let index = length; index > 1; index--) if (numberAt(log, index) > 0) return index;
  return 1;
}

/** Which configuration the entry at `index` is; 0: none, or the first. */
export function numberAt(log: number, index: number): number {
  return index <= 1 ? 0 : (log >>> (5 * (index - 2))) & 3;
}
