/**
 * A world of nothing but sessions: one log of their entries, drawn with all that clients and
 * networks do to it (the same command twice or late, floors that jump, leaders whose clocks are
 * behind), applied by several members at their own pace, which restart and take over each other's
 * snapshots. Each answer and each state is compared with the specification's and the others'.
 */
import { logIndex, term } from "../../base/index.ts";
import {
  createMachineSet,
  encodeSessionClose,
  encodeSessionCommand,
  encodeSessionKeepAlive,
  encodeSessionOpen,
  type MachineSet,
  type MachineSetCapture,
  machine,
  type SessionOutcome,
  type SnapshotPiece,
} from "../../machine/index.ts";
import { createRandom, pick, type Random } from "../random.ts";
import { type Expected, type SessionEntry, SessionsSpecification } from "./specification.ts";

const declared = {
  counter: machine({
    version: 1,
    initial: () => ({ total: 0 }),
    commands: {
      add(state) {
        state.total++;
        return state.total;
      },
    },
  }),
};

type Set = MachineSet<typeof declared>;

/** What a seed came to; `invariant` as on the page of guarantees. */
export interface SessionsRun {
  readonly steps: number;
  readonly operations: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly failure: {
    readonly invariant: string;
    readonly message: string;
    readonly trace: string;
  } | null;
}

/** Entries of one log, and members that apply it. */
const entriesMax = 80;
const membersMax = 3;

interface Written {
  readonly entry: SessionEntry;
  readonly data: Uint8Array;
  readonly expected: Expected;
  /** Of the sessions after it, as the first member that got there encoded them. */
  table: string | null;
}

interface Snapshot {
  readonly index: number;
  readonly pieces: SnapshotPiece[];
}

interface Member {
  set: Set;
  applied: number;
  /** The newest on its disk. */
  snapshot: Snapshot | null;
  capture: { readonly from: MachineSetCapture; readonly into: Snapshot } | null;
}

class BrokenSession extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** Runs a seed; what breaks is part of the result. */
export function runSessions(seed: number): SessionsRun {
  const world = new SessionsWorld(createRandom(seed, 71));
  let failure: SessionsRun["failure"] = null;
  try {
    world.run();
  } catch (error) {
    const invariant = error instanceof BrokenSession ? error.invariant : "crash";
    const message = error instanceof Error ? error.message : String(error);
    failure = { invariant, message, trace: world.trace.join("\n") };
  }
  const { steps, operations, faults } = world;
  return { steps, operations, faults, failure };
}

class SessionsWorld {
  steps = 0;
  readonly trace: string[] = [];
  readonly operations: Record<string, number> = {};
  readonly faults = { duplicates: 0, olderClocks: 0, restarts: 0, installs: 0 };
  readonly #random: Random;
  readonly #specification = new SessionsSpecification();
  readonly #log: Written[] = [];
  readonly #members: Member[] = [];
  /** What clients know, by session: the next sequence. */
  readonly #next = new Map<number, number>();
  readonly #duplication: number;
  readonly #lateness: number;

  constructor(random: Random) {
    this.#random = random;
    this.#duplication = pick(random, [0.1, 0.3, 0.6]);
    this.#lateness = pick(random, [0, 0.1, 0.3]);
    const count = random.between(2, membersMax);
    for (let at = 0; at < count; at++) this.#members.push(start(null));
  }

