import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codecOf, messageArbitrary, messageNames } from "../../test/proto/schema-arbitraries.ts";
import {
  decodeCompare,
  decodeDeleteRangeRequest,
  decodeHealthCheckRequest,
  decodePutRequest,
  decodePutResponse,
  decodeRangeRequest,
  decodeStatusRequest,
  decodeTxnRequest,
  decodeTxnResponse,
  encodeHealthCheckResponse,
  encodeKeyValue,
  encodePutRequest,
  encodePutResponse,
  encodeResponseHeader,
  encodeStatusResponse,
  encodeTxnRequest,
} from "./codecs.ts";
import type { PutRequest, RequestOp, TxnRequest } from "./messages.ts";
import { ProtoError, type ProtoErrorReason } from "./proto-error.ts";
import { messageDepthMax } from "./reader.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

const emptyPut: PutRequest = decodePutRequest(new Uint8Array(0));

function refusal(run: () => unknown): { reason: ProtoErrorReason; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtoError) return { reason: error.reason, message: error.message };
    throw error;
  }
  throw new Error("accepted");
}

/** A transaction that holds itself `levels` deep. */
function nestedTxn(levels: number): TxnRequest {
  let txn: TxnRequest = { compare: [], success: [], failure: [] };
  for (let level = 0; level < levels; level++) {
    const op: RequestOp = { kind: "txn", request: txn };
    txn = { compare: [], success: [op], failure: [] };
  }
  return txn;
}

describe("round trips", () => {
  it.each(messageNames)("%s comes back as it was", (name) => {
    const codec = codecOf(name);
    fc.assert(
      fc.property(messageArbitrary(name), (message) => {
        expect(codec.decode(codec.encode(message))).toEqual(message);
      }),
      { numRuns: 150 },
    );
  });

  it("keeps earlier messages intact when later ones are written", () => {
    const sizes = [0, 1, 100, 5_000, 16_384, 40_000, 3];
    const messages = sizes.map((size, i) => ({ ...emptyPut, value: new Uint8Array(size).fill(i) }));
    const encoded = messages.map((message) => encodePutRequest(message));
    expect(encoded.map((bytes) => decodePutRequest(bytes))).toEqual(messages);
  });

  it("goes on after an encoding that threw", () => {
    const bad = { ...emptyPut, key: ascii("k"), lease: 2n ** 64n };
    expect(refusal(() => encodePutRequest(bad)).reason).toBe("out-of-range");
    const good = { ...emptyPut, key: ascii("k") };
    expect(encodePutRequest(good)).toEqual(Uint8Array.of(10, 1, 0x6b));
  });
});

describe("exact bytes", () => {
  it("leaves out zero values", () => {
    expect(encodePutRequest(emptyPut)).toEqual(new Uint8Array(0));
    expect(encodePutResponse({ header: null, prevKv: null })).toEqual(new Uint8Array(0));
  });

  it("writes negative numbers as ten bytes of two's complement", () => {
    const header = { clusterId: 0n, memberId: 0n, revision: -1, raftTerm: 0 };
    const ones = new Array<number>(9).fill(0xff);
    expect(encodeResponseHeader(header)).toEqual(Uint8Array.of(24, ...ones, 1));
  });

  it("reads views, not copies", () => {
    const bytes = Uint8Array.of(9, 9, 10, 1, 0x61);
    const request = decodePutRequest(bytes.subarray(2));
    expect(request.key.buffer).toBe(bytes.buffer);
    expect(request.key).toEqual(ascii("a"));
  });

  it("gives Uint8Array, also for a Buffer", () => {
    const request = decodePutRequest(Buffer.from([10, 1, 0x61]));
    expect(Object.getPrototypeOf(request.key)).toBe(Uint8Array.prototype);
  });
});

describe("oneofs and repeats", () => {
  it("lets the last member of a union of messages win", () => {
    const txn = decodeTxnRequest(Uint8Array.of(18, 7, 10, 3, 10, 1, 0x61, 18, 0));
    expect(txn.success).toEqual([{ kind: "put", request: emptyPut }]);
  });

  it("lets the last member of Compare's union win and resets the others", () => {
    const compare = decodeCompare(Uint8Array.of(32, 5, 58, 1, 0x76));
    expect(compare).toMatchObject({ target: "VERSION", version: 0, value: ascii("v") });
  });

  it("shows an empty oneof", () => {
    expect(decodeTxnRequest(Uint8Array.of(18, 0)).success).toEqual([{ kind: "none" }]);
  });

  it("refuses an empty oneof in an answer", () => {
    expect(refusal(() => decodeTxnResponse(Uint8Array.of(26, 0))).message).toMatch(/is empty/);
  });

  it("lets the last value of a scalar win", () => {
    expect(decodePutRequest(Uint8Array.of(10, 1, 0x61, 10, 1, 0x62)).key).toEqual(ascii("b"));
  });

  it("merges an embedded message that comes twice", () => {
    const response = decodePutResponse(Uint8Array.of(10, 2, 24, 5, 10, 2, 32, 7));
    expect(response.header).toEqual({ clusterId: 0n, memberId: 0n, revision: 5, raftTerm: 7 });
  });
});

