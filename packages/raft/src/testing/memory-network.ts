/**
 * A network of named endpoints in one program, for tests and the simulator: ordered byte streams
 * with latency, partitions and crashes, driven by a clock and nothing else, so that a run repeats
 * exactly.
 */
import { concatBytes, FormatError } from "../base/index.ts";
import {
  type Address,
  type Clock,
  type Connection,
  type ConnectionHandlers,
  formatAddress,
  type Network,
  NetworkError,
  parseAddress,
} from "../ports/index.ts";
import { MemoryPipe, type Segment } from "./memory-pipe.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  /** Milliseconds from one end to the other, by the endpoints' names; 0 is the next turn. */
  readonly latencyMs?: number | ((from: string, to: string) => number);
  /** Cuts what is sent into pieces of 1 to this many bytes, by `random`. */
  readonly pieces?: { readonly bytesMax: number; readonly random: SeededRandom };
  /** Bytes under way that do not count as queued: the buffers of the two systems. */
  readonly windowBytes?: number;
}

/**
 * `stall`: bytes wait until the way is healed, as when packets are lost. `drop`: connections break
 * at once and new ones fail.
 */
export type CutMode = "stall" | "drop";

export interface CutOptions {
  readonly mode?: CutMode;
  /** Only from the first to the second endpoint. */
  readonly oneWay?: boolean;
}

export interface MemoryNetwork {
  /** The network as member `name` sees it. After `kill` ask again: the old view is dead. */
  endpoint(name: string): Network;
  cut(from: string, to: string, options?: CutOptions): void;
  /** Opens both directions; what stalled goes on. */
  heal(a: string, b: string): void;
  healAll(): void;
  /** The member dies: it hears nothing any more, and the others' connections to it break. */
  kill(name: string): void;
  /** Connections that exist, in the view of either end. */
  connectionCount(): number;
}

const windowBytesDefault = 1024 * 1024;
const firstFreePort = 40_000;

interface MemoryListener {
  readonly life: Life;
  readonly onConnection: (connection: Connection) => ConnectionHandlers;
}

/** One run of an endpoint, from its start to its kill. */
interface Life {
  readonly name: string;
  isAlive: boolean;
}

/** One end of a connection. */
class MemoryEnd implements Connection {
  readonly remote: string;
  readonly life: Life;
  /** The endpoint at the other end. */
  readonly other: () => string;
  /** What this end sends. */
  readonly pipe: MemoryPipe;
  handlers: ConnectionHandlers | null = null;
  isClosed = false;
  readonly #world: World;
  #isDrainDue = false;

  constructor(world: World, life: Life, other: () => string, remote: string, pipe: MemoryPipe) {
    this.#world = world;
    this.life = life;
    this.other = other;
    this.remote = remote;
    this.pipe = pipe;
    world.ends.add(this);
  }

  get queuedBytes(): number {
    return this.isClosed ? 0 : Math.max(0, this.pipe.bytes - this.#world.windowBytes);
  }

  send(chunks: readonly Uint8Array[]): void {
    if (this.isClosed || !this.life.isAlive) return;
    const bytes = concatBytes(chunks);
    if (bytes.length === 0) return;
    for (const piece of this.#world.cutIntoPieces(bytes)) {
      this.pipe.send({ kind: "data", bytes: piece });
    }
    if (this.#isDrainDue) return;
    this.#isDrainDue = true;
    this.#world.clock.defer(() => this.maybeDrained());
  }

  close(): void {
    if (this.isClosed) return;
    this.pipe.send({ kind: "end", error: null });
    this.finish(null);
  }

  /** Tells the owner, once and later. */
  finish(error: NetworkError | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#world.ends.delete(this);
    this.#world.clock.defer(() => {
      if (this.life.isAlive) this.handlers?.onClose(error);
    });
  }

