/**
 * A member's share in who leads, besides what the core decides: the timer of a fast failover,
 * handing over, the watch over the disk, and what is told of roles and leaders. Called by
 * `member.ts`.
 */

import type { NodeId, PersistUnit, QuorateError } from "../../base/index.ts";
import type { Input, Persist, RoleChanged, TransferEnded, WakeIn } from "../../core/index.ts";
import type { Clock, Timer } from "../../ports/index.ts";
import { describeRole } from "../describe-role.ts";
import type { EventHub, NodeEvents } from "../events.ts";
import type { NodeLimits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import { DiskWatch } from "./disk-watch.ts";
import type { TransferDone, TransferRequest } from "./transfer-request.ts";
import { Transfers, type TransfersHost } from "./transfers.ts";

export interface LeadershipHost extends TransfersHost {
  readonly clock: Clock;
  readonly limits: NodeLimits;
  readonly logger: Logger;
  readonly events: EventHub;
  /** Uniform in [0, 1). */
  jitter(): number;
  /** Gives the core an input, and takes a turn after it. */
  step(input: Input): void;
}

export class Leadership {
  readonly #host: LeadershipHost;
  readonly #transfers: Transfers;
  readonly #disk: DiskWatch;
  #wake: Timer | null = null;
  /** As last told in the event `leader`. */
  #leader: NodeEvents["leader"] = { id: null, term: 0 };

  constructor(host: LeadershipHost) {
    this.#host = host;
    this.#transfers = new Transfers(host);
    const { limits, raft } = host;
    this.#disk = new DiskWatch(
      {
        limits,
        hasLeader: () => raft.leader !== null,
        onVerdict: (isHealthy) => this.#onDiskHealth(isHealthy),
      },
      host.nowMs(),
    );
  }

  /** The member ends. */
  close(): void {
    this.#wake?.cancel();
  }

  /** `done` never runs inside the call. A returned error is the answer, too. */
  transfer(
    to: NodeId | null,
    timeoutMs: number,
    done: TransferDone,
  ): TransferRequest | QuorateError {
    return this.#transfers.request(to, timeoutMs, done);
  }

  onTick(nowMs: number): void {
    this.#transfers.onTick();
    this.#disk.onTick(nowMs);
  }

  /** A unit is given to the disk. */
  onPersist({ unit }: Persist): void {
    this.#disk.onPersist(unit, this.#host.nowMs());
  }

  /** `unit` and all before it are on disk. */
  onDurable(unit: PersistUnit): void {
    this.#disk.onDurable(unit, this.#host.nowMs());
  }

  #onDiskHealth(isHealthy: boolean): void {
    const { logger, events, raft } = this.#host;
    const text = isHealthy
      ? `the disk of ${raft.id} is fit for a leader again`
      : `the disk of ${raft.id} is unfit for a leader: ${raft.id} does not stand, and hands over`;
    logger[isHealthy ? "info" : "warn"]({ isHealthy }, text);
    this.#host.step({ kind: "disk-health", isHealthy });
    events.emit("disk-health", { healthy: isHealthy });
  }

  /** Called at the beginning of a turn. */
  flush(): void {
    this.#transfers.flush();
  }

  /** The newest one counts. */
  onWakeIn({ delayMs }: WakeIn): void {
    this.#wake?.cancel();
    this.#wake = this.#host.clock.after(delayMs, () => {
      this.#wake = null;
      this.#host.step({ kind: "wake", jitter: this.#host.jitter() });
    });
  }

  onTransferEnded(effect: TransferEnded): void {
    const { logger, events, raft } = this.#host;
    const { to, why, outcome } = effect;
    const how = outcome === "stepped-down" ? "has stepped down for" : "has not handed over to";
    logger.info({ to, why, outcome }, `${raft.id} ${how} ${to} (${why}): ${outcome}`);
    events.emit("transfer", { to, why, outcome });
    this.#transfers.onEnded(effect);
  }

  onRole(effect: RoleChanged): void {
    const { role, term, leader } = effect;
    const { logger, events, raft } = this.#host;
    logger.info({ role, term, leader }, describeRole(effect, raft.id));
    events.emit("role", { role, term });
    if (leader !== this.#leader.id || (leader !== null && term !== this.#leader.term)) {
      this.#leader = { id: leader, term };
      events.emit("leader", this.#leader);
    }
    this.#transfers.onLeader();
  }
}
