import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planLayout, saveLayout } from "./data-folder.ts";
import { createLayout, formatLayout, nodesMax, parseLayout } from "./layout.ts";

const nothing = { nodes: null, basePort: null };

describe("createLayout", () => {
  it("has etcd's customary ports", () => {
    expect(createLayout(3, null).map(({ clientPort, peerPort }) => [clientPort, peerPort])).toEqual(
      [
        [2379, 2380],
        [22379, 22380],
        [32379, 32380],
      ],
    );
  });

  it("counts from a base port", () => {
    expect(createLayout(2, 4_000)).toEqual([
      { name: "a", clientPort: 4_000, peerPort: 4_001 },
      { name: "b", clientPort: 4_010, peerPort: 4_011 },
    ]);
  });

  it("gives all members ports of their own that exist", () => {
    const ports = createLayout(nodesMax, null).flatMap(({ clientPort, peerPort }) => [
      clientPort,
      peerPort,
    ]);
    expect(new Set(ports).size).toBe(2 * nodesMax);
    expect(Math.max(...ports)).toBeLessThanOrEqual(65_535);
  });

  it("is read back from its file, and nothing else is", () => {
    const layout = createLayout(5, null);
    expect(parseLayout(formatLayout(layout))).toEqual(layout);
    for (const text of ["", "{}", "[]", '{"members":[]}', '{"members":[{"name":"a"}]}']) {
      expect(parseLayout(text)).toBeNull();
    }
  });
});

describe("the folder", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "quorate-dev-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("takes what the flags say while it is new, and writes nothing by planning", () => {
    expect(planLayout(folder, nothing)).toEqual(createLayout(3, null));
    expect(planLayout(folder, { nodes: 5, basePort: 4_000 })).toEqual(createLayout(5, 4_000));
  });

  it("remembers, and refuses flags that say otherwise", () => {
    saveLayout(join(folder, "deep/er"), createLayout(3, 4_000));
    const plan = (nodes: number | null, basePort: number | null): unknown =>
      planLayout(join(folder, "deep/er"), { nodes, basePort });
    for (const same of [plan(null, null), plan(3, null), plan(null, 4_000), plan(3, 4_000)]) {
      expect(same).toEqual(createLayout(3, 4_000));
    }
    expect(() => plan(5, null)).toThrow("holds a cluster of 3 with the client ports 4000, 4010");
    expect(() => plan(null, 5_000)).toThrow("the flags ask for another one");
  });

  it("is refused where its file is not ours, or it cannot be written", () => {
    writeFileSync(join(folder, "dev.json"), "hello");
    expect(() => planLayout(folder, nothing)).toThrow("dev.json is not what quorate dev writes");
    const file = join(folder, "dev.json");
    expect(() => saveLayout(join(file, "below"), createLayout(1, null))).toThrow(
      /cannot use the data folder .*dev\.json\/below: ENOTDIR/,
    );
  });
});
