export type { ClientSession, SessionState } from "./client-sessions.ts";
export type { NodeEventName, NodeEvents, NodeListener } from "./events.ts";
export type {
  CampaignOutcome,
  CampaignSummary,
  ElectionCause,
  ElectionSummary,
  VoteRefused,
} from "./insight/elections.ts";
export type { Explained, ExplainFacts, Explanation } from "./insight/explain.ts";
export { explain } from "./insight/explain.ts";
export type { Finding, Severity } from "./insight/findings.ts";
export type { MetricKind, MetricLabels, MetricName, MetricsHook } from "./insight/metrics.ts";
export { metricTable } from "./insight/metrics.ts";
export type { ReplicationState, Sightings } from "./insight/witness.ts";
export type { StopOptions, TransferOptions } from "./leadership/hand-over.ts";
export type { NodeLimits } from "./limits.ts";
export { defaultLimits } from "./limits.ts";
export type { Logger } from "./logger.ts";
export { createConsoleLogger, silentLogger } from "./logger.ts";
export { Member } from "./member.ts";
export type { AppliedMachines, MemberParts } from "./member-parts.ts";
export type { AskClusterOptions, ClusterView, DirectoryOwner } from "./membership/look-around.ts";
export { askCluster, identifyDirectory } from "./membership/look-around.ts";
export type {
  AddOptions,
  CatchUpOptions,
  ChangeOptions,
  MemberStep,
  Members,
} from "./membership/members.ts";
export { MemoryBudget, memoryBytesMaxDefault } from "./memory-budget.ts";
export type { Node } from "./node.ts";
export { start } from "./node.ts";
export type { MemberObserver } from "./observer.ts";
export type {
  DirectoryReport,
  ReportedMember,
  ReportedPosition,
} from "./offline/directory-report.ts";
export { describeLosses } from "./offline/directory-report.ts";
export type {
  InspectOptions,
  InspectSnapshotOptions,
  RecoverOptions,
  RestoreOptions,
} from "./offline/offline.ts";
export {
  inspectDirectory,
  inspectSnapshot,
  recoverCluster,
  restoreSnapshot,
} from "./offline/offline.ts";
export type { OfflinePorts, RecoveredCluster } from "./offline/recover.ts";
export type { RestoredMember, SnapshotContents, SnapshotReport } from "./offline/restore.ts";
export type { OpenedMember, OpenMemberDone, OpenMemberParts } from "./open-member.ts";
export { openMember } from "./open-member.ts";
export type { CheckedOptions, LeaseOptions, StartOptions } from "./options.ts";
export { checkOptions } from "./options.ts";
export type { Recording } from "./recorder/recording.ts";
export type { Replay, ReplayedStep, ReplayVerdict } from "./recorder/replay.ts";
export { replayRecording } from "./recorder/replay.ts";
export type { Session, SessionOptions } from "./session.ts";
export type { PeerTransfer, TransferNews } from "./snapshots/offered-snapshots.ts";
export type { OpenedSnapshot, OpenSnapshotOptions } from "./snapshots/open-snapshot.ts";
export type { FetchEnd, SnapshotEvent, SourceLeft } from "./snapshots/snapshot-events.ts";
export type {
  FetchStatus,
  SnapshotExchange,
  SnapshotExchangeParts,
} from "./snapshots/snapshot-exchange.ts";
export { createSnapshotExchange } from "./snapshots/snapshot-exchange.ts";
export type { SnapshotLimits } from "./snapshots/snapshot-limits.ts";
export type { MemberRole, MemberStatus, NodeStatus } from "./status.ts";
export { statusOf } from "./status.ts";
export type { MachineVersions, Versions } from "./versions/versions.ts";
