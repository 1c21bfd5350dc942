/**
 * Acknowledgements: A they promise what is on disk, and the promise is kept; S15 leaders believe no
 * more than that.
 */
import type { AppendEntriesResponse, Input, Raft } from "../../core/index.ts";
import { check } from "../violation.ts";
import { type Ledger, memberTerm } from "./ledger.ts";
import type { MemberRecord } from "./member-record.ts";

/**
 * When the unit that `response` waits for is durable: what it promises is there and is the
 * leader's.
 */
export function checkPromise(
  ledger: Ledger,
  member: MemberRecord,
  response: AppendEntriesResponse,
): void {
  const { outcome } = response;
  if (outcome.kind !== "accepted" || outcome.matched === 0) return;
  const { matched } = outcome;
  const leader = ledger.leaders.get(response.term);
  const past = member.image.log[matched - 1];
  check(
    ledger.evaluations,
    "A",
    past !== undefined && past === leader?.log[matched - 1],
    () => `${member.id} acknowledges ${matched} in term ${response.term}; its disk differs`,
  );
}

/** When `response` is made: what it says of the log in memory. */
export function checkVerified(
  ledger: Ledger,
  member: MemberRecord,
  response: AppendEntriesResponse,
): void {
  const { outcome } = response;
  if (outcome.kind !== "accepted" || outcome.verified === 0) return;
  const leader = ledger.leaders.get(response.term);
  check(
    ledger.evaluations,
    "A",
    member.seen.log[outcome.verified - 1] === leader?.log[outcome.verified - 1],
    () => `${member.id} verified ${outcome.verified} in term ${response.term}; its log differs`,
  );
}

export function onAcknowledged(
  ledger: Ledger,
  member: MemberRecord,
  response: AppendEntriesResponse,
): void {
  if (response.outcome.kind !== "accepted") return;
  const key = memberTerm(member.at, response.term);
  const before = ledger.promised.get(key) ?? 0;
  ledger.promised.set(key, Math.max(before, response.outcome.matched));
}

/** After the disk removed entries: nothing promised to the leader of the disk's term is gone. */
export function checkPromiseKept(ledger: Ledger, member: MemberRecord): void {
  const { term, log } = member.image;
  const promised = ledger.promised.get(memberTerm(member.at, term)) ?? 0;
  if (promised === 0 || member.lossTerm >= term) return;
  check(
    ledger.evaluations,
    "A",
    log[promised - 1] === ledger.leaders.get(term)?.log[promised - 1],
    () => `${member.id} removed ${promised}, acknowledged in the same term ${term}`,
  );
}

/** What a leader believes of its peers' disks. */
export function observeMatched(
  ledger: Ledger,
  member: MemberRecord,
  raft: Raft,
  input: Input | null,
): void {
  if (raft.leadership === null) return;
  const { matched } = member.seen;
  for (const peer of ledger.members) {
    const progress = raft.leadership.peers.get(peer.id);
    const before = matched[peer.at] ?? 0;
    if (progress === undefined || progress.matched === before) continue;
    matched[peer.at] = progress.matched;
    if (progress.matched > before) checkRaised(ledger, member, peer, raft, progress.matched);
    else checkLowered(ledger, member, peer, input);
  }
}

function checkRaised(
  ledger: Ledger,
  member: MemberRecord,
  peer: MemberRecord,
  raft: Raft,
  matched: number,
): void {
  const { term } = raft.hardState;
  const promised = ledger.promised.get(memberTerm(peer.at, term)) ?? 0;
  const believes = (): string => `${member.id} believes ${peer.id} to have ${matched}`;
  check(
    ledger.evaluations,
    "S15",
    matched <= promised,
    () => `${believes()}, promised ${promised}`,
  );
  const { image } = peer;
  // In a newer term the peer may have removed it; after a loss it has said so or will.
  if (image.term !== term || peer.lossTerm >= term) return;
  check(
    ledger.evaluations,
    "S15",
    image.log[matched - 1] === member.seen.log[matched - 1],
    () => `${believes()}, which is not on its disk`,
  );
}

/** Only a conflict below what was acknowledged takes an acknowledgement back. */
function checkLowered(
  ledger: Ledger,
  member: MemberRecord,
  peer: MemberRecord,
  input: Input | null,
): void {
  const message = input?.kind === "receive" ? input.message : null;
  check(
    ledger.evaluations,
    "S15",
    message?.kind === "append-entries-response" && message.outcome.kind === "conflict",
    () => `${member.id} takes back what ${peer.id} acknowledged`,
  );
}
