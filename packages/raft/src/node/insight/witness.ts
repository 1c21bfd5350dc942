/**
 * Keeps what the core does not: since when things are as they are. Looks at the core after each
 * step, at each tick, and at the disk's units; tells what changed as events. Changes nothing and
 * decides nothing. Called by `member.ts`; read by `explain.ts`.
 */
import type { LogIndex, NodeId, PersistUnit } from "../../base/index.ts";
import {
  allVoters,
  entryBytes,
  type Input,
  lastIndex,
  mayReplicate,
  type Persist,
  type Progress,
  type Raft,
} from "../../core/index.ts";
import type { NodeEventName, NodeEvents } from "../events.ts";
import type { NodeLimits } from "../limits.ts";
import type { DiskDamage } from "../repair.ts";
import { describeCampaign, describeElection, ElectionWatch } from "./elections.ts";
import { describeBytes, describeCount, describeMs, describeNames } from "./words.ts";

/**
 * How a leader sends to a peer. `probing`: where the logs part is not known yet, one message at a
 * time. `replicating`: entries flow. `window-full`: as much is under way as may be, unanswered.
 * `snapshot`: it lacks what the log does not have any more, and fetches a snapshot from a member
 * that has one. `unreachable`: there is no connection.
 */
export type ReplicationState =
  | "probing"
  | "replicating"
  | "window-full"
  | "full"
  | "snapshot"
  | "unreachable";

/** After "it is". */
const stateWords: Readonly<Record<ReplicationState, string>> = {
  probing: "probing",
  replicating: "replicating",
  "window-full": "window-full",
  full: "full",
  snapshot: "fetching a snapshot",
  unreachable: "unreachable",
};

export interface PeerSighting {
  readonly state: ReplicationState;
  readonly sinceMs: number;
}

/** A unit that the disk has been given and has not finished. */
export interface UnitUnderWay {
  readonly unit: PersistUnit;
  readonly sinceMs: number;
  readonly entries: number;
  readonly bytes: number;
}

/** What was seen up to now; times are of the monotonic clock. Read only. */
export interface Sightings {
  readonly startMs: number;
  readonly elections: ElectionWatch;
  /** Of a leader's peers. */
  readonly peers: ReadonlyMap<NodeId, PeerSighting>;
  /** In the order in which the disk finishes them. */
  readonly units: readonly UnitUnderWay[];
  /** Since when `commit` stands still below the end of the log; null: it does not. */
  readonly commitSinceMs: number | null;
  /** Since when the machines have applied less than is committed; null: they have not. */
  readonly applySinceMs: number | null;
  /** Since when this member has less than its leader has committed; null: it has not. */
  readonly behindSinceMs: number | null;
}

/** A line for the log that goes with an event. */
export interface NewsLine {
  readonly level: "debug" | "info" | "warn";
  readonly text: string;
}

export interface WitnessHost {
  readonly raft: Raft;
  /** What was wrong with the disk at the start; left out: nothing was. */
  readonly damage?: DiskDamage | null;
  readonly limits: Pick<NodeLimits, "tickMs" | "heartbeatMs" | "stallMs" | "slowStorageMs">;
  nowMs(): number;
  isConnected(peer: NodeId): boolean;
  tell<Name extends NodeEventName>(name: Name, event: NodeEvents[Name], line: NewsLine): void;
  onUnitDurable(unit: UnitUnderWay): void;
}

/** What was told of something that goes on. */
interface Told {
  storageSlow: PersistUnit | null;
  commitStalled: boolean;
  catchUp: { readonly why: NodeEvents["catch-up"]["why"]; readonly sinceMs: number } | null;
  damage: boolean;
  readonly peers: Map<NodeId, PeerSighting>;
}

