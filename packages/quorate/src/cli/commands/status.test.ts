import { describe, expect, it } from "vitest";
import type { MemberReport } from "../client/member-report.ts";
import { formatBytes, formatStatus, isAvailable } from "./status.ts";

function report(
  name: string,
  role: "leader" | "follower" | "no leader",
  port: number,
): MemberReport {
  return {
    name,
    clientUrl: `http://127.0.0.1:${port}`,
    peerUrl: `http://127.0.0.1:${port + 1}`,
    isVoter: true,
    answer: {
      kind: "status",
      status: {
        role,
        term: 12,
        index: 123_456,
        applied: 123_456,
        dbSizeBytes: 20_480,
        version: "0.1.0",
        latencyMs: 0.84,
      },
    },
  };
}

function down(name: string): MemberReport {
  const answer = { kind: "unreachable" as const, reason: "nothing listens there (ECONNREFUSED)" };
  const urls = { clientUrl: "http://127.0.0.1:32379", peerUrl: "http://127.0.0.1:32380" };
  return { name, ...urls, isVoter: true, answer };
}

describe("formatStatus", () => {
  it("is one table in 80 columns, with the reasons below", () => {
    const reports = [report("a", "leader", 2379), report("b", "follower", 22379), down("c")];
    expect(formatStatus(reports, 80)).toBe(
      [
        "NAME  CLIENT           ROLE      TERM  INDEX/APPLIED  DB SIZE  VERSION  LATENCY",
        "a     127.0.0.1:2379   leader      12  123456/123456    20 kB  0.1.0     0.8 ms",
        "b     127.0.0.1:22379  follower    12  123456/123456    20 kB  0.1.0     0.8 ms",
        "c     127.0.0.1:32379  down         -              -        -  -              -",
        "",
        "c: nothing listens there (ECONNREFUSED)",
        "",
      ].join("\n"),
    );
  });
});

describe("isAvailable", () => {
  it("wants a majority, and a leader among it", () => {
    const leader = report("a", "leader", 1);
    const follower = report("b", "follower", 2);
    const lost = report("b", "no leader", 3);
    expect(isAvailable([leader, follower, down("c")])).toBe(true);
    expect(isAvailable([leader, down("b"), down("c")])).toBe(false);
    expect(isAvailable([leader, down("b")])).toBe(false);
    expect(isAvailable([lost, lost, down("c")])).toBe(false);
    expect(isAvailable([])).toBe(false);
    const learners = ["d", "e", "f"].map((name) => ({ ...down(name), isVoter: false }));
    expect(isAvailable([leader, follower, down("c"), ...learners])).toBe(true);
  });
});

describe("formatBytes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [20_480, "20 kB"],
    [999_499, "999 kB"],
    [999_500, "1.0 MB"],
    [2_147_483_648, "2.1 GB"],
    [5e15, "5000 TB"],
  ])("%i is %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
