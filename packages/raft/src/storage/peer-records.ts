/**
 * What a member remembers of the others: who they were and how far they had promised to be. The
 * file `peers` beside the identity: one sealed block that vouches for the records behind it. See
 * `docs/formats.md`.
 */
import {
  ByteReader,
  ByteWriter,
  type Crc32,
  FormatError,
  isNodeId,
  type LogIndex,
  logIndex,
  type NodeId,
  type Term,
  term,
} from "../base/index.ts";
import type { Disk } from "../ports/index.ts";
import { replaceFile } from "./files.ts";
import type { StorageError } from "./log-store.ts";
import {
  type BlockFormat,
  openBlock,
  readId,
  sealBlock,
  sectorBytes,
  writeId,
} from "./sealed-block.ts";
import { StorageDamage, toStorageError, UnknownFormatError } from "./storage-errors.ts";
import { runTask } from "./task.ts";

/** All numbers only grow while the incarnation stays. */
export interface PeerRecord {
  readonly id: NodeId;
  /** 16 hex digits. */
  readonly incarnation: string;
  /** The run of it that was last let in; 16 hex digits. */
  readonly boot: string;
  /** It had this term on its disk. */
  readonly term: Term;
  /** Of the leader of `term` it had the log up to here on its disk; 0: not known. */
  readonly acked: LogIndex;
  /** It had the log up to here on its disk, and that is committed. */
  readonly committed: LogIndex;
}

export const peersFileName = "peers";

/** Members and those who were about to become members; more are a file that is none of ours. */
export const peerRecordsMax = 128;

const format: BlockFormat = { magic: "quor-prs", version: 1 };

export function encodePeerRecords(
  clusterId: string,
  records: readonly PeerRecord[],
  crc32: Crc32,
): Uint8Array {
  const body = new ByteWriter();
  for (const { id, incarnation, boot, term, acked, committed } of records) {
    body.string(id);
    writeId(body, incarnation);
    writeId(body, boot);
    body.u64(term).u64(acked).u64(committed);
  }
  const bytes = body.finish();
  const head = sealBlock(format, crc32, (writer) => {
    writeId(writer, clusterId);
    writer.u16(records.length).u32(bytes.length).u32(crc32(bytes));
  });
  const file = new Uint8Array(sectorBytes + bytes.length);
  file.set(head);
  file.set(bytes, sectorBytes);
  return file;
}

/**
 * Reads an untrusted file; `file` is for the message.
 *
 * @throws StorageDamage when unreadable or of another cluster, UnknownFormatError for another
 * version
 */
export function decodePeerRecords(
  bytes: Uint8Array,
  clusterId: string,
  file: string,
  crc32: Crc32,
): PeerRecord[] {
  const block = openBlock(bytes.subarray(0, sectorBytes), format, crc32);
  if (block.kind === "unknown-version") {
    throw new UnknownFormatError(file, 0, `what is remembered of peers, version ${block.version}`);
  }
  if (block.kind !== "sound") {
    const reason = block.kind === "blank" ? "it is all zeros" : block.reason;
    throw damage(file, 0, `what is remembered of the peers cannot be read: ${reason}`);
  }
  const owner = readId(block.content);
  if (owner !== clusterId) throw damage(file, 10, `it is of cluster ${owner}`);
  const count = block.content.u16();
  const length = block.content.u32();
  const checksum = block.content.u32();
  const body = bytes.subarray(sectorBytes);
  if (body.length !== length || crc32(body) !== checksum || count > peerRecordsMax) {
    throw damage(file, sectorBytes, "the records of peers are damaged");
  }
  try {
    return decodeRecords(new ByteReader(body), count);
  } catch (error) {
    if (error instanceof FormatError) throw damage(file, sectorBytes, error.message);
    throw error;
  }
}

function damage(file: string, offset: number, reason: string): StorageDamage {
  return new StorageDamage(reason, { file, offset });
}

function decodeRecords(reader: ByteReader, count: number): PeerRecord[] {
  const records: PeerRecord[] = [];
  for (let i = 0; i < count; i++) {
    const id = reader.string();
    if (!isNodeId(id)) throw new FormatError(`a member called ${JSON.stringify(id.slice(0, 64))}`);
    records.push({
      id,
      incarnation: readId(reader),
      boot: readId(reader),
      term: term(reader.u64()),
      acked: logIndex(reader.u64()),
      committed: logIndex(reader.u64()),
    });
  }
  if (reader.remaining > 0) throw new FormatError(`${reader.remaining} bytes after the records`);
  return records;
}

/** Where records are kept. One save at a time; `done` never runs inside the call. */
export interface PeerRecordStore {
  /** `done(null)`: these records, and no others, are on disk. */
  save(records: readonly PeerRecord[], done: (error: StorageError | null) => void): void;
}

/** In a data directory whose lock is held. */
export function createPeerRecordStore(place: {
  readonly disk: Disk;
  readonly crc32: Crc32;
  readonly directory: string;
  readonly clusterId: string;
}): PeerRecordStore {
  const { disk, crc32, directory, clusterId } = place;
  return {
    save(records, done) {
      const bytes = encodePeerRecords(clusterId, records, crc32);
      runTask(replaceFile(disk, directory, peersFileName, bytes), (error) => {
        done(error === null ? null : toStorageError(error));
      });
    },
  };
}
