/** One member process of a deep test from the outside. */
import { type ChildProcess, spawn } from "node:child_process";
import { endWithUs } from "../support/own-children.ts";
import type { DeepAnswers, DeepAsk, DeepStart, DeepTold } from "./deep-messages.ts";

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class DeepMember {
  readonly id: string;
  readonly start: DeepStart;
  /** What it logged, with the wall clock in milliseconds, and what it wrote to stderr. */
  readonly lines: string[] = [];
  /** What it said last. */
  leader: string | null = null;
  /** Indexes of the snapshots that it wrote, and that it installed. */
  readonly taken: number[] = [];
  readonly installed: number[] = [];
  /** Of the transfer under way, or of the last one. */
  receivedBytes = 0;
  source: string | null = null;
  isStarted = false;
  isGone = false;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #questionId = 0;

  constructor(program: string, start: DeepStart) {
    this.id = start.id;
    this.start = start;
    const extra = process.env["DEEP_NODE_ARGS"]?.split(" ") ?? [];
    this.#child = spawn(process.execPath, [...extra, program, JSON.stringify(start)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    endWithUs(this.#child);
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => this.lines.push(text));
    this.#child.on("message", (told: DeepTold) => this.#onTold(told));
    this.#child.once("exit", () => {
      this.isGone = true;
      const error = new Error(`member ${this.id} is gone; it said:\n${this.lines.join("\n")}`);
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  #onTold(told: DeepTold): void {
    switch (told.kind) {
      case "started":
        this.isStarted = true;
        break;
      case "answer":
        this.#pending.get(told.id)?.resolve(told.value);
        this.#pending.delete(told.id);
        break;
      case "failure":
        this.#pending.get(told.id)?.reject(new Error(`${this.id} answered: ${told.text}`));
        this.#pending.delete(told.id);
        break;
      case "leader":
        this.leader = told.leader;
        break;
      case "taken":
      case "installed":
        this[told.kind].push(told.index);
        this.lines.push(`${Date.now()} ${told.kind} ${told.index}`);
        break;
      case "receiving":
        this.source = told.from;
        this.receivedBytes = told.doneBytes;
        break;
      case "line":
        this.lines.push(`${Date.now()} ${told.text}`);
        break;
      default:
        told satisfies never;
    }
  }

  /** @throws Error with what it said, if it failed to do it, or is gone */
  ask<Kind extends DeepAsk["kind"]>(
    ask: Extract<DeepAsk, { kind: Kind }> | { readonly kind: Kind },
  ): Promise<DeepAnswers[Kind]> {
    if (this.isGone) return Promise.reject(new Error(`member ${this.id} is gone`));
    this.#questionId++;
    const id = this.#questionId;
    return new Promise((resolve, reject) => {
      // The program answers each kind of question with the value of that kind.
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.send({ id, ask }, () => undefined); // a failure to send is its end
    });
  }

  kill(): Promise<void> {
    if (this.isGone) return Promise.resolve();
    return new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.kill("SIGKILL");
    });
  }

  /** Lets go of the channel, which ends it, with the profiles that were asked for. */
  end(): Promise<void> {
    if (this.isGone) return Promise.resolve();
    return new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.disconnect();
    });
  }
}
