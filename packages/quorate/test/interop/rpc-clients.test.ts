import { execFile } from "node:child_process";
import { Etcd3, EtcdLeaseInvalidError, GRPCUnavailableError } from "etcd3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pathOfProgram, requireProgram } from "../../../../tools/debian-programs.ts";
import {
  decodeDeleteRangeRequest,
  decodePutRequest,
  decodeRangeRequest,
  decodeTxnRequest,
  encodeDeleteRangeResponse,
  encodeMemberListResponse,
  encodePutResponse,
  encodeRangeResponse,
  encodeStatusResponse,
  encodeTxnResponse,
  type KeyValue,
  type ResponseHeader,
  type TxnRequest,
} from "../../src/proto/index.ts";
import { type Call, MethodTable, status } from "../../src/rpc/index.ts";
import { type EchoServer, noLoad, startEchoServer } from "../rpc/echo-server.ts";

/**
 * Real clients against the codecs and the transport alone: behind them stands a map, so that a
 * failure here is one of these two rooms.
 */

const header: ResponseHeader = {
  clusterId: 14_841_639_068_965_178_418n,
  memberId: 10_276_657_743_932_975_437n,
  revision: 7,
  raftTerm: 2,
};

let server: EchoServer;
let client: Etcd3;
let store: Map<string, KeyValue>;
let lastTxn: TxnRequest | null;

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function put(request: Uint8Array, call: Call): void {
  const { key, value, lease } = decodePutRequest(request);
  const name = textOf(key);
  if (name === "down") {
    call.fail(status("unavailable", "etcdserver: no leader"));
  } else if (lease === 404n) {
    call.fail(status("notFound", "etcdserver: requested lease not found"));
  } else {
    // Copies: the views would keep the whole request.
    const kept = { key: key.slice(), value: value.slice(), lease };
    store.set(name, { ...kept, createRevision: 2, modRevision: 7, version: 1 });
    call.respond(encodePutResponse({ header, prevKv: null }));
  }
}

function range(request: Uint8Array, call: Call): void {
  const { key, rangeEnd } = decodeRangeRequest(request);
  const all = rangeEnd.length > 0;
  const kvs = [...store.values()].filter((kv) => all || textOf(kv.key) === textOf(key));
  call.respond(encodeRangeResponse({ header, kvs, more: false, count: kvs.length }));
}

function deleteRange(request: Uint8Array, call: Call): void {
  const { key } = decodeDeleteRangeRequest(request);
  const deleted = store.delete(textOf(key)) ? 1 : 0;
  call.respond(encodeDeleteRangeResponse({ header, deleted, prevKvs: [] }));
}

function txn(request: Uint8Array, call: Call): void {
  lastTxn = decodeTxnRequest(request);
  const responses = [
    { kind: "put" as const, response: { header: null, prevKv: null } },
    { kind: "range" as const, response: { header: null, kvs: [], more: false, count: 0 } },
  ];
  call.respond(encodeTxnResponse({ header, succeeded: true, responses }));
}

function members(_: Uint8Array, call: Call): void {
  const urls = { peerURLs: ["http://a:2380"], clientURLs: ["http://127.0.0.1:2379"] };
  const member = { ID: header.memberId, name: "n1", ...urls, isLearner: false };
  call.respond(encodeMemberListResponse({ header, members: [member] }));
}

function memberStatus(_: Uint8Array, call: Call): void {
  call.respond(
    encodeStatusResponse({
      header,
      version: "3.4.23",
      dbSize: 20_480,
      leader: header.memberId,
      raftIndex: 9,
      raftTerm: 2,
      raftAppliedIndex: 9,
      errors: [],
      dbSizeInUse: 20_480,
      isLearner: false,
    }),
  );
}

beforeEach(async () => {
  store = new Map();
  lastTxn = null;
  const methods = new MethodTable()
    .register("/etcdserverpb.KV/Put", { kind: "unary", handle: put })
    .register("/etcdserverpb.KV/Range", { kind: "unary", handle: range })
    .register("/etcdserverpb.KV/DeleteRange", { kind: "unary", handle: deleteRange })
    .register("/etcdserverpb.KV/Txn", { kind: "unary", handle: txn })
    .register("/etcdserverpb.Cluster/MemberList", { kind: "unary", handle: members })
    .register("/etcdserverpb.Maintenance/Status", { kind: "unary", handle: memberStatus });
  server = await startEchoServer({ stopGraceMs: 100 }, methods);
  client = new Etcd3({ hosts: `127.0.0.1:${server.port}` });
});

