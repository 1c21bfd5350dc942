/**
 * Snapshots and what they stand for: S17 what was dropped is in one and what is in one is
 * committed, D6 machines are the same by a snapshot and by applying. The logs of the checker stay
 * whole: what a member has of its own begins behind `base`.
 */
import { assert } from "../../base/index.ts";
import type {
  InstallSnapshot,
  PlacedSnapshot,
  Raft,
  SnapshotReceived,
  SnapshotRefused,
} from "../../core/index.ts";
import { check } from "../violation.ts";
import type { Ledger } from "./ledger.ts";
import type { MemberRecord } from "./member-record.ts";

/** The log in memory begins somewhere else than before: cut there, or replaced. */
export function observeBase(ledger: Ledger, member: MemberRecord, raft: Raft): void {
  const { evaluations, canon, counts } = ledger;
  const { seen, id } = member;
  const { index, term } = raft.log.base;
  const begins = (): string => `${id}'s log begins behind ${term}/${index}`;
  check(evaluations, "S17", index > seen.base, () => `${begins()}, before behind ${seen.base}`);
  const past = canon[index - 1];
  const isCommitted = past?.entry.term === term;
  check(evaluations, "S17", isCommitted, () => `${begins()}, which is not what was committed`);
  if (seen.log[index - 1] === past) {
    counts.compactions++;
    checkHeld(ledger, member, index);
    checkOffers(ledger, member, index);
  } else {
    check(evaluations, "S17", isGiven(member, index), () => `${begins()}, which nobody gave it`);
    const leads = seen.role === "leader" && seen.hardState.term === raft.hardState.term;
    check(evaluations, "S2", !leads, () => `${begins()}, and it leads`);
    check(evaluations, "S6", index > seen.commit, () => `${begins()}; commit ${seen.commit}`);
    const whole = canon.slice(0, index);
    seen.log.length = 0;
    seen.entries.length = 0;
    for (const one of whole) {
      seen.log.push(one);
      seen.entries.push(one.entry);
    }
  }
  seen.base = index;
}

/** A snapshot of the index is in the member's hands, on its way to the disk. */
function isGiven({ received }: MemberRecord, index: number): boolean {
  for (const { position } of received.values()) if (position.index === index) return true;
  return false;
}

/** Entries up to `index` are gone: a snapshot on the own disk has them. */
export function checkHeld(ledger: Ledger, { image, id }: MemberRecord, index: number): void {
  const held = image.snapshot?.position.index ?? 0;
  check(
    ledger.evaluations,
    "S17",
    index <= held,
    () => `${id} dropped what is up to ${index}; its newest snapshot on disk is of ${held}`,
  );
}

/** What follows a snapshot that a peer is getting stays, or it would come too late. */
function checkOffers(ledger: Ledger, { id, seen }: MemberRecord, index: number): void {
  for (const offered of seen.offers) {
    const dropped = (): string => `${id} dropped ${index}, and a peer is getting ${offered}`;
    check(ledger.evaluations, "S17", index <= offered, dropped);
  }
}

const noOffers: readonly number[] = [];

/** Of which indexes peers are getting snapshots. */
export function offersOf({ leadership, snapshot }: Raft): readonly number[] {
  if (leadership === null || snapshot === null) return noOffers;
  const offers: number[] = [];
  for (const { offer } of leadership.peers.values()) {
    if (offer !== null) offers.push(offer.position.index);
  }
  return offers;
}

/** The core takes another snapshot for its newest durable one. */
export function observeSnapshot(
  ledger: Ledger,
  member: MemberRecord,
  snapshot: PlacedSnapshot | null,
): void {
  const { seen, image, id } = member;
  const before = seen.snapshot?.position.index ?? 0;
  seen.snapshot = snapshot;
  const index = snapshot?.position.index ?? 0;
  const believes = (): string => `${id} takes a snapshot of ${index} for durable`;
  const onDisk = image.snapshot?.position.index ?? 0;
  check(ledger.evaluations, "S17", index <= onDisk, () => `${believes()}; ${onDisk} is`);
  check(ledger.evaluations, "S17", index > before, () => `${believes()}, before one of ${before}`);
  if (snapshot !== null) checkContent(ledger, id, snapshot);
}

/** Position and configuration are what was committed there. */
function checkContent(ledger: Ledger, id: string, snapshot: PlacedSnapshot): void {
  const { position, configurationIndex } = snapshot;
  const past = ledger.canon[position.index - 1];
  const place = (): string => `${id}'s snapshot of ${position.term}/${position.index}`;
  const isCommitted = past?.entry.term === position.term;
  check(ledger.evaluations, "S17", isCommitted, () => `${place()} is not of what was committed`);
  check(
    ledger.evaluations,
    "C3",
    past?.electorate.index === configurationIndex,
    () => `${place()} has the members of ${configurationIndex}, not ${past?.electorate.index}`,
  );
}

/** An own snapshot is on disk. */
export function checkSaved(ledger: Ledger, member: MemberRecord, snapshot: PlacedSnapshot): void {
  const { image, id } = member;
  const { index } = snapshot.position;
  checkContent(ledger, id, snapshot);
  const isBehind = image.log[index - 1] === ledger.canon[index - 1];
  check(ledger.evaluations, "S17", isBehind, () => `${id} saved ${index} before its entries`);
}

/**
 * A received snapshot reaches the disk: it is of what was committed, the term in which that is
 * known came before it, and of the log on the disk stays what follows its last entry, if it has
 * that.
 */
export function checkInstalled(
  ledger: Ledger,
  member: MemberRecord,
  unit: InstallSnapshot,
): SnapshotReceived {
  const { evaluations, canon } = ledger;
  const { image, id } = member;
  const received = member.received.get(unit.id);
  assert(received !== undefined, "what is installed was received", () => `${unit.id}`);
  const { index } = received.position;
  const installs = (): string => `${id} installs a snapshot of ${index}`;
  checkContent(ledger, id, received);
  check(
    evaluations,
    "S10",
    image.term >= received.term,
    () => `${installs()} of term ${received.term}; on its disk is ${image.term}`,
  );
  const stays = image.log[index - 1] === canon[index - 1];
  const effect = (): string => `${installs()}, and its log ${stays ? "goes" : "stays"}`;
  check(evaluations, "S17", stays !== unit.replacesLog, effect);
  return received;
}

/** A snapshot of the cluster never contradicts what a member knows. */
export function checkRefused(ledger: Ledger, member: MemberRecord, refused: SnapshotRefused): void {
  const received = member.received.get(refused.id);
  const index = received?.position.index ?? 0;
  const { commit, log } = member.seen;
  const covers = commit >= index || log[index - 1] === ledger.canon[index - 1];
  check(
    ledger.evaluations,
    "S17",
    refused.why === "covered" && covers,
    () => `${member.id} refuses a snapshot of ${index}: ${refused.why}`,
  );
}

/** The machines are at `index`: their state is what the committed log makes of them. */
export function checkMachine(
  ledger: Ledger,
  { id }: MemberRecord,
  index: number,
  state: number,
): void {
  const expected = ledger.canon[index - 1]?.hash ?? 0;
  const differs = (): string => `${id}'s machines at ${index} differ from what was committed`;
  check(ledger.evaluations, "D6", state === expected, differs);
}
