import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { defaultServerOptions, type ServerOptions } from "../server/index.ts";
import { addServerFlags, createServerOptions, type ServerFlags } from "./server-flags.ts";

function parse(...args: string[]): ServerOptions {
  const command = addServerFlags(new Command("server").exitOverride());
  return createServerOptions(command.parse(args, { from: "user" }).opts<ServerFlags>());
}

describe("the flags of a member", () => {
  it("have etcd's defaults", () => {
    expect(parse()).toEqual(defaultServerOptions);
  });

  it("follow from each other", () => {
    const options = parse("--name", "a", "--listen-peer-urls", "http://127.0.0.1:7001");
    expect(options).toMatchObject({
      dataDir: "a.quorate",
      initialAdvertisePeerUrls: ["http://127.0.0.1:7001"],
      initialCluster: "a=http://127.0.0.1:7001",
    });
    const clients = parse("--listen-client-urls", "http://a:1,http://b:2", "--memory");
    expect(clients).toMatchObject({
      dataDir: null,
      listenClientUrls: ["http://a:1", "http://b:2"],
      advertiseClientUrls: ["http://a:1", "http://b:2"],
    });
  });

  it("are ours for what etcd does not have: who leads, and how it reads", () => {
    expect(parse("--priority", "0", "--lease-reads", "10")).toMatchObject({
      ...{ priority: 0, leaseDriftPermille: 10, repairs: true },
    });
    expect(parse("--no-repair").repairs).toBe(false);
    for (const args of [
      ["--priority", "11"],
      ["--priority", "high"],
      ["--lease-reads", "0"],
      ["--lease-reads", "201"],
    ]) {
      expect(() => parse(...args)).toThrow("Write a whole number from");
    }
    process.env["QUORATE_LEASE_READS"] = "20";
    process.env["QUORATE_PRIORITY"] = "3";
    process.env["QUORATE_NO_REPAIR"] = "1";
    try {
      expect(parse()).toMatchObject({ priority: 3, leaseDriftPermille: 20, repairs: false });
      expect(parse("--priority", "2")).toMatchObject({ priority: 2 });
    } finally {
      delete process.env["QUORATE_LEASE_READS"];
      delete process.env["QUORATE_PRIORITY"];
      delete process.env["QUORATE_NO_REPAIR"];
    }
  });

  it("are taken from the environment where they are not given", () => {
    const before = process.env["ETCD_ELECTION_TIMEOUT"];
    process.env["ETCD_ELECTION_TIMEOUT"] = "3000";
    try {
      expect(parse().electionMs).toBe(3_000);
      expect(parse("--election-timeout", "2000").electionMs).toBe(2_000);
    } finally {
      if (before === undefined) delete process.env["ETCD_ELECTION_TIMEOUT"];
      else process.env["ETCD_ELECTION_TIMEOUT"] = before;
    }
  });
});
