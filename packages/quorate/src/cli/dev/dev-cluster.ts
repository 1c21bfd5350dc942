/**
 * The members of `quorate dev` as a whole: started, watched, killed, restarted and stopped. Says
 * nothing itself.
 */
import { join } from "node:path";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { clientUrlOf, type Layout, type MemberLayout } from "./layout.ts";
import type { MemberMessage } from "./member-message.ts";
import { type MemberEnd, MemberProcess, memberProgram } from "./member-process.ts";
import { waitReady } from "./wait-ready.ts";

export interface DevMember {
  readonly layout: MemberLayout;
  readonly dataDir: string | null;
  process: MemberProcess;
  role: string;
  term: number;
  isListening: boolean;
  /** The person kills it. */
  isEndExpected: boolean;
}

export interface DevEvents {
  /** A line of a member's log. */
  onLine(member: DevMember, line: string): void;
  /** Somebody leads: `afterMs` since the last leader died, null if none did. */
  onLeader(member: DevMember, afterMs: number | null): void;
  onListening(member: DevMember): void;
  /** It ended, and not because all are stopped. */
  onEnd(member: DevMember, end: MemberEnd): void;
}

/** Milliseconds until all members serve: some elections, on a slow machine. */
const readyMsMax = 60_000;
/** Milliseconds for a clean stop, then SIGKILL. */
const stopMsMax = 5_000;

export class DevCluster {
  readonly members: readonly DevMember[];
  readonly #layout: Layout;
  readonly #program: string;
  readonly #events: DevEvents;
  readonly #startup: AbortController = new AbortController();
  readonly #leaderHeard: Promise<void>;
  #onLeaderHeard: () => void = () => undefined;
  /** When the last leader died, until there is a new one. */
  #lostAtMs: number | null = null;
  #isStopping = false;

