/**
 * Members that send each other snapshots: real transports on a memory network, real stores on
 * simulated disks, one virtual clock. Without cores: the test is the leader.
 */
import { expect } from "vitest";
import { assert, crc32, type NodeId, nodeId, term } from "../../src/base/index.ts";
import { defaultLimits } from "../../src/node/limits.ts";
import type { TransferNews } from "../../src/node/snapshots/offered-snapshots.ts";
import type { SnapshotEvent } from "../../src/node/snapshots/snapshot-events.ts";
import {
  createSnapshotExchange,
  type SnapshotExchange,
} from "../../src/node/snapshots/snapshot-exchange.ts";
import type { SnapshotLimits } from "../../src/node/snapshots/snapshot-limits.ts";
import type {
  OpenError,
  OpenedLog,
  SealedSnapshot,
  SnapshotIdentity,
} from "../../src/storage/index.ts";
import {
  createMemoryNetwork,
  type MemoryNetwork,
  type MemoryNetworkOptions,
} from "../../src/testing/memory-network.ts";
import { createSeededRandom } from "../../src/testing/seeded-random.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  type SnapshotContent,
  StorageWorld,
  worldIdentity,
} from "../../src/testing/storage-world.ts";
import { createVirtualClock, type VirtualClock } from "../../src/testing/virtual-clock.ts";
import type { BulkDial, BulkDialHandlers } from "../../src/transport/bulk-link.ts";
import type { PeerMessage, SnapshotStatus } from "../../src/transport/peer-message.ts";
import { createTransport } from "../../src/transport/peer-transport.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { peersOf } from "../transport/transport-world.ts";

/** A block as it came over the network. */
export interface ArrivedBlock {
  readonly from: NodeId;
  readonly offset: number;
  readonly bytes: number;
  readonly atMs: number;
}

export interface TransferMember {
  readonly id: NodeId;
  readonly storage: StorageWorld;
  readonly opened: OpenedLog;
  readonly transport: Transport;
  readonly exchange: SnapshotExchange;
  /** What it answers when a snapshot is handed over; null: nothing. */
  takes: boolean | null;
  /** Snapshots up to here bring it nothing. */
  applied: number;
  readonly events: SnapshotEvent[];
  readonly received: SealedSnapshot[];
  /** Of the leaders that offered what was received. */
  readonly terms: number[];
  readonly statuses: SnapshotStatus[];
  /** What the statuses meant. */
  readonly news: (TransferNews | null)[];
  readonly failures: OpenError[];
  readonly damaged: SnapshotIdentity[];
  /** Messages that are not about snapshots, with their time. */
  readonly others: { readonly message: PeerMessage; readonly atMs: number }[];
  /** In the order they came over connections for bulk, duplicates too. */
  readonly blocks: ArrivedBlock[];
}

export interface MemberOptions {
  readonly limits?: Partial<SnapshotLimits>;
  readonly clusterId?: string;
  /** Of another life: its disk is used again. */
  readonly storage?: StorageWorld;
  /** In the place of the transport's. */
  readonly dialBulk?: (
    transport: Transport,
    peer: NodeId,
    handlers: BulkDialHandlers,
  ) => BulkDial | null;
}

