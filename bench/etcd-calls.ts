/** The few gRPC calls that benchmarks make of themselves: to our members and to etcd's alike. */
import {
  decodeRangeResponse,
  decodeStatusResponse,
  encodePutRequest,
  encodeRangeRequest,
} from "../packages/quorate/src/proto/index.ts";
import { createClient } from "../packages/quorate/src/rpc/index.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function putRequest(key: string, value: Uint8Array): Uint8Array {
  return encodePutRequest({
    key: bytes(key),
    value,
    lease: 0n,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
  });
}

/** Whether the put was acknowledged. */
export async function tryPut(endpoint: string, key: string, timeoutMs: number): Promise<boolean> {
  const client = createClient([endpoint], { connectTimeoutMs: timeoutMs });
  try {
    const request = putRequest(key, bytes("x"));
    await client.unary("/etcdserverpb.KV/Put", request, { timeoutMs, idempotent: false });
    return true;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

/** The endpoint's member id and its leader's; null if it does not answer. */
export async function tryStatus(
  endpoint: string,
): Promise<{ readonly memberId: bigint; readonly leader: bigint } | null> {
  const client = createClient([endpoint], { connectTimeoutMs: 500 });
  try {
    const options = { timeoutMs: 1_000, idempotent: true };
    const answer = await client.unary(
      "/etcdserverpb.Maintenance/Status",
      new Uint8Array(0),
      options,
    );
    const status = decodeStatusResponse(answer.message);
    return { memberId: status.header?.memberId ?? 0n, leader: status.leader };
  } catch {
    return null;
  } finally {
    client.close();
  }
}

/** Milliseconds in which a cluster that was just started must have a leader. */
const leaderTimeoutMs = 30_000;

/** The endpoint that leads, among those given; waits until there is one. */
export async function findLeader(endpoints: readonly string[]): Promise<string> {
  const endMs = performance.now() + leaderTimeoutMs;
  while (performance.now() < endMs) {
    for (const endpoint of endpoints) {
      const status = await tryStatus(endpoint);
      if (status !== null && status.leader !== 0n && status.leader === status.memberId)
        return endpoint;
    }
  }
  throw new Error(`none of ${endpoints.join(", ")} leads after ${leaderTimeoutMs} ms`);
}

/** The store's revision, by a linearizable read. */
export async function readRevision(endpoint: string): Promise<number> {
  const client = createClient([endpoint]);
  try {
    const request = encodeRangeRequest({
      key: bytes("bench-revision"),
      rangeEnd: new Uint8Array(0),
      limit: 1,
      revision: 0,
      sortOrder: "NONE",
      sortTarget: "KEY",
      serializable: false,
      keysOnly: false,
      countOnly: true,
      minModRevision: 0,
      maxModRevision: 0,
      minCreateRevision: 0,
      maxCreateRevision: 0,
    });
    const options = { timeoutMs: 20_000, idempotent: true };
    const answer = await client.unary("/etcdserverpb.KV/Range", request, options);
    return decodeRangeResponse(answer.message).header?.revision ?? 0;
  } finally {
    client.close();
  }
}
