/**
 * A lock on a directory among the processes of one machine, dropped by the kernel when its owner
 * dies, however it dies: a Unix socket that listens inside the directory. See
 * `docs/decisions/0012.md`.
 *
 * Each starter listens under a name of its own, which is never used again: so a dead one's file can
 * be removed without a race, and "dead" is what the kernel says (it refuses the connection), not a
 * number in a file. A starter publishes its name, then asks every other published name. It steps
 * back before one that holds the lock, and before a smaller name that is starting too. Of two
 * starters the later one to publish sees the other, so they cannot both win; and the smallest name
 * steps back before a holder only, so one does win.
 */
import { randomBytes } from "node:crypto";
import { close, open, readdir, rename, unlink } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { resolve } from "node:path";
import { type DirectoryLock, DiskError, type Done, type DoneWith } from "../disk.ts";

/**
 * What a starter answers when it is asked. Silence counts as `held`: safety never waits for an
 * answer.
 */
type State = "starting" | "held" | "withdrawn";

/** Milliseconds to wait for an answer from a process that is alive and may be busy. */
const answerMsMax = 2000;

/** Milliseconds until a starter whose connection broke is asked again. */
const askAgainMs = 10;

/** `lock-<pid>-<16 hex digits>`; the digits decide between starters. */
const namePattern = /^lock-(\d+)-([0-9a-f]{16})$/;

/** Locks `directory`; fails with `ELOCKED` and the owner's pid if another process has it. */
export function lockDirectory(directory: string, done: DoneWith<DirectoryLock>): void {
  if (process.platform === "win32") {
    const text = "directory locks are made of Unix sockets, which this system does not have";
    setImmediate(done, new DiskError("lock", directory, "ENOSYS", text));
    return;
  }
  open(directory, "r", (error, descriptor) => {
    if (error === null) new Candidate(resolve(directory), descriptor, done).start();
    else done(failure(directory, error));
  });
}

function failure(directory: string, error: NodeJS.ErrnoException): DiskError {
  return new DiskError("lock", directory, error.code ?? "EUNKNOWN", error.message);
}

class Candidate implements DirectoryLock {
  readonly #directory: string;
  /** Of the directory: the way to it that fits in a socket's address (108 bytes). */
  readonly #descriptor: number;
  readonly #done: DoneWith<DirectoryLock>;
  readonly #digits = randomBytes(8).toString("hex");
  readonly #name = `lock-${process.pid}-${this.#digits}`;
  readonly #server: Server;
  #state: State = "starting";
  #isSettled = false;

  constructor(directory: string, descriptor: number, done: DoneWith<DirectoryLock>) {
    this.#directory = directory;
    this.#descriptor = descriptor;
    this.#done = done;
    this.#server = createServer((socket) => this.#onAsked(socket));
    this.#server.unref();
  }

