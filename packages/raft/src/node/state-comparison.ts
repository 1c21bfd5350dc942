/**
 * Members compare their machines' states: each tells the others a hash of its state at common
 * indexes, and who differs from what a majority of the voters agrees on stops. Called by
 * `member.ts`.
 */
import type { LogIndex, NodeId } from "../base/index.ts";
import { majority, type Raft } from "../core/index.ts";
import type { PeerMessage, StateHashMessage } from "../transport/index.ts";
import { diverged } from "./errors.ts";

export interface StateComparisonHost {
  readonly raft: Raft;
  /** Entries between two comparisons; doubled each time that hashing takes too long. */
  readonly entries: number;
  /** The hash of all machines' states now; null: they have none. */
  hash(): number | null;
  nowMs(): number;
  send(message: PeerMessage): void;
  /** States differ, and no majority says which is right. */
  warn(text: string): void;
}

/** Milliseconds; a hash that takes longer keeps the loop from heartbeats: it is made less often. */
const hashMsMax = 5;
/** Indexes whose hashes are kept: the others' come this much later at most. */
const keptMax = 16;

export class StateComparison {
  readonly #host: StateComparisonHost;
  #entries: number;
  /** By index, in the order of coming: who has which hash. */
  readonly #hashes = new Map<LogIndex, Map<NodeId, number>>();
  #warned = 0;

  constructor(host: StateComparisonHost) {
    this.#host = host;
    this.#entries = host.entries;
  }

  /**
   * After the machines have applied the entry at `index`.
   *
   * @throws QuorateError `DIVERGED`
   */
  onApplied(index: LogIndex): void {
    if (index % this.#entries !== 0) return;
    const { raft } = this.#host;
    const startedMs = this.#host.nowMs();
    const hash = this.#host.hash();
    if (hash === null) return;
    // A multiple of a multiple: slower members still compare at indexes that the others know.
    if (this.#host.nowMs() - startedMs > hashMsMax) this.#entries *= 2;
    for (const { id } of raft.configuration.voters) {
      if (id !== raft.id) {
        this.#host.send({ kind: "state-hash", from: raft.id, to: id, index, hash });
      }
    }
    this.#note(index, raft.id, hash);
  }

  /** @throws QuorateError `DIVERGED` */
  onMessage({ from, index, hash }: StateHashMessage): void {
    this.#note(index, from, hash);
  }

  #note(index: LogIndex, id: NodeId, hash: number): void {
    let hashes = this.#hashes.get(index);
    if (hashes === undefined) {
      hashes = new Map();
      this.#hashes.set(index, hashes);
      const [oldest] = this.#hashes.keys();
      if (this.#hashes.size > keptMax && oldest !== undefined) this.#hashes.delete(oldest);
    }
    hashes.set(id, hash);
    this.#judge(index, hashes);
  }

  #judge(index: LogIndex, hashes: ReadonlyMap<NodeId, number>): void {
    const { raft } = this.#host;
    const own = hashes.get(raft.id);
    if (own === undefined) return;
    const byHash = new Map<number, NodeId[]>();
    const voters = raft.configuration.voters.map(({ id }) => id);
    for (const id of voters) {
      const hash = hashes.get(id);
      if (hash !== undefined) byHash.set(hash, [...(byHash.get(hash) ?? []), id]);
    }
    const needed = majority(voters.length);
    for (const [hash, ids] of byHash) {
      if (hash !== own && ids.length >= needed) throw diverged(raft.id, index, ids);
    }
    const isUndecided = [...byHash.values()].every(({ length }) => length < needed);
    if (byHash.size < 2 || !isUndecided || index <= this.#warned) return;
    this.#warned = index;
    const groups = [...byHash.values()].map((ids) => ids.join(", ")).join(" against ");
    this.#host.warn(`The states at entry ${index} differ, and no majority agrees yet: ${groups}`);
  }
}