  /**
   * Starts all members.
   *
   * @param folder Holds a folder for each; null for memory
   * @param program What members run, with the argument `server`
   */
  constructor(
    layout: Layout,
    folder: string | null,
    events: DevEvents,
    program: string = memberProgram,
  ) {
    this.#layout = layout;
    this.#program = program;
    this.#events = events;
    this.#leaderHeard = new Promise((resolve) => {
      this.#onLeaderHeard = resolve;
    });
    this.members = layout.map((each) => this.#createMember(each, folder));
  }

  /**
   * Resolves when every member answers reads. @throws CliError about the member that could not
   * start
   */
  async waitReady(): Promise<void> {
    const timer = setTimeout(() => this.#startup.abort(this.#describeSlowness()), readyMsMax);
    try {
      await waitReady(this.#layout.map(clientUrlOf), this.#startup.signal);
      await this.#leaderHeard; // said on another channel, a moment earlier or later
    } finally {
      clearTimeout(timer);
    }
  }

  /** The member that leads, as far as it has been heard. */
  get leader(): DevMember | null {
    const leaders = this.members.filter(
      ({ process, role }) => process.isRunning && role === "leader",
    );
    leaders.sort((a, b) => b.term - a.term);
    return leaders[0] ?? null;
  }

  /** The members that are not running. */
  get dead(): readonly DevMember[] {
    return this.members.filter(({ process }) => !process.isRunning);
  }

  get isMemory(): boolean {
    return this.members.every(({ dataDir }) => dataDir === null);
  }

  /** Kills the leader with SIGKILL. @returns it, or null while nobody leads */
  killLeader(): DevMember | null {
    const { leader } = this;
    if (leader === null) return null;
    leader.isEndExpected = true;
    leader.process.kill("SIGKILL");
    // From now on: the next leader may be heard of before the end of this process is.
    leader.role = "down";
    this.#lostAtMs = performance.now();
    return leader;
  }

  /** Starts again what is not running; each has its data. */
  restartDead(): readonly DevMember[] {
    const { dead } = this;
    for (const member of dead) {
      member.isListening = false;
      member.isEndExpected = false;
      member.process = this.#spawn(member.layout, member.dataDir, () => member);
    }
    return dead;
  }

  /** Asks all to stop, waits, and kills what does not. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#startup.abort(new Error("stopped"));
    for (const { process } of this.members) process.kill("SIGTERM");
    const timer = setTimeout(() => this.killAll(), stopMsMax);
    await Promise.all(this.members.map(({ process }) => process.ended));
    clearTimeout(timer);
  }

  killAll(): void {
    this.#isStopping = true;
    for (const { process } of this.members) process.kill("SIGKILL");
  }

  #createMember(layout: MemberLayout, folder: string | null): DevMember {
    const dataDir = folder === null ? null : join(folder, layout.name);
    const member: DevMember = {
      layout,
      dataDir,
      process: this.#spawn(layout, dataDir, () => member),
      role: "follower",
      term: 0,
      isListening: false,
      isEndExpected: false,
    };
    return member;
  }

  #spawn(own: MemberLayout, dataDir: string | null, member: () => DevMember): MemberProcess {
    const start = { program: this.#program, layout: this.#layout, own, dataDir };
    return new MemberProcess(start, {
      onMessage: (message) => this.#onMessage(member(), message),
      onLine: (line) => this.#events.onLine(member(), line),
      onEnd: (end) => this.#onEnd(member(), end),
    });
  }

  #onMessage(member: DevMember, message: MemberMessage): void {
    switch (message.kind) {
      case "listening":
        member.isListening = true;
        this.#events.onListening(member);
        break;
      case "role":
        this.#onRole(member, message.role, message.term);
        break;
      case "failed":
        this.#startup.abort(startFailed(member, message));
        break;
      default:
        message satisfies never;
    }
  }

  #onRole(member: DevMember, role: string, term: number): void {
    if (member.isEndExpected) return; // said before it was killed
    const wasLeader = member.role === "leader";
    member.role = role;
    member.term = term;
    if (role !== "leader" || wasLeader) return;
    const afterMs = this.#lostAtMs === null ? null : performance.now() - this.#lostAtMs;
    this.#lostAtMs = null;
    this.#onLeaderHeard();
    this.#events.onLeader(member, afterMs);
  }

  #onEnd(member: DevMember, end: MemberEnd): void {
    if (member.role === "leader") this.#lostAtMs = performance.now();
    member.role = "down";
    if (this.#isStopping) return;
    this.#startup.abort(endedEarly(member, end));
    this.#events.onEnd(member, end);
  }

  #describeSlowness(): CliError {
    const mute = this.members.filter(({ isListening }) => !isListening);
    const who = mute.map(({ layout }) => layout.name).join(", ");
    const fact = mute.length === 0 ? "no leader was elected" : `${who} opened no port`;
    return new CliError(`the members were not ready within ${readyMsMax / 1_000} s: ${fact}`, {
      exitCode: exitCodes.failed,
      code: "TIMEOUT",
      lines: ["Look at the machine's load, then try again."],
    });
  }
}

function startFailed(
  { layout }: DevMember,
  { code, message, lines }: Extract<MemberMessage, { kind: "failed" }>,
): CliError {
  const text = `member ${layout.name}: ${message}`;
  return new CliError(text, { exitCode: exitCodes.failed, code, lines });
}

/** For an end of which the member itself could say nothing. */
function endedEarly({ layout, process }: DevMember, end: MemberEnd): CliError {
  return new CliError(`member ${layout.name} ${describeEnd(end)} before all were ready`, {
    exitCode: exitCodes.failed,
    code: "STOPPED",
    lines: process.lastLines,
  });
}

/** `was killed by SIGKILL`, `ended with code 1`. */
export function describeEnd({ code, signal }: MemberEnd): string {
  if (signal !== null) return `was killed by ${signal}`;
  return code === null ? "could not be started" : `ended with code ${code}`;
}
