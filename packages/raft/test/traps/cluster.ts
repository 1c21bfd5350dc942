/** What the tests of the membership traps share: a cluster that n1 leads, and time passing. */
import { createLab, elect, joinMember, type Lab, raftOf, settle, tick } from "../lab/index.ts";

export const three = ["n1", "n2", "n3"];
export const five = ["n1", "n2", "n3", "n4", "n5"];

/** A cluster that n1 leads, and members that know nothing yet. */
export function ledBy1(voters: readonly string[], joining: readonly string[] = []): Lab {
  const lab = createLab(voters);
  for (const name of joining) joinMember(lab, name);
  elect(lab, "n1");
  return lab;
}

/** Every member that is up ticks, and all is delivered, `count` times. */
export function run(lab: Lab, count: number): void {
  for (let i = 0; i < count; i++) {
    for (const [name, member] of lab.members) if (member.isUp) tick(lab, name);
    settle(lab);
  }
}

export function leaders(lab: Lab): string[] {
  return [...lab.members.values()]
    .filter(({ raft, isUp }) => isUp && raft.role === "leader")
    .map(({ id }) => id);
}

/** The kinds of a member's entries from index 1, configurations as `c`, others as `-`. */
export function configurationsOf(lab: Lab, name: string): string {
  const { entries } = raftOf(lab, name).log;
  return entries.map(({ kind }) => (kind === "configuration" ? "c" : "-")).join("");
}

export const twoTimeouts = 40;
