/**
 * The bytes of a configuration entry; part of the file format (`docs/formats.md`, "configuration
 * entry"). Voters alone are written as version 1, a learner that is to become a voter by itself
 * makes it version 3, everything else is version 2.
 */
import { ByteReader, ByteWriter, FormatError, isNodeId, type NodeId } from "../base/index.ts";
import {
  allMembers,
  type Configuration,
  emptyConfiguration,
  type Member,
  membersMax,
  removedMax,
  type WhenReady,
} from "./configuration.ts";

/** What a member is, as bits that add up. */
const roleVoter = 1;
const roleOutgoing = 2;
const roleLearner = 4;
/** With `roleLearner`: it becomes a voter once it has caught up; whom it replaces follows. */
const roleWhenReady = 8;

/** A learner that votes in the new half is none. */
const rolesOfTwo = [
  roleVoter,
  roleOutgoing,
  roleVoter | roleOutgoing,
  roleLearner,
  roleLearner | roleOutgoing,
];

/** What a member can be in each version. */
const roles: Readonly<Record<1 | 2 | 3, readonly number[]>> = {
  1: [roleVoter],
  2: rolesOfTwo,
  3: [...rolesOfTwo, roleLearner | roleWhenReady],
};

/** Version 1 where it says everything: an earlier version of the program reads it. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const { outgoing, learners, removed } = configuration;
  const writer = new ByteWriter();
  const isPlain = outgoing === null && learners.length === 0 && removed.length === 0;
  const isThree = learners.some(({ whenReady }) => whenReady !== undefined);
  const members = allMembers(configuration);
  writer.u8(isThree ? 3 : isPlain ? 1 : 2).u16(members.length);
  for (const { id, address, whenReady } of members) {
    writer.u8(roleOf(configuration, id)).string(id).string(address);
    if (whenReady !== undefined) writer.string(whenReady.replaces ?? "");
  }
  if (isPlain) return writer.finish();
  writer.u16(removed.length);
  for (const id of removed) writer.string(id);
  return writer.finish();
}

function roleOf({ voters, outgoing, learners }: Configuration, id: NodeId): number {
  const isIt = (member: Member): boolean => member.id === id;
  let role = voters.some(isIt) ? roleVoter : 0;
  if (outgoing?.some(isIt) === true) role |= roleOutgoing;
  const learner = learners.find(isIt);
  if (learner === undefined) return role;
  return role | roleLearner | (learner.whenReady === undefined ? 0 : roleWhenReady);
}

/** @throws FormatError for an unknown version or role: unknown is a stop. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== 1 && version !== 2 && version !== 3) {
    throw new FormatError(`a configuration of version ${version}; this version reads 1 to 3`);
  }
  const members = decodeMembers(reader, version);
  const removed = version === 1 ? emptyConfiguration.removed : decodeRemoved(reader);
  if (reader.remaining > 0)
    throw new FormatError(`${reader.remaining} bytes after a configuration`);
  const ofRole = (bit: number): Member[] =>
    members.filter(({ role }) => (role & bit) !== 0).map(({ member }) => member);
  const voters = ofRole(roleVoter);
  const outgoing = ofRole(roleOutgoing);
  const learners = ofRole(roleLearner);
  if (voters.length === 0) throw new FormatError("a configuration without voters");
  const isBack = (member: Member): boolean => removed.includes(member.id);
  if (voters.some(isBack) || learners.some(isBack)) {
    throw new FormatError("a member that was removed is a member");
  }
  return { voters, outgoing: outgoing.length === 0 ? null : outgoing, learners, removed };
}

interface DecodedMember {
  readonly role: number;
  readonly member: Member;
}

function decodeMembers(reader: ByteReader, version: 1 | 2 | 3): DecodedMember[] {
  const count = reader.u16();
  if (count < 1 || count > membersMax) throw new FormatError(`a configuration of ${count} members`);
  const members: DecodedMember[] = [];
  for (let i = 0; i < count; i++) {
    const role = reader.u8();
    if (!roles[version].includes(role)) {
      throw new FormatError(`a member of role ${role} in a configuration of version ${version}`);
    }
    const id = decodeId(reader, members.at(-1)?.member.id);
    const member = { id, address: reader.string() };
    if ((role & roleWhenReady) === 0) members.push({ role, member });
    else members.push({ role, member: { ...member, whenReady: decodeWhenReady(reader) } });
  }
  return members;
}

function decodeWhenReady(reader: ByteReader): WhenReady {
  const replaces = reader.string();
  if (replaces === "") return { replaces: null };
  if (!isNodeId(replaces)) throw new FormatError(`a member called ${JSON.stringify(replaces)}`);
  return { replaces };
}

function decodeRemoved(reader: ByteReader): NodeId[] {
  const count = reader.u16();
  if (count > removedMax) throw new FormatError(`a configuration of ${count} removed members`);
  const removed: NodeId[] = [];
  for (let i = 0; i < count; i++) removed.push(decodeId(reader, removed.at(-1)));
  return removed;
}

function decodeId(reader: ByteReader, before: NodeId | undefined): NodeId {
  const id = reader.string();
  if (!isNodeId(id)) throw new FormatError(`a member called ${JSON.stringify(id)}`);
  if (before !== undefined && before >= id) throw new FormatError("members out of order");
  return id;
}
