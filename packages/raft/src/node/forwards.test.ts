/** A follower's proposals, its leader played by hand: answers come when the test says. */
import { describe, expect, it } from "vitest";
import { commandFor, Journal, worldLimits } from "../../test/node/node-world.ts";
import { logIndex, nodeId, noTerm, type QuorateError, term } from "../base/index.ts";
import {
  createConfiguration,
  createRaft,
  defaultSettings,
  type Entry,
  propose as proposeToCore,
  type Raft,
  step,
  takeEffects,
} from "../core/index.ts";
import { createMachineSet, rawMachine } from "../machine/index.ts";
import type { ForwardRequest, ForwardResponse, PeerMessage } from "../transport/index.ts";
import { createDeadlines, expireDue } from "./deadlines.ts";
import { firstEntry } from "./first-configuration.ts";
import { defaultLimits, type NodeLimits } from "./limits.ts";
import { Proposals } from "./proposals.ts";
import type { CommandDone } from "./requests.ts";

const ends = { from: nodeId("b"), to: nodeId("a") };
type Refusal = Exclude<
  Extract<ForwardResponse["result"], { kind: "refused" }>["why"],
  "not-enabled"
>;

function createFollower(boot: number): Raft {
  const voters = ["a", "b", "c"].map((id) => ({ id: nodeId(id), address: `${id}:1` }));
  return createRaft({
    ...{ id: nodeId("a"), settings: defaultSettings, boot, jitter: 0 },
    hardState: { term: term(1), votedFor: null, mustCatchUp: false },
    entries: [firstEntry(createConfiguration(voters))],
    commit: logIndex(1),
  });
}

function entriesOf(after: number, leaderTerm: number, texts: readonly (string | null)[]): Entry[] {
  return texts.map((text, i) => {
    const place = { index: logIndex(after + 1 + i), term: term(leaderTerm) };
    if (text === null) return { ...place, kind: "no-op", data: new Uint8Array(0) };
    return { ...place, kind: "command", data: commandFor("journal", text) };
  });
}

/** Member a follows leader b of term 2; index 1 is the configuration. */
function follower(changes: Partial<NodeLimits> = {}, boot = 1) {
  const raft = createFollower(boot);
  const sent: PeerMessage[] = [];
  const answers: { error: QuorateError | null; result: unknown }[] = [];
  const machines = createMachineSet({ journal: rawMachine(() => new Journal()) });
  const link = { isUp: true, takesMax: Number.POSITIVE_INFINITY };
  const deadlines = createDeadlines();
  const proposals = new Proposals({
    raft,
    limits: { ...defaultLimits, ...worldLimits, ...changes },
    deadlines,
    machines,
    nowMs: () => 0,
    isConnected: () => link.isUp,
    send(message) {
      if (sent.length >= link.takesMax) return false;
      sent.push(message);
      return true;
    },
    reachability: () => ({ needed: 2, reachable: ["a"], unreachable: ["b", "c"], causes: [] }),
    schedule: () => {},
    propose: (commands) => proposeToCore(raft, commands),
  });

  /** The leader of `leaderTerm` sends these texts (null: its no-op) behind `after`, committed. */
  const append = (after: number, leaderTerm: number, texts: readonly (string | null)[]) => {
    const previous = raft.log.entries[after - 1];
    const entries = entriesOf(after, leaderTerm, texts);
    const commit = logIndex(after + texts.length);
    const prev = { index: logIndex(after), term: previous?.term ?? noTerm };
    const request = {
      kind: "append-entries",
      ...ends,
      term: term(leaderTerm),
      prev,
      entries,
    } as const;
    step(raft, { kind: "receive", message: { ...request, commit, round: 1, sequence: 1 } });
    for (const effect of takeEffects(raft)) {
      if (effect.kind !== "apply") continue;
      for (const { index, term: at, kind, data } of effect.entries) {
        const result = kind === "command" ? machines.apply(data, index, at, true) : undefined;
        proposals.onApplied(index, at, result);
      }
      step(raft, { kind: "applied", index: effect.entries.at(-1)?.index ?? logIndex(0) });
    }
  };
  append(1, 2, [null]);

  const propose = (text: string, isRepeatable = false): number => {
    const at = answers.length;
    answers.push({ error: null, result: "open" });
    const settle: CommandDone = (error, result) => {
      answers[at] = { error, result };
    };
    proposals.propose(commandFor("journal", text), 1000, settle, isRepeatable);
    return at;
  };
  const expire = () => expireDue(deadlines, 1000);
  const forwards = () => sent.filter((one): one is ForwardRequest => one.kind === "forward");
  const respond = (result: ForwardResponse["result"], at = -1) => {
    const id = forwards().at(at)?.id ?? 0;
    proposals.onForwardResponse({ kind: "forward-response", ...ends, id, result });
  };
  const appended = (first: number, at = -1) =>
    respond({ kind: "appended", first: logIndex(first), term: term(2) }, at);
  const refuse = (why: Refusal, at = -1) => respond({ kind: "refused", why }, at);
  return { proposals, append, propose, answers, forwards, appended, refuse, link, expire };
}

