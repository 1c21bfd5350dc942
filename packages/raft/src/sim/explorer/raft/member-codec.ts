/**
 * A member as bytes and back: all that decides what it will do, and nothing else. Members are named
 * from where the member stands: 0 itself, 1 the next, 2 the one after; so the bytes do not depend
 * on its own place, and exchanging its two peers is mirroring them (`isMirrored`).
 *
 * What is left out, and why nobody can tell:
 * - Clocks (`nowTick`, `nowMs`, `electionElapsed`, `electionTimeout`, `jitter`,
 *   `heartbeatElapsed`): the election timer is an action (`fireElectionTimer`), a heartbeat is due
 *   at every tick. What is compared with the clock is stored as its age, up to the age at which it
 *   counts for nothing (`electionTicks`); without CheckQuorum nothing is compared.
 * - The rounds' ticks (`roundTicks`) older than that: they could only raise a contact to an age at
 *   which it counts for nothing.
 * - The age of the leader's last message is only "counts" or "does not": followers' ticks change
 *   nothing else, so the first of `electionTicks` ticks is no state of its own.
 * - Unit numbers: only compared with what is durable, so they count from there. What is durable
 *   already is 0.
 * - `applying`, `applied` (applied at once), `commitTaken`, `unstableFrom`, `told`, the outbox and
 *   all that waits for a take: each turn ends with a take. `checkNormal` holds that to be so.
 * - `uncommittedBytes`, the bytes in flight: sums over the log, and no limit is in reach.
 * - `recoveredTerm`, `reachable`: read only by members with `mustCatchUp`, which nobody has here.
 * - All that transfers, failovers and leases need, where a model has none of them; else see
 *   `leadership-codec.ts`. All that priorities and unhealthy disks need: nobody has them.
 * - `boot`: compared with what answers to a follower's reads carry; 0 where followers do not ask.
 */
import {
  assert,
  type LogIndex,
  logIndex,
  type NodeId,
  type PersistUnit,
  persistUnit,
  term,
} from "../../../base/index.ts";
import {
  type Entry,
  type HardState,
  type Progress,
  type Raft,
  type Role,
  type Send,
  usualStanding,
} from "../../../core/index.ts";
import { leaseSettings } from "./clocks.ts";
import { createDecodedRaft, dropCovered, decodedTick as nowTick } from "./decoded-raft.ts";
import { entryCode, entryOf, firstEntryOf, idAt, placeOf } from "./entries.ts";
import {
  countsTicks,
  hearsLeader,
  leadershipBytes,
  roundBytes,
  takeLeadershipRest,
} from "./leadership-codec.ts";
import {
  fullLog,
  type Image,
  type Install,
  type Member,
  type MemberOptions,
  placedAt,
  positionIn,
  promisedOf,
  type Unit,
} from "./member.ts";
import {
  decodeMessage,
  directionOf,
  encodeMessage,
  messageBytes,
  mirrorValue,
  readValue,
  writeValue,
} from "./messages.ts";
import { checkNormal, uncommittedBytes } from "./normal.ts";

const roles: readonly Role[] = ["follower", "pre-candidate", "candidate", "leader"];

/** More units than a send ever waits for. What waits is small: no append does. */
const waitRadix = 8;

/** "Nobody" among 0, 1, 2. */
const nobody = 3;

/** In a byte with a term and a vote: a lease was promised, all are as long. */
const promisedBit = 64;

/** Bytes a member takes at most: far above what the bounds allow. */
export const memberBytesMax = 1024;

/** In place of the hard state of a unit: an installation. */
const installMark = 255;

export class MemberCodec {
  readonly #options: MemberOptions;
  readonly #bytes = new Uint8Array(memberBytesMax);
  #at = 0;
  #place = 0;
  #isMirrored = false;
  #input: Uint8Array = this.#bytes;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  // --- encoding ----------------------------------------------------------------------------------

