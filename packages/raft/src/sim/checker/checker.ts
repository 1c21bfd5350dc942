/**
 * The invariants after every step: a listener at the seam between cores and their hosts. It keeps a
 * ledger of what happened in the whole world and compares each member with it.
 */
import { assert, type LogIndex, type NodeId, noTerm } from "../../base/index.ts";
import {
  type ChangeResult,
  checkState,
  type Effect,
  type Entry,
  type HardState,
  type Input,
  type InstallSnapshot,
  type MemberChange,
  type Message,
  type Persist,
  type PlacedSnapshot,
  type ProposeResult,
  type Raft,
  type Send,
  type TransferResult,
} from "../../core/index.ts";
import type { CoreObserver, RecoveredSnapshots, Recovery, SnapshotEvent } from "../observer.ts";
import { check, type Evaluations } from "../violation.ts";
import {
  checkPromise,
  checkPromiseKept,
  checkVerified,
  observeMatched,
  onAcknowledged,
} from "./check-acks.ts";
import { checkApply, checkCaughtUp, checkRemoval, observeCommit } from "./check-commit.ts";
import { observeConfiguration } from "./check-configuration.ts";
import { checkLeaving, observeRole, observeVote, onHardStateDurable } from "./check-election.ts";
import {
  checkTransfersTold,
  observeLeadership,
  observeTransfer,
  onOrder,
  onPromiseLeft,
  onPromisesRecovered,
} from "./check-leadership.ts";
import { auditLog, observeLog } from "./check-log.ts";
import {
  checkHeld,
  checkInstalled,
  checkMachine,
  checkRefused,
  checkSaved,
  observeSnapshot,
  offersOf,
} from "./check-snapshots.ts";
import { cutImage, type DiskImage } from "./disk-image.ts";
import { belongsTo, isElecting } from "./electorate.ts";
import { createLedger, decidingElectorates, type Ledger, membersMax } from "./ledger.ts";
import { createLogTree, recall } from "./log-tree.ts";
import {
  createMemberRecord,
  type MemberRecord,
  type Proposal,
  seenAtStart,
} from "./member-record.ts";

/** Of a member that has not heard of its cluster. */
const emptyHardState: HardState = { term: noTerm, votedFor: null, mustCatchUp: false };

export interface CheckerOptions {
  readonly ids: readonly NodeId[];
  /** Places after those: members that may join, with nothing on disk. Left out: none. */
  readonly joiners?: readonly NodeId[];
  /** What every member but joiners has on disk before its first start, all of it committed. */
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  readonly evaluations: Evaluations;
  /**
   * What a member's clock has counted since the world began, over all its lives, in milliseconds.
   * Left out: nobody knows, and promises are not looked at.
   */
  readonly clockOf?: (at: number) => number;
}

export class Checker implements CoreObserver {
  readonly ledger: Ledger;
  readonly #byId = new Map<NodeId, MemberRecord>();

  constructor(options: CheckerOptions) {
    const all = [...options.ids, ...(options.joiners ?? [])];
    assert(all.length <= membersMax, "the checker's sets hold so many members");
    const tree = createLogTree(new Map(all.map((id, at) => [id, at])));
    const records = all.map((id, at) =>
      createMemberRecord(at, id, {
        ...(at < options.ids.length ? options.hardState : emptyHardState),
        commit: 0 as LogIndex, // set below
        log: [],
        base: 0,
        snapshot: null,
      }),
    );
    this.ledger = createLedger(records, tree, options.evaluations, options.clockOf ?? null);
    let past = null;
    for (const entry of options.entries) {
      past = recall(tree, options.evaluations, past, entry, true);
      this.ledger.canon.push(past);
      this.ledger.commitTerms.push(entry.term);
      for (const { image } of records.slice(0, options.ids.length)) {
        image.log.push(past);
        image.commit = entry.index;
      }
    }
    for (const record of records) this.#byId.set(record.id, record);
  }

  /** What is on the member's disk. */
  image(at: number): DiskImage {
    return this.#record(at).image;
  }

  /** Whether all configurations that may decide can do so without these members. */
  canSpare(missing: Iterable<number>): boolean {
    let present = -1;
    for (const at of missing) present &= ~(1 << at);
    return decidingElectorates(this.ledger).every((one) => isElecting(one, present));
  }

  /** Whether no configuration that may decide has this member, be it as a learner. */
  isOutside(at: number): boolean {
    return !decidingElectorates(this.ledger).some((one) => belongsTo(one, at));
  }

