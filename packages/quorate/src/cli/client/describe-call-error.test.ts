import { describe, expect, it } from "vitest";
import { type CallFailure, RpcError, status } from "../../rpc/index.ts";
import { type CliError, describeCliError } from "../cli-error.ts";
import { type CallPurpose, describeCallError } from "./describe-call-error.ts";

/** The texts that a person sees, word for word. */

const sent = { endpoint: "127.0.0.1:2379", wasSent: true };
const unsent = { endpoint: "127.0.0.1:2379", wasSent: false };

async function tell(purpose: CallPurpose, ...attempts: CallFailure[]): Promise<string> {
  return describeCliError(await errorOf(purpose, ...attempts), 80);
}

async function errorOf(purpose: CallPurpose, ...attempts: CallFailure[]): Promise<CliError> {
  const last = attempts.at(-1);
  if (last === undefined) throw new Error("give an attempt");
  return await describeCallError(new RpcError("/kv/put", last, attempts), purpose);
}

function told(code: string, more: object): CallFailure {
  const text = JSON.stringify({
    code,
    outcome: "not-applied",
    hint: "Try again.",
    message: "Cannot propose",
    details: {},
    ...more,
  });
  const trailers = { "quorate-error": text };
  return {
    ...sent,
    kind: "status",
    status: { ...status("unavailable", "etcdserver: x"), trailers },
  };
}

describe("NO_QUORUM", () => {
  const details = { needed: 3, reachable: ["a", "b"], unreachable: ["c", "d", "e"] };

  it("has the arithmetic, the names, the outcome and what to do", async () => {
    expect(await tell("write", told("NO_QUORUM", { details }))).toBe(
      [
        "quorate: NO_QUORUM  2 of 5 voters reachable, 3 needed (a, b up; c, d, e down)",
        "  Your write was not applied. It is safe to retry.",
        "  Start any one of c, d, e.",
        "",
      ].join("\n"),
    );
    expect((await errorOf("write", told("NO_QUORUM", { details }))).exitCode).toBe(3);
  });

  it("tells of each that is down why and since when, as far as it is told", async () => {
    const causes = [
      {
        id: "c",
        address: "10.0.0.3:2380",
        reason: "Cannot connect to 10.0.0.3:2380: nobody listens there (ECONNREFUSED)",
        forMs: 41_200,
      },
      { id: "d", address: "10.0.0.4:2380", reason: null, forMs: 310 },
      { id: "e", address: 7 },
    ];
    const text = await tell("write", told("NO_QUORUM", { details: { ...details, causes } }));
    expect(text.split("\n").slice(1, 4)).toEqual([
      "  c 10.0.0.3:2380  nobody listens there (ECONNREFUSED) for 41 s",
      "  d 10.0.0.4:2380  no connection yet for 310 ms",
      "  Your write was not applied. It is safe to retry.",
    ]);
  });

  it("says nothing of a write to a reader, and knows when all are needed", async () => {
    const all = { needed: 2, reachable: ["a"], unreachable: ["b"] };
    expect(await tell("read", told("NO_QUORUM", { details: all }))).toBe(
      "quorate: NO_QUORUM  1 of 2 voters reachable, 2 needed (a up; b down)\n  Start b.\n",
    );
  });

  it("is an election where enough are up", async () => {
    const enough = { needed: 2, reachable: ["a", "b"], unreachable: ["c"] };
    expect(await tell("read", told("NO_QUORUM", { details: enough }))).toBe(
      "quorate: NO_QUORUM  no leader yet: 2 of 3 voters reachable, 2 needed (a, b up; c\n" +
        "  down)\n  Try again.\n",
    );
  });

  it("falls back to the server's words where the details are of another form", async () => {
    const odd = told("NO_QUORUM", { details: { needed: "two" } });
    expect(await tell("read", odd)).toBe("quorate: NO_QUORUM  Cannot propose\n  Try again.\n");
  });
});

