import { type ErrorCode, QuorateError } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { kvErrors } from "../kv/index.ts";
import { statusCodes } from "../rpc/index.ts";
import { statusOfError, statusOfKvError } from "./server-errors.ts";

function errorOf(code: ErrorCode): QuorateError {
  const details = {} as never; // of whatever form: they are passed on as they are
  return new QuorateError(code, "Cannot do it: a fact", {
    ...{ outcome: "unknown", retry: "never", hint: "Do something." },
    details,
  });
}

describe("errors on the wire", () => {
  it.each([
    ["NO_QUORUM", "unavailable", "etcdserver: no leader"],
    ["TIMEOUT", "unavailable", "etcdserver: request timed out"],
    [
      "LEADERSHIP_LOST",
      "unavailable",
      "etcdserver: request timed out, possibly due to previous leader failure",
    ],
    ["TOO_LARGE", "invalidArgument", "etcdserver: request is too large"],
    ["OVERLOADED", "resourceExhausted", "etcdserver: too many requests"],
    ["STOPPED", "unavailable", "etcdserver: server stopped"],
  ] as const)("are etcd's: %s", (code, name, text) => {
    const status = statusOfError(errorOf(code));
    expect(status).toMatchObject({ code: statusCodes[name], message: text });
    expect(JSON.parse(status.trailers?.["quorate-error"] ?? "")).toEqual({
      ...{ code, outcome: "unknown", hint: "Do something.", message: "Cannot do it: a fact" },
      details: {},
    });
  });

  it("are the store's own where the store refuses", () => {
    expect(statusOfKvError(kvErrors.futureRevision)).toEqual({
      code: statusCodes.outOfRange,
      message: "etcdserver: mvcc: required revision is a future revision",
    });
  });

  it("are internal where something else was thrown", () => {
    expect(statusOfError(new Error("odd"))).toEqual({ code: statusCodes.internal, message: "odd" });
  });
});
