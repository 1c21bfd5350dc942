/**
 * The typed events of a node: what happened, also on followers. Listeners run in the turn; one that
 * throws is reported.
 */
import type { Role, TransferReason } from "../core/index.ts";
import type { PromotionHold } from "../transport/index.ts";
import type { CampaignSummary, ElectionSummary } from "./insight/elections.ts";
import type { ReplicationState } from "./insight/witness.ts";

export interface NodeEvents {
  /** The known leader changed; null while there is none. */
  readonly leader: { readonly id: string | null; readonly term: number };
  /** This member's own role or term changed. */
  readonly role: { readonly role: Role; readonly term: number };
  /** Our connection to a peer. */
  readonly peer: {
    /** Null: somebody that is no member was refused. */
    readonly id: string | null;
    readonly kind: "connected" | "disconnected" | "refused";
    readonly reason: string | null;
  };
  /**
   * A leader is known, after a time without one or instead of another: why, how long it took, this
   * member's votes and campaigns. Comes on every member, at the start, too.
   */
  readonly election: ElectionSummary;
  /** A campaign of this member is over, or its question whether it could win. */
  readonly campaign: CampaignSummary;
  /** Commitment has stood still below the end of the log for `stallMs`, or goes on. */
  readonly commit: {
    readonly kind: "stalled" | "resumed";
    readonly commit: number;
    /** Entries above it. */
    readonly waiting: number;
    readonly forMs: number;
    /** At the leader: the voters that lack the next entry. Elsewhere empty. */
    readonly heldBy: readonly string[];
  };
  /** At the leader: how it sends to a peer has changed, and has stayed so for a heartbeat. */
  readonly replication: {
    readonly id: string;
    readonly state: ReplicationState;
    /** Null: none was told in this stint. */
    readonly was: ReplicationState | null;
    readonly matched: number;
    /** Entries of the leader's log that it lacks. */
    readonly behind: number;
  };
  /**
   * The disk has had a unit for `slowStorageMs`, has finished it, or has failed, which ends the
   * member.
   */
  readonly storage: {
    readonly kind: "slow" | "recovered" | "failed";
    /** The oldest that is under way; null: none is. */
    readonly unit: number | null;
    readonly bytes: number;
    readonly forMs: number;
    readonly error: Error | null;
  };
  /**
   * This member has known for `stallMs` of entries that are committed and that it lacks, or has
   * found `damage` and abstains until it has caught up; or that is over.
   */
  readonly "catch-up": {
    readonly kind: "begun" | "ended";
    readonly why: "behind" | "damage";
    readonly commit: number;
    readonly leaderCommit: number;
    readonly forMs: number;
  };
  /**
   * This start found damage in what the member had acknowledged, and has set it aside: what was
   * there comes from the others, and until then the member neither votes nor stands. Once a start.
   */
  readonly "disk-damage": {
    /** One sentence each: file, offset, entries, and what is wrong. */
    readonly reasons: readonly string[];
    /** Paths of the files that were taken out of the way: kept until somebody removes them. */
    readonly setAside: readonly string[];
    /** The last entry that was left. */
    readonly last: number;
  };
  /**
   * A configuration came into force here before it is known to be committed (`begun`), is committed
   * (`committed`), or was withdrawn with its entry by a new leader. On all members.
   */
  readonly membership: {
    readonly kind: "begun" | "committed" | "withdrawn";
    /** Of its entry; of the one that is in force again if it was withdrawn. */
    readonly index: number;
    /** Both the voters before and these decide; a second configuration follows. */
    readonly joint: boolean;
    readonly voters: readonly { readonly id: string; readonly address: string }[];
    readonly learners: readonly { readonly id: string; readonly address: string }[];
    /** With `committed`: who has left for good with it. */
    readonly removed: readonly string[];
  };
  /**
   * How far a learner has come that is to become a voter, as its leader sees it. On all members.
   */
  readonly "member-progress": {
    readonly id: string;
    /** It has the log up to here on its disk; committed is up to `commit`. */
    readonly matched: number;
    readonly commit: number;
    /**
     * What it waits for. `silent`: it does not answer; `behind`: it catches up; `quorum`: as a
     * voter it would cost the majority; `change`: another change is under way; `nothing`: it
     * becomes a voter now.
     */
    readonly hold: PromotionHold;
  };
  /** A snapshot of this member's machines is durable: the log up to `index` may go. */
  readonly "snapshot-taken": {
    readonly index: number;
    readonly term: number;
    readonly bytes: number;
    readonly forMs: number;
  };
  /** One that was due could not be written, for the disk is full; the next is tried when due. */
  readonly "snapshot-failed": { readonly index: number; readonly error: Error };
  /** A snapshot of another member is in the place of this one's log, and in its machines. */
  readonly "snapshot-installed": {
    readonly index: number;
    readonly term: number;
    readonly bytes: number;
    /** Since all of it was there. */
    readonly forMs: number;
  };
  /** A snapshot is on its way to or from this member; once in `snapshotStatusMs`. */
  readonly "snapshot-progress": {
    readonly kind: "sending" | "receiving";
    /** The other member; null while nobody sends. */
    readonly id: string | null;
    readonly index: number;
    readonly bytes: number;
    /** Of `bytes`. */
    readonly doneBytes: number;
    readonly bytesPerSecond: number;
  };
  /**
   * The own disk is unfit for a leader (it finished nothing for `stuckStorageMs`, or three writes
   * in a row took `slowStorageMs` each), or is fit again. Who is unfit does not stand for election,
   * and hands over if it leads and somebody else is fit.
   */
  readonly "disk-health": { readonly healthy: boolean };
  /**
   * This member led and was handing over to `to`: it has stepped down, or goes on because the
   * target did not take over within an election timeout (`timed-out`) or has an unhealthy disk
   * (`unfit`). `why`: it was asked to, `to` has a higher priority, or this member's own disk.
   */
  readonly transfer: {
    readonly to: string;
    readonly why: TransferReason;
    readonly outcome: "stepped-down" | "timed-out" | "unfit";
  };
  /**
   * A version of a machine is enabled, by the entry at `index`: on all members, as each applies it.
   * Not where a snapshot brings it.
   */
  readonly "machine-version": {
    readonly machine: string;
    readonly version: number;
    readonly index: number;
  };
  /** The last event. `error` is null after `stop()`, else what ended the member. */
  readonly stopped: { readonly error: Error | null };
}

