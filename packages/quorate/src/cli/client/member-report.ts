/** What each member says of itself, asked at its own client port. */
import { request } from "node:http";
import {
  type ClusterMember,
  decodeStatusResponse,
  encodeStatusRequest,
  type StatusResponse,
} from "../../proto/index.ts";
import { createClient, describeCallFailure, parseEndpoint, RpcError } from "../../rpc/index.ts";

export interface MemberReport {
  /** Its peer URL while it has not told its name. */
  readonly name: string;
  /** Null for a member that has not told where it serves clients. */
  readonly clientUrl: string | null;
  readonly peerUrl: string;
  /** Whether it votes: learners do not. */
  readonly isVoter: boolean;
  /** What it says, or why it does not. */
  readonly answer:
    | { readonly kind: "status"; readonly status: MemberFigures }
    | { readonly kind: "unreachable"; readonly reason: string };
}

export interface MemberFigures {
  readonly role: "leader" | "follower" | "learner" | "no leader";
  readonly term: number;
  readonly index: number;
  readonly applied: number;
  readonly dbSizeBytes: number;
  /** Its own version; etcd's where the member is an etcd. */
  readonly version: string;
  /** Milliseconds of a status call on an open connection. */
  readonly latencyMs: number;
}

/** Milliseconds for a member to answer: it does so from memory. */
const answerMsMax = 2_000;

/** Never fails: a member that does not answer says why. */
export async function fetchMemberReport(
  member: ClusterMember,
  timeoutMs: number,
): Promise<MemberReport> {
  const clientUrl = member.clientURLs[0] ?? null;
  const peerUrl = member.peerURLs[0] ?? "";
  const name = member.name === "" ? peerUrl.replace(/^http:\/\//, "") : member.name;
  const about = { name, clientUrl, peerUrl, isVoter: !member.isLearner };
  if (clientUrl === null) {
    const reason = "it has not told the cluster where it serves clients: not started yet?";
    return { ...about, answer: { kind: "unreachable", reason } };
  }
  const limitMs = Math.min(timeoutMs, answerMsMax);
  try {
    const [{ status, latencyMs }, version] = await Promise.all([
      fetchStatus(clientUrl, limitMs),
      fetchVersion(clientUrl, limitMs),
    ]);
    return { ...about, answer: { kind: "status", status: figuresOf(status, version, latencyMs) } };
  } catch (error) {
    return { ...about, answer: { kind: "unreachable", reason: describeReason(error) } };
  }
}

/** Asks twice: the first time also makes the connection. */
async function fetchStatus(
  clientUrl: string,
  timeoutMs: number,
): Promise<{ readonly status: StatusResponse; readonly latencyMs: number }> {
  const client = createClient([clientUrl]);
  const ask = async (): Promise<Uint8Array> => {
    const path = "/etcdserverpb.Maintenance/Status";
    const options = { timeoutMs, idempotent: true };
    return (await client.unary(path, encodeStatusRequest({}), options)).message;
  };
  try {
    await ask();
    const startMs = performance.now();
    const message = await ask();
    return { status: decodeStatusResponse(message), latencyMs: performance.now() - startMs };
  } finally {
    client.close();
  }
}

/** What `GET /version` says beside etcd's version; null where nothing is said. */
function fetchVersion(clientUrl: string, timeoutMs: number): Promise<string | null> {
  const { host, port } = parseEndpoint(clientUrl);
  return new Promise((resolve) => {
    const asked = request({ host, port, path: "/version", timeout: timeoutMs }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
        if (body.length > 4_096) asked.destroy();
      });
      response.on("end", () => resolve(/"quorate":"([^"]{1,64})"/.exec(body)?.[1] ?? null));
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(null));
    asked.on("close", () => resolve(null));
    asked.end();
  });
}

function figuresOf(
  status: StatusResponse,
  version: string | null,
  latencyMs: number,
): MemberFigures {
  return {
    role: roleOf(status),
    term: status.raftTerm,
    index: status.raftIndex,
    applied: status.raftAppliedIndex,
    dbSizeBytes: status.dbSize,
    version: version ?? `etcd ${status.version}`,
    latencyMs,
  };
}

function roleOf({ leader, header, isLearner }: StatusResponse): MemberFigures["role"] {
  if (isLearner) return "learner";
  if (leader === 0n) return "no leader";
  return leader === header?.memberId ? "leader" : "follower";
}

function describeReason(error: unknown): string {
  if (!(error instanceof RpcError)) return error instanceof Error ? error.message : String(error);
  const { failure } = error;
  return describeCallFailure(failure).slice(`${failure.endpoint}: `.length);
}
