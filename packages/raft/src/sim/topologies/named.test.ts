/**
 * Connectivities that are known to have stopped Raft systems, by the names under which they are
 * known. Members are 0, 1, 2 …; where a source counts from 1 or uses letters, the comment says so.
 */
import { describe, expect, it } from "vitest";
import { defaultSettings, lastIndex, type Settings } from "../../core/index.ts";
import {
  type Cluster,
  connect,
  createCluster,
  elapse,
  elapseUntil,
  type Host,
  isConverged,
  isolate,
  leaders,
  offer,
  restartAll,
  termMax,
} from "./cluster.ts";
import { completeDigraph, type Digraph, linkedDigraph } from "./digraph.ts";
import { topologySettings } from "./topologies.ts";

const plain: Partial<Settings> = { preVote: false, checkQuorum: false };
/** Ticks. */
const timeout = 2 * topologySettings.electionTicks;

/** A healthy cluster that is led by `leader`, with a few entries. */
function healthy(members: number, leader: number, settings: Partial<Settings> = {}): Cluster {
  const cluster = createCluster({
    members,
    seed: 1,
    settings: { ...topologySettings, ...settings },
    favourite: leader,
  });
  expect(elapseUntil(cluster, 4 * timeout, () => isConverged(cluster))).toBe(true);
  cluster.favourite = null;
  run(cluster, 20);
  return cluster;
}

function run(cluster: Cluster, ticks: number): void {
  for (let elapsed = 0; elapsed < ticks; elapsed++) elapse(cluster);
}

function host(cluster: Cluster, at: number): Host {
  const found = cluster.hosts[at];
  if (found === undefined) throw new Error(`no member ${at}`);
  return found;
}

/** Who leads, if it is one, and commits a new command within the time. */
function workingLeader(cluster: Cluster, ticksMax: number): number | null {
  const tried = new Map<Host, number>();
  let found: Host | undefined;
  elapseUntil(cluster, ticksMax, () => {
    for (const leader of leaders(cluster)) {
      const index = tried.get(leader) ?? offer(cluster, leader, 1) ?? Number.POSITIVE_INFINITY;
      tried.set(leader, index);
      if (leader.raft.commit >= index && leaders(cluster).length === 1) found = leader;
    }
    return found !== undefined;
  });
  return found?.at ?? null;
}

/** Leaders of new terms in this time. */
function electionsIn(cluster: Cluster, ticks: number): number {
  const before = cluster.leaderOfTerm.size;
  run(cluster, ticks);
  return cluster.leaderOfTerm.size - before;
}

/** Nobody leads, nothing is committed, no term grows, for 50 timeouts; healing ends it. */
function expectBarren(cluster: Cluster): void {
  const term = termMax(cluster);
  const committed = cluster.canon.length;
  run(cluster, timeout);
  expect(leaders(cluster)).toEqual([]);
  expect(electionsIn(cluster, 50 * timeout)).toBe(0);
  expect(termMax(cluster)).toBe(term);
  expect(cluster.canon.length).toBe(committed);
  connect(cluster, completeDigraph(cluster.options.members));
  expect(workingLeader(cluster, 3 * timeout)).not.toBe(null);
}

function starOn(members: number, centre: number, without: readonly number[] = []): Digraph {
  const others = Array.from({ length: members }, (_, at) => at).filter(
    (at) => at !== centre && !without.includes(at),
  );
  return linkedDigraph(
    members,
    others.map((at) => [centre, at]),
  );
}

describe("Howard and Abraham: the livelock of plain Raft", () => {
  // Members 1, 2, 3 of the source are 0, 1, 2; 4 is linked to 2 only, 5 to 3 only.
  const graph = linkedDigraph(5, [
    [0, 1],
    [0, 2],
    [1, 2],
    [3, 1],
    [4, 2],
  ]);

  it("is there in plain Raft: every leader is deposed by one that cannot hear it", () => {
    const cluster = healthy(5, 0, plain);
    connect(cluster, graph);
    const before = termMax(cluster);
    expect(electionsIn(cluster, 200 * timeout)).toBeGreaterThan(50);
    expect(termMax(cluster) - before).toBeGreaterThan(150);
  });

  it("is not there with PreVote and CheckQuorum, whoever led", () => {
    for (const leader of [0, 1, 2]) {
      const cluster = healthy(5, leader);
      connect(cluster, graph);
      expect(workingLeader(cluster, timeout)).toBe(leader);
      expect(electionsIn(cluster, 200 * timeout)).toBe(0);
    }
    for (const leader of [3, 4]) {
      const cluster = healthy(5, leader);
      connect(cluster, graph);
      run(cluster, topologySettings.electionTicks + 1);
      expect(workingLeader(cluster, 3 * timeout)).not.toBe(null);
      expect(electionsIn(cluster, 200 * timeout)).toBe(0);
    }
  });
});