export class Witness implements Sightings {
  readonly startMs: number;
  readonly elections: ElectionWatch;
  readonly peers: Map<NodeId, PeerSighting> = new Map();
  readonly units: UnitUnderWay[] = [];
  commitSinceMs: number | null = null;
  applySinceMs: number | null = null;
  behindSinceMs: number | null = null;
  readonly #host: WitnessHost;
  #commit: LogIndex;
  #applied: LogIndex;
  readonly #told: Told = {
    ...{ storageSlow: null, commitStalled: false, catchUp: null, damage: false },
    peers: new Map(),
  };

  constructor(host: WitnessHost) {
    const { raft } = host;
    this.#host = host;
    this.startMs = host.nowMs();
    this.#commit = raft.commit;
    this.#applied = raft.applied;
    this.elections = new ElectionWatch({
      raft,
      tickMs: host.limits.tickMs,
      nowMs: () => host.nowMs(),
      onCampaign: (event) => {
        const text = `${raft.id} ended a ${describeCampaign(event)}: ${event.outcome}`;
        host.tell("campaign", event, { level: "debug", text });
      },
      onElection: (event) => {
        const text = describeElection(event, raft.id);
        host.tell("election", event, { level: "info", text });
      },
    });
  }

  /** After each step of the core. */
  onStep(input: Input): void {
    this.elections.onStep(input);
    if (input.kind === "tick") this.#look(this.#host.nowMs());
  }

  /** A unit is given to the disk. */
  onPersist({ unit, entries }: Persist): void {
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    this.units.push({ unit, sinceMs: this.#host.nowMs(), entries: entries.length, bytes });
  }

  /** `unit` and all before it are on disk. */
  onDurable(unit: PersistUnit): void {
    const slow = this.#told.storageSlow;
    let first = this.units[0];
    while (first !== undefined && first.unit <= unit) {
      this.units.shift();
      this.#host.onUnitDurable(first);
      if (first.unit === slow) this.#tellStorage("recovered", first);
      first = this.units[0];
    }
  }

  #look(nowMs: number): void {
    this.#lookAtDamage();
    this.#lookAtLog(nowMs);
    this.#lookAtStorage(nowMs);
    this.#lookAtPeers(nowMs);
    this.#lookAtCatchUp(nowMs);
  }

  // --- the log -----------------------------------------------------------------------------------

  #lookAtLog(nowMs: number): void {
    const { raft, limits } = this.#host;
    const hasMoved = raft.commit !== this.#commit;
    if (raft.commit === lastIndex(raft.log)) this.commitSinceMs = null;
    else if (hasMoved || this.commitSinceMs === null) this.commitSinceMs = nowMs;
    const hasApplied = raft.applied !== this.#applied;
    if (raft.applied === raft.commit) this.applySinceMs = null;
    else if (hasApplied || this.applySinceMs === null) this.applySinceMs = nowMs;
    this.#commit = raft.commit;
    this.#applied = raft.applied;
    const forMs = this.commitSinceMs === null ? 0 : nowMs - this.commitSinceMs;
    if (forMs >= limits.stallMs !== this.#told.commitStalled) this.#tellCommit(forMs);
  }

  #tellCommit(forMs: number): void {
    const { raft } = this.#host;
    const isStalled = !this.#told.commitStalled;
    this.#told.commitStalled = isStalled;
    const kind = isStalled ? "stalled" : "resumed";
    const waiting = lastIndex(raft.log) - raft.commit;
    const heldBy = isStalled ? holdersOf(raft) : [];
    const held = heldBy.length === 0 ? "" : `; it waits for ${describeNames(heldBy)}`;
    const text = isStalled
      ? `commitment stands still at ${raft.commit} for ${describeMs(forMs)}, with ` +
        `${describeCount(waiting, "entry", "entries")} above it${held}`
      : `commitment goes on: ${raft.commit}`;
    const level = isStalled ? "warn" : "info";
    const event = { kind, commit: raft.commit, waiting, forMs, heldBy } as const;
    this.#host.tell("commit", event, { level, text });
  }

  // --- the disk ----------------------------------------------------------------------------------

  #lookAtStorage(nowMs: number): void {
    const first = this.units[0];
    if (first === undefined || this.#told.storageSlow !== null) return;
    if (nowMs - first.sinceMs < this.#host.limits.slowStorageMs) return;
    this.#told.storageSlow = first.unit;
    this.#tellStorage("slow", first);
  }

  #tellStorage(kind: "slow" | "recovered", first: UnitUnderWay): void {
    if (kind === "recovered") this.#told.storageSlow = null;
    const forMs = this.#host.nowMs() - first.sinceMs;
    const count = describeCount(first.entries, "entry", "entries");
    const size = `${count}, ${describeBytes(first.bytes)}`;
    const what = `unit ${first.unit} (${size})`;
    const text =
      kind === "slow"
        ? `the disk is slow: it has been writing ${what} for ${describeMs(forMs)}`
        : `the disk has written ${what}, after ${describeMs(forMs)}`;
    const event = { kind, unit: first.unit, bytes: first.bytes, forMs, error: null };
    this.#host.tell("storage", event, { level: kind === "slow" ? "warn" : "info", text });
  }

  /** At the first tick: before, nobody could have begun to listen. */
  #lookAtDamage(): void {
    if (this.#told.damage) return;
    this.#told.damage = true;
    const { damage, raft } = this.#host;
    if (damage === undefined || damage === null || damage.reasons.length === 0) return;
    const { reasons, setAside, last } = damage;
    const text =
      `${raft.id} found damage on its disk and goes on behind entry ${last}; the rest comes from ` +
      `the other members. ${describeCount(setAside.length, "file is", "files are")} kept aside`;
    this.#host.tell("disk-damage", { reasons, setAside, last }, { level: "warn", text });
  }

  // --- the peers of a leader ---------------------------------------------------------------------

  #lookAtPeers(nowMs: number): void {
    const { raft } = this.#host;
    const told = this.#told.peers;
    if (raft.leadership === null) {
      if (this.peers.size > 0) this.peers.clear();
      if (told.size > 0) told.clear();
      return;
    }
    for (const [id, progress] of raft.leadership.peers) {
      const state = this.#stateOf(id, progress);
      const before = this.peers.get(id);
      if (before?.state !== state) this.peers.set(id, { state, sinceMs: nowMs });
      else if (before !== told.get(id)) this.#maybeTellPeer(id, before, progress, nowMs);
    }
    for (const id of this.peers.keys()) {
      if (!raft.leadership.peers.has(id)) {
        this.peers.delete(id);
        told.delete(id);
      }
    }
  }

  #stateOf(id: NodeId, progress: Progress): ReplicationState {
    const { raft } = this.#host;
    if (!this.#host.isConnected(id)) return "unreachable";
    if (progress.mode === "probe") return "probing";
    if (progress.mode === "snapshot") return "snapshot";
    if (progress.isFull) return "full";
    const isBehind = progress.next <= lastIndex(raft.log);
    return isBehind && !mayReplicate(progress, raft.settings) ? "window-full" : "replicating";
  }

  /** A state that has lasted a heartbeat is news; what comes and goes with each message is not. */
  #maybeTellPeer(id: NodeId, now: PeerSighting, progress: Progress, nowMs: number): void {
    if (nowMs - now.sinceMs < this.#host.limits.heartbeatMs) return;
    const before = this.#told.peers.get(id);
    this.#told.peers.set(id, now);
    if (before?.state === now.state) return;
    const behind = lastIndex(this.#host.raft.log) - progress.matched;
    const { state } = now;
    const was = before?.state ?? null;
    const text =
      `${id} is ${stateWords[state]}${was === null ? "" : `, was ${stateWords[was]}`}; ` +
      "it has entries up to " +
      `${progress.matched}, ${describeCount(behind, "entry", "entries")} behind`;
    const event = { id, state, was, matched: progress.matched, behind };
    this.#host.tell("replication", event, { level: "info", text });
  }

  // --- catching up -------------------------------------------------------------------------------

  #lookAtCatchUp(nowMs: number): void {
    const { raft, limits } = this.#host;
    const target = raft.leadership === null ? raft.leaderCommit : raft.commit;
    const isBehind = target > raft.commit;
    if (!isBehind) this.behindSinceMs = null;
    else this.behindSinceMs ??= nowMs;
    const { mustCatchUp } = raft.hardState;
    const since = this.behindSinceMs;
    const isLong = since !== null && nowMs - since >= limits.stallMs;
    const told = this.#told.catchUp;
    if (told === null) {
      if (mustCatchUp || isLong) {
        this.#tellCatchUp("begun", mustCatchUp ? "damage" : "behind", since ?? this.startMs);
      }
    } else if (!mustCatchUp && !isBehind) {
      this.#tellCatchUp("ended", told.why, told.sinceMs);
    }
  }

  #tellCatchUp(kind: "begun" | "ended", why: NodeEvents["catch-up"]["why"], sinceMs: number): void {
    const { raft } = this.#host;
    const forMs = this.#host.nowMs() - sinceMs;
    const event = { kind, why, commit: raft.commit, leaderCommit: raft.leaderCommit, forMs };
    this.#told.catchUp = kind === "begun" ? { why, sinceMs } : null;
    const text =
      kind === "begun"
        ? `${raft.id} catches up: it knows ${raft.commit} as committed, its leader ` +
          `${raft.leaderCommit}${why === "damage" ? "; until then it does not vote" : ""}`
        : `${raft.id} has caught up at ${raft.commit}, after ${describeMs(forMs)}`;
    this.#host.tell("catch-up", event, { level: why === "damage" ? "warn" : "info", text });
  }
}

/** The voters that lack what a leader is to commit next, this member included. */
export function holdersOf(raft: Raft): NodeId[] {
  const { leadership } = raft;
  if (leadership === null || raft.commit === lastIndex(raft.log)) return [];
  const next = nextToCommit(raft, leadership.termStart);
  const holders: NodeId[] = [];
  for (const { id } of allVoters(raft.configuration)) {
    const matched = id === raft.id ? raft.durableIndex : (leadership.peers.get(id)?.matched ?? 0);
    if (matched < next) holders.push(id);
  }
  return holders;
}

/** A leader counts entries of its own term only; older ones are committed with them. */
function nextToCommit(raft: Raft, termStart: LogIndex): number {
  return Math.max(raft.commit + 1, termStart);
}
