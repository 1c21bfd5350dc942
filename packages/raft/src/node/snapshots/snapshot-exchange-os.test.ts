/** A snapshot over real sockets on the loopback, from one real directory to another. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { mebibyte, patternOf } from "../../../test/transfer/transfer-world.ts";
import { assert, logIndex, type NodeId, nodeId, term } from "../../base/index.ts";
import { createOsPorts } from "../../ports/os/index.ts";
import {
  type OpenedLog,
  openLog,
  type SealedSnapshot,
  type SnapshotWriter,
} from "../../storage/index.ts";
import { makeHardState, makePersist } from "../../testing/storage-world.ts";
import { createTransport, type Transport } from "../../transport/index.ts";
import { defaultLimits } from "../limits.ts";
import { createSnapshotExchange, type SnapshotExchange } from "./snapshot-exchange.ts";

const clusterId = "00000000000000c1";
const ports = createOsPorts();

/** Runs something with a callback to its end. */
function wait<Value>(
  start: (done: (error: Error | null, value?: Value) => void) => void,
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error === null ? resolve(value) : reject(error)));
  });
}

async function need<Value>(
  start: (done: (error: Error | null, value?: Value) => void) => void,
): Promise<Value> {
  const value = await wait(start);
  assert(value !== undefined, "what succeeds has a value");
  return value;
}

interface Member {
  readonly id: NodeId;
  readonly opened: OpenedLog;
  readonly transport: Transport;
  readonly exchange: SnapshotExchange;
  readonly received: SealedSnapshot[];
  onReceived: () => void;
}

async function start(name: string, directory: string): Promise<Member> {
  const id = nodeId(name);
  const incarnation = `00000000000000${name.charCodeAt(0).toString(16)}`;
  const { disk, clock, crc32 } = ports;
  const identity = { clusterId, member: id, incarnation };
  const opened = await need<OpenedLog>((done) =>
    openLog({ disk, clock, crc32, directory, identity, warn: () => {} }, done),
  );
  const hardState = makeHardState(2);
  await wait<void>((done) => opened.store.append(makePersist({ hardState }), done));
  const transport = await need<Transport>((done) =>
    createTransport(
      {
        ...ports,
        identity: { clusterId, id, incarnation, boot: incarnation },
        listenAddress: "127.0.0.1:0",
        handlers: {
          onMessage: (message) => {
            if (message.kind === "snapshot-offer") exchange.onOffer(message);
            else if (message.kind === "snapshot-status") exchange.onStatus(message);
          },
          onPeer: () => {},
          onBulk: (link) => exchange.onBulk(link),
        },
      },
      done,
    ),
  );
  const fail = (error: Error): never => {
    throw error;
  };
  const exchange: SnapshotExchange = createSnapshotExchange({
    ...{ self: id, clock, store: opened.store.snapshots },
    limits: { ...defaultLimits, snapshotBytesPerSecond: 1024 * mebibyte },
    dialBulk: (peer, handlers) => transport.dialBulk(peer, handlers),
    send: (message) => {
      transport.send(message);
      transport.flush();
    },
    wants: () => true,
    onReceived: (sealed, _term, answer) => {
      member.received.push(sealed);
      opened.store.install(sealed, (error) => {
        answer(error === null);
        member.onReceived();
      });
    },
    ...{ onFailed: fail, onDamaged: (_snapshot, error) => fail(error), onEvent: () => {} },
  });
  const member: Member = { id, opened, transport, exchange, received: [], onReceived() {} };
  return member;
}

async function writeSnapshot(member: Member, bytes: number): Promise<SealedSnapshot> {
  const { store } = member.opened;
  const position = { index: logIndex(9), term: term(2) };
  const writer = await need<SnapshotWriter>((done) =>
    store.snapshots.begin(position, new Uint8Array(3), done),
  );
  writer.section("one");
  const content = patternOf(bytes, 1);
  for (let at = 0; at < bytes; at += mebibyte) {
    await wait<void>((done) => writer.write(content.subarray(at, at + mebibyte), done));
  }
  const sealed = await need<SealedSnapshot>((done) => writer.finish(done));
  await wait<void>((done) => store.install(sealed, done));
  return sealed;
}

async function stop(member: Member): Promise<void> {
  await new Promise<void>((done) => member.exchange.stop(done));
  await new Promise<void>((done) => member.transport.close(done));
  await wait<void>((done) => member.opened.store.close(done));
}

it("a snapshot crosses the loopback whole, and leaves no socket behind", async () => {
  const root = await mkdtemp(join(tmpdir(), "quorate-transfer-"));
  const members: Member[] = [];
  try {
    for (const name of ["a", "b"]) {
      const directory = join(root, name);
      await wait<void>((done) => ports.disk.makeDirectory(directory, done));
      members.push(await start(name, directory));
    }
    const [a, b] = members;
    assert(a !== undefined && b !== undefined, "two members");
    const { description } = await writeSnapshot(a, 24 * mebibyte + 12_345);
    const installed = new Promise<void>((resolve) => {
      b.onReceived = resolve;
    });
    a.transport.setPeers(new Map([[b.id, b.transport.address]]));
    b.transport.setPeers(new Map([[a.id, a.transport.address]]));
    // An offer that is lost is said again, as a leader does.
    const offers = setInterval(() => {
      a.exchange.offer(b.id, term(2), description.identity, [a.id]);
    }, 20);
    await installed;
    clearInterval(offers);
    const name = "snapshot-0000000000000009.snap";
    const sent = await readFile(join(root, "a", name));
    expect(sent.length).toBe(description.identity.bytes);
    expect(Buffer.compare(await readFile(join(root, "b", name)), sent)).toBe(0);
  } finally {
    for (const member of members) await stop(member);
    await rm(root, { recursive: true });
  }
  expect(process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP"))).toEqual([]);
}, 60_000);
