/** Each situation that `explain()` knows, brought about with real members or made by hand. */
import { describe, expect, it } from "vitest";
import { NodeWorld, type Running } from "../../../test/node/node-world.ts";
import { logIndex, nodeId, term } from "../../base/index.ts";
import {
  createConfiguration,
  createRaft,
  defaultSettings,
  encodeConfiguration,
  type Raft,
  step,
  takeEffects,
} from "../../core/index.ts";
import type { PeerState } from "../peers.ts";
import { type Explained, type ExplainFacts, explain } from "./explain.ts";
import type { Finding } from "./findings.ts";
import { type Sightings, Witness } from "./witness.ts";

function textOf(one: Running): string {
  return one.member.explain().text;
}

function find<Kind extends Finding["kind"]>(
  one: Running,
  kind: Kind,
): Extract<Explained, { kind: Kind }> {
  const found = one.member.explain().findings.find((finding) => finding.kind === kind);
  if (found === undefined) throw new Error(`no ${kind} in: ${textOf(one)}`);
  return found as Extract<Explained, { kind: Kind }>; // its kind was compared
}

const fresh = { members: ["a", "b", "c"] };

describe("a calm cluster", () => {
  it("is told at the leader with its peers, at a follower with its leader", () => {
    const world = new NodeWorld(fresh).startAll();
    const leader = world.leader();
    world.settle(world.propose(leader.id, "x"));
    world.clock.advance(4000);
    const { term } = leader.member.raft.hardState;
    const lines = textOf(leader).split("\n");
    expect(lines[0]).toMatch(new RegExp(`^${leader.id} has led term ${term} for 4\\.\\d s\\.$`));
    expect(lines[1]).toMatch(/^[abc] has been replicating for \d\.\d s; it has the whole log\.$/);
    expect(lines).toHaveLength(3);
    expect(leader.member.explain().severity).toBe("ok");
    const follower = world.follower();
    expect(textOf(follower)).toMatch(
      new RegExp(
        `^${follower.id} has followed ${leader.id}, the leader of term ${term}, for ` +
          "\\d\\.\\d s; it was last heard \\d+ ms ago\\.$",
      ),
    );
    expect(find(follower, "leader")).toMatchObject({ isSelf: false, leader: leader.id });
  });
});

describe("without a leader", () => {
  it("says that no quorum can be reached, with names, addresses and durations", () => {
    const world = new NodeWorld(fresh).startAll();
    const leader = world.leader();
    const follower = world.follower();
    for (const one of [...world.running.values()]) if (one !== follower) one.kill();
    world.clock.advance(3000);
    const quorum = find(follower, "no-quorum");
    expect(quorum).toMatchObject({ needed: 2, reachable: [follower.id], isIsolated: true });
    expect(quorum.unreachable.map(({ id }) => id)).toHaveLength(2);
    expect(quorum.text).toContain(
      `No quorum: ${follower.id} is in contact with 1 of 3 voters (${follower.id}), 2 are needed.`,
    );
    expect(quorum.text).toContain("reaches nobody: either it is cut off");
    expect(quorum.text).toMatch(/[abc] at [abc]:1 for \d\.\d s/);
    const none = find(follower, "no-leader");
    expect(none).toMatchObject({ why: "leader-gone", previous: { id: leader.id } });
    expect(none.text).toMatch(/has known no leader for [23]\.\d s \(term \d+\): [abc], leader of/);
    expect(none.text).toContain("could not be reached any more");
    const failed = find(follower, "failed-campaigns");
    expect(failed.count).toBeGreaterThan(5);
    expect(failed.recent.at(-1)).toMatchObject({ pre: true, outcome: "timed-out", needed: 2 });
    expect(failed.text).toContain("times without winning; ");
    expect(failed.text).toContain("did not answer the last time");
    expect(follower.member.explain().severity).toBe("trouble");
  });

  it("a leader that is cut off tells that it lost its majority", () => {
    const world = new NodeWorld(fresh).startAll();
    const leader = world.leader();
    world.isolate(leader.id);
    world.leader(leader.id);
    world.clock.advance(500);
    expect(find(leader, "no-leader")).toMatchObject({ why: "lost-quorum" });
    expect(find(leader, "no-leader").text).toContain(`${leader.id} itself led term`);
    expect(find(leader, "failed-campaigns").recent.at(-1)?.silent).toHaveLength(2);
  });

  it("a member that has just started waits for its timer", () => {
    const world = new NodeWorld(fresh);
    const one = world.start("a");
    world.clock.advance(5);
    expect(find(one, "no-leader").text).toBe(
      "a has known no leader for 5 ms (term 1): it has not heard of one since it started.",
    );
    expect(find(one, "election-due").text).toMatch(/^a stands for election in 1\d\d ms unless/);
  });
});