afterEach(async () => {
  client.close();
  await server.stop();
  expect(server.thrown).toEqual([]);
  expect(server.rpc.load()).toEqual(noLoad);
});

describe("the npm client etcd3", () => {
  it("puts, gets and deletes, also a large value", async () => {
    const large = "v".repeat(1_000_000);
    const answer = await client.put("a").value(large).exec();
    expect(answer.header.revision).toBe("7");
    expect(answer.header.cluster_id).toBe(String(header.clusterId));
    expect(await client.get("a").string()).toBe(large);
    expect((await client.delete().key("a")).deleted).toBe("1");
    expect(await client.get("a").string()).toBeNull();
  });

  it("reads many keys with their fields", async () => {
    for (let i = 0; i < 300; i++) await client.put(`k${i}`).value(i);
    const answer = await client.getAll().exec();
    expect(answer.kvs).toHaveLength(300);
    expect(answer.kvs[5]).toMatchObject({ create_revision: "2", mod_revision: "7", lease: "0" });
    expect(answer.count).toBe("300");
  });

  it("sends transactions", async () => {
    const answer = await client
      .if("lock", "Create", "==", 0)
      .and("a", "Value", "!=", "x")
      .then(client.put("lock").value("me"), client.get("lock"))
      .else(client.delete().key("lock"))
      .commit();
    expect(answer.succeeded).toBe(true);
    expect(answer.responses).toHaveLength(2);
    expect(lastTxn).toMatchObject({
      compare: [
        { target: "CREATE", result: "EQUAL", createRevision: 0 },
        { target: "VALUE", result: "NOT_EQUAL", value: new TextEncoder().encode("x") },
      ],
      success: [{ kind: "put" }, { kind: "range" }],
      failure: [{ kind: "delete-range" }],
    });
  });

  it("lists members and status", async () => {
    const { members: list } = await client.cluster.memberList({ linearizable: true });
    expect(list).toMatchObject([{ ID: String(header.memberId), name: "n1" }]);
    expect(await client.maintenance.status()).toMatchObject({
      version: "3.4.23",
      dbSize: "20480",
      raftIndex: "9",
    });
  });

  it("knows our errors by code and text", async () => {
    await expect(once((c) => c.put("a").value("b").lease(404).exec())).rejects.toThrow(
      EtcdLeaseInvalidError,
    );
    await expect(once((c) => c.put("down").value("b").exec())).rejects.toThrow(
      GRPCUnavailableError,
    );
    await expect(once((c) => c.put("a").value("v".repeat(2_100_000)).exec())).rejects.toThrow(
      /received message larger than max \(2100\d+ vs. 2097152\)/,
    );
    await expect(once((c) => c.leaseClient.leaseGrant({ TTL: 5 }))).rejects.toThrow(
      /unknown service etcdserverpb.Lease/,
    );
  });

  it("keeps 500 calls in flight", async () => {
    await Promise.all(Array.from({ length: 500 }, (_, i) => client.put(`k${i}`).value(i)));
    expect(store.size).toBe(500);
  });
});

/** A call with a client of its own: after an error a client stops asking for a while. */
async function once<Result>(call: (fresh: Etcd3) => Promise<Result>): Promise<Result> {
  const fresh = new Etcd3({ hosts: `127.0.0.1:${server.port}` });
  try {
    return await call(fresh);
  } finally {
    fresh.close();
  }
}

const etcdctl = requireProgram("etcdctl");

describe.skipIf(etcdctl.kind === "missing")("etcdctl (Debian package etcd-client)", () => {
  it("puts, gets, lists members and shows the status", async () => {
    expect(await run("put", "a", "1")).toBe("OK\n");
    expect(await run("get", "a")).toBe("a\n1\n");
    expect(await run("member", "list")).toContain("n1, http://a:2380, http://127.0.0.1:2379");
    expect(await run("endpoint", "status")).toContain("3.4.23, 20 kB, true");
    expect(await run("del", "a")).toBe("1\n");
  });
});

function run(...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ETCDCTL_API: "3" };
    const endpoint = `--endpoints=127.0.0.1:${server.port}`;
    execFile(pathOfProgram(etcdctl), [endpoint, ...args], { env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${error.message}\n${stderr}`));
    });
  });
}
