/** What both halves of the transport are given. */
import type { Crc32 } from "../base/index.ts";
import type { Clock, Network, Random } from "../ports/index.ts";
import type { Admission } from "./admission.ts";
import type { VersionRange } from "./codec/handshake-codec.ts";
import type { TransportLimits } from "./limits.ts";
import type { PeerIdentity, TransportHandlers } from "./transport.ts";

/** A line for the host's log. */
export interface TransportLogLine {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
}

export interface TransportContext {
  /** Counts its connections, so that `close` knows when all are gone. */
  readonly network: Pick<Network, "connect">;
  readonly clock: Clock;
  readonly random: Random;
  readonly crc32: Crc32;
  readonly identity: PeerIdentity;
  /** Of the protocol, as this member speaks it. */
  readonly versions: VersionRange;
  /** Who is let in. */
  readonly admission: Admission;
  readonly handlers: TransportHandlers;
  readonly limits: TransportLimits;
  readonly log: (line: TransportLogLine) => void;
  /** An alive frame, encoded once. */
  readonly aliveFrame: Uint8Array;
}
