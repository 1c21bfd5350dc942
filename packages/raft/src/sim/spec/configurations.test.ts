import { describe, expect, it } from "vitest";
import { createSpecification } from "./create-specification.ts";
import type { Server, SpecConfiguration, Specification } from "./specification.ts";
import {
  acknowledge,
  append,
  cluster,
  deliver,
  elect,
  memberAt,
  persist,
  replicate,
  request,
} from "./test-worlds.ts";

function votersOnly(...voters: readonly Server[]): SpecConfiguration {
  return { voters, outgoing: null, learners: [], removed: [] };
}

/** All have one entry with the configuration; who is in none of it, too. */
function clusterOf(servers: number, configuration: SpecConfiguration): Specification {
  return createSpecification({
    servers,
    log: [{ term: 1, value: 0, configuration }],
    currentTerm: 1,
    commitIndex: 1,
  });
}

/** All of the leader's log is on its disk, on those of `peers`, and committed. */
function commit(spec: Specification, leader: Server, peers: readonly Server[]): void {
  persist(spec, leader);
  for (const peer of peers) replicate(spec, leader, peer);
  spec.advanceCommit(leader, memberAt(spec, leader).log.length);
}

/** Of 0, 1, 2; server 0 leads and has committed an entry of its term. */
function led(): Specification {
  const spec = clusterOf(5, votersOnly(0, 1, 2));
  elect(spec, 0, [1]);
  spec.clientRequest(0, [1]);
  commit(spec, 0, [1]);
  return spec;
}

const joint: SpecConfiguration = {
  voters: [1, 3, 4],
  outgoing: [0, 1, 2],
  learners: [0],
  removed: [],
};

const left: SpecConfiguration = { voters: [1, 3, 4], outgoing: null, learners: [0], removed: [2] };

describe("configurations", () => {
  it("are in force when appended, and no more when their entry is removed", () => {
    const spec = led();
    persist(spec, 2);
    spec.changeConfiguration(0, 7, joint);
    expect(spec.configurationOf(0)).toEqual(joint);
    expect(spec.committedConfigurationOf(0)).toEqual(votersOnly(0, 1, 2));
    elect(spec, 1, [2]);
    spec.clientRequest(1, [2]);
    expect(spec.configurationOf(1)).toEqual(votersOnly(0, 1, 2));
    deliver(spec, append(spec, 1, 0, 1));
    expect(spec.configurationOf(0)).toEqual(votersOnly(0, 1, 2));
  });

  it("come from beside the log, if it has none", () => {
    const spec = cluster(3);
    expect(spec.configurationOf(0)).toEqual(votersOnly(0, 1, 2));
    const options = { log: [], currentTerm: 0, commitIndex: 0 };
    const configuration = votersOnly(1);
    const other = createSpecification({ servers: 2, ...options, configuration });
    expect(other.configurationOf(0)).toEqual(configuration);
    expect(() => other.timeout(0)).toThrow("server 0 is no voter of the voters [1]");
    elect(other, 1, []);
  });

  it("of which a first voter lacks what is committed are none", () => {
    const log = [{ term: 1, value: 0, configuration: votersOnly(0, 1) }];
    const starts = new Map([[1, { log: [], currentTerm: 0, commitIndex: 0 }]]);
    const options = { servers: 2, log, currentTerm: 1, commitIndex: 1, starts };
    expect(() => createSpecification(options)).toThrow("Voter 1 has 0 of the 1 committed");
  });
});

describe("addServer", () => {
  it("adds one that counts for nothing and has no configuration of its own yet", () => {
    const spec = led();
    expect(spec.addServer()).toBe(5);
    expect(spec.configurationOf(5)).toEqual(votersOnly());
    expect(() => spec.timeout(5)).toThrow("is no voter");
    spec.changeConfiguration(0, 2, { ...votersOnly(0, 1, 2), learners: [5] });
    deliver(spec, append(spec, 0, 5, 0));
    expect(spec.configurationOf(5).learners).toEqual([5]);
  });

  it("refuses a log that none of the others began with", () => {
    const spec = led();
    const { log } = memberAt(spec, 0);
    expect(() => spec.addServer({ log, currentTerm: 2, commitIndex: 0 })).toThrow("first log");
    const start = { log: log.slice(0, 1), currentTerm: 1, commitIndex: 2 };
    expect(() => spec.addServer(start)).toThrow("commit index 2");
  });
});

