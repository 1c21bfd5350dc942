/**
 * The transport on the `network` port. Each member dials each other one, and a dialled connection
 * carries messages from the dialer only: two connections a pair, and never a question which one
 * counts. Created by the node.
 */
import { assert, type Crc32, FormatError, type NodeId, QuorateError } from "../base/index.ts";
import {
  type Clock,
  isLoopbackHost,
  type Listener,
  type Network,
  type NetworkError,
  parseAddress,
  type Random,
  type Timer,
} from "../ports/index.ts";
import type { Admission } from "./admission.ts";
import { DialledBulk } from "./bulk-dial.ts";
import type { BulkDial, BulkDialHandlers } from "./bulk-link.ts";
import { aliveKind } from "./codec/frame.ts";
import { FrameWriter } from "./codec/frame-writer.ts";
import { protocolVersions, type VersionRange } from "./codec/handshake-codec.ts";
import { ConnectionCount } from "./connection-count.ts";
import type { TransportContext, TransportLogLine } from "./context.ts";
import { InboundConnections } from "./inbound-connections.ts";
import { checkTransportLimits, type TransportLimits } from "./limits.ts";
import { OpenAdmission } from "./open-admission.ts";
import { OutboundPeer } from "./outbound-peer.ts";
import type { PeerMessage } from "./peer-message.ts";
import type { PeerIdentity, Transport, TransportHandlers } from "./transport.ts";

export interface TransportOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly crc32: Crc32;
  readonly identity: PeerIdentity;
  /** `host:port`; port 0 picks a free one. */
  readonly listenAddress: string;
  readonly handlers: TransportHandlers;
  /** Who is let in; without it, whoever is of the cluster, as first met in this run. */
  readonly admission?: Admission;
  readonly limits?: Partial<TransportLimits>;
  /** Speaks these versions of the protocol; those of this build unless given. */
  readonly versions?: VersionRange;
  /** Takes lines for people; without it they are lost. */
  readonly log?: (line: TransportLogLine) => void;
}

/** A refused option (`QuorateError` `BAD_CONFIG`), or an address that cannot be listened on. */
export type TransportError = QuorateError<"BAD_CONFIG"> | NetworkError;

/**
 * Listens, then hands out the transport. `done` is called exactly once, never inside the call.
 * Until `setPeers` nobody is dialled and everybody refused, so call it inside `done`.
 */
export function createTransport(
  options: TransportOptions,
  done: (error: TransportError | null, transport?: Transport) => void,
): void {
  const problem = checkOptions(options);
  if (problem !== null) {
    options.clock.defer(() => done(problem));
    return;
  }
  const transport = new PeerTransport(options, checkTransportLimits(options.limits ?? {}));
  transport.listen(options.listenAddress, (error) => {
    if (error === null) done(null, transport);
    else done(error);
  });
}

function checkOptions(options: TransportOptions): QuorateError<"BAD_CONFIG"> | null {
  try {
    parseAddress(options.listenAddress);
    checkTransportLimits(options.limits ?? {});
    return null;
  } catch (error) {
    if (error instanceof QuorateError) return error;
    if (!(error instanceof FormatError)) throw error;
    return new QuorateError("BAD_CONFIG", error.message, {
      outcome: "not-applied",
      retry: "never",
      hint: "Correct the address to listen on for peers.",
      details: { option: "listenAddress", value: options.listenAddress },
    });
  }
}

const id64Pattern = /^[0-9a-f]{16}$/;

class PeerTransport implements Transport {
  readonly #network: Network;
  readonly #connections: ConnectionCount;
  readonly #context: TransportContext;
  readonly #inbound: InboundConnections;
  readonly #outbound = new Map<NodeId, OutboundPeer>();
  readonly #bulkDials = new Set<DialledBulk>();
  /** Of the cluster, connected to us, and no known members (yet). */
  readonly #guests = new Map<NodeId, OutboundPeer>();
  #listener: Listener | null = null;
  #aliveTimer: Timer | null = null;
  #isClosed = false;

