/** What is told of transfers, on both sides. */
import type { NodeId } from "../../base/index.ts";
import type { SnapshotIdentity } from "../../storage/index.ts";
import type { SnapshotRefusal } from "../../transport/index.ts";

/** Why a receiver left a source. `bad`: what it sent is not the snapshot. */
export type SourceLeft = SnapshotRefusal | "stalled" | "lost" | "bad";

/** Why a transfer ended without a snapshot. */
export type FetchEnd =
  /** Nobody sent anything and nobody offered it any more. */
  | "no-source"
  /** A newer one takes its place, for nobody has this one. */
  | "superseded"
  /** The host does not need it any more. */
  | "not-wanted"
  /** The host refused what came. */
  | "refused"
  /** The own disk, or a format that is not known; the host was told. */
  | "failed"
  | "stopped";

export type SnapshotEvent =
  | { readonly kind: "fetch-started"; readonly snapshot: SnapshotIdentity }
  /** `receivedBytes`: verified and taken, whoever sent them. */
  | {
      readonly kind: "fetch-progress";
      readonly snapshot: SnapshotIdentity;
      /** Null while none sends. */
      readonly source: NodeId | null;
      readonly receivedBytes: number;
      readonly bytesPerSecond: number;
    }
  | {
      readonly kind: "source-left";
      readonly snapshot: SnapshotIdentity;
      readonly source: NodeId;
      readonly why: SourceLeft;
      /** For people. */
      readonly reason: string;
    }
  /** All of it is there; the host has it now. */
  | { readonly kind: "fetch-done"; readonly snapshot: SnapshotIdentity }
  | {
      readonly kind: "fetch-ended";
      readonly snapshot: SnapshotIdentity;
      readonly why: FetchEnd;
    }
  | { readonly kind: "send-started"; readonly snapshot: SnapshotIdentity; readonly to: NodeId }
  | {
      readonly kind: "send-progress";
      readonly snapshot: SnapshotIdentity;
      readonly to: NodeId;
      /** Handed to the network on this connection. */
      readonly sentBytes: number;
      /** Where in the file it is. */
      readonly offset: number;
      readonly bytesPerSecond: number;
    }
  | {
      readonly kind: "send-ended";
      readonly snapshot: SnapshotIdentity;
      readonly to: NodeId;
      readonly sentBytes: number;
      /** For people. */
      readonly reason: string;
    }
  /** Somebody asked and got a refusal. */
  | {
      readonly kind: "send-refused";
      readonly snapshot: SnapshotIdentity;
      readonly to: NodeId;
      readonly why: SnapshotRefusal;
    };

/** Bytes a second over `forMs`; 0 while no time has passed. */
export function rateOf(bytes: number, forMs: number): number {
  return forMs > 0 ? Math.round((bytes * 1000) / forMs) : 0;
}
