/**
 * Who the members are: kept in the log and nowhere else. How a configuration is changed is in
 * `membership-plan.ts`, what a quorum of one is in `quorum.ts`, its bytes in
 * `configuration-codec.ts`.
 *
 * @thesis §4.2.1 (learners), §4.3 (joint consensus)
 */
import { assert, type NodeId } from "../base/index.ts";

export interface Member {
  readonly id: NodeId;
  /** `host:port` that peers dial. */
  readonly address: string;
  /** Of a learner: what any leader does once it has caught up. Left out: nothing. */
  readonly whenReady?: WhenReady;
}

/** A learner becomes a voter; the member that it replaces leaves in the same change. */
export interface WhenReady {
  /** Null: it takes nobody's place. Who has left meanwhile is replaced all the same. */
  readonly replaces: NodeId | null;
}

/**
 * @invariant every list is sorted by id, its ids distinct; a member has one address everywhere;
 * `voters` and `learners` share nobody, and nobody of them is in `removed`; at most `membersMax`
 * members in all. Only the empty configuration, of a member that has not heard of its cluster yet,
 * has no voters.
 */
export interface Configuration {
  /** Who votes and counts; in a joint configuration the new half. */
  readonly voters: readonly Member[];
  /** Joint: the old half, whose majority counts as well. Null: not joint. @thesis §4.3 */
  readonly outgoing: readonly Member[] | null;
  /**
   * Who gets the log and does not count; in a joint configuration some may still vote in the old
   * half.
   */
  readonly learners: readonly Member[];
  /**
   * Who has left, or leaves with this joint configuration: ids are never given to another member,
   * whose empty disk would answer for what the first one promised.
   */
  readonly removed: readonly NodeId[];
}

/** Members, learners included; more make every commit slower and no cluster safer. */
export const membersMax = 63;

/**
 * Names that are remembered as removed: ten years of a replacement a day, 24 KiB of short names.
 */
export const removedMax = 4096;

const nobody: readonly never[] = [];

/** What a member knows that joins a cluster and has not heard of its leader yet. */
export const emptyConfiguration: Configuration = {
  voters: nobody,
  outgoing: null,
  learners: nobody,
  removed: nobody,
};

/** A first configuration: voters only. */
export function createConfiguration(members: readonly Member[]): Configuration {
  const voters = sortMembers(members);
  assert(voters.length >= 1 && voters.length <= membersMax, "a configuration has 1 to 63 members");
  assert(new Set(voters.map((member) => member.id)).size === voters.length, "ids are distinct");
  return { ...emptyConfiguration, voters };
}

/** n/2 + 1. @paper §5.2 */
export function majority(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/** Whether `id` votes and counts in either half. */
export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return has(configuration.voters, id) || has(configuration.outgoing ?? nobody, id);
}

export function isLearner(configuration: Configuration, id: NodeId): boolean {
  return has(configuration.learners, id);
}

/** The voters of both halves, each once. */
export function allVoters(configuration: Configuration): readonly Member[] {
  const { voters, outgoing } = configuration;
  return outgoing === null ? voters : union(voters, outgoing);
}

/** Everybody who gets the log, each once, sorted by id. */
export function allMembers(configuration: Configuration): readonly Member[] {
  const voters = allVoters(configuration);
  return configuration.learners.length === 0 ? voters : union(voters, configuration.learners);
}

/** A copy, sorted by id. */
export function sortMembers(members: readonly Member[]): Member[] {
  return [...members].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

function union(first: readonly Member[], second: readonly Member[]): Member[] {
  return sortMembers([...first, ...second.filter((member) => !has(first, member.id))]);
}

function has(members: readonly Member[], id: NodeId): boolean {
  return members.some((member) => member.id === id);
}
