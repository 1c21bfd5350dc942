/**
 * Who the others were, and how far they had promised to be: remembered over restarts, so that a
 * wiped disk or an older copy of one is not taken for the member that promised. The transport asks
 * it who is let in.
 *
 * What is on disk when: the incarnation and the run of a member before its first message counts;
 * its term soon after it has answered a new leader; how far it had acknowledged at most
 * `peerMemoryMs` later. In memory all of it is newer by at most a tick.
 *
 * Called by `member.ts` and, as `Admission`, by the transport.
 */
import {
  type LogIndex,
  logIndex,
  type MachineVersion,
  type NodeId,
  noIndex,
  type Term,
} from "../../base/index.ts";
import { allMembers, encodeConfiguration, type Raft } from "../../core/index.ts";
import type { VersionedMachines } from "../../machine/index.ts";
import {
  type PeerRecord,
  type PeerRecordStore,
  peerRecordsMax,
  type StorageError,
} from "../../storage/index.ts";
import {
  type Admission,
  type Introduction,
  type JoinAnswer,
  type JoinRequest,
  type Refused,
  removedText,
  replaceHint,
  type Standing,
} from "../../transport/index.ts";
import { firstTooNew, ToldVersions } from "../versions/told-versions.ts";
import { describeTooOld } from "../versions/version-errors.ts";

export interface PeerMemoryParts {
  readonly raft: Raft;
  readonly clusterId: string;
  /** `host:port` where this member can be dialled, as far as it knows. */
  readonly address: string;
  /** What this member had on its disk when it began. */
  readonly standing: Standing;
  /** As found on disk. */
  readonly records: readonly PeerRecord[];
  /** Null: in memory, where nothing outlives the process. */
  readonly store: PeerRecordStore | null;
  /** How old what is on disk may become. Milliseconds. */
  readonly peerMemoryMs: number;
  /** Of this member's machines; left out: they have none to speak of. */
  readonly versions?: VersionedMachines | null;
}

export class PeerMemory implements Admission {
  readonly address: string;
  readonly standing: Standing;
  /** What the others' programs can apply. */
  readonly told: ToldVersions = new ToldVersions();
  readonly #parts: PeerMemoryParts;
  readonly #records = new Map<NodeId, PeerRecord>();
  /** The runs that are on disk as let in. */
  readonly #durableBoots = new Map<NodeId, string>();
  #peers: ReadonlySet<NodeId> = new Set();
  #isSaving = false;
  /** Who waits for the next save. */
  #waiting: (() => void)[] = [];
  #isDirty = false;
  #isUrgent = false;
  #savedMs = 0;
  /** The disk has failed: that is final. */
  #onFailed: (error: StorageError) => void = () => {};

  constructor(parts: PeerMemoryParts) {
    this.#parts = parts;
    this.address = parts.address;
    this.standing = parts.standing;
    for (const record of parts.records) {
      this.#records.set(record.id, record);
      this.#durableBoots.set(record.id, record.boot);
    }
  }

  /** `onFailed`: hears of the first error of the disk. */
  attach(onFailed: (error: StorageError) => void): void {
    this.#onFailed = onFailed;
  }

  get machines(): readonly MachineVersion[] {
    return this.#parts.versions?.known ?? [];
  }

  incarnationOf(id: NodeId): string | null {
    return this.#records.get(id)?.incarnation ?? null;
  }

  isRemoved(id: NodeId): boolean {
    const { configuration, committedConfiguration } = this.#parts.raft;
    if (!committedConfiguration.removed.includes(id)) return false;
    const isIt = (member: { readonly id: NodeId }): boolean => member.id === id;
    return !allMembers(configuration).some(isIt) && !allMembers(committedConfiguration).some(isIt);
  }

