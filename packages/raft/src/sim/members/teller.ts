/**
 * Passes on what one run of a member says of itself: to the checkers, to the trace, to the record
 * of its disk. What a checker throws is the end of the world, and of the member, too.
 */
import type { NodeId } from "../../base/index.ts";
import type {
  Effect,
  Input,
  InstallSnapshot,
  Leadership,
  LogPosition,
  Message,
  Persist,
  ProposeResult,
  Raft,
  TransferResult,
} from "../../core/index.ts";
import type { MemberObserver } from "../../node/index.ts";
import type { Recovery, SnapshotEvent } from "../observer.ts";
import { Violation } from "../violation.ts";
import { recordDurable, recordSnapshot } from "./explain-recovery.ts";
import { expect, type MemberEvaluations } from "./invariants.ts";
import { forwardBytesMax } from "./options.ts";
import type { SimMember } from "./sim-member.ts";
import { recordCore } from "./trace.ts";
import type { World } from "./world.ts";

export class Teller implements MemberObserver {
  readonly #world: World;
  readonly #member: SimMember;
  #raft: Raft | null = null;
  /** What its log began behind when it was last looked at. */
  #base = 0;
  /** Snapshots that it has offered in this run. */
  readonly #offered = new Set<string>();

  constructor(world: World, member: SimMember) {
    this.#world = world;
    this.#member = member;
  }

  /** The core while this run is told of; null before and after. */
  get raft(): Raft | null {
    return this.#raft;
  }

