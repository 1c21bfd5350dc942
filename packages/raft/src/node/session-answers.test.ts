/** The clients' side of a session, its log played by hand. */
import { describe, expect, it } from "vitest";
import { QuorateError } from "../base/index.ts";
import { encodeCommand } from "../machine/machine-set.ts";
import { decodeSessionEntry, type SessionEntry } from "../machine/session-envelope.ts";
import type { SessionOutcome } from "../machine/session-table.ts";
import { type ClientSession, ClientSessions } from "./client-sessions.ts";
import { noQuorum } from "./errors.ts";
import { defaultLimits } from "./limits.ts";
import { type CommandDone, CommandRequest } from "./requests.ts";

const owner = { onExpired: () => {}, onSettled: () => {} };
const nobody = { needed: 2, reachable: [], unreachable: [], causes: [] };
const command = encodeCommand("journal", Uint8Array.of(1));

/** An open session of id 7 whose entries are `asked`, answered by `answer`. */
function open(ttlMs = 900) {
  const requests: CommandRequest[] = [];
  const time = { nowMs: 0 };
  const sessions = new ClientSessions({
    limits: defaultLimits,
    nowMs: () => time.nowMs,
    propose(data, timeoutMs, done) {
      const request = new CommandRequest(owner, data, time.nowMs, timeoutMs, done, true);
      requests.push(request);
      return request;
    },
    onListenerError: (_name, error) => {
      throw error;
    },
  });
  let opened: ClientSession | null = null;
  sessions.open(ttlMs, 1000, (_error, session) => {
    opened = session ?? null;
  });
  const asked = () => requests.map(({ data }) => decodeSessionEntry(data));
  const answer = (at: number, outcome: SessionOutcome) => requests.at(at)?.settle(null, outcome);
  answer(0, { kind: "opened", session: 7 });
  if (opened === null) throw new Error("it opens");
  const session: ClientSession = opened;
  const answers: string[] = [];
  const propose = () => {
    const at = answers.length;
    answers.push("open");
    const done: CommandDone = (error, result) => {
      answers[at] = error === null ? `result ${result}` : `${error.code} ${error.outcome}`;
    };
    const request = session.propose(command, 1000, done);
    if (request instanceof QuorateError) done(request);
  };
  const tick = (nowMs: number) => {
    time.nowMs = nowMs;
    sessions.onTick(nowMs);
  };
  return { session, requests, asked, answer, answers, propose, tick };
}

const heads = (entries: readonly SessionEntry[]) =>
  entries.map((entry) => {
    if (entry.kind === "command") return `command ${entry.sequence} floor ${entry.floor}`;
    return entry.kind === "keep-alive" ? `keep-alive floor ${entry.floor}` : entry.kind;
  });

describe("a client's session", () => {
  it("@thesis §6.3: numbers its commands, and tells the lowest that it waits for", () => {
    const { asked, answer, answers, propose } = open();
    propose();
    propose();
    propose();
    answer(2, { kind: "applied", result: "b" });
    propose();
    answer(1, { kind: "applied", result: "a" });
    propose();
    expect(heads(asked()).slice(1)).toEqual([
      ...["command 1 floor 1", "command 2 floor 1", "command 3 floor 1"],
      ...["command 4 floor 1", "command 5 floor 3"],
    ]);
    expect(answers.slice(0, 2)).toEqual(["result a", "result b"]);
  });

  it("tells of what it gave up as of what it has an answer to", () => {
    const { asked, requests, propose, answers } = open();
    propose();
    requests[1]?.settle(noQuorum("apply", 1000, nobody));
    propose();
    expect(heads(asked()).at(-1)).toBe("command 2 floor 2");
    expect(answers[0]).toBe("NO_QUORUM not-applied");
  });

  it("I7: that expired is sure of what was sent once, and of nothing else", () => {
    const { requests, answer, answers, propose, session } = open();
    propose();
    propose();
    const [, first] = requests;
    if (first !== undefined) first.isUncertain = true;
    answer(1, { kind: "expired" });
    answer(2, { kind: "expired" });
    propose();
    const [unknown, sure] = ["SESSION_EXPIRED unknown", "SESSION_EXPIRED not-applied"];
    expect(answers).toEqual([unknown, sure, sure]);
    expect(session.state).toBe("expired");
    expect(requests).toHaveLength(3);
  });

  it("says that a command was applied whose reply is gone", () => {
    const { answer, answers, propose } = open();
    propose();
    answer(1, { kind: "reply-lost" });
    expect(answers).toEqual(["REPLY_LOST applied"]);
  });

  it("is closed behind its last command, and once", () => {
    const { asked, answer, propose, session } = open();
    let closed = 0;
    propose();
    propose();
    session.close(() => closed++);
    answer(1, { kind: "applied", result: 1 });
    expect(heads(asked())).not.toContain("close");
    answer(2, { kind: "applied", result: 2 });
    session.close(() => closed++);
    expect(heads(asked()).filter((head) => head === "close")).toHaveLength(1);
    expect(closed).toBe(0);
    answer(3, { kind: "closed" });
    session.close(() => closed++);
    expect([closed, session.state]).toEqual([3, "closed"]);
  });

  it("is kept alive three times in its ttl, unless its commands do it", () => {
    const { asked, requests, answer, propose, tick } = open(900);
    tick(299);
    expect(asked()).toHaveLength(1);
    tick(300);
    tick(310); // one under way is enough
    expect(heads(asked()).slice(1)).toEqual(["keep-alive floor 1"]);
    requests[1]?.settle(noQuorum("apply", 1000, nobody));
    tick(320);
    expect(heads(asked()).slice(1)).toEqual(["keep-alive floor 1", "keep-alive floor 1"]);
    answer(2, { kind: "alive" });
    propose();
    tick(600);
    answer(3, { kind: "applied", result: 1 });
    tick(700);
    expect(asked()).toHaveLength(4);
    tick(900);
    expect(heads(asked()).at(-1)).toBe("keep-alive floor 2");
  });

  it("is kept alive for what is under way when it closes, and not behind the close", () => {
    const { asked, answer, propose, tick, session } = open(900);
    let heard = 0;
    session.onExpired(() => heard++);
    propose();
    session.close(() => {});
    tick(300);
    expect(heads(asked()).at(-1)).toBe("keep-alive floor 1");
    answer(1, { kind: "applied", result: 1 });
    answer(2, { kind: "expired" }); // it was sent again, and came behind the close
    tick(1000);
    expect(heads(asked()).slice(2)).toEqual(["keep-alive floor 1", "close"]);
    answer(3, { kind: "closed" });
    expect([heard, session.state]).toEqual([0, "closed"]);
  });

  it("learns from a keep-alive that it has expired", () => {
    const { answer, tick, session, asked } = open(900);
    let heard = 0;
    session.onExpired(() => heard++);
    const off = session.onExpired(() => heard++);
    off();
    tick(300);
    answer(1, { kind: "expired" });
    tick(900);
    expect([heard, session.state, asked().length]).toEqual([1, "expired", 2]);
  });
});
