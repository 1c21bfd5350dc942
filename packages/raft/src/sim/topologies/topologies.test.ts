import { describe, expect, it } from "vitest";
import { Checker } from "../checker/index.ts";
import { createEvaluations } from "../violation.ts";
import { bootstrapOf } from "./cluster.ts";
import { digraphClasses } from "./digraph.ts";
import { summarize } from "./distribution.ts";
import { compareExceptions, knownExceptions } from "./exceptions.ts";
import { parseSituation, situationName, situationsOf } from "./situations.ts";
import { foresee } from "./theory.ts";
import {
  judge,
  runTopologies,
  type TopologyReport,
  trialOptionsOf,
  usualTimeouts,
} from "./topologies.ts";
import { runTrial, type Trial } from "./trial.ts";

function expectSound(report: TopologyReport): void {
  expect(report.failures).toEqual([]);
  expect(report.surprises).toEqual([]);
  expect(report.held).toBe(report.trials);
  expect(report.terms.leaderless).toBe(0);
  expect(report.vain).toBeLessThanOrEqual(1);
}

/** The command waits longer. */
const short = { barrenTimeouts: 3, calmTimeouts: 4, healedCalmTimeouts: 1 };

describe("every connectivity", () => {
  it("of three members: the bound holds, without exception", () => {
    const report = runTopologies({ members: 3, seeds: 2 });
    expectSound(report);
    expect(report.patterns).toBe(16);
    expect(report.exceptionNames).toEqual([]);
    expect(report.settling.p999).toBeLessThanOrEqual(usualTimeouts);
    expect(report.expected.stays).toBeGreaterThan(0);
    expect(report.expected.elects).toBeGreaterThan(0);
    expect(report.expected["no-hub"]).toBeGreaterThan(0);
  });

  it("of four members: a quarter of the classes; the bound holds, except where listed", () => {
    const part = { index: 1, of: 4 };
    const report = runTopologies({ members: 4, seeds: 1, part, ...short });
    expectSound(report);
    expect(report.patterns).toBe(55);
    expect(report.exceptions["constrained-by-stale-hub"]).toBeGreaterThan(0);
    expect(report.exceptions["constrained-by-lone-tail"]).toBeGreaterThan(0);
    expect(report.settling.p999).toBeLessThanOrEqual(usualTimeouts);
    expect(report.healing.p999).toBeLessThanOrEqual(usualTimeouts);
  });

  it("with news of connections, too", () => {
    expectSound(runTopologies({ members: 3, seeds: 1, hasNews: true, ...short }));
    const part = { index: 3, of: 16 };
    expectSound(runTopologies({ members: 4, seeds: 1, hasNews: true, part, ...short }));
  });

  it("of five members: a sample of the classes", () => {
    const part = { index: 17, of: 200 };
    const report = runTopologies({ members: 5, seeds: 1, variety: "few", part, ...short });
    expectSound(report);
    expect(report.patterns).toBe(48);
  });

  it("is the same every time", () => {
    const options = { members: 4, seeds: 2, part: { index: 40, of: 90 } } as const;
    expect(runTopologies(options)).toEqual(runTopologies(options));
  });
});

describe("every invariant", () => {
  it("holds at every step of three members, whoever reaches whom", () => {
    const evaluations = createEvaluations();
    for (const graph of digraphClasses(3)) {
      for (const situation of situationsOf(graph, "few", false)) {
        const observer = new Checker({ ...bootstrapOf(3), evaluations });
        const trial = runTrial(situation, { ...trialOptionsOf(short, 1), observer });
        expect(judge(foresee(situation), trial, trialOptionsOf({}, 1))).toEqual([]);
      }
    }
    for (const id of ["S1", "S4", "S5", "S6", "S8", "S11", "S12", "A", "L4"] as const) {
      expect(evaluations.counts[id]).toBeGreaterThan(0);
    }
  });
});

