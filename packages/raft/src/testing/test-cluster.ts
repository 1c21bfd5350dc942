/**
 * A whole cluster in one process, in memory: for the tests of programs that embed a member. The
 * very code of production runs; only network, disk and (if asked for) time are in memory.
 */
import { assert, crc32 } from "../base/index.ts";
import type { MachineDeclarations } from "../machine/index.ts";
import {
  type AddOptions,
  type Logger,
  type Node,
  type NodeLimits,
  type StartOptions,
  silentLogger,
  start,
} from "../node/index.ts";
import type { Clock, Ports } from "../ports/index.ts";
import { osClock } from "../ports/os/index.ts";
import { type CutOptions, createMemoryNetwork, type MemoryNetwork } from "./memory-network.ts";
import { createNoDisk } from "./no-disk.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

export interface TestClusterOptions<Machines extends MachineDeclarations> {
  /** How many; 3 unless given. Their names are a, b, c … */
  readonly members?: number;
  readonly machines?: Machines;
  /**
   * `real` (the default): timers of the host, an election takes 20 to 40 ms. `virtual`: time stands
   * still until `advance` or `settle` move it, and a run repeats exactly by its seed.
   */
  readonly time?: "real" | "virtual";
  readonly seed?: number;
  readonly limits?: Partial<NodeLimits>;
  readonly logger?: Logger;
}

export interface TestCluster<Machines extends MachineDeclarations> extends AsyncDisposable {
  /** The members that run, in the order of their names. */
  readonly nodes: readonly Node<Machines>[];
  /** @throws InvariantError when there is no such member (any more) */
  node(id: string): Node<Machines>;
  /** Waits until a majority agrees on a leader, and returns it. */
  leader(): Promise<Node<Machines>>;
  /**
   * Starts a member of a new name, adds it, and resolves when it is a voter (or, with `learner`, a
   * learner). @throws QuorateError as `node.members.add`
   */
  add(id: string, options?: AddOptions): Promise<Node<Machines>>;
  /**
   * Removes a member for good and resolves when its process has ended. @throws QuorateError as
   * `node.members.remove`
   */
  remove(id: string): Promise<void>;
  /**
   * As the death of its process: no goodbye. In memory a member never comes back under its old id.
   */
  kill(id: string): void;
  /** Cuts the way between two members until `heal`. */
  cut(a: string, b: string, options?: CutOptions): void;
  /** Cuts a member off from all others. */
  isolate(id: string): void;
  heal(): void;
  /** Virtual time only: lets milliseconds pass. */
  advance(durationMs: number): Promise<void>;
  /** Waits for a promise; in virtual time lets time pass until it settles (an hour at most). */
  settle<Value>(promise: Promise<Value>): Promise<Value>;
  stop(): Promise<void>;
}

/** Ten times the default speed: a test should not wait for an election. Milliseconds. */
const fastLimits: Partial<NodeLimits> = { tickMs: 1, heartbeatMs: 4, electionMs: 20 };
const hourMs = 3_600_000;
const letters = "abcdefghijklmnopqrstuvwxyz";

/** Starts the members and waits for their leader. */
export async function testCluster<Machines extends MachineDeclarations = Record<never, never>>(
  options: TestClusterOptions<Machines> = {},
): Promise<TestCluster<Machines>> {
  const count = options.members ?? 3;
  assert(count >= 1 && count <= letters.length, "a test cluster has 1 to 26 members");
  const cluster = new MemoryCluster<Machines>(options, [...letters.slice(0, count)]);
  await cluster.start();
  return cluster;
}

class MemoryCluster<Machines extends MachineDeclarations> implements TestCluster<Machines> {
  readonly #options: TestClusterOptions<Machines>;
  /** Who formed the cluster. */
  readonly #ids: readonly string[];
  /** All members that ever were, which gives each an address and random numbers of its own. */
  readonly #places: string[];
  readonly #virtual: VirtualClock | null;
  readonly #clock: Clock;
  readonly #network: MemoryNetwork;
  readonly #nodes = new Map<string, Node<Machines>>();

  constructor(options: TestClusterOptions<Machines>, ids: readonly string[]) {
    this.#options = options;
    this.#ids = ids;
    this.#places = [...ids];
    this.#virtual = options.time === "virtual" ? createVirtualClock() : null;
    this.#clock = this.#virtual ?? osClock;
    this.#network = createMemoryNetwork({ clock: this.#clock });
  }

