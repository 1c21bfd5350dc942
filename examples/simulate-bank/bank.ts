/**
 * A bank whose accounts have numbers, twice: as it was first written, and as it should be. The
 * first one passes every test on a single member.
 */
import { machine } from "@quorate/raft";

interface Account {
  readonly owner: string;
  balance: number;
}

let lastNumber = 0;

/** The bug: each process counts for itself, and begins anew after a restart. */
export const brokenBank = machine({
  version: 1,
  initial: () => ({ accounts: {} as Record<number, Account> }),
  commands: {
    open(state, { owner, balance }: { owner: string; balance: number }) {
      lastNumber++;
      state.accounts[lastNumber] = { owner, balance };
      return lastNumber;
    },
    move(state, { from, to, amount }: { from: number; to: number; amount: number }) {
      return move(state.accounts, from, to, amount);
    },
  },
});

/** All that a command goes by is in the state, the argument and the context. */
export const bank = machine({
  version: 1,
  initial: () => ({ accounts: {} as Record<number, Account>, lastNumber: 0 }),
  commands: {
    open(state, { owner, balance }: { owner: string; balance: number }) {
      state.lastNumber++;
      state.accounts[state.lastNumber] = { owner, balance };
      return state.lastNumber;
    },
    move(state, { from, to, amount }: { from: number; to: number; amount: number }) {
      return move(state.accounts, from, to, amount);
    },
  },
});

function move(accounts: Record<number, Account>, from: number, to: number, amount: number) {
  const payer = accounts[from];
  const payee = accounts[to];
  if (payer === undefined || payee === undefined) return "no such account";
  if (payer.balance < amount) return "refused";
  payer.balance -= amount;
  payee.balance += amount;
  return "moved";
}
