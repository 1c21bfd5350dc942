import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32, FormatError, logIndex, nodeId, term } from "../../base/index.ts";
import type {
  AppendEntries,
  AppendOutcome,
  ChangeRefusal,
  Entry,
  MemberChange,
} from "../../core/index.ts";
import type { PeerMessage } from "../peer-message.ts";
import { FrameParser } from "./frame-parser.ts";
import { FrameWriter } from "./frame-writer.ts";
import { decodeMessage, encodeMessage, messageFrameBytesMax } from "./message-codec.ts";

const ends = { from: nodeId("a"), to: nodeId("b") };
const anyNumber = fc.maxSafeNat();
const anyTerm = anyNumber.map(term);
const anyIndex = anyNumber.map(logIndex);
const anyPosition = fc.record({ index: anyIndex, term: anyTerm });
const anyBytes = fc.uint8Array({ maxLength: 300 });

const anyAppend: fc.Arbitrary<AppendEntries> = fc
  .record({
    prevIndex: fc.nat(2 ** 40),
    terms: fc.array(fc.nat(2 ** 40), { minLength: 2, maxLength: 20 }),
    data: fc.array(anyBytes, { minLength: 20, maxLength: 20 }),
    kinds: fc.array(fc.constantFrom("no-op", "command", "configuration"), {
      minLength: 20,
      maxLength: 20,
    }),
    commit: anyIndex,
    round: anyNumber,
    sequence: anyNumber,
  })
  .map((raw) => {
    const terms = raw.terms.sort((a, b) => a - b).map(term);
    const entries = terms.slice(1, -1).map((entryTerm, i): Entry => {
      const kind = raw.kinds[i] ?? "command";
      const data = kind === "no-op" ? new Uint8Array(0) : (raw.data[i] ?? new Uint8Array(0));
      return { index: logIndex(raw.prevIndex + 1 + i), term: entryTerm, kind, data };
    });
    return {
      kind: "append-entries",
      ...ends,
      term: terms.at(-1) ?? term(0),
      prev: { index: logIndex(raw.prevIndex), term: terms[0] ?? term(0) },
      entries,
      commit: raw.commit,
      round: raw.round,
      sequence: raw.sequence,
    };
  });

const anyOutcome: fc.Arbitrary<AppendOutcome> = fc.oneof(
  fc.record({ kind: fc.constant("accepted" as const), matched: anyIndex, verified: anyIndex }),
  fc.record({ kind: fc.constant("conflict" as const), prev: anyPosition, hint: anyPosition }),
  fc.constant({ kind: "stale-term" as const }),
);

const anyHash = fc.nat(2 ** 31 - 1).map((bits) => bits.toString(16).padStart(16, "0"));
const anySnapshot = fc.record({
  position: fc.record({
    index: fc.integer({ min: 1, max: 2 ** 53 - 1 }).map(logIndex),
    term: anyTerm,
  }),
  bytes: anyNumber,
  hash: anyHash,
});
const anyNodeId = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/).map(nodeId);

const fixed = { from: fc.constant(ends.from), to: fc.constant(ends.to) };

const anyId = fc.constantFrom("a", "b-2", "m".repeat(64)).map(nodeId);
const anyAddress = fc.constantFrom("h:1", "[::1]:2380", "");
const anyReady = fc.constantFrom("silent" as const, "behind" as const);

const anyChange: fc.Arbitrary<MemberChange> = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    id: anyId,
    address: anyAddress,
    as: fc.constantFrom("voter" as const, "learner" as const),
  }),
  fc.record({
    kind: fc.constant("add" as const),
    id: anyId,
    address: anyAddress,
    as: fc.constant("learner" as const),
    whenReady: fc.record({ replaces: fc.option(anyId) }),
  }),
  fc.record({
    kind: fc.constantFrom("promote" as const, "demote" as const, "remove" as const),
    id: anyId,
  }),
  fc.record({ kind: fc.constant("update-address" as const), id: anyId, address: anyAddress }),
);

