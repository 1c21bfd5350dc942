/** Who leads among servers: moved by calls and commands, by priority, handed over at the end. */
import { QuorateError } from "@quorate/raft";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../../raft/test/support/wait.ts";
import { LocalServers } from "../../test/support/local-servers.ts";
import { runHere } from "../../test/support/run-program.ts";
import { encodeMoveLeaderRequest, encodeRangeRequest, type RangeRequest } from "../proto/index.ts";
import {
  type Call,
  createClient,
  MethodTable,
  RpcError,
  type StreamingCall,
  statusNameOf,
} from "../rpc/index.ts";
import { createBackend } from "./backend.ts";
import { memberIdOf } from "./ids.ts";
import { registerKv } from "./kv-service.ts";
import { statusOfMove } from "./move-leader.ts";
import type { QuorateServer } from "./server.ts";

let live: LocalServers | null = null;

afterEach(async () => {
  await live?.dispose();
  live = null;
});

async function started(...args: Parameters<typeof LocalServers.started>): Promise<LocalServers> {
  live = await LocalServers.started(...args);
  return live;
}

const idOf = ({ node }: QuorateServer): bigint => memberIdOf(node.status().clusterId, node.id);

/** `ok`, or the status and the code beside it. */
async function call(server: QuorateServer, path: string, request: Uint8Array): Promise<string> {
  const client = createClient(server.clientUrls);
  try {
    await client.unary(path, request, { timeoutMs: 5_000, idempotent: false });
    return "ok";
  } catch (error) {
    if (!(error instanceof RpcError) || error.failure.kind !== "status") throw error;
    const { code, message, trailers } = error.failure.status;
    const told: { code: string } = JSON.parse(trailers?.["quorate-error"] ?? "{}");
    return `${statusNameOf(code)} ${message} ${told.code}`;
  } finally {
    client.close();
  }
}

const moveTo = (server: QuorateServer, targetID: bigint): Promise<string> =>
  call(server, "/etcdserverpb.Maintenance/MoveLeader", encodeMoveLeaderRequest({ targetID }));

const endpointsOf = (...servers: readonly QuorateServer[]): string[] => [
  "--endpoints",
  servers.flatMap(({ clientUrls }) => clientUrls.map((url) => url.slice("http://".length))).join(),
];

describe("Maintenance.MoveLeader", () => {
  it("moves the leadership and answers when the other one leads", async () => {
    const servers = await started();
    const leader = await servers.leader();
    const [target] = await servers.followers();
    if (target === undefined) throw new Error("there are followers");
    expect(await moveTo(leader, idOf(leader))).toBe("ok");
    expect(leader.node.status().role).toBe("leader");
    expect(await moveTo(leader, idOf(target))).toBe("ok");
    expect(target.node.status().role).toBe("leader");
    expect(leader.node.status().leader).toBe(target.node.id);
  });

  it("is refused in etcd's words: at a follower first, then for who is no voter", async () => {
    const servers = await started();
    const leader = await servers.leader();
    const [follower] = await servers.followers();
    if (follower === undefined) throw new Error("there are followers");
    const notLeader = "failedPrecondition etcdserver: not leader NOT_LEADER";
    expect(await moveTo(follower, idOf(follower))).toBe(notLeader);
    expect(await moveTo(follower, 0x123n)).toBe(notLeader);
    const refused = "failedPrecondition etcdserver: bad leader transferee TRANSFER_REFUSED";
    expect(await moveTo(leader, 0x123n)).toBe(refused);
    expect(await moveTo(leader, 0n)).toBe(refused);
  });
});

describe("a transfer that takes too long", () => {
  it.each(["TIMEOUT", "TRANSFER_FAILED"] as const)("has etcd's text: %s", (code) => {
    const error = new QuorateError(code, "Cannot hand over the leadership: a fact", {
      ...{ outcome: "unknown", retry: "after", hint: "Try again." },
      details: {} as never, // of whatever form: they are passed on as they are
    });
    const { message, trailers } = statusOfMove(error);
    expect(message).toBe("etcdserver: request timed out, leader transfer took too long");
    expect(trailers?.["quorate-error"]).toContain(code);
    expect(statusOfMove(new Error("odd")).message).toBe("odd");
  });
});