  maybeDrained(): void {
    if (!this.#isDrainDue || this.isClosed || this.queuedBytes > 0) return;
    this.#isDrainDue = false;
    if (this.life.isAlive) this.handlers?.onDrain?.();
  }

  /** What arrives from the other end, except dials. */
  onSegment(segment: Segment): void {
    if (this.isClosed || !this.life.isAlive) return;
    if (segment.kind === "accept") this.handlers?.onOpen?.();
    else if (segment.kind === "data") this.handlers?.onData(segment.bytes);
    else if (segment.kind === "end") {
      this.pipe.clear();
      this.finish(segment.error);
    }
  }
}

export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  return new World(options);
}

class World implements MemoryNetwork {
  readonly clock: Clock;
  readonly windowBytes: number;
  readonly ends = new Set<MemoryEnd>();
  readonly #options: MemoryNetworkOptions;
  readonly #lives = new Map<string, Life>();
  readonly #listeners = new Map<string, MemoryListener>();
  /**
   * Who listens, or last listened, at an address: a cut holds for addresses of stopped processes
   * too.
   */
  readonly #owners = new Map<string, string>();
  readonly #cuts = new Map<string, CutMode>();
  readonly #stalled = new Set<MemoryPipe>();
  #nextPort = firstFreePort;

  constructor(options: MemoryNetworkOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.windowBytes = options.windowBytes ?? windowBytesDefault;
  }

  endpoint(name: string): Network {
    const existing = this.#lives.get(name);
    const life = existing?.isAlive === true ? existing : { name, isAlive: true };
    this.#lives.set(name, life);
    return {
      listen: (address, onConnection, done) => {
        this.#listen({ life, onConnection }, address, done);
      },
      connect: (address, handlers) => this.#connect(life, address, handlers),
    };
  }

  cut(from: string, to: string, options: CutOptions = {}): void {
    const mode = options.mode ?? "stall";
    this.#cuts.set(wayOf(from, to), mode);
    if (options.oneWay !== true) this.#cuts.set(wayOf(to, from), mode);
    if (mode === "drop") this.#breakBetween(from, to);
  }

  heal(a: string, b: string): void {
    this.#cuts.delete(wayOf(a, b));
    this.#cuts.delete(wayOf(b, a));
    this.#resumeAll();
  }

  healAll(): void {
    this.#cuts.clear();
    this.#resumeAll();
  }

  kill(name: string): void {
    const life = this.#lives.get(name);
    if (life === undefined) return;
    life.isAlive = false;
    for (const [address, listener] of [...this.#listeners]) {
      if (listener.life === life) this.#listeners.delete(address);
    }
    for (const end of [...this.ends]) {
      if (end.life !== life) continue;
      end.isClosed = true;
      this.ends.delete(end);
      end.pipe.send({ kind: "end", error: brokenError(end.life.name) });
    }
  }

  connectionCount(): number {
    return this.ends.size;
  }

  cutIntoPieces(bytes: Uint8Array): readonly Uint8Array[] {
    const { pieces } = this.#options;
    if (pieces === undefined) return [bytes];
    const result: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + pieces.random.below(pieces.bytesMax);
      result.push(bytes.subarray(at, at + length));
      at += length;
    }
    return result;
  }

  #listen(listener: MemoryListener, address: string, done: Parameters<Network["listen"]>[2]): void {
    const later = (act: () => void): void => {
      this.clock.defer(() => {
        if (listener.life.isAlive) act();
      });
    };
    if (!listener.life.isAlive) return;
    const wanted = tryParse(address);
    if (wanted instanceof NetworkError) {
      later(() => done(wanted));
      return;
    }
    const port = wanted.port === 0 ? this.#freePort(wanted.host) : wanted.port;
    const actual = formatAddress({ host: wanted.host, port });
    if (this.#listeners.has(actual)) {
      const text = `Cannot listen on ${actual}: the address is in use (EADDRINUSE)`;
      later(() => done(new NetworkError(text, "EADDRINUSE")));
      return;
    }
    this.#listeners.set(actual, listener);
    this.#owners.set(actual, listener.life.name);
    const close = (closed: () => void): void => {
      if (this.#listeners.get(actual) === listener) this.#listeners.delete(actual);
      later(closed);
    };
    later(() => done(null, { address: actual, close }));
  }

