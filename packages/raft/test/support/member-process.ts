/** One member process from the outside: its start and end, its words, and questions to it. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Answers, Ask, MemberStart, Question, Told, ToldError } from "./member-messages.ts";

import { endWithUs } from "./own-children.ts";

export interface LaunchOptions {
  /** The bundled program, from `bundleMemberProgram`. */
  readonly program: string;
  /** What runs node, such as strace and its arguments. */
  readonly wrapper?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  onOutcome?(value: string, error: ToldError | null): void;
}

/** What the member answered instead of a value. */
export class MemberFailure extends Error {
  override readonly name = "MemberFailure";
  readonly told: ToldError;

  constructor(told: ToldError) {
    super(`${told.code ?? told.name} (${told.outcome}): ${told.message}`);
    this.told = told;
  }
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class MemberProcess {
  readonly id: string;
  readonly start: MemberStart;
  /** What it logged, as `level text`, and what it wrote to stderr. */
  readonly lines: string[] = [];
  /** What it said last of the leader. */
  leader: string | null = null;
  term = 0;
  /** The pid of the member itself, also below a wrapper; 0 before it has started. */
  pid = 0;
  /** Why it did not start. */
  refusal: ToldError | null = null;
  /** What ended its member; undefined while it runs, null after an ordinary stop. */
  stopError: ToldError | null | undefined = undefined;
  isGone = false;
  readonly #child: ChildProcess;
  readonly #options: LaunchOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #waiting = new Set<() => void>();
  #questionId = 0;

  constructor(start: MemberStart, options: LaunchOptions) {
    this.id = start.id;
    this.start = start;
    this.#options = options;
    const command = [
      ...(options.wrapper ?? []),
      process.execPath,
      options.program,
      JSON.stringify(start),
    ];
    this.#child = spawn(command[0] ?? "", command.slice(1), {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { ...process.env, ...options.environment },
    });
    endWithUs(this.#child);
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => this.lines.push(text));
    this.#child.on("message", (told: Told) => this.#onTold(told));
    this.#whenGone();
  }

  /** Its last words may come after its exit: gone is it when the channel is closed, too. */
  #whenGone(): void {
    let open = 2;
    const closed = () => {
      open--;
      if (open > 0) return;
      this.isGone = true;
      for (const { reject } of this.#pending.values()) {
        reject(new Error(`member ${this.id} is gone`));
      }
      this.#pending.clear();
      this.#wake();
    };
    this.#child.once("exit", closed);
    this.#child.once("disconnect", closed);
  }

  /** Serves: neither refused, nor stopped, nor gone. */
  get isRunning(): boolean {
    return this.pid !== 0 && this.stopError === undefined && !this.isGone;
  }

  #onTold(told: Told): void {
    switch (told.kind) {
      case "started":
        this.pid = told.pid;
        break;
      case "refused":
        this.refusal = told.error;
        break;
      case "answer":
        this.#settle(told.id, (pending) => pending.resolve(told.value));
        break;
      case "failure":
        this.#settle(told.id, (pending) => pending.reject(new MemberFailure(told.error)));
        break;
      case "outcome":
        this.#options.onOutcome?.(told.value, told.error);
        break;
      case "leader":
        this.leader = told.leader;
        this.term = told.term;
        break;
      case "log":
        this.lines.push(`${told.level} ${told.text}`);
        break;
      case "stopped":
        this.stopError = told.error;
        break;
      default:
        told satisfies never;
    }
    this.#wake();
  }

  #settle(id: number, how: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending !== undefined) how(pending);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** @throws Error with its log if it is gone before the condition holds */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.isGone) {
        throw new Error(`member ${this.id} is gone; it said:\n${this.lines.join("\n")}`);
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Resolves when it serves; @throws Error if it refuses to */
  async started(): Promise<void> {
    await this.until(() => this.pid !== 0 || this.refusal !== null);
    if (this.refusal !== null) throw new MemberFailure(this.refusal);
  }

  /** Resolves with why it did not start. */
  async refused(): Promise<ToldError> {
    await this.until(() => this.pid !== 0 || this.refusal !== null);
    if (this.refusal === null) throw new Error(`member ${this.id} started`);
    await this.end();
    return this.refusal;
  }

  async untilLine(pattern: RegExp): Promise<string> {
    const find = () => this.lines.find((line) => pattern.test(line));
    await this.until(() => find() !== undefined);
    return find() ?? "";
  }

  /** @throws MemberFailure, or Error if it is gone before the answer */
  ask<Kind extends Ask["kind"]>(ask: Extract<Ask, { kind: Kind }>): Promise<Answers[Kind]> {
    if (this.isGone) return Promise.reject(new Error(`member ${this.id} is gone`));
    this.#questionId++;
    const question: Question = { id: this.#questionId, ask };
    return new Promise((resolve, reject) => {
      // The program answers each kind of question with the value of that kind.
      this.#pending.set(question.id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.send(question, () => undefined); // a failure to send is the end of the process
    });
  }

  /** To the member, not to its wrapper. */
  signal(name: NodeJS.Signals): void {
    if (this.isGone) return;
    if (this.pid !== 0 && this.pid !== this.#child.pid) process.kill(this.pid, name);
    else this.#child.kill(name);
  }

  /** `kill -9`; resolves when it is gone and its last words are read. */
  async kill(): Promise<void> {
    if (this.isGone) return;
    this.signal("SIGKILL");
    // Below a wrapper that is gone it ends when the channel does.
    if (this.pid === 0 && this.#child.connected) this.#child.disconnect();
    await this.#gone();
  }

  /** Lets go of the channel, which ends it, if it does not end by itself. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#gone();
  }

  async #gone(): Promise<void> {
    while (!this.isGone) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }
}
