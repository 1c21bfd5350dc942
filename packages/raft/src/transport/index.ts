export type { Address } from "../ports/index.ts";
export { formatAddress, isLoopbackHost, parseAddress } from "../ports/index.ts";
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
export type { TransportLogLine } from "./context.ts";
export type { TransportLimits } from "./limits.ts";
export { checkTransportLimits, defaultTransportLimits } from "./limits.ts";
export type { MessageBytes } from "./message-bytes.ts";
export { createMessageBytes } from "./message-bytes.ts";
export type {
  ForwardRequest,
  ForwardResponse,
  PeerMessage,
  SnapshotName,
  SnapshotOffer,
  SnapshotState,
  SnapshotStatus,
  StateHashMessage,
} from "./peer-message.ts";
export type { TransportError, TransportOptions } from "./peer-transport.ts";
export { createTransport } from "./peer-transport.ts";
export type { PeerEvent, PeerIdentity, Transport, TransportHandlers } from "./transport.ts";
