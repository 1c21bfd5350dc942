/**
 * Whether the core makes no difference between members: a step of the member at any place, its
 * peers in either order, is the step of the member at place 0, moved there. `MemberSteps` and the
 * canonical bytes rest on it. (The order of a turn's messages does differ: the core goes through
 * its peers in the order of their names. Which messages there are does not.)
 */
import type { Member, Outcome } from "./member.ts";
import {
  inputs,
  isAfterLull,
  type MemberSteps,
  postOf,
  receiveAt,
  runLocalInput,
} from "./member-steps.ts";
import { decodeMessage, directionOf, encodeMessage, mirrorValue } from "./messages.ts";
import { digitAfter } from "./turn.ts";

/** What a step left behind, seen from the member, its peers exchanged back if they were. */
interface Result {
  readonly bytes: Uint8Array;
  readonly left: readonly number[];
  readonly answers: string;
}

/** The first way to stand in which `number` happens differently to member state `id`, or null. */
export function findAsymmetry(steps: MemberSteps, id: number, number: number): string | null {
  const expected = resultOf(steps, id, number, 0, false);
  for (const place of [0, 1, 2]) {
    for (const isMirrored of [false, true]) {
      const found = resultOf(steps, id, number, place, isMirrored);
      if (!isSame(expected, found)) {
        return `member state ${id}, input ${number}: at place ${place}, mirrored ${isMirrored}`;
      }
    }
  }
  return null;
}

function resultOf(
  steps: MemberSteps,
  id: number,
  number: number,
  place: number,
  isMirrored: boolean,
): Result {
  const bytes = steps.members.view(id).slice();
  const member = steps.codec.decode(bytes, place, isMirrored);
  const { left, answers } = runAt(steps, member, number, isMirrored);
  const values = left.map((message) => {
    const value = encodeMessage(message, directionOf(message));
    return isMirrored ? mirrorValue(value) : value;
  });
  return {
    bytes: steps.codec.encode(member, isMirrored).slice(),
    left: [...new Set(values)].sort((a, b) => a - b),
    answers: answers.map(({ id, index }) => `${id}:${index}`).join(),
  };
}

function runAt(steps: MemberSteps, member: Member, number: number, isMirrored: boolean): Outcome {
  if (number < inputs.receive) {
    return runLocalInput(member, isMirrored ? mirrorInput(number) : number);
  }
  const { value } = steps.messages.at(postOf(number));
  const seen = isMirrored ? mirrorValue(value) : value;
  const from = (member.place + 3 - ((seen % 2) + 1)) % 3;
  return receiveAt(member, decodeMessage(seen, from), isAfterLull(number));
}

/** What names a peer names the other one. */
function mirrorInput(number: number): number {
  for (const first of [inputs.fail, inputs.transfer, inputs.gone]) {
    const digit = digitAfter(number, first);
    if (digit > 0) return first + 3 - digit;
  }
  return number;
}

function isSame(a: Result, b: Result): boolean {
  if (a.answers !== b.answers || a.left.length !== b.left.length) return false;
  if (a.left.some((value, at) => value !== b.left[at])) return false;
  return a.bytes.length === b.bytes.length && a.bytes.every((byte, at) => byte === b.bytes[at]);
}