describe("commitment", () => {
  it("is held back by who is not there", () => {
    const world = new NodeWorld({ members: ["a", "b", "c"], limits: { electionMs: 1000 } });
    world.startAll();
    const leader = world.leader();
    const others = [...world.running.values()].filter((one) => one !== leader);
    world.clock.advance(300);
    for (const one of others) world.network.cut(leader.id, one.id);
    world.propose(leader.id, "held", 10_000);
    world.clock.advance(300);
    const held = find(leader, "commit-held");
    expect(held.have).toEqual([leader.id]);
    expect(held.heldBy).toEqual(others.map(({ id }) => id));
    expect(held.text).toMatch(/^1 entry above 2 is not known to be committed, without progress/);
    expect(held.text).toContain(`2 voters must have the next one on disk, 1 has (${leader.id});`);
    expect(held.text).toContain("hold it back.");
  });

  it("held back by a slow disk is told with the unit and how long", () => {
    let isStuck = false;
    const world = new NodeWorld({ ...fresh, disk: true });
    world.startAll();
    const leader = world.leader();
    world.fault = (id, operation) =>
      isStuck && id === leader.id && operation.kind === "sync" ? { kind: "hang" } : null;
    isStuck = true;
    world.propose(leader.id, "slow");
    world.clock.advance(900);
    const slow = find(leader, "storage-slow");
    expect(slow).toMatchObject({ units: 1, entries: 1, severity: "trouble" });
    expect(slow.text).toMatch(
      new RegExp(
        `^The disk of ${leader.id} is slow: it has been writing unit \\d+ for \\d+ ms; 1 unit ` +
          "with 1 entry \\(\\d+ bytes\\) wait for it\\.$",
      ),
    );
    expect(leader.events.storage[0]).toMatchObject({ kind: "slow", error: null });
  });
});

describe("a peer of the leader", () => {
  it("is unreachable since, behind by entries and bytes, with the reason", () => {
    const world = new NodeWorld(fresh).startAll();
    const leader = world.leader();
    world.clock.advance(100);
    const gone = world.follower();
    gone.kill();
    for (const text of ["x", "y"]) world.settle(world.propose(leader.id, text));
    world.clock.advance(2000);
    const peers = leader.member.explain().findings.filter(({ kind }) => kind === "peer");
    const peer = peers.find((one) => one.kind === "peer" && one.id === gone.id);
    expect(peer).toMatchObject({ state: "unreachable", behindEntries: 2, severity: "trouble" });
    expect(peer?.text).toMatch(
      new RegExp(
        `^${gone.id} has been unreachable for \\d\\.\\d s \\(.+\\); it is 2 entries ` +
          "\\(\\d+ bytes\\) behind\\.$",
      ),
    );
  });

  it("whose window is full is slow, with what is unanswered", () => {
    const world = new NodeWorld({ ...fresh, settings: { inflightMessagesMax: 2 } }).startAll();
    const leader = world.leader();
    const slow = world.follower();
    world.clock.advance(100);
    world.network.cut(slow.id, leader.id, { oneWay: true });
    for (let i = 0; i < 6; i++) {
      world.settle(world.propose(leader.id, `${i}`));
    }
    world.clock.advance(60);
    const peers = leader.member.explain().findings;
    const peer = peers.find((one) => one.kind === "peer" && one.id === slow.id);
    expect(peer?.text).toMatch(/is slow: its window has been full for \d+ ms, with 2 messages/);
  });
});

// --- made by hand --------------------------------------------------------------------------------

const up: PeerState = { connected: true, reason: null, downSinceMs: null, refused: null };

function raftOf(changes: Partial<Raft> = {}): Raft {
  const voters = ["a", "b", "c"].map((id) => ({ id: nodeId(id), address: `${id}:1` }));
  const data = encodeConfiguration(createConfiguration(voters));
  const entry = { index: logIndex(1), term: term(1), kind: "configuration", data } as const;
  const raft = createRaft({
    id: nodeId("a"),
    settings: defaultSettings,
    boot: 1,
    jitter: 0,
    hardState: { term: term(1), votedFor: null, mustCatchUp: false },
    entries: [entry],
    commit: logIndex(1),
  });
  return Object.assign(raft, changes);
}

function sightingsOf(raft: Raft): Sightings {
  return new Witness({
    ...{ raft, limits: { tickMs: 10, heartbeatMs: 100, stallMs: 1000, slowStorageMs: 500 } },
    nowMs: () => 0,
    isConnected: () => true,
    tell: () => {},
    onUnitDurable: () => {},
  });
}

