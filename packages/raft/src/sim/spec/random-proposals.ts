/** What may be tried in a random world, sensible or not: the guards decide. Used by it alone. */
import type { Walk } from "./random-worlds.ts";
import type {
  Server,
  SpecAppendEntries,
  SpecMember,
  SpecMessage,
  SpecRequestVote,
} from "./specification.ts";

export interface Proposal {
  readonly weight: number;
  readonly propose: (walk: Walk) => void;
}

export function memberAt(walk: Walk, server: Server): SpecMember {
  const member = walk.specification.members[server];
  if (member === undefined) throw new RangeError(`There is no server ${server}.`);
  return member;
}

export function someServer(walk: Walk): Server {
  return walk.random.below(walk.specification.members.length);
}

/** Mostly a leader, if there is any, and not always the newest. */
export function someLeader(walk: Walk): Server {
  const { members } = walk.specification;
  let leader = someServer(walk);
  if (walk.random.chance(0.1)) return leader;
  for (const [server, member] of members.entries()) {
    if (member.role !== "leader") continue;
    const best = memberAt(walk, leader);
    if (best.role !== "leader") leader = server;
    else if (best.currentTerm < member.currentTerm && walk.random.chance(0.6)) leader = server;
  }
  return leader;
}

export function somePeer(walk: Walk, server: Server): Server {
  const count = walk.specification.members.length;
  return count === 1 ? server : (server + 1 + walk.random.below(count - 1)) % count;
}

/** Often all reaches the disk at once, sometimes nothing is written yet. */
export function persist(walk: Walk, server: Server): void {
  const { specification, attempt, random } = walk;
  if (!walk.isCareful && random.chance(0.2)) return;
  attempt("write", () => specification.write(server));
  if (!walk.isCareful && random.chance(0.4)) return;
  while (memberAt(walk, server).writes.length > 0)
    attempt("sync", () => specification.sync(server));
}

/** The power fails at the worst moment, and the disk takes all for committed that was. */
function loseWrites(walk: Walk, server: Server): void {
  const { specification, attempt } = walk;
  const { commitIndex } = memberAt(walk, server);
  const isUp = attempt("restart", () => specification.restart(server, 0, commitIndex));
  if (!isUp) attempt("restart", () => specification.restart(server, 0, 0));
}

/** Sends, and sometimes the network is as fast as the thought. */
export function post(walk: Walk, message: SpecMessage): boolean {
  if (!walk.send(message)) return false;
  if (walk.isCareful || walk.random.chance(walk.promptness)) {
    walk.fresh.pop();
    receive(walk, message);
  }
  return true;
}

/** What a member would like to send leaves now, or when it may. */
function wish(walk: Walk, message: SpecMessage): void {
  const waits = !walk.isCareful && walk.random.chance(0.2);
  if (waits || !post(walk, message)) walk.intents.push(message);
}

function hasLeader(walk: Walk): boolean {
  return walk.specification.members.some(({ role }) => role === "leader");
}

function lastOf(member: SpecMember): { readonly lastIndex: number; readonly lastTerm: number } {
  return { lastIndex: member.log.length, lastTerm: member.log.at(-1)?.term ?? 0 };
}

/** Most new leaders append at once: only that commits what older ones left. */
function win(walk: Walk, server: Server): void {
  const { specification, attempt, random } = walk;
  if (!attempt("becomeLeader", () => specification.becomeLeader(server))) return;
  walk.rounds[server] = 0;
  if (random.chance(0.7)) {
    attempt("clientRequest", () => specification.clientRequest(server, [walk.nextValue++]));
  }
}

function openRound(walk: Walk, server: Server): void {
  const { specification, attempt } = walk;
  if (attempt("startRound", () => specification.startRound(server))) {
    walk.rounds[server] = (walk.rounds[server] ?? 0) + 1;
  }
}

