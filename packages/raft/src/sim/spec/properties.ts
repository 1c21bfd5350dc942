/**
 * What Raft promises: Figure 3 of the paper, looked at from outside, in the members of a
 * specification alone. It knows no action and shares no rule with them, so it can tell whether the
 * rules suffice. Called after each action, by who proves the specification or runs along with it.
 */
import {
  type ConfigurationLedger,
  checkElected,
  checkGrowth,
  checkStands,
  findNewest,
  isByMajority,
  noteVote,
} from "./configuration-properties.ts";
import { demand, type Looks, look, type SpecProperty, specProperties } from "./property.ts";
import type {
  Server,
  SpecConfiguration,
  Specification,
  SpecLog,
  SpecMember,
} from "./specification.ts";

export interface Properties {
  /** Compares the members with those of the last call. @throws PropertyViolation */
  check(): void;
  /** To be said when the action has happened: what is committed by now must be seen. */
  readRegistered(read: string): void;
  /** @throws PropertyViolation */
  readConfirmed(read: string, index: number): void;
  /** How often each was looked at. */
  readonly evaluated: ReadonlyMap<SpecProperty, number>;
}

interface EntryRecord {
  readonly value: number;
  readonly prevTerm: number;
}

interface LeaderRecord {
  readonly server: Server;
  readonly term: number;
  log: SpecLog;
  isOver: boolean;
}

interface CommittedEntry {
  readonly term: number;
  readonly value: number;
  readonly configuration?: SpecConfiguration;
  /** The term of the leader that committed it. */
  readonly inTerm: number;
}

interface Ledger {
  readonly evaluated: Looks;
  readonly configurations: ConfigurationLedger;
  /** By index, by term: every entry that ever was in a log. */
  readonly entries: Map<number, EntryRecord>[];
  readonly leaders: Map<number, LeaderRecord>;
  readonly committed: CommittedEntry[];
  readonly applied: { readonly term: number; readonly value: number }[];
  /** By server: so many of the committed entries are on its disk; all, if it abstains. */
  readonly held: number[];
  readonly reads: Map<string, number>;
}

/** Each entry has one value and one predecessor, in all logs, at all times. @paper §5.3 */
function checkLogMatching(ledger: Ledger, before: SpecLog, now: SpecLog): void {
  if (before === now) return;
  look(ledger.evaluated, "log-matching");
  for (const [at, { term, value }] of now.entries()) {
    if (before[at] === now[at]) continue;
    const prevTerm = at === 0 ? 0 : (now[at - 1]?.term ?? 0);
    const ofIndex = ledger.entries[at] ?? new Map<number, EntryRecord>();
    ledger.entries[at] = ofIndex;
    const known = ofIndex.get(term);
    if (known === undefined) ofIndex.set(term, { value, prevTerm });
    else {
      demand(
        known.value === value && known.prevTerm === prevTerm,
        "log-matching",
        () => `entry ${at + 1} of term ${term} has two values or two predecessors`,
      );
    }
  }
}

function isPrefix(shorter: SpecLog, longer: SpecLog): boolean {
  return shorter.every(
    ({ term, value }, at) => longer[at]?.term === term && longer[at]?.value === value,
  );
}

/** @paper §5.2; a term is led once, by one member, without a break. */
function checkElection(ledger: Ledger, server: Server, now: SpecMember): void {
  const { currentTerm: term, log } = now;
  look(ledger.evaluated, "election-safety");
  const known = ledger.leaders.get(term);
  if (known === undefined) {
    ledger.leaders.set(term, { server, term, log, isOver: false });
    checkCompleteness(ledger, term, log, 0);
    return;
  }
  demand(
    known.server === server && !known.isOver,
    "election-safety",
    () => `term ${term} is led by ${known.server} and then by ${server}`,
  );
}

/** @paper §5.4.3: who leads a newer term has what was committed in an older. */
function checkCompleteness(ledger: Ledger, term: number, log: SpecLog, from: number): void {
  look(ledger.evaluated, "leader-completeness");
  for (let at = from; at < ledger.committed.length; at++) {
    const entry = ledger.committed[at];
    if (entry === undefined || entry.inTerm >= term) continue;
    demand(
      log[at]?.term === entry.term && log[at]?.value === entry.value,
      "leader-completeness",
      () => `the leader of term ${term} lacks entry ${at + 1}, committed in term ${entry.inTerm}`,
    );
  }
}

