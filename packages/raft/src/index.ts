/** `@quorate/raft`: start a member, declare machines, handle errors. */
export type { ErrorCode, ErrorDetails, Outcome } from "./base/index.ts";
export { InvariantError, isQuorateError, QuorateError } from "./base/index.ts";
export type {
  ApplyContext,
  CancelSignal,
  Codec,
  CommandContext,
  HandlesOf,
  MachineDeclaration,
  MachineDeclarations,
  MachineHandle,
  ProposeOptions,
  RawMachine,
  RawMachineHandle,
  ReadOptions,
  TypedMachine,
} from "./machine/index.ts";
export { jsonCodec, machine, rawMachine } from "./machine/index.ts";
export type {
  CampaignOutcome,
  CampaignSummary,
  ElectionCause,
  ElectionSummary,
  Explained,
  Explanation,
  Finding,
  Logger,
  MemberStatus,
  MetricKind,
  MetricLabels,
  MetricName,
  MetricsHook,
  Node,
  NodeEventName,
  NodeEvents,
  NodeLimits,
  NodeListener,
  NodeStatus,
  ReplicationState,
  Severity,
  StartOptions,
  VoteRefused,
} from "./node/index.ts";
export {
  createConsoleLogger,
  defaultLimits,
  metricTable,
  silentLogger,
  start,
} from "./node/index.ts";
