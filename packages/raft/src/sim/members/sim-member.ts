/**
 * One member of the world on its machine: opened, run, stopped, killed, started again. It knows
 * what its disk was given, so that each start can be explained.
 */
import {
  assert,
  type ErrorCode,
  isQuorateError,
  type LogIndex,
  type NodeId,
  type Term,
} from "../../base/index.ts";
import type { Entry, InstallSnapshot, Persist, Raft } from "../../core/index.ts";
import type { SnapshotPiece } from "../../machine/index.ts";
import {
  type AppliedMachines,
  type CheckedOptions,
  type Logger,
  type OpenedMember,
  openMember,
} from "../../node/index.ts";
import type { DiskImage } from "../../testing/index.ts";
import {
  createDatagramTransport,
  type DamageReport,
  type Host,
  type Life,
} from "../hosts/index.ts";
import type { Recovery } from "../observer.ts";
import { createDiskRecord, type DiskRecord, explainRecovery } from "./explain-recovery.ts";
import { expect } from "./invariants.ts";
import type { LoadMachines } from "./load.ts";
import { Teller } from "./teller.ts";
import type { World } from "./world.ts";

/**
 * `down`: no process. `starting`: opens its directory. `up`: runs. `ended`: stopped by itself or by
 * order; its process is still there. `halted`: its directory is refused for good, for reasons.
 */
export type MemberState = "down" | "starting" | "up" | "ended" | "halted";

type SnapshotCalls = Pick<AppliedMachines, "capture" | "restore">;

/** A request under way at this run of the member. */
export interface OpenRequest {
  /** By the member's clock. */
  readonly deadlineMs: number;
  readonly isSettled: boolean;
  /** The process has ended and will not answer. */
  abandon(): void;
}

export class SimMember {
  readonly at: number;
  readonly id: NodeId;
  readonly host: Host;
  readonly #world: World;
  readonly #options: CheckedOptions;
  state: MemberState = "down";
  opened: OpenedMember | null = null;
  machines: LoadMachines<unknown, unknown> | null = null;
  life: Life | null = null;
  /** Null before the first start. */
  record: DiskRecord | null = null;
  /** The disk was harmed since the last start. */
  wasDamaged = false;
  /** The disk before that. */
  #backup: DiskImage | null = null;
  /** Where. */
  #harmedPaths: readonly string[] = [];
  /** Files that recoveries have set aside. */
  #asideCount = 0;
  /** The last power failure tore sectors: to abstain is all that this may lead to. */
  wasTorn = false;
  /** Some power failure tore sectors. A failed sync may have hidden them, to appear again later. */
  #hasTorn = false;
  /** It closed its log in order: every last byte of it is known to have been there. */
  isSealed = false;
  /** The newest index that its machines have applied, in this run. */
  applied = 0;
  /** The highest that they had applied in any run. */
  appliedMax = 0;
  requests: OpenRequest[] = [];
  #teller: Teller | null = null;
  #lastTickMs = 0;
  #warnings = 0;

  constructor(world: World, at: number, host: Host, options: CheckedOptions) {
    this.#world = world;
    this.at = at;
    this.id = options.id;
    this.host = host;
    this.#options = options;
  }

  /** The core while it runs. */
  get raft(): Raft | null {
    return this.#teller?.raft ?? null;
  }

  /** Does not know whether it has all that it once acknowledged. */
  get isUnsound(): boolean {
    if (this.state === "halted" || this.wasDamaged || this.wasTorn) return true;
    return this.record?.hardState.mustCatchUp === true;
  }

  get isPaused(): boolean {
    return this.life?.state === "paused";
  }

  // --- the process -------------------------------------------------------------------------------

  start(): void {
    if (this.state !== "down") return;
    const world = this.#world;
    const life = this.host.boot();
    const machines = world.load.createMachines(this.at);
    const isStranger = world.stranger === this.id;
    const teller = isStranger ? null : new Teller(world, this);
    this.state = "starting";
    this.life = life;
    this.machines = machines;
    this.applied = 0;
    this.isSealed = false;
    this.#teller = teller;
    world.note("boot", this.id, life.number);
    const parts = {
      options: this.#options,
      ports: life.ports,
      machines: this.#watched(machines),
      logger: this.#logger(life),
      ...(teller === null ? {} : { observer: teller }),
    };
    const { datagrams } = world.hosts;
    const usesDatagrams = world.options.transport === "datagrams";
    const transport = usesDatagrams
      ? { createTransport: createDatagramTransport(datagrams, life) }
      : {};
    openMember({ ...parts, ...transport }, (error, opened) => {
      if (life !== this.life) return;
      if (opened === undefined) this.#onRefused(error);
      else this.#onOpened(opened);
    });
  }