describe("unknown fields", () => {
  it.each([
    ["varint", [0xf8, 0x07, 0x96, 0x01]],
    ["fixed64", [0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8]],
    ["bytes", [0xfa, 0x07, 2, 1, 1]],
    ["group", [0xfb, 0x07, 0x08, 0x01, 0x13, 0x14, 0xfc, 0x07]],
    ["fixed32", [0xfd, 0x07, 1, 2, 3, 4]],
  ])("are skipped: %s", (_, field) => {
    const known = [10, 1, 0x61];
    const request = { ...emptyPut, key: ascii("a") };
    expect(decodePutRequest(Uint8Array.from([...field, ...known]))).toEqual(request);
    expect(decodePutRequest(Uint8Array.from([...known, ...field]))).toEqual(request);
    expect(decodeStatusRequest(Uint8Array.from(field))).toEqual({});
  });
});

describe("refusals of decoders", () => {
  const cases: [string, number[], ProtoErrorReason, RegExp][] = [
    ["a varint that ends early", [24, 0x80], "malformed", /PutRequest at byte 2.*inside a varint/],
    ["a tag alone", [10], "malformed", /inside a varint/],
    ["a long varint that ends early", [24, ...Array(6).fill(0x80)], "malformed", /inside a varint/],
    ["a varint of 65 bits", [24, ...Array(9).fill(0xff), 2], "malformed", /more than 64 bits/],
    ["eleven bytes", [24, ...Array(10).fill(0xff), 1], "malformed", /more than 64 bits/],
    ["a length past the end", [10, 5, 1], "malformed", /length 5, but 1 bytes are left/],
    ["a huge length", [10, ...Array(9).fill(0xff), 1], "malformed", /bytes are left/],
    ["field number 0", [0, 1], "malformed", /illegal field number/],
    ["a huge field number", [0x80, 0x80, 0x80, 0x80, 0x10, 1], "malformed", /illegal field/],
    ["a wrong wire type", [8, 1], "malformed", /wrong wire type 0 for field 1/],
    ["an end of no group", [0xfc, 0x07], "malformed", /unexpected wire type 4 for field 127/],
    ["a group without end", [0xfb, 0x07, 8, 1], "malformed", /group 127 has no end/],
    ["a group ended by another", [0xfb, 0x07, 0x8c, 0x01], "malformed", /unexpected wire type 4/],
    ["wire type 6", [0xfe, 0x07], "malformed", /unexpected wire type 6/],
    ["wire type 7", [0xff, 0x07], "malformed", /unexpected wire type 7/],
    ["a short fixed64", [0xf9, 0x07, 1], "malformed", /past the end/],
    ["a short fixed32", [0xfd, 0x07, 1, 2, 3], "malformed", /past the end/],
  ];
  it.each(cases)("%s", (_, bytes, reason, text) => {
    const found = refusal(() => decodePutRequest(Uint8Array.from(bytes)));
    expect(found.reason).toBe(reason);
    expect(found.message).toMatch(text);
  });

  it("a field that crosses the end of its message", () => {
    const bytes = Uint8Array.of(18, 3, 18, 2, 10, 1, 0x61);
    expect(refusal(() => decodeTxnRequest(bytes)).reason).toBe("malformed");
    const varint = Uint8Array.of(10, 2, 24, 0x80, 1);
    expect(refusal(() => decodePutResponse(varint)).message).toMatch(/past the end of its message/);
  });

  it.each([
    ["2^53", 2n ** 53n],
    ["2^53 + 1", 2n ** 53n + 1n],
    ["-2^53", -(2n ** 53n)],
    ["the largest", 2n ** 63n - 1n],
    ["the smallest", -(2n ** 63n)],
  ])("a revision of %s", (_, value) => {
    const put = encodePutRequest({ ...emptyPut, lease: value });
    // Field 3 of PutRequest is an id of full width, field 3 of RangeRequest the limit.
    const found = refusal(() => decodeRangeRequest(put));
    expect(found.reason).toBe("out-of-range");
    expect(found.message).toContain(`${value} is beyond 2^53`);
  });

  it("the limits of numbers pass", () => {
    for (const value of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      const put = encodePutRequest({ ...emptyPut, lease: BigInt(value) });
      expect(decodeRangeRequest(put).limit).toBe(value);
    }
  });

  it("an unknown enum value", () => {
    const found = refusal(() => decodeRangeRequest(Uint8Array.of(40, 9)));
    expect(found.reason).toBe("unknown-enum-value");
    expect(found.message).toMatch(/RangeRequest.*9 is none of NONE, ASCEND, DESCEND/);
    const minusOne = Uint8Array.of(8, ...new Array<number>(9).fill(0xff), 1);
    expect(refusal(() => decodeCompare(minusOne)).message).toMatch(/-1 is none of EQUAL/);
  });

  it("a string that is not UTF-8", () => {
    const found = refusal(() => decodeHealthCheckRequest(Uint8Array.of(10, 1, 0xff)));
    expect(found).toMatchObject({ reason: "malformed" });
  });

  it("nesting deeper than the limit, but not 128 transactions", () => {
    const deepest = nestedTxn(128);
    expect(decodeTxnRequest(encodeTxnRequest(deepest))).toEqual(deepest);
    const bytes = encodeTxnRequest(nestedTxn(messageDepthMax));
    expect(refusal(() => decodeTxnRequest(bytes)).reason).toBe("too-deep");
  });

  it("groups nested a million deep", () => {
    const groups = new Uint8Array(1_000_000).fill(0x7b);
    expect(refusal(() => decodeDeleteRangeRequest(groups)).reason).toBe("too-deep");
  });
});

