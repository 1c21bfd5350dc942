/**
 * A member of the walk: a core, its disk, what its host holds back for it, and what the checker saw
 * of it last.
 */
import type { LogIndex, NodeId, PersistUnit } from "../../src/base/index.ts";
import { persistUnit } from "../../src/base/index.ts";
import type { Entry, HardState, Raft, Role, Send } from "../../src/core/index.ts";
import type { Disk } from "./disk.ts";
import type { Past } from "./history.ts";

/** The state after the step before, to compare with. */
export interface Seen {
  role: Role;
  hardState: HardState;
  commit: LogIndex;
  applying: LogIndex;
  applied: LogIndex;
  /** The log in memory: entry k is at k - 1. */
  readonly log: Past[];
  /** By peer, while leading. */
  readonly matched: number[];
  /** When a leader of which term was last heard. */
  contactTerm: number;
  contactTick: number;
}

export interface Proposal {
  readonly index: number;
  readonly term: number;
}

export interface Member {
  readonly at: number;
  readonly id: NodeId;
  /** Null: down. */
  raft: Raft | null;
  readonly disk: Disk;
  /** The newest unit whose completion the core was told. */
  reported: PersistUnit;
  /** Sends whose unit is not reported, in the order of their making. */
  held: Send[];
  /** Handed to the machines. */
  applying: readonly Entry[] | null;
  /** Hears, sees and does nothing before this step. */
  stalledUntil: number;
  /** Stepped since its effects were taken. */
  isDirty: boolean;
  seen: Seen;
  proposals: Proposal[];
  /** Reads under way: the index that the answer must reach at least. */
  readonly reads: Map<number, number>;
  /** Logs that were durable and acknowledged before a loss, until the member has caught up. */
  lost: Past[][];
  /** The term it had at its last loss: what it acknowledged up to then may be untrue. */
  lossTerm: number;
}

export function seenAtStart(raft: Raft, log: readonly Past[]): Seen {
  return {
    role: raft.role,
    hardState: raft.hardState,
    commit: raft.commit,
    applying: raft.applying,
    applied: raft.applied,
    log: [...log],
    matched: [],
    contactTerm: 0,
    contactTick: 0,
  };
}

/** Forgets everything that is not on the disk. */
export function forgetVolatile(member: Member): void {
  member.raft = null;
  member.disk.pending.length = 0;
  member.disk.durableUnit = persistUnit(0);
  member.reported = persistUnit(0);
  member.held = [];
  member.applying = null;
  member.stalledUntil = 0;
  member.isDirty = false;
  member.proposals = [];
  member.reads.clear();
}