  constructor(options: TransportOptions, limits: TransportLimits) {
    const { network, clock, random, crc32, identity, handlers } = options;
    assert(id64Pattern.test(identity.clusterId), "a cluster id is 16 hex digits");
    assert(id64Pattern.test(identity.incarnation), "an incarnation id is 16 hex digits");
    assert(id64Pattern.test(identity.boot), "a boot id is 16 hex digits");
    this.#network = network;
    this.#connections = new ConnectionCount(network);
    const aliveFrame = encodeAliveFrame(crc32);
    const log = options.log ?? (() => {});
    const connections = this.#connections;
    this.#context = {
      network: connections,
      clock,
      random,
      crc32,
      identity,
      versions: options.versions ?? protocolVersions,
      admission: options.admission ?? new OpenAdmission(options.listenAddress),
      handlers,
      limits,
      log,
      aliveFrame,
    };
    this.#inbound = new InboundConnections(this.#context, {
      onPeerReached: (peer) => this.#outbound.get(peer)?.dial(),
      onGuest: (id, address) => this.#dialGuest(id, address),
      onGuestGone: (id) => this.#dropGuest(id, "it has gone"),
    });
  }

  get address(): string {
    assert(this.#listener !== null, "a transport is handed out when it listens");
    return this.#listener.address;
  }

  listen(address: string, done: (error: NetworkError | null) => void): void {
    const accept = (connection: Parameters<InboundConnections["accept"]>[0]) =>
      this.#connections.count(this.#inbound.accept(connection));
    this.#network.listen(address, accept, (error, listener) => {
      this.#listener = listener ?? null;
      if (error === null) {
        this.#warnIfExposed(address);
        this.#startAliveTimer();
      }
      done(error);
    });
  }

  send(message: PeerMessage): boolean {
    assert(message.from === this.#context.identity.id, "a member sends in its own name");
    const peer = this.#outbound.get(message.to) ?? this.#guests.get(message.to);
    return peer?.send(message) ?? false;
  }

  flush(): void {
    for (const peer of this.#outbound.values()) peer.flush();
    for (const guest of this.#guests.values()) guest.flush();
  }

  dialBulk(peer: NodeId, handlers: BulkDialHandlers): BulkDial | null {
    const address = this.#outbound.get(peer)?.address;
    if (address === undefined) return null;
    const dial = new DialledBulk(this.#context, peer, address, handlers, () => {
      this.#bulkDials.delete(dial);
    });
    this.#bulkDials.add(dial);
    return dial;
  }

  setPeers(peers: ReadonlyMap<NodeId, string>): void {
    if (this.#isClosed) return;
    assert(!peers.has(this.#context.identity.id), "a member is not its own peer");
    const ids = new Set(peers.keys());
    this.#context.admission.onPeers(ids);
    this.#adoptGuests(peers);
    this.#inbound.setPeers(ids);
    for (const [id, peer] of [...this.#outbound]) {
      if (peers.get(id) === peer.address) continue;
      this.#outbound.delete(id);
      peer.stop(peers.has(id) ? "its address changed" : "it is no longer a peer");
    }
    for (const dial of [...this.#bulkDials]) {
      if (!peers.has(dial.peer)) dial.end("it is no longer a peer");
    }
    for (const [id, address] of peers) {
      if (this.#isClosed || this.#outbound.has(id)) continue;
      const peer = new OutboundPeer(this.#context, id, address);
      this.#outbound.set(id, peer);
      peer.dial();
    }
  }

  /** Who was a guest and is a peer now keeps its connection. */
  #adoptGuests(peers: ReadonlyMap<NodeId, string>): void {
    for (const [id, guest] of [...this.#guests]) {
      if (!peers.has(id)) continue;
      this.#guests.delete(id);
      this.#outbound.set(id, guest);
    }
  }

  #dialGuest(id: NodeId, address: string): void {
    const before = this.#guests.get(id);
    if (this.#isClosed || before?.address === address) {
      before?.dial();
      return;
    }
    this.#dropGuest(id, "its address changed");
    try {
      parseAddress(address);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const message = `cannot answer member ${id}: ${error.message}`;
      this.#context.log({ level: "warn", message });
      return;
    }
    const guest = new OutboundPeer(this.#context, id, address);
    this.#guests.set(id, guest);
    guest.dial();
  }

  #dropGuest(id: NodeId, reason: string): void {
    const guest = this.#guests.get(id);
    this.#guests.delete(id);
    guest?.stop(reason);
  }

  close(done: () => void): void {
    assert(!this.#isClosed, "a transport is closed once");
    this.#isClosed = true;
    this.#aliveTimer?.cancel();
    const outbound = [...this.#outbound.values(), ...this.#guests.values()];
    this.#outbound.clear();
    this.#guests.clear();
    for (const peer of outbound) peer.stop("this member stops");
    for (const dial of [...this.#bulkDials]) dial.end("this member stops");
    this.#inbound.close();
    const whenListenerClosed = () => this.#connections.whenNone(done);
    if (this.#listener === null) whenListenerClosed();
    else this.#listener.close(whenListenerClosed);
  }

  #startAliveTimer(): void {
    this.#aliveTimer = this.#context.clock.after(this.#context.limits.aliveIntervalMs, () => {
      this.#startAliveTimer();
      this.#inbound.onAliveInterval();
      const dialled = [...this.#outbound.values(), ...this.#guests.values()];
      for (const peer of dialled) peer.onAliveInterval();
    });
  }

  #warnIfExposed(address: string): void {
    if (isLoopbackHost(parseAddress(address).host)) return;
    const message =
      `the peer port ${this.address} is not authenticated: whoever reaches it can pose as a ` +
      "member. Let only members reach it (firewall or private network)";
    this.#context.log({ level: "warn", message });
  }
}

function encodeAliveFrame(crc32: Crc32): Uint8Array {
  const writer = new FrameWriter(crc32, 0);
  writer.begin(0);
  writer.end(aliveKind);
  const [frame] = writer.take();
  assert(frame !== undefined, "an alive frame is one chunk");
  return frame;
}
