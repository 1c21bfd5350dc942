/**
 * Two-phase commit as in tlaplus/Examples, transaction_commit/TwoPhase (Gray and Lamport,
 * "Consensus on Transaction Commit"): resource managers prepare or abort by themselves, the
 * transaction manager collects and decides; messages are never lost. The explorer tests itself
 * with it.
 */
import { type Model, ModelViolation } from "../model.ts";

/** States of a resource manager, two bits each, from bit 0. */
const working = 0;
const prepared = 1;
const committed = 2;
const aborted = 3;
/** States of the transaction manager. */
const undecided = 0;
const hasCommitted = 1;
const hasAborted = 2;

const managerActions = [
  "takes prepared of",
  "prepares",
  "decides to abort",
  "is told to commit",
  "is told to abort",
];

/** A state, decoded. Sets are bit masks of resource managers. */
interface Transaction {
  /** Two bits for each resource manager. */
  readonly managers: number;
  readonly decision: number;
  /** Those that the transaction manager knows to be prepared. */
  readonly known: number;
  /** Those that sent "prepared". */
  readonly sent: number;
}

/** `count`: resource managers, 1 to 7. A decision of the transaction manager is its message. */
export function createTwoPhaseCommitModel(count: number): Model {
  return new TwoPhaseCommit(count);
}

class TwoPhaseCommit implements Model {
  readonly name: string;
  readonly description: string;
  readonly probes: readonly string[] = ["committed everywhere", "aborted everywhere"];
  readonly probeHits: Float64Array = new Float64Array(2);
  failedAction = 0;
  readonly #count: number;

  constructor(count: number) {
    this.name = `two-phase-commit-${count}`;
    this.description = `two-phase commit, ${count} resource managers`;
    this.#count = count;
  }

  initial(): readonly Uint8Array[] {
    return [new Uint8Array(5)];
  }

  expand(bytes: Uint8Array, emit: (action: number, next: Uint8Array) => void): void {
    const state = read(bytes);
    this.#countProbes(state);
    if (state.decision === undecided) {
      const isReady = state.known === (1 << this.#count) - 1;
      if (isReady) emit(0, write({ ...state, decision: hasCommitted }));
      emit(1, write({ ...state, decision: hasAborted }));
    }
    for (let index = 0; index < this.#count; index++) {
      for (let kind = 0; kind < managerActions.length; kind++) {
        const next = act(state, index, kind);
        if (next === null) continue;
        const action = 2 + index * managerActions.length + kind;
        this.#check(next, action);
        emit(action, write(next));
      }
    }
  }

  describe(_state: Uint8Array, action: number): string {
    if (action < 2) return `transaction manager ${action === 0 ? "commits" : "aborts"}`;
    const index = Math.floor((action - 2) / managerActions.length);
    const kind = (action - 2) % managerActions.length;
    return kind === 0
      ? `transaction manager ${managerActions[kind]} ${index}`
      : `resource manager ${index} ${managerActions[kind]}`;
  }

  #check({ managers }: Transaction, action: number): void {
    let seen = 0;
    for (let index = 0; index < this.#count; index++) seen |= 1 << stateOf(managers, index);
    if ((seen & (1 << committed)) === 0 || (seen & (1 << aborted)) === 0) return;
    this.failedAction = action;
    throw new ModelViolation("one resource manager committed, another aborted");
  }

  #countProbes({ managers }: Transaction): void {
    for (const [probe, state] of [committed, aborted].entries()) {
      let count = 0;
      for (let index = 0; index < this.#count; index++) {
        if (stateOf(managers, index) === state) count++;
      }
      if (count === this.#count) this.probeHits[probe] = (this.probeHits[probe] ?? 0) + 1;
    }
  }
}

/** What resource manager `index` has to do with by action `kind`; null where it may not. */
function act(state: Transaction, index: number, kind: number): Transaction | null {
  const { managers, decision, known, sent } = state;
  const bit = 1 << index;
  const own = stateOf(managers, index);
  const become = (to: number): number => managers ^ ((own ^ to) << (2 * index));
  if (kind === 0) {
    const isHeard = decision === undecided && (sent & bit) !== 0;
    return isHeard ? { ...state, known: known | bit } : null;
  }
  if (kind === 1) {
    return own === working ? { ...state, managers: become(prepared), sent: sent | bit } : null;
  }
  if (kind === 2) return own === working ? { ...state, managers: become(aborted) } : null;
  const told = kind === 3 ? hasCommitted : hasAborted;
  return decision === told
    ? { ...state, managers: become(kind === 3 ? committed : aborted) }
    : null;
}

function stateOf(managers: number, index: number): number {
  return (managers >>> (2 * index)) & 3;
}

function write({ managers, decision, known, sent }: Transaction): Uint8Array {
  return Uint8Array.of(managers & 0xff, managers >>> 8, decision, known, sent);
}

function read(bytes: Uint8Array): Transaction {
  const [low = 0, high = 0, decision = 0, known = 0, sent = 0] = bytes;
  return { managers: low | (high << 8), decision, known, sent };
}
