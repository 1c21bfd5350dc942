/**
 * Snapshots in the lab: taking them, dropping the log behind them, bringing them to who needs one.
 */
import { assert, logIndex, nodeId } from "../../src/base/index.ts";
import {
  compactLog,
  configurationFor,
  type LogPosition,
  type SnapshotReceived,
} from "../../src/core/index.ts";
import {
  drain,
  enqueue,
  entryOf,
  feed,
  type Lab,
  type LabMember,
  memberOf,
  type Offer,
} from "./lab.ts";
import type { LabSnapshot } from "./lab-disk.ts";

/** The member's host writes the state of its machine down; it counts once that is on disk. */
export function takeSnapshot(lab: Lab, name: string): LabSnapshot {
  const member = memberOf(lab, name);
  const last = member.applied.at(-1);
  assert(last !== undefined, "a snapshot is of a state with entries in it");
  const { configuration, index } = configurationFor(member.raft, last.index);
  const position = { index: last.index, term: last.term };
  const state = [...member.applied];
  const snapshot: LabSnapshot = { position, configuration, configurationIndex: index, state };
  enqueue(lab, member, { kind: "save", snapshot });
  drain(lab, member);
  return snapshot;
}

/** Drops what may go up to `index`, from memory and from the disk. */
export function compact(lab: Lab, name: string, index = Number.MAX_SAFE_INTEGER): LogPosition {
  const member = memberOf(lab, name);
  const base = compactLog(member.raft, logIndex(index));
  enqueue(lab, member, { kind: "compact", base });
  drain(lab, member);
  return base;
}

/** The oldest offer to a peer that was not taken up; it is then. */
export function takeOffer(lab: Lab, peer: string): Offer {
  const offer = lab.offers.find((one) => one.peer === peer);
  assert(offer !== undefined, "takeOffer: the peer was offered a snapshot", () => peer);
  lab.offers = lab.offers.filter((one) => one !== offer);
  return offer;
}

/** The snapshot as it is on a disk: of the member who offers it, or of another one. */
export function sourceOf(lab: Lab, offer: Offer, from: string = offer.leader): LabSnapshot {
  const { snapshot } = memberOf(lab, from).image;
  assert(snapshot !== null, "who is asked for a snapshot has one", () => from);
  const { index, term } = snapshot.position;
  const isOffered = index === offer.position.index && term === offer.position.term;
  assert(isOffered, "who is asked has the snapshot that was offered", () => from);
  return snapshot;
}

/** The peer has got all of it, and its core is told; the leader is not. */
export function receiveSnapshot(lab: Lab, offer: Offer, snapshot: LabSnapshot): void {
  giveSnapshot(lab, offer.peer, snapshot, offer.term);
}

/** Any snapshot, from anywhere. */
export function giveSnapshot(lab: Lab, name: string, snapshot: LabSnapshot, term: number): void {
  const member = memberOf(lab, name);
  const id = nextId(member);
  member.received.set(id, snapshot);
  const { position, configuration, configurationIndex } = snapshot;
  const input: SnapshotReceived = {
    ...{ kind: "snapshot-received", id, position, configuration, configurationIndex },
    term: term as SnapshotReceived["term"], // the tests' numbers are terms
  };
  feed(lab, name, input);
}

const ids = new WeakMap<LabMember, number>();

function nextId(member: LabMember): number {
  const id = (ids.get(member) ?? 0) + 1;
  ids.set(member, id);
  return id;
}

/** What the leader's host says of a transfer, if the leader is up. */
export function report(
  lab: Lab,
  offer: Offer,
  kind: "snapshot-sent" | "snapshot-failed" | "snapshot-moving",
): void {
  if (memberOf(lab, offer.leader).isUp) feed(lab, offer.leader, { kind, peer: offer.peer });
}

/** A transfer without trouble: the peer gets what it was offered, and the leader hears of it. */
export function transfer(lab: Lab, peer: string, from?: string): Offer {
  const offer = takeOffer(lab, peer);
  receiveSnapshot(lab, offer, sourceOf(lab, offer, from));
  report(lab, offer, "snapshot-sent");
  return offer;
}

/** A snapshot made by hand: of entries of these terms from index 1, the first the configuration. */
export function snapshotOf(terms: readonly number[], voters: readonly string[]): LabSnapshot {
  const state = terms.map((term, i) => entryOf(i + 1, term, i === 0 ? voters : null));
  const last = state.at(-1);
  assert(last !== undefined, "a snapshot is of a state with entries in it");
  return {
    position: { index: last.index, term: last.term },
    configuration: {
      voters: [...voters].sort().map((name) => ({ id: nodeId(name), address: `${name}:1` })),
      ...{ outgoing: null, learners: [], removed: [] },
    },
    configurationIndex: logIndex(1),
    state,
  };
}