function ask(walk: Walk, server: Server, pre: boolean): void {
  persist(walk, server);
  const member = memberAt(walk, server);
  const term = pre ? member.currentTerm + 1 : member.currentTerm;
  for (const to of walk.specification.members.keys()) {
    if (to === server) continue;
    const last = walk.random.chance(0.05) ? { lastIndex: 99, lastTerm: term } : lastOf(member);
    wish(walk, { kind: "request-vote", from: server, to, term, pre, ...last });
  }
}

function standAlone(walk: Walk, server: Server): void {
  const { specification, random, attempt } = walk;
  if (random.chance(0.2)) {
    if (attempt("startPreVote", () => specification.startPreVote(server))) ask(walk, server, true);
  } else if (attempt("timeout", () => specification.timeout(server))) {
    ask(walk, server, false);
    attempt("countOwnVote", () => specification.countOwnVote(server));
    win(walk, server);
  }
}

/** Often with a rival in the same term. */
function stand(walk: Walk): void {
  const { specification, random } = walk;
  const isBusy = specification.members.some(
    ({ role }, at) => at !== walk.isolated && (role === "leader" || role === "candidate"),
  );
  if (isBusy && random.chance(0.7)) return;
  const terms = specification.members.map(({ currentTerm }) => currentTerm);
  const newest = terms.indexOf(Math.max(...terms));
  const server = random.chance(0.5) ? newest : someServer(walk);
  const { currentTerm } = memberAt(walk, server);
  standAlone(walk, server);
  const rival = somePeer(walk, server);
  if (random.chance(0.4) && memberAt(walk, rival).currentTerm === currentTerm) {
    standAlone(walk, rival);
  }
}

function onRequestVote(walk: Walk, request: SpecRequestVote): void {
  const { specification, attempt, random } = walk;
  const { to, from, pre, term } = request;
  const granted = attempt("grantVote", () => specification.grantVote(to, request));
  const own = memberAt(walk, to).currentTerm;
  if (granted) persist(walk, to);
  else if (random.chance(0.7)) return;
  wish(walk, {
    kind: "request-vote-response",
    from: to,
    to: from,
    term: own,
    pre,
    campaignTerm: term,
    granted,
  });
  const { disk, votedFor } = memberAt(walk, to);
  if (random.chance(disk.votedFor === votedFor ? 0.05 : 0.3)) loseWrites(walk, to);
}

function onAppendEntries(walk: Walk, request: SpecAppendEntries): void {
  const { specification, attempt, random } = walk;
  const { to, from, prevIndex, entries, leaderCommit } = request;
  const { log } = memberAt(walk, to);
  const isTaken = attempt("acceptEntries", () => specification.acceptEntries(to, request));
  if (!isTaken) {
    const { currentTerm: term } = memberAt(walk, to);
    const kind = "append-entries-response";
    const outcome = { kind: "refused" } as const;
    if (random.chance(0.4)) wish(walk, { kind, from: to, to: from, term, round: 0, outcome });
    return;
  }
  const holdsPrev = prevIndex === 0 || log[prevIndex - 1]?.term === request.prevTerm;
  const verified = prevIndex + entries.length;
  persist(walk, to);
  wish(walk, {
    kind: "append-entries-response",
    from: to,
    to: from,
    term: request.term,
    round: request.round,
    outcome: holdsPrev ? { kind: "accepted", matched: verified, verified } : { kind: "refused" },
  });
  const known = random.chance(0.9) ? Math.min(leaderCommit, verified) : leaderCommit;
  if (random.chance(0.5)) attempt("learnCommit", () => specification.learnCommit(to, known));
  const now = memberAt(walk, to);
  if (random.chance(now.disk.log === now.log ? 0.02 : 0.3)) loseWrites(walk, to);
  if (memberAt(walk, to).abstains && random.chance(0.5)) {
    attempt("stopAbstaining", () => specification.stopAbstaining(to));
  }
}

