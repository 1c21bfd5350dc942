/**
 * `put`: gRPC puts of 256-byte values by h2load against the leader. h2load counts HTTP 200, which
 * says nothing of gRPC, so the store's revision before and after tells how many were really
 * applied. Where Debian's etcd is installed it is driven the same way in the same run.
 */
import { execFile } from "node:child_process";
import { accessSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { numberOption } from "./arguments.ts";
import { type Cluster, startEtcd, startQuorate } from "./clusters.ts";
import { putRequest, readRevision } from "./etcd-calls.ts";
import { withTemporaryFolder } from "./processes.ts";

interface PutResult {
  readonly putsPerSecond: number;
  readonly applied: number;
  readonly meanMs: number;
}

export async function benchPut(given: ReadonlyMap<string, string>): Promise<object> {
  const count = numberOption(given, "count", 40_000);
  const connections = numberOption(given, "connections", 16);
  const streams = numberOption(given, "streams", 16);
  const load = { count, connections, streams };
  const etcd = isInstalled("etcd") ? await measure(startEtcd, load) : null;
  const ours = await measure(startQuorate, load);
  const ratio = etcd === null ? null : ours.putsPerSecond / etcd.putsPerSecond;
  return {
    bench: "put",
    ...load,
    payload: 256,
    putsPerSecond: ours.putsPerSecond,
    meanMs: ours.meanMs,
    applied: ours.applied,
    etcdPutsPerSecond: etcd?.putsPerSecond ?? null,
    etcdMeanMs: etcd?.meanMs ?? null,
    ratio: ratio === null ? null : Number(ratio.toFixed(3)),
  };
}

interface Load {
  readonly count: number;
  readonly connections: number;
  readonly streams: number;
}

async function measure(
  startCluster: (folder: string) => Promise<Cluster>,
  load: Load,
): Promise<PutResult> {
  return await withTemporaryFolder(async (folder) => {
    const cluster = await startCluster(folder);
    try {
      const leader = await cluster.leader();
      const body = `${folder}/put.bin`;
      writeFileSync(body, grpcFrame(putRequest("bench-key", new Uint8Array(256).fill(7))));
      await runLoad(leader.client, body, { ...load, count: Math.ceil(load.count / 4) });
      const before = await readRevision(leader.client);
      const result = await runLoad(leader.client, body, load);
      const applied = (await readRevision(leader.client)) - before;
      if (applied !== load.count) {
        throw new Error(`${load.count} puts were answered, the revision grew by ${applied}`);
      }
      return { ...result, applied };
    } finally {
      await cluster.stop();
    }
  });
}

async function runLoad(
  endpoint: string,
  body: string,
  load: Load,
): Promise<{ readonly putsPerSecond: number; readonly meanMs: number }> {
  const { stdout } = await promisify(execFile)("h2load", [
    ...["-n", String(load.count), "-c", String(load.connections), "-m", String(load.streams)],
    ...["-H", "content-type: application/grpc", "-H", "te: trailers", "-d", body],
    `http://${endpoint}/etcdserverpb.KV/Put`,
  ]);
  const rate = /finished in [^,]+, ([\d.]+) req\/s/.exec(stdout)?.[1];
  const mean = /time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)/.exec(stdout);
  if (rate === undefined || mean === null) throw new Error(`h2load said:\n${stdout}`);
  const factor = { us: 0.001, ms: 1, s: 1_000 }[mean[2] ?? "ms"] ?? 1;
  return {
    putsPerSecond: Math.round(Number(rate)),
    meanMs: Number((Number(mean[1]) * factor).toFixed(2)),
  };
}

function grpcFrame(message: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

function isInstalled(program: string): boolean {
  for (const folder of (process.env["PATH"] ?? "").split(":")) {
    try {
      accessSync(`${folder}/${program}`);
      return true;
    } catch {
      // not in this folder
    }
  }
  return false;
}
