/** What the checker knows of one member: its disk, and the state in which it saw it last. */
import type { LogIndex, NodeId } from "../../base/index.ts";
import { noIndex, persistUnit } from "../../base/index.ts";
import type {
  AppendEntriesResponse,
  Campaign,
  Configuration,
  Entry,
  HardState,
  InstallSnapshot,
  Persist,
  PlacedSnapshot,
  Raft,
  Role,
  SnapshotReceived,
  Transfer,
} from "../../core/index.ts";
import { emptyConfiguration } from "../../core/index.ts";
import { createPromiseRecord, type PromiseRecord } from "./check-leadership.ts";
import type { DiskImage } from "./disk-image.ts";
import { type Electorate, nobody } from "./electorate.ts";
import type { Past } from "./log-tree.ts";

/** The state after the step before, to compare with. */
export interface Seen {
  role: Role;
  hardState: HardState;
  commit: LogIndex;
  applying: LogIndex;
  applied: LogIndex;
  /** The log in memory: entry k is at k - 1, also when it was dropped or came in a snapshot. */
  readonly log: Past[];
  /** The objects in the core's own log, in the same places; those up to `base` are not there. */
  readonly entries: Entry[];
  /** The index that the core's log begins behind. */
  base: number;
  /** What the core takes for its newest durable snapshot. */
  snapshot: PlacedSnapshot | null;
  /** While leading: of which indexes peers were getting snapshots. */
  offers: readonly number[];
  /** In force, by the log; and what the core said. */
  electorate: Electorate;
  configuration: Configuration;
  configurationIndex: number;
  committedConfigurationIndex: number;
  /** Messages in the core's outbox. */
  sends: number;
  /** By peer, while leading. */
  readonly matched: number[];
  /** When a leader of which term was last heard; -1: none since the start. */
  contactTerm: number;
  contactTick: number;
  contactRound: number;
  /** Its host saw since that this leader is gone. */
  isLeaderGone: boolean;
  campaign: Campaign | null;
  /** Under way, and since which tick. */
  transfer: Transfer | null;
  transferTick: number;
  /** Begun, and their end not told. */
  transfersOpen: number;
}

/** A command that was appended at the leader for a client. */
export interface Proposal {
  readonly index: number;
  readonly term: number;
}

export interface MemberRecord {
  readonly at: number;
  readonly id: NodeId;
  readonly image: DiskImage;
  /** Handed to the disk and not on it, in order. */
  pending: (Persist | InstallSnapshot)[];
  durableUnit: number;
  /** Acknowledgements that wait for a unit of `pending`. */
  owed: { readonly after: number; readonly response: AppendEntriesResponse }[];
  state: "up" | "down" | "recovered";
  seen: Seen;
  proposals: Proposal[];
  /** Reads under way: the index that the answer must reach at least. */
  readonly reads: Map<number, number>;
  /** Logs that were durable and acknowledged before a loss, until the member has caught up. */
  lost: Past[][];
  /** The term it had at its last loss: what it acknowledged up to then may be untrue. */
  lossTerm: number;
  /** Snapshots that its core was given in this life, by their ids. */
  readonly received: Map<number, SnapshotReceived>;
  /** The newest that its machines are to be restored from, and are not; 0: none. */
  restoring: number;
  readonly promise: PromiseRecord;
}

export function createMemberRecord(at: number, id: NodeId, image: DiskImage): MemberRecord {
  return {
    at,
    id,
    image,
    pending: [],
    durableUnit: persistUnit(0),
    owed: [],
    state: "recovered",
    seen: nothingSeen(image),
    proposals: [],
    reads: new Map(),
    lost: [],
    lossTerm: 0,
    received: new Map(),
    restoring: 0,
    promise: createPromiseRecord(),
  };
}

function nothingSeen(image: DiskImage): Seen {
  const { term, votedFor, mustCatchUp } = image;
  return {
    role: "follower",
    hardState: { term, votedFor, mustCatchUp },
    commit: noIndex,
    applying: noIndex,
    applied: noIndex,
    log: [],
    entries: [],
    base: 0,
    snapshot: null,
    offers: [],
    electorate: nobody,
    configuration: emptyConfiguration,
    configurationIndex: -1,
    committedConfigurationIndex: -1,
    sends: 0,
    matched: [],
    contactTerm: -1,
    contactTick: 0,
    contactRound: 0,
    isLeaderGone: false,
    campaign: null,
    transfer: null,
    transferTick: 0,
    transfersOpen: 0,
  };
}

/** The core's entries, and before them what its log begins behind. */
function wholeLog({ log: { base, entries } }: Raft, image: DiskImage): Entry[] {
  if (base.index === noIndex) return [...entries];
  return [...image.log.slice(0, base.index).map((past) => past.entry), ...entries];
}

/** The state that a member starts with: its log is the image's. */
export function seenAtStart(raft: Raft, image: DiskImage): Seen {
  return {
    role: raft.role,
    hardState: raft.hardState,
    commit: raft.commit,
    applying: raft.applying,
    applied: raft.applied,
    log: [...image.log],
    entries: wholeLog(raft, image),
    base: raft.log.base.index,
    snapshot: raft.snapshot,
    offers: [],
    electorate: image.log.at(-1)?.electorate ?? nobody,
    // Not what the core says: it is compared with its log once.
    configuration: emptyConfiguration,
    configurationIndex: -1,
    committedConfigurationIndex: -1,
    sends: raft.outbox.sends.length,
    matched: [],
    contactTerm: -1,
    contactTick: 0,
    contactRound: 0,
    isLeaderGone: false,
    campaign: null,
    transfer: null,
    transferTick: 0,
    transfersOpen: 0,
  };
}
