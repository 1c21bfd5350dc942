/**
 * What befalls the members in the first phase: each kind of fault strikes at random instants, as
 * often as the seed's options say. Whoever was struck down gets up again after a while.
 */
import { type DiskOperation, diskSectorBytes } from "../../testing/index.ts";
import { pick, type Random } from "../random.ts";
import { changeClock } from "./clocks.ts";
import { electionMaxMs, type FaultKind, faultKinds } from "./options.ts";
import type { SimMember } from "./sim-member.ts";
import {
  damageOfOtherCopy,
  drawDamage,
  isHardState,
  isSegment,
  isSnapshot,
  type StrikeOptions,
} from "./strikes.ts";
import type { World } from "./world.ts";

/** What a death in the middle leaves half done. */
const insides = {
  anything: ({ kind }: DiskOperation) => isWrite(kind) || isNameChange(kind),
  names: ({ kind }: DiskOperation) => isNameChange(kind),
  log: ({ kind, path }: DiskOperation) => kind === "write" && isSegment(path),
  "hard-state": ({ kind, path }: DiskOperation) => isWrite(kind) && isHardState(path),
} as const;

type Inside = keyof typeof insides;

function isWrite(kind: DiskOperation["kind"]): boolean {
  return kind === "write" || kind === "sync";
}

function isNameChange(kind: DiskOperation["kind"]): boolean {
  return kind === "rename" || kind === "sync-directory";
}

/** Whether so few others are unsound that the cluster gets over one more. */
export function mayHarm(member: SimMember, members: readonly SimMember[]): boolean {
  if (member.record === null) return false;
  const unsound = members.filter((other) => other !== member && other.isUnsound).length;
  return unsound + 1 <= (members.length - 1) >> 1;
}

/** When a death comes, and what comes after it. */
interface Soon {
  /** 0: at once, or in one of the next few operations. */
  readonly syncs: number;
  /** Drawn unless given. */
  readonly inside?: Inside;
  /** Whether the next start is struck again. */
  readonly againShare: number;
  after?(): void;
}

export class Nemesis {
  readonly #world: World;
  readonly #random: Random;
  /** The unit of all its times: the longest election timeout, milliseconds. */
  readonly #unitMs: number;
  #isOver = false;