function onMessage(walk: Walk, message: SpecMessage): void {
  const { specification, attempt, random } = walk;
  const { to } = message;
  if (random.chance(message.term > memberAt(walk, to).currentTerm ? 0.9 : 0.05)) {
    const isNew = attempt("updateTerm", () => specification.updateTerm(to, message));
    if (isNew && random.chance(0.5)) persist(walk, to);
  }
  switch (message.kind) {
    case "request-vote":
      onRequestVote(walk, message);
      return;
    case "append-entries":
      onAppendEntries(walk, message);
      return;
    case "request-vote-response":
      if (attempt("countVote", () => specification.countVote(to, message))) {
        win(walk, to);
      }
      return;
    case "append-entries-response":
      if (attempt("countAcknowledgement", () => specification.countAcknowledgement(to, message))) {
        commitSomething(walk, to);
      }
      return;
    case "read-index":
      walk.registerRead(to, message.read);
      openRound(walk, to);
      return;
    case "read-index-response":
      return;
    default:
      message satisfies never;
  }
}

/** Mostly something that was not delivered yet; now and then anything that ever left. */
function pickMessage(walk: Walk): SpecMessage | undefined {
  const { left, fresh, random } = walk;
  if (fresh.length === 0 || random.chance(0.15)) return left[random.below(left.length)];
  const at = fresh.length - 1 - random.below(Math.min(fresh.length, 6));
  return fresh.splice(at, 1)[0];
}

function receive(walk: Walk, message: SpecMessage): void {
  const { isolated, random } = walk;
  if (message.to === isolated && random.chance(0.95)) return;
  if (message.from === isolated && random.chance(0.8)) return;
  onMessage(walk, message);
}

function deliver(walk: Walk): void {
  const message = pickMessage(walk);
  if (message !== undefined) receive(walk, message);
}

function sendIntent(walk: Walk): void {
  const { intents, random } = walk;
  const at = intents.length - 1 - random.below(Math.min(intents.length, 10));
  const message = intents[at];
  if (message === undefined) return;
  if (post(walk, message) || random.chance(0.2)) intents.splice(at, 1);
}

function useDisk(walk: Walk): void {
  const server = someServer(walk);
  const { specification, attempt, random } = walk;
  if (random.chance(0.4)) attempt("write", () => specification.write(server));
  else attempt("sync", () => specification.sync(server));
}

function commitSomething(walk: Walk, server: Server): void {
  const { specification, attempt, random } = walk;
  const { log, commitIndex } = memberAt(walk, server);
  const index = walk.isCareful ? log.length : random.between(commitIndex, log.length);
  attempt("advanceCommit", () => specification.advanceCommit(server, index));
}

function lead(walk: Walk): void {
  const { specification, attempt, random } = walk;
  if (!hasLeader(walk)) {
    if (random.chance(0.1)) stand(walk);
    return;
  }
  const server = someLeader(walk);
  if (random.chance(0.3)) {
    const values = Array.from({ length: random.between(1, 2) }, () => walk.nextValue++);
    attempt("clientRequest", () => specification.clientRequest(server, values));
    if (random.chance(0.7)) persist(walk, server);
  } else if (random.chance(0.1)) {
    attempt("lowerMatch", () => specification.lowerMatch(server, somePeer(walk, server), 0));
  } else commitSomething(walk, server);
}

/** Disks and network do what they should for a while, except towards who is isolated. */
export function carefully(propose: (walk: Walk) => void): (walk: Walk) => void {
  return (walk) => {
    walk.isCareful = true;
    propose(walk);
    walk.isCareful = false;
  };
}

/** A member that is not isolated stands, and may well win at once. */
function campaign(walk: Walk): void {
  const server = someServer(walk);
  if (server !== walk.isolated && !memberAt(walk, server).abstains) standAlone(walk, server);
}

/** Two stand in the same term, before either hears of the other. */
function duel(walk: Walk): void {
  const { specification, attempt, random } = walk;
  const one = someServer(walk);
  const other = somePeer(walk, one);
  const term = 1 + Math.max(memberAt(walk, one).currentTerm, memberAt(walk, other).currentTerm);
  const rivals = [one, other];
  for (const rival of rivals) {
    if (memberAt(walk, rival).role === "leader") return;
    while (memberAt(walk, rival).currentTerm < term) {
      if (!attempt("timeout", () => specification.timeout(rival))) return;
    }
    persist(walk, rival);
  }
  walk.isCareful = random.chance(0.3);
  for (const rival of rivals) {
    if (memberAt(walk, rival).role === "candidate") ask(walk, rival, false);
    attempt("countOwnVote", () => specification.countOwnVote(rival));
    win(walk, rival);
  }
  walk.isCareful = false;
}