/** @paper §5.3: a leader never overwrites or deletes entries of its log. */
function checkAppendOnly(
  ledger: Ledger,
  server: Server,
  before: SpecMember,
  now: SpecMember,
): void {
  const known = ledger.leaders.get(now.currentTerm);
  if (known === undefined || before.log === now.log) return;
  look(ledger.evaluated, "leader-append-only");
  demand(
    isPrefix(before.log, now.log),
    "leader-append-only",
    () => `the leader of term ${now.currentTerm} changed its log`,
  );
  known.log = now.log;
  checkGrowth(ledger.configurations, server, before, now);
}

function checkRoles(ledger: Ledger, server: Server, before: SpecMember, now: SpecMember): void {
  const stillLeads =
    before.role === "leader" && now.role === "leader" && before.currentTerm === now.currentTerm;
  if (before.role === "leader" && !stillLeads) {
    const known = ledger.leaders.get(before.currentTerm);
    if (known !== undefined) known.isOver = true;
  }
  checkStands(ledger.configurations, server, before, now);
  if (stillLeads) checkAppendOnly(ledger, server, before, now);
  else if (now.role === "leader") checkElection(ledger, server, now);
}

/**
 * What anybody takes for committed is the same for all, and first so for a leader. @paper §5.4.3
 */
function checkCommit(ledger: Ledger, server: Server, now: SpecMember, from: number): void {
  look(ledger.evaluated, "state-machine-safety");
  const known = ledger.committed.length;
  for (let at = from; at < now.commitIndex; at++) {
    const entry = now.log[at];
    const before = ledger.committed[at];
    demand(
      entry !== undefined && (before !== undefined || now.role === "leader"),
      "state-machine-safety",
      () => `server ${server} takes entry ${at + 1} for committed, and no leader committed it`,
    );
    if (entry === undefined) return;
    if (before === undefined) ledger.committed.push({ ...entry, inTerm: now.currentTerm });
    else {
      demand(
        before.term === entry.term && before.value === entry.value,
        "state-machine-safety",
        () => `entry ${at + 1} is committed on server ${server} and is another elsewhere`,
      );
    }
  }
  if (ledger.committed.length === known) return;
  for (const leader of ledger.leaders.values()) {
    if (leader.term > now.currentTerm) checkCompleteness(ledger, leader.term, leader.log, known);
  }
}

/** @paper §5.4.3: no two machines apply different entries at an index. */
function checkApplied(ledger: Ledger, server: Server, now: SpecMember, from: number): void {
  look(ledger.evaluated, "state-machine-safety");
  demand(
    now.lastApplied <= now.commitIndex,
    "state-machine-safety",
    () => `server ${server} applied ${now.lastApplied} entries of ${now.commitIndex} committed`,
  );
  for (let at = from; at < now.lastApplied; at++) {
    const entry = now.log[at];
    if (entry === undefined) continue;
    const before = ledger.applied[at] ?? entry;
    ledger.applied[at] = before;
    demand(
      before.term === entry.term && before.value === entry.value,
      "state-machine-safety",
      () => `server ${server} applies another entry ${at + 1} than somebody before`,
    );
  }
}

function countHeld(ledger: Ledger, { disk }: SpecMember): number {
  if (disk.abstains) return Number.POSITIVE_INFINITY;
  const at = ledger.committed.findIndex(
    ({ term, value }, index) => disk.log[index]?.term !== term || disk.log[index]?.value !== value,
  );
  return at === -1 ? ledger.committed.length : at;
}

/**
 * What is committed is on the disks of a majority, for good. Who lost entries and abstains is
 * counted in: it has no say until it holds them again. Of a joint configuration this is true of the
 * new half only: the other may be left, by a leader that has already written so. @paper §6
 */
function checkMajority(ledger: Ledger): void {
  look(ledger.evaluated, "committed-on-majority");
  const { committed, held } = ledger;
  const { first } = ledger.configurations;
  const { voters } = findNewest(first, committed, committed.length).configuration;
  demand(
    isByMajority({ voters, outgoing: null, learners: [], removed: [] }, (server) => {
      return (held[server] ?? 0) >= committed.length;
    }),
    "committed-on-majority",
    () => `${committed.length} entries are committed, held are ${held}, by the voters [${voters}]`,
  );
}

