/** Payloads of `change-members`, its response, and `learner-progress`. */
import {
  type ByteReader,
  ByteWriter,
  FormatError,
  isNodeId,
  type NodeId,
  noIndex,
} from "../../base/index.ts";
import type {
  ChangeRefusal,
  MemberChange,
  PlanRefusal,
  QuorumLoss,
  Unreadiness,
} from "../../core/index.ts";
import {
  type ChangeAnswer,
  type ChangeMembersRequest,
  type ChangeMembersResponse,
  changesMax,
  type LearnerProgress,
  type OlderProgram,
  type OtherMembers,
  type PromotionHold,
} from "../peer-message.ts";
import {
  decodeCode,
  decodeIndex,
  decodeTerm,
  decodeVersion,
  encodeVersion,
  invertCodes,
  type MessageCodec,
} from "./fields.ts";

const changeCodes: Readonly<Record<MemberChange["kind"], number>> = {
  ...{ add: 1, promote: 2, demote: 3, remove: 4 },
  "update-address": 5,
};
const changeKinds = invertCodes(changeCodes);

/** How a member is added. */
const asCodes = { voter: 1, learner: 2, "when-ready": 3 } as const;
const asKinds = invertCodes<keyof typeof asCodes>(asCodes);

const answerCodes: Readonly<Record<ChangeAnswer["kind"], number>> = {
  ...{ appended: 1, made: 2, refused: 3 },
};
const answers = invertCodes(answerCodes);

/** Why a change is refused: by the core, or by the leader's node. */
type Refusal = ChangeRefusal | OlderProgram | OtherMembers;

const refusalCodes: Readonly<Record<Refusal["why"], number>> = {
  "not-leader": 1,
  "term-not-started": 2,
  "change-in-flight": 3,
  "unknown-member": 4,
  "already-member": 5,
  "already-voter": 6,
  "already-learner": 7,
  "was-removed": 8,
  "address-taken": 9,
  "too-many-members": 10,
  "too-many-removed": 11,
  "no-voters": 12,
  "nothing-changes": 13,
  "would-lose-quorum": 14,
  "learner-not-ready": 15,
  transferring: 16,
  "older-program": 17,
  "other-members": 18,
};
const refusals = invertCodes(refusalCodes);

const unreadyCodes: Readonly<Record<Unreadiness, number>> = { silent: 1, behind: 2 };
const unreadyKinds = invertCodes(unreadyCodes);

const halfCodes: Readonly<Record<QuorumLoss["half"], number>> = { old: 1, new: 2 };
const halves = invertCodes(halfCodes);

const holdCodes: Readonly<Record<PromotionHold, number>> = {
  ...{ nothing: 0, silent: 1, behind: 2, quorum: 3, change: 4 },
};
const holds = invertCodes(holdCodes);

/** Small and rare: written into a buffer of its own, once for the length and once to be sent. */
function bytesOf(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.finish();
}

export const changeMembersCodec: MessageCodec<ChangeMembersRequest> = {
  code: 50,
  payloadBytesMax: (message) => requestBytes(message).length,
  encode: (writer, message) => writer.raw(requestBytes(message)),
  decode(reader, ends) {
    const id = reader.u64();
    const index = decodeIndex(reader);
    const count = reader.u16();
    if (count < 1 || count > changesMax) throw new FormatError(`${count} steps of a change`);
    const changes: MemberChange[] = [];
    for (let i = 0; i < count; i++) changes.push(decodeChange(reader));
    const expected = index === noIndex ? null : index;
    return { kind: "change-members", from: ends.from, to: ends.to, id, changes, expected };
  },
};

function requestBytes(message: ChangeMembersRequest): Uint8Array {
  return bytesOf((writer) => {
    writer
      .u64(message.id)
      .u64(message.expected ?? noIndex)
      .u16(message.changes.length);
    for (const change of message.changes) encodeChange(writer, change);
  });
}

function encodeChange(writer: ByteWriter, change: MemberChange): void {
  writer.u8(changeCodes[change.kind]).string(change.id);
  if (change.kind === "update-address") writer.string(change.address);
  if (change.kind !== "add") return;
  const { as, whenReady } = change;
  writer.string(change.address).u8(asCodes[whenReady === undefined ? as : "when-ready"]);
  if (whenReady !== undefined) writer.string(whenReady.replaces ?? "");
}

function decodeChange(reader: ByteReader): MemberChange {
  const kind = decodeCode(reader, changeKinds, "a step of a change");
  const id = decodeId(reader.string());
  if (kind === "update-address") return { kind, id, address: reader.string() };
  if (kind !== "add") return { kind, id };
  const address = reader.string();
  const as = decodeCode(reader, asKinds, "what a member is added as");
  if (as !== "when-ready") return { kind, id, address, as };
  const replaces = reader.string();
  const whenReady = { replaces: replaces === "" ? null : decodeId(replaces) };
  return { kind, id, address, as: "learner", whenReady };
}

