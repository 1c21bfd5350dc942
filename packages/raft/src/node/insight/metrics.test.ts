/** What the metrics hook hears, and that a bad one disturbs nobody. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NodeWorld } from "../../../test/node/node-world.ts";
import { type MetricsHook, metricTable } from "./metrics.ts";

interface Heard {
  readonly counts: Map<string, number>;
  readonly gauges: Map<string, number>;
  readonly observed: Map<string, number[]>;
}

function createCollector(): { hook: MetricsHook; heard: Heard } {
  const heard: Heard = { counts: new Map(), gauges: new Map(), observed: new Map() };
  const keyOf = (name: string, labels: object) => [name, ...Object.values(labels)].join(" ");
  const hook: MetricsHook = {
    count: (name, increase, labels) => {
      const key = keyOf(name, labels);
      heard.counts.set(key, (heard.counts.get(key) ?? 0) + increase);
    },
    gauge: (name, value, labels) => heard.gauges.set(keyOf(name, labels), value),
    observe: (name, value) => {
      heard.observed.set(name, [...(heard.observed.get(name) ?? []), value]);
    },
  };
  return { hook, heard };
}

describe("the metrics hook", () => {
  it("hears every counter, gauge and observation of a life with writes and a lost leader", () => {
    const { hook, heard } = createCollector();
    const world = new NodeWorld({ disk: true, metrics: hook, limits: { stallMs: 50 } }).startAll();
    const first = world.leader();
    for (const text of ["x", "y"]) world.settle(world.propose(first.id, text));
    world.settle(world.read(first.id));
    for (const id of world.ids) if (id !== first.id) world.network.cut(first.id, id);
    world.propose(first.id, "held", 20);
    world.clock.advance(1000);
    world.heal();
    world.clock.advance(3000);
    world.leader().kill();
    world.leader();
    world.start([...world.ids].find((id) => !world.running.has(id)) ?? "a");
    world.clock.advance(500);
    expect(heard.counts.get("commands-count ok")).toBe(2);
    expect(heard.counts.get("commands-count TIMEOUT")).toBe(1);
    expect(heard.observed.get("command-ms")?.every((ms) => ms >= 0.5 && ms < 20)).toBe(true);
    expect(heard.counts.get("elections-count leader-silent")).toBeGreaterThan(0);
    expect(heard.counts.get("messages-sent-count append-entries")).toBeGreaterThan(100);
    expect(heard.observed.get("storage-unit-ms")?.at(0)).toBeGreaterThanOrEqual(0.5);
    expect(heard.gauges.get("voters-count")).toBe(3);
    expect(heard.gauges.get("commit-index")).toBe(world.leader().member.raft.commit);
    const names = new Set(
      [...heard.counts.keys(), ...heard.gauges.keys(), ...heard.observed.keys()].map(
        (key) => key.split(" ")[0],
      ),
    );
    const missing = Object.keys(metricTable).filter((name) => !names.has(name));
    // A refusal needs a foreign member; snapshots and damage have tests of their own.
    const others = missing.filter((name) => !name.startsWith("snapshot"));
    expect(others).toEqual(["refusals-count", "disk-damages-count"]);
  });

  it("that throws is told once, and the member goes on", () => {
    let calls = 0;
    const fail = () => {
      calls++;
      throw new Error("the collector's own fault");
    };
    const metrics = { count: fail, gauge: fail, observe: fail };
    const world = new NodeWorld({ members: ["a"], metrics });
    const one = world.start("a");
    world.leader();
    expect(world.settle(world.propose("a", "x")).error).toBeNull();
    expect(calls).toBe(1);
    expect(one.log.filter((line) => line.includes("the collector's own fault"))).toHaveLength(1);
  });

  it("has every name in the manual, with kind and labels, and no other", () => {
    const manual = readFileSync(
      new URL("../../../../../docs/operating.md", import.meta.url),
      "utf8",
    );
    const section = manual.split("## Metrics\n")[1]?.split("\n## ")[0] ?? "";
    const rows = [...section.matchAll(/^\| `([\w-]+)`((?: `\w+`)?) \| (\w+) \|/gm)];
    const told = rows.map(
      ([, name, label, kind]) => `${name}${label?.replaceAll("`", "")} ${kind}`,
    );
    const table = Object.entries(metricTable).map(([name, { kind, labels }]) =>
      [name, ...labels, kind].join(" "),
    );
    expect(told).toEqual(table);
  });
});
