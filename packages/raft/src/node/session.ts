/**
 * Sessions as programs hold them: `node.session()`. Exactly-once commands with the same handles as
 * `node.machines`. Not here: the numbering and resending (`client-sessions.ts`), the replicated
 * table (`machine/session-table.ts`).
 */
import type { CancelSignal, HandlesOf, MachineDeclarations, MachineSet } from "../machine/index.ts";
import { sessionLimits } from "../machine/index.ts";
import type { ClientSession, SessionState } from "./client-sessions.ts";
import { badConfig } from "./errors.ts";
import { callMember, createHost, type HostParts } from "./machine-host.ts";

export interface SessionOptions {
  /**
   * Milliseconds that the session outlives its silence, counted in the time that leaders write into
   * the log: it stands still while there is none. From five election timeouts to a day; 60,000
   * unless given. It is kept alive for as long as this member runs.
   */
  readonly ttlMs?: number;
  /** Milliseconds to wait for its opening; the node's default if left out. */
  readonly timeoutMs?: number;
  /** An `AbortSignal`, for the opening. */
  readonly signal?: CancelSignal;
}

/**
 * Commands through a session are applied exactly once: when their answer is lost (the leader died,
 * a connection broke), they are sent again until `timeoutMs`, and the members recognise what they
 * have applied already. @thesis §6.3
 */
export interface Session<Machines extends MachineDeclarations> extends AsyncDisposable {
  /** The index of the entry that opened it; no other session ever has it. */
  readonly id: number;
  readonly ttlMs: number;
  readonly state: SessionState;
  /**
   * As `node.machines`, but exactly once. Rejects as those do, and with `SESSION_EXPIRED` when the
   * session has ended (outcome `not-applied`, or `unknown` for a command that was sent more than
   * once), `REPLY_LOST` (`applied`), and `OVERLOADED` above `sessionLimits.windowMax` commands at a
   * time. After `TIMEOUT` with outcome `unknown` the command is not sent again.
   */
  readonly machines: HandlesOf<Machines>;
  /** Runs when it is known here that the session has expired. Returns what takes it off again. */
  onExpired(listener: () => void): () => void;
  /**
   * Waits for the answers of the commands under way, then ends the session. Never rejects: a
   * session that cannot be ended now expires.
   */
  close(): Promise<void>;
}

const defaultTtlMs = 60_000;
/** A session must outlive an election or two, or it would expire under a client that is well. */
const electionsPerTtl = 5;

/** @throws QuorateError `BAD_CONFIG`, `OVERLOADED` and those of every proposal */
export async function openSession<Machines extends MachineDeclarations>(
  parts: HostParts,
  machines: MachineSet<Machines>,
  options: SessionOptions,
): Promise<Session<Machines>> {
  const ttlMs = checkTtl(options.ttlMs ?? defaultTtlMs, electionsPerTtl * parts.limits.electionMs);
  const opened = await callMember(parts, options, (timeoutMs, done) =>
    parts.member.openSession(ttlMs, timeoutMs, done),
  );
  // what `openSession` passes to its `done`
  return createSession(parts, machines, opened as ClientSession);
}

function checkTtl(ttlMs: number, leastMs: number): number {
  const { ttlMsMax } = sessionLimits;
  if (Number.isInteger(ttlMs) && ttlMs >= leastMs && ttlMs <= ttlMsMax) return ttlMs;
  const least = `${leastMs} (${electionsPerTtl} x electionMs)`;
  const fact = `it is a whole number from ${least} to ${ttlMsMax}`;
  throw badConfig("ttlMs", String(ttlMs), fact, "Give milliseconds, or leave it out.");
}

function createSession<Machines extends MachineDeclarations>(
  parts: HostParts,
  machines: MachineSet<Machines>,
  session: ClientSession,
): Session<Machines> {
  const host = createHost(parts, session.propose.bind(session));
  const close = () => new Promise<void>((resolve) => session.close(resolve));
  return {
    id: session.id,
    ttlMs: session.ttlMs,
    get state() {
      return session.state;
    },
    machines: machines.createHandles(host),
    onExpired: (listener) => session.onExpired(listener),
    close,
    [Symbol.asyncDispose]: close,
  };
}
