/**
 * A member in its own process, with a machine of pages: does what its parent asks, writes a load at
 * fixed times and measures how long its writes take. Bundled and started by `deep-cluster.ts`.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Logger, type Node, rawMachine, start } from "../../src/index.ts";
import type {
  DeepAnswers,
  DeepAsk,
  DeepQuestion,
  DeepStart,
  DeepTold,
  LoadReport,
  SteadyLoad,
} from "./deep-messages.ts";
import { PageMachine, pageCommand } from "./page-machine.ts";

const given: DeepStart = JSON.parse(process.argv[2] ?? "{}");
const pages = rawMachine(() => new PageMachine(given.pageCount));
type DeepNode = Node<{ pages: typeof pages }>;

/** Milliseconds between two looks at which writes are due. */
const grainMs = 5;

function tell(told: DeepTold): void {
  // The parent may be gone; then nobody wants to know.
  if (process.connected) process.send?.(told, undefined, undefined, () => undefined);
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

class Writer {
  readonly #node: DeepNode;
  readonly #delay = monitorEventLoopDelay({ resolution: 5 });
  #times: number[] = [];
  #worst = { atMs: 0, tookMs: 0 };
  #failed: string[] = [];
  #timer: NodeJS.Timeout | null = null;
  #open = 0;
  #count = 0;
  #whenNone: (() => void) | null = null;

  constructor(node: DeepNode) {
    this.#node = node;
    this.#delay.enable();
  }

  begin({ writesPerSecond, payloadBytes }: SteadyLoad): void {
    const everyMs = 1000 / writesPerSecond;
    let dueMs = performance.now();
    this.#timer = setInterval(() => {
      for (; dueMs <= performance.now(); dueMs += everyMs) void this.#write(dueMs, payloadBytes);
    }, grainMs);
  }

  end(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    return new Promise((resolve) => {
      this.#whenNone = resolve;
      this.#settle();
    });
  }

  report(): LoadReport {
    const times = this.#times.sort((x, y) => x - y);
    const at = (part: number) => times[Math.floor(times.length * part)] ?? 0;
    const report = {
      acknowledged: times.length,
      failed: this.#failed,
      medianMs: at(0.5),
      p99Ms: at(0.99),
      maxMs: this.#worst.tookMs,
      maxAtMs: this.#worst.atMs,
      loopDelayMs: this.#delay.max / 1e6,
    };
    this.#times = [];
    this.#worst = { atMs: 0, tookMs: 0 };
    this.#failed = [];
    this.#delay.reset();
    return report;
  }

  async #write(dueMs: number, payloadBytes: number): Promise<void> {
    this.#open++;
    this.#count++;
    const page = Math.imul(this.#count, 0x9e3779b1) >>> 0;
    try {
      await this.#node.machines.pages.propose(pageCommand(page, this.#count, payloadBytes));
      const tookMs = performance.now() - dueMs;
      this.#times.push(tookMs);
      if (tookMs > this.#worst.tookMs) this.#worst = { atMs: Date.now() - tookMs, tookMs };
    } catch (error) {
      this.#failed.push(textOf(error));
    }
    this.#open--;
    this.#settle();
  }

  #settle(): void {
    if (this.#open === 0) this.#whenNone?.();
  }
}

type Handlers = {
  readonly [Kind in DeepAsk["kind"]]: (
    ask: Extract<DeepAsk, { kind: Kind }>,
  ) => Promise<DeepAnswers[Kind]> | DeepAnswers[Kind];
};

/** A change may take as long as the transfer of all its snapshot. */
const addTimeoutMs = 600_000;

function createHandlers(node: DeepNode): Handlers {
  const writer = new Writer(node);
  return {
    status: () => node.status(),
    stop: async () => {
      await node.stop();
      return null;
    },
    load: ({ load }) => {
      writer.begin(load);
      return null;
    },
    unload: async () => {
      await writer.end();
      return null;
    },
    report: () => writer.report(),
    digest: async () => {
      const machine = await node.machines.pages.read((live) => live, { consistency: "stale" });
      return machine.digest();
    },
    add: async ({ id, address }) => {
      await node.members.add(id, address, { timeoutMs: addTimeoutMs });
      return null;
    },
  };
}

async function answer(handlers: Handlers, { id, ask }: DeepQuestion): Promise<void> {
  // The table has for each kind the handler of that kind; the compiler cannot pair them up.
  const handle = handlers[ask.kind] as (ask: DeepAsk) => unknown;
  try {
    tell({ kind: "answer", id, value: await handle(ask) });
  } catch (error) {
    tell({ kind: "failure", id, text: textOf(error) });
  }
}

function loggerToParent(): Logger {
  const at = (level: string) => (_fields: object, text: string) =>
    tell({ kind: "line", text: `${level} ${text}` });
  return { debug: () => undefined, info: at("info"), warn: at("warn"), error: at("error") };
}

async function run(): Promise<void> {
  const { id, members, join, address, listen, dir, limits } = given;
  const node = await start({
    ...{ id, dir, limits, listen, machines: { pages }, logger: loggerToParent() },
    ...(members === null ? { join, address } : { members }),
  });
  node.on("leader", ({ id: leader }) => tell({ kind: "leader", leader }));
  node.on("snapshot-taken", ({ index, forMs }) => tell({ kind: "taken", index, forMs }));
  node.on("snapshot-installed", ({ index, forMs }) => tell({ kind: "installed", index, forMs }));
  node.on("snapshot-progress", ({ kind, id: from, doneBytes }) => {
    if (kind === "receiving") tell({ kind, from, doneBytes });
  });
  const handlers = createHandlers(node);
  process.on("message", (question: DeepQuestion) => void answer(handlers, question));
  tell({ kind: "started" });
  const { leader } = node.status();
  tell({ kind: "leader", leader });
}

process.on("disconnect", () => process.exit());
run().catch((error: unknown) => {
  tell({ kind: "line", text: `error ${textOf(error)}` });
  process.disconnect?.();
});
