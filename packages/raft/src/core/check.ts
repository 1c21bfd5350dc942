/**
 * The invariants of one member, checked after every step in tests and simulation, and by option in
 * production. Each is named after the page of invariants: S13, S14, S15 … State only; histories are
 * the checkers' business.
 */
import { assert, type LogIndex, noIndex } from "../base/index.ts";
import { checkBacklog } from "./backlog.ts";
import { allMembers } from "./configuration.ts";
import { holdsPromise } from "./lease.ts";
import { lastIndex, lastPosition } from "./log.ts";
import { mayCampaign, type Raft } from "./state.ts";

/** @throws InvariantError naming the first invariant that does not hold */
export function checkState(raft: Raft): void {
  const last = lastIndex(raft.log);
  assert(raft.applied <= raft.applying, "S13: applied <= applying");
  assert(raft.applying <= raft.commit, "S13: applying <= commit");
  assert(raft.commit <= last, "S13: commit <= last");
  assert(raft.durableIndex <= last, "S14: durable <= last");
  assert(raft.durableIndex < raft.unstableFrom, "S14: what is durable was handed out");
  assert(lastPosition(raft.log).term <= raft.hardState.term, "S14: no entry above the own term");
  checkSnapshot(raft);
  checkBacklog(raft);
  assert(raft.verified <= last, "S15: what is verified is in the log");
  assert(raft.durableUnit < raft.nextUnit, "units complete after they are handed out");
  checkConfiguration(raft, last);
  checkRole(raft);
  if (raft.leadership !== null) checkLeadership(raft);
}

/** What was dropped is in a snapshot, and what is in a snapshot is committed. */
function checkSnapshot(raft: Raft): void {
  const { base } = raft.log;
  const durable = raft.snapshot?.position.index ?? noIndex;
  let newest = durable;
  for (const { snapshot } of raft.outstanding) {
    if (snapshot !== null) newest = Math.max(newest, snapshot.position.index) as LogIndex; // of two
  }
  assert(base.index <= newest, "S17: base <= snapshot, durable or on its way");
  assert(newest <= raft.applying, "S17: snapshot <= applying");
  if (raft.role === "leader") assert(newest === durable, "S17: a leader's snapshot is durable");
}

/** C3: the configuration is the log's. */
function checkConfiguration(raft: Raft, last: LogIndex): void {
  const { configurationIndex: index, committedConfigurationIndex: committed } = raft;
  assert(index <= last, "C3: the configuration in force is in the log");
  assert(committed <= index, "C3: committed <= in force");
  assert(raft.commit < index === committed < index || index <= 1, "C3: commit and configuration");
  const { voters, outgoing } = raft.configuration;
  assert(voters.length > 0 || (index === 0 && last === 0), "only who has no log knows no voters");
  assert(outgoing === null || outgoing.length > 0, "a joint configuration has two halves");
}

function checkRole(raft: Raft): void {
  const isCampaigning = raft.role === "candidate" || raft.role === "pre-candidate";
  assert(isCampaigning === (raft.campaign !== null), "S16: campaigns belong to candidates");
  assert((raft.role === "leader") === (raft.leadership !== null), "S16: stints belong to leaders");
  if (raft.role === "leader") assert(raft.leader === raft.id, "a leader knows itself");
  else assert(raft.leader !== raft.id, "who does not lead is not its own leader");
  if (isCampaigning) {
    assert(mayCampaign(raft), "S16: only voters campaign");
    assert(!raft.hardState.mustCatchUp, "who must catch up does not campaign");
    assert(raft.leader === null, "who campaigns knows no leader");
    assert(!holdsPromise(raft), "who promised to elect nobody does not campaign");
  }
  if (raft.role === "candidate" || raft.role === "leader") {
    assert(raft.hardState.votedFor === raft.id, "S12: who campaigns voted for itself");
  }
}

function checkLeadership(raft: Raft): void {
  const { base } = raft.log;
  const last = lastIndex(raft.log);
  for (const { id } of allMembers(raft.configuration)) {
    assert(id === raft.id || raft.leadership?.peers.has(id) === true, "every member is sent to");
  }
  for (const [peer, progress] of raft.leadership?.peers ?? []) {
    assert(progress.matched < progress.next, "S15: matched < next", () => peer);
    assert(progress.matched <= last, "S15: matched <= last", () => peer);
    assert(progress.next <= last + 1, "S15: next <= last + 1", () => peer);
    assert(progress.next > base.index, "S17: what is sent next is in the log", () => peer);
    assert(
      (progress.mode === "snapshot") === (progress.offer !== null),
      "S17: one offer",
      () => peer,
    );
    const offered = progress.offer?.position.index ?? base.index;
    assert(offered >= base.index, "S17: the log is kept behind an offer", () => peer);
    assert(
      progress.inflight.length <= raft.settings.inflightMessagesMax,
      "the window holds in messages",
    );
    let bytes = 0;
    for (const inflight of progress.inflight) bytes += inflight.bytes;
    assert(bytes === progress.inflightBytes, "the window's bytes are those of its messages");
    assert(progress.ackedRound <= progress.sentRound, "rounds are answered after they are sent");
  }
}