describe("quorate move-leader", () => {
  it("finds the leader through any member; takes names and ids", async () => {
    const servers = await started();
    const leader = await servers.leader();
    const [one, other] = await servers.followers();
    if (one === undefined || other === undefined) throw new Error("there are followers");
    const [from, to] = [idOf(leader).toString(16), idOf(one).toString(16)];
    expect(await runHere("move-leader", one.node.id, ...endpointsOf(other))).toEqual({
      ...{ code: 0, out: `Leadership transferred from ${from} to ${to}\n`, err: "" },
    });
    expect(one.node.status().role).toBe("leader");
    const back = await runHere("move-leader", from, "-o", "json", ...endpointsOf(one));
    expect(back).toEqual({ code: 0, out: `{"from":"${to}","to":"${from}"}\n`, err: "" });
    expect(leader.node.status().role).toBe("leader");
  });

  it("says who there is, and what is wrong with who shall lead", async () => {
    const servers = await started();
    const leader = await servers.leader();
    const [one] = await servers.followers();
    if (one === undefined) throw new Error("there are followers");
    expect(await runHere("move-leader", "x", ...endpointsOf(leader))).toEqual({
      code: 1,
      out: "",
      err:
        "quorate: MEMBER_UNKNOWN  there is no member x; there are a, b, c\n" +
        "  The leadership was not handed over.\n" +
        "  Name a voter, or give its id. See:  quorate member list\n",
    });
    await one.stop();
    const silent = await until(async () => {
      const done = await runHere("move-leader", one.node.id, ...endpointsOf(leader));
      return done.err.includes("TRANSFER_REFUSED") ? done : null;
    });
    expect(silent.code).toBe(1);
    expect(silent.err.replace(/\s+/g, " ")).toBe(
      `quorate: TRANSFER_REFUSED ${one.node.id} has not answered within an election timeout ` +
        `The leadership was not handed over. Start ${one.node.id}, or name another voter. `,
    );
    expect(await runHere("move-leader", "a", "--endpoints", "127.0.0.1:1")).toMatchObject({
      code: 3,
    });
    expect(await runHere("move-leader")).toMatchObject({ code: 2 });
  });
});

describe("a server that stops", () => {
  it("hands the leadership over first: nobody has to notice that it is gone", async () => {
    const servers = await started();
    const leader = await servers.leader();
    const transfers: unknown[] = [];
    leader.node.on("transfer", (event) => transfers.push(event));
    const others = await servers.followers();
    const causes: string[] = [];
    for (const { node } of others) node.on("election", ({ why }) => causes.push(why));
    await leader.stop();
    expect(transfers).toMatchObject([{ why: "asked", outcome: "stepped-down" }]);
    const next = await servers.leader();
    expect(others).toContain(next);
    expect(causes).not.toContain("leader-gone");
  });

  it("stops without it where nobody else is left", async () => {
    const servers = await started();
    const leader = await servers.leader();
    for (const { node } of await servers.followers()) await node.stop();
    const startedMs = performance.now();
    await leader.stop();
    expect(performance.now() - startedMs).toBeLessThan(4_000);
  });
});

describe("the flags for who leads and how it reads", () => {
  it("priority: the leadership goes to whom it is wanted for most", async () => {
    const servers = await started((name) => ({ priority: name === "b" ? 5 : 1, electionMs: 200 }));
    await until(() => servers.server("b").node.status().role === "leader");
  });

  it("lease reads: what is not serializable is read by lease, and only then", async () => {
    const servers = await started((name) => ({ leaseDriftPermille: name === "a" ? 10 : null }));
    for (const [name, consistency] of [
      ["a", "lease"],
      ["b", "linearizable"],
    ] as const) {
      const { node } = servers.server(name);
      const backend = createBackend(node, { ...options, ...leaseOf(name) }, 1_000);
      const asked: unknown[] = [];
      const read: typeof backend.machines.kv.read = (run, given) => {
        asked.push(given?.consistency);
        return backend.machines.kv.read(run, given);
      };
      const methods = new MethodTable();
      const kv = { ...backend.machines.kv, read };
      registerKv(methods, { ...backend, machines: { ...backend.machines, kv } });
      for (const serializable of [false, true]) {
        await new Promise<void>((resolve, reject) => {
          const call = { deadlineMs: null, respond: () => resolve(), fail: reject } as unknown;
          const method = methods.find("/etcdserverpb.KV/Range");
          method?.handle(
            encodeRangeRequest({ ...rangeRequest, serializable }),
            call as Call & StreamingCall,
          );
        });
      }
      expect(asked).toEqual([consistency, "stale"]);
    }
  });
});

const options = { electionMs: 400 };
const leaseOf = (name: string) => ({ leaseDriftPermille: name === "a" ? 10 : null });
const rangeRequest: Omit<RangeRequest, "serializable"> = {
  ...{ key: new TextEncoder().encode("k"), rangeEnd: new Uint8Array(), limit: 0, revision: 0 },
  ...({ sortOrder: "NONE", sortTarget: "KEY" } as const),
  ...{ keysOnly: false, countOnly: false },
  ...{ minModRevision: 0, maxModRevision: 0, minCreateRevision: 0, maxCreateRevision: 0 },
};
