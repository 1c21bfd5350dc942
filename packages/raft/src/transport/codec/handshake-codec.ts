/**
 * The first frames of a connection. Their layout is frozen over all protocol versions, so that
 * members of any two versions can at least tell each other why they do not talk. Specified in
 * `docs/formats.md`.
 */
import { ByteReader, ByteWriter, FormatError, type NodeId } from "../../base/index.ts";
import type { PeerIdentity } from "../transport.ts";
import { decodeId64, decodeNodeId, encodeId64 } from "./fields.ts";
import { bulkHelloKind, type Frame, helloKind, refusalKind, welcomeKind } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";

/**
 * The versions of the messages that this build speaks; the acceptor chooses the newest in common.
 * 1: the kinds up to 23. 2: those up to 52, introductions that tell what a program can apply, and
 * refusals of commands because their version is not enabled.
 */
export const protocolVersions: VersionRange = { oldest: 1, newest: 2 };

export interface VersionRange {
  readonly oldest: number;
  readonly newest: number;
}

/** From the dialer: who it is and whom it wants. */
export interface Hello {
  readonly versions: VersionRange;
  readonly identity: PeerIdentity;
  readonly to: NodeId;
}

/** From the acceptor: who it is, and the version that both use from here on. */
export interface Welcome {
  readonly version: number;
  readonly identity: PeerIdentity;
}

/**
 * From the acceptor: why it does not talk to this dialer. A code unknown to the dialer still has
 * its text.
 */
export interface Refusal {
  readonly code: number;
  readonly text: string;
}

/** Stable numbers; `docs/formats.md` lists them. */
export const refusalCodes: Readonly<Record<RefusalReason, number>> = {
  "unknown-version": 1,
  "other-cluster": 2,
  "wrong-member": 3,
  "unknown-member": 4,
  "same-member": 5,
  "other-incarnation": 6,
  "removed-member": 7,
  "older-state": 8,
  "not-ready": 9,
  "older-program": 10,
};

export type RefusalReason =
  | "unknown-version"
  | "other-cluster"
  | "wrong-member"
  | "unknown-member"
  | "same-member"
  | "other-incarnation"
  | "removed-member"
  | "older-state"
  | "not-ready"
  | "older-program";

/** The reason behind a code; null for one of a later version. */
export function refusalReasonOf(code: number): RefusalReason | null {
  const names = Object.keys(refusalCodes) as RefusalReason[]; // the keys of the table
  return names.find((name) => refusalCodes[name] === code) ?? null;
}

/** "QUORATEP" in ASCII: the peer protocol of quorate. */
export const magic: Uint8Array = new Uint8Array([0x51, 0x55, 0x4f, 0x52, 0x41, 0x54, 0x45, 0x50]);
const refusalBytesMax = 1000;

/** `kind`: what the connection is for, `helloKind` or `bulkHelloKind`. */
export function encodeHello(writer: FrameWriter, hello: Hello, kind: number = helloKind): void {
  const payload = new ByteWriter().raw(magic);
  payload.u16(hello.versions.oldest).u16(hello.versions.newest);
  encodeIdentity(payload, hello.identity);
  payload.string(hello.to);
  writeFrame(writer, kind, payload);
}

/**
 * @returns null instead of what follows the versions when none is in common: nothing else is read
 * then
 * @throws FormatError
 */
export function decodeHello(
  frame: Frame,
  ours: VersionRange = protocolVersions,
): { versions: VersionRange; hello: Hello | null } {
  if (frame.kind !== helloKind && frame.kind !== bulkHelloKind) {
    throw new FormatError(`a first frame of kind ${frame.kind}, not a hello`);
  }
  const reader = new ByteReader(frame.payload);
  checkMagic(reader, "a hello");
  const versions = { oldest: reader.u16(), newest: reader.u16() };
  if (commonVersion(versions, ours) === null) return { versions, hello: null };
  const identity = decodeIdentity(reader);
  const to = decodeNodeId(reader);
  checkEnd(reader, "a hello");
  return { versions, hello: { versions, identity, to } };
}

/** @throws FormatError */
export function checkMagic(reader: ByteReader, what: string): void {
  const found = reader.raw(magic.length);
  if (found.some((byte, i) => byte !== magic[i]))
    throw new FormatError(`${what} of something else`);
}

export function encodeWelcome(writer: FrameWriter, welcome: Welcome): void {
  const payload = new ByteWriter().u16(welcome.version);
  encodeIdentity(payload, welcome.identity);
  writeFrame(writer, welcomeKind, payload);
}

export function encodeRefusal(writer: FrameWriter, refusal: Refusal): void {
  const payload = new ByteWriter().u16(refusal.code);
  payload.string(printable(refusal.text).slice(0, refusalBytesMax));
  writeFrame(writer, refusalKind, payload);
}

/** @throws FormatError */
export function decodeRefusal(frame: Frame): Refusal {
  const reader = new ByteReader(frame.payload);
  const code = reader.u16();
  const text = printable(reader.string());
  checkEnd(reader, "a refusal");
  return { code, text };
}

/** @throws FormatError */
export function decodeAnswer(
  frame: Frame,
): ({ kind: "welcome" } & Welcome) | ({ kind: "refusal" } & Refusal) {
  if (frame.kind === refusalKind) return { kind: "refusal", ...decodeRefusal(frame) };
  const reader = new ByteReader(frame.payload);
  if (frame.kind !== welcomeKind) {
    throw new FormatError(`an answer of kind ${frame.kind} to a hello`);
  }
  const version = reader.u16();
  const identity = decodeIdentity(reader);
  checkEnd(reader, "a welcome");
  return { kind: "welcome", version, identity };
}

/** The newest version that both ends speak, or null. */
export function commonVersion(
  theirs: VersionRange,
  ours: VersionRange = protocolVersions,
): number | null {
  const newest = Math.min(theirs.newest, ours.newest);
  return newest >= Math.max(theirs.oldest, ours.oldest) ? newest : null;
}

function encodeIdentity(payload: ByteWriter, identity: PeerIdentity): void {
  encodeId64(payload, identity.clusterId);
  encodeId64(payload, identity.incarnation);
  encodeId64(payload, identity.boot);
  payload.string(identity.id);
}

function decodeIdentity(reader: ByteReader): PeerIdentity {
  const clusterId = decodeId64(reader);
  const incarnation = decodeId64(reader);
  const boot = decodeId64(reader);
  return { clusterId, incarnation, boot, id: decodeNodeId(reader) };
}

export function checkEnd(reader: ByteReader, what: string): void {
  if (reader.remaining > 0) throw new FormatError(`${reader.remaining} bytes after ${what}`);
}

export function writeFrame(writer: FrameWriter, kind: number, payload: ByteWriter): void {
  writer.begin(payload.length);
  writer.raw(payload.view());
  writer.end(kind);
}

/** Text from a stranger goes into logs and terminals: printable ASCII only. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
