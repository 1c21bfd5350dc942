/**
 * Whom to ask next for one snapshot. Each source is asked once a round; bytes that were taken begin
 * a new round. Pure.
 */
import type { NodeId } from "../../base/index.ts";
import type { SourceLeft } from "./snapshot-events.ts";

/** What became of a round. */
export type RoundEnd =
  /** All of them say that they do not have it, or sent what it is not. */
  | "gone"
  /** At least one is busy and has it. */
  | "busy"
  /** None of them sent anything; a later round may go better. */
  | "silent";

export class SourceList {
  readonly #self: NodeId;
  #sources: readonly NodeId[] = [];
  /** Asked in this round, and what came of it. */
  readonly #asked = new Map<NodeId, SourceLeft>();
  /** Sent what this snapshot is not, or cannot read it: not asked again in this transfer. */
  readonly #excluded = new Set<NodeId>();

  constructor(self: NodeId, sources: readonly NodeId[]) {
    this.#self = self;
    this.offer(sources);
  }

  /**
   * A new offer of the same snapshot: what it names counts from here on. Who was not named before
   * may have it by now. The others wait for the next round: offers come more often than rounds end,
   * and one that made all askable again would keep those waiting for ever that were busy or lost.
   */
  offer(sources: readonly NodeId[]): void {
    const before = this.#sources;
    this.#sources = sources.filter((id) => id !== this.#self);
    for (const id of this.#sources) if (!before.includes(id)) this.#asked.delete(id);
  }

  /** The next to ask in this round; null at its end. */
  next(): NodeId | null {
    const isLeft = (id: NodeId) => !this.#asked.has(id) && !this.#excluded.has(id);
    return this.#sources.find(isLeft) ?? null;
  }

  onLeft(source: NodeId, why: SourceLeft): void {
    this.#asked.set(source, why);
    if (why === "bad" || why === "damaged" || why === "failed") this.#excluded.add(source);
  }

  /** Bytes came: whoever failed before gets another chance, after the others. */
  onProgress(): void {
    this.#asked.clear();
  }

  get roundEnd(): RoundEnd {
    const answers = this.#sources
      .filter((id) => !this.#excluded.has(id))
      .map((id) => this.#asked.get(id));
    if (answers.includes("busy")) return "busy";
    return answers.every((why) => why === "unknown") ? "gone" : "silent";
  }

  /** Nobody is left who may have it. */
  get isExhausted(): boolean {
    return this.#sources.every((id) => this.#excluded.has(id));
  }

  beginRound(): void {
    this.#asked.clear();
  }
}