const text = ({ commands }: ForwardRequest) =>
  commands.map((data) => new TextDecoder().decode(data.subarray(9)));

describe("forwarded commands", () => {
  it("go together, and find their results whichever comes first, answer or entries", () => {
    const { proposals, propose, append, appended, answers, forwards } = follower();
    propose("x");
    propose("y");
    proposals.flush();
    expect(forwards().map(text)).toEqual([["x", "y"]]);
    append(2, 2, ["other", "x"]);
    expect(answers.map(({ result }) => result)).toEqual(["open", "open"]);
    appended(4);
    expect(answers).toEqual([
      { error: null, result: 2 },
      { error: null, result: "open" },
    ]);
    append(4, 2, ["y"]);
    expect(answers[1]).toEqual({ error: null, result: 3 });
  });

  it("of a run before are not taken for those of this run when their answers come late", () => {
    const before = follower({}, 7_000_000);
    before.propose("old");
    before.proposals.flush();
    const { proposals, propose, append, answers, forwards, appended } = follower({}, 9_000_000);
    propose("new");
    proposals.flush();
    const id = before.forwards()[0]?.id ?? 0;
    const result = { kind: "appended", first: logIndex(3), term: term(2) } as const;
    proposals.onForwardResponse({ kind: "forward-response", ...ends, id, result });
    append(2, 2, ["old", "new"]);
    expect([forwards().length, answers[0]?.result]).toEqual([1, "open"]);
    appended(4);
    expect(answers).toEqual([{ error: null, result: 2 }]);
  });

  it("whose result was pushed out are said to be applied", () => {
    const { proposals, propose, append, appended, answers } = follower({ keptResultsMax: 2 });
    propose("x");
    proposals.flush();
    append(2, 2, ["x", "1", "2", "3"]);
    appended(3);
    expect(answers[0]?.error).toMatchObject({
      ...{ code: "OVERLOADED", outcome: "applied", retry: "never" },
      details: { limit: "keptResultsMax", limitValue: 2 },
    });
  });

  it("that another leader overwrote are not applied, kept result or not", () => {
    for (const keptResultsMax of [1, 100]) {
      const { proposals, propose, append, appended, answers } = follower({ keptResultsMax });
      propose("x");
      proposals.flush();
      append(2, 3, [null, "1", "2"]); // a leader of term 3, which knows nothing of x
      appended(3);
      expect(answers[0]?.error).toMatchObject({ code: "LEADERSHIP_LOST", outcome: "not-applied" });
    }
  });

  it("keep no more results than the oldest open forward can need", () => {
    const { proposals, propose, append, appended, answers } = follower({ keptResultsMax: 3 });
    propose("x");
    proposals.flush();
    append(2, 2, ["x", "1"]);
    propose("y");
    proposals.flush();
    appended(3, 0);
    append(4, 2, ["y", "2", "3"]); // with what was kept for x these would be too many
    appended(5, 1);
    expect(answers).toEqual([
      { error: null, result: 1 },
      { error: null, result: 3 },
    ]);
  });

  it("refused by somebody who does not lead are asked once a tick, or at the next leader", () => {
    const { proposals, propose, append, refuse, forwards } = follower();
    propose("x");
    proposals.flush();
    for (let turn = 0; turn < 10; turn++) {
      refuse("not-leader");
      proposals.flush();
    }
    expect(forwards()).toHaveLength(1);
    proposals.onTick();
    proposals.flush();
    expect(forwards()).toHaveLength(2);
    refuse("not-leader");
    append(2, 3, [null]);
    proposals.onLeader(nodeId("b"), term(3));
    proposals.flush();
    expect(forwards()).toHaveLength(3);
  });

  it("refused as too many are not applied", () => {
    const { proposals, propose, refuse, answers } = follower();
    propose("x");
    proposals.flush();
    refuse("overloaded");
    expect(answers[0]?.error).toMatchObject({ code: "OVERLOADED", outcome: "not-applied" });
  });

  it("wait, in order, while the way is full or broken", () => {
    const { proposals, propose, forwards, link } = follower({ forwardBytesMax: 30 });
    link.takesMax = 1;
    for (const one of ["1", "2", "3", "4", "5"]) propose(one);
    proposals.flush();
    expect(forwards().map(text)).toEqual([["1", "2"]]);
    link.takesMax = 100;
    propose("6");
    proposals.flush(); // the full way is tried again at the tick, so that nothing overtakes
    expect(forwards()).toHaveLength(1);
    proposals.onTick();
    proposals.flush();
    expect(forwards().map(text)).toEqual([
      ["1", "2"],
      ["3", "4"],
      ["5", "6"],
    ]);
    link.isUp = false;
    propose("7");
    proposals.onTick();
    proposals.flush();
    expect(forwards()).toHaveLength(3);
    link.isUp = true;
    proposals.flush();
    expect(forwards().map(text).at(-1)).toEqual(["7"]);
  });

  it("are unknown when the connection breaks, and late answers count for nothing", () => {
    const { proposals, propose, append, appended, answers } = follower();
    propose("x");
    proposals.flush();
    proposals.onDisconnected(nodeId("b"));
    expect(answers[0]?.error).toMatchObject({ code: "LEADERSHIP_LOST", outcome: "unknown" });
    append(2, 2, ["x"]);
    appended(3);
    expect(answers[0]?.error?.outcome).toBe("unknown");
  });
});

