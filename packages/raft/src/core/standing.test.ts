/** Who may stand for election while the members change. */
import { describe, expect, it } from "vitest";
import { type LogIndex, logIndex, nodeId, noIndex, term } from "../base/index.ts";
import {
  type Configuration,
  checkState,
  createRaft,
  defaultSettings,
  type Entry,
  emptyConfiguration,
  encodeConfiguration,
  type Message,
  mayCampaign,
  type Raft,
  type Settings,
  step,
  takeEffects,
} from "./index.ts";

function membersOf(names: readonly string[]): Configuration["voters"] {
  return names.map((name) => ({ id: nodeId(name), address: `${name}:1` }));
}

function votersOf(names: readonly string[], outgoing: readonly string[] | null = null) {
  const old = outgoing === null ? null : membersOf(outgoing);
  return { ...emptyConfiguration, voters: membersOf(names), outgoing: old };
}

/** From a to b, and from b to c: of one voter each. */
const history = [
  votersOf(["a"]),
  votersOf(["b"], ["a"]),
  votersOf(["b"]),
  votersOf(["c"], ["b"]),
  votersOf(["c"]),
];

const entries: readonly Entry[] = history.map((configuration, at) => ({
  index: logIndex(at + 1),
  term: term(1),
  kind: "configuration",
  data: encodeConfiguration(configuration),
}));

function start(name: string, log: readonly Entry[], commit: LogIndex): Raft {
  return createRaft({
    id: nodeId(name),
    settings: defaultSettings,
    boot: 1,
    jitter: 0,
    hardState: { term: term(1), votedFor: null, mustCatchUp: false },
    entries: log,
    commit,
  });
}

describe("who may stand for election", () => {
  it("is a voter of the configuration before, though its commit index was forgotten", () => {
    const raft = start("b", entries, logIndex(1));
    expect(raft.configurationIndex).toBe(5);
    expect(raft.committedConfigurationIndex).toBe(4);
    expect(mayCampaign(raft)).toBe(true);
  });

  it("is the same for who got the log from a leader that knows little to be committed", () => {
    const raft = start("b", [], noIndex);
    step(raft, {
      kind: "receive",
      message: {
        kind: "append-entries",
        from: nodeId("d"),
        to: raft.id,
        term: term(1),
        prev: { index: noIndex, term: term(0) },
        entries,
        commit: noIndex,
        round: 1,
        sequence: 1,
      },
    });
    expect(raft.commit).toBe(0);
    expect(raft.committedConfigurationIndex).toBe(4);
    expect(mayCampaign(raft)).toBe(true);
  });

  it("follows from the log alone: what was removed from it shows nothing any more", () => {
    const raft = start("b", entries, logIndex(1));
    step(raft, {
      kind: "receive",
      message: {
        kind: "append-entries",
        from: nodeId("d"),
        to: raft.id,
        term: term(2),
        prev: { index: logIndex(4), term: term(1) },
        entries: [{ index: logIndex(5), term: term(2), kind: "no-op", data: new Uint8Array(0) }],
        commit: logIndex(1),
        round: 1,
        sequence: 1,
      },
    });
    expect(raft.configurationIndex).toBe(4);
    expect(raft.committedConfigurationIndex).toBe(3);
    checkState(raft);
    expect(mayCampaign(raft)).toBe(true);
  });

  it("is nobody of older ones", () => {
    expect(mayCampaign(start("a", entries, logIndex(1)))).toBe(false);
    expect(mayCampaign(start("c", entries, logIndex(1)))).toBe(true);
    expect(mayCampaign(start("c", entries.slice(0, 3), logIndex(1)))).toBe(false);
  });
});

describe("who does not stand for election", () => {
  /** Of three voters, and the leader is heard once. */
  function following(name: string, settings: Partial<Settings> = {}): Raft {
    const configuration = { ...votersOf(["a", "b"]), learners: membersOf(["z"]) };
    const log: Entry = {
      index: logIndex(1),
      term: term(1),
      kind: "configuration",
      data: encodeConfiguration(configuration),
    };
    const raft = createRaft({
      id: nodeId(name),
      settings: { ...defaultSettings, ...settings },
      boot: 1,
      jitter: 0,
      hardState: { term: term(1), votedFor: null, mustCatchUp: false },
      entries: [log],
      commit: logIndex(1),
    });
    step(raft, { kind: "receive", message: heartbeat(name) });
    takeEffects(raft);
    return raft;
  }

  function heartbeat(name: string): Message {
    const prev = { index: logIndex(1), term: term(1) };
    return {
      kind: "append-entries",
      from: nodeId("a"),
      to: nodeId(name),
      term: term(1),
      prev,
      entries: [],
      commit: logIndex(1),
      round: 1,
      sequence: 1,
    };
  }

  function wait(raft: Raft): void {
    for (let ticks = 0; ticks < 3 * defaultSettings.electionTicks; ticks++) {
      step(raft, { kind: "tick", nowMs: ticks, jitter: 0 });
    }
  }

  it.each([
    ["an unfit disk", "b", {}, false],
    ["priority 0", "b", { priority: 0 }, true],
    ["a learner", "z", {}, true],
  ] as const)("loses a silent leader all the same: %s", (_why, name, settings, isHealthy) => {
    const raft = following(name, settings);
    if (!isHealthy) step(raft, { kind: "disk-health", isHealthy });
    expect(raft.leader).toBe("a");
    wait(raft);
    expect(raft).toMatchObject({ role: "follower", leader: null });
    const told = takeEffects(raft).filter(({ kind }) => kind === "role-changed");
    expect(told).toMatchObject([{ role: "follower", leader: null }]);
    checkState(raft);
  });
});
