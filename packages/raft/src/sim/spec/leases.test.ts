import { describe, expect, it } from "vitest";
import { createSpecification } from "./create-specification.ts";
import type { Server, SpecAppendEntries, Specification } from "./specification.ts";
import {
  acknowledge,
  append,
  deliver,
  elect,
  memberAt,
  persist,
  replicate,
  request,
} from "./test-worlds.ts";

/**
 * Server 0 of three leads and has committed nothing yet; clocks differ by 2, leaders stick for 5.
 */
function led(): Specification {
  const log = [{ term: 1, value: 0 }];
  const options = { servers: 3, log, currentTerm: 1, commitIndex: 1 };
  const spec = createSpecification({ ...options, clockDrift: 2, stickyFor: 5 });
  elect(spec, 0, [1]);
  return spec;
}

/** A round that asks server `to` for a promise of 10. */
function ask(spec: Specification, to: Server, round = 1): SpecAppendEntries {
  const sent = { ...append(spec, 0, to, 1, round), lease: 10 };
  deliver(spec, sent);
  return sent;
}

/** Server 1 promises 10 in answer to round 1, and the leader knows. */
function promised(): Specification {
  const spec = led();
  spec.clientRequest(0, [5]);
  spec.advanceClock(0, 100);
  spec.startRound(0);
  const sent = ask(spec, 1);
  spec.promiseLease(1, sent);
  persist(spec, 1);
  const answer = { ...acknowledge(sent), promise: 10 };
  spec.send(answer);
  spec.advanceClock(0, 3);
  spec.countAcknowledgement(0, answer);
  return spec;
}

describe("a promise", () => {
  it("is given for a round that asks, and leaves when it is on disk", () => {
    const spec = led();
    spec.startRound(0);
    const plain = append(spec, 0, 1, 1, 1);
    deliver(spec, plain);
    expect(() => spec.promiseLease(1, plain)).toThrow("asks for no promise");
    const sent = { ...plain, lease: 10 };
    spec.send(sent);
    persist(spec, 1);
    const answer = { ...acknowledge(sent), promise: 10 };
    expect(() => spec.send(answer)).toThrow("promised 0 0 for round 1, not 10");
    spec.promiseLease(1, sent);
    expect(() => spec.send(answer)).toThrow("promises are stored first: 0 on server 1");
    persist(spec, 1);
    spec.send(answer);
    expect(() => spec.send({ ...answer, promise: 11 })).toThrow("for round 1, not 11");
  });

  it("is for a leader that was heard in this life and term", () => {
    const spec = led();
    spec.startRound(0);
    const sent = ask(spec, 1);
    persist(spec, 1);
    spec.restart(1, 0, 0);
    expect(() => spec.promiseLease(1, sent)).toThrow("did not hear round 1 of 0");
  });

  it("forbids to vote and to stand until it has run out", () => {
    const spec = promised();
    spec.advanceClock(1, 9);
    expect(() => spec.timeout(1)).toThrow("server 1 promised not to until 10, it is 9");
    expect(() => spec.startPreVote(1)).toThrow("server 1 promised not to");
    expect(() => elect(spec, 2, [1])).toThrow("whose promise runs does not vote");
    spec.advanceClock(1, 1);
    spec.timeout(1);
  });

  it("runs anew after a restart, and a shorter one does not end it", () => {
    const spec = promised();
    spec.advanceClock(1, 8);
    spec.startRound(0);
    const sent = { ...append(spec, 0, 1, 1, 2), lease: 1 };
    deliver(spec, sent);
    spec.promiseLease(1, sent);
    expect(memberAt(spec, 1)).toMatchObject({ promised: 10, promisedUntil: 10 });
    persist(spec, 1);
    spec.restart(1, 0, 0);
    expect(memberAt(spec, 1)).toMatchObject({ clock: 0, promised: 10, promisedUntil: 10 });
    expect(() => spec.timeout(1)).toThrow("server 1 promised not to until 10, it is 0");
    expect(() => spec.advanceClock(1, -1)).toThrow("goes forward");
  });
});

describe("leaseRead", () => {
  it("is allowed until the promise has run out, from when it was asked for, less the drift", () => {
    const spec = promised();
    expect(spec.leaseRead(0, "a")).toBe(2);
    spec.advanceClock(0, 4);
    spec.leaseRead(0, "b");
    spec.advanceClock(0, 1);
    expect(() => spec.leaseRead(0, "c")).toThrow("at 108 [0] have");
  });

  it("needs an entry of the leader's term and a majority", () => {
    const spec = led();
    expect(() => spec.leaseRead(1, "a")).toThrow("server 1 is a follower");
    expect(() => spec.leaseRead(0, "a")).toThrow("a majority must have promised");
    const one = createSpecification({ servers: 1, log: [], currentTerm: 1, commitIndex: 0 });
    elect(one, 0, []);
    expect(() => one.leaseRead(0, "a")).toThrow("begins with an entry of its term");
  });

  it("is over with a transfer and with the leadership", () => {
    const spec = promised();
    spec.startTransfer(0, 1);
    expect(() => spec.leaseRead(0, "a")).toThrow("it has no lease");
    spec.endTransfer(0);
    expect(() => spec.leaseRead(0, "a")).toThrow("a majority must have promised");
    const other = promised();
    other.restart(0, 0, 0);
    expect(() => other.leaseRead(0, "a")).toThrow("is a follower");
  });
});

