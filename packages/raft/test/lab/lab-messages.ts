/** The cores' messages, made by hand, as a peer could send them. */
import { logIndex, nodeId, term } from "../../src/base/index.ts";
import type { Message } from "../../src/core/index.ts";
import { entryOf } from "./lab.ts";

export function requestVote(
  from: string,
  to: string,
  ofTerm: number,
  last: readonly [term: number, index: number],
  pre = false,
): Message {
  return {
    kind: "request-vote",
    ...envelope(from, to, ofTerm),
    pre,
    last: { term: term(last[0]), index: logIndex(last[1]) },
  };
}

export interface AppendOptions {
  readonly prev: readonly [term: number, index: number];
  /** Terms of the entries that follow `prev`. */
  readonly terms?: readonly number[];
  readonly commit?: number;
  readonly round?: number;
  readonly sequence?: number;
}

export function append(from: string, to: string, ofTerm: number, options: AppendOptions): Message {
  const [prevTerm, prevIndex] = options.prev;
  return {
    kind: "append-entries",
    ...envelope(from, to, ofTerm),
    prev: { term: term(prevTerm), index: logIndex(prevIndex) },
    entries: (options.terms ?? []).map((value, i) => entryOf(prevIndex + 1 + i, value)),
    commit: logIndex(options.commit ?? 0),
    round: options.round ?? 1,
    sequence: options.sequence ?? 1,
  };
}

export function timeoutNow(from: string, to: string, ofTerm: number, round: number): Message {
  return { kind: "timeout-now", ...envelope(from, to, ofTerm), round };
}

function envelope(from: string, to: string, ofTerm: number) {
  return { from: nodeId(from), to: nodeId(to), term: term(ofTerm) };
}
