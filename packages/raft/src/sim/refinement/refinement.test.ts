import { describe, expect, it } from "vitest";
import { type LogIndex, nodeId, noIndex } from "../../base/index.ts";
import type { Effect, Entry, Input, Message, Persist, Raft } from "../../core/index.ts";
import { type Beginning, type CoresFailure, runCores } from "../cores/index.ts";
import type { CoreObserver } from "../observer.ts";
import { createSpecification, type Specification } from "../spec/index.ts";
import { invariantIds } from "../violation.ts";
import { createRefinement, type Refinement, RefinementError } from "./index.ts";

/** All actions of the specification, and how often each was run. */
function countActions(spec: Specification, counts: Map<string, number>): Specification {
  return new Proxy(spec, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...given: unknown[]): unknown => {
        counts.set(String(name), (counts.get(String(name)) ?? 0) + 1);
        return Reflect.apply(value, target, given);
      };
    },
  });
}

function createSpec({ ids, joiners, entries, hardState, commit, time }: Beginning): Specification {
  const voters = ids.map((_, at) => at);
  const configuration = { voters, outgoing: null, learners: [], removed: [] };
  const log = entries.map(({ term }, at) => ({ term, value: at + 1, configuration }));
  const { term: currentTerm } = hardState;
  const nothing = { log: [], currentTerm: 0, commitIndex: 0 };
  return createSpecification({
    servers: ids.length + joiners.length,
    log,
    currentTerm,
    commitIndex: commit,
    starts: new Map(joiners.map((_, at) => [ids.length + at, nothing])),
    ...time,
  });
}

function refine(beginning: Beginning, spec?: Specification): Refinement {
  const options = { ...beginning, log: beginning.entries };
  return createRefinement(spec === undefined ? options : { ...options, spec });
}

/** No actions; and all servers that may join are there from the start. */
const notUsed = [
  "members",
  "firstConfiguration",
  "addServer",
  "configurationOf",
  "committedConfigurationOf",
  "takeSnapshot",
  "compact",
  "installSnapshot",
  "followLeader",
];

describe("the refinement of a world of bare cores", () => {
  it("explains every step, and needs every action of the specification", () => {
    const counts = new Map<string, number>();
    let steps = 0;
    let actions = 0;
    for (let seed = 30; seed <= 110; seed++) {
      let refinement: Refinement | null = null;
      const create = (beginning: Beginning): Refinement => {
        refinement = refine(beginning, countActions(createSpec(beginning), counts));
        return refinement;
      };
      const run = runCores(seed, { observers: [create] });
      if (run.failure !== null) expect.fail(`seed ${seed}: ${run.failure.message}`);
      const { steps: explained, actions: used } = refinement ?? { steps: 0, actions: 0 };
      expect(explained).toBe(run.steps + run.idleTicks);
      steps += explained;
      actions += used;
    }
    expect(steps).toBeGreaterThan(100_000);
    expect(actions).toBeGreaterThan(100_000);
    const names = Object.keys(createSpec(oneMember)).filter((name) => !notUsed.includes(name));
    expect(names.filter((name) => !counts.has(name))).toEqual([]);
  });

  it("reads a world that encodes its messages like one that hands objects on", () => {
    const copy = (entry: Entry): Entry => ({ ...entry, data: entry.data.slice() });
    const recode = (message: Message): Message =>
      message.kind === "append-entries"
        ? { ...message, entries: message.entries.map(copy) }
        : { ...message };
    for (let seed = 1; seed <= 20; seed++) {
      const create = (beginning: Beginning): CoreObserver => {
        const refinement = refine(beginning);
        return {
          ...refinement,
          onLeave: (at, message) => refinement.onLeave(at, recode(message)),
          onStep: (at, raft, input) => {
            const isMessage = input.kind === "receive";
            const given = isMessage ? { ...input, message: recode(input.message) } : input;
            refinement.onStep(at, raft, given);
          },
        };
      };
      expect(runCores(seed, { observers: [create] }).failure).toBeNull();
    }
  });
});

const oneMember: Beginning = {
  ids: [nodeId("n1")],
  joiners: [],
  hardState: { term: 1 as Raft["hardState"]["term"], votedFor: null, mustCatchUp: false },
  entries: [],
  commit: 0 as LogIndex,
};

/** Changes something once; false: it cannot be done now. */
interface Sabotage {
  readonly step?: (raft: Raft, input: Input) => boolean;
  readonly effects?: (effects: readonly Effect[]) => readonly Effect[] | null;
  readonly unit?: (unit: Persist) => Persist | null;
  readonly leave?: (message: Message) => Message | null;
}

/** Sabotages a core behind everybody's back; the first thing that the refinement says. */
function sabotage(plan: Sabotage): CoresFailure | null {
  for (let seed = 1; seed <= 30; seed++) {
    let isDone = false;
    const create = (beginning: Beginning): CoreObserver => {
      const refinement = refine(beginning);
      const replace = <Thing>(thing: Thing, change?: (thing: Thing) => Thing | null): Thing => {
        const changed = isDone ? null : (change?.(thing) ?? null);
        if (changed === null) return thing;
        isDone = true;
        return changed;
      };
      return {
        ...refinement,
        onStep: (at, raft, input) => {
          isDone ||= plan.step?.(raft, input) ?? false;
          refinement.onStep(at, raft, input);
        },
        onTake: (at, raft, effects) => refinement.onTake(at, raft, replace(effects, plan.effects)),
        onDurable: (at, unit) =>
          refinement.onDurable(at, unit.kind === "persist" ? replace(unit, plan.unit) : unit),
        onLeave: (at, message) => refinement.onLeave(at, replace(message, plan.leave)),
      };
    };
    const { failure } = runCores(seed, {
      membership: "never",
      snapshots: "never",
      observers: [create],
      off: new Set(invariantIds),
    });
    if (isDone) return failure;
  }
  return null;
}