describe("Howard and Abraham: the deadlock with PreVote alone", () => {
  // Leader 4 of the source is 3, linked only to 1 (its 2); 4 (its 5) has failed.
  const graph = linkedDigraph(5, [
    [0, 1],
    [0, 2],
    [1, 2],
    [3, 1],
  ]);

  it("ends with CheckQuorum: the leader without a majority gives way", () => {
    const cluster = healthy(5, 3);
    connect(cluster, graph);
    run(cluster, topologySettings.electionTicks + 1);
    expect(host(cluster, 3).raft.role).not.toBe("leader");
    const next = workingLeader(cluster, 3 * timeout);
    expect([0, 1, 2]).toContain(next);
    expect(electionsIn(cluster, 200 * timeout)).toBe(0);
  });

  it("is not there with PreVote alone: here only CheckQuorum makes voters loyal", () => {
    const cluster = healthy(5, 3, { checkQuorum: false });
    connect(cluster, graph);
    run(cluster, 3 * timeout);
    expect(host(cluster, 3).raft.role).not.toBe("leader");
    expect([0, 1, 2]).toContain(workingLeader(cluster, 3 * timeout));
  });
});

describe("Omni-Paxos: quorum loss", () => {
  it("ends: the leader gives way to the only member that reaches a majority", () => {
    const cluster = healthy(5, 2);
    connect(cluster, starOn(5, 0));
    expect(workingLeader(cluster, 3 * timeout)).toBe(0);
    expect(electionsIn(cluster, 200 * timeout)).toBe(0);
  });
});

describe("Omni-Paxos: constrained election", () => {
  it("is a limit: the only member that reaches a majority misses what was committed", () => {
    const cluster = healthy(5, 2);
    isolate(cluster, 0);
    const leader = host(cluster, 2);
    expect(offer(cluster, leader, 3)).not.toBe(null);
    run(cluster, 20);
    expect(leader.raft.commit).toBe(lastIndex(leader.raft.log));
    connect(cluster, starOn(5, 0, [2]));
    expectBarren(cluster);
  });

  it("is a limit: a lone tail at a voter that is needed does it, too", () => {
    const cluster = healthy(4, 2);
    isolate(cluster, 2);
    expect(offer(cluster, host(cluster, 2), 1)).not.toBe(null);
    restartAll(cluster);
    connect(cluster, starOn(4, 0, [3]));
    expectBarren(cluster);
  });

  it("ends where the log of that member is as good as theirs", () => {
    const cluster = healthy(5, 2);
    connect(cluster, starOn(5, 0, [2]));
    expect(workingLeader(cluster, 3 * timeout)).toBe(0);
    expect(electionsIn(cluster, 200 * timeout)).toBe(0);
  });
});

describe("Omni-Paxos: chained", () => {
  const chain = linkedDigraph(3, [
    [1, 0],
    [0, 2],
  ]);

  it("swaps leaders without end in plain Raft", () => {
    const cluster = healthy(3, 1, plain);
    connect(cluster, chain);
    // Chance may make the middle one leader, who then stays: so the ends alone may stand.
    expect(electionsIn(cluster, 3 * timeout)).toBeGreaterThan(0);
    expect(host(cluster, 1).raft.hardState.term).toBeGreaterThan(2);
  });

  it("keeps its leader at an end of the chain", () => {
    const cluster = healthy(3, 1);
    connect(cluster, chain);
    expect(workingLeader(cluster, timeout)).toBe(1);
    expect(electionsIn(cluster, 200 * timeout)).toBe(0);
    expect(leaders(cluster)[0]?.at).toBe(1);
  });

  it("settles in a chain of five, whoever led", () => {
    const pairs: [number, number][] = [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ];
    for (let leader = 0; leader < 5; leader++) {
      const cluster = healthy(5, leader);
      connect(cluster, linkedDigraph(5, pairs));
      run(cluster, 3 * timeout);
      expect([1, 2, 3]).toContain(workingLeader(cluster, timeout));
      expect(electionsIn(cluster, 100 * timeout)).toBe(0);
    }
  });
});

describe("Cloudflare, November 2020", () => {
  // A switch let one member see the leader and not the other: etcd changed leaders without end.
  const graph = linkedDigraph(3, [
    [0, 1],
    [1, 2],
  ]);

  it("changes leaders without PreVote and CheckQuorum", () => {
    const cluster = healthy(3, 0, plain);
    connect(cluster, graph);
    expect(electionsIn(cluster, 20 * timeout)).toBeGreaterThan(0);
  });

  it("keeps its leader, also under default settings", () => {
    for (const settings of [topologySettings, defaultSettings]) {
      const cluster = healthy(3, 0, settings);
      connect(cluster, graph);
      expect(workingLeader(cluster, timeout)).toBe(0);
      expect(electionsIn(cluster, 200 * timeout)).toBe(0);
      expect(leaders(cluster)[0]?.at).toBe(0);
    }
  });
});
