/** Whether a development cluster can be used: a linearizable read works through every member. */
import {
  decodeMemberListResponse,
  encodeMemberListRequest,
  encodeRangeRequest,
} from "../../proto/index.ts";
import { createClient, type RpcClient, RpcError } from "../../rpc/index.ts";
import { createGetRequest } from "../commands/get.ts";

/** Milliseconds for one try. */
const tryMs = 5_000;
/** Milliseconds between tries. */
const pauseMs = 25;

/** Resolves when it works, or rejects with the reason of `signal`. */
export async function waitReady(clientUrls: readonly string[], signal: AbortSignal): Promise<void> {
  await Promise.all(clientUrls.map((url) => waitForMember(url, clientUrls.length, signal)));
}

async function waitForMember(url: string, count: number, signal: AbortSignal): Promise<void> {
  const client = createClient([url]);
  try {
    while (!(await isServing(client, count, signal))) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    signal.throwIfAborted();
  } finally {
    client.close();
  }
}

/**
 * Besides the read: this member knows where all members serve clients, so that `status` shows them.
 */
async function isServing(client: RpcClient, count: number, signal: AbortSignal): Promise<boolean> {
  const options = { timeoutMs: tryMs, idempotent: true, signal };
  const read = encodeRangeRequest(createGetRequest("health", undefined, { countOnly: true }));
  const list = encodeMemberListRequest({ linearizable: false });
  try {
    await client.unary("/etcdserverpb.KV/Range", read, options);
    const { message } = await client.unary("/etcdserverpb.Cluster/MemberList", list, options);
    const { members } = decodeMemberListResponse(message);
    return members.filter(({ clientURLs }) => clientURLs.length > 0).length === count;
  } catch (error) {
    if (error instanceof RpcError) return false;
    throw error;
  }
}
