/**
 * Runs a reducer on a draft of the state: reads see the state with the command's own changes, and
 * the state itself changes only when the command has succeeded, all at once. What is left of a
 * failed command is nothing. Costs what a command touches, however large the state is.
 *
 * While a command runs, references work as in plain JavaScript. When it ends, the state is a tree
 * again: what was put in is copied (so nobody outside holds a part of the state), an object that
 * can be reached by two ways becomes two, one that contains itself is refused. An object that was
 * moved is not copied.
 */
import { ArrayDraft } from "./draft-array.ts";
import { containerOf, PlainList } from "./draft-container.ts";
import { DataCopier } from "./draft-copy.ts";
import type { Draft, DraftScope, Layer } from "./draft-scope.ts";
import { draftKeyed } from "./draft-stand-ins.ts";
import type { StateLayers } from "./state-layers.ts";

/** One command, or one read, on a state. */
export class Transaction<State extends object> implements DraftScope {
  readonly #drafts: Map<object, Draft> = new Map();
  readonly #changed: Draft[] = [];
  /** Objects that have left their place and are not put elsewhere yet. */
  readonly #detached: Set<object> = new Set();
  /**
   * Changed drafts inside of detached objects: of no interest unless the object is put somewhere.
   */
  readonly #waiting: Map<object, Draft[]> = new Map();
  /** Changed drafts of objects that are in the state when the command ends. */
  readonly #reached: Draft[] = [];
  #isOpen = true;
  #isWritable: boolean;
  /** Why writing is refused, for the message. */
  readonly #purpose: string;
  /** What lies above the state while a snapshot of it is written, or was until lately. */
  readonly #layers: StateLayers | null;
  /** What the reducer gets as the state. */
  readonly root: State;

  /** `purpose` completes "Cannot change the state in …". */
  constructor(
    state: State,
    mode: "write" | "read",
    purpose: string,
    layers: StateLayers | null = null,
  ) {
    this.#isWritable = mode === "write";
    this.#purpose = purpose;
    this.#layers = layers;
    this.root = this.wrap(state, null) as State; // a stand-in has the shape of what it stands for
  }

  /**
   * Decides what is stored where, without touching the state; from here on the drafts cannot be
   * written.
   *
   * @throws TypeError, RangeError for what cannot be part of a state
   */
  prepare(): void {
    this.#isWritable = false;
    for (const draft of this.#changed) draft.listDetached(this.#detached);
    for (const draft of this.#changed) {
      const anchor = this.#anchorOf(draft);
      if (anchor === null) this.#reached.push(draft);
      else this.#addWaiting(anchor, draft);
    }
    // Grows while it is walked: an object that is put elsewhere brings the changes inside of it.
    for (const draft of this.#reached) draft.settle((value, key) => this.#place(value, key));
  }

  /** A copy of `value` that holds neither drafts nor parts of the state. Before `commit`. */
  copyResult(value: unknown): unknown {
    return typeof value === "object" ? new DataCopier(this, "show").value(value, "result") : value;
  }

  /** Changes the state into what the drafts show. After `prepare`; an exception here is fatal. */
  commit(): void {
    for (const draft of this.#reached) draft.commit();
    this.close();
  }

  /**
   * Ends it; drafts that somebody kept throw when they are touched. Without `commit` nothing has
   * changed.
   */
  close(): void {
    this.#isOpen = false;
    this.#isWritable = false;
  }

  checkReadable(): void {
    if (!this.#isOpen) {
      throw new TypeError(
        "Cannot use a part of the state after its command has ended: copy what you keep",
      );
    }
  }

  checkWritable(draft: Draft): void {
    this.checkReadable();
    if (!this.#isWritable) throw new TypeError(`Cannot change the state in ${this.#purpose}`);
    if (draft.isChanged) return;
    draft.isChanged = true;
    this.#changed.push(draft);
  }

  wrap(base: object, parent: Draft | null): object {
    let draft = this.#drafts.get(base);
    if (draft === undefined) {
      draft = this.#createDraft(parent, base);
      this.#drafts.set(base, draft);
    }
    return draft.standIn;
  }

  find(base: object): Draft | undefined {
    return this.#drafts.get(base);
  }

  findLayer(base: object): Layer | undefined {
    return this.#layers?.find(base);
  }

  #createDraft(parent: Draft | null, base: object): Draft {
    if (Array.isArray(base)) {
      return new ArrayDraft(this, parent, this.#layers?.list(base) ?? new PlainList(base));
    }
    return draftKeyed(this, parent, this.#layers?.keyed(base) ?? containerOf(base));
  }

  /**
   * The nearest object from `draft` upwards that has left its place; null if all are where they
   * were.
   */
  #anchorOf(draft: Draft): object | null {
    if (this.#detached.size === 0) return null;
    for (let above: Draft | null = draft; above !== null; above = above.parent) {
      if (this.#detached.has(above.base)) return above.base;
    }
    return null;
  }

  #addWaiting(anchor: object, draft: Draft): void {
    const waiting = this.#waiting.get(anchor);
    if (waiting === undefined) this.#waiting.set(anchor, [draft]);
    else waiting.push(draft);
  }

  /** What to store where `value` was put: an object that has left its place itself, else a copy. */
  #place(value: object, key: unknown): unknown {
    return new DataCopier(this, "store", (base) => this.#claim(base)).value(value, key);
  }

  /**
   * Whether `base` has left its place and nobody has put it elsewhere yet: then it need not be
   * copied.
   */
  #claim(base: object): boolean {
    if (!this.#detached.delete(base)) return false;
    for (const draft of this.#waiting.get(base) ?? []) this.#reached.push(draft);
    return true;
  }
}

/**
 * A copy of a state that nobody else holds. @throws TypeError, RangeError for what cannot be part
 * of one
 */
export function copyState<State extends object>(state: State): State {
  return new DataCopier(null, "store").value(state, "state") as State; // a copy has the same shape
}
