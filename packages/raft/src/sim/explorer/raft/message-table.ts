/** Every message that was ever sent, by number: what it says is read once. */
import type { Chain } from "./changes.ts";
import { decodeMessage, mirrorValue, type WorldMessage } from "./messages.ts";

/** A message without the place of its sender. */
export interface Post {
  readonly value: number;
  /** Places from its sender to its receiver: 1 or 2. */
  readonly direction: number;
  /** As it reaches a receiver at place 0. */
  readonly message: WorldMessage;
}

export class MessageTable {
  readonly #ids = new Map<number, number>();
  readonly #posts: Post[] = [];
  readonly #mirrors: number[] = [];
  readonly #values: number[] = [];
  readonly #terms: number[] = [];

  readonly #changes: Chain | null;

  /** `changes`: see `Bounds`. */
  constructor(changes: Chain | null = null) {
    this.#changes = changes;
  }

  get count(): number {
    return this.#posts.length;
  }

  intern(value: number): number {
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    const id = this.#posts.length;
    const direction = (value % 2) + 1;
    const message = decodeMessage(value, 3 - direction, false, this.#changes);
    this.#ids.set(value, id);
    this.#posts.push({ value, direction, message });
    this.#mirrors.push(-1);
    this.#values.push(value);
    const isAnswer = message.kind === "request-vote-response";
    this.#terms.push(Math.max(message.term, isAnswer ? message.campaignTerm : 0));
    return id;
  }

  at(id: number): Post {
    const post = this.#posts[id];
    if (post === undefined) throw new RangeError(`There is no message ${id}`);
    return post;
  }

  direction(id: number): number {
    return ((this.#values[id] ?? 0) % 2) + 1;
  }

  /** Its sender's; of a campaign, what is campaigned for. */
  term(id: number): number {
    return this.#terms[id] ?? 0;
  }

  value(id: number): number {
    return this.#values[id] ?? 0;
  }

  /** The same message in the other direction. */
  mirror(id: number): number {
    const known = this.#mirrors[id] ?? -1;
    if (known >= 0) return known;
    const mirrored = this.intern(mirrorValue(this.at(id).value));
    this.#mirrors[id] = mirrored;
    return mirrored;
  }
}
