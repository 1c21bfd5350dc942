/** One thing that happened to one member of a world: what checks and probes look at. */

import type { Bounds } from "./bounds.ts";
import type { Chain } from "./changes.ts";
import { inputs, type MemberFacts, type StepOutcome } from "./member-steps.ts";
import type { Post } from "./message-table.ts";
import type { WorldMessage } from "./messages.ts";

export interface Turn {
  /** Of the member it happened to. */
  place: number;
  /** See `inputs`. */
  input: number;
  before: MemberFacts;
  after: MemberFacts;
  readonly bounds: Bounds;
  /** Null: members do not change in this model. */
  readonly changes: Chain | null;
  /** All members by place, after it. */
  readonly all: MemberFacts[];
  outcome: StepOutcome;
  /** Whether what arrived stays under way, of which there is a limited number. */
  isDuplicate: boolean;
  /** The message that arrived, if one did. */
  received: WorldMessage | null;
  /** What left, as its receivers see it. */
  readonly left: Post[];
}

export function isCrash(turn: Turn): boolean {
  return turn.input >= inputs.crash && turn.input < inputs.snapshot;
}

export function isRead(turn: Turn): boolean {
  return turn.input >= inputs.read && turn.input < inputs.crash;
}

export function isProposal(turn: Turn): boolean {
  return turn.input >= inputs.propose && turn.input < inputs.read;
}

/** An election timer ran out. */
export function isTimeout({ input }: Turn): boolean {
  return input === inputs.electionTimer || (input >= inputs.timerAt && input < inputs.leaseRead);
}

/** A leader's tick. */
export function isLeaderTick({ input, before }: Turn): boolean {
  if (before.role !== 3) return false;
  return input === inputs.tick || (input >= inputs.tickAt && input < inputs.timerAt);
}

export function isLeaseRead(input: number): boolean {
  return input >= inputs.leaseRead && input < inputs.pass;
}

/** The digit of whom the input names, or 0. */
export function digitAfter(input: number, first: number): number {
  const digit = input - first;
  return digit === 1 || digit === 2 ? digit : 0;
}

/** The place of the member `digit` places on. */
export function placeOn(place: number, digit: number): number {
  return (place + digit) % 3;
}
