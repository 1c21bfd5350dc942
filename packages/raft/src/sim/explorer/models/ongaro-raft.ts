/**
 * Raft as Ongaro specified it in TLA+ (raft.tla, @thesis appendix B), in the bounded variant whose
 * size is published (github.com/codeharris/raft.tla, README, commit 64daec5 of the original
 * fork by O. Marcu): 6,425,257 distinct states of 49,455,516 generated, depth 49, with 3 servers, 1
 * value, 1 client request, terms up to 2, up to servers' symmetry.
 *
 * What the variant changes: a message can be sent once only (its copy stays known after it was
 * received), there is no restart, no duplication and no loss; requests and elections are counted;
 * a leader keeps what it knows to match when an old response arrives; commit indexes never fall.
 * The explorer tests itself with it: this is not the Raft of this library.
 */
import { assert } from "../../../base/index.ts";
import { type Model, ModelViolation } from "../model.ts";
import { findViolation } from "./ongaro-invariants.ts";
import {
  appendToLog,
  createEntry,
  entryAt,
  entryTerm,
  logLength,
  logPrefix,
  termAt,
} from "./ongaro-log.ts";
import {
  type Field,
  getField,
  matchIndex,
  message,
  nextIndex,
  State,
  StateCodec,
  server,
  setField,
} from "./ongaro-state.ts";

/** The constants of the specification. */
export interface OngaroRaftBounds {
  /** 1 to 3. */
  readonly servers: number;
  /** 1 to 3. */
  readonly values: number;
  /** MaxTerm, 1 to 3; the first term is 1. */
  readonly termMax: number;
  /** MaxClientRequests, 0 to 3: entries made in all. */
  readonly requestsMax: number;
  /** MaxBecomeLeader, 1 to 3: elections that one server wins. */
  readonly leaderCountMax: number;
  /** Whether servers are interchangeable; states are counted up to that then. */
  readonly isSymmetric: boolean;
}

const follower = 0;
const candidate = 1;
const leader = 2;

const requestVoteRequest = 0;
const requestVoteResponse = 1;
const appendEntriesRequest = 2;
const appendEntriesResponse = 3;
const kinds = [
  "RequestVote request",
  "RequestVote response",
  "AppendEntries request",
  "AppendEntries response",
];

const electionProbes = ["leader elected"];
const entryProbes = ["entry committed", "entry committed everywhere"];

/** The numbers of the first action of each kind; servers, peers and values count by threes. */
const timeoutFirst = 0;
const requestVoteFirst = 3;
const becomeLeaderFirst = 12;
const clientRequestFirst = 15;
const advanceCommitFirst = 24;
const appendEntriesFirst = 27;
const receiveFirst = 36;
const serversMax = 3;

/** A model of Ongaro's specification within `bounds`. */
export function createOngaroRaftModel(name: string, bounds: OngaroRaftBounds): Model {
  return new OngaroRaft(name, bounds);
}

class OngaroRaft implements Model {
  readonly name: string;
  readonly description: string;
  readonly probes: readonly string[];
  readonly probeHits: Float64Array;
  failedAction = 0;
  readonly #bounds: OngaroRaftBounds;
  readonly #codec: StateCodec;
  readonly #state = new State();
  readonly #next = new State();
  #action = 0;
  #emit: (action: number, next: Uint8Array) => void = () => {};

  constructor(name: string, bounds: OngaroRaftBounds) {
    const { servers, values, termMax, requestsMax, leaderCountMax, isSymmetric } = bounds;
    assert(servers >= 1 && servers <= serversMax, "ongaro-raft: 1 to 3 servers");
    assert(values >= 1 && values <= 3, "ongaro-raft: 1 to 3 values");
    assert(termMax >= 1 && termMax <= 3, "ongaro-raft: terms up to 3");
    assert(requestsMax >= 0 && requestsMax <= 3, "ongaro-raft: up to 3 requests");
    assert(leaderCountMax >= 1 && leaderCountMax <= 3, "ongaro-raft: up to 3 elections a server");
    this.#bounds = bounds;
    this.#codec = new StateCodec(servers, isSymmetric);
    this.name = name;
    this.probes = requestsMax === 0 ? electionProbes : [...electionProbes, ...entryProbes];
    this.probeHits = new Float64Array(this.probes.length);
    this.description =
      `Ongaro's raft.tla, ${servers} servers, ${values} values, terms up to ${termMax}, ` +
      `${requestsMax} requests, ${leaderCountMax} elections a server, ` +
      `${isSymmetric ? "up to symmetry" : "without symmetry"}`;
  }

