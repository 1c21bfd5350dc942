/**
 * Who may talk to whom: decisions on a received hello or welcome, without any I/O. The texts name
 * both values and say what to do, because a person reads them in the log of either end.
 */
import type { NodeId } from "../base/index.ts";
import type { Admission } from "./admission.ts";
import {
  commonVersion,
  type Hello,
  type Refusal,
  type RefusalReason,
  refusalCodes,
  type VersionRange,
  type Welcome,
} from "./codec/handshake-codec.ts";
import type { PeerIdentity } from "./transport.ts";

/**
 * What is known of the other ends. A peer that comes with another incarnation has lost what it
 * promised: its votes and its part of the log. Who was removed never comes back.
 */
export type Known = Pick<Admission, "incarnationOf" | "isRemoved">;

/**
 * Why `hello` is refused by the member `self` with the peers `peers`; null: it is welcome.
 * `hasRoom`: for one more who belongs to the cluster and whom this member does not know (yet).
 */
export function checkHello(
  hello: Hello,
  self: PeerIdentity,
  peers: ReadonlySet<NodeId>,
  known: Known,
  hasRoom: boolean,
): Refusal | null {
  const { identity, to } = hello;
  if (identity.clusterId !== self.clusterId) {
    return refuse("other-cluster", otherClusterText(identity, self));
  }
  if (to !== self.id) {
    return refuse(
      "wrong-member",
      `member ${identity.id} looked for member ${to} at this address, but this is member ` +
        `${self.id}: correct the address of ${to} in the list of members`,
    );
  }
  if (identity.id === self.id) {
    return refuse(
      "same-member",
      `both ends are called ${self.id}: give each member its own name and its own address`,
    );
  }
  if (known.isRemoved(identity.id)) return refuse("removed-member", removedText(identity.id));
  const change = describeChange(identity, known);
  if (change !== null) return refuse("other-incarnation", change);
  if (peers.has(identity.id) || hasRoom) return null;
  const names = [...peers].sort().join(", ") || "nobody";
  return refuse(
    "unknown-member",
    `member ${identity.id} is not a member of the cluster as ${self.id} knows it (${names}), and ` +
      `more members wait to be added than it keeps a place for: add it, or stop it`,
  );
}

/** Of a name that was removed, to whoever comes with it. */
export function removedText(id: NodeId): string {
  return (
    `member ${id} was removed from the cluster, and its name is never used again: stop it, and ` +
    `add a member with a new name and an empty directory in its place`
  );
}

/** The refusal of a dialer that speaks none of our versions. */
export function refuseVersions(theirs: VersionRange, ours: VersionRange): Refusal {
  return refuse("unknown-version", unknownVersionText(theirs, ours));
}

/** Why the dialer of `expected` drops this welcome; null: it may talk. */
export function checkWelcome(
  welcome: Welcome,
  self: PeerIdentity,
  expected: NodeId,
  known: Known,
  ours: VersionRange,
): string | null {
  const { version, identity } = welcome;
  const theirs = { oldest: version, newest: version };
  if (commonVersion(theirs, ours) === null) return unknownVersionText(theirs, ours);
  if (identity.clusterId !== self.clusterId) return otherClusterText(identity, self);
  if (identity.id === expected) return describeChange(identity, known);
  return (
    `member ${identity.id} answers at the address of member ${expected}: ` +
    `correct the address of ${expected} in the list of members`
  );
}

/** As it goes over the wire. */
export function refuse(why: RefusalReason, text: string): Refusal {
  return { code: refusalCodes[why], text };
}

/** Null: it is who it was, or it was never met. */
function describeChange(peer: PeerIdentity, known: Known): string | null {
  const before = known.incarnationOf(peer.id);
  if (before === null || before === peer.incarnation) return null;
  return (
    `member ${peer.id} was incarnation ${before} and comes back as ${peer.incarnation}: its data ` +
    `directory was removed or replaced, or it was in memory, so it may have forgotten votes and ` +
    `entries. Start it with its old directory, or ${replaceHint(peer.id)}`
  );
}

/** The command that puts a new member in the place of one that has forgotten what it promised. */
export function replaceHint(id: NodeId): string {
  return (
    `replace it by a new member with a new name: quorate member replace ${id} NEW --address ` +
    "HOST:PORT"
  );
}

function otherClusterText(other: PeerIdentity, self: PeerIdentity): string {
  return (
    `member ${other.id} is of cluster ${other.clusterId}, member ${self.id} of cluster ` +
    `${self.clusterId}: check the addresses, the cluster token and the data directories of both`
  );
}

function unknownVersionText(theirs: VersionRange, ours: VersionRange): string {
  return (
    `the other end speaks ${describeVersions(theirs)} of the peer protocol, this member ` +
    `${describeVersions(ours)}: upgrade the older of the two`
  );
}

function describeVersions(range: VersionRange): string {
  if (range.oldest === range.newest) return `version ${range.oldest}`;
  return `versions ${range.oldest} to ${range.newest}`;
}