export const changeMembersResponseCodec: MessageCodec<ChangeMembersResponse> = {
  code: 51,
  payloadBytesMax: (message) => responseBytes(message).length,
  encode: (writer, message) => writer.raw(responseBytes(message)),
  decode: (reader, ends) => ({
    kind: "change-members-response",
    from: ends.from,
    to: ends.to,
    id: reader.u64(),
    answer: decodeAnswer(reader),
  }),
};

function responseBytes({ id, answer }: ChangeMembersResponse): Uint8Array {
  return bytesOf((writer) => {
    writer.u64(id).u8(answerCodes[answer.kind]);
    if (answer.kind === "appended") writer.u64(answer.index).u64(answer.term);
    if (answer.kind === "refused") encodeRefusal(writer, answer);
  });
}

function decodeAnswer(reader: ByteReader): ChangeAnswer {
  const kind = decodeCode(reader, answers, "the answer to a change");
  if (kind === "made") return { kind };
  if (kind === "appended") return { kind, index: decodeIndex(reader), term: decodeTerm(reader) };
  return { kind, ...decodeRefusal(reader) };
}

function encodeRefusal(writer: ByteWriter, refusal: Refusal): void {
  writer.u8(refusalCodes[refusal.why]);
  if ("id" in refusal) writer.string(refusal.id);
  if ("by" in refusal) writer.string(refusal.by);
  if ("max" in refusal) writer.u16(refusal.max);
  if ("index" in refusal) writer.u64(refusal.index);
  if (refusal.why === "learner-not-ready") {
    writer.u8(unreadyCodes[refusal.because]).u64(refusal.matched).u64(refusal.commit);
  }
  if (refusal.why === "would-lose-quorum") encodeLoss(writer, refusal.loss);
  if (refusal.why === "older-program") {
    writer.string(refusal.machine).u16(refusal.version);
    encodeVersion(writer, refusal.known);
  }
}

function decodeRefusal(reader: ByteReader): Refusal {
  const why = decodeCode(reader, refusals, "the refusal of a change");
  switch (why) {
    case "change-in-flight":
    case "other-members":
      return { why, index: decodeIndex(reader) };
    case "learner-not-ready":
      return {
        why,
        id: decodeId(reader.string()),
        because: decodeCode(reader, unreadyKinds, "why a learner is not ready"),
        matched: decodeIndex(reader),
        commit: decodeIndex(reader),
      };
    case "would-lose-quorum":
      return { why, loss: decodeLoss(reader) };
    case "older-program": {
      const id = decodeId(reader.string());
      const [machine, version] = [reader.string(), reader.u16()];
      return { why, id, machine, version, known: decodeVersion(reader) };
    }
    case "not-leader":
    case "term-not-started":
    case "transferring":
      return { why };
    default:
      return decodePlanRefusal(reader, why);
  }
}

function decodePlanRefusal(reader: ByteReader, why: PlanRefusal["why"]): PlanRefusal {
  switch (why) {
    case "too-many-members":
    case "too-many-removed":
      return { why, max: reader.u16() };
    case "no-voters":
    case "nothing-changes":
      return { why };
    case "address-taken":
      return { why, id: decodeId(reader.string()), by: decodeId(reader.string()) };
    default:
      return { why, id: decodeId(reader.string()) };
  }
}

function encodeLoss(writer: ByteWriter, loss: QuorumLoss): void {
  const { half, voters, needed, ready, unready } = loss;
  writer.u8(halfCodes[half]).u16(voters).u16(needed).u16(ready).u16(unready.length);
  for (const { id, why } of unready) writer.string(id).u8(unreadyCodes[why]);
}

function decodeLoss(reader: ByteReader): QuorumLoss {
  const half = decodeCode(reader, halves, "a half of a configuration");
  const [voters, needed, ready] = [reader.u16(), reader.u16(), reader.u16()];
  const count = reader.u16();
  if (count > reader.remaining) throw new FormatError(`${count} members announced`);
  const unready: { id: NodeId; why: Unreadiness }[] = [];
  for (let i = 0; i < count; i++) {
    const id = decodeId(reader.string());
    unready.push({ id, why: decodeCode(reader, unreadyKinds, "why a member is not ready") });
  }
  return { half, voters, needed, ready, unready };
}

export const learnerProgressCodec: MessageCodec<LearnerProgress> = {
  code: 52,
  payloadBytesMax: (message) => progressBytes(message).length,
  encode: (writer, message) => writer.raw(progressBytes(message)),
  decode: (reader, ends) => ({
    kind: "learner-progress",
    from: ends.from,
    to: ends.to,
    learner: decodeId(reader.string()),
    matched: decodeIndex(reader),
    commit: decodeIndex(reader),
    hold: decodeCode(reader, holds, "what a learner waits for"),
  }),
};

function progressBytes(message: LearnerProgress): Uint8Array {
  const { learner, matched, commit, hold } = message;
  return bytesOf((writer) => {
    writer.string(learner).u64(matched).u64(commit).u8(holdCodes[hold]);
  });
}

function decodeId(id: string): NodeId {
  if (!isNodeId(id)) throw new FormatError(`a member called ${JSON.stringify(id.slice(0, 64))}`);
  return id;
}
