/**
 * The clients' side of sessions: numbers the commands, keeps the session alive, and says what
 * became of it. A command of a session goes to the leader again and again until its deadline; the
 * replicated table (`machine/session-table.ts`) applies it once. Called by `member.ts`; promises
 * are made of it in `session.ts`. @thesis §6.3
 */
import { assert, QuorateError } from "../base/index.ts";
import {
  encodeSessionClose,
  encodeSessionCommand,
  encodeSessionKeepAlive,
  encodeSessionOpen,
  type SessionOutcome,
  sessionLimits,
} from "../machine/index.ts";
import { overloaded, replyLost, sessionExpired } from "./errors.ts";
import type { NodeLimits } from "./limits.ts";
import type { CommandDone, CommandRequest } from "./requests.ts";

/** Runs exactly once and does not throw. */
export type SessionDone = (error: QuorateError | null, session?: ClientSession) => void;

export interface SessionsHost {
  readonly limits: NodeLimits;
  nowMs(): number;
  /** Gets data into the log, repeatedly until the deadline. `done` never runs inside the call. */
  propose(data: Uint8Array, timeoutMs: number, done: CommandDone): CommandRequest | QuorateError;
  /** A listener threw: that is told and changes nothing. */
  onListenerError(name: string, error: unknown): void;
}

/** `closing`: takes no more commands, and waits for the answers of those under way. */
export type SessionState = "open" | "closing" | "closed" | "expired";

/** A session is kept alive so many times in its `ttlMs`: two attempts may be lost. */
const keepAlivesPerTtl = 3;

/** The sessions that this member's program has open. */
export class ClientSessions {
  readonly #host: SessionsHost;
  readonly #open = new Set<ClientSession>();

  constructor(host: SessionsHost) {
    this.#host = host;
  }

  /**
   * Opened twice, because the first answer was lost, the session that nobody knows of expires.
   */
  open(ttlMs: number, timeoutMs: number, done: SessionDone): CommandRequest | QuorateError {
    const request = this.#host.propose(encodeSessionOpen(ttlMs), timeoutMs, (error, result) => {
      if (error !== null) {
        done(error);
        return;
      }
      const outcome = outcomeOf(result);
      if (outcome.kind === "table-full") {
        done(overloaded("sessionLimits.sessionsMax", sessionLimits.sessionsMax));
        return;
      }
      assert(outcome.kind === "opened", "a session opens, or there are too many");
      const session = new ClientSession(this.#host, outcome.session, ttlMs, () => {
        this.#open.delete(session);
      });
      this.#open.add(session);
      done(null, session);
    });
    return request;
  }

  onTick(nowMs: number): void {
    for (const session of this.#open) session.onTick(nowMs);
  }
}

export class ClientSession {
  /** The index of the entry that opened it: no other session of the cluster ever has it. */
  readonly id: number;
  readonly ttlMs: number;
  readonly #host: SessionsHost;
  readonly #onEnd: () => void;
  #state: SessionState = "open";
  #sequence = 0;
  /** Sequences whose callers wait, ascending. */
  readonly #waiting = new Set<number>();
  #keepAliveMs: number;
  #isKeepingAlive = false;
  /** Nothing is sent behind the close. */
  #isCloseSent = false;
  readonly #listeners = new Set<() => void>();
  readonly #closing: (() => void)[] = [];

