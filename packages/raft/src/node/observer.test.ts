/** What an observer of a running member hears, and in which order. */
import { describe, expect, it } from "vitest";
import { commandFor, Journal, worldDir, worldLimits } from "../../test/node/node-world.ts";
import { crc32, QuorateError } from "../base/index.ts";
import { describeMessage, type Effect, type Input } from "../core/index.ts";
import { createMachineSet, rawMachine } from "../machine/index.ts";
import {
  createMemoryNetwork,
  createSeededRandom,
  createVirtualClock,
  MemoryDisk,
} from "../testing/index.ts";
import { silentLogger } from "./logger.ts";
import type { MemberObserver } from "./observer.ts";
import { type OpenedMember, openMember } from "./open-member.ts";
import { checkOptions } from "./options.ts";

/** One line for each thing heard. */
function createRecorder(lines: string[]): MemberObserver {
  const describeInput = (input: Input): string =>
    input.kind === "persisted" ? `persisted ${input.unit}` : input.kind;
  const describeEffect = (effect: Effect): string =>
    effect.kind === "persist" ? `persist ${effect.unit}` : effect.kind;
  return {
    onStart: (raft) => lines.push(`start ${raft.id}`),
    onStep: (input) => lines.push(`step ${describeInput(input)}`),
    onPropose: (commands, result) => lines.push(`propose ${commands.length} ${result.kind}`),
    onTake: (effects) => {
      if (effects.length > 0) lines.push(`take ${effects.map(describeEffect).join(" ")}`);
    },
    onDurable: ({ unit }) => lines.push(`durable ${unit}`),
    onLeave: (message) => lines.push(`leave ${describeMessage(message)}`),
    onEnd: () => lines.push("end"),
  };
}

function openAlone(observer: MemberObserver): {
  member: OpenedMember["member"];
  advance(ms: number): void;
} {
  const clock = createVirtualClock();
  const random = createSeededRandom(1);
  const disk = new MemoryDisk({ defer: (callback) => void clock.after(1, callback) });
  const network = createMemoryNetwork({ clock }).endpoint("a");
  const options = checkOptions({
    id: "a",
    members: { a: "a:1" },
    limits: worldLimits,
    dir: worldDir,
  });
  const machines = createMachineSet({ journal: rawMachine(() => new Journal()) });
  const ports = { clock, random, disk, network, crc32 };
  let found: OpenedMember | null = null;
  openMember({ options, ports, machines, logger: silentLogger, observer }, (_error, opened) => {
    found = opened ?? null;
  });
  clock.advanceUntil(() => found !== null, 1000);
  if (found === null) throw new Error("the member does not open");
  const { member } = found as OpenedMember;
  return { member, advance: (ms) => clock.advance(ms) };
}

describe("an observer of a member", () => {
  it("hears a write from the start of the member to its end, in order", () => {
    const lines: string[] = [];
    const { member, advance } = openAlone(createRecorder(lines));
    expect(lines).toEqual(["start a"]);
    advance(500);
    lines.length = 0;
    member.propose(commandFor("journal", "x"), 1000, () => lines.push("done"));
    member.read(1000, () => {});
    advance(4);
    member.stop(() => {});
    expect(lines).toEqual([
      "step read",
      "propose 1 appended",
      expect.stringMatching(/^take persist 3/),
      "durable 3",
      "step persisted 3",
      "take apply",
      "done",
      "step applied",
      "end",
    ]);
  });

  it("that throws ends the member, as a broken invariant does", () => {
    const lines: string[] = [];
    const observer = createRecorder(lines);
    const { member, advance } = openAlone({
      ...observer,
      onPropose: () => {
        throw new Error("seen enough");
      },
    });
    advance(500);
    const answer: unknown[] = [];
    member.propose(commandFor("journal", "x"), 1000, (error) => answer.push(error));
    advance(100);
    expect(member.stopError?.message).toBe("seen enough");
    expect(answer[0]).toBeInstanceOf(QuorateError);
    expect(lines.at(-1)).toBe("end");
  });
});
