/**
 * Looks for a seed in which the bank does wrong. `npx tsx examples/simulate-bank/simulate.ts
 * broken` finds one at once, without `broken` it finds none.
 */
import { simulate } from "@quorate/raft/sim";
import { bank, brokenBank } from "./bank.ts";

const report = simulate({
  machines: { bank: process.argv[2] === "broken" ? brokenBank : bank },
  seeds: Number(process.argv[3] ?? 20),
  workload: (random) => {
    if (random.chance(0.3)) {
      return { machine: "bank", read: ({ accounts }) => Object.keys(accounts).length };
    }
    if (random.chance(0.3)) {
      const argument = { owner: `customer ${random.below(100)}`, balance: random.below(50) };
      return { machine: "bank", command: "open", argument };
    }
    const [from, to] = [random.between(1, 9), random.between(1, 9)];
    return {
      machine: "bank",
      command: "move",
      argument: { from, to, amount: random.between(1, 30) },
    };
  },
  invariants: {
    "nobody is overdrawn": ({ bank: { accounts } }) =>
      Object.values(accounts).every(({ balance }) => balance >= 0),
  },
  history: (operations) => {
    const numbers = operations
      .filter(({ step, outcome }) => step.startsWith("bank.open") && outcome === "applied")
      .map(({ result }) => result);
    return new Set(numbers).size === numbers.length || "two accounts have the same number";
  },
});

const { seeds, operations, failure } = report;
if (failure === null) {
  console.log(`${seeds} seeds, ${operations.ok} operations with a result: nothing found`);
} else {
  console.log(`${failure.message}\n\n${failure.trace.split("\n").slice(-12).join("\n")}`);
  process.exitCode = 1;
}