  /** The process dies; with `power`, what was not synced is decided by chance. */
  kill(power: { readonly keepShare: number; readonly tearShare?: number } | null): void {
    this.#teller?.end();
    this.#teller = null;
    if ((power?.tearShare ?? 0) > 0) {
      this.wasTorn = true;
      this.#hasTorn = true;
    }
    if (power === null) this.host.kill();
    else this.host.crash(power);
    this.life = null;
    this.opened = null;
    this.machines = null;
    if (this.state !== "halted") this.state = "down";
    const requests = this.requests;
    this.requests = [];
    for (const request of requests) request.abandon();
    this.#world.note(power === null ? "kill" : "power-loss", this.id, null);
  }

  /** In order: it closes its log and ends; `done` only if it came to that. */
  stop(done: () => void = () => {}): void {
    if (this.state !== "up" || this.opened === null) return;
    const { life } = this;
    this.#world.note("stop", this.id, null);
    this.#warnings = 0;
    this.opened.member.stop(() => {
      if (life !== this.life) return;
      // With a tail that waits for space to be taken away, a log has no witness of its end.
      this.isSealed = this.#warnings === 0 && !this.host.disk.wasSpaceLimited;
      done();
    });
  }

  // --- the disk at rest --------------------------------------------------------------------------

  /** `damage` does something to the disk that no disk should do. Null: nothing was done. */
  harm(damage: () => DamageReport | null): DamageReport | null {
    const backup = this.#backup ?? this.host.disk.image();
    const report = damage();
    if (report === null) return null;
    this.#backup = backup;
    this.#harmedPaths = report.ranges.map(({ path }) => path);
    this.wasDamaged = true;
    return report;
  }

  get isRestorable(): boolean {
    return this.state === "halted" && this.#backup !== null;
  }

  /** Its directory was refused: what was harmed is put back, as it was right before. */
  restore(): void {
    assert(this.#backup !== null, "a disk was harmed before it is restored", () => this.id);
    this.kill(null);
    this.host.disk.restore(this.#backup);
    this.#forgetDamage();
    this.state = "down";
    this.#world.note("restore", this.id, null);
  }

  #forgetDamage(): void {
    this.#backup = null;
    this.wasDamaged = false;
  }

  #onOpened(opened: OpenedMember): void {
    this.opened = opened;
    if (this.state === "starting") this.state = "up";
  }

