/**
 * Who may talk to whom: decisions on a received hello or welcome, without any I/O. The texts name
 * both values and say what to do, because a person reads them in the log of either end.
 */
import type { NodeId } from "../base/index.ts";
import {
  commonVersion,
  type Hello,
  protocolVersions,
  type Refusal,
  type RefusalReason,
  refusalCodes,
  type VersionRange,
  type Welcome,
} from "./codec/handshake-codec.ts";
import type { PeerIdentity } from "./transport.ts";

/**
 * The incarnation of each peer as this process first met it. A peer that comes with another one has
 * lost what it promised: its votes and its part of the log. @invariant no entry is ever replaced
 */
export type KnownIncarnations = ReadonlyMap<NodeId, string>;

/** Why `hello` is refused by the member `self` with the peers `peers`; null: it is welcome. */
export function checkHello(
  hello: Hello,
  self: PeerIdentity,
  peers: ReadonlySet<NodeId>,
  incarnations: KnownIncarnations,
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
  if (peers.has(identity.id)) {
    const change = describeChange(identity, incarnations);
    return change === null ? null : refuse("other-incarnation", change);
  }
  const known = [...peers].sort().join(", ") || "nobody";
  return refuse(
    "unknown-member",
    `member ${identity.id} is not a member of the cluster as ${self.id} knows it (${known}): ` +
      `add it to the cluster, or stop it if it was removed`,
  );
}

/** The refusal of a dialer that speaks none of our versions. */
export function refuseVersions(theirs: VersionRange): Refusal {
  return refuse("unknown-version", unknownVersionText(theirs));
}

/** Why the dialer of `expected` drops this welcome; null: it may talk. */
export function checkWelcome(
  welcome: Welcome,
  self: PeerIdentity,
  expected: NodeId,
  incarnations: KnownIncarnations,
): string | null {
  const { version, identity } = welcome;
  if (commonVersion({ oldest: version, newest: version }) === null) {
    return unknownVersionText({ oldest: version, newest: version });
  }
  if (identity.clusterId !== self.clusterId) return otherClusterText(identity, self);
  if (identity.id === expected) return describeChange(identity, incarnations);
  return (
    `member ${identity.id} answers at the address of member ${expected}: ` +
    `correct the address of ${expected} in the list of members`
  );
}

function refuse(why: RefusalReason, text: string): Refusal {
  return { code: refusalCodes[why], text };
}

/** Null: it is who it was, or it was never met. */
function describeChange(peer: PeerIdentity, incarnations: KnownIncarnations): string | null {
  const before = incarnations.get(peer.id);
  if (before === undefined || before === peer.incarnation) return null;
  return (
    `member ${peer.id} was incarnation ${before} and comes back as ${peer.incarnation}: its data ` +
    `directory was removed or replaced, or it was in memory, so it may have forgotten votes and ` +
    `entries. Start it with its old directory, or replace it by a new member with a new name`
  );
}

function otherClusterText(other: PeerIdentity, self: PeerIdentity): string {
  return (
    `member ${other.id} is of cluster ${other.clusterId}, member ${self.id} of cluster ` +
    `${self.clusterId}: check the addresses, the cluster token and the data directories of both`
  );
}

function unknownVersionText(theirs: VersionRange): string {
  return (
    `the other end speaks ${describeVersions(theirs)} of the peer protocol, this member ` +
    `${describeVersions(protocolVersions)}: upgrade the older of the two`
  );
}

function describeVersions(range: VersionRange): string {
  if (range.oldest === range.newest) return `version ${range.oldest}`;
  return `versions ${range.oldest} to ${range.newest}`;
}
