/** One thing that happened to one member of a world: what checks and probes look at. */

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

/** The place of the member `digit` places on. */
export function placeOn(place: number, digit: number): number {
  return (place + digit) % 3;
}
