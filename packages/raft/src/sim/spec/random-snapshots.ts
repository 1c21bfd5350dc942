/** Snapshots that may be tried in a random world. Used by it alone. */
import {
  carefully,
  memberAt,
  type Proposal,
  persist,
  post,
  someLeader,
  somePeer,
  someServer,
} from "./random-proposals.ts";
import type { Walk } from "./random-worlds.ts";
import type { Server, SpecSnapshot } from "./specification.ts";

/** Of the first `index` entries of that server, and now and then something else. */
function describeSnapshot(walk: Walk, server: Server, index: number): SpecSnapshot {
  const { random, specification } = walk;
  const { log } = memberAt(walk, server);
  const before = log.slice(0, index).findLast((entry) => entry.configuration !== undefined);
  const configuration = before?.configuration ?? specification.firstConfiguration;
  const snapshot = { index, term: log[index - 1]?.term ?? 0, configuration };
  if (random.chance(0.95)) return snapshot;
  if (random.chance(0.5)) return { ...snapshot, term: snapshot.term + random.between(-1, 1) };
  return { ...snapshot, configuration: specification.configurationOf(someServer(walk)) };
}

function takeSnapshot(walk: Walk): void {
  const server = someServer(walk);
  const { specification, attempt, random } = walk;
  const { commitIndex, log } = memberAt(walk, server);
  if (random.chance(0.7)) attempt("apply", () => specification.apply(server, commitIndex));
  const { lastApplied } = memberAt(walk, server);
  const index = random.chance(0.9) ? lastApplied : random.between(0, log.length);
  const snapshot = describeSnapshot(walk, server, index);
  attempt("takeSnapshot", () => specification.takeSnapshot(server, snapshot));
}

function compact(walk: Walk): void {
  const server = someServer(walk);
  const { specification, attempt, random } = walk;
  const { snapshot, log } = memberAt(walk, server);
  const index = random.chance(0.8) ? (snapshot?.index ?? 0) : random.between(0, log.length);
  attempt("compact", () => specification.compact(server, index));
  if (random.chance(0.5)) persist(walk, server);
}

/** Mostly what the leader has on disk. */
function offer(walk: Walk): void {
  const from = someLeader(walk);
  const to = somePeer(walk, from);
  const { random } = walk;
  const { currentTerm: term, disk, log } = memberAt(walk, from);
  if (from === to) return;
  const own = random.chance(0.9) ? disk.snapshot : null;
  const snapshot = own ?? describeSnapshot(walk, from, random.between(0, log.length));
  post(walk, { kind: "install-snapshot", from, to, term, snapshot });
}

export const snapshotProposals: readonly Proposal[] = [
  { weight: 4, propose: takeSnapshot },
  { weight: 2, propose: compact },
  { weight: 4, propose: offer },
  { weight: 2, propose: carefully(offer) },
];
