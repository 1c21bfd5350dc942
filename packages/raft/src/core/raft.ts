/**
 * The dispatcher: one input in, state changed; effects come out with `takeEffects`. Many inputs may
 * be stepped before a take. Nothing but this, `propose`, `changeMembership`, `transferLeadership`
 * and `compactLog` changes a member's state.
 */
import { assert, unreachable } from "../base/index.ts";
import { onSnapshotSaved } from "./compaction.ts";
import { onRequestVote, onRequestVoteResponse } from "./election.ts";
import { maybeHearLost, onLeaderGone, onWake } from "./failover.ts";
import type { Input } from "./inputs.ts";
import { onLeaseRead } from "./lease.ts";
import type { Message } from "./messages.ts";
import { onApplied, onPersisted } from "./persistence.ts";
import { failAskedReads, onRead, onReadIndex, onReadIndexResponse } from "./reads.ts";
import {
  onAppendEntries,
  onAppendEntriesResponse,
  onPeerReachable,
  onPeerUnreachable,
} from "./replication.ts";
import { onSnapshotReceived } from "./snapshot-install.ts";
import { onSnapshotFailed, onSnapshotMoving, onSnapshotSent } from "./snapshot-offer.ts";
import type { Raft } from "./state.ts";
import { onTick } from "./timers.ts";
import { onTimeoutNow } from "./transfer.ts";

/** @throws InvariantError when an invariant is broken: the member must stop. */
export function step(raft: Raft, input: Input): void {
  switch (input.kind) {
    case "tick":
      onTick(raft, input);
      break;
    case "receive":
      onMessage(raft, input.message);
      break;
    case "read":
      onRead(raft, input.id);
      break;
    case "lease-read":
      onLeaseRead(raft, input);
      break;
    case "persisted":
      onPersisted(raft, input.unit);
      break;
    case "applied":
      onApplied(raft, input.index);
      break;
    case "peer-unreachable":
      if (input.peer === raft.leader) failAskedReads(raft);
      onPeerUnreachable(raft, input.peer);
      break;
    case "peer-reachable":
      onPeerReachable(raft, input.peer);
      break;
    case "disk-health":
      raft.isDiskHealthy = input.isHealthy;
      break;
    case "memory":
      raft.backlog.isTight = input.isTight;
      break;
    case "leader-gone":
      onLeaderGone(raft, input);
      break;
    case "wake":
      onWake(raft, input.jitter);
      break;
    case "snapshot-saved":
      onSnapshotSaved(raft, input.position);
      break;
    case "snapshot-received":
      onSnapshotReceived(raft, input);
      break;
    case "snapshot-sent":
      onSnapshotSent(raft, input.peer);
      break;
    case "snapshot-failed":
      onSnapshotFailed(raft, input.peer);
      break;
    case "snapshot-moving":
      onSnapshotMoving(raft, input.peer);
      break;
    default:
      unreachable(input, "step: an input of unknown kind");
  }
}

function onMessage(raft: Raft, message: Message): void {
  assert(message.to === raft.id, "messages are delivered to whom they name");
  if (raft.failover !== null) maybeHearLost(raft, raft.failover, message);
  switch (message.kind) {
    case "request-vote":
      onRequestVote(raft, message);
      break;
    case "request-vote-response":
      onRequestVoteResponse(raft, message);
      break;
    case "append-entries":
      onAppendEntries(raft, message);
      break;
    case "append-entries-response":
      onAppendEntriesResponse(raft, message);
      break;
    case "read-index":
      onReadIndex(raft, message);
      break;
    case "read-index-response":
      onReadIndexResponse(raft, message);
      break;
    case "timeout-now":
      onTimeoutNow(raft, message);
      break;
    default:
      unreachable(message, "step: a message of unknown kind");
  }
}