const anyRefusal: fc.Arbitrary<ChangeRefusal> = fc.oneof(
  fc.record({ why: fc.constantFrom("not-leader" as const, "term-not-started" as const) }),
  fc.record({ why: fc.constantFrom("no-voters" as const, "nothing-changes" as const) }),
  fc.record({ why: fc.constant("change-in-flight" as const), index: anyIndex }),
  fc.record({
    why: fc.constantFrom(
      ...(["unknown-member", "already-member", "already-voter"] as const),
      ...(["already-learner", "was-removed"] as const),
    ),
    id: anyId,
  }),
  fc.record({ why: fc.constant("address-taken" as const), id: anyId, by: anyId }),
  fc.record({
    why: fc.constantFrom("too-many-members" as const, "too-many-removed" as const),
    max: fc.nat(65_535),
  }),
  fc.record({
    why: fc.constant("learner-not-ready" as const),
    id: anyId,
    because: anyReady,
    matched: anyIndex,
    commit: anyIndex,
  }),
  fc.record({
    why: fc.constant("would-lose-quorum" as const),
    loss: fc.record({
      half: fc.constantFrom("old" as const, "new" as const),
      voters: fc.nat(63),
      needed: fc.nat(63),
      ready: fc.nat(63),
      unready: fc.array(fc.record({ id: anyId, why: anyReady }), { maxLength: 5 }),
    }),
  }),
);

const anyMembershipMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.record({
    kind: fc.constant("change-members" as const),
    ...fixed,
    id: anyNumber,
    changes: fc.array(anyChange, { minLength: 1, maxLength: 5 }),
    expected: fc.option(anyIndex.filter((index) => index > 0)),
  }),
  fc.record({
    kind: fc.constant("change-members-response" as const),
    ...fixed,
    id: anyNumber,
    answer: fc.oneof(
      fc.constant({ kind: "made" as const }),
      fc.record({ kind: fc.constant("appended" as const), index: anyIndex, term: anyTerm }),
      anyRefusal.map((refusal) => ({ kind: "refused" as const, ...refusal })),
    ),
  }),
  fc.record({
    kind: fc.constant("learner-progress" as const),
    ...fixed,
    learner: anyId,
    matched: anyIndex,
    commit: anyIndex,
    hold: fc.constantFrom(...(["silent", "behind", "quorum", "change", "nothing"] as const)),
  }),
);

const anyMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  anyMembershipMessage,
  anyAppend,
  fc.record({
    kind: fc.constant("snapshot-offer" as const),
    ...fixed,
    term: anyTerm,
    snapshot: anySnapshot,
    sources: fc.uniqueArray(anyNodeId, { minLength: 1, maxLength: 63 }),
  }),
  fc
    .record({
      kind: fc.constant("snapshot-status" as const),
      ...fixed,
      term: anyTerm,
      snapshot: anySnapshot,
      state: fc.constantFrom(
        "receiving" as const,
        "waiting" as const,
        "installed" as const,
        "refused" as const,
      ),
    })
    .chain((status) =>
      fc.maxSafeNat().map((receivedBytes) => ({
        ...status,
        receivedBytes: Math.min(receivedBytes, status.snapshot.bytes),
      })),
    ),
  fc.record({
    kind: fc.constant("request-vote" as const),
    ...fixed,
    term: anyTerm,
    pre: fc.boolean(),
    last: anyPosition,
  }),
  fc.record({
    kind: fc.constant("request-vote" as const),
    ...fixed,
    term: anyTerm,
    pre: fc.constant(false),
    last: anyPosition,
    transfer: fc.constant(true as const),
  }),
  fc.record({
    kind: fc.constant("timeout-now" as const),
    ...fixed,
    term: anyTerm,
    round: anyNumber,
  }),
  fc.record({
    kind: fc.constant("request-vote-response" as const),
    ...fixed,
    term: anyTerm,
    pre: fc.boolean(),
    campaignTerm: anyTerm,
    refused: fc.constantFrom(
      null,
      "stale-term" as const,
      "voted-for-other" as const,
      "log-behind" as const,
      "leader-alive" as const,
      "must-catch-up" as const,
    ),
  }),
  fc.record({
    kind: fc.constant("append-entries-response" as const),
    ...fixed,
    term: anyTerm,
    round: anyNumber,
    sequence: anyNumber,
    outcome: anyOutcome,
  }),
  fc.record({
    kind: fc.constant("append-entries-response" as const),
    ...fixed,
    term: anyTerm,
    round: anyNumber,
    sequence: anyNumber,
    outcome: anyOutcome,
    standing: fc.record({ priority: fc.constantFrom(0, 2, 10), isHealthy: fc.boolean() }),
  }),
  fc.record(
    {
      kind: fc.constant("append-entries-response" as const),
      ...fixed,
      term: anyTerm,
      round: anyNumber,
      sequence: anyNumber,
      outcome: anyOutcome,
      isFull: fc.constant(true as const),
      standing: fc.record({ priority: fc.constantFrom(0, 2, 10), isHealthy: fc.boolean() }),
      promisedMs: fc.integer({ min: 1, max: 60_000 }),
    },
    {
      requiredKeys: [
        ...(["kind", "from", "to", "term", "round", "sequence", "outcome", "isFull"] as const),
      ],
    },
  ),
  fc.record({
    kind: fc.constant("read-index" as const),
    ...fixed,
    term: anyTerm,
    batch: anyNumber,
    boot: anyNumber,
  }),
  fc.record({
    kind: fc.constant("read-index-response" as const),
    ...fixed,
    term: anyTerm,
    batch: anyNumber,
    boot: anyNumber,
    index: fc.option(anyIndex),
  }),
  fc.record({
    kind: fc.constant("forward" as const),
    ...fixed,
    id: anyNumber,
    commands: fc.array(anyBytes, { maxLength: 10 }),
  }),
  fc.record({
    kind: fc.constant("forward-response" as const),
    ...fixed,
    id: anyNumber,
    result: fc.oneof(
      fc.record({ kind: fc.constant("appended" as const), first: anyIndex, term: anyTerm }),
      fc.record({
        kind: fc.constant("refused" as const),
        why: fc.constantFrom("not-leader" as const, "overloaded" as const),
      }),
    ),
  }),
);