describe("repeatable commands", () => {
  /** Sent to the leader once; then the connection broke before the answer. */
  function uncertain(changes: Partial<NodeLimits> = {}) {
    const world = follower(changes);
    world.propose("x", true);
    world.proposals.flush();
    world.proposals.onDisconnected(nodeId("b"));
    expect(world.answers[0]?.result).toBe("open");
    return world;
  }
  const told = ({ answers }: ReturnType<typeof follower>) => {
    const { error } = answers[0] ?? {};
    return `${error?.code} ${error?.outcome} ${error?.retry}`;
  };

  it("I3: go to the leader again when the answer is lost, and get their result", () => {
    const { proposals, append, appended, answers, forwards } = uncertain();
    proposals.flush();
    expect(forwards().map(text)).toEqual([["x"], ["x"]]);
    append(2, 2, ["x", "other", "x"]);
    appended(3, 0); // late: of an attempt that was given up
    expect(answers[0]?.result).toBe("open");
    appended(5, 1);
    expect(answers[0]).toEqual({ error: null, result: 3 });
  });

  it("I3: go again when they were overwritten, or their result was pushed out", () => {
    const { proposals, propose, append, appended, answers, forwards } = follower({
      keptResultsMax: 2,
    });
    propose("x", true);
    proposals.flush();
    append(2, 2, ["x", "1", "2", "3"]);
    appended(3);
    proposals.flush();
    append(6, 3, [null]);
    appended(7, 1); // another leader's no-op stands there
    proposals.flush();
    expect(forwards().map(text)).toEqual([["x"], ["x"], ["x"]]);
    expect(answers[0]?.result).toBe("open");
  });

  it("I7: after an attempt that may be applied no refusal says not-applied", () => {
    const refused = uncertain();
    refused.proposals.flush();
    refused.refuse("unknown-machine");
    expect(told(refused)).toBe("UNKNOWN_COMMAND unknown never");

    const full = uncertain({ waitingCountMax: 1 });
    full.propose("y", true);
    full.proposals.flush();
    full.proposals.onDisconnected(nodeId("b")); // one of the two finds no room to wait
    const codes = full.answers.map(({ error }) => error && `${error.code} ${error.outcome}`);
    expect(codes).toEqual([null, "OVERLOADED unknown"]);

    const late = uncertain();
    late.link.isUp = false;
    late.expire();
    expect(told(late)).toBe("TIMEOUT unknown never");
  });

  it("I7: that the leader has no room for wait if an attempt may be applied", () => {
    const { proposals, refuse, forwards, answers, append, appended } = uncertain();
    proposals.flush();
    refuse("overloaded");
    proposals.flush();
    expect(forwards()).toHaveLength(2);
    expect(answers[0]?.result).toBe("open");
    proposals.onTick();
    proposals.flush();
    append(2, 2, ["x"]);
    appended(3);
    expect(answers[0]).toEqual({ error: null, result: 1 });
  });

  it("are certainly not applied when no attempt can be", () => {
    const world = follower();
    world.propose("x", true);
    world.proposals.flush();
    world.append(2, 3, [null]);
    world.appended(3); // overwritten: in no log that counts
    world.proposals.flush();
    expect(world.forwards()).toHaveLength(2);
    world.refuse("overloaded");
    expect(told(world)).toBe("OVERLOADED not-applied after");
  });
});
