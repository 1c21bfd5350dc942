export type { Codec } from "./codec.ts";
export { argumentDepthMax, jsonCodec, UnencodableError } from "./codec.ts";
export type { CommandOutcome } from "./command-outcome.ts";
export type { VersionedThing } from "./machine-errors.ts";
export {
  describeWithoutSnapshots,
  UnknownCommandError,
  UnknownMachineError,
  UnknownVersionError,
  UnrestorableError,
} from "./machine-errors.ts";
export type {
  CancelSignal,
  MachineHost,
  ProposeOptions,
  ReadOptions,
  Watch,
} from "./machine-host.ts";
export type { HandlesOf, MachineDeclarations, MachineSet } from "./machine-set.ts";
export { createMachineSet, encodeCommand, envelopeVersion } from "./machine-set.ts";
export type { VersionedMachines } from "./machine-versions.ts";
export { decodeEnable, encodeEnable, isEnableEntry } from "./machine-versions.ts";
export type {
  ApplyContext,
  DirectMachine,
  MachineDeclaration,
  MachineInstance,
  RawMachine,
  RawMachineHandle,
  ReplyCodec,
  ResultOf,
} from "./raw-machine.ts";
export { rawMachine } from "./raw-machine.ts";
export { machine } from "./reducer.ts";
export type {
  CheckedCommands,
  Command,
  CommandContext,
  CommandParameters,
  CommandResult,
  Commands,
  MachineHandle,
  ReadonlyState,
  ReservedCommandName,
  TypedMachine,
} from "./reducer-types.ts";
export {
  encodeSessionClose,
  encodeSessionCommand,
  encodeSessionKeepAlive,
  encodeSessionOpen,
} from "./session-envelope.ts";
export type { SessionOutcome } from "./session-table.ts";
export { sessionLimits } from "./session-table.ts";
export type { MachineSetCapture, SnapshotPiece } from "./set-capture.ts";
export type { MachineSetRestore } from "./set-restore.ts";
export type { StateCapture, StateRestore } from "./state-capture.ts";
