/**
 * The clocks of a world. Leases rest on what the settings declare of them: where there are leases,
 * clocks run fast or slow within that bound, and neither leap nor stand still. Elsewhere they may
 * do anything.
 */
import type { Hosts, HostTime } from "../hosts/index.ts";
import type { ObservedTime } from "../observer.ts";
import { pick, type Random } from "../random.ts";
import { drawRate, type LeaseFeature } from "./features.ts";

/** Less than any difference that counts, more than the second Raft leaves out of a time. */
const inexactMs = 2 / 1024;

/** What checkers are told of time. */
export interface ObservedClocks {
  readonly time?: ObservedTime;
  readonly clockOf?: (at: number) => number;
}

/** Without leases time is nobody's business. */
export function observedClocks(leases: LeaseFeature | null, { list }: Hosts): ObservedClocks {
  if (leases === null) return {};
  const { leaseMs, leaseDriftPermille: drift } = leases.settings;
  const certainMs = (leaseMs * (1000 - drift)) / (1000 + drift);
  return {
    time: { unit: "ms", clockDrift: leaseMs - certainMs - inexactMs },
    clockOf: (at) => list[at]?.time.nowMs() ?? 0,
  };
}

/** With leases clocks differ from the beginning. */
export function setClocks(leases: LeaseFeature | null, { list }: Hosts, random: Random): void {
  if (leases === null) return;
  for (const { time } of list) time.setRate(drawRate(random, leases));
}

/** Something happens to a clock. Returns what, as a number for the trace. */
export function changeClock(
  time: HostTime,
  leases: LeaseFeature | null,
  unitMs: number,
  random: Random,
): number {
  const dice = random.below(4);
  if (dice === 3) time.jumpWall((random.unit() - 0.5) * 2 * 86_400_000);
  else if (leases !== null) time.setRate(drawRate(random, leases));
  else if (dice === 2) time.jump(unitMs * 4 * random.unit());
  else time.setRate(pick(random, [0.2, 0.8, 1, 1.2, 4]));
  return dice;
}