  run(): void {
    while (this.#log.length < entriesMax) this.#doSomething();
    for (const [at, member] of this.#members.entries()) {
      while (member.applied < this.#log.length) this.#apply(at, member);
    }
  }

  #doSomething(): void {
    const random = this.#random;
    const dice = random.unit();
    const at = random.below(this.#members.length);
    const member = this.#members[at];
    if (member === undefined) return;
    if (dice < 0.3) this.#write(this.#drawEntry());
    else if (dice < 0.8) this.#apply(at, member);
    else if (dice < 0.86) this.#beginSnapshot(at, member);
    else if (dice < 0.94) this.#writeSnapshot(member);
    else if (dice < 0.97) this.#restart(at, member);
    else this.#install(at, member);
  }

  // --- the log -----------------------------------------------------------------------------------

  #drawEntry(): SessionEntry {
    const random = this.#random;
    const stampMs = this.#drawStamp();
    const ids = [...this.#next.keys()];
    if (ids.length === 0 || random.chance(0.1)) {
      return { kind: "open", stampMs, ttlMs: pick(random, [20, 60, 200]) };
    }
    const session = pick(random, ids as [number, ...number[]]); // there is one
    const next = this.#next.get(session) ?? 1;
    const floor = random.between(Math.max(1, next - 6), next);
    if (random.chance(0.12)) return { kind: "keep-alive", stampMs, session, floor };
    if (random.chance(0.03)) return { kind: "close", stampMs, session };
    const isAgain = next > 1 && random.chance(this.#duplication);
    if (isAgain) this.faults.duplicates++;
    const sequence = isAgain ? random.between(Math.max(1, next - 8), next - 1) : next;
    if (!isAgain) this.#next.set(session, random.chance(0.01) ? next + 1_100 : next + 1);
    return { kind: "add", stampMs, session, sequence, floor: Math.min(floor, sequence) };
  }

  /** A new leader's clock may be behind, never the log's time. */
  #drawStamp(): number {
    const random = this.#random;
    const { nowMs } = this.#specification;
    if (random.chance(this.#lateness)) {
      this.faults.olderClocks++;
      return Math.max(0, nowMs - random.below(100));
    }
    return nowMs + (random.chance(0.1) ? random.below(150) : random.below(12));
  }

  #write(entry: SessionEntry): void {
    const index = this.#log.length + 1;
    const [first] = this.#members;
    if (first === undefined) return;
    const data = first.set.stamp(encode(first.set, entry), entry.stampMs);
    const expected = this.#specification.apply(entry, index);
    if (entry.kind === "open") this.#next.set(index, 1);
    this.operations[entry.kind] = (this.operations[entry.kind] ?? 0) + 1;
    this.trace.push(`${index} ${JSON.stringify(entry)}: ${expected.outcome}`);
    this.#log.push({ entry, data, expected, table: null });
  }

  // --- members -----------------------------------------------------------------------------------

  #apply(at: number, member: Member): void {
    const written = this.#log[member.applied];
    if (written === undefined) return;
    this.steps++;
    const index = member.applied + 1;
    const isWanted = this.#random.chance(0.5);
    // what a set returns for an entry of a session
    const outcome = member.set.apply(
      written.data,
      logIndex(index),
      term(1),
      isWanted,
    ) as SessionOutcome;
    member.applied = index;
    this.#compare(at, member, written, outcome);
  }

  #compare(at: number, { set, applied }: Member, written: Written, outcome: SessionOutcome): void {
    const { outcome: specified, total } = written.expected;
    // Where nobody waits for it there is no answer.
    const hasAnswer = outcome.kind !== "applied" || outcome.result !== undefined;
    const expected = hasAnswer ? specified : specified.replace(/^applied .*/, "applied");
    const found = describe(outcome);
    const where = `member ${at}, entry ${applied}`;
    if (found !== expected) {
      const invariant = written.entry.kind === "add" && found !== "expired" ? "I3" : "I1";
      throw new BrokenSession(invariant, `${where} came to ${found}, it must be ${expected}`);
    }
    const counted = set.direct("counter").read((state: { total: number }) => state.total);
    if (counted !== total) {
      throw new BrokenSession("I3", `${where}: ${counted} commands had an effect, not ${total}`);
    }
    const table = set.encodeSessions().join(" ");
    written.table ??= table;
    if (table !== written.table) {
      throw new BrokenSession("I4", `${where} has other sessions: ${table}, not ${written.table}`);
    }
  }

  #beginSnapshot(at: number, member: Member): void {
    const { set, applied, capture } = member;
    if (capture !== null || applied === 0) return;
    this.trace.push(`member ${at} begins a snapshot at ${applied}`);
    const from = set.capture(logIndex(applied), term(1));
    member.capture = { from, into: { index: applied, pieces: [] } };
  }

  #writeSnapshot(member: Member): void {
    const { capture } = member;
    if (capture === null) return;
    for (let count = this.#random.between(1, 40); count > 0; count--) {
      const piece = capture.from.next(this.#random.between(1, 64));
      if (piece !== null) {
        capture.into.pieces.push(piece);
        continue;
      }
      member.snapshot = capture.into;
      member.capture = null;
      return;
    }
  }

  /** All that is not in its snapshot is applied again. */
  #restart(at: number, member: Member): void {
    this.faults.restarts++;
    this.trace.push(`member ${at} starts at ${member.snapshot?.index ?? 0}`);
    member.capture?.from.release();
    this.#members[at] = start(member.snapshot);
  }

  /** Takes over the snapshot of another that is ahead. */
  #install(at: number, member: Member): void {
    const newer = this.#members.find(({ snapshot }) => (snapshot?.index ?? 0) > member.applied);
    if (newer?.snapshot == null) return;
    this.faults.installs++;
    this.trace.push(`member ${at} takes over a snapshot of ${newer.snapshot.index}`);
    member.capture?.from.release();
    member.capture = null;
    member.snapshot = newer.snapshot;
    member.applied = newer.snapshot.index;
    restore(member.set, newer.snapshot);
  }
}

function start(snapshot: Snapshot | null): Member {
  const set = createMachineSet(declared);
  if (snapshot !== null) restore(set, snapshot);
  return { set, applied: snapshot?.index ?? 0, snapshot, capture: null };
}

function restore(set: Set, { index, pieces }: Snapshot): void {
  const target = set.restore(logIndex(index), term(1));
  for (const piece of pieces) target.write(piece);
  target.finish();
}

function encode(set: Set, entry: SessionEntry): Uint8Array {
  switch (entry.kind) {
    case "open":
      return encodeSessionOpen(entry.ttlMs);
    case "keep-alive":
      return encodeSessionKeepAlive(entry.session, entry.floor);
    case "close":
      return encodeSessionClose(entry.session);
    default: {
      const { session, sequence, floor } = entry;
      const command = set.encode("counter", set.direct("counter").encode("add", undefined, 0));
      return encodeSessionCommand({ session, sequence, floor, command });
    }
  }
}

function describe(outcome: SessionOutcome): string {
  if (outcome.kind === "opened") return `opened ${outcome.session}`;
  if (outcome.kind !== "applied") return outcome.kind;
  if (outcome.result === undefined) return "applied";
  // what the counter answers
  const { value } = outcome.result as { readonly value?: unknown };
  return `applied ${String(value)}`;
}
