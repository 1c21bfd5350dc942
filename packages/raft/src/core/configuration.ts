/**
 * Who the members are: kept in the log and nowhere else. The codec is part of the file format
 * (`docs/formats.md`, "configuration entry").
 */
import {
  assert,
  ByteReader,
  ByteWriter,
  FormatError,
  isNodeId,
  type NodeId,
} from "../base/index.ts";

export interface Member {
  readonly id: NodeId;
  /** `host:port` that peers dial. */
  readonly address: string;
}

/** @invariant sorted by id, ids distinct, at least one, at most `membersMax`. */
export interface Configuration {
  readonly voters: readonly Member[];
}

/** Members; more make every commit slower and no cluster safer. */
export const membersMax = 63;

const formatVersion = 1;
const roleVoter = 1;

export function createConfiguration(members: readonly Member[]): Configuration {
  const voters = [...members].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  assert(voters.length >= 1 && voters.length <= membersMax, "a configuration has 1 to 63 members");
  assert(new Set(voters.map((member) => member.id)).size === voters.length, "ids are distinct");
  return { voters };
}

/** n/2 + 1. @paper §5.2 */
export function majority(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return configuration.voters.some((member) => member.id === id);
}

export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(formatVersion).u16(configuration.voters.length);
  for (const member of configuration.voters) {
    writer.u8(roleVoter).string(member.id).string(member.address);
  }
  return writer.finish();
}

/** @throws FormatError for an unknown version or role: unknown is a stop. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== formatVersion) {
    throw new FormatError(`a configuration of version ${version}; this version reads 1`);
  }
  const count = reader.u16();
  if (count < 1 || count > membersMax) throw new FormatError(`a configuration of ${count} members`);
  const voters: Member[] = [];
  for (let i = 0; i < count; i++) voters.push(decodeMember(reader, voters.at(-1)));
  if (reader.remaining > 0)
    throw new FormatError(`${reader.remaining} bytes after a configuration`);
  return { voters };
}

function decodeMember(reader: ByteReader, before: Member | undefined): Member {
  const role = reader.u8();
  if (role !== roleVoter) throw new FormatError(`a member of role ${role}; this version knows 1`);
  const id = reader.string();
  if (!isNodeId(id)) throw new FormatError(`a member called ${JSON.stringify(id)}`);
  if (before !== undefined && before.id >= id) throw new FormatError("members out of order");
  return { id, address: reader.string() };
}
