/**
 * The hostile door: single messages between members, lost, doubled, overtaken and dug up again,
 * where streams would keep them in order. Still one thing holds as with connections: who is not the
 * same incarnation of the same cluster is not heard.
 */
import { crc32, FormatError, type NodeId } from "../../base/index.ts";
import {
  createMessageBytes,
  type PeerIdentity,
  type PeerMessage,
  parseAddress,
  type TransportHandlers,
} from "../../transport/index.ts";
import type { Random } from "../random.ts";
import type { FaultCounts } from "./fault-counts.ts";
import { drawLatency } from "./latency.ts";
import type { Life } from "./life.ts";
import { type DatagramProfile, soundDatagrams } from "./link-profile.ts";
import type { Timeline } from "./timeline.ts";
import type { Topology } from "./topology.ts";
import type { Trace } from "./trace.ts";

export interface DatagramNetworkParts {
  readonly timeline: Timeline;
  readonly topology: Topology;
  readonly faults: FaultCounts;
  readonly trace: Trace;
  readonly random: Random;
}

/** One running member at this door. */
export interface Station {
  readonly life: Life;
  readonly identity: PeerIdentity;
  readonly handlers: TransportHandlers;
  /** The host of each peer. */
  peers: ReadonlyMap<NodeId, number>;
  /** The incarnation that each peer was first met as. */
  readonly incarnations: Map<NodeId, string>;
  /** Peers that `connected` was told of last, with their boot. */
  readonly connected: Map<NodeId, string>;
}

/** A message on its way, or kept. */
interface Letter {
  readonly from: PeerIdentity;
  readonly to: NodeId;
  readonly host: number;
  /** The incarnation that it is meant for. */
  readonly incarnation: string | null;
  readonly bytes: Uint8Array;
  /** Forwarded commands come at most once, and to the run of the receiver that was there then. */
  readonly isOnce: boolean;
  readonly receiver: Station | null;
}

/** Messages that are kept for ever; when there are more, each has the same chance to stay. */
const keptMax = 4096;
/** Messages that wait for a paused program; more are lost, as in a full socket buffer. */
const heldMax = 10_000;

export class DatagramNetwork {
  /** May be changed at any time. */
  profile: DatagramProfile = soundDatagrams;
  /** Which messages may be kept and come back; all unless set. */
  mayKeep: (message: PeerMessage) => boolean = () => true;
  /**
   * Old answers to reads come when a question with their number is asked again: a run of a member
   * counts from 1, as the run before it did.
   */
  echoesReads = false;
  /** By receiver and number, the first of each: what they say is the oldest. */
  readonly #echoes = new Map<string, Letter>();
  readonly #parts: DatagramNetworkParts;
  readonly #codec = createMessageBytes(crc32);
  readonly #stations: (Station | null)[] = [];
  readonly #kept: Letter[] = [];
  #keptCount = 0;

  constructor(parts: DatagramNetworkParts) {
    this.#parts = parts;
  }

  /** Messages that may come back at any time. */
  get keptCount(): number {
    return this.#kept.length;
  }