/** A whole exchange with one follower: entries, their acknowledgement, a newer commit index. */
function commitWith(walk: Walk): void {
  const from = someLeader(walk);
  exchange(walk, from, somePeer(walk, from));
}

export function exchange(walk: Walk, from: Server, to: Server): void {
  if (from === to || memberAt(walk, from).role !== "leader") return;
  if (walk.random.chance(0.7)) persist(walk, from);
  const own = memberAt(walk, from);
  const { log } = memberAt(walk, to);
  let prevIndex = Math.min(own.log.length, log.length);
  while (prevIndex > 0 && own.log[prevIndex - 1]?.term !== log[prevIndex - 1]?.term) prevIndex--;
  post(walk, {
    kind: "append-entries",
    from,
    to,
    term: own.currentTerm,
    prevIndex,
    prevTerm: own.log[prevIndex - 1]?.term ?? 0,
    entries: own.log.slice(prevIndex),
    leaderCommit: own.commitIndex,
    round: walk.rounds[from] ?? 0,
  });
}

/** From the leader's log, or what the member takes for it; now and then with something wrong. */
function replicate(walk: Walk): void {
  if (!hasLeader(walk) && walk.random.chance(0.9)) return;
  const from = someLeader(walk);
  const { random } = walk;
  const to = somePeer(walk, from);
  const { log, commitIndex, currentTerm, matchIndex } = memberAt(walk, from);
  const near = random.chance(0.6) ? (matchIndex.get(to) ?? 0) : random.between(0, log.length);
  const prevIndex = Math.max(0, near - (random.chance(0.2) ? 1 : 0));
  const wrong = random.chance(0.1);
  const newest = walk.rounds[from] ?? 0;
  const round = random.chance(0.8) ? newest : random.below(newest + 2);
  post(walk, {
    kind: "append-entries",
    from,
    to,
    term: currentTerm,
    prevIndex,
    prevTerm: (wrong ? memberAt(walk, to).log : log)[prevIndex - 1]?.term ?? 0,
    entries: log.slice(prevIndex, prevIndex + random.between(0, 4)),
    leaderCommit: wrong ? random.between(0, log.length) : commitIndex,
    round,
  });
}

function read(walk: Walk): void {
  if (!hasLeader(walk)) return;
  const server = someLeader(walk);
  const { random, reads } = walk;
  const old = reads.at(-1 - random.below(Math.max(1, Math.min(reads.length, 4))));
  if (old !== undefined && random.chance(0.5)) {
    if (!walk.confirmRead(server, old)) return;
    const index = memberAt(walk, server).commitIndex;
    const to = somePeer(walk, server);
    const { currentTerm: term } = memberAt(walk, server);
    walk.send({ kind: "read-index-response", from: server, to, term, read: old, index });
    return;
  }
  if (random.chance(0.3)) {
    openRound(walk, server);
    return;
  }
  const name = `read ${walk.nextRead++}`;
  reads.push(name);
  if (random.chance(0.7)) {
    if (walk.registerRead(server, name) && random.chance(0.8)) openRound(walk, server);
  } else {
    const from = somePeer(walk, server);
    const { currentTerm: term } = memberAt(walk, from);
    walk.send({ kind: "read-index", from, to: server, term, read: name });
  }
}

/**
 * Mostly loses the end of the log; sometimes older ends are back, and sometimes ones never seen.
 */
