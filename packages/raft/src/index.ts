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
  StateCapture,
  StateRestore,
  TypedMachine,
} from "./machine/index.ts";
export { jsonCodec, machine, rawMachine, sessionLimits } from "./machine/index.ts";
export type {
  Logger,
  MemberStatus,
  Node,
  NodeEventName,
  NodeEvents,
  NodeLimits,
  NodeListener,
  NodeStatus,
  Session,
  SessionOptions,
  SessionState,
  StartOptions,
} from "./node/index.ts";
export { createConsoleLogger, defaultLimits, silentLogger, start } from "./node/index.ts";