describe("other errors of the server", () => {
  it("keep an unknown outcome apart from a known one", async () => {
    expect(await tell("write", told("TIMEOUT", { outcome: "unknown", hint: "Read first." }))).toBe(
      [
        "quorate: TIMEOUT  Cannot propose",
        "  Your write may or may not have been applied. Read before you repeat it.",
        "  Read first.",
        "",
      ].join("\n"),
    );
  });

  it("have etcd's text, and exit codes by their kind", async () => {
    const fail = (name: Parameters<typeof status>[0]): Promise<CliError> =>
      errorOf("read", { ...sent, kind: "status", status: status(name, "etcdserver: fact") });
    expect(describeCliError(await fail("invalidArgument"), 80)).toBe(
      "quorate: INVALID_ARGUMENT  etcdserver: fact\n",
    );
    expect((await fail("invalidArgument")).exitCode).toBe(1);
    expect((await fail("unavailable")).exitCode).toBe(3);
    expect((await fail("permissionDenied")).exitCode).toBe(4);
    expect((await fail("unauthenticated")).exitCode).toBe(4);
  });

  it("do not trust the trailer", async () => {
    for (const text of ["", "{", "[]", '{"code":1}', '{"code":"X","outcome":"maybe"}']) {
      const trailers = { "quorate-error": text };
      const failure = { ...status("unavailable", "etcdserver: no leader"), trailers };
      expect(await tell("read", { ...sent, kind: "status", status: failure })).toBe(
        "quorate: UNAVAILABLE  etcdserver: no leader\n",
      );
    }
  });
});

describe("a change of the members that is refused", () => {
  const hint = "Start c, or add the new members as learners first.";

  it("has the arithmetic of the preflight, who is missing, and what to do", async () => {
    const unready = [
      { id: "c", why: "silent" },
      { id: "d", why: "behind" },
    ];
    const details = { half: "new", voters: 4, needed: 3, ready: 2, unready };
    expect(await tell("change", told("WOULD_LOSE_QUORUM", { details, hint }))).toBe(
      [
        "quorate: WOULD_LOSE_QUORUM  2 of 4 voters are ready, 3 needed after the change",
        "  (c silent, d behind)",
        "  The members were not changed.",
        "  Start c, or add the new members as learners first.",
        "",
      ].join("\n"),
    );
  });

  it("says once that it was a change, and of an unknown outcome how to look", async () => {
    const message = "Cannot change the members: a member d was removed";
    const removed = told("MEMBER_REMOVED", { message, hint: "Choose another name." });
    expect(await tell("change", removed)).toBe(
      "quorate: MEMBER_REMOVED  a member d was removed\n  The members were not changed.\n" +
        "  Choose another name.\n",
    );
    expect(await tell("change", { ...sent, kind: "deadline", timeoutMs: 5_000 })).toContain(
      "The members may or may not have been changed. See:  quorate member list",
    );
  });
});

describe("no answer", () => {
  it("names each endpoint with its cause", async () => {
    const attempts: CallFailure[] = [
      { ...unsent, kind: "connect", code: "ECONNREFUSED" },
      { ...unsent, endpoint: "10.0.0.9:2379", kind: "connect", code: "CONNECT_TIMEOUT" },
    ];
    expect(await tell("write", ...attempts)).toBe(
      [
        "quorate: UNAVAILABLE  no member answers",
        "  127.0.0.1:2379: nothing listens there (ECONNREFUSED)",
        "  10.0.0.9:2379: no connection (CONNECT_TIMEOUT)",
        "  Your write was not applied. It is safe to retry.",
        "  Start a cluster with:  quorate dev   or name its members with --endpoints.",
        "",
      ].join("\n"),
    );
  });

  it("is an unknown outcome once the request was sent", async () => {
    expect(await tell("write", { ...sent, kind: "connection-lost", code: "ECONNRESET" })).toContain(
      "  Your write may or may not have been applied.",
    );
    expect(await tell("write", { ...sent, kind: "deadline", timeoutMs: 5_000 })).toBe(
      [
        "quorate: TIMEOUT  no answer from 127.0.0.1:2379 within 5000 ms",
        "  Your write may or may not have been applied. Read before you repeat it.",
        "  Give it more time with --command-timeout, or ask another member.",
        "",
      ].join("\n"),
    );
  });
});
