/**
 * Byte streams between the hosts, as TCP gives them: in order, or broken. What a link loses comes
 * late, what it corrupts arrives, and who has lost power says nothing. Addresses are `host:port`.
 */
import { FormatError } from "../../base/index.ts";
import {
  type Address,
  type Connection,
  type ConnectionHandlers,
  formatAddress,
  type Network,
  NetworkError,
  parseAddress,
} from "../../ports/index.ts";
import type { FaultCounts } from "./fault-counts.ts";
import type { Life } from "./life.ts";
import { brokenError, type EndHost, StreamEnd } from "./stream-end.ts";
import { type PipeEnd, StreamPipe } from "./stream-pipe.ts";
import type { Timeline } from "./timeline.ts";
import type { Topology } from "./topology.ts";
import type { Trace } from "./trace.ts";

export interface StreamNetworkParts {
  readonly timeline: Timeline;
  readonly topology: Topology;
  readonly faults: FaultCounts;
  readonly trace: Trace;
  readonly windowBytes?: number | undefined;
}

type Accept = (connection: Connection) => ConnectionHandlers;

interface StreamListener {
  readonly life: Life;
  readonly onConnection: Accept;
}

/** What the network knows of a machine. */
interface Machine {
  isUp: boolean;
  refuses: boolean;
  readonly listeners: Map<number, StreamListener>;
  readonly ends: Set<StreamEnd>;
  /** What leads here and waits until somebody takes it. */
  blocked: StreamPipe[];
}

const windowBytesDefault = 1024 * 1024;
const firstFreePort = 40_000;
/** Until a system gives a dial up that nobody answers; Linux's default. Milliseconds. */
const dialPatienceMs = 127_000;

export class StreamNetwork implements EndHost {
  readonly timeline: Timeline;
  readonly faults: FaultCounts;
  readonly trace: Trace;
  readonly #windowBytes: number;
  readonly #topology: Topology;
  readonly #machines: Machine[] = [];
  #queuedBytesMost = 0;

  constructor(parts: StreamNetworkParts) {
    this.timeline = parts.timeline;
    this.faults = parts.faults;
    this.trace = parts.trace;
    this.#topology = parts.topology;
    this.#windowBytes = parts.windowBytes ?? windowBytesDefault;
    parts.topology.onDrop = (a, b) => this.#breakBetween(a, b);
  }

  /** The network as one life sees it. */
  portFor(life: Life): Network {
    return {
      listen: (address, onConnection, done) => {
        if (life.isAlive) this.#listen({ life, onConnection }, address, done);
      },
      connect: (address, handlers) => this.#connect(life, address, handlers),
    };
  }

  /** Connections that exist, in the view of either end. */
  get connectionCount(): number {
    return this.#machines.reduce((sum, machine) => sum + machine.ends.size, 0);
  }

  /** The most bytes that ever waited in the memory of one connection's sender. */
  get queuedBytesMost(): number {
    return this.#queuedBytesMost;
  }

