/**
 * The Raft algorithm, pure: `createRaft`, `step`, `propose`, `changeMembership`, `compactLog`, …,
 * `takeEffects`.
 */

export type { Backlog } from "./backlog.ts";
export { backlogBytes, backlogLimit, createBacklog, hasRoomFor } from "./backlog.ts";
export { checkState } from "./check.ts";
export { majorityMatched } from "./commitment.ts";
export { compactLog, configurationFor } from "./compaction.ts";
export type { Configuration, Member, WhenReady } from "./configuration.ts";
export {
  allMembers,
  allVoters,
  createConfiguration,
  emptyConfiguration,
  isLearner,
  isVoter,
  majority,
  membersMax,
  removedMax,
} from "./configuration.ts";
export { decodeConfiguration, encodeConfiguration } from "./configuration-codec.ts";
export {
  describeConfiguration,
  describeEffect,
  describeEntries,
  describeMember,
  describeMessage,
  describePosition,
  describeProgress,
} from "./describe.ts";
export type {
  Apply,
  ConfigurationChanged,
  Effect,
  HardState,
  InstallSnapshot,
  Persist,
  ReadAnswered,
  ReadFailure,
  Role,
  RoleChanged,
  Send,
  SnapshotNeeded,
  SnapshotRefused,
  TransferEnded,
  TransferReason,
  WakeIn,
} from "./effects.ts";
export { mayRelease } from "./effects.ts";
export type { Voter } from "./election.ts";
export { decideVote, hasLiveLeader } from "./election.ts";
export type { Entry, EntryKind, LogPosition } from "./entry.ts";
export { entryBytes, entryOverheadBytes } from "./entry.ts";
export { failoverWakesMax } from "./failover.ts";
export type {
  Applied,
  DiskHealth,
  Input,
  LeaderGone,
  LeaseRead,
  Memory,
  PeerReachable,
  PeerUnreachable,
  Persisted,
  Read,
  Receive,
  SnapshotFailed,
  SnapshotMoving,
  SnapshotReceived,
  SnapshotSaved,
  SnapshotSent,
  Tick,
  Wake,
} from "./inputs.ts";
export { hasLease, holdsPromise } from "./lease.ts";
export type { Log, PlacedConfiguration } from "./log.ts";
export {
  appendToLog,
  beforeFirst,
  configurationAt,
  createLog,
  dropThrough,
  entriesBetween,
  entriesWithin,
  isBelowBase,
  isUpToDate,
  lastIndex,
  lastPosition,
  lastPossibleMatch,
  replaceLog,
  termAt,
  truncateLog,
} from "./log.ts";
export type { ChangeRefusal, ChangeResult } from "./membership.ts";
export { changeMembership, isChangePending } from "./membership.ts";
export type { MemberChange, PlanRefusal, PlanResult } from "./membership-plan.ts";
export { planChange, withoutOutgoing } from "./membership-plan.ts";
export type { PreflightRefusal, QuorumLoss, Unreadiness } from "./membership-preflight.ts";
export { promotionLagMax } from "./membership-preflight.ts";
export type {
  AppendEntries,
  AppendEntriesResponse,
  AppendOutcome,
  Message,
  ReadIndex,
  ReadIndexResponse,
  RequestVote,
  RequestVoteResponse,
  Standing,
  TimeoutNow,
  VoteRefusal,
} from "./messages.ts";
export { usualStanding } from "./messages.ts";
export type { Inflight, Progress, SnapshotOffer } from "./progress.ts";
export { mayReplicate } from "./progress.ts";
export { isQuorum, quorumValue } from "./quorum.ts";
export { step } from "./raft.ts";
export type { ProposeResult } from "./replication.ts";
export { propose } from "./replication.ts";
export type { Settings } from "./settings.ts";
export { defaultSettings, describeBadSettings, leaseMsMax, priorityMax } from "./settings.ts";
export type {
  Campaign,
  Failover,
  Leadership,
  LeasePromise,
  PlacedSnapshot,
  Raft,
  RaftOptions,
  Transfer,
} from "./state.ts";
export { createPromise, createRaft, mayCampaign } from "./state.ts";
export { takeEffects } from "./take.ts";
export type { TransferRefusal, TransferResult } from "./transfer.ts";
export { transferLeadership } from "./transfer.ts";