  get #strikes(): StrikeOptions {
    return this.#world.options.strikes;
  }

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    this.#unitMs = electionMaxMs(world.options);
  }

  run(): void {
    const { rates } = this.#world.options;
    for (const kind of faultKinds) {
      if (rates[kind] > 0 && kind !== "network" && kind !== "disk-error") this.#arm(kind);
    }
    this.#watch();
    this.#world.onHardState = (member) => this.#onHardState(member);
  }

  /** Strikes no more, and takes nobody up any more. */
  end(): void {
    this.#isOver = true;
    this.#world.onHardState = () => {};
  }

  #arm(kind: FaultKind): void {
    const rate = this.#world.options.rates[kind];
    const delayMs = (this.#unitMs / rate) * 2 * this.#random.unit();
    this.#later(delayMs, () => {
      this.#strike(kind);
      this.#arm(kind);
    });
  }

  #later(delayMs: number, act: () => void): void {
    this.#world.hosts.timeline.after(delayMs, () => {
      if (!this.#isOver) act();
    });
  }

  /** Members that ended by themselves get up again, and those whose directory is refused. */
  #watch(): void {
    this.#later(this.#unitMs / 4, () => {
      for (const member of this.#world.members) {
        if (member.state === "ended" && this.#random.chance(0.4)) this.#bringBack(member);
        else if (member.isRestorable && this.#random.chance(0.4)) this.#restore(member);
      }
      this.#watch();
    });
  }

  #strike(kind: FaultKind): void {
    switch (kind) {
      case "partition":
        this.#partition();
        break;
      case "slow-link":
        this.#slowLink();
        break;
      case "kill":
        this.#kill(false);
        break;
      case "power-loss":
        this.#kill(true);
        break;
      case "stop":
        this.#stop();
        break;
      case "pause":
        this.#pause();
        break;
      case "clock":
        this.#changeClock();
        break;
      case "disk-slow":
        this.#stall();
        break;
      case "disk-full":
        this.#fill();
        break;
      case "damage":
        this.#damage();
        break;
      case "burst":
        this.#burst();
        break;
      case "network":
      case "disk-error":
        break; // always there, in the profiles
      default:
        kind satisfies never;
    }
  }

  #count(kind: string, member: string, subject: string | number | null): void {
    this.#world.hosts.faults.add(`nemesis.${kind}`);
    this.#world.note(kind, member, subject);
  }

  #drawMember(): SimMember | null {
    const { members } = this.#world;
    return members[this.#random.below(members.length)] ?? null;
  }

  /** Half of the time the leader, if there is one. */
  #drawVictim(): SimMember | null {
    const leader = this.#world.members.find(({ raft }) => raft?.role === "leader");
    if (leader !== undefined && this.#random.chance(0.5)) return leader;
    return this.#drawMember();
  }

  // --- the network -------------------------------------------------------------------------------

  #partition(): void {
    const { topology } = this.#world.hosts;
    const random = this.#random;
    const mode = random.chance(0.5) ? "stall" : "drop";
    const victim = this.#drawVictim();
    const other = this.#drawMember();
    if (victim === null || other === null) return;
    const dice = random.below(8);
    if (dice < 3) {
      topology.healAll();
      this.#count("heal", "-", null);
      return;
    }
    if (dice === 3) {
      if (other === victim) return;
      this.#world.hosts.network.freeze(victim.id, other.id);
      this.#count("freeze", victim.id, other.id);
      return;
    }
    if (dice === 4) {
      if (other !== victim) topology.cut(victim.id, other.id, { mode, oneWay: true });
      this.#count("cut-one-way", victim.id, other.id);
    } else if (dice === 5) {
      if (other !== victim) topology.cut(victim.id, other.id, { mode });
      this.#count("cut", victim.id, other.id);
    } else if (dice === 6) {
      topology.isolate(victim.id, { mode, oneWay: random.chance(0.4) });
      this.#count("isolate", victim.id, mode);
    } else this.#split(mode);
    this.#later(this.#unitMs * (0.2 + 4 * random.unit()), () => topology.healAll());
  }

  #split(mode: "stall" | "drop"): void {
    const groups: string[][] = [[], []];
    for (const { id } of this.#world.members) groups[this.#random.below(2)]?.push(id);
    this.#world.hosts.topology.partition(groups, { mode });
    this.#count("split", "-", groups.map((group) => group.join(",")).join(" | "));
  }

  #slowLink(): void {
    const from = this.#drawMember();
    const to = this.#drawMember();
    if (from === null || to === null || from === to) return;
    const link = this.#world.hosts.topology.link(from.id, to.id);
    const { profile } = link;
    const meanMs = this.#unitMs * this.#random.unit();
    link.profile = { ...profile, latency: { minMs: meanMs / 2, meanMs } };
    this.#count("slow-link", from.id, to.id);
    this.#later(this.#unitMs * 3 * this.#random.unit(), () => {
      link.profile = this.#world.options.link;
    });
  }

  // --- processes ---------------------------------------------------------------------------------

  #kill(isPowerLoss: boolean): void {
    const random = this.#random;
    const isAll = isPowerLoss && random.chance(0.1);
    const { againShare } = this.#strikes;
    const victims = isAll ? this.#world.members : [this.#drawVictim()];
    for (const member of victims) {
      if (member !== null) this.#strikeSoon(member, isPowerLoss, { syncs: 0, againShare });
    }
  }

  #strikeDown(member: SimMember, isPowerLoss: boolean, againShare: number): void {
    if (member.life === null) return;
    this.#world.hosts.faults.add(isPowerLoss ? "nemesis.power-loss" : "nemesis.kill");
    member.kill(isPowerLoss ? this.#drawShares(member) : null);
    this.#later(this.#downMs(), () => this.#boot(member, againShare));
  }

  /** Starts it, and may strike again while it reads and mends what it finds, or soon after. */
  #boot(member: SimMember, againShare: number): void {
    member.start();
    const random = this.#random;
    if (random.chance(this.#strikes.recallShare)) this.#recall(member);
    const isPowerLoss = this.#drawDeath();
    if (isPowerLoss === null || !random.chance(againShare)) return;
    this.#strikeSoon(member, isPowerLoss, { syncs: pick(random, [4, 8, 16, 40]), againShare });
  }

  /** What was said to its former runs comes once more, while it finds its place again. */
  #recall({ id }: SimMember): void {
    const { hosts, options } = this.#world;
    if (options.transport === "streams" || options.rates.network === 0) return;
    const units = pick(this.#random, [2, 6]);
    for (let times = 0; times < 16; times++) {
      const delayMs = units * this.#unitMs * this.#random.unit();
      this.#later(delayMs, () => hosts.datagrams.deliverKept(16, id));
    }
  }

  /** Strikes while a term or a vote is written: both files of it are under way in turn. */
  #onHardState(member: SimMember): void {
    const { hardStateShare, againMendingShare } = this.#strikes;
    if (!this.#random.chance(hardStateShare)) return;
    const isPowerLoss = this.#drawDeath();
    if (isPowerLoss === null) return;
    const soon: Soon = { syncs: 4, againShare: againMendingShare, inside: "hard-state" };
    this.#strikeSoon(member, isPowerLoss, soon);
  }

  /**
   * Within so many syncs, as they last on average; or in the middle of as many writes and syncs, so
   * that each of them is as likely to be the last.
   */
  #strikeSoon(member: SimMember, isPowerLoss: boolean, soon: Soon): void {
    const { syncs, againShare, after } = soon;
    const { life } = member;
    const strike = (): void => {
      if (member.life !== life || life === null) return;
      this.#strikeDown(member, isPowerLoss, againShare);
      after?.();
    };
    if (this.#random.chance(this.#strikes.insideShare)) {
      this.#insideOperation(member, soon, strike);
      return;
    }
    const delayMs = syncs * this.#world.options.disk.syncLatency.meanMs * this.#random.unit();
    if (delayMs === 0) strike();
    else this.#later(delayMs, strike);
  }

  /** In the middle of one of the next operations of some kind. */
  #insideOperation({ host }: SimMember, soon: Soon, strike: () => void): void {
    const random = this.#random;
    const { disk } = host;
    const drawn: Inside = pick(random, ["anything", "names", "log", "hard-state"]);
    const inside = soon.inside ?? drawn;
    let left = 1 + random.below(inside === "anything" ? 2 * soon.syncs + 4 : 4);
    disk.onOperation = (operation) => {
      if (!insides[inside](operation) || --left > 0) return;
      disk.onOperation = () => {};
      this.#later(0, strike);
    };
  }

  /** Whether the power fails or the process alone dies, as the rates have it; null: neither. */
  #drawDeath(): boolean | null {
    const { rates } = this.#world.options;
    const sum = rates.kill + rates["power-loss"];
    return sum === 0 ? null : this.#random.chance(rates["power-loss"] / sum);
  }

  #downMs(): number {
    return this.#unitMs * pick(this.#random, [0.01, 0.5, 3]) * this.#random.unit();
  }

  /** A sector that tears in itself is harm that no disk should do: within the budget only. */
  #drawShares(member: SimMember): { keepShare: number; tearShare: number } {
    const some = this.#random.unit();
    const keepShare = pick(this.#random, [0, 1, some, some]);
    const mayTear = this.#mayHarm(member) && this.#random.chance(0.3);
    const tearShare = mayTear ? (1 - keepShare) * pick(this.#random, [1, this.#random.unit()]) : 0;
    return { keepShare, tearShare };
  }

  #stop(): void {
    const member = this.#drawVictim();
    if (member?.state !== "up" || member.isPaused) return;
    this.#world.hosts.faults.add("nemesis.stop");
    member.stop();
    this.#later(this.#downMs() + this.#unitMs, () => {
      if (member.state === "ended") this.#bringBack(member);
    });
  }

  #bringBack(member: SimMember): void {
    member.kill(null);
    this.#boot(member, this.#strikes.againMendingShare);
  }

  #restore(member: SimMember): void {
    this.#world.hosts.faults.add("nemesis.restore");
    member.restore();
    this.#boot(member, this.#strikes.againShare);
  }

  #pause(): void {
    const member = this.#drawVictim();
    if (member === null || member.life === null || member.isPaused) return;
    this.#count("pause", member.id, null);
    // With leases a machine that is suspended is beyond what clocks are declared to do.
    const mayStop = this.#world.options.features.leases === null;
    member.host.pause({ stopsClock: this.#random.chance(0.3) && mayStop });
    const { life } = member;
    const pauseMs = this.#unitMs * pick(this.#random, [0.05, 1, 5]) * this.#random.unit();
    this.#later(pauseMs, () => {
      if (member.life === life) member.host.resume();
    });
  }

  // --- clocks ------------------------------------------------------------------------------------

  #changeClock(): void {
    const member = this.#drawMember();
    if (member === null) return;
    const { leases } = this.#world.options.features;
    const what = changeClock(member.host.time, leases, this.#unitMs, this.#random);
    this.#count("clock", member.id, what);
  }

  // --- disks -------------------------------------------------------------------------------------

  #stall(): void {
    const member = this.#drawVictim();
    if (member === null) return;
    const durationMs = this.#unitMs * pick(this.#random, [0.2, 1, 5]) * this.#random.unit();
    member.host.disk.stall(durationMs);
    this.#count("disk-stall", member.id, null);
  }

  #fill(): void {
    const member = this.#drawVictim();
    if (member === null) return;
    const fill = (): void => this.#fillDisk(member);
    const random = this.#random;
    const isPowerLoss = random.chance(0.5) ? this.#drawDeath() : null;
    if (isPowerLoss === null) {
      fill();
      return;
    }
    // Before or after: half a write is there, or is one that had no room.
    const isBefore = random.chance(0.5);
    if (isBefore) fill();
    const againShare = this.#strikes.againMendingShare;
    const soon: Soon = isBefore ? { syncs: 0, againShare } : { syncs: 0, againShare, after: fill };
    this.#strikeSoon(member, isPowerLoss, soon);
  }

  /** Most disks are handed out by the sector. */
  #drawFreeBytes(): number {
    const random = this.#random;
    return random.chance(0.2) ? random.below(4096) : diskSectorBytes * random.below(9);
  }

  #fillDisk(member: SimMember): void {
    const random = this.#random;
    member.host.disk.setFreeBytes(this.#drawFreeBytes());
    this.#count("disk-full", member.id, null);
    this.#later(this.#unitMs * pick(random, [4, 12]) * random.unit(), () => {
      member.host.disk.setFreeBytes(Number.POSITIVE_INFINITY);
      // What was put off until there is room is done by then, or was forgotten.
      const again = this.#drawDeath();
      const syncs = pick(random, [4, 15, 60, 240]);
      if (again === null || !random.chance(0.5)) return;
      this.#strikeSoon(member, again, { syncs, againShare: this.#strikes.againShare });
    });
  }

  #mayHarm(member: SimMember): boolean {
    return mayHarm(member, this.#world.members);
  }

  /** A member's disk is harmed at rest; most are stopped in order first. */
  #damage(): void {
    const member = this.#drawVictim();
    if (member === null || member.isPaused) return;
    // Once between two starts: evidence that one damage leaves may be what another would take.
    if (member.wasDamaged || !this.#mayHarm(member)) return;
    if (member.state === "up" && this.#random.chance(this.#strikes.sealedShare)) {
      member.stop(() => {
        this.#later(0, () => {
          const isStill = member.state === "ended" && !member.wasDamaged;
          if (isStill && this.#mayHarm(member)) this.#harm(member);
        });
      });
    } else this.#harm(member);
  }

  #harm(member: SimMember): void {
    const { isSealed } = member;
    const isDown = member.life === null;
    if (!isDown) member.kill(null);
    const random = this.#random;
    const { disk } = member.host;
    const files = disk.memory.files().filter((path) => !isSnapshot(path));
    const drawn = drawDamage(this.#strikes, isSealed, files, random);
    const isAimed = drawn.files ?? (() => true);
    const profile = { ...drawn, files: (path: string) => !isSnapshot(path) && isAimed(path) };
    const report = member.harm(() => disk.damage(profile, random));
    if (report !== null) {
      const path = report.ranges[0]?.path ?? "";
      this.#count("damage", member.id, `${report.kind} ${path}`);
      if (isHardState(path) && random.chance(0.7)) {
        disk.damage(damageOfOtherCopy(report.kind, path), random);
      }
    }
    // Whoever was down before is already on the way up.
    if (!isDown)
      this.#later(this.#downMs(), () => this.#boot(member, this.#strikes.againMendingShare));
  }

  // --- clients -----------------------------------------------------------------------------------

  #burst(): void {
    const { clients } = this.#world;
    const client = clients[this.#random.below(clients.length)];
    const count = pick(this.#random, [10, 40, 100]);
    this.#count("burst", "-", count);
    for (let asked = 0; asked < count; asked++) client?.askOnce();
  }
}