  /** The whole log of the member against what was seen of it; for the end of a world. */
  audit(at: number, raft: Raft): void {
    auditLog(this.ledger, this.#record(at), raft);
  }

  /** What the member's machines hold once they are at `index`, as a hash. */
  machine(at: number, index: number, state: number): void {
    checkMachine(this.ledger, this.#record(at), index, state);
  }

  // --- the seam ----------------------------------------------------------------------------------

  /**
   * The process ended: what it left on disk. Called once between `onCrash` and `onStart`, by who
   * knows it early, or by `onStart`.
   */
  recover(at: number, recovery: Recovery): void {
    const member = this.#record(at);
    assert(member.state === "down", "recover: the member is down");
    member.state = "recovered";
    const { keptUnits, keptEntries, keptHardStates = keptUnits, restored = [] } = recovery;
    for (const unit of member.pending.slice(0, keptUnits)) this.#write(member, unit);
    for (const unit of member.pending.slice(keptUnits, keptHardStates)) {
      if (unit.kind === "persist" && unit.hardState !== null) {
        this.#writeHardState(member, unit.hardState);
      }
    }
    member.pending = [];
    this.#recoverEntries(member, keptEntries, restored);
    if (recovery.snapshots !== undefined) this.#recoverSnapshots(member, recovery.snapshots);
  }

  #recoverEntries(
    member: MemberRecord,
    keptEntries: number | null,
    restored: readonly Entry[],
  ): void {
    if (keptEntries === null) return;
    const { image } = member;
    member.lost.push([...image.log]);
    member.lossTerm = image.term;
    cutImage(image, Math.min(keptEntries, image.log.length));
    image.mustCatchUp = true;
    const { tree, evaluations } = this.ledger;
    for (const entry of restored) {
      image.log.push(recall(tree, evaluations, image.log.at(-1) ?? null, entry, false));
    }
  }

  #recoverSnapshots(member: MemberRecord, { base, saved }: RecoveredSnapshots): void {
    if (saved !== null) {
      checkSaved(this.ledger, member, saved);
      this.#keepSnapshot(member, saved);
    }
    member.image.base = base;
    checkHeld(this.ledger, member, base);
  }

  onStart(at: number, raft: Raft, recovery: Recovery): void {
    const member = this.#record(at);
    if (member.state === "down") this.recover(at, recovery);
    assert(member.state === "recovered", "onStart: the member is not up");
    member.state = "up";
    member.durableUnit = 0;
    member.received.clear();
    member.restoring = 0;
    const { image } = member;
    this.#checkRecovered(member, raft);
    member.seen = seenAtStart(raft, image);
    this.#observe(member, raft, null);
  }

  onStep(at: number, raft: Raft, input: Input): void {
    const member = this.#record(at);
    if (input.kind === "snapshot-received") member.received.set(input.id, input);
    if (input.kind === "read") member.reads.set(input.id, this.ledger.canon.length);
    const answer = raft.outbox.sends[member.seen.sends]?.message;
    observeVote(this.ledger, member, raft, input, answer);
    observeLeadership(this.ledger, member, raft, input);
    this.#observe(member, raft, input);
    if (input.kind !== "applied") return;
    if (input.index >= member.restoring) member.restoring = 0;
    if (member.proposals.length > 0) this.#settleProposals(member, input.index);
  }

  onPropose(at: number, raft: Raft, commands: readonly Uint8Array[], result: ProposeResult): void {
    if (result.kind === "refused") return;
    const member = this.#record(at);
    for (let i = 0; i < commands.length; i++) {
      member.proposals.push({ index: result.first + i, term: result.term });
    }
    this.#observe(member, raft, null);
  }

  onChange(at: number, raft: Raft, _changes: readonly MemberChange[], result: ChangeResult): void {
    if (result.kind === "refused") return;
    this.#observe(this.#record(at), raft, null);
  }

  onTransfer(at: number, raft: Raft, _to: NodeId | null, result: TransferResult): void {
    if (result.kind === "refused") return;
    const member = this.#record(at);
    observeTransfer(this.ledger, member, raft);
    this.#observe(member, raft, null);
  }

  onTake(at: number, raft: Raft, effects: readonly Effect[]): void {
    const member = this.#record(at);
    for (const effect of effects) this.#onEffect(member, effect);
    checkTransfersTold(this.ledger, member);
    this.#observe(member, raft, null);
  }

  onDurable(at: number, unit: Persist | InstallSnapshot): void {
    const member = this.#record(at);
    const oldest = member.pending.shift();
    assert(oldest?.unit === unit.unit, "units become durable in order");
    this.#write(member, unit);
    member.durableUnit = unit.unit;
    if (member.owed.length === 0) return;
    for (const { after, response } of member.owed) {
      if (after <= unit.unit) checkPromise(this.ledger, member, response);
    }
    member.owed = member.owed.filter(({ after }) => after > unit.unit);
  }

