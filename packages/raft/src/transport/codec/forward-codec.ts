/** Payloads of `forward` and its response; decoded commands are views of the received bytes. */
import { type ByteReader, ByteWriter, FormatError, type NodeId } from "../../base/index.ts";
import type { ForwardRequest, ForwardResponse, HeldCommand } from "../peer-message.ts";
import {
  decodeCode,
  decodeIndex,
  decodeNodeId,
  decodeTerm,
  decodeVersion,
  encodeVersion,
  invertCodes,
  type MessageCodec,
} from "./fields.ts";

type Refusal = Extract<ForwardResponse["result"], { kind: "refused" }>["why"];

const resultCodes: Readonly<Record<ForwardResponse["result"]["kind"], number>> = {
  appended: 1,
  refused: 2,
};
const results = invertCodes(resultCodes);

const refusalCodes: Readonly<Record<Refusal, number>> = {
  "not-leader": 1,
  overloaded: 2,
  "unknown-machine": 3,
  "not-enabled": 4,
};
const refusals = invertCodes(refusalCodes);

export const forwardCodec: MessageCodec<ForwardRequest> = {
  code: 22,
  payloadBytesMax(message) {
    let bytes = 12;
    for (const command of message.commands) bytes += 4 + command.length;
    return bytes;
  },
  encode(writer, message) {
    writer.u64(message.id);
    writer.u32(message.commands.length);
    for (const command of message.commands) {
      writer.u32(command.length);
      writer.raw(command);
    }
  },
  decode: (reader, ends) => ({
    kind: "forward",
    from: ends.from,
    to: ends.to,
    id: reader.u64(),
    commands: decodeCommands(reader),
  }),
};

function decodeCommands(reader: ByteReader): readonly Uint8Array[] {
  const count = reader.u32();
  if (count > reader.remaining / 4) {
    throw new FormatError(`${count} commands announced, ${reader.remaining} bytes left`);
  }
  const commands: Uint8Array[] = [];
  for (let i = 0; i < count; i++) commands.push(reader.raw(reader.u32()));
  return commands;
}

export const forwardResponseCodec: MessageCodec<ForwardResponse> = {
  code: 23,
  payloadBytesMax: ({ result }) => 25 + heldBytes(result).length,
  encode(writer, message) {
    const { result } = message;
    writer.u64(message.id);
    writer.u8(resultCodes[result.kind]);
    if (result.kind === "refused") {
      writer.u8(refusalCodes[result.why]);
      writer.raw(heldBytes(result));
    } else {
      writer.u64(result.first);
      writer.u64(result.term);
    }
  },
  decode: (reader, ends) => ({
    kind: "forward-response",
    from: ends.from,
    to: ends.to,
    id: reader.u64(),
    result: decodeResult(reader),
  }),
};

function decodeResult(reader: ByteReader): ForwardResponse["result"] {
  const kind = decodeCode(reader, results, "the result of a forward");
  if (kind === "appended") return { kind, first: decodeIndex(reader), term: decodeTerm(reader) };
  const why = decodeCode(reader, refusals, "the refusal of a forward");
  return why === "not-enabled" ? { kind, why, held: decodeHeld(reader) } : { kind, why };
}

/** Rare: empty for other results. */
function heldBytes(result: ForwardResponse["result"]): Uint8Array {
  const writer = new ByteWriter(0);
  if (result.kind === "appended" || result.why !== "not-enabled") return writer.finish();
  const { machine, version, enabled, lacking } = result.held;
  writer.string(machine).u16(version).u16(enabled).u16(lacking.length);
  for (const { id, version: known } of lacking) {
    writer.string(id);
    encodeVersion(writer, known);
  }
  return writer.finish();
}

function decodeHeld(reader: ByteReader): HeldCommand {
  const head = { machine: reader.string(), version: reader.u16(), enabled: reader.u16() };
  const lacking: { id: NodeId; version: number | null }[] = [];
  for (let left = reader.u16(); left > 0; left--) {
    lacking.push({ id: decodeNodeId(reader), version: decodeVersion(reader) });
  }
  return { ...head, lacking };
}