/** Who commits has a majority for it, by what is in force on itself. @paper §5.3, §6 */
function checkStored(ledger: Ledger, now: SpecMember): void {
  const { configuration } = findNewest(ledger.configurations.first, now.log, now.log.length);
  demand(
    isByMajority(configuration, (server) => (ledger.held[server] ?? 0) >= now.commitIndex),
    "committed-on-majority",
    () => `a leader commits ${now.commitIndex} entries, held are ${ledger.held}`,
  );
}

function checkDisk(ledger: Ledger, server: Server, before: SpecMember, now: SpecMember): void {
  look(ledger.evaluated, "durable-term-grows");
  demand(
    now.disk.currentTerm >= before.disk.currentTerm,
    "durable-term-grows",
    () => `server ${server}: ${before.disk.currentTerm} to ${now.disk.currentTerm}`,
  );
}

/** Looks at what changed on one server; true: who holds what must be counted anew. */
function checkMember(
  ledger: Ledger,
  server: Server,
  before: SpecMember,
  now: SpecMember,
): { readonly disk: boolean; readonly commit: boolean } {
  const known = ledger.committed.length;
  noteVote(ledger.configurations, server, now);
  checkLogMatching(ledger, before.log, now.log);
  checkRoles(ledger, server, before, now);
  if (now.commitIndex > before.commitIndex) {
    checkCommit(ledger, server, now, before.commitIndex);
  } else if (now.log !== before.log && now.commitIndex > 0) {
    checkCommit(ledger, server, now, 0);
  }
  if (now.lastApplied > before.lastApplied) {
    checkApplied(ledger, server, now, before.lastApplied);
  }
  if (before.disk !== now.disk) checkDisk(ledger, server, before, now);
  return { disk: before.disk !== now.disk, commit: ledger.committed.length > known };
}

/** A server that was not there before. */
function meet(ledger: Ledger, member: SpecMember): void {
  checkLogMatching(ledger, [], member.log);
  ledger.held.push(countHeld(ledger, member));
}

function createLedger(specification: Specification): Ledger {
  const members = specification.members;
  const committed = Math.max(0, ...members.map((member) => member.commitIndex));
  const longest = members.find((member) => member.commitIndex === committed);
  const evaluated: Looks = new Map(specProperties.map((property) => [property, 0]));
  const ledger: Ledger = {
    evaluated,
    configurations: {
      looks: evaluated,
      first: specification.firstConfiguration,
      votes: new Map(),
    },
    entries: [],
    leaders: new Map(),
    committed: (longest?.log ?? []).slice(0, committed).map((entry) => ({ ...entry, inTerm: -1 })),
    applied: [],
    held: [],
    reads: new Map(),
  };
  for (const member of members) meet(ledger, member);
  return ledger;
}

/** The specification must be just created: what happened before is not seen. */
export function createProperties(specification: Specification): Properties {
  const { members } = specification;
  const ledger = createLedger(specification);
  const seen = [...members];
  const check = (): void => {
    let anew = false;
    for (const [server, now] of members.entries()) {
      const before = seen[server];
      if (before === now) continue;
      if (before === undefined) {
        seen[server] = now;
        meet(ledger, now);
        continue;
      }
      const changed = checkMember(ledger, server, before, now);
      seen[server] = now;
      if (now.role === "leader" && before.role !== "leader") {
        checkElected(ledger.configurations, server, members);
      }
      if (changed.disk) ledger.held[server] = countHeld(ledger, now);
      if (changed.commit) {
        for (const [peer, member] of members.entries()) {
          ledger.held[peer] = countHeld(ledger, member);
        }
        checkStored(ledger, now);
      }
      anew ||= changed.disk || changed.commit;
    }
    if (anew) checkMajority(ledger);
  };
  return {
    check,
    readRegistered: (read) => void ledger.reads.set(read, ledger.committed.length),
    readConfirmed: (read, index) => {
      look(ledger.evaluated, "reads-see-committed");
      const committed = ledger.reads.get(read) ?? 0;
      demand(
        index >= committed,
        "reads-see-committed",
        () => `read ${read} sees ${index} entries, ${committed} were committed before it`,
      );
    },
    evaluated: ledger.evaluated,
  };
}