export type NodeEventName = keyof NodeEvents;
export type NodeListener<Name extends NodeEventName> = (event: NodeEvents[Name]) => void;

type Listeners = { [Name in NodeEventName]: Set<NodeListener<Name>> };

export class EventHub {
  readonly #onError: (name: NodeEventName, error: unknown) => void;
  readonly #listeners: Listeners = {
    leader: new Set(),
    role: new Set(),
    peer: new Set(),
    election: new Set(),
    campaign: new Set(),
    commit: new Set(),
    replication: new Set(),
    storage: new Set(),
    "catch-up": new Set(),
    "disk-damage": new Set(),
    membership: new Set(),
    "member-progress": new Set(),
    "snapshot-taken": new Set(),
    "snapshot-failed": new Set(),
    "snapshot-installed": new Set(),
    "snapshot-progress": new Set(),
    "disk-health": new Set(),
    transfer: new Set(),
    "machine-version": new Set(),
    stopped: new Set(),
  };

  /** `onError` hears what listeners throw. */
  constructor(onError: (name: NodeEventName, error: unknown) => void) {
    this.#onError = onError;
  }

  /** Returns what takes the listener off again. */
  on<Name extends NodeEventName>(name: Name, listener: NodeListener<Name>): () => void {
    const set: Set<NodeListener<Name>> = this.#listeners[name];
    set.add(listener);
    return () => set.delete(listener);
  }

  emit<Name extends NodeEventName>(name: Name, event: NodeEvents[Name]): void {
    const set: Set<NodeListener<Name>> = this.#listeners[name];
    for (const listener of [...set]) {
      try {
        listener(event);
      } catch (error) {
        this.#onError(name, error);
      }
    }
  }
}
