/** The algebra of member changes: what each step does, and laws that hold for all of them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type NodeId, nodeId } from "../base/index.ts";
import {
  allMembers,
  type Configuration,
  createConfiguration,
  decodeConfiguration,
  encodeConfiguration,
  isLearner,
  isVoter,
  type MemberChange,
  membersMax,
  type PlanResult,
  planChange,
  withoutOutgoing,
} from "./index.ts";

const a = nodeId("a");
const b = nodeId("b");
const c = nodeId("c");
const d = nodeId("d");

function addressOf(id: NodeId): string {
  return `${id}:1`;
}

function votersOf(...names: readonly NodeId[]): Configuration {
  return createConfiguration(names.map((id) => ({ id, address: addressOf(id) })));
}

function add(id: NodeId, as: "voter" | "learner" = "voter"): MemberChange {
  return { kind: "add", id, address: addressOf(id), as };
}

function planned(result: PlanResult): Configuration {
  if (result.kind === "refused") throw new Error(`refused: ${result.why}`);
  return result.configuration;
}

function idsOf(members: Configuration["voters"]): NodeId[] {
  return members.map(({ id }) => id);
}

describe("plans of member changes", () => {
  it("go through a joint configuration for one voter as for many", () => {
    const one = planned(planChange(votersOf(a, b), [add(c)]));
    expect(idsOf(one.voters)).toEqual([a, b, c]);
    expect(idsOf(one.outgoing ?? [])).toEqual([a, b]);
    const many = planned(
      planChange(votersOf(a, b), [{ kind: "remove", id: a }, add(c), add(d), add(nodeId("e"))]),
    );
    expect(idsOf(many.voters)).toEqual([b, c, d, "e"]);
    expect(many.removed).toEqual([a]);
    expect(withoutOutgoing(many).outgoing).toBeNull();
  });

  it("remember what a learner becomes once it is ready, until it is a voter", () => {
    const whenReady = { replaces: b };
    const learner: MemberChange = {
      ...{ kind: "add", id: d, address: addressOf(d), as: "learner", whenReady },
    };
    const waiting = planned(planChange(votersOf(a, b, c), [learner]));
    expect(waiting.learners).toEqual([{ id: d, address: addressOf(d), whenReady }]);
    const moved = planned(
      planChange(waiting, [{ kind: "update-address", id: d, address: "elsewhere:1" }]),
    );
    expect(moved.learners).toEqual([{ id: d, address: "elsewhere:1", whenReady }]);
    const done = planned(
      planChange(waiting, [
        { kind: "promote", id: d },
        { kind: "remove", id: b },
      ]),
    );
    expect(done.voters).toEqual(votersOf(a, c, d).voters);
    const stranger = { ...learner, whenReady: { replaces: nodeId("x") } };
    expect(planChange(votersOf(a, b), [stranger])).toEqual({
      ...{ kind: "refused", why: "unknown-member", id: "x" },
    });
  });

  it("need no joint configuration where the voters stay", () => {
    const learner = planned(planChange(votersOf(a), [add(b, "learner")]));
    expect(learner).toMatchObject({ outgoing: null, learners: [{ id: b }] });
    const moved = planned(
      planChange(learner, [{ kind: "update-address", id: a, address: "elsewhere:1" }]),
    );
    expect(moved).toMatchObject({ outgoing: null, voters: [{ id: a, address: "elsewhere:1" }] });
    const removed = planned(planChange(learner, [{ kind: "remove", id: b }]));
    expect(removed).toEqual({ ...votersOf(a), removed: [b] });
  });

  it("give a member that moves one address in both halves", () => {
    const joint = planned(
      planChange(votersOf(a, b), [{ kind: "update-address", id: a, address: "new:1" }, add(c)]),
    );
    expect(joint.voters[0]).toEqual({ id: a, address: "new:1" });
    expect(joint.outgoing?.[0]).toEqual({ id: a, address: "new:1" });
    expect(decodeConfiguration(encodeConfiguration(joint))).toEqual(joint);
  });

  it("F15: keep the learners when a voter is demoted, who votes until the end", () => {
    const before = { ...votersOf(a, b), learners: [{ id: c, address: addressOf(c) }] };
    const joint = planned(planChange(before, [{ kind: "demote", id: b }]));
    expect(idsOf(joint.learners)).toEqual([b, c]);
    expect(isVoter(joint, b)).toBe(true);
    expect(isVoter(withoutOutgoing(joint), b)).toBe(false);
    expect(idsOf(allMembers(withoutOutgoing(joint)))).toEqual([a, b, c]);
  });

  it.each([
    [[add(a)], { why: "already-member", id: a }],
    [[{ kind: "remove", id: d }], { why: "unknown-member", id: d }],
    [[{ kind: "promote", id: d }], { why: "unknown-member", id: d }],
    [[{ kind: "promote", id: a }], { why: "already-voter", id: a }],
    [[{ kind: "demote", id: c }], { why: "already-learner", id: c }],
    [[{ ...add(d), address: addressOf(b) } as MemberChange], { why: "address-taken", by: b }],
    [[{ kind: "update-address", id: a, address: addressOf(c) }], { why: "address-taken", by: c }],
    [[{ kind: "update-address", id: a, address: addressOf(a) }], { why: "nothing-changes" }],
    [[], { why: "nothing-changes" }],
    [
      [
        { kind: "promote", id: c },
        { kind: "demote", id: c },
      ],
      { why: "nothing-changes" },
    ],
    [
      [
        { kind: "remove", id: a },
        { kind: "demote", id: b },
      ],
      { why: "no-voters" },
    ],
    [[{ kind: "remove", id: a }, add(a)], { why: "was-removed", id: a }],
  ] satisfies [MemberChange[], object][])("refuse %j", (changes, refusal) => {
    const now = { ...votersOf(a, b), learners: [{ id: c, address: addressOf(c) }] };
    expect(planChange(now, changes)).toMatchObject({ kind: "refused", ...refusal });
  });

  it("A13: never give the id of a removed member to another", () => {
    const after = withoutOutgoing(planned(planChange(votersOf(a, b), [{ kind: "remove", id: b }])));
    for (const as of ["voter", "learner"] as const) {
      expect(planChange(after, [add(b, as)])).toMatchObject({
        kind: "refused",
        why: "was-removed",
      });
    }
  });

  it("refuse more members than there may be, those that leave included", () => {
    const many = Array.from({ length: membersMax }, (_, i) => nodeId(`m${i}`));
    const now = votersOf(...many);
    const swap: MemberChange[] = [{ kind: "remove", id: nodeId("m0") }, add(a)];
    expect(planChange(now, [add(a)])).toMatchObject({ why: "too-many-members", max: 63 });
    expect(planChange(now, swap)).toMatchObject({ why: "too-many-members" });
    expect(planChange(votersOf(...many.slice(1)), [add(a)]).kind).toBe("planned");
  });
});

describe("F15: laws of member changes", () => {
  const id = fc.constantFrom("a", "b", "c", "d", "e", "f").map((name) => nodeId(name));
  const change: fc.Arbitrary<MemberChange> = fc.oneof(
    fc
      .tuple(id, fc.constantFrom("voter" as const, "learner" as const))
      .map(([x, as]) => add(x, as)),
    fc
      .tuple(fc.constantFrom("promote" as const, "demote" as const, "remove" as const), id)
      .map(([kind, of]) => ({ kind, id: of })),
    fc.tuple(id, fc.nat(3)).map(([of, port]) => {
      return { kind: "update-address", id: of, address: `${of}:${port}` } as const;
    }),
  );
  const history = fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 20 });

  /** Calls `look` for each change that is not refused. */
  function walk(
    changes: readonly (readonly MemberChange[])[],
    look: (now: Configuration, next: Configuration, steps: readonly MemberChange[]) => void,
  ): void {
    let now = votersOf(a, b, c);
    for (const steps of changes) {
      const result = planChange(now, steps);
      if (result.kind === "refused") continue;
      look(now, result.configuration, steps);
      now = withoutOutgoing(result.configuration);
    }
  }

  it("nobody changes who is not named, and who is named is as was said", () => {
    fc.assert(
      fc.property(history, (changes) => {
        walk(changes, (now, next, steps) => {
          const after = withoutOutgoing(next);
          const named = new Set(steps.map((step) => step.id));
          for (const member of [...allMembers(now), ...allMembers(after)]) {
            if (named.has(member.id)) continue;
            expect(allMembers(after)).toContainEqual(member);
            expect(isVoter(after, member.id)).toBe(isVoter(now, member.id));
          }
          const last = steps.at(-1);
          if (last === undefined) return;
          const isMember = isVoter(after, last.id) || isLearner(after, last.id);
          expect(isMember).toBe(last.kind !== "remove");
        });
      }),
    );
  });

  it("the halves of a joint configuration are the voters before and after", () => {
    fc.assert(
      fc.property(history, (changes) => {
        walk(changes, (now, next) => {
          const isSame = idsOf(now.voters).join() === idsOf(next.voters).join();
          expect(next.outgoing === null).toBe(isSame);
          if (next.outgoing !== null) expect(idsOf(next.outgoing)).toEqual(idsOf(now.voters));
        });
      }),
    );
  });

  it("removed members only become more, and are none; bytes say all of it", () => {
    fc.assert(
      fc.property(history, (changes) => {
        walk(changes, (now, next) => {
          expect(next.removed).toEqual(expect.arrayContaining([...now.removed]));
          const after = withoutOutgoing(next);
          for (const gone of next.removed) expect(idsOf(allMembers(after))).not.toContain(gone);
          expect(decodeConfiguration(encodeConfiguration(next))).toEqual(next);
        });
      }),
    );
  });
});
