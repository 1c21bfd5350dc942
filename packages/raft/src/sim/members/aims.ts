/**
 * Strikes that are aimed: at a moment of storage, and at what is in it just then. Each needs a few
 * things in a row that chance alone hardly ever brings together: a unit that was acknowledged and
 * that no witness knows yet is lost, and then the power fails while the loss is being written down.
 */
import { assert } from "../../base/index.ts";
import type { DiskOperation } from "../../testing/index.ts";
import type { DamageProfile } from "../hosts/index.ts";
import { pick, type Random } from "../random.ts";
import type { AimFeature, AimKind } from "./features.ts";
import { mayHarm } from "./nemesis.ts";
import { electionMaxMs } from "./options.ts";
import type { SimMember } from "./sim-member.ts";
import { damageOfOtherCopy, isHardState, isSegment } from "./strikes.ts";
import type { World } from "./world.ts";

type Moment = (operation: DiskOperation) => boolean;

const isLogWrite: Moment = ({ kind, path }) => kind === "write" && isSegment(path);
const isHardStateWrite: Moment = ({ kind, path }) => kind === "write" && isHardState(path);
const isRemoval: Moment = ({ kind, path }) =>
  (kind === "remove" && isSegment(path)) || (kind === "rename" && path.includes("/log-start"));

/** Null: this seed has none. */
export function createAims(world: World, random: Random): Aims | null {
  const { aims } = world.options.features;
  return aims === null ? null : new Aims(world, aims, random);
}

export class Aims {
  readonly #world: World;
  readonly #feature: AimFeature;
  readonly #random: Random;
  /** The longest election timeout, milliseconds. */
  readonly #unitMs: number;
  #isOver = false;

  constructor(world: World, feature: AimFeature, random: Random) {
    this.#world = world;
    this.#feature = feature;
    this.#random = random;
    this.#unitMs = electionMaxMs(world.options);
  }

  run(): void {
    this.#world.hosts.datagrams.echoesReads = this.#feature.echoes;
    this.#arm();
  }

  /** Strikes no more, and takes nobody up any more. */
  end(): void {
    this.#isOver = true;
    this.#world.hosts.datagrams.echoesReads = false;
  }

