import { describe, expect, it } from "vitest";
import { createColours, noColours } from "../output/colours.ts";
import { columnsOf } from "../output/wrap.ts";
import { type Banner, formatBanner } from "./banner.ts";

const banner: Banner = {
  version: "0.1.0",
  readyMs: 1_312.4,
  members: [
    { name: "a", clientUrl: "http://127.0.0.1:2379", role: "follower", pid: 4_194_301 },
    { name: "b", clientUrl: "http://127.0.0.1:22379", role: "leader", pid: 4_194_302 },
    { name: "c", clientUrl: "http://127.0.0.1:32379", role: "follower", pid: 4_194_303 },
  ],
  dataDir: ".quorate/dev",
  hasKeys: true,
  command: "quorate",
};

describe("formatBanner", () => {
  it("shows all at one glance, and last what to do next", () => {
    expect(formatBanner(banner, noColours)).toBe(
      [
        "",
        "  quorate 0.1.0  3 members ready in 1,312 ms",
        "",
        "  a  http://127.0.0.1:2379   follower  pid 4194301",
        "  b  http://127.0.0.1:22379  leader    pid 4194302",
        "  c  http://127.0.0.1:32379  follower  pid 4194303",
        "",
        "  data  .quorate/dev",
        "  keys  k kill the leader   r restart it   l logs   h help   q quit",
        "",
        "  try   quorate put hello world",
        "        etcdctl put hello world",
        "",
        "",
      ].join("\n"),
    );
  });

  it("has no keys without a terminal, no restart in memory, and names other ports", () => {
    const member = { name: "a", clientUrl: "http://127.0.0.1:4000", role: "leader", pid: 1 };
    const memory = { ...banner, members: [member], dataDir: null, command: "npx quorate" };
    expect(formatBanner({ ...memory, hasKeys: false }, noColours)).toBe(
      [
        "",
        "  quorate 0.1.0  1 member ready in 1,312 ms",
        "",
        "  a  http://127.0.0.1:4000  leader  pid 1",
        "",
        "  data  memory, gone on exit",
        "",
        "  try   npx quorate --endpoints 127.0.0.1:4000 put hello world",
        "        etcdctl --endpoints 127.0.0.1:4000 put hello world",
        "",
        "",
      ].join("\n"),
    );
    expect(formatBanner(memory, noColours)).not.toContain("restart");
  });

  it("fits 80 columns with colours, and is the same text", () => {
    const coloured = formatBanner(banner, createColours(true, {}));
    expect(coloured).toContain("\u001b[");
    for (const line of coloured.split("\n")) expect(columnsOf(line)).toBeLessThanOrEqual(80);
    expect(formatBanner(banner, createColours(true, { NO_COLOR: "1" }))).not.toContain("\u001b");
    expect(formatBanner(banner, createColours(false, {}))).not.toContain("\u001b");
  });
});