describe("a promise that is given back", () => {
  function release(spec: Specification, round: number): SpecAppendEntries {
    const { lease, ...sent } = { ...append(spec, 0, 1, 1, round), lease: 0, release: true };
    expect(lease).toBe(0);
    return sent;
  }

  it("is so while the leader hands over, and then does not count", () => {
    const spec = promised();
    expect(() => spec.send(release(spec, 1))).toThrow("it gives none back");
    spec.startTransfer(0, 1);
    spec.startRound(0);
    const sent = release(spec, 2);
    deliver(spec, sent);
    expect(memberAt(spec, 1)).toMatchObject({ promisedUntil: 10 });
    spec.releaseLease(1, sent);
    expect(memberAt(spec, 1)).toMatchObject({ promisedUntil: 0 });
    const late = { ...append(spec, 0, 1, 1, 1), lease: 10 };
    expect(() => spec.releaseLease(1, late)).toThrow("gives nothing back");
    expect(() => spec.promiseLease(1, late)).toThrow("was given back");
    spec.endTransfer(0);
    expect(() => spec.leaseRead(0, "a")).toThrow("at 103 [0] have");
    spec.startRound(0);
    expect(() => spec.send(release(spec, 3))).toThrow("it gives none back");
  });

  it("counts again for a round opened since", () => {
    const spec = promised();
    spec.startTransfer(0, 1);
    spec.startRound(0);
    const sent = release(spec, 2);
    deliver(spec, sent);
    spec.endTransfer(0);
    spec.startRound(0);
    const again = ask(spec, 1, 3);
    spec.promiseLease(1, again);
    spec.releaseLease(1, sent);
    expect(memberAt(spec, 1)).toMatchObject({ promisedUntil: 10 });
    persist(spec, 1);
    const answer = { ...acknowledge(again), promise: 10 };
    spec.send(answer);
    spec.countAcknowledgement(0, answer);
    expect(spec.leaseRead(0, "a")).toBe(2);
  });

  it("is not what was promised before a start", () => {
    const spec = promised();
    spec.startTransfer(0, 1);
    spec.startRound(0);
    const sent = release(spec, 2);
    spec.restart(1, 0, 0);
    deliver(spec, sent);
    spec.releaseLease(1, sent);
    expect(memberAt(spec, 1)).toMatchObject({ promisedUntil: 10 });
  });
});

describe("a leader that was heard lately", () => {
  it("is not deposed, unless its link is seen to be gone", () => {
    const spec = led();
    deliver(spec, append(spec, 0, 1, 1));
    spec.advanceClock(1, 4);
    const refused = "server 1 heard from leader 0 at 0, now 4";
    spec.timeout(2);
    expect(() => elect(spec, 2, [1])).toThrow("server 1 heard from leader 0");
    const asked = { ...request(spec, 2, 1) };
    expect(() => spec.updateTerm(1, asked)).toThrow(refused);
    const pre = { ...asked, pre: true, term: asked.term + 1 };
    spec.startPreVote(2);
    spec.send(pre);
    expect(() => spec.grantVote(1, pre)).toThrow(refused);
    spec.loseLink(1, 2);
    expect(() => spec.grantVote(1, pre)).toThrow(refused);
    spec.loseLink(1, 0);
    spec.grantVote(1, pre);
    const beat = append(spec, 0, 1, 1, 0);
    spec.acceptEntries(1, beat);
    expect(() => spec.grantVote(1, pre)).toThrow("server 1 heard from leader 0 at 4, now 4");
    spec.advanceClock(1, 5);
    spec.grantVote(1, pre);
  });

  it("is not heard in its snapshot, which comes from whoever has it", () => {
    const spec = led();
    const configuration = { voters: [0, 1, 2], outgoing: null, learners: [], removed: [] };
    spec.clientRequest(0, [5]);
    persist(spec, 0);
    replicate(spec, 0, 2);
    spec.advanceCommit(0, 2);
    spec.apply(0, 2);
    const snapshot = { index: 2, term: 2, configuration };
    spec.takeSnapshot(0, snapshot);
    const sent = { kind: "install-snapshot", from: 0, to: 1, term: 2, snapshot } as const;
    spec.send(sent);
    spec.installSnapshot(1, sent);
    spec.startPreVote(2);
    const pre = { ...request(spec, 2, 1), pre: true, term: 3 };
    spec.send(pre);
    spec.grantVote(1, pre);
  });

  it("may order it itself", () => {
    const spec = led();
    spec.clientRequest(0, [5]);
    for (const to of [1, 2]) {
      const sent = append(spec, 0, to, 1);
      deliver(spec, sent);
      persist(spec, to);
      spec.send(acknowledge(sent));
      spec.countAcknowledgement(0, acknowledge(sent));
    }
    spec.startTransfer(0, 1);
    const order = { kind: "timeout-now", from: 0, to: 1, term: 2 } as const;
    spec.send(order);
    spec.timeoutNow(1, order);
    persist(spec, 1);
    const asked = request(spec, 1, 2);
    spec.send(asked);
    expect(() => spec.updateTerm(2, asked)).toThrow("server 2 heard from leader 0");
    spec.send({ ...asked, transfer: true });
    spec.updateTerm(2, { ...asked, transfer: true });
    spec.grantVote(2, { ...asked, transfer: true });
  });
});
