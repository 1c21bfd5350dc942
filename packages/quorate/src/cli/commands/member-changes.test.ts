import { describe, expect, it } from "vitest";
import type { OperatorMember } from "../../proto/index.ts";
import { CliError, describeCliError } from "../cli-error.ts";
import { addAsOf, addressOf, adviseOnLoss, describeDone } from "./member-changes.ts";
import { formatOperatorMembers } from "./operator-members.ts";

describe("the flags of member add", () => {
  it.each([
    [{}, "PROMOTED_LEARNER"],
    [{ autoPromote: true }, "PROMOTED_LEARNER"],
    [{ learner: true }, "LEARNER"],
    [{ learner: true, autoPromote: true }, "PROMOTED_LEARNER"],
    [{ learner: true, autoPromote: false }, "LEARNER"],
    [{ autoPromote: false }, "VOTER"],
  ])("%j is %s", (flags, as) => {
    expect(addAsOf(flags)).toBe(as);
  });

  it("take an address in our form and in etcdctl's, once", () => {
    expect(addressOf({ address: "10.0.0.4:2380" })).toBe("10.0.0.4:2380");
    expect(addressOf({ peerUrls: "http://10.0.0.4:2380/" })).toBe("10.0.0.4:2380");
    expect(() => addressOf({})).toThrow("is missing");
    expect(() => addressOf({ address: "a:1", peerUrls: "http://a:1" })).toThrow("is given twice");
  });
});

describe("what was done", () => {
  const request = { member: "b", newMember: "e", address: "h:1", addAs: "LEARNER" } as const;

  it("is one sentence", () => {
    expect(describeDone({ ...request, change: "ADD" })).toBe("b is a learner at h:1");
    expect(describeDone({ ...request, change: "REPLACE" })).toBe(
      "e is a learner at h:1, and takes the place of b when it has caught up",
    );
    expect(describeDone({ ...request, change: "REMOVE" })).toBe(
      "b is removed: its process ends, and its name is never used again",
    );
  });

  it("is advised about where the majority would be lost", () => {
    const lines = ["The members were not changed.", "Start c."];
    const told = { code: "WOULD_LOSE_QUORUM", exitCode: 1, lines } as const;
    const error = new CliError("1 of 2 voters are ready, 2 needed (c silent)", told);
    expect(describeCliError(adviseOnLoss(error, "REMOVE"), 80)).toBe(
      [
        "quorate: WOULD_LOSE_QUORUM  1 of 2 voters are ready, 2 needed (c silent)",
        "  The members were not changed.",
        "  Start who is missing. Who is gone for good is removed first, or replaced:",
        "  quorate member replace OLD NEW --address HOST:PORT",
        "",
      ].join("\n"),
    );
    expect(adviseOnLoss(error, "PROMOTE")).toBe(error);
  });
});

describe("the members as a table", () => {
  const member: OperatorMember = {
    ...{ ID: 0x1fn, id: "a", name: "a", address: "10.0.0.1:2380", role: "VOTER", isStarted: true },
    ...{ isWaiting: false, replaces: "", clientURLs: ["http://10.0.0.1:2379"] },
  };
  const learner: OperatorMember = {
    ...{ ...member, ID: 0x2fn, id: "e", name: "e", role: "LEARNER", isStarted: false },
    ...{ isWaiting: true, replaces: "a", clientURLs: [] },
  };

  it("says what becomes of a learner", () => {
    const response = { header: null, members: [learner, member] };
    expect(formatOperatorMembers(response, false, 80)).toBe(
      [
        "NAME  ID  ROLE            ADDRESS        CLIENT",
        "a     1f  voter           10.0.0.1:2380  10.0.0.1:2379",
        "e     2f  learner, for a  10.0.0.1:2380  -",
        "",
      ].join("\n"),
    );
    expect(JSON.parse(formatOperatorMembers(response, true, 80))).toMatchObject({
      members: [{ id: "e", role: "learner", replaces: "a", isStarted: false }, { id: "a" }],
    });
  });
});
