/**
 * A bank on three members: run `npx tsx examples/bank/member.ts a`, then `b` and `c` in other
 * terminals.
 */
import { createInterface } from "node:readline";
import { machine, start } from "@quorate/raft";

const bank = machine({
  version: 1,
  initial: () => ({ balance: {} as Record<string, number> }),
  commands: {
    deposit(state, { to, amount }: { to: string; amount: number }) {
      state.balance[to] = (state.balance[to] ?? 0) + amount;
      return state.balance[to];
    },
    move(state, { from, to, amount }: { from: string; to: string; amount: number }) {
      const has = state.balance[from] ?? 0;
      if (has < amount) return { ok: false as const, has };
      state.balance[from] = has - amount;
      state.balance[to] = (state.balance[to] ?? 0) + amount;
      return { ok: true as const };
    },
  },
});

const id = process.argv[2] ?? "a";
const ports = (process.argv[3] ?? "7001,7002,7003").split(",");
await using node = await start({
  id,
  dir: `${process.argv[4] ?? "data"}/${id}`,
  members: { a: `127.0.0.1:${ports[0]}`, b: `127.0.0.1:${ports[1]}`, c: `127.0.0.1:${ports[2]}` },
  machines: { bank },
});
node.on("leader", (leader) => console.log(`leader ${leader.id ?? "none"} term ${leader.term}`));

// Type `deposit ann 10`, `move ann bob 3`, `balance bob` on any member.
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...words] = line.split(" ");
  const [first = "", second = "", third = ""] = words;
  try {
    if (verb === "deposit") {
      console.log(await node.machines.bank.deposit({ to: first, amount: Number(second) }));
    } else if (verb === "move") {
      const moved = await node.machines.bank.move({
        from: first,
        to: second,
        amount: Number(third),
      });
      console.log(moved.ok ? "moved" : `refused: ${first} has ${moved.has}`);
    } else if (verb === "balance") {
      console.log(await node.machines.bank.read((state) => state.balance[first] ?? 0));
    }
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
  }
}
