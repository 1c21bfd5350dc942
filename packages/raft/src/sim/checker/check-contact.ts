/**
 * V6: with CheckQuorum a leader that no quorum has answered for an election timeout leads no more.
 * Counted by when answers arrive, which is later than when what they answer was sent: what the core
 * counts is stricter.
 */
import type { Input, Leadership, Raft } from "../../core/index.ts";
import { check } from "../violation.ts";
import { inForce } from "./check-configuration.ts";
import { isElecting } from "./electorate.ts";
import type { Ledger } from "./ledger.ts";
import type { MemberRecord } from "./member-record.ts";

/** Of one stint. */
interface Contact {
  /** When it began, or its members changed. */
  sinceTick: number;
  configurationIndex: number;
  /** By place: when its newest answer came. */
  readonly heardTicks: Map<number, number>;
}

const contacts = new WeakMap<Leadership, Contact>();

/** After a step. */
export function observeContact(
  ledger: Ledger,
  member: MemberRecord,
  raft: Raft,
  input: Input,
): void {
  const { leadership, nowTick, configurationIndex } = raft;
  if (leadership === null) return;
  const contact = contacts.get(leadership) ?? {
    sinceTick: nowTick,
    configurationIndex,
    heardTicks: new Map(),
  };
  contacts.set(leadership, contact);
  if (contact.configurationIndex !== configurationIndex) {
    contact.sinceTick = nowTick;
    contact.configurationIndex = configurationIndex;
  }
  if (input.kind === "tick") checkHeard(ledger, member, raft, contact);
  if (input.kind !== "receive" || input.message.kind !== "append-entries-response") return;
  const { from, term } = input.message;
  const at = ledger.members.findIndex(({ id }) => id === from);
  if (term === raft.hardState.term) contact.heardTicks.set(at, nowTick);
}

function checkHeard(ledger: Ledger, member: MemberRecord, raft: Raft, contact: Contact): void {
  const { checkQuorum, electionTicks } = raft.settings;
  if (!checkQuorum) return;
  let heard = 1 << member.at;
  for (const { at } of ledger.members) {
    const tick = Math.max(contact.sinceTick, contact.heardTicks.get(at) ?? 0);
    if (raft.nowTick - tick < electionTicks) heard |= 1 << at;
  }
  const leads = (): string => `${member.id} leads ${raft.hardState.term}`;
  const isHeard = isElecting(inForce(member), heard);
  check(ledger.evaluations, "V6", isHeard, () => `${leads()}, unanswered for an election timeout`);
}
