/**
 * From each kind of input to the actions that may explain what it changed. What none of them
 * explains stays a difference.
 *
 *     tick                      advanceClock; leader: stepDown, or endTransfer, startRound,
 *                               startTransfer
 *                               others: stopAbstaining or raiseTerm, then startPreVote, timeout
 *     request-vote              updateTerm, grantVote
 *     request-vote-response     updateTerm; or countVote, then timeout (after a pre-vote),
 *                               becomeLeader + clientRequest + startRound, or stepDown
 *     append-entries            updateTerm, acceptEntries, promiseLease or releaseLease,
 *                               learnCommit
 *     append-entries-response   updateTerm; or countAcknowledgement, lowerMatch, advanceCommit,
 *                               endTransfer, startRound, a confirmRead for each read answered
 *     read-index, -response     updateTerm
 *     persisted                 countOwnVote, becomeLeader + clientRequest + startRound;
 *                               or advanceCommit
 *                               (which may lead to changeConfiguration or stepDown)
 *     timeout-now               updateTerm; or timeoutNow
 *     leader-gone               loseLink
 *     wake                      startPreVote, timeout
 *     lease-read                advanceClock, leaseRead
 *     transfer                  startRound, startTransfer
 *     propose                   clientRequest
 *     change                    changeConfiguration
 *     take                      a registerRead for each new read and one startRound; write; apply
 *     snapshots                 see `snapshots.ts`
 *     read, applied, news of connections: none
 */
import { unreachable } from "../../base/index.ts";
import type { Input, Message, Raft } from "../../core/index.ts";
import {
  explainCandidacy,
  explainOwnVote,
  explainRequestVote,
  explainRequestVoteResponse,
  explainTick,
} from "./elections.ts";
import { demand, type Explanation } from "./explanation.ts";
import {
  explainLeaderGone,
  explainLeaseRead,
  explainTime,
  explainTimeoutNow,
} from "./leadership.ts";
import type { Mirror } from "./mirror.ts";
import { explainRead, explainReadIndex, explainReadIndexResponse } from "./reads.ts";
import {
  explainAppendEntries,
  explainAppendEntriesResponse,
  explainCommit,
} from "./replication.ts";
import { explainReceived } from "./snapshots.ts";
import { messageOf } from "./words.ts";

export function explainStep(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  input: Input,
): void {
  switch (input.kind) {
    case "tick":
      explainTime(explanation, mirror, raft, input.nowMs, 1);
      explainTick(explanation, mirror, raft);
      break;
    case "receive":
      explainMessage(explanation, mirror, raft, input.message);
      break;
    case "read":
      explainRead(mirror, raft, input.id);
      break;
    case "lease-read":
      explainTime(explanation, mirror, raft, input.nowMs, 0);
      explainLeaseRead(explanation, mirror, raft, input);
      break;
    case "persisted":
      explainOwnVote(explanation, mirror, raft);
      explainCommit(explanation, mirror, raft);
      break;
    case "applied":
      if (input.index > mirror.applied) mirror.applied = input.index;
      break;
    case "wake":
      explainCandidacy(explanation, mirror, raft, true);
      break;
    case "leader-gone":
      explainLeaderGone(explanation, mirror, input);
      break;
    case "disk-health":
    case "memory":
    case "peer-unreachable":
    case "peer-reachable":
    case "snapshot-sent":
    case "snapshot-failed":
    case "snapshot-moving":
      break; // changes nothing that the paper knows
    case "snapshot-saved":
      break; // was explained when it was on disk
    case "snapshot-received":
      explainReceived(explanation, mirror, raft, input);
      break;
    default:
      unreachable(input, "explainStep: an input of unknown kind");
  }
}

function explainMessage(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  message: Message,
): void {
  const { spec, words } = explanation;
  demand(spec.hasLeft(messageOf(words, message)), () => "nobody sent this");
  switch (message.kind) {
    case "request-vote":
      explainRequestVote(explanation, mirror, raft, message);
      break;
    case "request-vote-response":
      explainRequestVoteResponse(explanation, mirror, raft, message);
      break;
    case "append-entries":
      explainAppendEntries(explanation, mirror, raft, message);
      break;
    case "append-entries-response":
      explainAppendEntriesResponse(explanation, mirror, raft, message);
      break;
    case "read-index":
      explainReadIndex(explanation, mirror, raft, message);
      break;
    case "read-index-response":
      explainReadIndexResponse(explanation, mirror, raft, message);
      break;
    case "timeout-now":
      explainTimeoutNow(explanation, mirror, raft, message);
      break;
    default:
      unreachable(message, "explainMessage: a message of unknown kind");
  }
}
