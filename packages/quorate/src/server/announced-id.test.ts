import { describe, expect, it } from "vitest";
import { announcedIdOf, isAnnouncedId } from "./announced-id.ts";

describe("the name of a member that was added without one", () => {
  it("is made of its address, and another one each time", () => {
    expect(announcedIdOf("10.0.0.4:2380", 1)).toBe("at-10.0.0.4-2380");
    expect(announcedIdOf("10.0.0.4:2380", 3)).toBe("at-10.0.0.4-2380.3");
    expect(announcedIdOf("[fd00::1]:2380", 1)).toBe("at--fd00--1--2380");
    expect(isAnnouncedId("at-10.0.0.4-2380")).toBe(true);
    expect(isAnnouncedId("a")).toBe(false);
  });

  it("is a name that is allowed, however long the address", () => {
    const ids = ["x", "y"].map((end) => announcedIdOf(`${"host.".repeat(40)}${end}:2380`, 99));
    expect(ids[0]).not.toBe(ids[1]);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
  });
});
