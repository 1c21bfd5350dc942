/**
 * Chapter 5, safety, as far as it decides when an entry is committed. The election restriction, the
 * other half, is in `election.ts`.
 *
 * @paper §5.3, §5.4.2
 */
import { assert, type LogIndex, type NodeId, noIndex, type Term } from "../base/index.ts";
import { onCommitting } from "./backlog.ts";
import { isVoter } from "./configuration.ts";
import { lastIndex, termAt } from "./log.ts";
import { onCommitAdvanced } from "./membership.ts";
import { isQuorum, quorumValue } from "./quorum.ts";
import { type Raft, setHardState } from "./state.ts";
import { adoptTerm } from "./terms.ts";

/**
 * The highest index that a majority of voters has on disk, ours counted by our own disk, and not at
 * all if we are no voter. @thesis §4.2.2
 */
export function majorityMatched(raft: Raft): LogIndex {
  return quorumValue(raft.configuration, (id) => matchedOf(raft, id)) as LogIndex; // one of them
}

function matchedOf(raft: Raft, id: NodeId): LogIndex {
  if (id === raft.id) return raft.durableIndex;
  return raft.leadership?.peers.get(id)?.matched ?? noIndex;
}

/**
 * Only entries of the own term are committed by counting; older ones with them. @paper §5.4.2,
 * Figure 8
 */
export function maybeCommit(raft: Raft): void {
  const leadership = raft.leadership;
  if (leadership === null) return;
  const index = majorityMatched(raft);
  if (index <= raft.commit || termAt(raft.log, index) !== raft.hardState.term) return;
  assert(index >= leadership.termStart, "the own term starts with its no-op");
  leadership.uncommittedBytes -= onCommitting(raft, index);
  assert(leadership.uncommittedBytes >= 0, "the budget returns what it lent");
  raft.commit = index;
  onCommitAdvanced(raft);
}

/**
 * Never beyond what was verified against this leader: a longer tail of ours may be wrong.
 * @paper §5.3
 */
export function maybeCommitAsFollower(raft: Raft): void {
  const index = Math.min(raft.leaderCommit, raft.verified) as LogIndex; // one of two indexes
  if (index > raft.commit) {
    assert(index <= lastIndex(raft.log), "what is verified is in the log");
    onCommitting(raft, index);
    raft.commit = index;
    onCommitAdvanced(raft);
  }
}

/**
 * Ends the abstinence of a member whose disk may have lost acknowledged entries: once it holds on
 * disk all that a leader has committed, that leader's own term included. The leader must have been
 * elected without it: then it has everything that was ever committed with this member's lost
 * acknowledgements, and a late copy of one counts for nothing in its term. Under a leader of an
 * earlier life's term, a caught-up member raises the term, so that the others elect one: only where
 * it can reach enough of them, or it would take a working leader away, and only if it is a voter: a
 * learner's abstinence hurts nobody. Called once a tick.
 */
export function maybeCaughtUp(raft: Raft): void {
  if (!raft.hardState.mustCatchUp || raft.role !== "follower" || raft.leader === null) return;
  const target = raft.leaderCommit;
  if (target > raft.verified || target > raft.durableIndex) return;
  if (termAt(raft.log, target) !== raft.hardState.term) return;
  if (raft.hardState.term > raft.recoveredTerm) {
    setHardState(raft, { ...raft.hardState, mustCatchUp: false });
  } else if (isVoter(raft.configuration, raft.id) && canOthersElect(raft)) {
    adoptTerm(raft, (raft.hardState.term + 1) as Term, null); // term plus one
  }
}

/** Whether there are connections to a quorum of others. */
function canOthersElect(raft: Raft): boolean {
  return isQuorum(raft.configuration, (id) => raft.reachable.has(id));
}
