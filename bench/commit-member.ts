/** A member of the `commit` benchmark: says when it leads, then runs the loop when told to. */
import { rawMachine, start } from "@quorate/raft";
import { runClosedLoop } from "./closed-loop.ts";

interface MemberArguments {
  readonly name: string;
  readonly members: Record<string, string>;
  readonly folder: string;
  readonly payload: number;
  readonly inflight: number;
  readonly seconds: number;
}

const given: MemberArguments = JSON.parse(process.argv[2] ?? "{}");

/** Counts: the cost measured is that of the way, snapshots included, not of a machine. */
const counter = rawMachine(() => {
  let count = 0;
  return {
    apply() {
      count++;
      return count;
    },
    capture: () => captureOf(Uint8Array.from(String(count), (digit) => digit.charCodeAt(0))),
    restore() {
      let digits = "";
      return {
        write(bytes: Uint8Array) {
          digits += String.fromCharCode(...bytes);
        },
        finish() {
          count = Number(digits);
        },
      };
    },
  };
});

function captureOf(bytes: Uint8Array) {
  let at = 0;
  return {
    next(maxBytes: number) {
      if (at === bytes.length) return null;
      const piece = bytes.subarray(at, at + maxBytes);
      at += piece.length;
      return piece;
    },
    release() {},
  };
}

const node = await start({
  id: given.name,
  members: given.members,
  dir: `${given.folder}/${given.name}`,
  machines: { counter },
});
let hasSaid = false;
const look = (): void => {
  if (hasSaid || node.status().role !== "leader") return;
  hasSaid = true;
  process.send?.({ leads: true });
};
node.on("role", look);
look();

process.on("message", () => {
  const payload = new Uint8Array(given.payload).fill(7);
  const machine = node.machines.counter;
  runClosedLoop(
    (succeed, fail) => {
      machine.propose(payload).then(succeed, fail);
    },
    given.inflight,
    given.seconds,
    (result) => process.send?.({ result }),
  );
});
process.on("disconnect", () => process.exit());