  /** Digs out up to `count` kept messages to a host, or to all, and delivers them now. */
  deliverKept(count: number, to?: string): number {
    if (to === undefined) return this.#deliverAny(count, this.#kept);
    const index = this.#parts.topology.indexOf(to);
    return this.#deliverAny(
      count,
      this.#kept.filter(({ host }) => host === index),
    );
  }

  #deliverAny(count: number, fitting: readonly Letter[]): number {
    const { random, timeline, faults } = this.#parts;
    const delivered = fitting.length === 0 ? 0 : count;
    for (let i = 0; i < delivered; i++) {
      const letter = fitting[random.below(fitting.length)];
      if (letter === undefined) continue;
      faults.add("datagram.ancient");
      timeline.after(0, () => this.#deliver(letter));
    }
    return delivered;
  }

  /** Any message; or some that this peer once sent, which could be taken for its answer. */
  #deliverAncient({ identity }: Station, peer: NodeId): void {
    if (this.#parts.random.chance(0.5)) {
      this.deliverKept(1);
      return;
    }
    const isAnswer = ({ from, to }: Letter) => from.id === peer && to === identity.id;
    this.#deliverAny(4, this.#kept.filter(isAnswer));
  }

  /** Nothing comes back any more, and every member is told who is there: the end of the faults. */
  forget(): void {
    this.#kept.length = 0;
    this.#keptCount = 0;
    this.#echoes.clear();
    for (const station of this.#stations) if (station !== null) this.onPeers(station);
  }

  /** A message leaves. False: to nobody that this member knows. */
  send(station: Station, message: PeerMessage): boolean {
    const host = station.peers.get(message.to);
    if (host === undefined) return false;
    const { topology, random, faults, timeline } = this.#parts;
    const { profile } = this;
    const bytes = this.#codec.encode(message);
    const incarnation = this.#meet(station, message.to, host);
    const isOnce = message.kind === "forward" || message.kind === "forward-response";
    const receiver = this.#stations[host] ?? null;
    const from = station.identity;
    const letter = { from, to: message.to, host, incarnation, bytes, isOnce, receiver };
    if (!isOnce && random.chance(profile.keepShare) && this.mayKeep(message)) this.#keep(letter);
    if (random.chance(profile.ancientShare)) this.#deliverAncient(station, message.to);
    if (this.echoesReads) this.#echo(message, letter);
    const link = topology.linkAt(station.life.hostIndex, host);
    if (link.cutMode !== null) return true;
    if (random.chance(profile.dropShare)) {
      faults.add("datagram.drop");
      return true;
    }
    const isDoubled = !isOnce && random.chance(profile.duplicateShare);
    if (isDoubled) faults.add("datagram.duplicate");
    for (let copies = isDoubled ? 2 : 1; copies > 0; copies--) {
      let atMs = link.arrivalMs(timeline.nowMs, bytes.length);
      if (random.chance(profile.reorderShare)) {
        faults.add("datagram.reorder");
        atMs += drawLatency(profile.delay, random);
      }
      timeline.at(atMs, () => this.#deliver(letter));
    }
    return true;
  }

  #echo(message: PeerMessage, letter: Letter): void {
    if (message.kind === "read-index-response" && message.index !== null) {
      const key = `${message.to} ${message.batch}`;
      if (!this.#echoes.has(key)) this.#echoes.set(key, letter);
    }
    if (message.kind !== "read-index") return;
    const echo = this.#echoes.get(`${message.from} ${message.batch}`);
    if (echo === undefined) return;
    this.#parts.faults.add("datagram.echo");
    this.#parts.timeline.after(0, () => this.#deliver(echo));
  }

  /** @internal called by the transport */
  attach(station: Station): void {
    const host = station.life.hostIndex;
    while (this.#stations.length <= host) this.#stations.push(null);
    this.#stations[host] = station;
  }

  /** The host of a peer's address. @internal called by the transport */
  hostOf(address: string): number {
    return this.#parts.topology.indexOf(parseAddress(address).host);
  }

  /** Tells both sides of each other, in a while. @internal called by the transport */
  onPeers(station: Station): void {
    for (const id of station.connected.keys()) {
      if (!station.peers.has(id)) station.connected.delete(id);
    }
    for (const [peer, host] of station.peers) {
      const other = this.#stations[host] ?? null;
      if (other === null || other.identity.id !== peer) continue;
      this.#reportConnected(station, other);
      this.#reportConnected(other, station);
    }
  }

  /** @internal called by the transport */
  detach(station: Station): void {
    const host = station.life.hostIndex;
    if (this.#stations[host] !== station) return;
    this.#stations[host] = null;
    for (const other of this.#stations) {
      if (other !== null) this.#reportDisconnected(other, station);
    }
  }

  /** @internal called by the host */
  onEnd(life: Life): void {
    const station = this.#stations[life.hostIndex];
    if (station?.life === life) this.detach(station);
  }

  /** The incarnation that `station` takes the peer for, from their first meeting on. */
  #meet(station: Station, peer: NodeId, host: number): string | null {
    const known = station.incarnations.get(peer);
    if (known !== undefined) return known;
    const other = this.#stations[host];
    if (other === null || other === undefined || other.identity.id !== peer) return null;
    station.incarnations.set(peer, other.identity.incarnation);
    return other.identity.incarnation;
  }

  /** Reservoir sampling: the oldest is as likely to be there as the newest. */
  #keep(letter: Letter): void {
    this.#parts.faults.add("datagram.keep");
    this.#keptCount += 1;
    if (this.#kept.length < keptMax) {
      this.#kept.push(letter);
      return;
    }
    const at = this.#parts.random.below(this.#keptCount);
    if (at < keptMax) this.#kept[at] = letter;
  }

  #deliver(letter: Letter): void {
    const station = this.#stations[letter.host];
    if (station === null || station === undefined || !this.#isHeard(station, letter)) return;
    if (letter.isOnce && letter.receiver !== station) return;
    const { faults, random } = this.#parts;
    const { life } = station;
    if (life.state === "paused" && life.heldCount >= heldMax) {
      faults.add("datagram.overflow");
      return;
    }
    if (random.chance(this.profile.flapShare)) this.#flap(station, letter.from);
    life.enter(() => this.#hand(station, letter));
  }

  #hand(station: Station, { from, to, bytes }: Letter): void {
    if (this.#stations[station.life.hostIndex] !== station) return; // closed meanwhile
    let message: PeerMessage;
    try {
      message = this.#codec.decode(bytes, from.id, to);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#parts.faults.add("datagram.unreadable");
      return;
    }
    const { trace, timeline } = this.#parts;
    if (trace.isOn) trace.note(timeline.nowMs, `${from.id} ${to}`, bytes);
    station.handlers.onMessage(message);
  }

  /** What the handshake of a connection asks. */
  #isHeard(station: Station, { from, to, incarnation }: Letter): boolean {
    const { identity, peers, incarnations } = station;
    if (identity.id !== to || identity.clusterId !== from.clusterId) return false;
    if (!peers.has(from.id)) return false;
    const known = incarnations.get(from.id) ?? from.incarnation;
    incarnations.set(from.id, known);
    const isSame = incarnation === null || incarnation === identity.incarnation;
    if (isSame && known === from.incarnation) return true;
    this.#parts.faults.add("datagram.refused");
    return false;
  }

  // --- what is told of connections ---------------------------------------------------------------

  #reportConnected(to: Station, about: Station): void {
    this.#report(to, about, () => {
      const { id, boot, incarnation, clusterId } = about.identity;
      if (!to.peers.has(id) || clusterId !== to.identity.clusterId) return;
      if ((to.incarnations.get(id) ?? incarnation) !== incarnation) return;
      if (this.#stations[about.life.hostIndex] !== about || to.connected.get(id) === boot) return;
      this.#tellConnected(to, about.identity);
    });
  }

  #reportDisconnected(to: Station, about: Station): void {
    this.#report(to, about, () => this.#tellDisconnected(to, about.identity));
  }

  #report(to: Station, about: Station, tell: () => void): void {
    const { random, timeline, faults } = this.#parts;
    if (to === about) return;
    if (random.chance(this.profile.unreportedShare)) {
      faults.add("datagram.unreported");
      return;
    }
    timeline.after(drawLatency(this.profile.report, random), () => {
      to.life.enter(() => {
        if (this.#stations[to.life.hostIndex] === to) tell();
      });
    });
  }

  #flap(station: Station, peer: PeerIdentity): void {
    if (station.connected.get(peer.id) !== peer.boot) return;
    this.#parts.faults.add("datagram.flap");
    station.life.enter(() => {
      this.#tellDisconnected(station, peer);
      this.#tellConnected(station, peer);
    });
  }

  #tellConnected(to: Station, { id, boot, incarnation }: PeerIdentity): void {
    if (to.connected.has(id)) this.#tellGone(to, id);
    to.connected.set(id, boot);
    to.incarnations.set(id, incarnation);
    to.handlers.onPeer({ kind: "connected", peer: id, boot, incarnation });
  }

  #tellDisconnected(to: Station, { id, boot }: PeerIdentity): void {
    if (to.connected.get(id) === boot) this.#tellGone(to, id);
  }

  #tellGone(to: Station, peer: NodeId): void {
    to.connected.delete(peer);
    to.handlers.onPeer({ kind: "disconnected", peer, reason: `${peer} is gone` });
  }
}