  constructor(host: SessionsHost, id: number, ttlMs: number, onEnd: () => void) {
    this.#host = host;
    this.id = id;
    this.ttlMs = ttlMs;
    this.#onEnd = onEnd;
    this.#keepAliveMs = host.nowMs() + ttlMs / keepAlivesPerTtl;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The lowest sequence whose caller waits; the next one if nobody does. */
  get #floor(): number {
    for (const lowest of this.#waiting) return lowest;
    return this.#sequence + 1;
  }

  /**
   * Applies `command` (a machine's envelope, copied) exactly once; `done` gets what the machine
   * returned, and never runs inside the call.
   */
  propose(
    command: Uint8Array,
    timeoutMs: number,
    done: CommandDone,
  ): CommandRequest | QuorateError {
    if (this.#state !== "open") return sessionExpired(this.id, null, "not-applied");
    const { windowMax } = sessionLimits;
    if (this.#sequence + 1 - this.#floor >= windowMax) {
      return overloaded("sessionLimits.windowMax", windowMax);
    }
    const sequence = this.#sequence + 1;
    const floor = this.#floor;
    const data = encodeSessionCommand({ session: this.id, sequence, floor, command });
    const request = this.#host.propose(data, timeoutMs, (error, result) => {
      assert(!(request instanceof QuorateError), "what was refused is not answered");
      this.#onAnswer(sequence, request.isUncertain, error, result, done);
    });
    if (request instanceof QuorateError) return request;
    this.#sequence = sequence;
    this.#waiting.add(sequence);
    return request;
  }

  #onAnswer(
    sequence: number,
    isUncertain: boolean,
    error: QuorateError | null,
    result: unknown,
    done: CommandDone,
  ): void {
    this.#waiting.delete(sequence);
    if (error !== null) done(error);
    else this.#onOutcome(sequence, isUncertain, outcomeOf(result), done);
    this.#maybeClose();
  }

  #onOutcome(
    sequence: number,
    isUncertain: boolean,
    outcome: SessionOutcome,
    done: CommandDone,
  ): void {
    if (outcome.kind === "expired") {
      this.#expire();
      done(sessionExpired(this.id, sequence, isUncertain ? "unknown" : "not-applied"));
      return;
    }
    this.#postponeKeepAlive();
    if (outcome.kind === "reply-lost") done(replyLost(this.id, sequence));
    else {
      const what = "a command that is waited for is within its session's window";
      assert(outcome.kind === "applied", what, () => outcome.kind);
      done(null, outcome.result);
    }
  }

  // --- its life ----------------------------------------------------------------------------------

  /** The own clock decides when to ask, never whether the session lives. */
  onTick(nowMs: number): void {
    if (this.#isKeepingAlive || this.#isCloseSent || nowMs < this.#keepAliveMs) return;
    const data = encodeSessionKeepAlive(this.id, this.#floor);
    const request = this.#host.propose(data, this.#host.limits.timeoutMs, (error, result) => {
      this.#isKeepingAlive = false;
      if (error !== null || this.#isCloseSent) return; // asked again at the next tick, or ended
      if (outcomeOf(result).kind === "expired") this.#expire();
      else this.#postponeKeepAlive();
    });
    this.#isKeepingAlive = !(request instanceof QuorateError);
  }

  #postponeKeepAlive(): void {
    this.#keepAliveMs = this.#host.nowMs() + this.ttlMs / keepAlivesPerTtl;
  }

  /** Returns what takes the listener off again. It runs once, when it is known here. */
  onExpired(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #expire(): void {
    if (this.#state === "expired" || this.#state === "closed") return;
    this.#end("expired");
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        this.#host.onListenerError("session expired", error);
      }
    }
  }

  /**
   * Takes no more commands; `done` runs when those under way are answered and the session is
   * closed, or will expire because nobody could be told. May run inside the call.
   */
  close(done: () => void): void {
    if (this.#state === "closed" || this.#state === "expired") {
      done();
      return;
    }
    this.#closing.push(done);
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#maybeClose();
  }

  #maybeClose(): void {
    if (this.#state !== "closing" || this.#waiting.size > 0) return;
    this.#isCloseSent = true;
    const data = encodeSessionClose(this.id);
    const end = () => this.#end("closed");
    if (this.#host.propose(data, this.#host.limits.timeoutMs, end) instanceof QuorateError) end();
  }

  #end(state: "closed" | "expired"): void {
    this.#state = state;
    this.#onEnd();
    for (const done of this.#closing.splice(0)) done();
  }
}

/** What a machine set returns for an entry of a session. */
function outcomeOf(result: unknown): SessionOutcome {
  return result as SessionOutcome; // the host passes on what `apply` returned
}