/** Bytes without a pattern that repeats from block to block. */
export function patternOf(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let at = 0; at < words.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[at] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

export function contentOf(index: number, bytes: number, seed = index): SnapshotContent {
  return { index, term: 2, sections: [["one", patternOf(bytes, seed)]] };
}

export const mebibyte: number = 1024 * 1024;

export class TransferWorld {
  readonly clock: VirtualClock = createVirtualClock();
  readonly network: MemoryNetwork;
  readonly #names: readonly string[];

  constructor(names: readonly string[], options: Partial<MemoryNetworkOptions> = {}) {
    this.#names = names;
    this.network = createMemoryNetwork({ clock: this.clock, latencyMs: 1, ...options });
  }

  start(name: string, options: MemberOptions = {}): TransferMember {
    const storage = options.storage ?? new StorageWorld(1, this.clock);
    const opened = storage.openLog();
    if (opened.entries.length === 0 && opened.base.index === 0) {
      const entries = [makeEntry(1, 1), makeEntry(2, 1), makeEntry(3, 1)];
      const request = makePersist({ hardState: makeHardState(2, "a"), entries, commit: 2 });
      expect(storage.append(opened.store, request)).toBe(null);
    }
    let made: TransferMember | null = null;
    const memberOf = () => {
      assert(made !== null, "handlers run after the start");
      return made;
    };
    const transport = this.#openTransport(name, options, memberOf);
    const parts = { id: nodeId(name), storage, opened, transport };
    made = {
      ...parts,
      exchange: this.#makeExchange(parts, options, memberOf),
      ...{ takes: true, applied: 0, events: [], received: [], terms: [], statuses: [], news: [] },
      ...{ failures: [], damaged: [], others: [], blocks: [] },
    };
    transport.setPeers(peersOf(this.#names.filter((other) => other !== name)));
    this.clock.advance(0);
    return made;
  }

  #openTransport(name: string, options: MemberOptions, member: () => TransferMember): Transport {
    let transport: Transport | undefined;
    createTransport(
      {
        network: this.network.endpoint(name),
        clock: this.clock,
        random: createSeededRandom(1),
        crc32,
        identity: {
          clusterId: options.clusterId ?? worldIdentity.clusterId,
          id: nodeId(name),
          incarnation: `00000000000000${name.charCodeAt(0).toString(16)}`,
          boot: "0000000000000001",
        },
        listenAddress: `${name}.localhost:2380`,
        handlers: {
          onMessage: (message) => this.#onMessage(member(), message),
          onPeer: () => {},
          onBulk: (link) => member().exchange.onBulk(link),
        },
      },
      (_error, opened) => {
        transport = opened;
      },
    );
    this.clock.advance(0);
    assert(transport !== undefined, "a transport opens");
    return transport;
  }

  #onMessage(member: TransferMember, message: PeerMessage): void {
    if (message.kind === "snapshot-offer") member.exchange.onOffer(message);
    else if (message.kind === "snapshot-status") {
      member.statuses.push(message);
      member.news.push(member.exchange.onStatus(message));
    } else member.others.push({ message, atMs: this.clock.nowMs() });
  }

  #makeExchange(
    parts: Pick<TransferMember, "id" | "opened" | "transport">,
    options: MemberOptions,
    member: () => TransferMember,
  ): SnapshotExchange {
    const { id, opened, transport } = parts;
    const dial = options.dialBulk ?? ((via, peer, handlers) => via.dialBulk(peer, handlers));
    return createSnapshotExchange({
      ...{ self: id, clock: this.clock, store: opened.store.snapshots },
      limits: { ...defaultLimits, ...options.limits },
      dialBulk: (peer, handlers) => dial(transport, peer, this.#counting(peer, handlers, member)),
      send: (message) => {
        transport.send(message);
        transport.flush();
      },
      wants: ({ position }) => position.index > member().applied,
      onReceived: (sealed, offerTerm, answer) => {
        const { takes, received, terms } = member();
        received.push(sealed);
        terms.push(offerTerm);
        if (takes === null) return;
        if (!takes) answer(false);
        else
          opened.store.install(sealed, (error) => {
            expect(error).toBe(null);
            member().applied = sealed.description.identity.position.index;
            answer(true);
          });
      },
      onFailed: (error) => member().failures.push(error),
      onDamaged: (snapshot) => member().damaged.push(snapshot),
      onEvent: (event) => member().events.push(event),
    });
  }

  #counting(
    from: NodeId,
    handlers: BulkDialHandlers,
    member: () => TransferMember,
  ): BulkDialHandlers {
    return {
      ...handlers,
      onMessage: (message) => {
        if (message.kind === "snapshot-block") {
          const { offset, data } = message;
          const atMs = this.clock.nowMs();
          member().blocks.push({ from, offset, bytes: data.length, atMs });
        }
        handlers.onMessage(message);
      },
    };
  }

  /** Writes and installs a snapshot at `member`; equal contents give equal identities. */
  give(member: TransferMember, content: SnapshotContent): SnapshotIdentity {
    const { storage, opened } = member;
    const sealed = storage.seal(opened.store.snapshots, content, 64 * 1024);
    expect(storage.install(opened.store, sealed)).toBe(null);
    member.applied = content.index;
    return sealed.description.identity;
  }

  /** As the leader `from` in term `at`. */
  offer(
    from: TransferMember,
    to: TransferMember,
    snapshot: SnapshotIdentity,
    sources: readonly TransferMember[] = [from],
    at = 2,
  ): void {
    const ids = sources.map(({ id }) => id);
    from.exchange.offer(to.id, term(at), snapshot, ids);
  }

  /** Runs until `condition` holds, and says how long that took. */
  until(condition: () => boolean, limitMs = 600_000): number {
    const startMs = this.clock.nowMs();
    expect(this.clock.advanceUntil(condition, limitMs)).toBe(true);
    return this.clock.nowMs() - startMs;
  }

  /** Stops the exchange and the transport of each, and expects that nothing is left behind. */
  stop(...members: readonly TransferMember[]): void {
    let count = 0;
    for (const { exchange } of members) exchange.stop(() => count++);
    this.clock.advance(0);
    for (const { transport } of members) transport.close(() => count++);
    this.clock.advance(100);
    expect(count).toBe(2 * members.length);
    for (const { storage } of members) {
      expect(storage.disk.files().filter((file) => file.endsWith(".tmp"))).toEqual([]);
    }
  }
}

export const kindsIn = (events: readonly SnapshotEvent[]): readonly string[] =>
  events.map((event) => event.kind).filter((kind) => !kind.endsWith("-progress"));

export function bytesFrom(blocks: readonly ArrivedBlock[], from?: TransferMember): number {
  return blocks
    .filter((block) => from === undefined || block.from === from.id)
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The snapshot of `identity` at `member`, byte for byte. */
export function fileOf(member: TransferMember, identity: SnapshotIdentity): Uint8Array {
  const name = `snapshot-${String(identity.position.index).padStart(16, "0")}.snap`;
  return member.storage.disk.peek(`/data/${name}`);
}
