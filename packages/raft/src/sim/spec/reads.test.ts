import { describe, expect, it } from "vitest";
import type { Specification, SpecReadIndex, SpecReadIndexResponse } from "./specification.ts";
import { acknowledge, append, cluster, deliver, elect, persist, replicate } from "./test-worlds.ts";

/** Server 0 leads and has committed entry 2, of its own term. */
function withLeader(): Specification {
  const spec = cluster(3);
  elect(spec, 0, [1]);
  spec.clientRequest(0, [5]);
  persist(spec, 0);
  replicate(spec, 0, 1);
  spec.advanceCommit(0, 2);
  return spec;
}

describe("reads", () => {
  it("see the first entry of the leader's term, and need it in the log", () => {
    const spec = cluster(3);
    expect(() => spec.registerRead(0, "r")).toThrow("server 0 is a follower");
    elect(spec, 0, [1]);
    expect(() => spec.registerRead(0, "r")).toThrow("there is none of 2");
    spec.clientRequest(0, [5, 6]);
    spec.registerRead(0, "r");
    spec.startRound(0);
    replicate(spec, 0, 1, 1);
    expect(spec.confirmRead(0, "r")).toBe(2);
  });

  it("are confirmed by a round that was opened after them", () => {
    const spec = withLeader();
    spec.startRound(0);
    spec.registerRead(0, "r");
    replicate(spec, 0, 1, 1);
    expect(() => spec.confirmRead(0, "r")).toThrow("a round after 1");
    spec.startRound(0);
    replicate(spec, 0, 1, 2);
    expect(spec.confirmRead(0, "r")).toBe(2);
    expect(() => spec.confirmRead(0, "r")).toThrow("no read r is registered");
  });

  it("are confirmed by refusals, too", () => {
    const spec = withLeader();
    spec.registerRead(0, "r");
    spec.startRound(0);
    const sent = append(spec, 0, 1, 2, 1);
    deliver(spec, sent);
    const refused = { ...acknowledge(sent), outcome: { kind: "refused" } } as const;
    spec.send(refused);
    spec.countAcknowledgement(0, refused);
    expect(spec.confirmRead(0, "r")).toBe(2);
  });

  it("end with the leadership", () => {
    const spec = withLeader();
    spec.registerRead(0, "r");
    spec.startRound(0);
    replicate(spec, 0, 1, 1);
    spec.stepDown(0);
    expect(() => spec.confirmRead(0, "r")).toThrow("server 0 is a follower");
    expect(() => spec.startRound(0)).toThrow("server 0 is a follower");
    elect(spec, 0, [2]);
    expect(() => spec.confirmRead(0, "r")).toThrow("no read r");
  });

  it("need no round where one server is the majority", () => {
    const spec = cluster(1);
    elect(spec, 0, []);
    spec.clientRequest(0, [5]);
    persist(spec, 0);
    spec.advanceCommit(0, 2);
    spec.registerRead(0, "r");
    expect(spec.confirmRead(0, "r")).toBe(2);
  });
});

describe("reads by message", () => {
  const asked: SpecReadIndex = { kind: "read-index", from: 2, to: 0, term: 1, read: "r" };
  const answer: SpecReadIndexResponse = {
    kind: "read-index-response",
    from: 0,
    to: 2,
    term: 2,
    read: "r",
    index: 2,
  };

  it("are answered when they are confirmed, at the index or later", () => {
    const spec = withLeader();
    expect(() => spec.send(answer)).toThrow("did not ask");
    spec.send(asked);
    spec.send({ ...answer, index: null });
    expect(() => spec.send(answer)).toThrow("confirmed no read r");
    spec.registerRead(0, "r");
    spec.startRound(0);
    replicate(spec, 0, 1, 1);
    expect(spec.confirmRead(0, "r")).toBe(2);
    spec.send(answer);
    expect(() => spec.send({ ...answer, index: 1 })).toThrow("confirmed at 2, not at 1");
    expect(() => spec.send({ ...answer, index: 3 })).toThrow("confirmed at 2, not at 3");
    spec.clientRequest(0, [6]);
    persist(spec, 0);
    replicate(spec, 0, 1, 1);
    spec.advanceCommit(0, 3);
    spec.send({ ...answer, index: 3 });
  });

  it("have one asker, who asks before anything is registered", () => {
    const spec = withLeader();
    spec.registerRead(0, "r");
    expect(() => spec.send(asked)).toThrow("registered before anybody asked");
    spec.send({ ...asked, read: "s" });
    expect(() => spec.send({ ...asked, read: "s", from: 1, to: 2, term: 2 })).toThrow("server 2's");
    spec.send({ ...asked, read: "s", to: 1 });
  });
});
