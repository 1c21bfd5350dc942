/**
 * What happened in a world: a hash of everything, and the last events in full. An event is
 * remembered as numbers and references and becomes text only when somebody reads it.
 */
import { describeMessage, lastIndex, type Message, type Raft } from "../../core/index.ts";
import { mix } from "../checker/index.ts";

export type Subject = Message | string | number | null;

interface Row {
  atMs: number;
  what: string;
  member: string;
  subject: Subject;
  role: string;
  term: number;
  last: number;
  durable: number;
  commit: number;
  applied: number;
}

export interface Trace {
  hash: number;
  readonly rows: Row[];
  next: number;
}

/** Events kept. */
const rowsMax = 128;

const emptyRow: Row = {
  atMs: 0,
  what: "",
  member: "-",
  subject: null,
  role: "-",
  term: 0,
  last: 0,
  durable: 0,
  commit: 0,
  applied: 0,
};

export function createTrace(): Trace {
  return { hash: 0, rows: Array.from({ length: rowsMax }, () => ({ ...emptyRow })), next: 0 };
}

/** What befell the world or one of its members, whose core is not at hand. */
export function recordEvent(
  trace: Trace,
  atMs: number,
  what: string,
  member: string,
  subject: Subject,
): void {
  const row = nextRow(trace, atMs, what, member, subject);
  row.role = "-";
  row.term = row.last = row.durable = row.commit = row.applied = 0;
  trace.hash = hashText(mix(hashText(trace.hash, what), atMs * 1000), member);
  if (typeof subject === "string") trace.hash = hashText(trace.hash, subject);
  if (typeof subject === "number") trace.hash = mix(trace.hash, subject);
}

/** Of a core's state after the event. */
export function recordCore(
  trace: Trace,
  atMs: number,
  what: string,
  at: number,
  raft: Raft,
  subject: Subject,
): void {
  const row = nextRow(trace, atMs, what, raft.id, subject);
  row.role = raft.role;
  row.term = raft.hardState.term;
  row.last = lastIndex(raft.log);
  row.durable = raft.durableIndex;
  row.commit = raft.commit;
  row.applied = raft.applied;
  let hash = mix(mix(trace.hash, atMs * 1000), at * 64 + what.length);
  hash = mix(mix(hash, row.term), row.last * 65_537 + row.durable);
  hash = mix(mix(hash, row.commit * 65_537 + row.applied), row.role.length);
  if (typeof subject === "number") hash = mix(hash, subject);
  else if (subject !== null && typeof subject === "object") hash = mix(hash, subject.term);
  trace.hash = hash;
}

function nextRow(trace: Trace, atMs: number, what: string, member: string, subject: Subject): Row {
  const row = trace.rows[trace.next % rowsMax] ?? { ...emptyRow };
  trace.next++;
  row.atMs = atMs;
  row.what = what;
  row.member = member;
  row.subject = subject;
  return row;
}

function hashText(before: number, text: string): number {
  let hash = before;
  for (let at = 0; at < text.length; at++) hash = mix(hash, text.charCodeAt(at));
  return hash;
}

/** The last events, oldest first, in fixed columns. */
export function describeTrace(trace: Trace, count = 60): string {
  const rows = ["     time what         member role           term  last  disk commit applied"];
  for (let at = Math.max(0, trace.next - Math.min(count, rowsMax)); at < trace.next; at++) {
    const row = trace.rows[at % rowsMax];
    if (row !== undefined) rows.push(describeRow(row));
  }
  return rows.join("\n");
}

function describeRow(row: Row): string {
  const numbers = [row.term, row.last, row.durable].map((value) => String(value).padStart(5));
  const columns = [
    row.atMs.toFixed(2).padStart(9),
    row.what.padEnd(12),
    row.member.padEnd(6),
    row.role.padEnd(13),
    ...numbers,
    String(row.commit).padStart(6),
    String(row.applied).padStart(7),
    "",
    describeSubject(row.subject),
  ];
  return columns.join(" ").trimEnd();
}

function describeSubject(subject: Subject): string {
  if (subject === null) return "";
  return typeof subject === "object" ? describeMessage(subject) : String(subject);
}