  initial(): readonly Uint8Array[] {
    const state = new State();
    state.servers.count = this.#bounds.servers * 3;
    for (let index = 0; index < this.#bounds.servers; index++) {
      state.set(index, server.term, 1);
      for (let peer = 0; peer < this.#bounds.servers; peer++) {
        state.setProgress(index, nextIndexOf(peer), 1);
      }
    }
    return [this.#codec.write(state).slice()];
  }

  expand(bytes: Uint8Array, emit: (action: number, next: Uint8Array) => void): void {
    const { servers, values } = this.#bounds;
    const state = this.#state;
    this.#codec.read(bytes, state);
    this.#emit = emit;
    this.#countProbes();
    // Whatever happens, the logs of now become part of the history.
    for (let i = 0; i < servers; i++) state.addLog(state.get(i, server.log));
    for (let i = 0; i < servers; i++) {
      this.#timeout(i);
      this.#becomeLeader(i);
      this.#advanceCommitIndex(i);
      for (let value = 0; value < values; value++) this.#clientRequest(i, value);
      for (let j = 0; j < servers; j++) {
        if (i === j) continue;
        this.#requestVote(i, j);
        this.#appendEntries(i, j);
      }
    }
    for (let index = 0; index < state.messages.count; index++) {
      if (getField(state.messages.at(index), message.count) > 0) this.#receive(index);
    }
  }

  describe(bytes: Uint8Array, action: number): string {
    this.#codec.read(bytes, this.#state);
    if (action >= receiveFirst) {
      const word = this.#state.messages.at(action - receiveFirst);
      const kind = kinds[getField(word, message.kind)];
      const source = getField(word, message.source);
      return `${getField(word, message.target)} receives ${kind} of ${source}`;
    }
    if (action >= appendEntriesFirst) return pair(action - appendEntriesFirst, "sends entries to");
    if (action >= advanceCommitFirst) return `${action - advanceCommitFirst} looks what to commit`;
    if (action >= clientRequestFirst) return pair(action - clientRequestFirst, "takes value");
    if (action >= becomeLeaderFirst) return `${action - becomeLeaderFirst} becomes leader`;
    if (action >= requestVoteFirst) return pair(action - requestVoteFirst, "asks for the vote of");
    return `${action - timeoutFirst} times out`;
  }

  /** Starts the next state: a copy of this one, to be changed and finished. */
  #begin(action: number): State {
    this.#action = action;
    this.#next.copyFrom(this.#state);
    return this.#next;
  }

  #finish(): void {
    const violation = findViolation(this.#next, this.#bounds.servers, leader);
    if (violation !== null) {
      this.failedAction = this.#action;
      throw new ModelViolation(violation);
    }
    this.#emit(this.#action, this.#codec.write(this.#next));
  }

  #countProbes(): void {
    const { probeHits } = this;
    const { servers } = this.#bounds;
    let leaders = 0;
    let committed = 0;
    for (let i = 0; i < servers; i++) {
      if (this.#state.get(i, server.role) === leader) leaders++;
      if (this.#state.get(i, server.commitIndex) > 0) committed++;
    }
    if (leaders > 0) probeHits[0] = (probeHits[0] ?? 0) + 1;
    if (committed > 0) probeHits[1] = (probeHits[1] ?? 0) + 1;
    if (committed === servers) probeHits[2] = (probeHits[2] ?? 0) + 1;
  }

  #isQuorum(set: number): boolean {
    const members = (set & 1) + ((set >>> 1) & 1) + (set >>> 2);
    return members * 2 > this.#bounds.servers;
  }

  #timeout(i: number): void {
    const term = this.#state.get(i, server.term);
    if (this.#state.get(i, server.role) === leader || term >= this.#bounds.termMax) return;
    const next = this.#begin(timeoutFirst + i);
    next.set(i, server.role, candidate);
    next.set(i, server.term, term + 1);
    next.set(i, server.votedFor, 0);
    next.set(i, server.votesResponded, 0);
    next.set(i, server.votesGranted, 0);
    for (let voter = 0; voter < serversMax; voter++) next.setVoterLog(i, voter, 0);
    this.#finish();
  }

  #requestVote(i: number, j: number): void {
    const state = this.#state;
    if (state.get(i, server.role) !== candidate) return;
    if ((state.get(i, server.votesResponded) & (1 << j)) !== 0) return;
    const log = state.get(i, server.log);
    const length = logLength(log);
    let request = createMessage(requestVoteRequest, i, j, state.get(i, server.term));
    request = setField(request, message.lastLogTerm, termAt(log, length));
    request = setField(request, message.lastLogIndex, length);
    send(this.#begin(requestVoteFirst + 3 * i + j), request);
    this.#finish();
  }

