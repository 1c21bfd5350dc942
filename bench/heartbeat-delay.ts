/**
 * How long heartbeats wait behind bulk: append messages of 1 MiB stream to a peer in another
 * process over the loopback, 8 MiB in flight as the core allows, while small heartbeats are sent on
 * the same connection. Prints one JSON line; delays in milliseconds from `send` to the peer's
 * `onMessage`.
 *
 *     npx tsx bench/heartbeat-delay.ts [--seconds 3]
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { logIndex, type NodeId, nodeId, term } from "../packages/raft/src/base/index.ts";
import type { AppendEntries, Entry } from "../packages/raft/src/core/index.ts";
import { osClock, osCrc32, osNetwork, osRandom } from "../packages/raft/src/ports/os/index.ts";
import {
  createTransport,
  type PeerEvent,
  type PeerMessage,
  type Transport,
  type TransportHandlers,
} from "../packages/raft/src/transport/index.ts";

const bulkBytes = 1024 * 1024;
const entryDataBytes = 256;
const windowMessages = 8;
const heartbeatIntervalMs = 5;
/** Marks heartbeats; bulk messages count from 1. */
const heartbeatSequence = 0;

/** Microseconds of the system's monotonic clock, which all processes share. */
function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function start(name: string, handlers: TransportHandlers): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const identity = {
      clusterId: "00000000000000c1",
      id: nodeId(name),
      incarnation: osRandom.id64(),
      boot: osRandom.id64(),
    };
    const ports = { network: osNetwork, clock: osClock, random: osRandom, crc32: osCrc32 };
    const options = { ...ports, identity, handlers, listenAddress: "127.0.0.1:0" };
    createTransport(options, (error, transport) => {
      if (transport === undefined) reject(error);
      else resolve(transport);
    });
  });
}

/**
 * The peer: notes the delays of heartbeats, acknowledges bulk, and reports when the parent asks.
 */
async function runPeer(): Promise<void> {
  const delaysMs: number[] = [];
  const onMessage = (message: PeerMessage): void => {
    if (message.kind !== "append-entries") return;
    if (message.sequence === heartbeatSequence) {
      delaysMs.push((nowMicros() - message.round) / 1000);
      return;
    }
    const index = logIndex(message.sequence);
    const outcome = { kind: "accepted", matched: index, verified: index } as const;
    const envelope = { from: message.to, to: message.from, term: message.term };
    const { round, sequence } = message;
    transport.send({ kind: "append-entries-response", ...envelope, round, sequence, outcome });
    transport.flush();
  };
  const onPeer = (event: PeerEvent): void => {
    if (event.kind === "connected") process.send?.({ isConnected: true });
  };
  const transport = await start("b", { onMessage, onPeer });
  process.on("message", (message) => {
    if (message === "report") {
      process.send?.({ delaysMs }, () => process.exit(0));
    } else {
      transport.setPeers(new Map<NodeId, string>([[nodeId("a"), String(message)]]));
    }
  });
  process.send?.({ address: transport.address });
}

function createBulk(): AppendEntries {
  const entries: Entry[] = [];
  const count = Math.floor(bulkBytes / entryDataBytes);
  for (let index = 1; index <= count; index++) {
    const data = new Uint8Array(entryDataBytes).fill(index);
    entries.push({ index: logIndex(index), term: term(1), kind: "command", data });
  }
  return { ...createHeartbeat(), entries };
}

function createHeartbeat(): AppendEntries {
  return {
    kind: "append-entries",
    from: nodeId("a"),
    to: nodeId("b"),
    term: term(1),
    prev: { index: logIndex(0), term: term(0) },
    entries: [],
    commit: logIndex(0),
    round: nowMicros(),
    sequence: heartbeatSequence,
  };
}

async function runLeader(seconds: number): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ["--peer"], { execArgv: process.execArgv });
  const { address } = (await nextMessage(child)) as { address: string }; // what runPeer sends first
  const bulk = createBulk();
  let sent = 0;
  let acknowledged = 0;
  let onConnected = (): void => {};
  const connected = new Promise<void>((resolve) => {
    onConnected = resolve;
  });
  let isRunning = true;
  const fill = (): void => {
    while (isRunning && sent - acknowledged < windowMessages) {
      sent += 1;
      transport.send({ ...bulk, sequence: sent });
    }
    transport.flush();
  };
  const onMessage = (): void => {
    acknowledged += 1;
    fill();
  };
  const onPeer = (event: PeerEvent): void => {
    if (event.kind === "connected") onConnected();
  };
  const transport = await start("a", { onMessage, onPeer });
  transport.setPeers(new Map<NodeId, string>([[nodeId("b"), address]]));
  child.send(transport.address);
  // Both ways: acknowledgements come on the peer's own connection.
  await Promise.all([connected, nextMessage(child)]);
  const startMicros = nowMicros();
  fill();
  const beat = setInterval(() => {
    transport.send(createHeartbeat());
    transport.flush();
  }, heartbeatIntervalMs);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  clearInterval(beat);
  isRunning = false;
  const elapsedSeconds = (nowMicros() - startMicros) / 1e6;
  const megabytesPerSecond = Math.round((acknowledged * bulkBytes) / 1e6 / elapsedSeconds);
  child.send("report");
  const { delaysMs } = (await nextMessage(child)) as { delaysMs: number[] }; // runPeer's report
  print(delaysMs, megabytesPerSecond);
  await new Promise<void>((resolve) => transport.close(resolve));
}

function print(delaysMs: number[], megabytesPerSecond: number): void {
  delaysMs.sort((a, b) => a - b);
  const at = (share: number): number => {
    const delayMs = delaysMs[Math.min(delaysMs.length - 1, Math.floor(share * delaysMs.length))];
    return Number((delayMs ?? Number.NaN).toFixed(2));
  };
  const figures = { heartbeats: delaysMs.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  const inFlightBytes = windowMessages * bulkBytes;
  const line = { benchmark: "heartbeat-delay", ...figures, megabytesPerSecond, inFlightBytes };
  console.log(JSON.stringify(line));
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) => reject(new Error(`the peer process ended with ${code}`)));
  });
}

const secondsAt = process.argv.indexOf("--seconds");
if (process.argv.includes("--peer")) await runPeer();
else await runLeader(secondsAt < 0 ? 3 : Number(process.argv[secondsAt + 1]));