  get nodes(): readonly Node<Machines>[] {
    return [...this.#nodes.values()];
  }

  async start(): Promise<void> {
    const members = Object.fromEntries(this.#ids.map((id) => [id, this.#addressOf(id)]));
    const starts = this.#ids.map((id) => this.#start(id, { members }));
    for (const node of await this.settle(Promise.all(starts))) this.#nodes.set(node.id, node);
    await this.leader();
  }

  #addressOf(id: string): string {
    return `${id}:${this.#places.indexOf(id) + 1}`;
  }

  #start(
    id: string,
    place: Pick<StartOptions<Machines>, "members" | "join" | "address">,
  ): Promise<Node<Machines>> {
    const { machines, limits, logger, seed } = this.#options;
    const at = this.#places.indexOf(id);
    const ports: Ports = {
      clock: this.#clock,
      random: createSeededRandom((seed ?? 1) * letters.length + at),
      disk: createNoDisk(this.#clock),
      network: this.#network.endpoint(id),
      crc32,
    };
    return start<Machines>({
      id,
      ...place,
      machines: machines ?? ({} as Machines), // none is a set of none
      limits: { ...fastLimits, ...limits },
      logger: logger ?? silentLogger,
      ports,
      checkInvariants: true,
      recorder: true,
      guardReducers: true,
    });
  }

  node(id: string): Node<Machines> {
    const node = this.#nodes.get(id);
    assert(node !== undefined, "the test cluster runs a member of that name", () => id);
    return node;
  }

  leader(): Promise<Node<Machines>> {
    return this.settle(
      new Promise((resolve) => {
        const look = () => {
          const found = this.#agreedLeader();
          if (found === null) this.#clock.after(1, look);
          else resolve(found);
        };
        look();
      }),
    );
  }

  #agreedLeader(): Node<Machines> | null {
    for (const node of this.#nodes.values()) {
      const { role, term } = node.status();
      if (role !== "leader") continue;
      const followers = this.nodes.filter((one) => {
        const status = one.status();
        return status.leader === node.id && status.term === term;
      });
      const voters = node.status().members.filter((one) => one.role === "voter").length;
      if (followers.length > voters / 2) return node;
    }
    return null;
  }

  async add(id: string, options: AddOptions = {}): Promise<Node<Machines>> {
    assert(!this.#places.includes(id), "a name is used once", () => id);
    const leader = await this.leader();
    this.#places.push(id);
    const address = this.#addressOf(id);
    const joined = this.#start(id, { join: [this.#addressOf(leader.id)], address });
    this.#nodes.set(id, await this.settle(joined));
    await this.settle(leader.members.add(id, address, options));
    return this.node(id);
  }

  async remove(id: string): Promise<void> {
    const node = this.node(id);
    const stopped = new Promise<void>((resolve) => node.on("stopped", () => resolve()));
    const leader = await this.leader();
    await this.settle(leader.members.remove(id));
    await this.settle(stopped);
    this.#nodes.delete(id);
    await this.leader();
  }

  kill(id: string): void {
    const node = this.node(id);
    this.#nodes.delete(id);
    this.#network.kill(id);
    // Its timers stop and its requests settle; the network never answers the dead, so nobody waits
    // for the end.
    void node.stop();
  }

  cut(a: string, b: string, options?: CutOptions): void {
    this.#network.cut(a, b, options);
  }

  isolate(id: string): void {
    for (const other of this.#places) if (other !== id) this.#network.cut(id, other);
  }

  heal(): void {
    this.#network.healAll();
  }

  async advance(durationMs: number): Promise<void> {
    const clock = this.#virtual;
    assert(clock !== null, "only virtual time is moved by hand");
    for (let passed = 0; passed < durationMs; passed++) {
      clock.advance(Math.min(1, durationMs - passed));
      await microtasks();
    }
  }

  async settle<Value>(promise: Promise<Value>): Promise<Value> {
    const clock = this.#virtual;
    if (clock === null) return await promise;
    let isSettled = false;
    const done = () => {
      isSettled = true;
    };
    promise.then(done, done);
    for (let passed = 0; !isSettled && passed < hourMs; passed++) {
      await microtasks();
      clock.advance(1);
      await microtasks();
    }
    assert(isSettled, "the promise settles within an hour of virtual time");
    return await promise;
  }

  async stop(): Promise<void> {
    const stops = this.nodes.map((node) => node.stop());
    this.#nodes.clear();
    await this.settle(Promise.all(stops));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Lets promises that are settled already run their continuations, a few links deep. */
async function microtasks(): Promise<void> {
  for (let depth = 0; depth < 8; depth++) await Promise.resolve();
}