  #arm(): void {
    this.#later((this.#unitMs / this.#feature.rate) * 2 * this.#random.unit(), () => {
      this.#strike();
      this.#arm();
    });
  }

  #later(delayMs: number, act: () => void): void {
    this.#world.hosts.timeline.after(delayMs, () => {
      if (!this.#isOver) act();
    });
  }

  #strike(): void {
    const { members } = this.#world;
    const { kinds } = this.#feature;
    const member = members[this.#random.below(members.length)];
    const kind = kinds[this.#random.below(kinds.length)];
    if (member === undefined || kind === undefined) return;
    if (member.state !== "up" || member.isPaused) return;
    this.#aim(kind, member);
  }

  #aim(kind: AimKind, member: SimMember): void {
    switch (kind) {
      case "log-end":
        this.#harmLog(kind, member, { weights: { rotten: 1 }, recentShare: 1, sectorsMax: 2 });
        break;
      case "log-middle": {
        const isBefore = { recentShare: 0, sparesRecent: true, lastSectors: 12 };
        this.#harmLog(kind, member, { weights: { zeroed: 1 }, sectorsMax: 3, ...isBefore });
        break;
      }
      case "hard-state":
        this.#putBackHardState(kind, member);
        break;
      case "full-disk":
        this.#fill(kind, member);
        break;
      case "compaction":
        this.#inside(member, isRemoval, this.#random.between(1, 2), () => {
          this.#down(kind, member, this.#random.chance(0.5) ? null : this.#drawKept());
          this.#bootSoon(member);
        });
        break;
      default:
        kind satisfies never;
    }
  }

  // --- the kinds ---------------------------------------------------------------------------------

  /**
   * The power fails as a unit is written, and takes it; what was written before it was
   * acknowledged, and the witness is older.
   */
  #harmLog(kind: AimKind, member: SimMember, profile: DamageProfile): void {
    this.#inside(member, isLogWrite, this.#random.between(1, 4), () => {
      if (!this.#mayHarm(member)) return;
      this.#down(kind, member, 0);
      const last = member.host.disk.memory.files().filter(isSegment).at(-1);
      this.#harm(member, { ...profile, files: (path) => path === last });
      this.#bootAndStrike(member);
    });
  }

  /** Right after it was written, and when the witness knows it. */
  #putBackHardState(kind: AimKind, member: SimMember): void {
    this.#inside(member, isHardStateWrite, 2, () => {
      this.#later(this.#world.options.disk.syncLatency.meanMs * 4, () => {
        if (member.state !== "up" || member.isPaused) return;
        member.stop(() => this.#later(0, () => this.#putBack(kind, member)));
      });
    });
  }

  #putBack(kind: AimKind, member: SimMember): void {
    if (member.state !== "ended" || !member.isSealed || !this.#mayHarm(member)) return;
    this.#down(kind, member, null);
    const files = (path: string): boolean => path.endsWith("hard-state.0");
    const path = this.#harm(member, { weights: { stale: 1 }, recentShare: 1, files });
    if (path !== null && this.#random.chance(0.8)) {
      member.host.disk.damage(damageOfOtherCopy("stale", path), this.#random);
    }
    this.#bootAndStrike(member);
  }

  /** A unit of many commands, so that a part of it can be missing. */
  #fill(kind: AimKind, member: SimMember): void {
    const { clients } = this.#world;
    const random = this.#random;
    const { disk } = member.host;
    for (let asked = 0; asked < 12; asked++) clients[random.below(clients.length)]?.askOnce();
    this.#inside(member, isLogWrite, random.between(1, 4), () => {
      this.#down(kind, member, pick(random, [0.3, 0.6, 0.9]));
      disk.setFreeBytes(0);
      this.#bootSoon(member);
      this.#later(this.#unitMs * (0.5 + 2 * random.unit()), () => {
        disk.setFreeBytes(Number.POSITIVE_INFINITY);
        this.#later(this.#unitMs * 2 * random.unit(), () => {
          if (member.life === null) return;
          this.#down(kind, member, null);
          this.#bootSoon(member);
        });
      });
    });
  }

  // --- how it is done ----------------------------------------------------------------------------

  /** In the middle of the next such operation but `count - 1` of this run. */
  #inside(member: SimMember, isIt: Moment, count: number, act: () => void): void {
    const { life } = member;
    const { disk } = member.host;
    let left = count;
    disk.onOperation = (operation) => {
      if (!isIt(operation) || --left > 0) return;
      disk.onOperation = () => {};
      this.#later(0, () => {
        if (member.life === life && life !== null) act();
      });
    };
  }

  /** `keepShare`: of what was not synced; null: the process dies alone. */
  #down(kind: AimKind, member: SimMember, keepShare: number | null): void {
    this.#world.hosts.faults.add(`aims.${kind}`);
    member.kill(keepShare === null ? null : { keepShare });
  }

  #drawKept(): number {
    return pick(this.#random, [0, 0, 1, this.#random.unit()]);
  }

  #mayHarm(member: SimMember): boolean {
    return !member.wasDamaged && mayHarm(member, this.#world.members);
  }

  /** The file that was harmed; null: there was nothing to harm. */
  #harm(member: SimMember, profile: DamageProfile): string | null {
    assert(member.life === null, "a disk is harmed at rest", () => member.id);
    const report = member.harm(() => member.host.disk.damage(profile, this.#random));
    const path = report?.ranges[0]?.path ?? null;
    if (report !== null) this.#world.note("damage", member.id, `${report.kind} ${path}`);
    return path;
  }

  #bootSoon(member: SimMember): void {
    this.#later(this.#unitMs * pick(this.#random, [0.01, 0.5]) * this.#random.unit(), () =>
      member.start(),
    );
  }

  /** The power fails as it writes down what it has lost: before, or between the copies. */
  #bootAndStrike(member: SimMember): void {
    const random = this.#random;
    this.#later(this.#unitMs * pick(random, [0.01, 0.5]) * random.unit(), () => {
      if (member.state !== "down") return;
      member.start();
      if (!random.chance(this.#feature.againShare)) return;
      this.#inside(member, isHardStateWrite, pick(random, [1, 1, 2]), () => {
        this.#world.hosts.faults.add("aims.mending");
        member.kill({ keepShare: this.#drawKept() });
        if (random.chance(0.3)) this.#bootAndStrike(member);
        else this.#bootSoon(member);
      });
    });
  }
}