function factsOf(raft: Raft, changes: Partial<ExplainFacts> = {}): ExplainFacts {
  return {
    raft,
    nowMs: 10_000,
    tickMs: 10,
    slowStorageMs: 500,
    sightings: sightingsOf(raft),
    peerOf: () => up,
    strangers: null,
    stopped: null,
    ...changes,
  };
}

describe("facts by hand", () => {
  const textsOf = (facts: ExplainFacts) => explain(facts).text;

  it("a campaign under way: who granted, who refused and who is silent", () => {
    const raft = raftOf();
    for (let i = 0; i < 200 && raft.campaign === null; i++) {
      step(raft, { kind: "tick", nowMs: i * 10, jitter: 0 });
    }
    takeEffects(raft);
    step(raft, {
      kind: "receive",
      message: {
        ...{ kind: "request-vote-response", from: nodeId("b"), to: nodeId("a"), term: term(1) },
        ...{ pre: true, campaignTerm: term(2), refused: "log-behind" },
      },
    });
    expect(textsOf(factsOf(raft))).toContain(
      "a asks whether it could win term 2, for 10 s: 1 of 2 votes (a); b refused; " +
        "no answer yet from c.",
    );
  });

  it("must catch up: what it waits for, one after the other", () => {
    const hardState = { term: term(1), votedFor: null, mustCatchUp: true };
    const at = (changes: Partial<Raft>, peerOf = () => up) => {
      const facts = factsOf(raftOf({ hardState, ...changes }), { peerOf });
      const found = explain(facts).findings.find(({ kind }) => kind === "catch-up");
      return found?.kind === "catch-up" ? [found.waitsFor, found.text.split(". ").at(-1)] : null;
    };
    const leader = nodeId("b");
    const one = logIndex(1);
    expect(at({})).toEqual(["leader", "It waits for a leader."]);
    expect(at({ leader, leaderCommit: logIndex(9) })?.[0]).toBe("entries");
    const held = { leader, leaderCommit: one, verified: one };
    expect(at({ ...held, durableIndex: logIndex(0) })?.[0]).toBe("disk");
    const newer = { ...hardState, term: term(3) };
    expect(at({ ...held, hardState: newer })?.[0]).toBe("own-term-entry");
    expect(at(held)?.[0]).toBe("election");
    const down = { ...up, connected: false };
    expect(at(held, () => down)?.[0]).toBe("contact");
    expect(textsOf(factsOf(raftOf({ hardState })))).toContain(
      "a found damage that may have been acknowledged, and neither votes nor stands until",
    );
    expect(textsOf(factsOf(raftOf({ hardState })))).toContain(
      "a does not stand for election: it must catch up first.",
    );
  });

  it("refused peers and strangers, how often and when", () => {
    const refused = { reason: "it comes back as another incarnation", count: 3, atMs: 8000 };
    const text = textsOf(
      factsOf(raftOf(), {
        peerOf: (id) => (id === "b" ? { ...up, refused } : up),
        strangers: { ...refused, reason: "another cluster", count: 1 },
      }),
    );
    expect(text).toContain(
      "A connection with what calls itself b was refused 3 times, last 2.0 s ago: it comes back",
    );
    expect(text).toContain("somebody that is no member was refused once, last 2.0 s ago: another");
  });

  it("a stopped member says only that, with the error", () => {
    const error = new Error("Cannot sync: EIO");
    expect(textsOf(factsOf(raftOf(), { stopped: { error } }))).toBe(
      "a has stopped because of an error: Cannot sync: EIO",
    );
    expect(textsOf(factsOf(raftOf(), { stopped: { error: null } }))).toBe("a was stopped.");
  });

  it("a follower behind its leader, machines behind commitment", () => {
    const raft = raftOf({ leader: nodeId("b"), leaderCommit: logIndex(5) });
    expect(textsOf(factsOf(raft))).toContain(
      "a has been behind its leader. It has 1 of 5 committed entries (up to 1 on disk). " +
        "It waits for entries from its leader.",
    );
    const tail = {
      index: logIndex(2),
      term: term(1),
      kind: "no-op",
      data: new Uint8Array(0),
    } as const;
    raft.log.entries.push(tail);
    expect(textsOf(factsOf(raft))).toContain(
      "1 entry above 1 is not known to be committed, without progress for 0 ms. Only the leader " +
        "knows who holds them back: ask b, not a.",
    );
    const sightings = Object.assign(sightingsOf(raft), { applySinceMs: 4000 });
    expect(textsOf(factsOf(raft, { sightings }))).toContain(
      "The machines of a have applied up to 0 of 1 committed entries, without progress for 6.0 s.",
    );
  });
});
