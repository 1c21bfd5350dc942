/**
 * Members on a memory network under a virtual clock, and strangers dialling by hand: for the
 * transport's tests.
 */
import { expect } from "vitest";
import { crc32, logIndex, type NodeId, nodeId, term } from "../../src/base/index.ts";
import {
  createMemoryNetwork,
  type MemoryNetworkOptions,
} from "../../src/testing/memory-network.ts";
import { createSeededRandom } from "../../src/testing/seeded-random.ts";
import { createVirtualClock } from "../../src/testing/virtual-clock.ts";
import type { BulkHandlers, BulkLink } from "../../src/transport/bulk-link.ts";
import { encodeIntroduction } from "../../src/transport/codec/admission-codec.ts";
import { helloKind } from "../../src/transport/codec/frame.ts";
import { FrameParser } from "../../src/transport/codec/frame-parser.ts";
import { FrameWriter } from "../../src/transport/codec/frame-writer.ts";
import { decodeAnswer, encodeHello } from "../../src/transport/codec/handshake-codec.ts";
import type { TransportLimits } from "../../src/transport/limits.ts";
import type { PeerMessage } from "../../src/transport/peer-message.ts";
import { createTransport } from "../../src/transport/peer-transport.ts";
import type { PeerEvent, PeerIdentity, Transport } from "../../src/transport/transport.ts";

const cluster = "00000000000000c1";

export function identityOf(name: string, changes: Partial<PeerIdentity> = {}): PeerIdentity {
  const incarnation = `00000000000000${name.charCodeAt(0).toString(16)}`;
  return {
    clusterId: cluster,
    id: nodeId(name),
    incarnation,
    boot: "0000000000000001",
    ...changes,
  };
}

export interface Member {
  readonly id: NodeId;
  readonly transport: Transport;
  readonly messages: PeerMessage[];
  /** Of connections that were made, and of refusals. */
  readonly events: PeerEvent[];
  /** Why members could not be dialled. */
  readonly failures: string[];
  /** Who is gone, and how that shows. */
  readonly gone: string[];
  readonly log: string[];
}

export interface StartOptions {
  readonly identity?: Partial<PeerIdentity>;
  readonly limits?: Partial<TransportLimits>;
  readonly peers?: readonly string[];
  readonly address?: string;
  readonly onBulk?: (link: BulkLink) => BulkHandlers;
}

export function createWorld(options: Partial<MemoryNetworkOptions> = {}) {
  const clock = createVirtualClock();
  const network = createMemoryNetwork({ clock, latencyMs: 1, ...options });
  const random = createSeededRandom(1);
  const start = (name: string, startOptions: StartOptions = {}): Member => {
    const messages: PeerMessage[] = [];
    const events: PeerEvent[] = [];
    const failures: string[] = [];
    const gone: string[] = [];
    const log: string[] = [];
    let transport: Transport | undefined;
    createTransport(
      {
        network: network.endpoint(name),
        clock,
        random,
        crc32,
        identity: identityOf(name, startOptions.identity),
        listenAddress: startOptions.address ?? `${name}.localhost:2380`,
        handlers: {
          onMessage: (message) => messages.push(message),
          onPeer: (event) => {
            if (event.kind === "unreachable") failures.push(`${event.peer}: ${event.reason}`);
            else if (event.kind === "gone") gone.push(`${event.peer}: ${event.reason}`);
            else events.push(event);
          },
          ...(startOptions.onBulk === undefined ? {} : { onBulk: startOptions.onBulk }),
        },
        limits: startOptions.limits ?? {},
        log: (line) => log.push(`${line.level} ${line.message}`),
      },
      (error, made) => {
        expect(error).toBeNull();
        transport = made;
        made?.setPeers(peersOf(startOptions.peers ?? []));
      },
    );
    clock.advance(0);
    if (transport === undefined) throw new Error(`${name} did not start`);
    return { id: nodeId(name), transport, messages, events, failures, gone, log };
  };
  /** A connection by hand from endpoint `x`. */
  const dial = (address: string) => {
    const received: number[] = [];
    let closed: string | null = null;
    const connection = network.endpoint("x").connect(address, {
      onData: (bytes) => received.push(...bytes),
      onClose: (error) => {
        closed = error?.code ?? "orderly";
      },
    });
    return { connection, received, closed: () => closed };
  };
  return { clock, network, start, dial };
}

export function peersOf(names: readonly string[]): Map<NodeId, string> {
  return new Map(names.map((name) => [nodeId(name), `${name}.localhost:2380`]));
}

export function vote(from: string, to: string, at: number): PeerMessage {
  const last = { index: logIndex(at), term: term(1) };
  return {
    kind: "request-vote",
    from: nodeId(from),
    to: nodeId(to),
    term: term(2),
    pre: false,
    last,
  };
}

export function forward(from: string, to: string, bytes: number): PeerMessage {
  const commands = [new Uint8Array(bytes)];
  return { kind: "forward", from: nodeId(from), to: nodeId(to), id: 1, commands };
}

export function frames(write: (writer: FrameWriter) => void): readonly Uint8Array[] {
  const writer = new FrameWriter(crc32, 256);
  write(writer);
  return writer.take();
}

export function helloFrom(
  name: string,
  to: string,
  changes: Partial<PeerIdentity> = {},
  kind: number = helloKind,
) {
  const identity = identityOf(name, changes);
  const hello = { versions: { oldest: 1, newest: 1 }, identity, to: nodeId(to) };
  return frames((writer) => encodeHello(writer, hello, kind));
}

/** As `helloFrom`, and the introduction that follows the welcome. */
export function greetingFrom(name: string, to: string, changes: Partial<PeerIdentity> = {}) {
  const standing = { term: term(0), last: logIndex(0), commit: logIndex(0), mustCatchUp: false };
  const introduction = frames((writer) => {
    const address = `${name}.localhost:2380`;
    encodeIntroduction(writer, { address, standing, machines: null }, 1);
  });
  return [...helloFrom(name, to, changes), ...introduction];
}

export function answerIn(received: readonly number[]) {
  const parser = new FrameParser(crc32, 4096);
  parser.push(Uint8Array.from(received));
  const frame = parser.next();
  return frame === null ? null : decodeAnswer(frame);
}

export const kindsOf = (member: Member): readonly string[] =>
  member.events.map((event) => event.kind);
