/** The invariants that come with the bounded variant of Ongaro's specification. */

import { isLogPrefix, logLength, logPrefix, termAt } from "./ongaro-log.ts";
import { getField, type State, server } from "./ongaro-state.ts";

/** A sentence about what is wrong with a state of `count` servers, or null. */
export function findViolation(state: State, count: number, leader: number): string | null {
  for (let index = 0; index < count; index++) {
    for (let other = 0; other < count; other++) {
      if (index === other) continue;
      const violation = compareServers(state, index, other, leader);
      if (violation !== null) return violation;
    }
  }
  return null;
}

function compareServers(state: State, index: number, other: number, leader: number): string | null {
  const word = state.servers.at(index * 3);
  const otherWord = state.servers.at(other * 3);
  const isLeader = getField(word, server.role) === leader;
  const term = getField(word, server.term);
  if (isLeader && getField(otherWord, server.role) === leader) {
    if (term === getField(otherWord, server.term)) return `two leaders of term ${term}`;
  }
  const log = getField(word, server.log);
  const otherLog = getField(otherWord, server.log);
  if (log === 0 && otherLog === 0) return null;
  if (!doLogsMatch(log, otherLog)) return `logs of ${index} and ${other} do not match`;
  const committed = logPrefix(log, getField(word, server.commitIndex));
  const otherCommitted = logPrefix(otherLog, getField(otherWord, server.commitIndex));
  if (!isLogPrefix(committed, otherCommitted) && !isLogPrefix(otherCommitted, committed)) {
    return `${index} and ${other} committed different entries`;
  }
  if (isLeader && !isLogPrefix(committedUpToTerm(otherLog, otherCommitted, term), log)) {
    return `leader ${index} lacks an entry that ${other} committed`;
  }
  return null;
}

/** LogMatching: entries of one index and term have equal logs up to there. */
function doLogsMatch(log: number, other: number): boolean {
  const length = Math.min(logLength(log), logLength(other));
  for (let index = 1; index <= length; index++) {
    if (termAt(log, index) !== termAt(other, index)) continue;
    if (logPrefix(log, index) !== logPrefix(other, index)) return false;
  }
  return true;
}

/** The committed entries of a log up to its last one of a term not newer than `term`. */
function committedUpToTerm(log: number, committed: number, term: number): number {
  let last = logLength(log);
  while (last > 0 && termAt(log, last) > term) last--;
  return logPrefix(committed, last);
}
