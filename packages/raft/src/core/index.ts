/** The Raft algorithm, pure: `createRaft`, `step` and `propose`, `takeEffects`. */

export { checkState } from "./check.ts";
export { majorityMatched } from "./commitment.ts";
export type { Configuration, Member } from "./configuration.ts";
export {
  createConfiguration,
  decodeConfiguration,
  encodeConfiguration,
  isVoter,
  majority,
  membersMax,
} from "./configuration.ts";
export {
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
  Persist,
  ReadAnswered,
  ReadFailure,
  Role,
  RoleChanged,
  Send,
} from "./effects.ts";
export { mayRelease } from "./effects.ts";
export type { Voter } from "./election.ts";
export { decideVote, hasLiveLeader } from "./election.ts";
export type { Entry, EntryKind, LogPosition } from "./entry.ts";
export { entryBytes, entryOverheadBytes } from "./entry.ts";
export type {
  Applied,
  Input,
  PeerReachable,
  PeerUnreachable,
  Persisted,
  Read,
  Receive,
  Tick,
} from "./inputs.ts";
export type { Log } from "./log.ts";
export {
  appendToLog,
  beforeFirst,
  createLog,
  entriesBetween,
  entriesWithin,
  isUpToDate,
  lastIndex,
  lastPosition,
  lastPossibleMatch,
  termAt,
  truncateLog,
} from "./log.ts";
export type {
  AppendEntries,
  AppendEntriesResponse,
  AppendOutcome,
  Message,
  ReadIndex,
  ReadIndexResponse,
  RequestVote,
  RequestVoteResponse,
  VoteRefusal,
} from "./messages.ts";
export type { Inflight, Progress } from "./progress.ts";
export { mayReplicate } from "./progress.ts";
export { step } from "./raft.ts";
export type { ProposeResult } from "./replication.ts";
export { propose } from "./replication.ts";
export type { Settings } from "./settings.ts";
export { defaultSettings, describeBadSettings } from "./settings.ts";
export type { Campaign, Leadership, Raft, RaftOptions } from "./state.ts";
export { createRaft } from "./state.ts";
export { takeEffects } from "./take.ts";
