/** What `simulate` finds in machines with planted bugs, and what it says of sound ones. */
import { describe, expect, it } from "vitest";
import { machine, type RawMachine, rawMachine } from "../machine/index.ts";
import { pick, type Random } from "./random.ts";
import { assertSimulation, simulate } from "./simulate.ts";

interface BankState {
  balance: Record<string, number>;
  lastAccount: number;
}

const people = ["ann", "bob", "eve"] as const;

/** What a planted bug replaces. */
interface BankParts {
  readonly mayMove: (has: number, amount: number) => boolean;
  readonly nextAccount: (state: BankState, random: () => number) => number;
}

const sound: BankParts = {
  mayMove: (has, amount) => has >= amount,
  nextAccount: (state) => {
    state.lastAccount++;
    return state.lastAccount;
  },
};

function createBank(parts: Partial<BankParts> = {}) {
  const { mayMove, nextAccount } = { ...sound, ...parts };
  return machine({
    version: 1,
    initial: (): BankState => ({ balance: { ann: 50, bob: 50, eve: 0 }, lastAccount: 0 }),
    commands: {
      move(state, { from, to, amount }: { from: string; to: string; amount: number }) {
        const has = state.balance[from] ?? 0;
        if (!mayMove(has, amount)) return { ok: false as const, has };
        state.balance[from] = has - amount;
        state.balance[to] = (state.balance[to] ?? 0) + amount;
        return { ok: true as const };
      },
      open(state, _none: undefined, { random }) {
        return nextAccount(state, random);
      },
    },
  });
}

function run(bank: ReturnType<typeof createBank>, options: { seeds?: number; seed?: number } = {}) {
  return simulate({
    machines: { bank },
    workload: (random) => draw(random),
    invariants: {
      "nobody is overdrawn": ({ bank: { balance } }) =>
        Object.values(balance).every((amount) => amount >= 0),
      "money is neither made nor lost": ({ bank: { balance } }) => {
        const total = Object.values(balance).reduce((sum, amount) => sum + amount, 0);
        return total === 100 || `there are ${total}`;
      },
    },
    steps: 600,
    seeds: 10,
    ...options,
  });
}

function draw(random: Random) {
  if (random.chance(0.3)) {
    return {
      machine: "bank",
      read: (state: { lastAccount: number }) => state.lastAccount,
    } as const;
  }
  if (random.chance(0.3)) return { machine: "bank", command: "open" } as const;
  const argument = {
    from: pick(random, people),
    to: pick(random, people),
    amount: random.between(1, 30),
  };
  return { machine: "bank", command: "move", argument } as const;
}

describe("simulate", () => {
  it("finds nothing in a sound bank, and says what it did", () => {
    const report = run(createBank());
    assertSimulation(report);
    expect(report).toMatchObject({ seeds: 10, failure: null });
    expect(report.operations.ok).toBeGreaterThan(500);
    expect(report.steps).toBeGreaterThan(2000);
  });

  it("finds a broken invariant without any fault, and prints what it takes to see it again", () => {
    const report = run(createBank({ mayMove: () => true }), { seed: 2 });
    const { failure } = report;
    expect(failure).toMatchObject({ invariant: "nobody is overdrawn", isRepeatable: true });
    expect(failure?.faults).toEqual([]);
    expect(failure?.message).toMatch(/without any fault: nobody is overdrawn: does not hold after/);
    expect(failure?.message).toMatch(/See it again: simulate\(\{ …, seed: \d+, seeds: 1, faults: /);
    expect(failure?.trace).toMatch(/^ +time what +member role/);
    const again = run(createBank({ mayMove: () => true }), { seed: failure?.seed ?? 0, seeds: 1 });
    expect(again.failure?.message).toBe(failure?.message);
  });

  it("says what an invariant says", () => {
    const report = simulate({
      machines: { bank: createBank() },
      workload: (random) => draw(random),
      invariants: { few: ({ bank }) => bank.lastAccount < 5 || "too many accounts" },
      seeds: 3,
    });
    expect(report.failure?.message).toMatch(
      /few: does not hold after index \d+: too many accounts/,
    );
  });

  it("finds state that is shared between members", () => {
    let lastAccount = 0;
    const nextAccount = () => {
      lastAccount++;
      return lastAccount;
    };
    const leaky = createBank({
      nextAccount: (state) => {
        state.lastAccount = nextAccount();
        return state.lastAccount;
      },
    });
    const { failure } = run(leaky);
    expect(failure?.invariant).toMatch(/^D[57]$/);
    expect(failure?.message).toMatch(/has another state at index \d+ .*lastAccount/);
  });

  it("finds randomness and time from outside", () => {
    for (const outside of [() => Math.random(), () => performance.now()]) {
      const chancy = createBank({
        nextAccount: (state) => {
          state.lastAccount = outside();
          return state.lastAccount;
        },
      });
      const { failure } = run(chancy);
      expect(failure?.invariant).toMatch(/^D[578]$/);
      expect(failure?.message).toMatch(/reads time, randomness/);
    }
  });

  it("finds a workload that cannot be repeated", () => {
    const report = simulate({
      machines: { bank: createBank() },
      workload: () => ({
        machine: "bank",
        command: "move",
        argument: { from: "ann", to: "bob", amount: Math.random() },
      }),
      seeds: 1,
    });
    expect(report.failure).toMatchObject({ invariant: "D8", isRepeatable: false });
  });

  it("asks what must hold of everything that clients were told", () => {
    const report = simulate({
      machines: { bank: createBank() },
      workload: (random) => draw(random),
      history: (operations) =>
        operations.every(({ step, result }) => !step.includes("open") || result !== 3) ||
        "somebody got account 3",
      seeds: 3,
    });
    expect(report.failure?.message).toMatch(/history: does not hold: somebody got account 3/);
  });

  it("runs raw machines, and machines together", () => {
    class Adder implements RawMachine<number> {
      total = 0;
      apply(command: Uint8Array): number {
        this.total += command[0] ?? 0;
        return this.total;
      }
    }
    const report = simulate({
      machines: { bank: createBank(), adder: rawMachine(() => new Adder()) },
      workload: (random) =>
        random.chance(0.5)
          ? draw(random)
          : { machine: "adder", argument: Uint8Array.of(random.below(9)) },
      invariants: { small: ({ adder }) => adder.total < 40 },
      seeds: 5,
    });
    expect(report.failure?.invariant).toBe("small");
  });

  it("counts a command that throws as answered", () => {
    const picky = machine({
      version: 1,
      initial: () => ({ count: 0 }),
      commands: {
        add(state, { by }: { by: number }) {
          if (by > 5) throw new Error(`${by} is too much`);
          state.count += by;
        },
      },
    });
    const seen: string[] = [];
    const report = simulate({
      machines: { picky },
      workload: (random) => ({
        machine: "picky",
        command: "add",
        argument: { by: random.below(10) },
      }),
      history: (operations) => {
        for (const { error } of operations) if (error !== undefined) seen.push(error);
        return true;
      },
      seeds: 2,
    });
    assertSimulation(report);
    expect(seen[0]).toMatch(/is too much/);
  });
});
