/**
 * Chapter 2, terms. A term moves in four ways: an election without a winner and a leader lost (both
 * raise it in `election.ts`), a higher term seen by a leader or candidate, and a higher term seen
 * by a follower (both here).
 *
 * @paper §5.1
 */
import { assert, type NodeId, type Term } from "../base/index.ts";
import { becomeFollower } from "./roles.ts";
import { forgetLeaderOfTerm, type Raft, setHardState } from "./state.ts";

/**
 * A higher term was seen: follow it, whatever the role was. The vote of the old term is void, and
 * only because the term grew. The leader is the sender, if the message proves that.
 */
export function adoptTerm(raft: Raft, term: Term, leader: NodeId | null): void {
  assert(term > raft.hardState.term, "adoptTerm: only a higher term is adopted");
  setHardState(raft, { ...raft.hardState, term, votedFor: null });
  forgetLeaderOfTerm(raft);
  becomeFollower(raft, leader);
}
