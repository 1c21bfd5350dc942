/** Servers in this process, over loopback: their members change through both services. */
import { silentLogger } from "@quorate/raft";
import { afterEach, describe, expect, it } from "vitest";
import { freePorts } from "../../../raft/test/support/free-ports.ts";
import { until } from "../../../raft/test/support/wait.ts";
import {
  type ClusterMember,
  decodeMemberAddResponse,
  decodeMemberListResponse,
  decodeOperatorResponse,
  encodeMemberAddRequest,
  encodeMemberListRequest,
  encodeMemberPromoteRequest,
  encodeMemberRemoveRequest,
  encodeMemberUpdateRequest,
  encodeOperatorRequest,
  type OperatorMember,
  type OperatorRequest,
} from "../proto/index.ts";
import { createClient, RpcError, statusNameOf } from "../rpc/index.ts";
import { defaultServerOptions, type ServerOptions } from "./options.ts";
import { type QuorateServer, startServer } from "./server.ts";
import { planStart } from "./start-plan.ts";

const started: QuorateServer[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

function optionsOf(name: string, port: number, more: Partial<ServerOptions>): ServerOptions {
  const peerUrls = [`http://127.0.0.1:${port}`];
  return {
    ...defaultServerOptions,
    ...{ name, dataDir: null, listenPeerUrls: peerUrls, initialAdvertisePeerUrls: peerUrls },
    ...{ listenClientUrls: ["http://127.0.0.1:0"], heartbeatMs: 20, electionMs: 200 },
    initialCluster: `${name}=http://127.0.0.1:${port}`,
    ...more,
  };
}

async function launch(
  name: string,
  port: number,
  more: Partial<ServerOptions> = {},
): Promise<QuorateServer> {
  const server = await startServer(optionsOf(name, port, more), silentLogger);
  started.push(server);
  return server;
}

async function call(server: QuorateServer, path: string, request: Uint8Array): Promise<Uint8Array> {
  const client = createClient(server.clientUrls);
  try {
    return (await client.unary(path, request, { timeoutMs: 5_000, idempotent: true })).message;
  } finally {
    client.close();
  }
}

function cluster(server: QuorateServer, method: string, request: Uint8Array): Promise<Uint8Array> {
  return call(server, `/etcdserverpb.Cluster/${method}`, request);
}

/** `code: text` of what is refused. */
async function refusal(done: Promise<unknown>): Promise<string> {
  try {
    await done;
    return "nothing was refused";
  } catch (error) {
    if (!(error instanceof RpcError) || error.failure.kind !== "status") throw error;
    const { code, message } = error.failure.status;
    return `${statusNameOf(code)}: ${message.replace("etcdserver: ", "")}`;
  }
}

async function listed(server: QuorateServer, linearizable = false): Promise<ClusterMember[]> {
  const request = encodeMemberListRequest({ linearizable });
  return decodeMemberListResponse(await cluster(server, "MemberList", request)).members;
}

async function add(server: QuorateServer, port: number, isLearner = false): Promise<ClusterMember> {
  const request = { peerURLs: [`http://127.0.0.1:${port}`], isLearner };
  const answer = await cluster(server, "MemberAdd", encodeMemberAddRequest(request));
  const { member, members } = decodeMemberAddResponse(answer);
  if (member === null) throw new Error("no member in the answer");
  expect(members).toContainEqual(member);
  return member;
}

const remove = (server: QuorateServer, ID: bigint): Promise<Uint8Array> =>
  cluster(server, "MemberRemove", encodeMemberRemoveRequest({ ID }));
const promote = (server: QuorateServer, ID: bigint): Promise<Uint8Array> =>
  cluster(server, "MemberPromote", encodeMemberPromoteRequest({ ID }));

async function operate(
  server: QuorateServer,
  request: Partial<OperatorRequest>,
): Promise<OperatorMember[]> {
  const empty = { member: "", newMember: "", address: "", addAs: "PROMOTED_LEARNER" } as const;
  const bytes = encodeOperatorRequest({ change: "LIST", ...empty, ...request });
  return decodeOperatorResponse(await call(server, "/quorate.Members/Do", bytes)).members;
}

async function rolesOf(server: QuorateServer): Promise<string> {
  const members = await operate(server, {});
  const names = members.map(({ name, role }) => `${name} ${role.toLowerCase()}`);
  return names.sort().join(", ");
}

const hasRoles = (server: QuorateServer, roles: string): Promise<boolean> =>
  until(async () => (await rolesOf(server)) === roles);

describe("etcd's Cluster service", () => {
  it("announces a member; started with `existing` it is that one, and votes", async () => {
    const [pa = 0, pd = 0] = await freePorts(2);
    const a = await launch("a", pa);
    const added = await until(() => add(a, pd));
    const { ID } = added;
    const urls = [`http://127.0.0.1:${pd}`];
    expect(added).toEqual({ ID, name: "", peerURLs: urls, clientURLs: [], isLearner: true });
    expect(await refusal(add(a, pd))).toBe("failedPrecondition: Peer URLs already exists");
    const initialCluster = `a=http://127.0.0.1:${pa},d=http://127.0.0.1:${pd}`;
    const d = await launch("d", pd, { initialCluster, initialClusterState: "existing" });
    expect(d.node.id).toBe(`at-127.0.0.1-${pd}`);
    expect(await hasRoles(a, "a voter, d voter")).toBe(true);
    const found = (await listed(a, true)).find((member) => member.ID === ID);
    expect(found).toMatchObject({
      name: "d",
      isLearner: false,
      clientURLs: ["http://localhost:2379"],
    });
    expect(await listed(d, true)).toEqual(await listed(a, true));

    expect(await refusal(promote(a, ID))).toBe(
      "failedPrecondition: can only promote a learner member",
    );
    await remove(a, ID);
    expect((await listed(a)).map(({ name }) => name)).toEqual(["a"]);
    expect(await d.ended).toMatchObject({ code: "MEMBER_REMOVED" });
    expect(await refusal(remove(a, ID))).toBe("notFound: member not found");
    const again = await add(a, pd);
    expect(again.ID).not.toBe(ID);
    expect((await operate(a, {})).map(({ id }) => id)).toContain(`at-127.0.0.1-${pd}.2`);
  });

  it("keeps learners, corrects their addresses, and promotes them when asked", async () => {
    const [pa = 0, wrong = 0, pd = 0] = await freePorts(3);
    const a = await launch("a", pa);
    const { ID } = await until(() => add(a, wrong, true));
    expect(await refusal(promote(a, ID))).toBe(
      "failedPrecondition: can only promote a learner member which is in sync with leader",
    );
    const update = (peerURLs: string[]): Promise<Uint8Array> =>
      cluster(a, "MemberUpdate", encodeMemberUpdateRequest({ ID, peerURLs }));
    for (const bad of [[], ["tcp://127.0.0.1:1"], ["http://h:1", "http://h:2"]]) {
      expect(await refusal(update(bad))).toBe("invalidArgument: given member URLs are invalid");
    }
    const peerURLs = [`http://127.0.0.1:${pd}`];
    await update(peerURLs);
    expect((await listed(a)).find((member) => member.ID === ID)?.peerURLs).toEqual(peerURLs);
    const initialCluster = `a=http://127.0.0.1:${pa},d=http://127.0.0.1:${pd}`;
    const d = await launch("d", pd, { initialCluster, initialClusterState: "existing" });
    await until(() => promote(d, ID));
    expect(await hasRoles(d, "a voter, d voter")).toBe(true);
  });

  it("lets a leader remove itself, and answers it", async () => {
    const [pa = 0, pb = 0] = await freePorts(2);
    const initialCluster = `a=http://127.0.0.1:${pa},b=http://127.0.0.1:${pb}`;
    const both = await Promise.all([
      launch("a", pa, { initialCluster }),
      launch("b", pb, { initialCluster }),
    ]);
    const leader = await until(
      () => both.find(({ node }) => node.status().role === "leader") ?? null,
    );
    const other = both.find((server) => server !== leader);
    if (other === undefined) throw new Error("there are two");
    await until(async () => (await rolesOf(other)) === "a voter, b voter");
    await operate(leader, { change: "REMOVE", member: leader.node.id });
    expect(await leader.ended).toMatchObject({ code: "MEMBER_REMOVED" });
    expect(await hasRoles(other, `${other.node.id} voter`)).toBe(true);
  });
});

describe("quorate.Members", () => {
  it("adds by name in either order, replaces, demotes; members are named or by id", async () => {
    const [pa = 0, pd = 0, pe = 0] = await freePorts(3);
    const a = await launch("a", pa);
    const join = [`127.0.0.1:${pa}`];
    await until(() => launch("d", pd, { join }));
    const address = `127.0.0.1:${pd}`;
    const afterAdd = await operate(a, { change: "ADD", member: "d", address });
    expect(afterAdd.map(({ id }) => id)).toContain("d");
    expect(await hasRoles(a, "a voter, d voter")).toBe(true);
    expect(await operate(a, { change: "ADD", member: "d", address })).toHaveLength(2);
    expect(await refusal(operate(a, { change: "ADD", member: "a", address }))).toBe(
      "failedPrecondition: member ID already exist",
    );
    const replace = { change: "REPLACE", member: "d", newMember: "e" } as const;
    const afterReplace = await operate(a, { ...replace, address: `127.0.0.1:${pe}` });
    expect(afterReplace.find(({ id }) => id === "e")).toMatchObject({
      ...{ role: "LEARNER", isWaiting: true, replaces: "d", isStarted: false },
    });
    await launch("e", pe, { join });
    expect(await hasRoles(a, "a voter, e voter")).toBe(true);
    const hex = (await operate(a, {})).find(({ id }) => id === "e")?.ID.toString(16) ?? "";
    await operate(a, { change: "DEMOTE", member: hex });
    expect(await rolesOf(a)).toBe("a voter, e learner");
    await until(() => operate(a, { change: "PROMOTE", member: "e" }));
    expect(await rolesOf(a)).toBe("a voter, e voter");
  });

  it("refuses what the cluster could not bear, with the arithmetic", async () => {
    const [pa = 0, pd = 0] = await freePorts(2);
    const a = await launch("a", pa);
    const request = { change: "ADD", member: "d", address: `127.0.0.1:${pd}` } as const;
    const voter = await until(() => operate(a, { ...request, addAs: "VOTER" }).catch(toldOf));
    expect(voter).toMatchObject({
      code: "WOULD_LOSE_QUORUM",
      message:
        "Cannot change the members: 2 of the 2 voters after the change must be ready, and 1 are: " +
        "d is silent",
      details: {
        half: "new",
        voters: 2,
        needed: 2,
        ready: 1,
        unready: [{ id: "d", why: "silent" }],
      },
    });
    expect(await rolesOf(a)).toBe("a voter");
  });
});

/** What the server tells beside etcd's error; null while it has no leader. */
function toldOf(error: unknown): unknown {
  if (!(error instanceof RpcError) || error.failure.kind !== "status") throw error;
  const told: { code: string } = JSON.parse(error.failure.status.trailers?.["quorate-error"] ?? "");
  return told.code === "NO_QUORUM" ? null : told;
}

describe("a start with --initial-cluster-state existing", () => {
  it("is refused where nobody was added at the address, or another one", async () => {
    const [pa = 0, pd = 0] = await freePorts(2);
    const a = await launch("a", pa);
    const initialCluster = `a=http://127.0.0.1:${pa},d=http://127.0.0.1:${pd}`;
    const options = optionsOf("d", pd, { initialCluster, initialClusterState: "existing" });
    await expect(planStart(options)).rejects.toMatchObject({
      code: "BAD_CONFIG",
      message:
        "Cannot start with --initial-cluster-state existing: nobody was added at " +
        `127.0.0.1:${pd} (there are a at 127.0.0.1:${pa})`,
      hint: `Run: quorate member add d --address 127.0.0.1:${pd}`,
    });
    const request = { change: "ADD", member: "e", address: `127.0.0.1:${pd}` } as const;
    await until(() => operate(a, request));
    await expect(planStart(options)).rejects.toMatchObject({
      message: `Cannot start with --name d: the member at 127.0.0.1:${pd} was added as e`,
    });
    const wiped = `a=http://127.0.0.1:${pa},x=http://localhost:${pa}`;
    const inPlace = optionsOf("a", pa, {
      ...{ initialCluster: wiped, initialClusterState: "existing" },
    });
    await expect(planStart(inPlace)).rejects.toMatchObject({
      message:
        "Cannot start with --data-dir (memory): member a votes in the cluster already, and the " +
        "directory is empty",
      hint: "Run: quorate member replace a NEW --address HOST:PORT",
    });
    const named = { ...options, name: "e", initialCluster: initialCluster.replace("d=", "e=") };
    expect(await planStart(named)).toMatchObject({ id: "e", join: [`127.0.0.1:${pa}`] });
  });

  it("says whom it asked where nobody answers", async () => {
    const [pa = 0, pd = 0] = await freePorts(2);
    const initialCluster = `a=http://127.0.0.1:${pa},d=http://127.0.0.1:${pd}`;
    const options = optionsOf("d", pd, { initialCluster, initialClusterState: "existing" });
    await expect(planStart(options, 1)).rejects.toMatchObject({
      code: "CANNOT_JOIN",
      message: expect.stringContaining(`127.0.0.1:${pa}`),
    });
  });
});