  /** Breaks what connects two hosts now, for both ends; they may connect anew. */
  reset(a: string, b: string): void {
    this.faults.add("network.reset");
    for (const end of this.#endsBetween(a, b)) end.reset();
  }

  /**
   * What connects two hosts now carries nothing any more, and neither end is told: as when
   * something between them forgot the connections. They may connect anew.
   */
  freeze(a: string, b: string): void {
    this.faults.add("network.freeze");
    for (const end of this.#endsBetween(a, b)) if (end.pipe !== null) end.pipe.isHole = true;
  }

  /** Whether dials to a host are refused from now on, as if nobody listened. */
  refuse(name: string, refuses: boolean): void {
    if (refuses) this.faults.add("network.refuse");
    this.#machine(this.#topology.indexOf(name)).refuses = refuses;
  }

  isUp(host: number): boolean {
    return this.#machine(host).isUp;
  }

  onQueued(bytes: number): void {
    if (bytes > this.#queuedBytesMost) this.#queuedBytesMost = bytes;
  }

  onGone(end: StreamEnd): void {
    this.#machine(end.life.hostIndex).ends.delete(end);
  }

  /** @internal called by the host */
  onBoot(life: Life): void {
    this.#machine(life.hostIndex).isUp = true;
    this.#unblock(life.hostIndex);
  }

  /** @internal called by the host */
  onKill(life: Life): void {
    const machine = this.#machine(life.hostIndex);
    machine.listeners.clear();
    for (const end of machine.ends) end.die();
    machine.ends.clear();
    this.#unblock(life.hostIndex);
  }

  /** @internal called by the host */
  onCrash(host: number): void {
    const machine = this.#machine(host);
    machine.isUp = false;
    machine.listeners.clear();
    for (const end of machine.ends) end.vanish();
    machine.ends.clear();
    this.#unblock(host);
  }

  /** @internal called by the host: its program goes on and takes what waits for it */
  onResume(host: number): void {
    this.#unblock(host);
  }

  #unblock(host: number): void {
    const machine = this.#machine(host);
    const { blocked } = machine;
    machine.blocked = [];
    for (const pipe of blocked) pipe.onEndTakes();
  }

  #machine(host: number): Machine {
    let machine = this.#machines[host];
    while (machine === undefined) {
      this.#machines.push({
        ...{ isUp: true, refuses: false, blocked: [] },
        ...{ listeners: new Map(), ends: new Set() },
      });
      machine = this.#machines[host];
    }
    return machine;
  }

  #listen(listener: StreamListener, address: string, done: Parameters<Network["listen"]>[2]): void {
    const { life } = listener;
    const wanted = tryParse(address);
    if (wanted instanceof NetworkError) {
      life.post(() => done(wanted));
      return;
    }
    const { listeners } = this.#machine(life.hostIndex);
    const port = wanted.port === 0 ? freePort(listeners) : wanted.port;
    const actual = formatAddress({ host: wanted.host, port });
    if (listeners.has(port)) {
      const text = `Cannot listen on ${actual}: the address is in use (EADDRINUSE)`;
      life.post(() => done(new NetworkError(text, "EADDRINUSE")));
      return;
    }
    listeners.set(port, listener);
    const close = (closed: () => void): void => {
      if (listeners.get(port) === listener) listeners.delete(port);
      life.post(closed);
    };
    life.post(() => done(null, { address: actual, close }));
  }

  #connect(life: Life, address: string, handlers: ConnectionHandlers): Connection {
    const dialled = new StreamEnd(this, life, address);
    dialled.handlers = handlers;
    const target = tryParse(address);
    const to = target instanceof NetworkError ? -1 : this.#topology.indexOf(target.host);
    if (!life.isAlive || target instanceof NetworkError || to < 0) {
      const unknown = `Cannot connect to ${address}: there is no such host (ENOTFOUND)`;
      const error =
        target instanceof NetworkError ? target : new NetworkError(unknown, "ENOTFOUND");
      dialled.finish(error);
      return dialled;
    }
    this.#machine(life.hostIndex).ends.add(dialled);
    const door: PipeEnd = {
      takes: () => dialled.peer?.takes() ?? this.#takesDials(to, target.port),
      onSegment: (segment) => {
        if (segment.kind === "dial") this.#onDial(dialled, to, target.port);
        else dialled.peer?.onSegment(segment);
      },
    };
    dialled.pipe = this.#pipe(life.hostIndex, to, door, dialled);
    dialled.pipe.sendControl({ kind: "dial" });
    return dialled;
  }

  /** A program that stands still accepts nothing: its dials wait. */
  #takesDials(host: number, port: number): boolean {
    const machine = this.#machine(host);
    return machine.listeners.get(port)?.life.state !== "paused";
  }

  /** A dial arrives. */
  #onDial(dialled: StreamEnd, to: number, port: number): void {
    if (dialled.isClosed) return;
    const from = dialled.life.hostIndex;
    const machine = this.#machine(to);
    const ways = [this.#topology.linkAt(from, to), this.#topology.linkAt(to, from)];
    if (ways.some(({ cutMode }) => cutMode === "drop")) {
      dialled.finish(unreachableError(dialled.remote));
      return;
    }
    if (!machine.isUp) {
      this.timeline.after(dialPatienceMs, () => dialled.finish(timeoutError(dialled.remote)));
      return;
    }
    const listener = machine.listeners.get(port);
    if (listener === undefined || machine.refuses) {
      const error = refusedError(dialled.remote);
      const pipe = this.#pipe(to, from, dialled, null);
      pipe.sendControl({ kind: "end", error });
      return;
    }
    const accepted = new StreamEnd(this, listener.life, `${dialled.life.host}:0`);
    accepted.pipe = this.#pipe(to, from, dialled, accepted);
    accepted.peer = dialled;
    dialled.peer = accepted;
    machine.ends.add(accepted);
    accepted.pipe.sendControl({ kind: "accept" });
    accepted.handlers = listener.onConnection(accepted);
  }

  /** From one host to another; `sender` is told when something was taken. */
  #pipe(from: number, to: number, end: PipeEnd, sender: StreamEnd | null): StreamPipe {
    return new StreamPipe({
      timeline: this.timeline,
      link: this.#topology.linkAt(from, to),
      faults: this.faults,
      windowBytes: this.#windowBytes,
      end,
      onTaken: () => sender?.maybeDrained(),
      waitForEnd: (pipe) => this.#machine(to).blocked.push(pipe),
    });
  }

  #endsBetween(a: string, b: string): readonly StreamEnd[] {
    const indexes = [this.#topology.indexOf(a), this.#topology.indexOf(b)];
    const found: StreamEnd[] = [];
    for (const index of new Set(indexes)) {
      for (const end of this.#machine(index).ends) {
        const link = end.pipe?.link;
        if (link === undefined) continue;
        if ((link.from === a && link.to === b) || (link.from === b && link.to === a)) {
          found.push(end);
        }
      }
    }
    return found;
  }

  /** A cut that drops: both ends hear of it at once, and what was under way is gone. */
  #breakBetween(from: number, to: number): void {
    const { from: a, to: b } = this.#topology.linkAt(from, to);
    for (const end of this.#endsBetween(a, b)) {
      end.pipe?.clear();
      end.finish(brokenError(end.remote));
    }
  }
}

function freePort(listeners: ReadonlyMap<number, StreamListener>): number {
  let port = firstFreePort;
  while (listeners.has(port)) port += 1;
  return port;
}

function tryParse(address: string): Address | NetworkError {
  try {
    return parseAddress(address);
  } catch (error) {
    if (error instanceof FormatError) return new NetworkError(error.message, "EINVAL");
    throw error;
  }
}

function refusedError(address: string): NetworkError {
  const text = `Cannot connect to ${address}: nobody listens there (ECONNREFUSED)`;
  return new NetworkError(text, "ECONNREFUSED");
}

function unreachableError(address: string): NetworkError {
  const text = `Cannot connect to ${address}: there is no way to this host (EHOSTUNREACH)`;
  return new NetworkError(text, "EHOSTUNREACH");
}

function timeoutError(address: string): NetworkError {
  const text = `Cannot connect to ${address}: nobody answers (ETIMEDOUT)`;
  return new NetworkError(text, "ETIMEDOUT");
}
