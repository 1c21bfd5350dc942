import { describe, expect, it } from "vitest";
import {
  addressOfUrl,
  checkServerOptions,
  defaultServerOptions,
  parseInitialCluster,
  type ServerOptions,
} from "./options.ts";

const three: ServerOptions = {
  ...defaultServerOptions,
  name: "b",
  listenPeerUrls: ["http://10.0.0.2:2380"],
  initialAdvertisePeerUrls: ["http://10.0.0.2:2380"],
  initialCluster: "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380",
};

describe("the flags of a server", () => {
  it("name the members and their peer addresses", () => {
    expect(checkServerOptions(three)).toEqual({
      a: "10.0.0.1:2380",
      b: "10.0.0.2:2380",
      c: "10.0.0.3:2380",
    });
    expect(checkServerOptions(defaultServerOptions)).toEqual({ default: "localhost:2380" });
    expect(parseInitialCluster("a=http://[::1]:2380")).toEqual({ a: "[::1]:2380" });
    expect(addressOfUrl("--listen-peer-urls", "http://host")).toBe("host:80");
  });

  it.each([
    [{ name: "x" }, "--name x: --initial-cluster names a, b, c, and not this member"],
    [{ initialCluster: "a" }, '"a" is not name=url'],
    [{ initialCluster: "b=http://10.0.0.2:1,b=http://10.0.0.2:2" }, "the member b is named twice"],
    [{ initialCluster: "b=https://10.0.0.2:2380" }, "does not serve TLS yet"],
    [{ initialCluster: "b=tcp://10.0.0.2:2380" }, "its scheme is tcp:"],
    [{ initialCluster: "b=http://10.0.0.2:2380/raft" }, "more than a host and a port"],
    [{ initialCluster: "b=10.0.0.2" }, "it is no URL"],
    [
      { initialAdvertisePeerUrls: ["http://10.0.0.9:2380"] },
      "--initial-cluster says 10.0.0.2:2380 for b",
    ],
    [{ listenPeerUrls: [] }, "one is needed, and one only"],
    [{ listenClientUrls: [] }, "one is needed"],
    [{ heartbeatMs: 300 }, "at least five times --heartbeat-interval (300)"],
  ])("are refused where they contradict each other: %j", (changes, fact) => {
    const check = () => checkServerOptions({ ...three, ...changes });
    expect(check).toThrowError(fact);
    expect(check).toThrowError(expect.objectContaining({ code: "BAD_CONFIG" }));
  });
});