  #becomeLeader(i: number): void {
    const state = this.#state;
    if (state.get(i, server.role) !== candidate) return;
    if (!this.#isQuorum(state.get(i, server.votesGranted))) return;
    const leaderCount = state.get(i, server.leaderCount);
    if (leaderCount >= this.#bounds.leaderCountMax) return;
    const next = this.#begin(becomeLeaderFirst + i);
    next.set(i, server.role, leader);
    next.set(i, server.leaderCount, leaderCount + 1);
    for (let peer = 0; peer < this.#bounds.servers; peer++) {
      next.setProgress(i, nextIndexOf(peer), logLength(state.get(i, server.log)) + 1);
      next.setProgress(i, matchIndexOf(peer), 0);
    }
    next.addElection(i);
    this.#finish();
  }

  #clientRequest(i: number, value: number): void {
    const state = this.#state;
    if (state.get(i, server.role) !== leader) return;
    if (state.requests >= this.#bounds.requestsMax) return;
    const log = state.get(i, server.log);
    const entry = createEntry(state.get(i, server.term), value);
    const next = this.#begin(clientRequestFirst + 3 * i + value);
    if (!hasEntry(log, entry)) {
      next.set(i, server.log, appendToLog(log, entry));
      next.requests++;
    }
    this.#finish();
  }

  #advanceCommitIndex(i: number): void {
    const state = this.#state;
    if (state.get(i, server.role) !== leader) return;
    const next = this.#begin(advanceCommitFirst + i);
    const log = state.get(i, server.log);
    for (let index = logLength(log); index > 0; index--) {
      let agreeing = 1 << i;
      for (let peer = 0; peer < this.#bounds.servers; peer++) {
        if (state.getProgress(i, matchIndexOf(peer)) >= index) agreeing |= 1 << peer;
      }
      if (!this.#isQuorum(agreeing)) continue;
      if (termAt(log, index) === state.get(i, server.term)) next.set(i, server.commitIndex, index);
      break;
    }
    this.#finish();
  }

  #appendEntries(i: number, j: number): void {
    const state = this.#state;
    if (state.get(i, server.role) !== leader) return;
    const log = state.get(i, server.log);
    const index = state.getProgress(i, nextIndexOf(j));
    const lastEntry = Math.min(logLength(log), index);
    let request = createMessage(appendEntriesRequest, i, j, state.get(i, server.term));
    request = setField(request, message.prevLogIndex, index - 1);
    request = setField(request, message.prevLogTerm, termAt(log, index - 1));
    request = setField(request, message.entry, entryAt(log, index));
    request = setField(request, message.log, log);
    const commitIndex = Math.min(state.get(i, server.commitIndex), lastEntry);
    request = setField(request, message.commitIndex, commitIndex);
    send(this.#begin(appendEntriesFirst + 3 * i + j), request);
    this.#finish();
  }

  /** Receives the message at a place of the list; some can never be received. */
  #receive(place: number): void {
    const word = this.#state.messages.at(place);
    const i = getField(word, message.target);
    const term = this.#state.get(i, server.term);
    const messageTerm = getField(word, message.term);
    const kind = getField(word, message.kind);
    this.#action = receiveFirst + place;
    if (messageTerm > term) this.#updateTerm(i, messageTerm);
    else if (kind === requestVoteRequest) this.#onRequestVote(i, place);
    else if (kind === appendEntriesRequest) this.#onAppendEntries(i, place);
    else if (messageTerm < term) this.#drop(place);
    else if (kind === requestVoteResponse) this.#onVote(i, place);
    else this.#onAppendEntriesResponse(i, place);
  }

  #updateTerm(i: number, term: number): void {
    if (term > this.#bounds.termMax) return;
    const next = this.#begin(this.#action);
    next.set(i, server.term, term);
    next.set(i, server.role, follower);
    next.set(i, server.votedFor, 0);
    this.#finish();
  }

  #drop(place: number): void {
    discard(this.#begin(this.#action), place);
    this.#finish();
  }