describe("changeConfiguration", () => {
  it("needs a leader, an entry of its term committed, and nothing in flight", () => {
    const spec = clusterOf(5, votersOnly(0, 1, 2));
    expect(() => spec.changeConfiguration(0, 7, joint)).toThrow("server 0 is a follower");
    elect(spec, 0, [1]);
    expect(() => spec.changeConfiguration(0, 7, joint)).toThrow("leader's term 2 is committed");
    spec.clientRequest(0, [1]);
    commit(spec, 0, [1]);
    spec.changeConfiguration(0, 7, joint);
    expect(() => spec.changeConfiguration(0, 8, left)).toThrow("entry 3 is not committed, 2 are");
  });

  it("changes voters by a joint configuration, and learners at once", () => {
    const spec = led();
    const change = (next: SpecConfiguration) => () => spec.changeConfiguration(0, 7, next);
    expect(change({ ...left, removed: [2] })).toThrow("change by a joint configuration");
    expect(change({ ...joint, outgoing: [0, 1] })).toThrow("the voters of before");
    expect(change({ ...votersOnly(0, 1, 2), outgoing: [0, 1, 2] })).toThrow("changes the voters");
    expect(change({ ...joint, voters: [] })).toThrow("decides nothing");
    expect(change({ ...joint, learners: [3] })).toThrow("learner 3 is a voter, too");
    expect(change({ ...joint, learners: [0, 0] })).toThrow("names a server twice");
    expect(change({ ...joint, voters: [9] })).toThrow("no server 9");
    change({ ...votersOnly(2, 1, 0), learners: [4] })();
    commit(spec, 0, [1]);
    expect(change(votersOnly(0, 1, 2))).toThrow("Server 4 is gone");
    change({ ...votersOnly(0, 1, 2), removed: [4] })();
    commit(spec, 0, [1]);
    expect(change(votersOnly(0, 1, 2))).toThrow("Server 4 was removed, and that is forgotten");
    expect(change({ ...joint, removed: [4] })).toThrow("Server 4 is removed and is a member");
  });

  it("leaves a joint configuration for its new half, with whoever leads", () => {
    const spec = led();
    spec.changeConfiguration(0, 7, joint);
    commit(spec, 0, [1, 3, 4]);
    const change = (next: SpecConfiguration) => () => spec.changeConfiguration(0, 8, next);
    expect(change({ ...left, voters: [3, 4] })).toThrow("its new half alone");
    expect(change(joint)).toThrow("its new half alone");
    expect(change({ ...left, learners: [] })).toThrow("Server 0 is gone");
    spec.addServer();
    expect(change({ ...left, learners: [0, 5] })).toThrow("leaving adds nobody");
    replicate(spec, 0, 3);
    spec.learnCommit(3, 3);
    elect(spec, 3, [1, 0]);
    spec.changeConfiguration(3, 8, left);
    expect(spec.configurationOf(3)).toEqual(left);
  });
});

describe("a joint configuration", () => {
  it("elects with both halves, and whoever is asked votes", () => {
    const spec = led();
    spec.changeConfiguration(0, 7, joint);
    for (const peer of [1, 2, 3]) replicate(spec, 0, peer);
    expect(() => elect(spec, 1, [3])).toThrow(
      "votes of [1,3] in term 3, of the voters [1,3,4] and",
    );
    const asked = request(spec, 1, 4);
    expect(spec.configurationOf(4).voters).not.toContain(4);
    spec.send(asked);
    spec.updateTerm(4, asked);
    spec.grantVote(4, asked);
    expect(() => elect(spec, 2, [0])).toThrow("votes of [2,0]");
    elect(spec, 2, [1, 3]);
  });

  it("commits with both halves, and reads with both", () => {
    const spec = led();
    spec.registerRead(0, "r");
    spec.startRound(0);
    spec.changeConfiguration(0, 7, joint);
    persist(spec, 0);
    replicate(spec, 0, 1, 1);
    expect(() => spec.advanceCommit(0, 3)).toThrow("the disks of [1,0] of the voters [1,3,4]");
    expect(() => spec.confirmRead(0, "r")).toThrow("[0,1] of the voters [1,3,4] and the outgoing");
    replicate(spec, 0, 4, 1);
    spec.advanceCommit(0, 3);
    expect(spec.confirmRead(0, "r")).toBe(2);
  });
});

describe("a leader that is removed", () => {
  it("leads without counting itself until that is committed", () => {
    const spec = led();
    spec.changeConfiguration(0, 7, joint);
    commit(spec, 0, [1, 3, 4]);
    spec.changeConfiguration(0, 8, left);
    spec.clientRequest(0, [9]);
    persist(spec, 0);
    replicate(spec, 0, 3);
    expect(() => spec.advanceCommit(0, 5)).toThrow("the disks of [3,0] of the voters [1,3,4]");
    replicate(spec, 0, 4);
    spec.advanceCommit(0, 5);
    const rule = "server 0 is no voter of the committed the voters [1,3,4], learners [0]";
    expect(() => spec.clientRequest(0, [9])).toThrow(rule);
    expect(() => spec.registerRead(0, "r")).toThrow(rule);
    expect(() => spec.changeConfiguration(0, 9, left)).toThrow(rule);
    const last = append(spec, 0, 3, 1);
    deliver(spec, last);
    spec.learnCommit(3, 5);
    spec.send(acknowledge(last));
    spec.stepDown(0);
    expect(() => spec.timeout(0)).toThrow("nor of the committed");
    expect(() => spec.startPreVote(0)).toThrow("nor of the committed");
  });

  it("may stand while only the newest configuration lacks it", () => {
    const spec = led();
    spec.changeConfiguration(0, 7, joint);
    commit(spec, 0, [1, 3, 4]);
    spec.changeConfiguration(0, 8, left);
    spec.stepDown(0);
    elect(spec, 0, [3, 1]);
    spec.clientRequest(0, [9]);
    expect(memberAt(spec, 0).role).toBe("leader");
  });
});
