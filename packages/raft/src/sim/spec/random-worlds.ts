/**
 * Worlds in which the specification's actions are proposed at random, sensible ones and absurd
 * ones; only its guards decide what happens. They prove the specification by itself: whatever its
 * guards let through, the paper's properties must hold. What is proposed is in
 * `random-proposals.ts`.
 */
import { createSpecification } from "./create-specification.ts";
import { createProperties } from "./properties.ts";
import type { SpecProperty } from "./property.ts";
import { membershipProposals } from "./random-changes.ts";
import { type Proposal, proposals } from "./random-proposals.ts";
import {
  Refusal,
  type Specification,
  type SpecificationOptions,
  type SpecLog,
  type SpecMessage,
} from "./specification.ts";

/** Seeded chance: `createRandom` of the simulator makes it; this room imports nothing. */
export interface Dice {
  /** Uniform in [0, 1). */
  unit(): number;
  /** A whole number, uniform in [0, count). */
  below(count: number): number;
  /** A whole number, uniform in [low, high]. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
}

export interface RandomWorldOptions {
  readonly random: Dice;
  readonly servers: number;
  /** Proposals, most of which are refused. */
  readonly steps: number;
  /** Members come and go; of the `servers` only some vote at first. */
  readonly membership?: boolean;
}

export interface RandomWorld {
  /** By action: how often it happened. */
  readonly done: ReadonlyMap<string, number>;
  readonly refused: ReadonlyMap<string, number>;
  readonly evaluated: ReadonlyMap<SpecProperty, number>;
}

/** What the proposals draw from. */
export interface Walk {
  readonly specification: Specification;
  readonly random: Dice;
  /** All that left, oldest first. */
  readonly left: SpecMessage[];
  /** Those not delivered yet. */
  readonly fresh: SpecMessage[];
  /** What members would like to send, as soon as they may. */
  readonly intents: SpecMessage[];
  nextValue: number;
  nextRead: number;
  readonly reads: string[];
  /** By server: logs that were on its disk. */
  readonly oldLogs: Map<number, SpecLog[]>;
  /** By server: the newest round of its leadership. */
  readonly rounds: number[];
  /** Messages to and from this one rarely arrive for now. */
  isolated: number | null;
  /** For now, disks write at once and messages arrive at once. */
  isCareful: boolean;
  /** How often a message arrives at once. */
  readonly promptness: number;
  /** Disks lose entries in this world. */
  readonly isLossy: boolean;
  /** Tries an action; false: it was refused. */
  readonly attempt: (name: string, action: () => void) => boolean;
  readonly send: (message: SpecMessage) => boolean;
  readonly registerRead: (server: number, read: string) => boolean;
  readonly confirmRead: (server: number, read: string) => boolean;
}

/** Told by the first log, or beside it; the others have that log, too, or nothing yet. */
function chooseVoters(options: RandomWorldOptions): Partial<SpecificationOptions> {
  const { random, servers } = options;
  const voters = Array.from({ length: random.between(1, servers) }, (_, server) => server);
  const configuration = { voters, outgoing: null, learners: [], removed: [] };
  const start = { log: [], currentTerm: random.between(0, 1), commitIndex: 0 };
  const starts = new Map<number, typeof start>();
  for (let server = voters.length; server < servers; server++) {
    if (random.chance(0.7)) starts.set(server, start);
  }
  if (random.chance(0.5)) return { configuration, starts };
  return { log: [{ term: 1, value: 0, configuration }], starts };
}

function createWalk(options: RandomWorldOptions): { walk: Walk; result: RandomWorld } {
  const specification = createSpecification({
    servers: options.servers,
    log: [{ term: 1, value: 0 }],
    currentTerm: 1,
    commitIndex: 1,
    ...(options.membership === true ? chooseVoters(options) : {}),
  });
  const properties = createProperties(specification);
  const done = new Map<string, number>();
  const refused = new Map<string, number>();
  const count = (map: Map<string, number>, name: string) => map.set(name, (map.get(name) ?? 0) + 1);
  const left: SpecMessage[] = [];
  const fresh: SpecMessage[] = [];

  const attempt = (name: string, action: () => void): boolean => {
    const before = [...specification.members];
    try {
      action();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (specification.members.some((member, server) => member !== before[server])) {
        throw new Error(`${name} was refused and changed a member: ${error.message}`);
      }
      count(refused, name);
      return false;
    }
    count(done, name);
    properties.check();
    return true;
  };

  const { random } = options;
  const walk: Walk = {
    specification,
    random,
    promptness: 0.9 * random.unit(),
    isLossy: random.chance(0.4),
    left,
    fresh,
    intents: [],
    nextValue: 1,
    nextRead: 1,
    reads: [],
    rounds: [],
    oldLogs: new Map(),
    isolated: null,
    isCareful: false,
    attempt,
    send: (message) => {
      if (!attempt(`send ${message.kind}`, () => specification.send(message))) return false;
      left.push(message);
      fresh.push(message);
      return true;
    },
    registerRead: (server, read) => {
      const happened = attempt("registerRead", () => specification.registerRead(server, read));
      if (happened) properties.readRegistered(read);
      return happened;
    },
    confirmRead: (server, read) =>
      attempt("confirmRead", () => {
        properties.readConfirmed(read, specification.confirmRead(server, read));
      }),
  };
  return { walk, result: { done, refused, evaluated: properties.evaluated } };
}

/**
 * One world of so many proposals. How often each sort is proposed is the seed's, too: some worlds
 * have many elections, some never lose power.
 *
 * @throws PropertyViolation when the guards let through what breaks a promise of the paper
 */
export function runRandomWorld(options: RandomWorldOptions): RandomWorld {
  const { walk, result } = createWalk(options);
  const { random } = walk;
  const all: readonly Proposal[] = [
    ...proposals,
    ...(options.membership === true ? membershipProposals : []),
  ];
  const weights = all.map(({ weight }) => weight * (0.2 + 1.8 * random.unit() ** 2));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (let step = 0; step < options.steps; step++) {
    let at = 0;
    for (
      let left = random.unit() * total - (weights[0] ?? 0);
      left > 0 && at + 1 < weights.length;
    ) {
      at++;
      left -= weights[at] ?? 0;
    }
    all[at]?.propose(walk);
  }
  return result;
}