  #onRequestVote(i: number, place: number): void {
    const state = this.#state;
    const word = state.messages.at(place);
    const j = getField(word, message.source);
    const term = state.get(i, server.term);
    const log = state.get(i, server.log);
    const lastTerm = termAt(log, logLength(log));
    const lastLogTerm = getField(word, message.lastLogTerm);
    const isLogOk =
      lastLogTerm > lastTerm ||
      (lastLogTerm === lastTerm && getField(word, message.lastLogIndex) >= logLength(log));
    const votedFor = state.get(i, server.votedFor);
    const isFree = votedFor === 0 || votedFor === j + 1;
    const isGranted = getField(word, message.term) === term && isLogOk && isFree;
    const next = this.#begin(this.#action);
    if (isGranted) next.set(i, server.votedFor, j + 1);
    let response = createMessage(requestVoteResponse, i, j, term);
    response = setField(response, message.voteGranted, isGranted ? 1 : 0);
    reply(next, place, setField(response, message.log, log));
    this.#finish();
  }

  #onVote(i: number, place: number): void {
    const word = this.#state.messages.at(place);
    const voter = getField(word, message.source);
    const next = this.#begin(this.#action);
    const granted = next.get(i, server.votesGranted);
    next.set(i, server.votesResponded, next.get(i, server.votesResponded) | (1 << voter));
    if (getField(word, message.voteGranted) > 0 && (granted & (1 << voter)) === 0) {
      next.set(i, server.votesGranted, granted | (1 << voter));
      next.setVoterLog(i, voter, getField(word, message.log));
    }
    discard(next, place);
    this.#finish();
  }

  #onAppendEntries(i: number, place: number): void {
    const state = this.#state;
    const word = state.messages.at(place);
    const role = state.get(i, server.role);
    const log = state.get(i, server.log);
    const prevLogIndex = getField(word, message.prevLogIndex);
    const isLogOk =
      prevLogIndex === 0 ||
      (prevLogIndex <= logLength(log) &&
        getField(word, message.prevLogTerm) === termAt(log, prevLogIndex));
    const isStale = getField(word, message.term) < state.get(i, server.term);
    if (isStale || (role === follower && !isLogOk)) {
      this.#answerEntries(this.#begin(this.#action), i, place, null);
    } else if (role === candidate) {
      this.#begin(this.#action).set(i, server.role, follower);
      this.#finish();
    } else if (role === follower) this.#takeEntries(i, place);
  }

  /** A follower takes a request that fits its log: one change a step, the message stays so long. */
  #takeEntries(i: number, place: number): void {
    const word = this.#state.messages.at(place);
    const log = this.#state.get(i, server.log);
    const entry = getField(word, message.entry);
    const index = getField(word, message.prevLogIndex) + 1;
    const next = this.#begin(this.#action);
    const own = entryAt(log, index);
    if (entry !== 0 && own === 0) {
      next.set(i, server.log, appendToLog(log, entry));
      this.#finish();
    } else if (entry !== 0 && entryTerm(own) !== entryTerm(entry)) {
      next.set(i, server.log, logPrefix(log, logLength(log) - 1));
      this.#finish();
    } else {
      const leaderCommit = getField(word, message.commitIndex);
      if (next.get(i, server.commitIndex) < leaderCommit) {
        next.set(i, server.commitIndex, Math.min(leaderCommit, logLength(log)));
      }
      this.#answerEntries(next, i, place, entry === 0 ? index - 1 : index);
    }
  }

  /** `matched`: the index up to which logs are equal; null to refuse. */
  #answerEntries(next: State, i: number, place: number, matched: number | null): void {
    const j = getField(next.messages.at(place), message.source);
    let response = createMessage(appendEntriesResponse, i, j, next.get(i, server.term));
    if (matched !== null) {
      response = setField(response, message.success, 1);
      response = setField(response, message.matchIndex, matched);
    }
    reply(next, place, response);
    this.#finish();
  }

  #onAppendEntriesResponse(i: number, place: number): void {
    const word = this.#state.messages.at(place);
    const j = getField(word, message.source);
    const next = this.#begin(this.#action);
    if (getField(word, message.success) > 0) {
      const known = next.getProgress(i, matchIndexOf(j));
      const matched = Math.max(known, getField(word, message.matchIndex));
      next.setProgress(i, nextIndexOf(j), matched + 1);
      next.setProgress(i, matchIndexOf(j), matched);
    } else {
      const index = next.getProgress(i, nextIndexOf(j));
      next.setProgress(i, nextIndexOf(j), Math.max(index - 1, 1));
    }
    discard(next, place);
    this.#finish();
  }
}

function pair(offset: number, verb: string): string {
  return `${Math.floor(offset / 3)} ${verb} ${offset % 3}`;
}

function nextIndexOf(peer: number): Field {
  return nextIndex[peer] as Field; // three servers at most
}

function matchIndexOf(peer: number): Field {
  return matchIndex[peer] as Field; // three servers at most
}

function hasEntry(log: number, entry: number): boolean {
  for (let index = logLength(log); index > 0; index--) {
    if (entryAt(log, index) === entry) return true;
  }
  return false;
}

function createMessage(kind: number, source: number, target: number, term: number): number {
  let word = setField(1, message.kind, kind);
  word = setField(word, message.source, source);
  word = setField(word, message.target, target);
  return setField(word, message.term, term);
}

/** A message that was ever sent is not sent again. */
function send({ messages }: State, word: number): void {
  if (messages.find(word) < 0 && messages.find(word & ~1) < 0) messages.push(word);
}

/** Takes the message at a place; that it was sent stays known. */
function discard({ messages }: State, place: number): void {
  messages.set(place, messages.at(place) & ~1);
}

function reply(next: State, place: number, response: number): void {
  send(next, response);
  discard(next, place);
}
