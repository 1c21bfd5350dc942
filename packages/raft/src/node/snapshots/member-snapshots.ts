/**
 * The snapshots of a member: takes them when they are due, cuts the log behind them, brings them to
 * members that need one, and puts what was received in the place of the log. The core decides what
 * is needed and what is installed; here is how. Called by `member.ts`.
 */
import { assert, type LogIndex, type NodeId, type Term } from "../../base/index.ts";
import {
  compactLog,
  configurationFor,
  type Entry,
  type Input,
  type InstallSnapshot,
  type LogPosition,
  type Raft,
  type SnapshotNeeded,
  type SnapshotRefused,
  termAt,
} from "../../core/index.ts";
import {
  describeWithoutSnapshots,
  type MachineSetCapture,
  type MachineSetRestore,
} from "../../machine/index.ts";
import type { Clock } from "../../ports/index.ts";
import {
  describeSnapshot,
  isOpenError,
  type LogStore,
  type OpenError,
  type SealedSnapshot,
  type SnapshotIdentity,
  StorageDamage,
  type StorageError,
} from "../../storage/index.ts";
import type {
  BulkHandlers,
  BulkLink,
  SnapshotOffer,
  SnapshotStatus,
  Transport,
} from "../../transport/index.ts";
import type { Deadlines } from "../deadlines.ts";
import { fromOpenError, snapshotConflict, storageFailed } from "../errors.ts";
import type { NodeEventName, NodeEvents } from "../events.ts";
import type { NodeLimits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { MemberObserver } from "../observer.ts";
import { guardBulk, guardDial } from "./guard-bulk.ts";
import { restoreMachines } from "./restore-machines.ts";
import { encodeSnapshotConfiguration, placeSnapshot } from "./snapshot-configuration.ts";
import type { SnapshotEvent } from "./snapshot-events.ts";
import { createSnapshotExchange, type SnapshotExchange } from "./snapshot-exchange.ts";
import { isNoSpace, SnapshotExports } from "./snapshot-exports.ts";
import { bytesThrough, SnapshotPolicy } from "./snapshot-policy.ts";
import { type Deliver, SnapshotTaker } from "./snapshot-taker.ts";

/** Machines whose state can be in a snapshot; without both calls there are no snapshots. */
export interface SnapshotMachines {
  /** Those that cannot: while there is one, there are no snapshots. */
  readonly withoutSnapshots?: readonly string[];
  /** @throws what must stop the member */
  capture?(index: LogIndex, term: Term): MachineSetCapture;
  restore?(index: LogIndex, term: Term): MachineSetRestore;
}

/** Whether snapshots of them can be taken, and taken in. */
export function canSnapshot(machines: SnapshotMachines): machines is Required<SnapshotMachines> {
  const { capture, restore, withoutSnapshots = [] } = machines;
  return capture !== undefined && restore !== undefined && withoutSnapshots.length === 0;
}

export interface MemberSnapshotsHost {
  readonly raft: Raft;
  readonly observer: Pick<MemberObserver, "onOffered"> | null;
  readonly store: LogStore;
  readonly machines: SnapshotMachines;
  readonly clock: Clock;
  readonly limits: NodeLimits;
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  /** Counts and tells an event. */
  tell<Name extends NodeEventName>(name: Name, event: NodeEvents[Name]): void;
  isRunning(): boolean;
  isConnected(peer: NodeId): boolean;
  transport(): Transport | null;
  /** Gives the core an input, and runs a turn soon; what is thrown ends the member. */
  step(input: Input): void;
  /** Runs a callback; what it throws ends the member. */
  guard(run: () => void): void;
  end(error: Error): void;
  /** The unit is durable, and with it the snapshot. */
  onInstalled(effect: InstallSnapshot): void;
  /** The machines hold the state at `position`, whatever they held before. */
  onRestored(position: LogPosition): void;
  /** The core's log was cut. */
  onCut(): void;
}

/** What was received and waits for the core's word. */
interface Received {
  readonly sealed: SealedSnapshot;
  readonly answer: (isTaken: boolean) => void;
}

export class MemberSnapshots {
  readonly exchange: SnapshotExchange;
  /** For callers of this member's program. */
  readonly exports: SnapshotExports;
  readonly #host: MemberSnapshotsHost;
  readonly #policy: SnapshotPolicy;
  readonly #taker: SnapshotTaker;
  readonly #received = new Map<number, Received>();
  #receivedId = 0;
  /** When each peer that needs a snapshot was last told of one. */
  readonly #offeredMs = new Map<NodeId, number>();
  /** Snapshots here that cannot be read back. */
  readonly #damaged = new Set<SnapshotIdentity>();
  /** A received one is on its way into the log or the machines. */
  #installing: LogPosition | null = null;
  /** What the taker writes is for a caller. */
  #isExporting = false;
  /** The machines are in no state at the moment. */
  #isRestoring = false;
  readonly #whenReadable: (() => void)[] = [];
  #whenIdle: (() => void) | null = null;

  constructor(host: MemberSnapshotsHost) {
    const { raft, store, clock, limits, logger } = host;
    this.#host = host;
    this.#policy = new SnapshotPolicy(limits);
    this.#taker = new SnapshotTaker({
      store,
      guard: (run) => host.guard(run),
      onSaved: (sealed, forMs) => this.#onSaved(sealed, forMs),
      onFailed: (error, position) => this.#onTakeFailed(error, position),
      ...{ clock, bytesPerSecond: limits.snapshotWriteBytesPerSecond },
      isUrgent: () => this.#policy.isLogFull,
    });
    this.exchange = createSnapshotExchange({
      ...{ self: raft.id, clock, store: store.snapshots, limits },
      dialBulk: (peer, handlers) => {
        return host.transport()?.dialBulk(peer, guardDial(handlers, host.guard)) ?? null;
      },
      send: (message) => {
        host.transport()?.send(message);
        host.transport()?.flush();
      },
      wants: (snapshot) => this.#wants(snapshot),
      onReceived: (sealed, term, answer) => host.guard(() => this.#receive(sealed, term, answer)),
      onFailed: (error) => host.end(toEnd(error)),
      onDamaged: (snapshot, error) => this.#onDamaged(snapshot, error),
      onEvent: (event) => host.guard(() => this.#onEvent(event)),
    });
    this.exports = new SnapshotExports({
      ...{ store: store.snapshots, deadlines: host.deadlines },
      exportsMax: limits.snapshotExportsMax,
      nowMs: () => clock.nowMs(),
      defer: (run) => clock.defer(run),
      guard: (run) => host.guard(run),
      begin: (deliver) => this.#beginExport(deliver),
      onFailed: (error) => this.#onExportFailed(error),
    });
    const newest = store.snapshots.newest;
    if (newest !== null) this.#policy.onNewest(newest.identity.bytes, true);
    const without = describeWithoutSnapshots(host.machines.withoutSnapshots ?? []);
    if (without !== null) logger.warn({ machines: host.machines.withoutSnapshots }, without);
  }

  /** The machines are between two states: nothing can be read. */
  get isRestoring(): boolean {
    return this.#isRestoring;
  }

  /** The newest one on the own disk. */
  get newest(): { index: number; term: number; bytes: number } | null {
    const { newest } = this.#host.store.snapshots;
    if (newest === null) return null;
    const { position, bytes } = newest.identity;
    return { index: position.index, term: position.term, bytes };
  }

  /** Of the snapshot that is being written here; null while none is. */
  get taking(): LogPosition | null {
    return this.#taker.position;
  }

  /** Runs `done` when the machines can be read, or the member has ended; perhaps at once. */
  whenReadable(done: () => void): void {
    if (this.#isRestoring) this.#whenReadable.push(done);
    else done();
  }

  // --- taking ------------------------------------------------------------------------------------

  /** Between two entries: the machines have applied `entry`, and nothing behind it. */
  onApplied(entry: Entry): void {
    const { machines, raft } = this.#host;
    if (!canSnapshot(machines) || !this.#policy.onApplied(entry)) return;
    if (this.#taker.position !== null) {
      // The next one comes at its own index; soon, if this one was not even of the log's.
      if (this.#isExporting) this.#policy.hurry();
      return;
    }
    const { index, term } = entry;
    const configuration = encodeSnapshotConfiguration(configurationFor(raft, index));
    this.#policy.onBegun();
    this.#taker.begin({ index, term }, machines.capture(index, term), configuration);
  }

  /** Between two turns: what the core has applied is what the machines hold. */
  #beginExport(deliver: Deliver): boolean {
    const { machines, raft } = this.#host;
    const index = raft.applied;
    const term = termAt(raft.log, index);
    const isBusy = this.#taker.position !== null || this.#installing !== null || this.#isRestoring;
    const isBehind = index < Math.max(1, raft.snapshot?.position.index ?? 0);
    if (!canSnapshot(machines) || isBusy || isBehind || !this.#host.isRunning()) return false;
    if (term === undefined || index < raft.log.base.index) return false; // a snapshot comes in
    const configuration = encodeSnapshotConfiguration(configurationFor(raft, index));
    this.#isExporting = true;
    const capture = machines.capture(index, term);
    this.#taker.begin({ index, term }, capture, configuration, (error, sealed) => {
      this.#isExporting = false;
      deliver(error, sealed);
    });
    return true;
  }

  /** What was just written and cannot be read harms nobody but its caller. */
  #onExportFailed(error: Error): void {
    if (!(error instanceof StorageDamage)) this.#host.end(toEnd(error));
  }

  #onSaved({ description }: SealedSnapshot, forMs: number): void {
    const { identity } = description;
    const { index, term } = identity.position;
    const { logger } = this.#host;
    if (!this.#host.isRunning()) return;
    this.#policy.onNewest(identity.bytes, true);
    this.#host.step({ kind: "snapshot-saved", position: identity.position });
    this.#cut();
    const text = `Took the snapshot ${describeSnapshot(identity)} in ${Math.round(forMs)} ms`;
    logger.info({ index, bytes: identity.bytes }, text);
    this.#host.tell("snapshot-taken", { index, term, bytes: identity.bytes, forMs });
  }

  /** A full disk may have room for the log yet; any other error is the disk's last. */
  #onTakeFailed(error: StorageError, { index }: LogPosition): void {
    if (!isNoSpace(error)) {
      this.#host.end(storageFailed(error));
      return;
    }
    const text = `Cannot take a snapshot at ${index}: ${error.message}. The log grows meanwhile`;
    this.#host.logger.error({ index, systemCode: error.systemCode }, text);
    this.#host.tell("snapshot-failed", { index, error });
  }

  // --- cutting -----------------------------------------------------------------------------------

  /** What a newer snapshot stands for may go, but for what slow followers and transfers need. */
  #cut(): void {
    const { raft, store } = this.#host;
    if (!this.#host.isRunning() || raft.snapshot === null) return;
    const newest = raft.snapshot.position.index;
    const needed = this.#neededFrom(newest);
    const before = raft.log.base.index;
    const through = Math.min(this.#policy.cutAt(raft.log, newest), needed);
    const base = compactLog(raft, through as LogIndex); // one of several indexes
    if (base.index > before) {
      this.#host.onCut();
      store.compact(base, (error) => this.#onDone(error));
    }
    const keptFrom = Math.min(needed, newest) as LogIndex; // one of two indexes
    store.snapshots.prune(keptFrom, (error) => this.#onDone(error));
  }

  /** Log and snapshots from there on are waited for; who makes them too many is given up. */
  #neededFrom(newest: LogIndex): number {
    const { raft, limits, logger } = this.#host;
    const needed = this.exchange.neededFrom;
    if (needed === null || needed >= newest) return Number.POSITIVE_INFINITY;
    const bytes = bytesThrough(raft.log, newest);
    if (bytes <= limits.snapshotWaitingBytesMax) return needed;
    for (const [peer, { offer }] of raft.leadership?.peers ?? []) {
      if (offer === null) continue;
      const text = `${peer} begins again with a newer snapshot: ${bytes} bytes of log wait for it`;
      logger.warn({ peer, bytes }, text);
      this.#host.step({ kind: "snapshot-failed", peer });
    }
    return Number.POSITIVE_INFINITY;
  }

  #onDone(error: StorageError | null): void {
    if (error !== null) this.#host.end(storageFailed(error));
  }

  // --- offering ----------------------------------------------------------------------------------

  onNeeded({ peer }: SnapshotNeeded): void {
    this.#offer(peer);
  }

  /** An offer may be lost, or who heard it may have started again. */
  onTick(nowMs: number): void {
    this.exports.onTick();
    const { raft, limits } = this.#host;
    if (raft.leadership === null) {
      this.#offeredMs.clear();
      return;
    }
    for (const [peer, { offer }] of raft.leadership.peers) {
      const lastMs = this.#offeredMs.get(peer) ?? Number.NEGATIVE_INFINITY;
      if (offer === null || offer.isSent) this.#offeredMs.delete(peer);
      else if (nowMs - lastMs >= limits.snapshotStatusMs) this.#offer(peer);
    }
  }

  #offer(peer: NodeId): void {
    const { raft, clock } = this.#host;
    const offer = raft.leadership?.peers.get(peer)?.offer;
    if (raft.leadership === null || offer == null) return;
    const snapshot = this.#offerable(offer.position.index);
    if (snapshot === null) return;
    const sources: NodeId[] = [];
    for (const [id, { matched }] of raft.leadership.peers) {
      const has = matched >= snapshot.position.index && this.#host.isConnected(id);
      if (has && id !== peer) sources.push(id);
    }
    this.#offeredMs.set(peer, clock.nowMs());
    this.#host.observer?.onOffered?.(peer, snapshot.position);
    this.exchange.offer(peer, raft.hardState.term, snapshot, [...sources, raft.id]);
  }

  /** That of `index`; if it is gone or damaged, the newest: the log behind that is there, too. */
  #offerable(index: LogIndex): SnapshotIdentity | null {
    const { list } = this.#host.store.snapshots;
    const sound = list.map(({ identity }) => identity).filter((one) => !this.#isDamaged(one));
    return sound.find(({ position }) => position.index === index) ?? sound.at(-1) ?? null;
  }

  #isDamaged({ position, hash }: SnapshotIdentity): boolean {
    for (const one of this.#damaged) {
      if (one.position.index === position.index && one.hash === hash) return true;
    }
    return false;
  }

  /** A report on what this leader has offered. */
  onStatus(status: SnapshotStatus): void {
    const { raft } = this.#host;
    if (raft.leadership === null || status.term !== raft.hardState.term) return;
    const news = this.exchange.onStatus(status);
    const peer = status.from;
    if (news === "sent") this.#host.step({ kind: "snapshot-sent", peer });
    else if (news === "failed") this.#host.step({ kind: "snapshot-failed", peer });
    else if (news === "moving") this.#host.step({ kind: "snapshot-moving", peer });
  }

  onBulk(link: BulkLink): BulkHandlers {
    return guardBulk(this.exchange.onBulk(link), this.#host.guard);
  }

  #onDamaged(snapshot: SnapshotIdentity, error: OpenError): void {
    this.#damaged.add(snapshot);
    this.#policy.hurry();
    const what = `the snapshot ${describeSnapshot(snapshot)}`;
    const text = `Cannot send ${what}, another one will be taken: ${error.message}`;
    this.#host.logger.error({ index: snapshot.position.index }, text);
  }

  // --- receiving ---------------------------------------------------------------------------------

  onOffer(offer: SnapshotOffer): void {
    if (canSnapshot(this.#host.machines)) this.exchange.onOffer(offer);
  }

  #wants({ position }: SnapshotIdentity): boolean {
    const { raft } = this.#host;
    return raft.leadership === null && position.index > raft.commit;
  }

  #receive(sealed: SealedSnapshot, term: Term, answer: (isTaken: boolean) => void): void {
    const { description } = sealed;
    const { position, configuration, configurationIndex } = placeSnapshot(description);
    const id = ++this.#receivedId;
    this.#received.set(id, { sealed, answer });
    const placed = { position, configuration, configurationIndex };
    this.#host.step({ kind: "snapshot-received", id, term, ...placed });
  }

  onRefused({ id, why }: SnapshotRefused): void {
    const received = this.#received.get(id);
    assert(received !== undefined, "what was received is refused once", () => `${id}`);
    this.#received.delete(id);
    received.answer(false);
    if (why === "conflict") {
      const { raft } = this.#host;
      const { identity } = received.sealed.description;
      this.#host.end(
        snapshotConflict(
          raft.id,
          identity.position.index,
          `the snapshot ${describeSnapshot(identity)}`,
        ),
      );
    }
  }

  /**
   * As a unit between those of the log. The machines follow when it is durable: all that they were
   * given before they have applied by then, and the core gives them nothing else meanwhile.
   */
  onInstall(effect: InstallSnapshot): void {
    const received = this.#received.get(effect.id);
    assert(received !== undefined, "what was received is installed once", () => `${effect.id}`);
    assert(this.#installing === null, "one snapshot is installed at a time");
    this.#received.delete(effect.id);
    this.#installing = effect.position;
    this.#taker.cancel();
    if (effect.replacesLog) this.#host.onCut();
    const startedMs = this.#host.clock.nowMs();
    const { store } = this.#host;
    store.install(received.sealed, (error) => {
      this.#host.guard(() => {
        if (error !== null) this.#host.end(storageFailed(error));
        else if (this.#host.isRunning()) this.#host.onInstalled(effect);
        if (this.#host.isRunning()) this.#restore(received, startedMs);
        else this.#onIdle();
      });
    });
  }

  #restore(received: Received, startedMs: number): void {
    const { machines, store } = this.#host;
    const { description } = received.sealed;
    const { index, term } = description.identity.position;
    restoreMachines(
      {
        store: store.snapshots,
        snapshot: description,
        begin: () => {
          assert(canSnapshot(machines), "only who can restore takes offers");
          this.#isRestoring = true;
          return machines.restore(index, term);
        },
        isWanted: () => this.#host.isRunning(),
      },
      (error) => {
        this.#host.guard(() => {
          if (error === null && this.#host.isRunning()) this.#onRestored(received, startedMs);
          else {
            if (error !== null) this.#host.end(toEnd(error));
            this.#onIdle();
          }
        });
      },
    );
  }

  #onRestored({ sealed, answer }: Received, startedMs: number): void {
    const { identity } = sealed.description;
    const { index, term } = identity.position;
    this.#installing = null;
    this.#isRestoring = false;
    this.#policy.onNewest(identity.bytes, false);
    this.#host.onRestored(identity.position);
    this.#tellReadable();
    this.#cut();
    answer(true);
    const forMs = this.#host.clock.nowMs() - startedMs;
    const text = `Installed the snapshot ${describeSnapshot(identity)} in ${Math.round(forMs)} ms`;
    this.#host.logger.info({ index, bytes: identity.bytes }, text);
    this.#host.tell("snapshot-installed", { index, term, bytes: identity.bytes, forMs });
  }

  #tellReadable(): void {
    for (const done of this.#whenReadable.splice(0)) done();
  }

  // --- news and the end --------------------------------------------------------------------------

  #onEvent(event: SnapshotEvent): void {
    const { logger } = this.#host;
    const { index } = event.snapshot.position;
    const { bytes } = event.snapshot;
    switch (event.kind) {
      case "fetch-progress": {
        const { source, receivedBytes: doneBytes, bytesPerSecond } = event;
        const progress = { index, bytes, doneBytes, bytesPerSecond };
        this.#host.tell("snapshot-progress", { kind: "receiving", id: source, ...progress });
        break;
      }
      case "send-progress": {
        const { to, offset: doneBytes, bytesPerSecond } = event;
        const progress = { index, bytes, doneBytes, bytesPerSecond };
        this.#host.tell("snapshot-progress", { kind: "sending", id: to, ...progress });
        break;
      }
      case "source-left":
        logger.info({ index, source: event.source }, `Left ${event.source}: ${event.reason}`);
        break;
      default:
        logger.debug({ index, kind: event.kind }, `${event.kind} of the snapshot at ${index}`);
    }
  }

  /** Ends all; `done` runs when the disk is done with it. Once, before the transport closes. */
  stop(done: () => void): void {
    let open = 4;
    const closed = () => {
      open--;
      if (open === 0) done();
    };
    this.#tellReadable();
    this.exchange.stop(closed);
    this.exports.stop(closed);
    this.#taker.stop(closed);
    if (this.#installing === null) closed();
    else this.#whenIdle = closed;
  }

  /** The installation under way is over, one way or another. */
  #onIdle(): void {
    this.#installing = null;
    const done = this.#whenIdle;
    this.#whenIdle = null;
    done?.();
  }
}

/** What ends the member, in the words of its edge; what a machine refuses is told as it is. */
function toEnd(error: Error): Error {
  return isOpenError(error) ? fromOpenError(error, "the data directory") : error;
}
