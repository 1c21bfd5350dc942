import { describe, expect, it } from "vitest";
import { deleteRangeRequest, op, putRequest, txnRequest } from "../../test/support/kv-requests.ts";
import { encodeDeleteRangeRequest, encodePutRequest, encodeTxnRequest } from "../proto/index.ts";
import { createKvMachine, encodeCommand, hashStore, kvErrors } from "./index.ts";

const putCommand = encodeCommand("put", encodePutRequest(putRequest("a", "v")));
const context = { index: 1, term: 1, wanted: true };

describe("machine", () => {
  it("applies commands and answers whoever waits", () => {
    const machine = createKvMachine();
    expect(machine.apply(putCommand, context)).toMatchObject({ kind: "put", revision: 2 });
    const txnCommand = encodeCommand(
      "txn",
      encodeTxnRequest(txnRequest([op.put("b"), op.put("c")])),
    );
    expect(machine.apply(txnCommand, context)).toMatchObject({ kind: "txn", revision: 3 });
    const deletion = encodeCommand(
      "delete-range",
      encodeDeleteRangeRequest(deleteRangeRequest("a", "c")),
    );
    expect(machine.apply(deletion, context)).toMatchObject({
      kind: "delete-range",
      revision: 4,
      response: { deleted: 2 },
    });
    const refused = encodeCommand("put", encodePutRequest(putRequest("a", "", { lease: 3n })));
    expect(machine.apply(refused, context)).toBe(kvErrors.leaseNotFound);
  });

  it("answers nobody who does not wait, and is the same after it", () => {
    const asked = createKvMachine();
    const silent = createKvMachine();
    asked.apply(putCommand, context);
    expect(silent.apply(putCommand, { ...context, wanted: false })).toBeUndefined();
    expect(hashStore(silent.store)).toBe(hashStore(asked.store));
  });

  it("tells its figures", () => {
    const machine = createKvMachine();
    expect(machine.stats()).toEqual({
      revision: 1,
      compactedRevision: -1,
      keyCount: 0,
      sizeBytes: 0,
      sizeInUseBytes: 0,
    });
    machine.apply(putCommand, context);
    machine.apply(putCommand, context);
    expect(machine.stats()).toEqual({
      revision: 3,
      compactedRevision: -1,
      keyCount: 1,
      sizeBytes: 2 * 66,
      sizeInUseBytes: 66,
    });
  });

  it.each([
    ["an unknown operation", Uint8Array.of(9, 1, 2), "its first byte is 9"],
    ["an empty command", new Uint8Array(0), "its first byte is missing"],
    ["a request that is none", Uint8Array.of(1, 0xff, 0xff), "PutRequest"],
  ])("throws on %s, so that the member halts", (_title, command, message) => {
    expect(() => createKvMachine().apply(command, context)).toThrow(message);
  });
});
