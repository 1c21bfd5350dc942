/**
 * The bare loop: what TCP, `writev` and `fdatasync` through the thread pool allow without any
 * consensus. Member `a` sends what comes in to the others and writes it; each member has one write
 * and one sync under way; an entry is done when two of three have synced it.
 */
import { fdatasync, openSync, writev } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { runClosedLoop } from "./closed-loop.ts";

const given = JSON.parse(process.argv[2] ?? "{}");
const address = (name: string): { host: string; port: number } => {
  const [host = "", port = ""] = String(given.members[name]).split(":");
  return { host, port: Number(port) };
};

/**
 * Appends what arrives: all that came while a write and its sync were under way goes into the next.
 */
class BareLog {
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isBusy = false;
  #syncedBytes = 0;
  readonly #file: number;
  readonly #onSynced: (bytes: number) => void;

  constructor(path: string, onSynced: (bytes: number) => void) {
    this.#file = openSync(path, "w");
    this.#onSynced = onSynced;
  }

  append(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (!this.#isBusy) this.#write();
  }

  #write(): void {
    const chunks = this.#waiting.length > 512 ? [Buffer.concat(this.#waiting)] : this.#waiting;
    const bytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isBusy = true;
    writev(this.#file, chunks, (failed, written) => {
      if (failed !== null || written !== bytes) throw failed ?? new Error("a short write");
      fdatasync(this.#file, (error) => {
        if (error !== null) throw error;
        this.#isBusy = false;
        this.#syncedBytes += bytes;
        this.#onSynced(this.#syncedBytes);
        if (this.#waitingBytes > 0 && !this.#isBusy) this.#write();
      });
    });
  }
}

/** Writes what comes and answers with the bytes that are synced in all. */
function follow(): void {
  createServer({ noDelay: true }, (socket) => {
    const log = new BareLog(`${given.folder}/${given.name}.log`, (bytes) => {
      const answer = Buffer.allocUnsafe(8);
      answer.writeDoubleLE(bytes);
      socket.write(answer);
    });
    socket.on("data", (chunk) => log.append(chunk));
    socket.on("error", () => process.exit());
  }).listen(address(given.name));
}

class BareLeader {
  /** Synced bytes by member, own first. */
  readonly #synced = [0, 0, 0];
  readonly #log: BareLog;
  readonly #sockets: Socket[];
  /** In order of proposing; `at` is the end of each in bytes. */
  #pending: { readonly at: number; readonly done: () => void }[] = [];
  #first = 0;
  #bytes = 0;
  #turn: Buffer[] = [];

  constructor(sockets: Socket[]) {
    this.#sockets = sockets;
    this.#log = new BareLog(`${given.folder}/a.log`, (bytes) => this.#onSynced(0, bytes));
    sockets.forEach((socket, at) => {
      let rest = Buffer.alloc(0);
      socket.on("data", (chunk) => {
        rest = Buffer.concat([rest, chunk]);
        const end = rest.length - (rest.length % 8);
        if (end === 0) return;
        const bytes = rest.readDoubleLE(end - 8);
        rest = rest.subarray(end);
        this.#onSynced(at + 1, bytes);
      });
    });
  }

  propose(payload: Buffer, done: () => void): void {
    this.#bytes += payload.length;
    this.#pending.push({ at: this.#bytes, done });
    if (this.#turn.length === 0) setImmediate(() => this.#flush());
    this.#turn.push(payload);
  }

  #flush(): void {
    const chunk = Buffer.concat(this.#turn);
    this.#turn = [];
    for (const socket of this.#sockets) socket.write(chunk);
    this.#log.append(chunk);
  }

  #onSynced(member: number, bytes: number): void {
    this.#synced[member] = bytes;
    const committed = [...this.#synced].sort((x, y) => y - x)[1] ?? 0;
    const pending = this.#pending;
    let at = this.#first;
    for (let one = pending[at]; one !== undefined && one.at <= committed; one = pending[at]) {
      at++;
      this.#first = at;
      one.done();
    }
    if (this.#first > 10_000) {
      this.#pending = pending.slice(this.#first);
      this.#first = 0;
    }
  }
}

function dial(name: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ ...address(name), noDelay: true }, () => resolve(socket));
    // The followers may not listen yet.
    socket.on("error", () => setTimeout(() => dial(name).then(resolve), 20));
  });
}

process.on("disconnect", () => process.exit());
if (given.name === "a") {
  const leader = new BareLeader([await dial("b"), await dial("c")]);
  process.on("message", () => {
    const payload = Buffer.alloc(given.payload, 7);
    runClosedLoop(
      (succeed) => leader.propose(payload, succeed),
      given.inflight,
      given.seconds,
      (result) => process.send?.({ result }),
    );
  });
  process.send?.({ leads: true });
} else {
  follow();
}