function loseEntries(walk: Walk, server: Server): void {
  const { specification, attempt, random } = walk;
  const { log } = memberAt(walk, server).disk;
  const kept = random.between(0, log.length);
  const old = walk.oldLogs.get(server) ?? [];
  const before = random.chance(0.5) ? old[random.below(old.length)] : undefined;
  const restored = (before ?? []).slice(kept);
  if (random.chance(0.05)) restored.push({ term: log.at(-1)?.term ?? 1, value: walk.nextValue++ });
  attempt("loseEntries", () => specification.loseEntries(server, kept, restored));
}

function restart(walk: Walk): void {
  const server = someServer(walk);
  const { specification, attempt, random } = walk;
  const { writes, commitIndex, disk } = memberAt(walk, server);
  const kept = random.chance(0.5) ? 0 : random.between(0, writes.length);
  const keptTerms = random.chance(0.7) ? kept : random.between(kept, writes.length);
  const known = random.between(0, commitIndex);
  walk.oldLogs.set(server, [...(walk.oldLogs.get(server) ?? []).slice(-4), disk.log]);
  if (!attempt("restart", () => specification.restart(server, kept, known, keptTerms))) return;
  const others = specification.members.some((other, at) => at !== server && other.disk.abstains);
  if (walk.isLossy && random.chance(others ? 0.01 : 0.15)) loseEntries(walk, server);
}

function answerWildly(walk: Walk): void {
  const from = someServer(walk);
  const to = somePeer(walk, from);
  const { random } = walk;
  const { currentTerm, log } = memberAt(walk, from);
  const term = Math.max(1, currentTerm - (random.chance(0.3) ? 1 : 0));
  if (random.chance(0.5)) {
    const pre = random.chance(0.3);
    const campaignTerm = term + (pre ? 1 : 0);
    walk.send({ kind: "request-vote-response", from, to, term, pre, campaignTerm, granted: true });
    return;
  }
  const matched = random.between(0, log.length);
  walk.send({
    kind: "append-entries-response",
    from,
    to,
    term,
    round: random.chance(0.5) ? (walk.rounds[to] ?? 0) : random.below(6),
    outcome: random.chance(0.3)
      ? { kind: "refused" }
      : { kind: "accepted", matched, verified: matched },
  });
}

function actWildly(walk: Walk): void {
  const server = someServer(walk);
  const { specification, attempt, random } = walk;
  const { log, commitIndex } = memberAt(walk, server);
  const index = random.between(0, log.length);
  const tries: readonly (readonly [string, () => void])[] = [
    ["countOwnVote", () => specification.countOwnVote(server)],
    ["becomeLeader", () => specification.becomeLeader(server)],
    ["learnCommit", () => specification.learnCommit(server, index)],
    ["apply", () => specification.apply(server, commitIndex)],
    ["apply", () => specification.apply(server, index)],
    ["stopAbstaining", () => specification.stopAbstaining(server)],
  ];
  const [name, action] = tries[random.below(tries.length)] ?? ["none", () => {}];
  attempt(name, action);
}

function isolate(walk: Walk): void {
  walk.isolated = walk.random.chance(0.4) ? null : someLeader(walk);
}

/** What is done seldom. */
function disturb(walk: Walk): void {
  const server = someServer(walk);
  const { specification, attempt, random } = walk;
  if (random.chance(0.3)) attempt("raiseTerm", () => specification.raiseTerm(server));
  else if (random.chance(0.5)) attempt("stepDown", () => specification.stepDown(server));
  else if (walk.isLossy) loseEntries(walk, server);
}

/** How often each is proposed, on average. */
export const proposals: readonly Proposal[] = [
  { weight: 40, propose: deliver },
  { weight: 15, propose: sendIntent },
  { weight: 15, propose: useDisk },
  { weight: 12, propose: lead },
  { weight: 25, propose: replicate },
  { weight: 14, propose: read },
  { weight: 10, propose: actWildly },
  { weight: 5, propose: answerWildly },
  { weight: 3, propose: stand },
  { weight: 0.7, propose: restart },
  { weight: 0.3, propose: disturb },
  { weight: 0.5, propose: isolate },
  { weight: 1.5, propose: carefully(campaign) },
  { weight: 1, propose: duel },
  { weight: 6, propose: carefully(commitWith) },
];