  onStart(raft: Raft): void {
    this.#guard(() => {
      const recovery: Recovery = this.#member.onRecovered(raft);
      this.#raft = raft;
      this.#base = raft.log.base.index;
      this.#note("start", raft, describeRecovery(recovery));
      for (const observer of this.#world.observers) {
        observer.onStart(this.#member.at, raft, recovery);
      }
    });
  }

  onStep(input: Input): void {
    const raft = this.#raft;
    if (raft === null) return;
    const world = this.#world;
    if (input.kind === "tick" && isIdle(raft)) world.idleTicks++;
    else {
      world.steps++;
      this.#note(input.kind, raft, input.kind === "receive" ? input.message : null);
    }
    try {
      if (input.kind === "receive") this.#checkSender(input.message);
      if (input.kind === "lease-read") this.#countLeaseRead(raft, input.id);
      if (input.kind === "snapshot-saved") this.#onSaved(raft, input.position);
      for (const observer of world.observers) observer.onStep(this.#member.at, raft, input);
      if (input.kind === "tick") this.#member.onTick(input.nowMs);
      this.#base = raft.log.base.index;
    } catch (error) {
      this.#break(error);
    }
  }

  onPropose(commands: readonly Uint8Array[], result: ProposeResult): void {
    const raft = this.#raft;
    if (raft === null) return;
    this.#world.steps++;
    this.#note("propose", raft, commands.length);
    try {
      for (const observer of this.#world.observers) {
        observer.onPropose(this.#member.at, raft, commands, result);
      }
    } catch (error) {
      this.#break(error);
    }
  }

  onTransfer(to: NodeId | null, result: TransferResult): void {
    const raft = this.#raft;
    if (raft === null) return;
    this.#note("transfer", raft, to);
    try {
      for (const observer of this.#world.observers) {
        observer.onTransfer(this.#member.at, raft, to, result);
      }
    } catch (error) {
      this.#break(error);
    }
  }

  onTake(effects: readonly Effect[]): void {
    const raft = this.#raft;
    if (raft === null) return;
    for (const effect of effects) {
      if (effect.kind === "persist" || effect.kind === "install-snapshot") {
        this.#member.onPersist(effect);
      } else if (effect.kind === "apply") this.#world.onCommitted(effect.entries);
    }
    if (effects.length > 0) this.#note("take", raft, effects.length);
    try {
      for (const effect of effects) {
        if (effect.kind !== "snapshot-needed") continue;
        this.#offered.add(offerKey(effect.term, effect.peer, effect.position));
        this.#world.hosts.faults.add("snapshots.needed");
      }
      if (raft.leadership !== null) this.#checkQueues(raft, raft.leadership);
      for (const observer of this.#world.observers) {
        observer.onTake(this.#member.at, raft, effects);
      }
    } catch (error) {
      this.#break(error);
    }
  }

  onInstalled(unit: InstallSnapshot): void {
    this.#world.hosts.faults.add("snapshots.installed");
    this.onDurable(unit);
  }

  onDurable(unit: Persist | InstallSnapshot): void {
    const raft = this.#raft;
    if (raft === null) return;
    const { record } = this.#member;
    if (record !== null) recordDurable(record, this.#world.committed);
    this.#note("durable", raft, unit.unit);
    try {
      for (const observer of this.#world.observers) observer.onDurable(this.#member.at, unit);
    } catch (error) {
      this.#break(error);
    }
  }

  onCompact(base: LogPosition): void {
    const { record } = this.#member;
    if (record !== null) record.dropped = Math.max(record.dropped, base.index);
    if (base.index === this.#base) return; // what a snapshot took the place of went with it
    this.#base = base.index;
    this.#world.hosts.faults.add("snapshots.compacted");
    this.#tellSnapshot({ kind: "compacted", base });
  }

  onOffered(peer: NodeId, position: LogPosition): void {
    const raft = this.#raft;
    if (raft === null) return;
    const term = raft.hardState.term;
    const key = offerKey(term, peer, position);
    if (this.#offered.has(key)) return;
    this.#offered.add(key);
    const needed = { kind: "snapshot-needed", peer, position, term } as const;
    this.#tellSnapshot({ kind: "offered", needed });
  }

  /** Answered at once, or asked for as every read. */
  #countLeaseRead({ outbox }: Raft, id: number): void {
    const answer = outbox.answers.at(-1);
    const isAnswered = answer?.kind === "read-answered" && answer.ids[0] === id;
    this.#world.hosts.faults.add(isAnswered ? "leases.answered" : "leases.missing");
  }

  /** An own snapshot is on disk, and the core has heard of it just now. */
  #onSaved(raft: Raft, position: LogPosition): void {
    const { record } = this.#member;
    if (record !== null) recordSnapshot(record, position.index);
    const { snapshot } = raft;
    if (snapshot?.position.index !== position.index) return; // it has a newer one
    this.#world.hosts.faults.add("snapshots.saved");
    this.#tellSnapshot({ kind: "saved", snapshot });
  }

  #tellSnapshot(event: SnapshotEvent): void {
    const raft = this.#raft;
    if (raft === null) return;
    this.#note(event.kind, raft, raft.log.base.index);
    try {
      for (const observer of this.#world.observers) {
        observer.onSnapshot?.(this.#member.at, raft, event);
      }
    } catch (error) {
      this.#break(error);
    }
  }

  onLeave(message: Message): void {
    const raft = this.#raft;
    if (raft === null) return;
    this.#note("leave", raft, message);
    try {
      for (const observer of this.#world.observers) observer.onLeave(this.#member.at, message);
    } catch (error) {
      this.#break(error);
    }
  }

  /** The member stopped by itself, or was told to. */
  onEnd(): void {
    this.end();
    this.#guard(() => this.#member.onEnded());
  }

  /** Nothing of this run is told any more: its process has ended. */
  end(): void {
    if (this.#raft === null) return;
    this.#note("end", this.#raft, null);
    this.#raft = null;
    this.#guard(() => {
      for (const observer of this.#world.observers) observer.onCrash(this.#member.at);
    });
  }

  #checkSender({ from, kind }: Message): void {
    if (from !== this.#world.stranger) return;
    const what = `a ${kind} of ${from}, which lost its directory`;
    throw new Violation("X3", `${this.#member.id} listens to ${what}`);
  }

  #checkQueues(raft: Raft, leadership: Leadership): void {
    const { evaluations, options } = this.#world;
    checkQueues(evaluations, raft, leadership, options.limits.commandBytesMax);
  }

  #note(what: string, raft: Raft, subject: Message | string | number | null): void {
    const { trace, nowMs } = this.#world;
    recordCore(trace, nowMs, what, this.#member.at, raft, subject);
  }

  #guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): never {
    this.#world.fail(error);
    throw error;
  }
}

/**
 * V8: what a leader has under way is within its windows, whatever happens to its peers.
 * `commandBytesMax`: of the world.
 */
function checkQueues(
  evaluations: MemberEvaluations,
  raft: Raft,
  leadership: Leadership,
  commandBytesMax: number,
): void {
  const { inflightMessagesMax, inflightBytesMax, uncommittedBytesMax } = raft.settings;
  const { uncommittedBytes } = leadership;
  // A first batch always passes: a command, or a forwarded batch, which counts 4 bytes for each of
  // its commands where the log counts 32. And a new leader inherits what there is.
  const batchBytesMax = 4 * forwardBytesMax + commandBytesMax;
  const isOwn = raft.commit >= leadership.termStart;
  const bytesMax = uncommittedBytesMax + batchBytesMax;
  expect(evaluations, "V8", !isOwn || uncommittedBytes <= bytesMax, () => {
    return `${raft.id} has ${uncommittedBytes} bytes uncommitted, ${uncommittedBytesMax} at most`;
  });
  for (const [peer, { inflight, inflightBytes }] of leadership.peers) {
    // The newest was sent while there was room, and one entry passes whatever its size.
    const before = inflightBytes - (inflight.at(-1)?.bytes ?? 0);
    const isWithin = inflight.length <= inflightMessagesMax && before < inflightBytesMax;
    expect(evaluations, "V8", isWithin, () => {
      const what = `${inflight.length} messages of ${inflightBytes} bytes`;
      return `${raft.id} has ${what} under way to ${peer}`;
    });
  }
}

function offerKey(term: number, peer: NodeId, position: LogPosition): string {
  return `${term}/${peer}/${position.index}/${position.term}`;
}

/** A tick after which nobody has anything to do or to say. */
function isIdle(raft: Raft): boolean {
  const { outbox, told, role, leader, leadership } = raft;
  if (outbox.sends.length > 0 || outbox.answers.length > 0 || outbox.hardStateChanged) return false;
  if (told.role !== role || told.leader !== leader) return false;
  return leadership === null || leadership.heartbeatElapsed > 0;
}

function describeRecovery({ keptUnits, keptHardStates, keptEntries }: Recovery): string {
  const hard = keptHardStates === undefined ? "" : `, ${keptHardStates} hard states`;
  const damage = keptEntries === null ? "" : `, damaged to ${keptEntries} entries`;
  return `${keptUnits} units kept${hard}${damage}`;
}
