/**
 * A member's share in who leads, besides what the core decides: the timer of a fast failover.
 * Called by `member.ts`.
 */
import type { Input, WakeIn } from "../../core/index.ts";
import type { Clock, Timer } from "../../ports/index.ts";

export interface LeadershipHost {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  jitter(): number;
  /** Gives the core an input, and takes a turn after it. */
  step(input: Input): void;
}

export class Leadership {
  readonly #host: LeadershipHost;
  #wake: Timer | null = null;

  constructor(host: LeadershipHost) {
    this.#host = host;
  }

  /** The member ends. */
  close(): void {
    this.#wake?.cancel();
  }

  /** The newest one counts. */
  onWakeIn({ delayMs }: WakeIn): void {
    this.#wake?.cancel();
    this.#wake = this.#host.clock.after(delayMs, () => {
      this.#wake = null;
      this.#host.step({ kind: "wake", jitter: this.#host.jitter() });
    });
  }
}
