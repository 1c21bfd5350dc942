/** Explains appending, acknowledging, committing and applying. */
import {
  type AppendEntries,
  type AppendEntriesResponse,
  type Apply,
  lastIndex,
  type ProposeResult,
  type Raft,
} from "../../core/index.ts";
import { explainOwnConfigurations, isVoterAt } from "./configurations.ts";
import { appendOwn, explainStepDown, explainTerm } from "./elections.ts";
import { announce, demand, type Explanation, specMemberOf } from "./explanation.ts";
import { isSame } from "./image.ts";
import { explainHandover, explainPromise } from "./leadership.ts";
import { lastOf, type Mirror } from "./mirror.ts";
import { confirmReads } from "./reads.ts";
import { isEqual, messageOf, wordOf } from "./words.ts";

export function explainPropose(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  commands: readonly Uint8Array[],
  result: ProposeResult,
): void {
  if (result.kind === "refused") return;
  const before = lastOf(mirror);
  demand(
    result.first === before + 1 && result.term === raft.hardState.term,
    () => `it says that it appended at ${result.term}/${result.first}`,
  );
  for (const [at, command] of commands.entries()) {
    const entry = raft.log.entries[before - mirror.base + at];
    demand(
      entry?.kind === "command" && isEqual(entry.data, command),
      () => `entry ${before + at + 1} is not what was proposed`,
    );
  }
  demand(
    lastIndex(raft.log) === before + commands.length,
    () => `${lastIndex(raft.log) - before} entries for ${commands.length} commands`,
  );
  appendOwn(explanation, mirror, raft);
}

export function explainAppendEntries(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  request: AppendEntries,
): void {
  const { spec, words } = explanation;
  const word = messageOf(words, request);
  explainTerm(explanation, mirror, raft, word);
  if (request.term < raft.hardState.term) return;
  mirror.leader = request.from;
  mirror.leaderTerm = request.term;
  announce(explanation, "acceptEntries");
  spec.acceptEntries(mirror.at, word, countTaken(raft, request));
  explainPromise(explanation, mirror, raft, request);
  if (raft.commit === mirror.commit) return;
  announce(explanation, "learnCommit");
  spec.learnCommit(mirror.at, raft.commit);
}

/** Who says that it is full may leave new entries, all of a message or none. */
function countTaken(raft: Raft, { entries }: AppendEntries): number {
  if (!raft.backlog.isFull) return entries.length;
  const { base } = raft.log;
  let taken = 0;
  for (const { index, term } of entries) {
    if (index > base.index && raft.log.entries[index - base.index - 1]?.term !== term) break;
    taken++;
  }
  return taken;
}

export function explainAppendEntriesResponse(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  response: AppendEntriesResponse,
): void {
  const { spec, words } = explanation;
  const word = messageOf(words, response);
  if (response.term > mirror.hardState.term) explainTerm(explanation, mirror, raft, word);
  if (mirror.role !== "leader" || response.term !== mirror.hardState.term) return;
  if (response.outcome.kind === "stale-term") return;
  announce(explanation, "countAcknowledgement");
  spec.countAcknowledgement(mirror.at, word);
  const matched = raft.leadership?.peers.get(response.from)?.matched ?? 0;
  if (response.outcome.kind === "conflict") {
    const believed = specMemberOf(explanation, mirror.at).matchIndex.get(word.from) ?? 0;
    if (matched < believed) {
      announce(explanation, "lowerMatch");
      spec.lowerMatch(mirror.at, word.from, matched);
    }
  }
  explainHandover(explanation, mirror, raft, 0);
  explainCommit(explanation, mirror, raft);
  confirmReads(explanation, mirror, raft);
}

/**
 * A leader counted once more. With that a joint configuration may be left, or a leader that is no
 * voter any more has served.
 */
export function explainCommit(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  if (mirror.role !== "leader" || raft.commit === mirror.commit) return;
  announce(explanation, "advanceCommit");
  explanation.spec.advanceCommit(mirror.at, raft.commit);
  explainOwnConfigurations(explanation, mirror, raft);
  if (raft.role === "leader" || isVoterAt(explanation, mirror.at)) return;
  explainStepDown(explanation, mirror);
}

/** Committed entries are handed to the machines, the next ones in order. */
export function explainApply(explanation: Explanation, mirror: Mirror, effect: Apply): void {
  const { log } = specMemberOf(explanation, mirror.at);
  let index: number = mirror.applying;
  for (const entry of effect.entries) {
    index++;
    demand(
      entry.index === index && isSame(wordOf(explanation.words, entry), log[index - 1]),
      () => `it applies another entry ${entry.term}/${entry.index} at ${index}`,
    );
  }
  announce(explanation, "apply");
  explanation.spec.apply(mirror.at, index);
}