function expectReport(plan: Sabotage, says: RegExp): void {
  const failure = sabotage(plan);
  expect(failure?.error).toBeInstanceOf(RefinementError);
  expect(failure?.message).toMatch(says);
}

/** Such a step only, and only later on. */
function whenLeading(change: (raft: Raft) => void): (raft: Raft) => boolean {
  return (raft) => {
    if (raft.role !== "leader" || raft.commit < 5) return false;
    change(raft);
    return true;
  };
}

describe("whatever a core does that no action explains is reported", () => {
  const plus = (index: LogIndex, count: number): LogIndex => (index + count) as LogIndex;

  it("of its hard state", () => {
    const change = (other: Partial<Raft["hardState"]>) =>
      whenLeading((raft) => {
        raft.hardState = { ...raft.hardState, ...other };
      });
    const term = 99 as Raft["hardState"]["term"];
    expectReport({ step: change({ term }) }, /its term is 99, not \d/);
    expectReport({ step: change({ votedFor: null }) }, /it voted for null/);
    expectReport({ step: change({ mustCatchUp: true }) }, /abstains for no reason/);
  });

  it("of its role, leader and votes", () => {
    const follow = whenLeading((raft) => {
      raft.role = "follower";
    });
    expectReport({ step: follow }, /it is follower, not leader/);
    const believe = (raft: Raft): boolean => {
      if (raft.leader !== null || raft.role !== "follower") return false;
      raft.leader = nodeId("n9");
      return true;
    };
    expectReport({ step: believe }, /it takes n9 for the leader/);
    const count = (raft: Raft): boolean => {
      if (raft.campaign === null || raft.configuration.voters.length < 3) return false;
      for (const { id } of raft.configuration.voters) raft.campaign.grants.add(id);
      return true;
    };
    expectReport({ step: count }, /vote is counted/);
  });

  it("of its indexes", () => {
    const change = (key: "commit" | "applying" | "applied" | "durableIndex", by: number) =>
      whenLeading((raft) => {
        raft[key] = plus(raft[key], by);
      });
    expectReport({ step: change("commit", 1) }, /it committed \d+, not \d+|refuses advanceCommit/);
    expectReport({ step: change("applying", 1) }, /it applies up to/);
    expectReport({ step: change("applied", 1) }, /it has applied/);
    expectReport({ step: change("durableIndex", 100) }, /for durable; its disk has another/);
  });

  it("of its log", () => {
    const cut = whenLeading((raft) => {
      raft.log.entries.length--;
    });
    expectReport({ step: cut }, /its log has \d+ entries, not \d+/);
    const replaceInside = whenLeading((raft) => {
      const [first, second] = raft.log.entries;
      if (first !== undefined && second !== undefined) {
        raft.log.entries[1] = { ...second, data: new Uint8Array(3) };
      }
    });
    expectReport({ step: replaceInside }, /its log has another entry 2/);
  });

  it("of what a leader believes", () => {
    const believe = whenLeading((raft) => {
      for (const progress of raft.leadership?.peers.values() ?? [])
        progress.matched = plus(progress.matched, 1);
    });
    expectReport({ step: believe }, /it believes n\d to have \d+, not \d+/);
    const openRound = whenLeading((raft) => {
      if (raft.leadership !== null) raft.leadership.round += 2;
    });
    expectReport({ step: openRound }, /its round is \d+, not \d+/);
  });

  it("of its effects", () => {
    const drop = (kind: Effect["kind"]) => (effects: readonly Effect[]) => {
      const left = effects.filter((effect) => effect.kind !== kind);
      return left.length < effects.length ? left : null;
    };
    expectReport({ effects: drop("persist") }, /what was handed to its disk has/);
    expectReport({ effects: drop("role-changed") }, /its host was told/);
    expectReport({ effects: drop("apply") }, /it applies up to \d+, not \d+/);
    const answer = (effects: readonly Effect[]): readonly Effect[] | null => {
      const isAnswer = (effect: Effect): boolean =>
        effect.kind === "read-answered" && "index" in effect;
      if (!effects.some(isAnswer)) return null;
      return effects.map((effect) =>
        isAnswer(effect) ? { ...effect, index: 1 as LogIndex } : effect,
      ) as readonly Effect[]; // one field has another value
    };
    expectReport({ effects: answer }, /may be served at 1; confirmed is/);
    const twice = (effects: readonly Effect[]): readonly Effect[] | null => {
      const answers = effects.filter((effect) => effect.kind === "read-answered");
      return answers.length === 0 ? null : [...effects, ...answers];
    };
    expectReport({ effects: twice }, /was not asked or is answered twice/);
  });

  it("of its messages", () => {
    const commit = (message: Message): Message | null =>
      message.kind === "append-entries" ? { ...message, commit: plus(message.commit, 1) } : null;
    expectReport({ leave: commit }, /refuses send/);
    const invent = (beginning: Beginning): CoreObserver => {
      const refinement = refine(beginning);
      return {
        ...refinement,
        onStep: (at, raft, input) => {
          const isMade = input.kind === "receive" && input.message.kind === "append-entries";
          const message = isMade ? { ...input.message, commit: plus(noIndex, 1_000) } : null;
          refinement.onStep(at, raft, message === null ? input : { kind: "receive", message });
        },
      };
    };
    const { failure } = runCores(2, { observers: [invent] });
    expect(failure?.message).toMatch(/nobody sent this/);
  });
});
