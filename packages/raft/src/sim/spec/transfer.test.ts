import { describe, expect, it } from "vitest";
import type { Server, Specification, SpecTimeoutNow } from "./specification.ts";
import { cluster, elect, memberAt, persist, replicate, request } from "./test-worlds.ts";

/** Server 0 of three leads, server 1 has all its entries. */
function led(): Specification {
  const spec = cluster(3);
  elect(spec, 0, [1]);
  spec.clientRequest(0, [5]);
  persist(spec, 0);
  replicate(spec, 0, 1);
  spec.advanceCommit(0, 2);
  return spec;
}

function order(to: Server, term = 2): SpecTimeoutNow {
  return { kind: "timeout-now", from: 0, to, term };
}

describe("a transfer", () => {
  it("stops requests until it ends", () => {
    const spec = led();
    expect(() => spec.startTransfer(1, 0)).toThrow("server 1 is a follower");
    expect(() => spec.startTransfer(0, 0)).toThrow("another voter takes over");
    expect(() => spec.startTransfer(0, 7)).toThrow("another voter takes over");
    expect(() => spec.endTransfer(0)).toThrow("hands no leadership over");
    spec.startTransfer(0, 1);
    expect(memberAt(spec, 0).transferTo).toBe(1);
    expect(() => spec.startTransfer(0, 2)).toThrow("one transfer at a time");
    expect(() => spec.clientRequest(0, [6])).toThrow("hands its leadership to 1");
    const learners = { voters: [0, 1, 2], outgoing: null, learners: [], removed: [] };
    expect(() => spec.changeConfiguration(0, 6, learners)).toThrow("hands its leadership to 1");
    spec.endTransfer(0);
    spec.clientRequest(0, [6]);
    spec.startTransfer(0, 1);
    spec.stepDown(0);
    expect(memberAt(spec, 0).transferTo).toBeNull();
  });

  it("orders who has the whole log on disk", () => {
    const spec = led();
    expect(() => spec.send(order(1))).toThrow("did not hand term 2 to 1");
    spec.startTransfer(0, 2);
    expect(() => spec.send(order(2))).toThrow("did not hand term 2 to 2");
    replicate(spec, 0, 2);
    spec.send(order(2));
    spec.endTransfer(0);
    spec.clientRequest(0, [6]);
    spec.send(order(2));
    spec.startTransfer(0, 2);
    expect(() => spec.send(order(2))).toThrow("did not hand term 2 to 2");
  });

  it("lets the target stand in the next term, once", () => {
    const spec = led();
    spec.startTransfer(0, 1);
    spec.send(order(1));
    expect(() => spec.timeoutNow(2, order(1))).toThrow("Server 2 does not get");
    spec.timeoutNow(1, order(1));
    expect(memberAt(spec, 1)).toMatchObject({ role: "candidate", currentTerm: 3, votedFor: 1 });
    expect(() => spec.timeoutNow(1, order(1))).toThrow("an order of term 2");
    persist(spec, 1);
    const asked = { ...request(spec, 1, 2), transfer: true };
    spec.send(asked);
    spec.updateTerm(2, asked);
    spec.grantVote(2, asked);
  });

  it("obeys nobody but the leader that was heard", () => {
    const spec = led();
    spec.startTransfer(0, 1);
    spec.send(order(1));
    spec.restart(1, 0, 0);
    expect(() => spec.timeoutNow(1, order(1))).toThrow("not led by 0");
    spec.timeout(1);
    persist(spec, 1);
    expect(() => spec.timeoutNow(1, order(1))).toThrow("an order of term 2");
    const asked = { ...request(spec, 1, 2), transfer: true };
    expect(() => spec.send(asked)).toThrow("nobody ordered server 1 to stand in term 3");
  });
});