  /** Listens under a temporary name, for a bound socket that does not listen yet looks dead. */
  start(): void {
    const temporary = `${this.#name}.tmp`;
    this.#server.once("error", (error) => this.#fail(failure(this.#directory, error)));
    this.#server.listen({ path: this.#address(temporary), exclusive: true }, () => {
      rename(this.#path(temporary), this.#path(this.#name), (error) => {
        if (error !== null) this.#fail(failure(this.#directory, error));
        else this.#askOthers();
      });
    });
  }

  release(done: Done): void {
    this.#withdraw(() => done(null));
  }

  #askOthers(): void {
    readdir(this.#directory, (error, names) => {
      if (error !== null) return this.#fail(failure(this.#directory, error));
      const others = names.filter((name) => namePattern.test(name) && name !== this.#name);
      this.#askNext(others.sort());
    });
  }

  #askNext(others: readonly string[]): void {
    const [other, ...rest] = others;
    if (other === undefined) {
      this.#hold();
      return;
    }
    this.#ask(other, performance.now() + answerMsMax, (state) => {
      if (this.#isSettled) return;
      const isBeaten = state === "held" || (state === "starting" && digitsOf(other) < this.#digits);
      if (isBeaten) this.#fail(this.#isLockedBy(other, state));
      else this.#askNext(rest);
    });
  }

  #isLockedBy(other: string, state: State): DiskError {
    const pid = namePattern.exec(other)?.[1] ?? "unknown";
    const verb = state === "held" ? "is in use by" : "is being opened by";
    const text = `it ${verb} process ${pid}; stop that process, or use another directory`;
    return new DiskError("lock", this.#directory, "ELOCKED", text);
  }

  /**
   * Asks a starter for its state, again if the connection breaks; after the deadline it counts as
   * `held`.
   */
  #ask(other: string, deadlineMs: number, done: (state: State) => void): void {
    askOnce(this.#address(other), this.#name, deadlineMs, (answer) => {
      switch (answer) {
        case "gone":
          return done("withdrawn");
        case "dead":
          return unlink(this.#path(other), () => done("withdrawn"));
        case "denied":
          return this.#fail(
            new DiskError("lock", this.#directory, "EACCES", `${other} is another user's`),
          );
        case "broken":
          if (performance.now() >= deadlineMs) return done("held");
          setTimeout(() => this.#ask(other, deadlineMs, done), askAgainMs);
          return;
        default:
          done(answer);
      }
    });
  }

  /**
   * Another starter asks. If it comes before this one in the order of names, this one steps back.
   */
  #onAsked(socket: Socket): void {
    socket.unref();
    socket.setEncoding("utf8");
    socket.on("error", () => socket.destroy());
    let question = "";
    socket.on("data", (text) => {
      question += text;
      if (!question.includes("\n")) return;
      const asker = question.slice(0, question.indexOf("\n"));
      const stepsBack = this.#state === "starting" && digitsOf(asker) < this.#digits;
      if (stepsBack) this.#fail(this.#isLockedBy(asker, "starting"));
      socket.end(`${this.#state}\n`);
    });
  }

  #hold(): void {
    this.#isSettled = true;
    this.#state = "held";
    this.#done(null, this);
  }

  #fail(error: DiskError): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#withdraw(() => this.#done(error));
  }

  /** The name goes before the socket does, so that nobody finds a name without its owner. */
  #withdraw(done: () => void): void {
    this.#state = "withdrawn";
    unlink(this.#path(this.#name), () => {
      this.#server.close();
      close(this.#descriptor, () => done());
    });
  }

  #path(name: string): string {
    return `${this.#directory}/${name}`;
  }

  #address(name: string): string {
    if (process.platform === "linux") return `/proc/self/fd/${this.#descriptor}/${name}`;
    return this.#path(name);
  }
}

/** What came of one question. `broken`: the connection ended without an answer. */
type Answer = State | "gone" | "dead" | "denied" | "broken";

/**
 * Asks at `address` in the name of `asker`. A system that refuses the connection says that nobody
 * listens.
 */
function askOnce(
  address: string,
  asker: string,
  deadlineMs: number,
  done: (answer: Answer) => void,
): void {
  const socket = createConnection(address);
  let text = "";
  let isDone = false;
  const settle = (answer: Answer): void => {
    if (isDone) return;
    isDone = true;
    clearTimeout(timer);
    socket.destroy();
    done(answer);
  };
  const timer = setTimeout(() => settle("broken"), Math.max(0, deadlineMs - performance.now()));
  socket.setEncoding("utf8");
  socket.on("connect", () => socket.write(`${asker}\n`));
  socket.on("data", (part) => {
    text += part;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => settle(answerOfError(error.code)));
  socket.on("close", () => settle(parseState(text)));
}

function answerOfError(code: string | undefined): Answer {
  if (code === "ENOENT") return "gone";
  if (code === "ECONNREFUSED") return "dead";
  return code === "EACCES" || code === "EPERM" ? "denied" : "broken";
}

function parseState(text: string): Answer {
  const state = text.trim();
  return state === "starting" || state === "held" || state === "withdrawn" ? state : "broken";
}

/** The part of a name that decides; a name that is none loses. */
function digitsOf(name: string): string {
  return namePattern.exec(name)?.[2] ?? "g";
}
