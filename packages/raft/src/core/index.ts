export type { Configuration, Member } from "./configuration.ts";
export {
  createConfiguration,
  decodeConfiguration,
  encodeConfiguration,
  isVoter,
  majority,
  membersMax,
} from "./configuration.ts";
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
export type { Entry, EntryKind, LogPosition } from "./entry.ts";
export { entryBytes, entryOverheadBytes } from "./entry.ts";
export type {
  Applied,
  Input,
  PeerReachable,
  PeerUnreachable,
  Persisted,
  Proposal,
  Read,
  Receive,
  Tick,
} from "./inputs.ts";
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
