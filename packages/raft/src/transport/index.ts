export type { Address } from "../ports/index.ts";
export { formatAddress, isLoopbackHost, parseAddress } from "../ports/index.ts";
export type {
  Admission,
  Introduction,
  JoinAnswer,
  JoinRequest,
  Refused,
  Standing,
} from "./admission.ts";
export type { AskToJoinOptions, JoinOutcome } from "./ask-to-join.ts";
export { askToJoin } from "./ask-to-join.ts";
export type { BulkDial, BulkDialHandlers, BulkHandlers, BulkLink } from "./bulk-link.ts";
export type {
  BulkMessage,
  SnapshotBlock,
  SnapshotOpen,
  SnapshotRead,
  SnapshotRefusal,
  SnapshotRefused,
} from "./bulk-message.ts";
export { bulkDataBytesMax } from "./bulk-message.ts";
export type { RefusalReason, VersionRange } from "./codec/handshake-codec.ts";
export type { TransportLogLine } from "./context.ts";
export { removedText, replaceHint } from "./handshake.ts";
export type { TransportLimits } from "./limits.ts";
export { checkTransportLimits, defaultTransportLimits } from "./limits.ts";
export type { MessageBytes } from "./message-bytes.ts";
export { createMessageBytes } from "./message-bytes.ts";
export type {
  ChangeAnswer,
  ChangeMembersRequest,
  ChangeMembersResponse,
  ForwardRequest,
  ForwardResponse,
  HeldCommand,
  LearnerProgress,
  OlderProgram,
  OtherMembers,
  PeerMessage,
  PromotionHold,
  SnapshotName,
  SnapshotOffer,
  SnapshotState,
  SnapshotStatus,
  StateHashMessage,
} from "./peer-message.ts";
export { changesMax } from "./peer-message.ts";
export type { TransportError, TransportOptions } from "./peer-transport.ts";
export { createTransport } from "./peer-transport.ts";
export type { PeerEvent, PeerIdentity, Transport, TransportHandlers } from "./transport.ts";
