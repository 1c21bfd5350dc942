/**
 * Histories of a made-up service that keeps one log: linearizable by construction, or with exactly
 * one wrong thing done on the way. For the tests of the checkers.
 */
import type { Random } from "../../random.ts";
import type { CommittedCommand } from "../check-by-revision.ts";
import { createHistoryRecorder, type History, type Operation } from "../history.ts";
import type { SequentialModel } from "../sequential-model.ts";
import { ServiceLog } from "./service-log.ts";

export const plantedFaults = [
  "stale-read",
  "future-read",
  "lost-update",
  "duplicated-apply",
  "reordered",
  "dirty-failed-write",
  "split-brain",
  "swapped-claims",
] as const;

export type PlantedFault = (typeof plantedFaults)[number];

/** What clients ask; `serial` is another number each time. */
export interface Workload<State, Input, Result> {
  readonly model: SequentialModel<State, Input, Result>;
  /** `partition`: 0, 1, 2 … */
  write(random: Random, serial: number, partition: number): Input;
  read(random: Random, partition: number): Input;
  readonly partitions: number;
}

export interface GenerateOptions {
  readonly clients: number;
  readonly operations: number;
  /** Shares of operations whose client never learns what became of them, and of refused ones. */
  readonly unknown: number;
  readonly failed: number;
  readonly fault: PlantedFault | null;
}

export interface Generated<Input, Result> {
  readonly history: History<Input, Result>;
  readonly committed: readonly CommittedCommand<Input>[];
  /** Whether the fault found a place. */
  readonly planted: boolean;
}

interface Pending<Input, Result> {
  readonly id: number;
  readonly client: number;
  readonly kind: "read" | "write";
  readonly input: Input;
  /** How the client will hear of it. */
  readonly end: "ok" | "fail" | "info";
  /** The highest index that any client had been told when it was called. */
  readonly floor: number;
  effect: { readonly result: Result; readonly revision: number } | null;
}

/** Plays clients and service until all operations are called and settled. */
export function generateHistory<State, Input, Result>(
  random: Random,
  workload: Workload<State, Input, Result>,
  options: GenerateOptions,
): Generated<Input, Result> {
  return new Generator(random, workload, options).run();
}

class Generator<State, Input, Result> {
  readonly #random: Random;
  readonly #workload: Workload<State, Input, Result>;
  readonly #options: GenerateOptions;
  readonly #recorder = createHistoryRecorder<Input, Result>();
  #log: ServiceLog<State, Input, Result>;
  /** While the brain is split: the other side, and the effects until it is forgotten. */
  #otherLog: ServiceLog<State, Input, Result> | null = null;
  #otherFor = 0;
  readonly #pending: (Pending<Input, Result> | null)[];
  /** Given up by their clients; may still take effect. */
  readonly #ghosts: Pending<Input, Result>[] = [];
  /** A write that a read knew of; it is called next once that read has returned. */
  #future: { readonly reader: number; readonly input: Input } | null = null;
  /** A write that was answered and stands in no log yet (`reordered`). */
  #late: Operation<Input, Result> | null = null;
  readonly #revisions = new Map<number, number>();
  #duplicate: Input | null = null;
  #called = 0;
  #toldIndex = 0;
  #faultAt: number;
  #planted = false;

  constructor(random: Random, workload: Workload<State, Input, Result>, options: GenerateOptions) {
    this.#random = random;
    this.#workload = workload;
    this.#options = options;
    this.#log = new ServiceLog(workload.model);
    this.#pending = new Array<Pending<Input, Result> | null>(options.clients).fill(null);
    this.#faultAt = random.between(2, Math.max(2, Math.floor(options.operations / 2)));
  }