  admit(introduction: Introduction, done: (refused: Refused | null) => void): void {
    this.told.note(introduction);
    const older = firstTooNew(this.#parts.versions ?? null, introduction.machines);
    if (older === null) {
      this.#admit(introduction, done);
      return;
    }
    const text = describeTooOld(introduction.identity.id, older.enabled, older.known);
    done({ why: "older-program", text });
  }

  #admit({ identity, standing }: Introduction, done: (refused: Refused | null) => void): void {
    const { id, incarnation, boot } = identity;
    const before = this.#records.get(id);
    if (before !== undefined && before.boot === boot) {
      if (this.#durableBoots.get(id) === boot) done(null);
      else this.#save(() => done(this.#displaced(id, boot)));
      return;
    }
    this.#noteLeadership();
    const known = this.#records.get(id);
    const text = known === undefined ? null : describeLess(known, standing);
    if (text !== null) {
      done({ why: "older-state", text });
      return;
    }
    if (known === undefined) this.#makeRoom();
    const committed = logIndex(Math.max(known?.committed ?? 0, standing.commit));
    const isNewTerm = known === undefined || standing.term > known.term;
    this.#records.set(id, {
      ...{ id, incarnation, boot, committed },
      term: isNewTerm ? standing.term : known.term,
      acked: isNewTerm ? noIndex : known.acked,
    });
    this.#save(() => done(this.#displaced(id, boot)));
  }

  /** Two runs at once: which is the newer shows when the one that lives introduces itself again. */
  #displaced(id: NodeId, boot: string): Refused | null {
    if (this.#records.get(id)?.boot === boot) return null;
    const text = `another run of member ${id} has introduced itself meanwhile`;
    return { why: "not-ready", text };
  }

  /** One that is no peer goes first. */
  #makeRoom(): void {
    if (this.#records.size < peerRecordsMax) return;
    for (const id of this.#records.keys()) {
      if (this.#peers.has(id)) continue;
      this.#records.delete(id);
      return;
    }
  }

  onPeers(peers: ReadonlySet<NodeId>): void {
    this.#peers = peers;
    for (const id of [...this.#records.keys()]) if (this.isRemoved(id)) this.#records.delete(id);
  }

  answerJoin({ id }: JoinRequest): JoinAnswer | Refused {
    const { raft, clusterId } = this.#parts;
    if (this.isRemoved(id)) return { why: "removed-member", text: removedText(id) };
    if (raft.committedConfiguration.voters.length === 0) {
      return { why: "not-ready", text: `member ${raft.id} waits to be added itself` };
    }
    const before = this.incarnationOf(id);
    if (id === raft.id || before !== null) {
      const whose = before === null ? "that is asked" : `with the incarnation ${before}`;
      const text = `${id} is the name of a member ${whose}: choose another name`;
      return { why: "other-incarnation", text: `${text}, or ${replaceHint(id)}` };
    }
    const configuration = encodeConfiguration(raft.committedConfiguration);
    return { clusterId, from: raft.id, configuration };
  }

  onTick(nowMs: number): void {
    this.#noteLeadership();
    if (this.#isSaving || !this.#isDirty) return;
    if (this.#isUrgent || nowMs - this.#savedMs >= this.#parts.peerMemoryMs) {
      this.#savedMs = nowMs;
      this.#save(() => {});
    }
  }

  /** As a leader: what the peers have promised. Each promise was on the peer's disk first. */
  #noteLeadership(): void {
    const { leadership, hardState, commit } = this.#parts.raft;
    if (leadership === null) return;
    for (const [id, { ackedRound, matched }] of leadership.peers) {
      if (ackedRound > 0) this.#note(id, hardState.term, matched, commit);
    }
  }

  #note(id: NodeId, term: Term, matched: LogIndex, commit: LogIndex): void {
    const record = this.#records.get(id);
    if (record === undefined) return;
    const committed = logIndex(Math.max(record.committed, Math.min(matched, commit)));
    const isNewTerm = term > record.term;
    const isSameTerm = term === record.term;
    const acked = isNewTerm || (isSameTerm && matched > record.acked) ? matched : record.acked;
    if (!isNewTerm && acked === record.acked && committed === record.committed) return;
    this.#records.set(id, {
      ...{ ...record, acked, committed },
      term: isNewTerm ? term : record.term,
    });
    this.#isDirty = true;
    if (isNewTerm) this.#isUrgent = true;
  }

  #save(done: () => void): void {
    const { store } = this.#parts;
    this.#isDirty = true;
    if (store === null) {
      this.#onSaved([...this.#records.values()]);
      done();
      return;
    }
    this.#waiting.push(done);
    if (!this.#isSaving) this.#saveNext(store);
  }

  #saveNext(store: PeerRecordStore): void {
    const records = [...this.#records.values()];
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#isSaving = true;
    this.#isDirty = false;
    this.#isUrgent = false;
    store.save(records, (error) => {
      this.#isSaving = false;
      if (error !== null) {
        this.#onFailed(error);
        return;
      }
      this.#onSaved(records);
      for (const done of waiting) done();
      if (this.#waiting.length > 0 && !this.#isSaving) this.#saveNext(store);
    });
  }

  #onSaved(records: readonly PeerRecord[]): void {
    this.#durableBoots.clear();
    for (const { id, boot } of records) this.#durableBoots.set(id, boot);
  }
}

/**
 * What a member lacks of what it had on its disk, by what is remembered; null: nothing. The term
 * never falls. In the term of a leader nothing that it acknowledged to that leader is taken back,
 * and what is committed never is. A log that recovery has cut after damage may lack some of it:
 * that member abstains by itself until it has all that is committed.
 */
function describeLess(known: PeerRecord, now: Standing): string | null {
  const { id, term, acked, committed } = known;
  const least = Math.max(committed, now.term === term ? acked : 0);
  const isLess = now.term < term || (now.last < least && !now.mustCatchUp);
  if (!isLess) return null;
  return (
    `member ${id} had term ${term} and the log up to ${least} on its disk, and comes back with ` +
    `term ${now.term} and the log up to ${now.last}: an older copy of its data directory was ` +
    `restored, so it has forgotten votes and entries that others rely on. Give it back its own ` +
    `directory, or ${replaceHint(id)}`
  );
}