function encode(...messages: readonly PeerMessage[]): Uint8Array {
  const writer = new FrameWriter(crc32, 1024);
  for (const message of messages) encodeMessage(writer, message);
  return Uint8Array.from(writer.take().flatMap((chunk) => [...chunk]));
}

function decodeAll(chunks: readonly Uint8Array[]): PeerMessage[] {
  const parser = new FrameParser(crc32, 16 * 1024 * 1024);
  const messages: PeerMessage[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let frame = parser.next(); frame !== null; frame = parser.next()) {
      messages.push(decodeMessage(frame, ends));
    }
  }
  return messages;
}

/** Decodes a payload as it stands, with a right header around it. */
function decodePayload(kind: number, payload: readonly number[]): PeerMessage {
  return decodeMessage({ kind, payload: Uint8Array.from(payload) }, ends);
}

describe("message codec", () => {
  it("gives back every message, whatever pieces its bytes come in", () => {
    fc.assert(
      fc.property(
        fc.array(anyMessage, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 }),
        (messages, sizes) => {
          const bytes = encode(...messages);
          const chunks: Uint8Array[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length] ?? 1;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(decodeAll(chunks)).toEqual(messages);
        },
      ),
    );
  });

  it("gives back a message split at each of its bytes", () => {
    const bytes = encode(sampleAppend());
    for (let at = 0; at <= bytes.length; at++) {
      expect(decodeAll([bytes.subarray(0, at), bytes.subarray(at)])).toEqual([sampleAppend()]);
    }
    expect(decodeAll(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual([sampleAppend()]);
  });

  it("announces at least the bytes that it writes", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(encode(message).length).toBeLessThanOrEqual(messageFrameBytesMax(message));
      }),
    );
  });

  it("does not copy the data of a frame that came in one chunk", () => {
    const bytes = encode(sampleAppend());
    const [message] = decodeAll([bytes]);
    if (message?.kind !== "append-entries") throw new Error("an append was expected");
    for (const entry of message.entries) expect(entry.data.buffer).toBe(bytes.buffer);
  });

  it("reports each flipped bit of a frame, or waits for more bytes", () => {
    const bytes = encode(sampleAppend());
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      const at = bit >> 3;
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeAll([damaged])).toThrow(FormatError);
    }
  });

  it("answers random payloads of each kind with a message or a FormatError", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 70 }),
        fc.uint8Array({ maxLength: 120 }),
        (kind, payload) => {
          try {
            decodeMessage({ kind, payload }, ends);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("answers damaged payloads of real messages with a message or a FormatError", () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.nat(255), fc.nat(), (message, at, byte, cut) => {
        const frame = encode(message);
        const payload = frame.slice(16);
        payload[at % Math.max(1, payload.length)] = byte;
        const kind = frame[4] ?? 0;
        try {
          decodeMessage({ kind, payload: payload.subarray(0, payload.length - (cut % 3)) }, ends);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("answers random bytes with a FormatError, or waits for more", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 200 }), (bytes) => {
        expect(() => decodeAll([bytes])).toThrow(FormatError);
      }),
    );
  });

  const u64 = (value: number): number[] => [value, 0, 0, 0, 0, 0, 0, 0];
  const tooLarge = [0, 0, 0, 0, 0, 0, 0x20, 0];
  /** Term 1, position 2/1, 9 bytes, a hash. */
  const snapshotPayload = [...u64(1), ...u64(2), ...u64(1), ...u64(9), ...u64(7)];
  const head = [...u64(3), ...u64(1), ...u64(2), ...u64(0), ...u64(0), ...u64(0)];
  const entry = (kind: number, entryTerm: number): number[] => [
    kind,
    ...u64(entryTerm),
    0,
    0,
    0,
    0,
  ];
  const table: readonly [what: string, kind: number, payload: readonly number[], error: string][] =
    [
      ["an unknown message", 99, [], "a frame of the unknown kind 99"],
      ["a hello after the handshake", 1, [], "a frame of the unknown kind 1"],
      ["too few bytes", 20, u64(1), "8 bytes needed at 8, 0 left"],
      ["too many bytes", 20, [...u64(1), ...u64(1), ...u64(1), 7], "1 bytes after a read-index"],
      ["a term above 2^53", 20, tooLarge, "a 64-bit number is above 2^53 - 1"],
      ["a flag of 2", 16, [...u64(1), 2], "the mark of a pre-vote is 2; it must be 0 or 1"],
      ["an unknown answer to a vote", 17, [...u64(1), 0, ...u64(1), 6], "unknown code 6"],
      ["an unknown outcome", 19, [...u64(1), ...u64(1), ...u64(1), 0], "unknown code 0"],
      ["an unknown result", 23, [...u64(1), 3], "unknown code 3"],
      ["an offer without sources", 48, [...snapshotPayload, 0], "0 sources of a snapshot"],
      ["an offer of too many", 48, [...snapshotPayload, 64], "64 sources of a snapshot"],
      ["a source named twice", 48, [...snapshotPayload, 2, 1, 0, 97, 1, 0, 97], "named twice"],
      ["a source that is no name", 48, [...snapshotPayload, 1, 1, 0, 32], "a member called"],
      ["a snapshot at index 0", 49, [...u64(1), ...u64(0), ...u64(1), ...u64(9)], "at index 0"],
      ["more than all", 49, [...snapshotPayload, ...u64(10), 1], "10 bytes of a snapshot of 9"],
      ["an unknown state", 49, [...snapshotPayload, ...u64(9), 5], "unknown code 5"],
      ["more commands than bytes", 22, [...u64(1), 255, 255, 255, 255], "4294967295 commands"],
      [
        "more entries than bytes",
        18,
        [...head, 255, 255, 255, 255],
        "4294967295 entries announced",
      ],
      [
        "an unknown kind of entry",
        18,
        [...head, 1, 0, 0, 0, ...entry(4, 2)],
        "entry 2 has the unknown",
      ],
      [
        "a term that decreases",
        18,
        [...head, 1, 0, 0, 0, ...entry(2, 1)],
        "term 1, outside 2 to 3",
      ],
      ["a term of the future", 18, [...head, 1, 0, 0, 0, ...entry(2, 4)], "term 4, outside 2 to 3"],
      [
        "a prev of the future",
        18,
        [...u64(1), ...head.slice(8), 0, 0, 0, 0],
        "an append of term 1 after an entry of term 2",
      ],
      [
        "a no-op with data",
        18,
        [...head, 1, 0, 0, 0, 1, ...u64(2), 1, 0, 0, 0, 9],
        "the no-op 2 carries data",
      ],
      [
        "indexes above 2^53",
        18,
        [
          ...[...u64(3), 255, 255, 255, 255, 255, 255, 0x1f, 0, ...head.slice(16)],
          ...[1, 0, 0, 0, ...entry(2, 2)],
        ],
        "pass 2^53 - 1",
      ],
    ];
  it.each(table)("refuses %s", (_what, kind, payload, error) => {
    expect(() => decodePayload(kind, payload)).toThrow(FormatError);
    expect(() => decodePayload(kind, payload)).toThrow(error);
  });

  it("does not encode an append that breaks its invariant", () => {
    const good = sampleAppend();
    const [first] = good.entries;
    if (first === undefined) throw new Error("the sample has entries");
    const gap = { ...good, entries: [{ ...first, index: logIndex(9) }] };
    expect(() => encode(gap)).toThrow("follow prev without a gap");
    expect(() => encode({ ...good, term: term(1) })).toThrow("not newer than its term");
  });
});

function sampleAppend(): AppendEntries {
  const data = Uint8Array.of(1, 2, 3);
  const entries: readonly Entry[] = [
    { index: logIndex(4), term: term(2), kind: "no-op", data: new Uint8Array(0) },
    { index: logIndex(5), term: term(2), kind: "command", data },
  ];
  const prev = { index: logIndex(3), term: term(1) };
  const rest = { entries, commit: logIndex(2), round: 7, sequence: 8 };
  return { kind: "append-entries", ...ends, term: term(2), prev, ...rest };
}