  run(): Generated<Input, Result> {
    const { operations } = this.#options;
    while (this.#called < operations || this.#pending.some((one) => one !== null)) this.#turn();
    if (this.#late !== null) this.#commitLate(this.#late);
    if (this.#options.fault === "swapped-claims") this.#swapClaims();
    const history = this.#recorder.history.map((operation) => this.#corrected(operation));
    return { history, committed: this.#log.commands, planted: this.#planted };
  }

  #turn(): void {
    if (this.#ghosts.length > 0 && this.#random.chance(0.1)) this.#settleGhost();
    if (this.#duplicate !== null && this.#random.chance(0.3)) {
      this.#log.append(this.#duplicate);
      this.#duplicate = null;
    }
    const client = this.#random.below(this.#options.clients);
    const pending = this.#pending[client] ?? null;
    if (pending === null) this.#call(client);
    else if (pending.effect === null) this.#takeEffect(pending);
    else this.#answer(pending);
  }

  #isDue(fault: PlantedFault): boolean {
    return this.#options.fault === fault && !this.#planted && this.#called >= this.#faultAt;
  }

  #call(client: number): void {
    if (this.#called >= this.#options.operations) return;
    const serial = ++this.#called;
    const partition = this.#random.below(this.#workload.partitions);
    const future = this.#takeFuture();
    const kind = future !== null || this.#random.chance(0.6) ? "write" : "read";
    const input =
      future?.input ??
      (kind === "write"
        ? this.#workload.write(this.#random, serial, partition)
        : this.#workload.read(this.#random, partition));
    const id = this.#recorder.call(client, kind, input, serial);
    const end = this.#drawEnd();
    const floor = this.#toldIndex;
    this.#pending[client] = { id, client, kind, input, end, floor, effect: null };
  }

  #takeFuture(): { readonly input: Input } | null {
    const future = this.#future;
    if (future === null || this.#recorder.history[future.reader]?.returnedAt === null) return null;
    this.#future = null;
    return future;
  }

  #drawEnd(): "ok" | "fail" | "info" {
    const dice = this.#random.unit();
    const { unknown, failed } = this.#options;
    return dice < unknown ? "info" : dice < unknown + failed ? "fail" : "ok";
  }

  #takeEffect(pending: Pending<Input, Result>): void {
    const { id, kind, end } = pending;
    if (end === "info" && this.#random.chance(0.5)) {
      this.#recorder.info(id, "the client gave up", 0);
      this.#free(pending);
      if (kind === "write") this.#ghosts.push(pending);
      return;
    }
    if (end === "fail") {
      if (kind === "write" && this.#isDue("dirty-failed-write")) {
        this.#log.append(pending.input);
        this.#planted = true;
      }
      this.#recorder.fail(id, "refused", 0);
      this.#free(pending);
      return;
    }
    pending.effect = kind === "read" ? this.#read(pending) : this.#write(pending);
  }

  #settleGhost(): void {
    const [ghost] = this.#ghosts.splice(this.#random.below(this.#ghosts.length), 1);
    if (ghost !== undefined && this.#random.chance(0.5)) this.#log.append(ghost.input);
  }

  #read(pending: Pending<Input, Result>): Pending<Input, Result>["effect"] {
    const { input, floor, end } = pending;
    const log = this.#logOf(pending);
    if (end === "ok" && this.#isDue("stale-read")) {
      const stale = log.differentBefore(floor, input);
      if (stale !== null) {
        this.#planted = true;
        const revision = this.#random.chance(0.5) ? stale : log.lastIndex;
        return { result: log.answerAt(stale, input), revision };
      }
    }
    if (end === "ok" && this.#isDue("future-read")) return this.#readFuture(pending);
    return { result: log.answerAt(log.lastIndex, input), revision: log.lastIndex };
  }

  #readFuture({ id, input }: Pending<Input, Result>): Pending<Input, Result>["effect"] {
    const partition = this.#random.below(this.#workload.partitions);
    const future = this.#workload.write(this.#random, 1_000_000, partition);
    const result = this.#log.answerAfter(future, input);
    const now = this.#log.answerAt(this.#log.lastIndex, input);
    const revision = this.#log.lastIndex;
    if (this.#workload.model.sameResult(now, result)) return { result: now, revision };
    this.#future = { reader: id, input: future };
    this.#planted = true;
    return { result, revision: this.#random.chance(0.5) ? revision : revision + 1 };
  }

  #write(pending: Pending<Input, Result>): Pending<Input, Result>["effect"] {
    const { input, end, id } = pending;
    const log = this.#logOf(pending);
    const result = log.answerAt(log.lastIndex, input);
    const lost = { result, revision: log.lastIndex + 1 };
    if (end === "ok" && this.#isDue("lost-update")) {
      this.#planted = true;
      return lost;
    }
    if (end === "ok" && this.#isDue("reordered")) {
      this.#planted = true;
      this.#late = this.#recorder.history[id] ?? null;
      return lost;
    }
    if (this.#isDue("split-brain")) {
      this.#otherLog = log.clone();
      this.#otherFor = 8;
      this.#planted = true;
    }
    log.append(input);
    if (this.#isDue("duplicated-apply")) {
      this.#duplicate = input;
      this.#planted = true;
    }
    const revision = log.lastIndex;
    const late = this.#late;
    const isAfter = (late?.returnedAt ?? Number.POSITIVE_INFINITY) < this.#calledAt(id);
    if (late !== null && isAfter) this.#commitLate(late);
    return { result, revision };
  }

  #commitLate({ id, input }: Operation<Input, Result>): void {
    this.#log.append(input);
    this.#revisions.set(id, this.#log.lastIndex);
    this.#late = null;
  }

  #calledAt(id: number): number {
    return this.#recorder.history[id]?.calledAt ?? 0;
  }

  #logOf({ client }: Pending<Input, Result>): ServiceLog<State, Input, Result> {
    if (this.#otherLog === null) return this.#log;
    if (this.#otherFor-- === 0) {
      this.#otherLog = null;
      return this.#log;
    }
    return client % 2 === 0 ? this.#log : this.#otherLog;
  }

  #answer(pending: Pending<Input, Result>): void {
    const { id, end, effect } = pending;
    this.#free(pending);
    if (end === "info" || effect === null) {
      this.#recorder.info(id, "the answer was lost", 0);
      return;
    }
    this.#recorder.ok(id, effect.result, effect.revision, 0);
    this.#toldIndex = Math.max(this.#toldIndex, effect.revision);
  }

  #free({ client }: Pending<Input, Result>): void {
    this.#pending[client] = null;
  }

  /** Two writes, one after the other, are told each other's places. */
  #swapClaims(): void {
    const writes = this.#recorder.history.filter(({ kind, outcome }) => {
      return kind === "write" && outcome.kind === "ok";
    });
    const [first, second] = [writes[this.#random.below(writes.length)], writes.at(-1)];
    if (first?.outcome.kind !== "ok" || second?.outcome.kind !== "ok" || first === second) return;
    this.#revisions.set(first.id, second.outcome.revision ?? 0);
    this.#revisions.set(second.id, first.outcome.revision ?? 0);
    this.#planted = true;
  }

  #corrected(operation: Operation<Input, Result>): Operation<Input, Result> {
    const revision = this.#revisions.get(operation.id);
    const { outcome } = operation;
    if (revision === undefined || outcome.kind !== "ok") return operation;
    return { ...operation, outcome: { ...outcome, revision } };
  }
}
