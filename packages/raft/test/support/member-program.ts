/**
 * A member in its own process, for tests: keeps a ledger (a list of values in the order of the
 * log), does what its parent asks, writes a load by itself, and tells of everything it sees.
 * Bundled and started by `member-process.ts`.
 */
import { type Logger, type Node, QuorateError, rawMachine, start } from "../../src/index.ts";
import type {
  Answers,
  Ask,
  Load,
  MemberStart,
  Question,
  Told,
  ToldError,
} from "./member-messages.ts";

class Ledger {
  readonly values: string[] = [];

  /** The value is what stands before the first zero byte; the rest is padding. */
  apply(command: Uint8Array): number {
    const end = command.indexOf(0);
    this.values.push(new TextDecoder().decode(end < 0 ? command : command.subarray(0, end)));
    return this.values.length;
  }
}

const ledger = rawMachine(() => new Ledger());
const extra = rawMachine(() => ({ apply: () => null }));

type LedgerNode = Node<{ ledger: typeof ledger; extra: typeof extra }>;

const given: MemberStart = JSON.parse(process.argv[2] ?? "{}");

function tell(told: Told): void {
  // The parent may be gone or not listening any more; then nobody wants to know.
  if (process.connected) process.send?.(told, undefined, undefined, () => undefined);
}

function describeError(error: unknown): ToldError {
  if (error instanceof QuorateError) {
    const { name, message, code, outcome, hint, details } = error;
    return { name, message, code, outcome, hint, details: { ...details } };
  }
  const name = error instanceof Error ? error.name : "unknown";
  const message = error instanceof Error ? error.message : String(error);
  return { name, message, code: null, outcome: "unknown", hint: "", details: {} };
}

function commandOf(value: string, paddingBytes: number): Uint8Array {
  const bytes = new TextEncoder().encode(`${value}\0`);
  const command = new Uint8Array(bytes.length + paddingBytes).fill(0x70);
  command.set(bytes);
  return command;
}

/** Clients that write one value after the other until they are told to end, or the member stops. */
class Clients {
  readonly #node: LedgerNode;
  #running: Promise<void>[] = [];
  #isEnding = false;

  constructor(node: LedgerNode) {
    this.#node = node;
  }

  begin(load: Load): void {
    this.#isEnding = false;
    for (let client = 0; client < load.clients; client++) {
      this.#running.push(this.#run(`${given.id}${given.life}.${client}`, load));
    }
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#running);
    this.#running = [];
  }

  async #run(client: string, load: Load): Promise<void> {
    for (let number = 1; !this.#isEnding; number++) {
      const value = `${client}.${number}`;
      try {
        const command = commandOf(value, load.paddingBytes);
        await this.#node.machines.ledger.propose(command, { timeoutMs: load.timeoutMs });
        tell({ kind: "outcome", value, error: null });
      } catch (error) {
        const told = describeError(error);
        tell({ kind: "outcome", value, error: told });
        if (told.code === "STOPPED") return;
      }
    }
  }
}

type Handlers = {
  readonly [Kind in Ask["kind"]]: (
    ask: Extract<Ask, { kind: Kind }>,
  ) => Promise<Answers[Kind]> | Answers[Kind];
};

function createHandlers(node: LedgerNode): Handlers {
  const clients = new Clients(node);
  const { machines } = node;
  return {
    write: ({ value, timeoutMs = 10_000 }) =>
      machines.ledger.propose(commandOf(value, 0), { timeoutMs }),
    "write-bytes": ({ bytes }) => machines.ledger.propose(new Uint8Array(bytes).fill(0x70, 1)),
    "write-extra": () => machines.extra.propose(new Uint8Array(1)),
    read: ({ isStale = false, timeoutMs = 10_000 }) =>
      machines.ledger.read((machine) => machine.values, {
        consistency: isStale ? "stale" : "linearizable",
        timeoutMs,
      }),
    status: () => node.status(),
    load: ({ load }) => {
      clients.begin(load);
      return null;
    },
    unload: async () => {
      await clients.end();
      return null;
    },
    stop: async () => {
      await node.stop();
      return null;
    },
  };
}

async function answer(handlers: Handlers, { id, ask }: Question): Promise<void> {
  // The table has for each kind the handler of that kind; the compiler cannot pair them up.
  const handle = handlers[ask.kind] as (ask: Ask) => unknown;
  try {
    tell({ kind: "answer", id, value: await handle(ask) });
  } catch (error) {
    tell({ kind: "failure", id, error: describeError(error) });
  }
}

function loggerToParent(): Logger {
  const at = (level: string) => (_fields: object, text: string) =>
    tell({ kind: "log", level, text });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

async function run(): Promise<void> {
  const { id, members, dir, listen, token, limits, transportLimits, repair } = given;
  const machines = given.hasExtraMachine === true ? { ledger, extra } : { ledger };
  const node = (await start({
    id,
    members,
    machines,
    limits,
    logger: loggerToParent(),
    ...(dir === null ? {} : { dir }),
    ...(listen === undefined ? {} : { listen }),
    ...(token === undefined ? {} : { token }),
    ...(repair === undefined ? {} : { repair }),
    ...(transportLimits === undefined ? {} : { transportLimits }),
  })) as LedgerNode; // who has no `extra` is not asked to write to it
  node.on("leader", (leader) => {
    tell({ kind: "leader", leader: leader.id, term: leader.term });
    if (leader.id === id) writeAtElection(node, leader.term);
  });
  node.on("stopped", ({ error }) => {
    tell({ kind: "stopped", error: error === null ? null : describeError(error) });
  });
  const handlers = createHandlers(node);
  process.on("message", (question: Question) => void answer(handlers, question));
  tell({ kind: "started", pid: process.pid });
}

/** A command inside the very event of the election: it must not take the place of the no-op. */
function writeAtElection(node: LedgerNode, term: number): void {
  const value = `elected-${given.id}${given.life}.${term}`;
  node.machines.ledger.propose(commandOf(value, 0), { timeoutMs: 10_000 }).then(
    () => tell({ kind: "outcome", value, error: null }),
    (error: unknown) => tell({ kind: "outcome", value, error: describeError(error) }),
  );
}

process.on("disconnect", () => process.exit());
run().catch((error: unknown) => {
  tell({ kind: "refused", error: describeError(error) });
  process.disconnect?.();
});
