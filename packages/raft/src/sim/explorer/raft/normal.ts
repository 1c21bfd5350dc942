/** What `MemberCodec` leaves out of the bytes is what decoding makes of them. */
import { assert } from "../../../base/index.ts";
import { entryBytes, lastIndex, type Raft } from "../../../core/index.ts";
import { checkConfigurations } from "./chain-state.ts";
import { firstEntry, firstEntryOf } from "./entries.ts";
import { fullLog, type Member } from "./member.ts";

/** Of the entries that are not committed. */
export function uncommittedBytes(raft: Raft): number {
  let bytes = 0;
  for (let at = raft.commit - raft.log.base.index; at < raft.log.entries.length; at++) {
    const entry = raft.log.entries[at];
    if (entry !== undefined) bytes += entryBytes(entry);
  }
  return bytes;
}

/** @throws InvariantError for a member that would be another one after decoding */
export function checkNormal(member: Member): void {
  const { raft } = member;
  const { leadership, outbox } = raft;
  const last = lastIndex(raft.log);
  assert(raft.applied === raft.commit, "what is committed was applied");
  assert(raft.applying === raft.commit, "what is committed was handed out");
  assert(raft.unstableFrom === last + 1, "a take hands every entry out");
  assert(raft.outstanding.length === member.pending.length, "units are under way once");
  assert(raft.nextUnit - raft.durableUnit - 1 === member.pending.length, "units are consecutive");
  assert(raft.pendingAck === null, "a take settles what is owed");
  assert(raft.readsToAsk.length === 0, "a take asks all reads");
  assert(outbox.sends.length + outbox.answers.length === 0, "a take empties the outbox");
  assert(outbox.truncateFrom === null && !outbox.hardStateChanged, "a take stores what changed");
  assert(!outbox.configurationChanged, "a take tells of a configuration");
  const { changes } = member.options;
  assert(fullLog(member)[0] === firstEntryOf(changes), "the first entry stays");
  assert(member.covered.length === raft.log.base.index, "what is covered is what was dropped");
  if (changes !== null) checkConfigurations(changes, raft);
  else assert(raft.configurationIndex === firstEntry.index, "the configuration stays");
  assert(!raft.hardState.mustCatchUp, "no disk is damaged here");
  assert(raft.told.role === raft.role && raft.told.leader === raft.leader, "the host knows it");
  checkLeadershipRest(member);
  if (raft.campaign !== null) {
    const forTerm = raft.hardState.term + (raft.role === "pre-candidate" ? 1 : 0);
    assert(raft.campaign.term === forTerm, "who campaigns does so for its term, or the next");
  }
  if (leadership === null) return;
  assert(leadership.commitTaken === raft.commit, "a take notes the commit index");
  assert(leadership.newReads.length === 0, "a take registers reads");
  assert(leadership.heartbeatElapsed === 0, "every tick is a heartbeat");
  assert(leadership.uncommittedBytes === uncommittedBytes(raft), "the budget is the log's");
}

/** Nobody has what the model has not. */
function checkLeadershipRest({ raft, options }: Member): void {
  const { failover, promise, leadership, campaign, hardState } = raft;
  assert(options.seesGone || failover === null, "nobody's leader is gone here");
  assert(options.hasLeases || promise.term === 0, "nobody promises anything here");
  assert(options.hasLeases || hardState.promisedMs === undefined, "nobody ever promised anything");
  if (options.handsOver) return;
  assert(leadership === null || leadership.transfer === null, "nobody hands over here");
  assert(campaign === null || !campaign.isTransfer, "nobody is told to stand here");
}