describe("refusals of encoders", () => {
  const status = {
    header: null,
    version: "",
    dbSize: 0,
    leader: 0n,
    raftIndex: 0,
    raftTerm: 0,
    raftAppliedIndex: 0,
    errors: [],
    dbSizeInUse: 0,
    isLearner: false,
  };
  it.each([
    ["a fraction", () => encodeStatusResponse({ ...status, dbSize: 1.5 })],
    ["not a number", () => encodeStatusResponse({ ...status, dbSize: Number.NaN })],
    ["an unsafe integer", () => encodeStatusResponse({ ...status, dbSize: 2 ** 53 })],
    ["a negative uint64", () => encodeStatusResponse({ ...status, raftIndex: -1 })],
    ["a negative id", () => encodeStatusResponse({ ...status, leader: -1n })],
    ["an id of 65 bits", () => encodeStatusResponse({ ...status, leader: 2n ** 64n })],
    ["a lease of 64 bits", () => encodePutRequest({ ...emptyPut, lease: 2n ** 63n })],
  ])("%s", (_, run) => {
    expect(refusal(run).reason).toBe("out-of-range");
  });

  it("a name that is no member of its enum", () => {
    const status = "ASLEEP" as "SERVING"; // what an untyped caller could pass
    expect(refusal(() => encodeHealthCheckResponse({ status })).reason).toBe("unknown-enum-value");
  });
});

describe("fuzz", () => {
  it.each(messageNames)("%s: any bytes give a message or a ProtoError", (name) => {
    const codec = codecOf(name);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        decodeOrRefuse(codec.decode, bytes);
      }),
      { numRuns: 300 },
    );
  });

  it.each(messageNames)("%s: a damaged message gives a message or a ProtoError", (name) => {
    const codec = codecOf(name);
    const damage = fc.record({
      at: fc.nat(),
      byte: fc.integer({ min: 0, max: 255 }),
      cut: fc.nat(),
    });
    fc.assert(
      fc.property(messageArbitrary(name), damage, (message, { at, byte, cut }) => {
        const bytes = codec.encode(message).slice();
        if (bytes.length === 0) return;
        bytes[at % bytes.length] = byte;
        const decoded = decodeOrRefuse(codec.decode, bytes.subarray(0, bytes.length - (cut % 3)));
        // What was accepted is a message: it survives a second trip unchanged.
        if (decoded !== null) expect(codec.decode(codec.encode(decoded))).toBeDefined();
      }),
      { numRuns: 150 },
    );
  });

  it("a key value of the largest request survives", () => {
    const kv = codecOf("KeyValue").decode(
      encodeKeyValue({
        key: ascii("k"),
        createRevision: 1,
        modRevision: 1,
        version: 1,
        value: new Uint8Array(1_572_864).fill(1),
        lease: 0n,
      }),
    );
    expect(kv["value"]).toHaveLength(1_572_864);
  });
});

function decodeOrRefuse<Message>(
  decode: (bytes: Uint8Array) => Message,
  bytes: Uint8Array,
): Message | null {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof ProtoError) return null;
    throw error;
  }
}
