/**
 * What happened: a hash of every step, and the last steps in full. A step is remembered as numbers
 * and references and becomes text only when somebody reads it.
 */
import {
  type AppendOutcome,
  type LogPosition,
  lastIndex,
  type Message,
  type RequestVote,
} from "../../core/index.ts";
import { mix } from "../checker/index.ts";
import type { Host, World } from "./world.ts";

export type Subject = Message | string | number | null;

interface Row {
  readonly step: number;
  action: string;
  member: string;
  subject: Subject;
  state: string;
  term: number;
  last: number;
  disk: number;
  commit: number;
  applied: number;
}

export interface Trace {
  hash: number;
  readonly rows: Row[];
  next: number;
}

/** Rows kept. */
const rowsMax = 64;

export function createTrace(): Trace {
  return { hash: 0, rows: [], next: 0 };
}

/** Of the state after the action. */
export function record(
  trace: Trace,
  world: World,
  action: string,
  host: Host | null,
  subject: Subject,
): void {
  const raft = host?.raft ?? null;
  const image = host === null ? null : world.checker.image(host.at);
  const row: Row = {
    step: world.actionsDone,
    action,
    member: host?.id ?? "-",
    subject,
    state: raft?.role ?? (host === null ? "-" : "down"),
    term: raft?.hardState.term ?? image?.term ?? 0,
    last: raft === null ? 0 : lastIndex(raft.log),
    disk: image?.log.length ?? 0,
    commit: raft?.commit ?? 0,
    applied: raft?.applied ?? 0,
  };
  let hash = mix(trace.hash, row.step);
  for (let i = 0; i < action.length; i++) hash = mix(hash, action.charCodeAt(i));
  hash = mix(mix(hash, (host?.at ?? 7) * 8 + row.state.length), row.term);
  hash = mix(mix(hash, row.last), row.disk * 65_537 + row.commit);
  trace.hash = mix(mix(hash, row.applied), image?.log.at(-1)?.hash ?? 0);
  trace.rows[trace.next % rowsMax] = row;
  trace.next++;
}

/** The last steps, oldest first, in fixed columns. */
export function describeTrace(trace: Trace, count = 50): string {
  const rows: string[] = [
    "    step action      member role           term  last  disk commit applied  what",
  ];
  for (let at = Math.max(0, trace.next - Math.min(count, rowsMax)); at < trace.next; at++) {
    const row = trace.rows[at % rowsMax];
    if (row === undefined) continue;
    const numbers = [row.term, row.last, row.disk].map((value) => String(value).padStart(5));
    rows.push(
      [
        String(row.step).padStart(8),
        row.action.padEnd(11),
        row.member.padEnd(6),
        row.state.padEnd(13),
        ...numbers,
        String(row.commit).padStart(6),
        String(row.applied).padStart(7),
        "",
        describeSubject(row.subject),
      ].join(" "),
    );
  }
  return rows.join("\n");
}

function describeSubject(subject: Subject): string {
  if (subject === null) return "";
  if (typeof subject !== "object") return String(subject);
  return describeMessage(subject);
}

function markOf({ pre, transfer }: RequestVote): string {
  return pre ? " pre" : transfer === true ? " transfer" : "";
}

/** One line of one message. */
export function describeMessage(message: Message): string {
  const head = `${message.from} > ${message.to} ${message.kind} term=${message.term}`;
  switch (message.kind) {
    case "request-vote":
      return `${head}${markOf(message)} last=${message.last.index}/${message.last.term}`;
    case "request-vote-response": {
      const said = message.refused ?? "granted";
      return `${head}${message.pre ? " pre" : ""} for=${message.campaignTerm} ${said}`;
    }
    case "append-entries": {
      const { entries, commit, round, sequence } = message;
      const what = `prev=${place(message.prev)} entries=${entries.length} commit=${commit}`;
      return `${head} ${what} round=${round} sequence=${sequence}`;
    }
    case "append-entries-response":
      return [
        head,
        describeOutcome(message.outcome),
        `round=${message.round}`,
        `sequence=${message.sequence}`,
      ].join(" ");
    case "read-index":
      return `${head} batch=${message.batch}`;
    case "read-index-response":
      return `${head} batch=${message.batch} index=${message.index}`;
    case "timeout-now":
      return `${head} round=${message.round}`;
    default:
      return message satisfies never;
  }
}

function describeOutcome(outcome: AppendOutcome): string {
  switch (outcome.kind) {
    case "accepted":
      return `accepted matched=${outcome.matched} verified=${outcome.verified}`;
    case "conflict":
      return `conflict prev=${place(outcome.prev)} hint=${place(outcome.hint)}`;
    case "stale-term":
      return outcome.kind;
    default:
      return outcome satisfies never;
  }
}

function place(position: LogPosition): string {
  return `${position.index}/${position.term}`;
}
