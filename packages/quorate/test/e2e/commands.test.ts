import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Finished,
  findBasePort,
  isAlive,
  type RunningDev,
  runCli,
  startDev,
  waitUntil,
} from "../support/cli.ts";

/** The client commands against three members in memory; the last tests take members away. */

let dev: RunningDev;

beforeAll(async () => {
  dev = await startDev(["--memory", "--base-port", String(await findBasePort())]);
});

afterAll(async () => {
  expect(await dev.stop()).toBe(0);
});

function run(args: readonly string[], input?: string): Promise<Finished> {
  const environment = { QUORATE_ENDPOINTS: dev.endpoints.join(",") };
  return runCli(args, input === undefined ? { environment } : { environment, input });
}

const ok = (stdout: string): Finished => ({ code: 0, stdout, stderr: "" });

describe("put, get and del", () => {
  it("print what etcdctl prints", async () => {
    expect(await run(["put", "greeting", "hello"])).toEqual(ok("OK\n"));
    expect(await run(["put", "greeting", "hallo", "--prev-kv"])).toEqual(
      ok("OK\ngreeting\nhello\n"),
    );
    expect(await run(["get", "greeting"])).toEqual(ok("greeting\nhallo\n"));
    expect(await run(["get", "greeting", "--print-value-only"])).toEqual(ok("hallo\n"));
    expect(await run(["get", "nothing"])).toEqual(ok(""));
    expect(await run(["del", "greeting", "--prev-kv"])).toEqual(ok("1\ngreeting\nhallo\n"));
    expect(await run(["del", "greeting"])).toEqual(ok("0\n"));
  });

  it("take values from stdin and behind --", async () => {
    expect((await run(["put", "file", "-"], "line 1\nline 2\n")).code).toBe(0);
    expect(await run(["get", "file", "--print-value-only"])).toEqual(ok("line 1\nline 2\n\n"));
    expect((await run(["put", "--", "-dash", "--value"])).code).toBe(0);
    expect(await run(["get", "--", "-dash"])).toEqual(ok("-dash\n--value\n"));
    expect(await run(["put", "empty", ""])).toEqual(ok("OK\n"));
    expect(await run(["get", "empty"])).toEqual(ok("empty\n\n"));
  });

  it("know ranges, order, limits and revisions", async () => {
    for (const key of ["r/1", "r/2", "r/3"]) await run(["put", key, `v${key.at(-1)}`]);
    expect(await run(["get", "r/", "--prefix", "--keys-only"])).toEqual(
      ok("r/1\n\nr/2\n\nr/3\n\n"),
    );
    expect(await run(["get", "r/1", "r/3"])).toEqual(ok("r/1\nv1\nr/2\nv2\n"));
    expect(await run(["get", "r/", "--prefix", "--count-only"])).toEqual(ok("3\n"));
    expect(await run(["get", "r/", "--prefix", "--limit", "1", "--order", "DESCEND"])).toEqual(
      ok("r/3\nv3\n"),
    );
    expect(await run(["get", "r/1", "--consistency", "s"])).toEqual(ok("r/1\nv1\n"));
    // What `-o json` prints; the fields are etcdctl's.
    const json = JSON.parse((await run(["get", "r/1", "-o", "json"])).stdout) as {
      kvs: { key: string; mod_revision: number }[];
    };
    expect(json.kvs[0]?.key).toBe("ci8x");
    const revision = json.kvs[0]?.mod_revision ?? 0;
    await run(["put", "r/1", "new"]);
    expect(await run(["get", "r/1", "--rev", String(revision)])).toEqual(ok("r/1\nv1\n"));
    expect(await run(["get", "r/1", "--rev", "1000000"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "quorate: OUT_OF_RANGE  etcdserver: mvcc: required revision is a future revision\n",
    });
    expect(await run(["del", "r/", "--prefix"])).toEqual(ok("3\n"));
  });

  it("refuse with etcd's text, and say the size", async () => {
    const large = await run(["put", "large", "-"], "x".repeat(1_600_000));
    expect(large.code).toBe(1);
    expect(large.stderr).toContain("etcdserver: request is too large");
    const empty = await run(["put", "", "x"]);
    expect(empty).toMatchObject({
      code: 1,
      stderr: "quorate: INVALID_ARGUMENT  etcdserver: key is not provided\n",
    });
  });
});

describe("txn", () => {
  it("runs what holds, and ends with 5 where it does not", async () => {
    const text = 'version("t") = "0"\n\nput t 1\nget t\n\nget t --keys-only\ndel t\n\n';
    expect(await run(["txn"], text)).toEqual(ok("SUCCESS\n\nOK\n\nt\n1\n"));
    expect(await run(["txn"], text)).toEqual({
      code: 5,
      stdout: "FAILURE\n\nt\n\n\n1\n",
      stderr: "",
    });
  });

  it("shows the line that it cannot read, and sends nothing", async () => {
    const bad = await run(["txn"], 'value("a") ~ "0"\n\nput a 1\n\n');
    expect(bad).toMatchObject({ code: 2, stdout: "" });
    expect(bad.stderr).toContain('quorate: cannot read the condition: value("a") ~ "0"');
    const operation = await run(["txn"], "\nputt a 1\n\n");
    expect(operation.stderr).toContain("cannot read the operation: putt a 1: it is none of");
    expect(await run(["get", "a"])).toEqual(ok(""));
  });
});

describe("member list and status", () => {
  it("show all members from any one", async () => {
    for (const endpoint of dev.endpoints) {
      const { stdout } = await run(["status", "--endpoints", endpoint]);
      const lines = stdout.trimEnd().split("\n");
      expect(lines[0]).toMatch(
        /^NAME +CLIENT +ROLE +TERM +INDEX\/APPLIED +DB SIZE +VERSION +LATENCY$/,
      );
      expect(lines).toHaveLength(4);
      expect(lines.filter((line) => / leader /.test(line))).toHaveLength(1);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    }
    const { stdout } = await run(["member", "list"]);
    const { name, peerUrl, clientUrl } = dev.members[1] ?? {};
    expect(stdout).toMatch(
      new RegExp(`^[0-9a-f]{1,16}, started, ${name}, ${peerUrl}, ${clientUrl}, false$`, "m"),
    );
    const json = await run(["member", "list", "-o", "json"]);
    expect(json.stdout).toMatch(/"members":\[\{"ID":\d+,"name":"[abc]"/);
  });
});

describe("the wrong place", () => {
  it("a peer port is told apart, with the client port", async () => {
    const peer = dev.members[0]?.peerUrl.replace("http://", "") ?? "";
    const answer = await run(["get", "a", "--endpoints", peer]);
    expect(answer.code).toBe(3);
    const client = dev.endpoints[0] ?? "";
    expect(answer.stderr.replace(/\s+/g, " ")).toBe(
      `quorate: UNAVAILABLE ${peer} answered with the peer protocol. Clients use ` +
        `${client.split(":")[1]}. Did you mean --endpoints ${client}? `,
    );
  });

  it("endpoints on which nothing listens are all named; the next one is tried", async () => {
    const closed = await findBasePort(2);
    const endpoints = `127.0.0.1:${closed},127.0.0.1:${closed + 10}`;
    expect(await run(["put", "a", "1", "--endpoints", endpoints])).toEqual({
      code: 3,
      stdout: "",
      stderr:
        "quorate: UNAVAILABLE  no member answers\n" +
        `  127.0.0.1:${closed}: nothing listens there (ECONNREFUSED)\n` +
        `  127.0.0.1:${closed + 10}: nothing listens there (ECONNREFUSED)\n` +
        "  Your write was not applied. It is safe to retry.\n" +
        "  Start a cluster with:  quorate dev   or name its members with --endpoints.\n",
    });
    const tried = await run(["put", "a", "1", "--endpoints", `${endpoints},${dev.endpoints[0]}`]);
    expect(tried).toEqual(ok("OK\n"));
  });

  it("endpoints that cannot be read", async () => {
    const answer = await run(["get", "a", "--endpoints", "127.0.0.1:x"]);
    expect(answer.code).toBe(2);
    expect(answer.stderr).toContain('Cannot use endpoint "127.0.0.1:x"');
  });
});

describe("without a majority", () => {
  it("says NO_QUORUM with the arithmetic and the names, and ends with 3", async () => {
    const [left, ...others] = dev.members;
    for (const { pid } of others) process.kill(pid, "SIGKILL");
    for (const { pid } of others) await waitUntil(() => !isAlive(pid));
    const endpoint = left?.clientUrl ?? "";
    const names = others.map(({ name }) => name).join(", ");
    const isKnown = async (): Promise<boolean> => {
      const { stderr } = await run([
        "get",
        "a",
        "--endpoints",
        endpoint,
        "--command-timeout",
        "500ms",
      ]);
      return stderr.includes(`${names} down`);
    };
    await waitUntil(isKnown);
    const put = await run(["put", "a", "2", "--endpoints", endpoint, "--command-timeout", "1s"]);
    expect(put).toMatchObject({ code: 3, stdout: "" });
    const [first, ...lines] = put.stderr.split("\n");
    expect(first).toBe(
      `quorate: NO_QUORUM  1 of 3 voters reachable, 2 needed (a up; ${names} down)`,
    );
    const peers = others.map(({ name, peerUrl }) => `  ${name} ${new URL(peerUrl).host}  `);
    // As the connection broke, or as the last dial was refused: whichever was the last news.
    for (const [at, peer] of peers.entries()) {
      expect(lines[at]).toMatch(/ {2}\S.* for \d+ m?s$/);
      expect(lines[at]?.startsWith(peer)).toBe(true);
    }
    expect(lines.slice(peers.length)).toEqual([
      "  Your write was not applied. It is safe to retry.",
      `  Start any one of ${names}.`,
      "",
    ]);
    const stale = await run(["get", "empty", "--endpoints", endpoint, "--serializable"]);
    expect(stale).toEqual(ok("empty\n\n"));
    const status = await run(["status", "--endpoints", endpoint]);
    expect(status.code).toBe(3);
    expect(status.stdout).toContain(`${others[0]?.name}: nothing listens there (ECONNREFUSED)`);
  });
});
