/**
 * Messages that can do nothing any more, however late they arrive: they are taken out of the world,
 * so that worlds that differ in such messages alone are one. All of it rests on what never goes
 * back: the term on a disk, the vote with it, and that nobody campaigns for or leads one term
 * twice. That these do not go back is checked after every turn (S1, S10, S11, S16 in `checks.ts`):
 * a core that breaks them is found before a message is missed for it.
 */
import { unreachable } from "../../../base/index.ts";
import type { MemberFacts } from "./member-steps.ts";
import type { WorldMessage } from "./messages.ts";

/** What can still come, whatever happens. */
export interface Prospect {
  /** No member or message will ever have a higher term: who has this one on disk learns of none. */
  termMax: number;
  /** Whether an election timer may still run out. */
  mayCampaign: boolean;
  /** Whether members see leaders go: then any message of a leader says that it lives. */
  readonly seesGone: boolean;
}

/** `digit` is the sender's, seen from the receiver. */
export function isSpent(
  message: WorldMessage,
  digit: number,
  from: MemberFacts,
  to: MemberFacts,
  prospect: Prospect,
): boolean {
  const { termMax } = prospect;
  if (prospect.seesGone && maySayThatItLives(message, digit, to)) return false;
  switch (message.kind) {
    case "request-vote": {
      if (from.diskTerm < termMax) return false;
      // Changes nothing where it arrives; and its answer is for a campaign that is over.
      if (message.pre)
        return !prospect.mayCampaign ? from.role !== 1 : from.diskTerm >= message.term;
      // The receiver has voted or is beyond the term; the candidate needs no answer any more.
      const isDecided =
        to.diskTerm > message.term || (to.diskTerm === message.term && to.diskVote !== 3);
      return isDecided && !isWaited(from, message.term, 3 - digit);
    }
    case "request-vote-response":
      if (message.pre) return isPreAnswerSpent(message, to, prospect);
      if (to.diskTerm < message.term || to.diskTerm < message.campaignTerm) return false;
      return !isWaited(to, message.campaignTerm, digit);
    case "append-entries":
      // Refused for its term, which tells its sender nothing.
      return to.diskTerm > message.term && from.diskTerm >= termMax;
    case "append-entries-response":
      return to.diskTerm >= message.term && !(to.role === 3 && to.term === message.term);
    case "timeout-now":
      // Obeyed in its own term only, and answered by nobody.
      return to.diskTerm > message.term;
    case "read-index":
    case "read-index-response":
      return false;
    case "snapshot":
      // Its disk has that or more, and so it has been told; and no leader waits for a report.
      return (
        to.diskTerm >= message.term &&
        to.diskSnapshot >= message.position.index &&
        !isLedBy(from, message.term)
      );
    case "snapshot-report":
      return !isLedBy(to, message.term);
    default:
      return unreachable(message, "isSpent: a message of unknown kind");
  }
}

/** By who leads, or may lead, in the receiver's term or later, or whose end it has seen. */
function maySayThatItLives(message: WorldMessage, digit: number, to: MemberFacts): boolean {
  if (to.role === 3 && to.term === message.term) return false;
  return message.term >= to.diskTerm || (to.lostLeader === digit && to.lostTerm === message.term);
}

function isLedBy(facts: MemberFacts, term: number): boolean {
  return facts.role === 3 && facts.term === term;
}

/**
 * Whether `candidate` stands for `term` and has not counted the answer of the member at `digit`.
 */
function isWaited(candidate: MemberFacts, term: number, digit: number): boolean {
  const stands = candidate.role === 2 && candidate.term === term;
  return stands && (candidate.counted & (1 << digit)) === 0;
}

/**
 * The term that was asked for has come, or who asked has given up for good; and a refusal has no
 * newer term to tell of.
 */
function isPreAnswerSpent(
  message: Extract<WorldMessage, { kind: "request-vote-response" }>,
  to: MemberFacts,
  prospect: Prospect,
): boolean {
  const asks = prospect.mayCampaign || (to.role === 1 && to.campaignTerm === message.campaignTerm);
  if (asks && to.diskTerm < message.campaignTerm) return false;
  return message.refused === null || to.diskTerm >= message.term;
}
