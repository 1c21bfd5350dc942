/** What a seed's strikes go for. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { damageOfOtherCopy, drawDamage, drawStrikes, isRecalled } from "./strikes.ts";

const files = ["/data/hard-state.0", "/data/hard-state.1", "/data/log-1.wal", "/data/log-2.wal"];

function makeStrikes(changes: Partial<ReturnType<typeof drawStrikes>> = {}) {
  return { ...drawStrikes(createRandom(1, 1)), ...changes };
}

describe("damage", () => {
  it("takes nothing from the end of a log that was not closed in order", () => {
    const random = createRandom(1, 2);
    for (let draw = 0; draw < 200; draw++) {
      const strikes = drawStrikes(random);
      const { weights, sparesRecent } = drawDamage(strikes, false, files, random);
      const kinds = Object.keys(weights);
      expect(kinds).toEqual(sparesRecent === true ? ["zeroed"] : ["rotten"]);
    }
  });

  it("goes for the last file of the log, or for term and vote, most of the time", () => {
    const targets = {
      "log-end": ["/data/log-2.wal"],
      "hard-state": ["/data/hard-state.0", "/data/hard-state.1"],
    };
    for (const damageAim of ["log-end", "hard-state"] as const) {
      const random = createRandom(1, 3);
      let aimed = 0;
      for (let draw = 0; draw < 200; draw++) {
        const profile = drawDamage(makeStrikes({ damageAim }), true, files, random);
        const hit = files.filter(profile.files ?? (() => true));
        if (hit.join() === targets[damageAim].join()) aimed++;
      }
      expect(aimed).toBeGreaterThan(120);
      expect(aimed).toBeLessThan(200);
    }
  });

  it("of one copy of term and vote may be that of the other, too", () => {
    const profile = damageOfOtherCopy("stale", "/data/hard-state.1");
    expect(files.filter(profile.files ?? (() => true))).toEqual(["/data/hard-state.0"]);
    expect(profile.weights).toEqual({ stale: 1 });
  });
});

describe("what is heard again", () => {
  it("is all, what was asked, or what was answered", () => {
    const messages = [{ kind: "read-index" }, { kind: "read-index-response" }] as const;
    const heard = (recalled: "all" | "questions" | "answers") =>
      messages.filter((message) => isRecalled(message, makeStrikes({ recalled }))).length;
    expect([heard("all"), heard("questions"), heard("answers")]).toEqual([2, 1, 1]);
  });
});