  /** A view, valid until the next call. */
  encode(member: Member, isMirrored = false): Uint8Array {
    const { raft } = member;
    checkNormal(member);
    this.#at = 0;
    this.#place = member.place;
    this.#isMirrored = isMirrored;
    if (this.#options.changes !== null) this.#put(member.place);
    const { hardState } = raft;
    this.#put(roles.indexOf(raft.role) | (this.#digit(raft.leader) << 2));
    this.#put(this.#hardStateByte(hardState));
    this.#put(raft.commit | (hearsLeader(raft) ? 16 : 0));
    this.#putLog(fullLog(member));
    this.#put(raft.durableIndex);
    this.#put(raft.verified | (raft.leaderCommit << 4));
    this.#put(raft.answeredRound);
    this.#put(Math.max(0, raft.hardStateUnit - raft.durableUnit));
    this.#putDisk(member);
    this.#putHeld(member);
    this.#putCampaign(raft);
    this.#putLeadership(raft);
    if (this.#options.followerReads) this.#putReads(raft);
    if (this.#options.takesSnapshots) this.#putSnapshots(member);
    for (const byte of leadershipBytes(member, (id) => this.#digit(id))) this.#put(byte);
    assert(this.#at <= memberBytesMax, "a member fits into its bytes");
    return this.#bytes.subarray(0, this.#at);
  }

  #put(byte: number): void {
    assert(byte >= 0 && byte <= 255, "a field of a member fits into its byte");
    this.#bytes[this.#at++] = byte;
  }

  #hardStateByte({ term, votedFor, promisedMs = 0 }: HardState): number {
    return term | (this.#digit(votedFor) << 4) | (promisedMs > 0 ? promisedBit : 0);
  }

  #digit(id: NodeId | null): number {
    return id === null ? nobody : this.#digitOfPlace(placeOf(id));
  }

  #digitOfPlace(place: number): number {
    const digit = (place - this.#place + 3) % 3;
    return this.#isMirrored && digit > 0 ? 3 - digit : digit;
  }

  #putEntries(entries: readonly Entry[], from: number): void {
    this.#put(entries.length - from);
    for (let at = from; at < entries.length; at++) {
      const entry = entries[at];
      if (entry !== undefined) this.#put(entryCode(entry));
    }
  }

  #putLog(entries: readonly Entry[]): void {
    this.#putEntries(entries, 1);
  }

  #putDisk(member: Member): void {
    const { image, pending, raft } = member;
    const vote = image.vote < 0 ? nobody : this.#digitOfPlace(image.vote);
    this.#put(image.term | (vote << 4) | (image.promisedMs > 0 ? promisedBit : 0));
    if (this.#options.storesCommit) this.#put(image.commit);
    this.#putLog(image.log);
    this.#put(pending.length);
    for (const [at, unit] of pending.entries()) {
      this.#putUnit(unit);
      this.#put(raft.outstanding[at]?.lastIndex ?? 0);
    }
  }

  #putUnit(unit: Unit): void {
    if (unit.kind === "install-snapshot") {
      this.#put(installMark);
      this.#put(unit.replacesLog ? 1 : 0);
      this.#putLog(unit.content);
      return;
    }
    const { hardState } = unit;
    this.#put(hardState === null ? 0 : this.#hardStateByte(hardState));
    this.#put(unit.truncateFrom ?? 0);
    this.#put(unit.entries[0]?.index ?? 0);
    this.#putEntries(unit.entries, 0);
    if (this.#options.storesCommit) this.#put(unit.commit);
  }

  /**
   * They leave together when their unit is durable: their order is nobody's business, and neither
   * is how often the same message waits, for what has left can arrive any number of times.
   */
  #putHeld(member: Member): void {
    const { held, raft } = member;
    const values = new Set<number>();
    for (const { message, after } of held) {
      const value = encodeMessage(message, directionOf(message));
      const turned = this.#isMirrored ? mirrorValue(value) : value;
      const waiting = turned * waitRadix + (after - raft.durableUnit);
      assert(Number.isSafeInteger(waiting), "no append waits for a disk");
      assert(after - raft.durableUnit < waitRadix, "a send waits for few units");
      values.add(waiting);
    }
    this.#put(values.size);
    for (const value of [...values].sort((a, b) => a - b)) {
      this.#put(value % waitRadix);
      writeValue(this.#bytes, this.#at, Math.floor(value / waitRadix));
      this.#at += messageBytes;
    }
  }

  #putCampaign(raft: Raft): void {
    const { campaign } = raft;
    if (campaign === null) return;
    let votes = 0;
    for (const id of campaign.grants) votes |= 1 << this.#digit(id);
    for (const id of campaign.refusals) votes |= 8 << this.#digit(id);
    this.#put(votes);
  }

  #putLeadership(raft: Raft): void {
    const { leadership } = raft;
    if (leadership === null) return;
    this.#put(leadership.termStart | (leadership.round << 4));
    for (const digit of [1, 2]) {
      const place = (this.#place + (this.#isMirrored ? 3 - digit : digit)) % 3;
      const progress = leadership.peers.get(idAt(place));
      if (this.#options.changes !== null) this.#put(progress === undefined ? 0 : 1);
      else assert(progress !== undefined, "a leader keeps its peers");
      if (progress !== undefined) this.#putProgress(raft, progress);
    }
    for (const byte of roundBytes(raft, this.#options)) this.#put(byte);
    this.#put(leadership.pendingReads.length);
    for (const { round, index, origin } of leadership.pendingReads) {
      this.#put(round | (index << 4));
      if (origin.kind === "local") {
        this.#put(0);
        this.#putIds(origin.ids);
      } else {
        this.#put(this.#digit(origin.from));
        this.#put(origin.batch | (origin.boot << 4));
      }
    }
  }

  #putProgress(raft: Raft, progress: Progress): void {
    this.#put(progress.matched | (progress.next << 4));
    // Where replication began anew counts while it probes, and is set again when it does next.
    this.#put(progress.mode === "replicate" ? 0 : progress.probeSince);
    this.#put(progress.probeSequence === null ? 0 : progress.probeSequence + 1);
    this.#put(progress.inflight.length);
    for (const { sequence, last } of progress.inflight) {
      this.#put(sequence);
      this.#put(last);
    }
    this.#put(progress.sequence);
    this.#put(progress.matchedSequence);
    this.#put(progress.sentRound | (progress.ackedRound << 4));
    this.#put(progress.sentCommit);
    const { electionTicks } = this.#options.settings;
    if (countsTicks(this.#options)) {
      this.#put(Math.min(electionTicks, raft.nowTick - progress.contactTick));
    }
  }

  #putIds(numbers: readonly number[]): void {
    this.#put(numbers.length);
    for (const number of numbers) this.#put(number);
  }

  #putReads(raft: Raft): void {
    this.#put(raft.boot);
    this.#put(raft.readBatch);
    this.#put(raft.readsAsked.size);
    for (const [batch, { ids }] of raft.readsAsked) {
      this.#put(batch);
      this.#putIds(ids);
    }
  }

  #putSnapshots({ raft, image }: Member): void {
    this.#put(raft.log.base.index | ((raft.snapshot?.position.index ?? 0) << 4));
    this.#put(image.base | (image.snapshot << 4));
    for (const digit of [1, 2]) {
      const offer = raft.leadership?.peers.get(idAt(this.#placeAt(digit)))?.offer ?? null;
      this.#put(offer === null ? 0 : offer.position.index | (offer.isSent ? 16 : 0));
    }
  }

  // --- decoding ----------------------------------------------------------------------------------

  /** The member as if it stood at `place`; with `isMirrored` its peers change places. */
  decode(bytes: Uint8Array, place: number, isMirrored = false): Member {
    this.#input = bytes;
    this.#at = 0;
    this.#place = this.#options.changes !== null ? (bytes[this.#at++] ?? 0) : place;
    this.#isMirrored = isMirrored;
    const first = this.#take();
    const second = this.#take();
    const third = this.#take();
    const role = roles[first & 3];
    assert(role !== undefined, "a member has a role");
    const hardState = this.#hardStateOf(second);
    const commit = logIndex(third & 15);
    const raft = this.#createRaft({ role, leader: this.#id(first >> 2), hardState, commit });
    raft.leaderContactTick = third >= 16 ? nowTick : null;
    const { image, pending } = this.#takeDisk(raft);
    const held = this.#takeHeld();
    const at = this.#place;
    const rest = { image, pending, covered: [], arriving: null, held };
    const member: Member = { options: this.#options, place: at, rateMs: 0, raft, ...rest };
    this.#takeCampaign(raft);
    this.#takeLeadership(raft);
    if (this.#options.followerReads) this.#takeReads(member);
    if (this.#options.takesSnapshots) this.#takeSnapshots(member);
    const whole = this.#takeLeadershipRest(member);
    assert(this.#at === bytes.length, "a member has no bytes too many");
    return whole;
  }

  #takeLeadershipRest(member: Member): Member {
    const take = (): number => this.#take();
    return takeLeadershipRest(member, take, (digit) => this.#id(digit));
  }

  #hardStateOf(byte: number): HardState {
    const votedFor = this.#id((byte >> 4) & 3);
    const promised = promisedOf(byte >= promisedBit ? leaseSettings.leaseMs : 0);
    return { term: term(byte & 15), votedFor, mustCatchUp: false, ...promised };
  }

  #take(): number {
    const byte = this.#input[this.#at++];
    assert(byte !== undefined, "a member has all its bytes");
    return byte;
  }

  #takeIndex(): LogIndex {
    return this.#take() as LogIndex; // was one when it was encoded
  }

  #id(digit: number): NodeId | null {
    return digit === nobody ? null : idAt(this.#placeAt(digit));
  }

  #placeAt(digit: number): number {
    return (this.#place + (this.#isMirrored ? 3 - digit : digit)) % 3;
  }

  #createRaft(known: Pick<Raft, "role" | "leader" | "hardState" | "commit">): Raft {
    const entries = this.#takeLog();
    const durableIndex = this.#takeIndex();
    const seen = this.#take();
    return createDecodedRaft(this.#options, {
      ...known,
      id: idAt(this.#place),
      entries,
      durableIndex,
      verified: (seen & 15) as LogIndex, // was one when it was encoded
      leaderCommit: (seen >> 4) as LogIndex, // as above
      answeredRound: this.#take(),
      hardStateUnit: persistUnit(this.#take()),
    });
  }

  #takeLog(): Entry[] {
    return [firstEntryOf(this.#options.changes), ...this.#takeEntries(2)];
  }

  #takeEntries(from: number): Entry[] {
    const entries: Entry[] = [];
    const count = this.#take();
    const { changes } = this.#options;
    for (let i = 0; i < count; i++) entries.push(entryOf(from + i, this.#take(), changes));
    return entries;
  }

  #takeDisk(raft: Raft): { readonly image: Image; readonly pending: Unit[] } {
    const { storesCommit } = this.#options;
    const head = this.#take();
    const digit = (head >> 4) & 3;
    const vote = digit === nobody ? -1 : this.#placeAt(digit);
    const promisedMs = head >= promisedBit ? leaseSettings.leaseMs : 0;
    const commit = storesCommit ? this.#take() : 1;
    const log = this.#takeLog();
    const none = { base: 0, snapshot: 0 };
    const image: Image = { term: head & 15, vote, promisedMs, commit, log, ...none };
    const pending: Unit[] = [];
    const count = this.#take();
    for (let i = 1; i <= count; i++) {
      const unit = persistUnit(i);
      const next = this.#takeUnit(unit);
      const isInstall = next.kind === "install-snapshot";
      const snapshot = isInstall ? placedAt(next.content, next.position.index) : null;
      pending.push(next);
      raft.outstanding.push({ unit, lastIndex: this.#takeIndex(), snapshot });
    }
    raft.nextUnit = persistUnit(count + 1);
    return { image, pending };
  }

  #takeUnit(unit: PersistUnit): Unit {
    const head = this.#take();
    if (head === installMark) return this.#takeInstall(unit);
    const hardState = head === 0 ? null : this.#hardStateOf(head);
    const truncateFrom = this.#takeIndex();
    const entries = this.#takeEntries(this.#take());
    return {
      kind: "persist",
      unit,
      hardState,
      truncateFrom: truncateFrom === 0 ? null : truncateFrom,
      entries,
      commit: logIndex(this.#options.storesCommit ? this.#take() : 1),
    };
  }

  #takeInstall(unit: PersistUnit): Install {
    const replacesLog = this.#take() === 1;
    const content = this.#takeLog();
    const position = positionIn(content, content.length);
    return { kind: "install-snapshot", unit, id: 1, position, replacesLog, content };
  }

  /** After all else: what the base stands for leaves the log. */
  #takeSnapshots(member: Member): void {
    const { raft, image } = member;
    const log = [...raft.log.entries];
    const memory = this.#take();
    const disk = this.#take();
    raft.snapshot = placedAt(log, memory >> 4);
    image.base = disk & 15;
    image.snapshot = disk >> 4;
    for (const digit of [1, 2]) {
      const offered = this.#take();
      const progress = raft.leadership?.peers.get(idAt(this.#placeAt(digit)));
      if (offered === 0 || progress === undefined) continue;
      const position = positionIn(log, offered & 15);
      progress.mode = "snapshot";
      progress.offer = { position, tick: nowTick, isSent: offered >= 16 };
    }
    member.covered = dropCovered(raft, (memory & 15) as LogIndex); // was one when it was encoded
  }

  #takeHeld(): Send[] {
    const held: Send[] = [];
    const count = this.#take();
    for (let i = 0; i < count; i++) {
      const after = persistUnit(this.#take());
      const value = readValue(this.#input, this.#at);
      this.#at += messageBytes;
      const { changes } = this.#options;
      const message = decodeMessage(value, this.#place, this.#isMirrored, changes);
      assert(
        message.kind !== "snapshot" && message.kind !== "snapshot-report",
        "what hosts tell each other waits for no disk",
      );
      held.push({ kind: "send", after, message });
    }
    return held;
  }

  #takeCampaign(raft: Raft): void {
    if (raft.role !== "candidate" && raft.role !== "pre-candidate") return;
    const votes = this.#take();
    const pre = raft.role === "pre-candidate";
    const forTerm = term(raft.hardState.term + (pre ? 1 : 0));
    const isTransfer = false;
    raft.campaign = { pre, term: forTerm, grants: new Set(), refusals: new Set(), isTransfer };
    for (let digit = 0; digit < 3; digit++) {
      const id = idAt(this.#placeAt(digit));
      if ((votes & (1 << digit)) !== 0) raft.campaign.grants.add(id);
      if ((votes & (8 << digit)) !== 0) raft.campaign.refusals.add(id);
    }
  }

  #takeLeadership(raft: Raft): void {
    if (raft.role !== "leader") return;
    const head = this.#take();
    const first = this.#takePeer();
    const second = this.#takePeer();
    const peers = new Map<NodeId, Progress>();
    // In the order of the configuration, as the core makes it.
    const atFirst = this.#placeAt(1);
    const atSecond = this.#placeAt(2);
    if (first !== null && atFirst < atSecond) peers.set(idAt(atFirst), first);
    if (second !== null) peers.set(idAt(atSecond), second);
    if (first !== null && atFirst > atSecond) peers.set(idAt(atFirst), first);
    raft.leadership = {
      termStart: logIndex(head & 15),
      peers,
      round: head >> 4,
      roundTicks: this.#takeRounds(),
      heartbeatElapsed: 0,
      commitTaken: raft.commit,
      uncommittedBytes: uncommittedBytes(raft),
      newReads: [],
      pendingReads: [],
      sinceTick: nowTick,
      transfer: null,
      transferEndedTick: null,
      leaseFromRound: 0,
    };
    const count = this.#take();
    for (let i = 0; i < count; i++) this.#takePendingRead(raft.leadership.pendingReads);
  }

  /** Null: no member that the leader sends to. */
  #takePeer(): Progress | null {
    if (this.#options.changes !== null && this.#take() === 0) return null;
    return this.#takeProgress();
  }

  #takeProgress(): Progress {
    const head = this.#take();
    const since = this.#take();
    const mode = since === 0 ? "replicate" : "probe";
    const probe = this.#take();
    const inflight: Progress["inflight"] = [];
    const count = this.#take();
    for (let i = 0; i < count; i++) {
      inflight.push({ sequence: this.#take(), last: this.#takeIndex(), bytes: 0 });
    }
    const sequence = this.#take();
    const matchedSequence = this.#take();
    const rounds = this.#take();
    const sentCommit = this.#takeIndex();
    const age = countsTicks(this.#options) ? this.#take() : 0;
    return {
      matched: logIndex(head & 15),
      next: logIndex(head >> 4),
      mode,
      offer: null,
      probeSequence: probe === 0 ? null : probe - 1,
      probeSince: Math.max(1, since),
      inflight,
      inflightBytes: 0,
      sequence,
      matchedSequence,
      sentRound: rounds & 15,
      ackedRound: rounds >> 4,
      sentCommit,
      contactTick: nowTick - age,
      standing: usualStanding,
      isFull: false,
      fullSequence: 0,
      probeBytes: 0,
      leaseUntilMs: 0,
    };
  }

  #takeRounds(): { readonly round: number; readonly tick: number; readonly ms: number }[] {
    const rounds: { readonly round: number; readonly tick: number; readonly ms: number }[] = [];
    const isHere = countsTicks(this.#options) && !this.#options.hasLeases;
    const count = isHere ? this.#take() : 0;
    for (let i = 0; i < count; i++) {
      rounds.push({ round: this.#take(), tick: nowTick - this.#take(), ms: 0 });
    }
    return rounds;
  }

  #takePendingRead(reads: NonNullable<Raft["leadership"]>["pendingReads"]): void {
    const head = this.#take();
    const round = head & 15;
    const index = logIndex(head >> 4);
    const digit = this.#take();
    if (digit === 0) {
      reads.push({ round, index, origin: { kind: "local", ids: this.#takeIds() } });
      return;
    }
    const from = idAt(this.#placeAt(digit));
    const question = this.#take();
    const [batch, boot] = [question & 15, question >> 4];
    reads.push({ round, index, origin: { kind: "peer", from, batch, boot } });
  }

  #takeIds(): number[] {
    const numbers: number[] = [];
    const count = this.#take();
    for (let i = 0; i < count; i++) numbers.push(this.#take());
    return numbers;
  }

  #takeReads(member: Member): void {
    const boot = this.#take();
    const { raft } = member;
    member.raft = { ...raft, boot };
    member.raft.readBatch = this.#take();
    const count = this.#take();
    for (let i = 0; i < count; i++) {
      const batch = this.#take();
      raft.readsAsked.set(batch, { ids: this.#takeIds(), tick: nowTick });
    }
  }
}
