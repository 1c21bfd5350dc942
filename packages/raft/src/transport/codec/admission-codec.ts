/**
 * The frames around the admission of a member: the introduction that follows a welcome, and the
 * question and answer of a member that is to join. Specified in `docs/formats.md`.
 */
import {
  ByteReader,
  ByteWriter,
  FormatError,
  isNodeId,
  type NodeId,
  readVersions,
  writeVersions,
} from "../../base/index.ts";
import type { Introduction, JoinAnswer, JoinRequest, Standing } from "../admission.ts";
import { decodeFlag, decodeId64, decodeIndex, decodeTerm, encodeId64 } from "./fields.ts";
import { type Frame, introductionKind, joinAnswerKind, joinKind } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";
import {
  checkEnd,
  checkMagic,
  magic,
  protocolVersions,
  type VersionRange,
  writeFrame,
} from "./handshake-codec.ts";

/** From this version of the protocol on an introduction says what the program can apply. */
const tellsMachines = 2;

/** `version`: of the protocol, as agreed. */
export function encodeIntroduction(
  writer: FrameWriter,
  { address, standing, machines }: Pick<Introduction, "address" | "standing" | "machines">,
  version: number,
): void {
  const { term, last, commit, mustCatchUp } = standing;
  const payload = new ByteWriter().string(address);
  payload
    .u64(term)
    .u64(last)
    .u64(commit)
    .u8(mustCatchUp ? 1 : 0);
  if (version >= tellsMachines) writeVersions(payload, machines ?? []);
  writeFrame(writer, introductionKind, payload);
}

/** @throws FormatError */
export function decodeIntroduction(
  frame: Frame,
  version: number,
): Pick<Introduction, "address" | "standing" | "machines"> {
  if (frame.kind !== introductionKind) {
    throw new FormatError(`a frame of kind ${frame.kind} where an introduction is due`);
  }
  const reader = new ByteReader(frame.payload);
  const address = reader.string();
  const standing: Standing = {
    term: decodeTerm(reader),
    last: decodeIndex(reader),
    commit: decodeIndex(reader),
    mustCatchUp: decodeFlag(reader, "must-catch-up"),
  };
  const machines = version >= tellsMachines ? readVersions(reader) : null;
  checkEnd(reader, "an introduction");
  return { address, standing, machines };
}

export function encodeJoin(
  writer: FrameWriter,
  request: JoinRequest,
  versions: VersionRange = protocolVersions,
): void {
  const payload = new ByteWriter().raw(magic);
  payload.u16(versions.oldest).u16(versions.newest);
  payload.string(request.id).string(request.address);
  writeFrame(writer, joinKind, payload);
}

/** @throws FormatError */
export function decodeJoin(frame: Frame): { versions: VersionRange; request: JoinRequest } {
  const reader = new ByteReader(frame.payload);
  checkMagic(reader, "a question");
  const versions = { oldest: reader.u16(), newest: reader.u16() };
  const request = { id: decodeName(reader), address: reader.string() };
  checkEnd(reader, "a question");
  return { versions, request };
}

/** `frameBytesMax` of the reader must have room for a configuration. */
export function encodeJoinAnswer(writer: FrameWriter, answer: JoinAnswer): void {
  const payload = new ByteWriter();
  encodeId64(payload, answer.clusterId);
  payload.string(answer.from).u32(answer.configuration.length).raw(answer.configuration);
  writeFrame(writer, joinAnswerKind, payload);
}

/** @throws FormatError */
export function decodeJoinAnswer(frame: Frame): JoinAnswer {
  const reader = new ByteReader(frame.payload);
  const clusterId = decodeId64(reader);
  const from = decodeName(reader);
  const configuration = reader.raw(reader.u32());
  checkEnd(reader, "an answer to a question");
  return { clusterId, from, configuration };
}

function decodeName(reader: ByteReader): NodeId {
  const id = reader.string();
  if (!isNodeId(id)) throw new FormatError(`a member called ${JSON.stringify(id.slice(0, 64))}`);
  return id;
}
