/**
 * Explains snapshots. The specification's logs stay whole: what a member has of its own begins
 * behind `base`.
 *
 *     snapshot-needed     send: the leader's snapshot may arrive from now on, from whomever
 *     snapshot-received   updateTerm; if it is taken over: write what was asked for before,
 *                         installSnapshot, write; else nothing
 *     saved (on disk)     takeSnapshot
 *     compacted           compact
 */
import type { Raft, SnapshotNeeded, SnapshotReceived } from "../../core/index.ts";
import type { SnapshotEvent } from "../observer.ts";
import type { SpecLog, SpecSnapshot } from "../spec/index.ts";
import { explainPersist } from "./disk.ts";
import { explainStepDown, explainTerm } from "./elections.ts";
import { announce, demand, type Explanation, specMemberOf } from "./explanation.ts";
import type { Mirror } from "./mirror.ts";
import { configurationWordOf, placeOf } from "./words.ts";

/** At a leader's take. */
export function explainNeeded(
  explanation: Explanation,
  mirror: Mirror,
  { peer, position, term }: SnapshotNeeded,
): void {
  const { spec, words, offers } = explanation;
  const log = specMemberOf(explanation, mirror.at).log.slice(0, position.index);
  const snapshot = { ...position, configuration: configurationOf(explanation, log) };
  const to = placeOf(words, peer);
  const message = { kind: "install-snapshot", from: mirror.at, to, term, snapshot } as const;
  announce(explanation, "send");
  spec.send(message);
  offers.set(offerKey(to, term, position), { message, log });
}

function offerKey(
  to: number,
  term: number,
  { index, term: of }: SnapshotNeeded["position"],
): string {
  return `${to}/${term}/${of}/${index}`;
}

function configurationOf({ spec }: Explanation, log: SpecLog): SpecSnapshot["configuration"] {
  const newest = log.findLast((entry) => entry.configuration !== undefined);
  return newest?.configuration ?? spec.firstConfiguration;
}

export function explainReceived(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  received: SnapshotReceived,
): void {
  const { spec, offers } = explanation;
  const { position } = received;
  const offer = offers.get(offerKey(mirror.at, received.term, position));
  demand(offer !== undefined, () => "no leader said that this snapshot is needed");
  explainTerm(explanation, mirror, raft, offer.message);
  const units = raft.outbox.units.filter(({ unit }) => unit > mirror.writtenUnit);
  const install = units.at(-1);
  if (install?.kind !== "install-snapshot" || install.id !== received.id) {
    demand(raft.commit === mirror.commit, () => "it refuses a snapshot and learns from it");
    return;
  }
  const isAsking = mirror.role === "candidate" || mirror.role === "pre-candidate";
  const hasTerm = raft.hardState.term === mirror.hardState.term;
  if (isAsking && hasTerm) explainStepDown(explanation, mirror);
  for (const unit of units) {
    if (unit.kind === "persist") explainPersist(explanation, mirror, unit);
  }
  announce(explanation, "installSnapshot");
  spec.installSnapshot(mirror.at, offer.message);
  mirror.installs.set(install.id, offer.log);
  if (install.replacesLog) mirror.begins = position.index;
  explainPersist(explanation, mirror, install);
}

export function explainSnapshot(
  explanation: Explanation,
  mirror: Mirror,
  raft: Raft,
  event: SnapshotEvent,
): void {
  const { spec, words } = explanation;
  switch (event.kind) {
    case "saved": {
      const { position, configuration } = event.snapshot;
      const known = specMemberOf(explanation, mirror.at).snapshot?.index ?? 0;
      if (position.index <= known) return; // a newer one is on its way to the disk
      announce(explanation, "takeSnapshot");
      const word = configurationWordOf(words, configuration);
      spec.takeSnapshot(mirror.at, { ...position, configuration: word });
      break;
    }
    case "compacted":
      demand(event.base === raft.log.base, () => "its log begins elsewhere than it says");
      mirror.begins = event.base.index;
      explainBase(explanation, mirror);
      break;
    case "offered":
      explainNeeded(explanation, mirror, event.needed);
      break;
    case "dropped":
      break; // what the disk has of it is its own business
    default:
      event satisfies never;
  }
}

/** Entries are gone up to where the real log begins. */
function explainBase(explanation: Explanation, mirror: Mirror): void {
  const { compacted } = specMemberOf(explanation, mirror.at);
  if (mirror.begins <= compacted) return;
  announce(explanation, "compact");
  explanation.spec.compact(mirror.at, mirror.begins);
}

/**
 * After a restart: an own snapshot that got to the disk while a newer one was on its way there, and
 * entries that went from the disk. A disk may also have kept more than was asked.
 */
export function explainRecovered(explanation: Explanation, mirror: Mirror, raft: Raft): void {
  const { spec, words } = explanation;
  const { snapshot } = raft;
  const known = specMemberOf(explanation, mirror.at).snapshot?.index ?? 0;
  if (snapshot !== null && snapshot.position.index > known) {
    const { position } = snapshot;
    announce(explanation, "apply");
    spec.apply(mirror.at, position.index);
    announce(explanation, "takeSnapshot");
    const configuration = configurationWordOf(words, snapshot.configuration);
    spec.takeSnapshot(mirror.at, { ...position, configuration });
  }
  mirror.begins = raft.log.base.index;
  explainBase(explanation, mirror);
}
