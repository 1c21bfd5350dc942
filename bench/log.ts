/**
 * The write-ahead log alone, on the disk of the system: entries a second and CPU per entry, N in
 * flight in a closed loop. Prints one JSON line. `tsx bench/log.ts [--payload 256] [--inflight 256]
 * [--seconds 3]`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { logIndex, nodeId, noTerm, persistUnit, term } from "../packages/raft/src/base/index.ts";
import { createOsPorts } from "../packages/raft/src/ports/os/index.ts";
import { type OpenedLog, openLog } from "../packages/raft/src/storage/index.ts";

const { values } = parseArgs({
  options: {
    payload: { type: "string", default: "256" },
    inflight: { type: "string", default: "256" },
    seconds: { type: "string", default: "3" },
  },
});
const payloadBytes = Number(values.payload);
const inflight = Number(values.inflight);
const seconds = Number(values.seconds);

const directory = mkdtempSync(join(tmpdir(), "quorate-bench-"));
const { disk, clock, crc32 } = createOsPorts();
const identity = { clusterId: "c1".repeat(8), member: nodeId("a"), incarnation: "1a".repeat(8) };

openLog({ disk, clock, crc32, directory, identity, warn: console.error }, (error, opened) => {
  if (error !== null || opened === undefined) throw error;
  run(opened);
});

function run({ store }: OpenedLog): void {
  const data = new Uint8Array(payloadBytes).fill(7);
  const one = term(1);
  const latenciesMs: number[] = [];
  let next = 1;
  let done = 0;
  let turn = 0;
  const start = performance.now();
  const cpu = process.cpuUsage();
  const finish = (): void => {
    const ms = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    latenciesMs.sort((a, b) => a - b);
    const p50Ms = latenciesMs[Math.floor(latenciesMs.length / 2)] ?? 0;
    const result = {
      appendsPerSecond: Math.round((done / ms) * 1000),
      cpuMicrosecondsPerEntry: Number(((user + system) / done).toFixed(2)),
      p50Ms: Number(p50Ms.toFixed(2)),
      payload: payloadBytes,
      inflight,
    };
    store.close(() => {
      rmSync(directory, { recursive: true });
      console.log(JSON.stringify(result));
    });
  };
  /** One request of `count` entries, as the node makes one of a turn's proposals. */
  const append = (count: number): void => {
    const entries = Array.from({ length: count }, () => ({
      index: logIndex(next++),
      term: one,
      kind: "command" as const,
      data,
    }));
    const hardState = turn++ === 0 ? { term: one, votedFor: null, mustCatchUp: false } : null;
    const sentMs = performance.now();
    const unit = persistUnit(turn);
    store.append({ unit, hardState, truncateFrom: null, entries, commit: logIndex(noTerm) }, () => {
      done += count;
      latenciesMs.push(performance.now() - sentMs);
      if (performance.now() - start < seconds * 1000) append(count);
      else if (done === next - 1) finish();
    });
  };
  const half = Math.ceil(inflight / 2);
  append(half);
  if (inflight > half) append(inflight - half);
}