  onSnapshot(at: number, raft: Raft, event: SnapshotEvent): void {
    const member = this.#record(at);
    const { image } = member;
    switch (event.kind) {
      case "saved":
        checkSaved(this.ledger, member, event.snapshot);
        this.#keepSnapshot(member, event.snapshot);
        this.ledger.counts.snapshotsTaken++;
        break;
      case "compacted":
        this.#observe(member, raft, null);
        break;
      case "offered":
        break;
      case "dropped":
        image.base = Math.max(image.base, event.index);
        checkHeld(this.ledger, member, image.base);
        break;
      default:
        event satisfies never;
    }
  }

  onLeave(at: number, message: Message): void {
    const member = this.#record(at);
    const to = this.#byId.get(message.to);
    assert(to !== undefined, "messages go to members");
    checkLeaving(this.ledger, member, to.at, message);
    if (message.kind !== "append-entries-response") return;
    onAcknowledged(this.ledger, member, message);
    onPromiseLeft(this.ledger, member, message);
  }

  onCrash(at: number): void {
    const member = this.#record(at);
    member.state = "down";
    member.owed = [];
    member.proposals = [];
    member.reads.clear();
    onPromisesRecovered(member.promise);
  }

  // --- inside ------------------------------------------------------------------------------------

  #record(at: number): MemberRecord {
    const member = this.ledger.members[at];
    assert(member !== undefined, "a member of this world", () => `${at}`);
    return member;
  }

  /** Everything that a change of a member's state is checked for. */
  #observe(member: MemberRecord, raft: Raft, input: Input | null): void {
    const { ledger } = this;
    const { seen } = member;
    checkState(raft);
    observeLog(ledger, member, raft);
    if (raft.snapshot !== seen.snapshot) observeSnapshot(ledger, member, raft.snapshot);
    if (raft.role === "leader" && seen.role !== "leader") ledger.counts.elections++;
    observeRole(ledger, member, raft);
    observeCommit(ledger, member, raft);
    observeConfiguration(ledger, member, raft);
    observeMatched(ledger, member, raft, input);
    seen.role = raft.role;
    seen.hardState = raft.hardState;
    seen.commit = raft.commit;
    seen.applying = raft.applying;
    seen.applied = raft.applied;
    seen.offers = offersOf(raft);
    seen.sends = raft.outbox.sends.length;
  }

  #onEffect(member: MemberRecord, effect: Effect): void {
    switch (effect.kind) {
      case "persist":
        member.pending.push(effect);
        break;
      case "send":
        this.#onSend(member, effect);
        break;
      case "apply":
        checkApply(this.ledger, member, effect.entries);
        break;
      case "read-answered":
        for (const id of effect.ids) {
          this.#settleRead(member, id, "index" in effect ? effect.index : null);
        }
        break;
      case "transfer-ended":
        member.seen.transfersOpen--;
        break;
      case "role-changed":
      case "configuration-changed":
      case "wake-in":
        break;
      case "install-snapshot":
        member.pending.push(effect);
        member.restoring = effect.position.index;
        break;
      case "snapshot-refused":
        checkRefused(this.ledger, member, effect);
        break;
      case "snapshot-needed":
        break;
      default:
        effect satisfies never;
    }
  }

  #onSend(member: MemberRecord, { after, message }: Send): void {
    if (message.kind === "timeout-now") onOrder(this.ledger, member, message);
    if (message.kind !== "append-entries-response") return;
    checkVerified(this.ledger, member, message);
    if (after <= member.durableUnit) checkPromise(this.ledger, member, message);
    else member.owed.push({ after, response: message });
  }

  #settleRead(member: MemberRecord, id: number, index: number | null): void {
    const { evaluations, counts } = this.ledger;
    const least = member.reads.get(id);
    check(evaluations, "R", least !== undefined, () => `read ${id} is answered twice`);
    member.reads.delete(id);
    if (index === null) {
      counts.readsFailed++;
      return;
    }
    counts.readsAnswered++;
    check(
      evaluations,
      "L2",
      index >= (least ?? 0),
      () => `${member.id} may read at ${index}; ${least} was committed when the read was asked`,
    );
  }

  /** A unit reaches the disk. */
  #write(member: MemberRecord, unit: Persist | InstallSnapshot): void {
    const { image } = member;
    if (unit.kind === "install-snapshot") {
      this.#install(member, unit);
      return;
    }
    if (unit.hardState !== null) {
      const caughtUp = image.mustCatchUp && !unit.hardState.mustCatchUp;
      this.#writeHardState(member, unit.hardState);
      if (caughtUp) {
        // What this unit brings counts, too: it is one with the hard state.
        this.#writeEntries(member, unit);
        checkCaughtUp(this.ledger, member);
        member.lost = [];
        return;
      }
    }
    this.#writeEntries(member, unit);
  }

  /** What the snapshot stands for is on disk with it, and what follows that is gone or stays. */
  #install(member: MemberRecord, unit: InstallSnapshot): void {
    const { ledger } = this;
    const { image } = member;
    const { position, configuration, configurationIndex } = checkInstalled(ledger, member, unit);
    if (unit.replacesLog) {
      image.log.length = 0;
      for (const past of ledger.canon.slice(0, position.index)) image.log.push(past);
      image.base = position.index;
      ledger.counts.logsReplaced++;
    }
    this.#keepSnapshot(member, { position, configuration, configurationIndex });
    ledger.counts.snapshotsInstalled++;
    checkPromiseKept(ledger, member);
  }

  #keepSnapshot({ image }: MemberRecord, snapshot: PlacedSnapshot): void {
    const { index } = snapshot.position;
    if (index > (image.snapshot?.position.index ?? 0)) image.snapshot = snapshot;
    image.commit = Math.max(image.commit, index) as LogIndex; // one of two indexes
  }

  #writeHardState(member: MemberRecord, hardState: HardState): void {
    const before = member.image.term;
    Object.assign(member.image, hardState);
    onHardStateDurable(this.ledger, member, before);
  }

  #writeEntries(member: MemberRecord, unit: Persist): void {
    const { ledger } = this;
    const { image } = member;
    const removed = unit.truncateFrom === null ? [] : image.log.slice(unit.truncateFrom - 1);
    if (unit.truncateFrom !== null) cutImage(image, unit.truncateFrom - 1);
    let parent = image.log.at(-1) ?? null;
    for (const entry of unit.entries) {
      parent = recall(ledger.tree, ledger.evaluations, parent, entry, false);
      image.log.push(parent);
    }
    image.commit = Math.max(image.commit, unit.commit) as LogIndex; // one of two indexes
    const isThere = image.commit <= image.log.length;
    check(ledger.evaluations, "S13", isThere, () => "stored commit index");
    if (removed.length === 0) return;
    checkRemoval(ledger, removed);
    checkPromiseKept(ledger, member);
  }

  /** D2: what the core starts with is what the disk held. */
  #checkRecovered(member: MemberRecord, raft: Raft): void {
    const { evaluations, tree } = this.ledger;
    const { image } = member;
    const { hardState } = raft;
    const isHeld =
      hardState.term === image.term &&
      hardState.votedFor === image.votedFor &&
      hardState.mustCatchUp === image.mustCatchUp;
    const found = (): string => `${member.id} starts with ${JSON.stringify(hardState)}`;
    const held = (): string => `${image.term}/${image.votedFor}/${image.mustCatchUp}`;
    check(evaluations, "D2", isHeld, () => `${found()}; on disk was ${held()}`);
    const { entries, base } = raft.log;
    const before = image.log[base.index - 1];
    const isBehind = base.index === image.base && (before?.entry.term ?? noTerm) === base.term;
    check(evaluations, "D2", isBehind, () => `${member.id} starts behind ${base.index}`);
    const isLength = base.index + entries.length === image.log.length;
    const lengths = (): string => `${entries.length} entries; on disk were ${image.log.length}`;
    check(evaluations, "D2", isLength, () => `${member.id} starts with ${lengths()}`);
    let parent = before ?? null;
    for (const [i, entry] of entries.entries()) {
      parent = recall(tree, evaluations, parent, entry, false);
      const isSame = parent === image.log[base.index + i];
      check(evaluations, "D2", isSame, () => `${member.id} starts with another entry ${i + 1}`);
    }
    check(evaluations, "S13", raft.commit <= image.commit, () => "commit after a start");
  }

  /**
   * What is applied at the proposal's index with its term is the proposal; with another term it is
   * lost.
   */
  #settleProposals(member: MemberRecord, applied: number): void {
    const open: Proposal[] = [];
    for (const proposal of member.proposals) {
      const past = this.ledger.canon[proposal.index - 1];
      if (proposal.index > applied) open.push(proposal);
      else if (past?.entry.term === proposal.term) {
        this.ledger.acknowledged.push(past);
        this.ledger.counts.writes++;
      }
    }
    member.proposals = open;
  }
}
