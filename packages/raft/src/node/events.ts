/**
 * The typed events of a node: what happened, also on followers. Listeners run in the turn; one that
 * throws is reported.
 */
import type { Role } from "../core/index.ts";

export interface NodeEvents {
  /** The known leader changed; null while there is none. */
  readonly leader: { readonly id: string | null; readonly term: number };
  /** This member's own role or term changed. */
  readonly role: { readonly role: Role; readonly term: number };
  /** Our connection to a peer. */
  readonly peer: {
    /** Null: somebody that is no member was refused. */
    readonly id: string | null;
    readonly kind: "connected" | "disconnected" | "refused";
    readonly reason: string | null;
  };
  /** The last event. `error` is null after `stop()`, else what ended the member. */
  readonly stopped: { readonly error: Error | null };
}

export type NodeEventName = keyof NodeEvents;
export type NodeListener<Name extends NodeEventName> = (event: NodeEvents[Name]) => void;

type Listeners = { [Name in NodeEventName]: Set<NodeListener<Name>> };

export class EventHub {
  readonly #onError: (name: NodeEventName, error: unknown) => void;
  readonly #listeners: Listeners = {
    leader: new Set(),
    role: new Set(),
    peer: new Set(),
    stopped: new Set(),
  };

  /** `onError` hears what listeners throw. */
  constructor(onError: (name: NodeEventName, error: unknown) => void) {
    this.#onError = onError;
  }

  /** Returns what takes the listener off again. */
  on<Name extends NodeEventName>(name: Name, listener: NodeListener<Name>): () => void {
    const set: Set<NodeListener<Name>> = this.#listeners[name];
    set.add(listener);
    return () => set.delete(listener);
  }

  emit<Name extends NodeEventName>(name: Name, event: NodeEvents[Name]): void {
    const set: Set<NodeListener<Name>> = this.#listeners[name];
    for (const listener of [...set]) {
      try {
        listener(event);
      } catch (error) {
        this.#onError(name, error);
      }
    }
  }
}
