/** The log of the made-up service, with the state after each command. */
import type { CommittedCommand } from "../check-by-revision.ts";
import type { SequentialModel } from "../sequential-model.ts";

export class ServiceLog<State, Input, Result> {
  readonly #model: SequentialModel<State, Input, Result>;
  readonly #commands: CommittedCommand<Input>[] = [];
  /** By index: states by partition. */
  readonly #states: ReadonlyMap<string, State>[] = [new Map()];

  constructor(model: SequentialModel<State, Input, Result>) {
    this.#model = model;
  }

  clone(): ServiceLog<State, Input, Result> {
    const copy = new ServiceLog<State, Input, Result>(this.#model);
    for (const { command } of this.#commands) copy.append(command);
    return copy;
  }

  get commands(): readonly CommittedCommand<Input>[] {
    return this.#commands;
  }

  get lastIndex(): number {
    return this.#commands.length;
  }

  append(command: Input): void {
    const states = new Map(this.#states[this.lastIndex]);
    states.set(this.#partition(command), this.#after(command));
    this.#states.push(states);
    this.#commands.push({ index: this.lastIndex + 1, command });
  }

  /** What `input` is answered when the log ends at `index`. */
  answerAt(index: number, input: Input): Result {
    return this.#model.answer(this.#stateAt(index, input), input);
  }

  /** What `input` would be answered if `command` were there already. */
  answerAfter(command: Input, input: Input): Result {
    const isOther = this.#partition(command) !== this.#partition(input);
    const state = isOther ? this.#stateAt(this.lastIndex, input) : this.#after(command);
    return this.#model.answer(state, input);
  }

  /** The last index before `index` where `input` had an answer that it never has from there on. */
  differentBefore(index: number, input: Input): number | null {
    for (let at = index - 1; at >= 0; at--) {
      const answer = this.answerAt(at, input);
      const isPast = (later: number): boolean =>
        !this.#model.sameResult(answer, this.answerAt(later, input));
      let later = index;
      while (later <= this.lastIndex && isPast(later)) later++;
      if (later > this.lastIndex) return at;
    }
    return null;
  }

  #after(command: Input): State {
    return this.#model.next(this.#stateAt(this.lastIndex, command), command);
  }

  #stateAt(index: number, input: Input): State {
    const states = this.#states[index];
    const partition = this.#partition(input);
    // as: a partition that is there has a state
    return states?.has(partition) ? (states.get(partition) as State) : this.#model.initial;
  }

  #partition(input: Input): string {
    return this.#model.partition?.(input) ?? "";
  }
}
