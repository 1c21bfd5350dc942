import type { CallFailure } from "./client-error.ts";

/** The end of a client's call from the caller's side: its time is over, or its signal came. */
export class CallEnd {
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | null;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort: () => void = () => this.#end("cancelled");
  readonly #listeners: Set<() => void> = new Set();
  #reason: "deadline" | "cancelled" | null = null;

  constructor(timeoutMs: number, signal: AbortSignal | null) {
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    this.#timer = setTimeout(() => this.#end("deadline"), timeoutMs);
    if (signal?.aborted) this.#reason = "cancelled";
    signal?.addEventListener("abort", this.#onAbort);
  }

  get isOver(): boolean {
    return this.#reason !== null;
  }

  /** Calls back once at the end; returns what takes the listener away again. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The end as the failure of an attempt. */
  failure(endpoint: string, wasSent: boolean): CallFailure {
    return this.#reason === "cancelled"
      ? { kind: "cancelled", endpoint, wasSent }
      : { kind: "deadline", endpoint, wasSent, timeoutMs: this.#timeoutMs };
  }

  /** Lets go of timer and signal when the call has its answer. */
  release(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#listeners.clear();
  }

  #end(reason: "deadline" | "cancelled"): void {
    this.#reason ??= reason;
    for (const listener of this.#listeners) listener();
    this.release();
  }
}