  /** The directory is refused: right after harm, or when the disk fails just now. */
  #onRefused(error: Error | null): void {
    const world = this.#world;
    world.note("refused", this.id, error?.message ?? "");
    this.state = "ended";
    world.guard(() => {
      // A log of which nothing is left is refused as one that was removed.
      const isCorrupt = isOf(error, "CORRUPT") || (this.wasDamaged && isOf(error, "BAD_CONFIG"));
      const why = (): string => `${this.id} does not start: ${error?.message}`;
      if (isCorrupt) {
        // The others have what a log or a snapshot held: that is no reason to stay away.
        const isRepairable = this.#harmedPaths.every((path) => repairable.test(path));
        const isLegal = this.wasDamaged && !isRepairable;
        expect(world.evaluations, this.wasDamaged ? "D3" : "D2", isLegal, why);
        this.state = "halted";
        return;
      }
      const isDisk = isOf(error, "STORAGE_FAILED");
      expect(world.evaluations, "X1", isDisk && world.hasDiskErrors, why);
    });
  }

  // --- what it says of itself --------------------------------------------------------------------

  /** Before anything happens in the new run. @throws Violation */
  onRecovered(raft: Raft): Recovery {
    const { hardState, commit, snapshot } = raft;
    const world = this.#world;
    const { committed } = world;
    const base = raft.log.base.index;
    const entries = [...committed.slice(0, base), ...raft.log.entries];
    if (this.record === null) {
      this.record = createDiskRecord(hardState, entries, commit);
      return { keptUnits: 0, keptEntries: null };
    }
    world.evaluations.D2++;
    if (this.wasDamaged) world.evaluations.D3++;
    const mayBeTorn = this.#hasTorn && world.options.disk.syncErrorShare > 0;
    const wasHarmed = this.wasDamaged || this.wasTorn || mayBeTorn;
    const found = { hardState, entries, base, snapshot };
    const recovery = explainRecovery(this.record, found, wasHarmed, committed);
    const aside = this.host.disk.memory.files().filter((path) => path.endsWith(".damaged")).length;
    if (aside > this.#asideCount) world.hosts.faults.add("damage.repaired");
    this.#asideCount = aside;
    this.#forgetDamage();
    this.wasTorn = false;
    return recovery;
  }

  onPersist(unit: Persist | InstallSnapshot): void {
    this.record?.pending.push(unit);
    if (unit.kind === "persist" && unit.hardState !== null) this.#world.onHardState(this);
  }

  /** A tick of its clock: what was due at the one before has settled since. */
  onTick(nowMs: number): void {
    const before = this.#lastTickMs;
    this.#lastTickMs = nowMs;
    if (this.requests.length === 0) return;
    const { evaluations } = this.#world;
    let open = 0;
    for (const request of this.requests) {
      if (request.isSettled) continue;
      const lateMs = before - request.deadlineMs;
      expect(evaluations, "R", lateMs < 0, () => `${this.id} answers a request ${lateMs} ms late`);
      this.requests[open++] = request;
    }
    this.requests.length = open;
  }

  /** It stopped: because it was told to, or because it could not go on. */
  onEnded(): void {
    const world = this.#world;
    this.state = "ended";
    const error = this.opened?.member.stopError ?? null;
    world.note("ended", this.id, error?.message ?? "");
    if (error === null || world.failure !== null) return;
    const isHarmed = world.stranger === this.id || this.wasDamaged; // it lacks what it had promised
    const isLegal =
      (isOf(error, "STORAGE_FAILED") && world.hasDiskErrors) ||
      (isOf(error, "STALE_DIRECTORY") && isHarmed);
    expect(world.evaluations, "X1", isLegal, () => `${this.id} stopped: ${describe(error)}`);
  }

  /** The machines, with a look at them after every command. */
  #watched(machines: LoadMachines<unknown, unknown>): AppliedMachines {
    return {
      ...(machines.versions === undefined ? {} : { versions: machines.versions }),
      knows: (data) => machines.knows(data),
      describe: (data) => machines.describe(data),
      stamp: (data, timeMs) => machines.stamp(data, timeMs),
      get sessionTimeMs() {
        return machines.sessionTimeMs;
      },
      apply: (data, index, term, wanted) => {
        const result = machines.apply(data, index, term, wanted);
        this.#onApplied(machines, index as LogIndex); // it is one
        return result;
      },
      ...this.#snapshotCalls(machines),
    };
  }

  /** Those of machines that have them. */
  #snapshotCalls(machines: LoadMachines<unknown, unknown>): SnapshotCalls {
    const { capture, restore } = machines;
    if (capture === undefined || restore === undefined) return {};
    return {
      capture: (index: LogIndex, term: Term) => {
        this.record?.saving.push({ index, term });
        this.#world.hosts.faults.add("snapshots.begun");
        return capture(index, term);
      },
      restore: (index: LogIndex, term: Term) => {
        const restoring = restore(index, term);
        return {
          write: (piece: SnapshotPiece) => restoring.write(piece),
          finish: () => {
            restoring.finish();
            this.#world.hosts.faults.add("snapshots.restored");
            this.#onApplied(machines, index, true);
          },
        };
      },
    };
  }

  #onApplied(machines: LoadMachines<unknown, unknown>, index: LogIndex, isRestored = false): void {
    const isReplay = index <= this.appliedMax;
    const how = isRestored ? "restored" : isReplay ? "replayed" : "applied";
    this.applied = isRestored ? lastCommand(this.#world.committed, index) : index;
    if (!isReplay) this.appliedMax = index;
    this.#world.guard(() => this.#world.onApplied(this, machines, index, how));
  }

  #logger(life: Life): Logger {
    const note = (text: string) => {
      if (life === this.life) this.#world.note("log", this.id, text);
    };
    return {
      debug: () => {},
      info: () => {},
      warn: (_fields, text) => {
        this.#warnings++;
        note(text);
      },
      error: (_fields, text) => note(text),
    };
  }
}

/** What changed the state last, as one that applied it counts: elections leave entries, too. */
function lastCommand(committed: readonly Entry[], through: LogIndex): number {
  const command = committed.slice(0, through).findLast(({ kind }) => kind === "command");
  return command?.index ?? 0;
}

/** What the others can give back. */
const repairable = /\/(log-|snapshot-)[^/]*$/;

function isOf(error: unknown, code: ErrorCode): boolean {
  return isQuorateError(error, code);
}

function describe(error: Error): string {
  return error.stack ?? error.message;
}
