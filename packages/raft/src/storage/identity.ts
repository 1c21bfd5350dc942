/**
 * Whose directory this is: written once when the directory is first used, and checked at every
 * start. The file `identity` is one sealed block; see `docs/formats.md`.
 */
import { type ByteReader, type Crc32, isNodeId, type NodeId } from "../base/index.ts";
import { type BlockFormat, openBlock, readId, sealBlock, writeId } from "./sealed-block.ts";
import { StorageDamage, UnknownFormatError } from "./storage-errors.ts";

export interface DirectoryIdentity {
  /** 16 hex digits; all members of a cluster have the same. */
  readonly clusterId: string;
  readonly member: NodeId;
  /** 16 hex digits drawn when the directory was made: a wiped directory comes back with another. */
  readonly incarnation: string;
  /**
   * It was made to join a cluster, so its log comes from a leader and may be empty at a start. Left
   * out: its member formed the cluster, and wrote the first entry itself.
   */
  readonly joined?: true;
}

export const identityFileName = "identity";

const format: BlockFormat = { magic: "quor-idn", version: 1 };
/** The same content, of a member that joined. */
const joinedFormat: BlockFormat = { ...format, version: 2 };

export function encodeIdentity(identity: DirectoryIdentity, crc32: Crc32): Uint8Array {
  return sealBlock(identity.joined === true ? joinedFormat : format, crc32, (writer) => {
    writeId(writer, identity.clusterId);
    writeId(writer, identity.incarnation);
    writer.string(identity.member);
  });
}

/**
 * Reads an untrusted identity file; `file` is for the message.
 *
 * @throws StorageDamage when unreadable, UnknownFormatError for another version
 */
export function decodeIdentity(bytes: Uint8Array, file: string, crc32: Crc32): DirectoryIdentity {
  const plain = openBlock(bytes, format, crc32);
  const isJoined = plain.kind === "unknown-version" && plain.version === joinedFormat.version;
  const block = isJoined ? openBlock(bytes, joinedFormat, crc32) : plain;
  switch (block.kind) {
    case "blank":
      throw new StorageDamage("the identity is all zeros", { file, offset: 0 });
    case "damaged":
      throw new StorageDamage(`the identity cannot be read: ${block.reason}`, { file, offset: 0 });
    case "unknown-version":
      throw new UnknownFormatError(file, 0, `an identity of version ${block.version}`);
    case "sound":
      return { ...decodeContent(block.content, file), ...(isJoined ? { joined: true } : {}) };
    default:
      return block satisfies never;
  }
}

function decodeContent(reader: ByteReader, file: string): DirectoryIdentity {
  const clusterId = readId(reader);
  const incarnation = readId(reader);
  const member = reader.string();
  if (!isNodeId(member)) {
    throw new StorageDamage(`a member called ${JSON.stringify(member)}`, { file, offset: 26 });
  }
  return { clusterId, member, incarnation };
}