  #freePort(host: string): number {
    while (this.#listeners.has(formatAddress({ host, port: this.#nextPort }))) this.#nextPort += 1;
    return this.#nextPort++;
  }

  #connect(life: Life, address: string, handlers: ConnectionHandlers): Connection {
    // Found anew each time: nobody may listen there yet.
    const owner = () => this.#ownerOf(address);
    const dialler = () => life.name;
    let accepted: MemoryEnd | null = null;
    const there: MemoryPipe = this.#pipe(dialler, owner, (segment) => {
      if (segment.kind === "dial") accepted = this.#onDial(life.name, address, back, dialled);
      else accepted?.onSegment(segment);
      dialled.maybeDrained();
    });
    const back: MemoryPipe = this.#pipe(owner, dialler, (segment) => {
      dialled.onSegment(segment);
      accepted?.maybeDrained();
    });
    const dialled = new MemoryEnd(this, life, owner, address, there);
    dialled.handlers = handlers;
    if (!life.isAlive) dialled.finish(null);
    else there.send({ kind: "dial" });
    return dialled;
  }

  /** A dial arrives at `address`. */
  #onDial(from: string, address: string, back: MemoryPipe, dialled: MemoryEnd): MemoryEnd | null {
    const listener = this.#listeners.get(address);
    const owner = this.#ownerOf(address);
    const ways = [wayOf(from, owner), wayOf(owner, from)];
    if (ways.some((way) => this.#cuts.get(way) === "drop")) {
      const text = `Cannot connect to ${address}: there is no way to this host (EHOSTUNREACH)`;
      dialled.finish(new NetworkError(text, "EHOSTUNREACH"));
      return null;
    }
    if (listener === undefined) {
      const text = `Cannot connect to ${address}: nobody listens there (ECONNREFUSED)`;
      back.send({ kind: "end", error: new NetworkError(text, "ECONNREFUSED") });
      return null;
    }
    const accepted = new MemoryEnd(this, listener.life, () => from, `${from}:0`, back);
    back.send({ kind: "accept" });
    accepted.handlers = listener.onConnection(accepted);
    return accepted;
  }

  #ownerOf(address: string): string {
    return this.#owners.get(address) ?? address;
  }

  #pipe(from: () => string, to: () => string, deliver: (segment: Segment) => void): MemoryPipe {
    const { latencyMs } = this.#options;
    return new MemoryPipe({
      clock: this.clock,
      latencyMs: () =>
        typeof latencyMs === "function" ? latencyMs(from(), to()) : (latencyMs ?? 0),
      flows: (pipe) => {
        const isStalled = this.#cuts.get(wayOf(from(), to())) === "stall";
        if (isStalled) this.#stalled.add(pipe);
        return !isStalled;
      },
      deliver,
    });
  }

  #breakBetween(a: string, b: string): void {
    for (const end of [...this.ends]) {
      const way = wayOf(end.life.name, end.other());
      if (way !== wayOf(a, b) && way !== wayOf(b, a)) continue;
      end.pipe.clear();
      end.finish(brokenError(end.remote));
    }
  }

  #resumeAll(): void {
    const stalled = [...this.#stalled];
    this.#stalled.clear();
    for (const pipe of stalled) pipe.resume();
  }
}

function tryParse(address: string): Address | NetworkError {
  try {
    return parseAddress(address);
  } catch (error) {
    if (error instanceof FormatError) return new NetworkError(error.message, "EINVAL");
    throw error;
  }
}

function wayOf(from: string, to: string): string {
  return `${from} -> ${to}`;
}

function brokenError(remote: string): NetworkError {
  const text = `The connection to ${remote} broke: the other end dropped it (ECONNRESET)`;
  return new NetworkError(text, "ECONNRESET");
}
