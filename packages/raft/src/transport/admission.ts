/**
 * Who is let in: what the transport asks of its host about the other end of a connection. The
 * node's answers rest on what is on its disk (`node/membership/peer-memory.ts`).
 */
import type { LogIndex, MachineVersion, NodeId, Term } from "../base/index.ts";
import type { RefusalReason } from "./codec/handshake-codec.ts";
import type { PeerIdentity } from "./transport.ts";

/** What a member had on its disk when this run of it began: it holds for the whole run. */
export interface Standing {
  readonly term: Term;
  /** Its last entry. */
  readonly last: LogIndex;
  /** The last that it knew to be committed, and has. */
  readonly commit: LogIndex;
  /** Recovery found damage: its log may end before what it acknowledged, and it abstains. */
  readonly mustCatchUp: boolean;
}

/** The first thing that a dialer says after the welcome. */
export interface Introduction {
  readonly identity: PeerIdentity;
  /** `host:port` where it can be dialled, as it knows itself. */
  readonly address: string;
  readonly standing: Standing;
  /** What its program can apply, sorted by name; null: it speaks a version that does not tell. */
  readonly machines: readonly MachineVersion[] | null;
}

/** Why somebody is not let in. */
export interface Refused {
  readonly why: RefusalReason;
  /** For people: names both values and says what to do. */
  readonly text: string;
}

/** A member that is to be asks for the cluster that it enters. */
export interface JoinRequest {
  readonly id: NodeId;
  /** `host:port` where it will be dialled. */
  readonly address: string;
}

/** The cluster as the asked member knows it. */
export interface JoinAnswer {
  readonly clusterId: string;
  readonly from: NodeId;
  /** An encoded configuration. */
  readonly configuration: Uint8Array;
}

export interface Admission {
  /** As this member introduces itself. */
  readonly address: string;
  readonly standing: Standing;
  /** What this program can apply. */
  readonly machines: readonly MachineVersion[];
  /** The incarnation under which `id` is known; null: it is not. */
  incarnationOf(id: NodeId): string | null;
  /** Whether `id` was removed from the cluster for good. */
  isRemoved(id: NodeId): boolean;
  /**
   * Decides on an introduction whose identity was not refused before. `done` runs exactly once,
   * inside the call or later; with null what a later refusal rests on is on disk, and from then on
   * the peer's messages count.
   */
  admit(introduction: Introduction, done: (refused: Refused | null) => void): void;
  /** These are the peers from now on. */
  onPeers(peers: ReadonlySet<NodeId>): void;
  answerJoin(request: JoinRequest): JoinAnswer | Refused;
}