describe("what is switched off is missed", () => {
  it("without PreVote leaders are deposed and terms grow", () => {
    const report = runTopologies({ members: 3, seeds: 1, settings: { preVote: false }, ...short });
    const kinds = report.failures.map(({ what }) => what);
    expect(kinds).toContain("a leader with a majority was deposed");
    expect(kinds.some((what) => what.startsWith("the term grew"))).toBe(true);
  });

  it("without CheckQuorum leaders go on in vain", () => {
    const report = runTopologies({
      members: 3,
      seeds: 1,
      settings: { checkQuorum: false },
      ...short,
    });
    expect(report.failures.some(({ what }) => what.includes("in vain"))).toBe(true);
  });
});

describe("judge", () => {
  const options = trialOptionsOf({}, 1);
  const calm = { ticks: 90, reigns: 1, terms: 1, commits: 2, vainTicks: 0 };
  const barren = { ticks: null, reigns: 0, terms: 0, commits: 0, vainTicks: 50 };
  const good: Trial = { hasKept: false, partial: calm, healed: calm, steps: 1, ticks: 1 };

  it("lets pass what is expected", () => {
    expect(judge("elects", good, options)).toEqual([]);
    expect(judge("stays", { ...good, hasKept: true }, options)).toEqual([]);
    expect(judge("no-hub", { ...good, partial: barren }, options)).toEqual([]);
  });

  it("names everything else", () => {
    const wrong = (trial: Partial<Trial>): string[] =>
      judge("elects", { ...good, ...trial }, options);
    expect(wrong({ partial: barren })).toHaveLength(1);
    expect(wrong({ partial: { ...calm, ticks: 1001 } })).toHaveLength(1);
    expect(wrong({ partial: { ...calm, vainTicks: 51 } })).toHaveLength(1);
    expect(wrong({ healed: barren })).toHaveLength(1);
    expect(wrong({ healed: { ...calm, terms: 11 } })).toHaveLength(1);
    expect(judge("stays", good, options)).toHaveLength(1);
    expect(judge("no-hub", good, options)).toHaveLength(3);
  });
});

describe("the list of exceptions", () => {
  it("is what the theory says, with and without news", () => {
    for (const hasNews of [false, true]) {
      const foreseen = new Set<string>();
      for (const graph of digraphClasses(4)) {
        for (const situation of situationsOf(graph, "all", hasNews)) {
          const expected = foresee(situation);
          if (expected.startsWith("constrained")) foreseen.add(situationName(situation));
        }
      }
      expect(knownExceptions(hasNews)).toEqual(foreseen);
    }
  });

  it("is held against what was seen: new ones and vanished ones are told", () => {
    const known = new Set(["4/0116 - stale:a", "4/0116 d stale:a", "4/0156 - stale:a"]);
    const seen = new Set(["4/0116 - stale:a", "4/0116 c stale:a"]);
    const differences = compareExceptions(seen, known, new Set(["4/0116", "4/0117"]));
    expect(differences).toEqual(["+ 4/0116 c stale:a", "- 4/0116 d stale:a"]);
  });

  it("names situations so that they can be run again", () => {
    const name = "4/0116 d stale:a";
    const situation = parseSituation(name, false);
    expect(situation && situationName(situation)).toBe(name);
    expect(situation && foresee(situation)).toBe("constrained-by-stale-hub");
    expect(situation && runTrial(situation, trialOptionsOf({}, 7)).partial.ticks).toBe(null);
    for (const bad of [
      "4/0116 a stale:a",
      "4/0116 a ahead:b",
      "3/001 - equal",
      "9/0 - equal",
      "",
    ]) {
      expect(parseSituation(bad, false)).toBe(null);
    }
  });
});

describe("summarize", () => {
  it("takes quantiles of the samples themselves", () => {
    const samples = Array.from({ length: 1000 }, (_, at) => 1000 - at);
    expect(summarize(samples)).toEqual({ count: 1000, p50: 500, p99: 990, p999: 999, max: 1000 });
    expect(summarize([])).toEqual({ count: 0, p50: 0, p99: 0, p999: 0, max: 0 });
  });
});
