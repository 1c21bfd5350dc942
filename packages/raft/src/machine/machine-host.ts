/**
 * What a machine's handle needs of the member it runs on, and the options of its callers.
 * Implemented by the node; this room knows nothing else of it.
 */

/** The part of `AbortSignal` that is used, so that this room needs no platform types. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(
    type: "abort",
    listener: () => void,
    options?: { readonly once?: boolean },
  ): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** How long to wait for a command. */
export interface ProposeOptions {
  /** Milliseconds; the node's default if left out. */
  readonly timeoutMs?: number;
  /** An `AbortSignal`. Aborting ends the waiting, not the command: its outcome is then unknown. */
  readonly signal?: CancelSignal;
}

/** How fresh a read must be, and how long to wait for it. */
export interface ReadOptions {
  /**
   * `linearizable` (the default) sees every command that was acknowledged anywhere before the call;
   * `stale` answers at once from this member's state, however old. @paper §8
   *
   * `lease` is as `linearizable` as long as no member's clock drifts by more than it was said to
   * (`leaseReads` of `start`), and answers at the leader without asking the others; without a lease
   * it takes the way of `linearizable`.
   */
  readonly consistency?: "linearizable" | "lease" | "stale";
  /** Milliseconds; the node's default if left out. */
  readonly timeoutMs?: number;
  /** An `AbortSignal`. */
  readonly signal?: CancelSignal;
}

/**
 * Runs a function at once; `onUse` hears what it uses of time, chance, timers and network, before
 * it does, and may throw.
 */
export type Watch = <Value>(run: () => Value, onUse: (name: string) => void) => Value;

/** The member as its machines see it. */
export interface MachineHost {
  /**
   * Gets a command into the log; resolves with what `apply` returned for it on this member (applied
   * with `wanted` true), rejects with a `QuorateError`. Takes over the bytes: they never change
   * again.
   */
  propose(data: Uint8Array, options: ProposeOptions | undefined): Promise<unknown>;
  /**
   * Runs `read` between two applies, when the state is as fresh as asked for; rejects with what it
   * throws.
   */
  read<Value>(read: () => Value, options: ReadOptions | undefined): Promise<Value>;
  /** Guards reducers in development: each command is tried before it is proposed. Null: none is. */
  readonly watch?: Watch | null;
  /** The version of the machine that is enabled here now; 1 if left out. */
  version?(): number;
  /** Wall time in milliseconds since 1970, for `context.now`. Safety never depends on it. */
  wallMs(): number;
}
