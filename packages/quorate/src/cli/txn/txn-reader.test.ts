import { describe, expect, it } from "vitest";
import { CliError } from "../cli-error.ts";
import { parseCompare } from "./parse-compare.ts";
import { parseOperation } from "./parse-operation.ts";
import { TxnReader } from "./txn-reader.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("parseCompare", () => {
  it.each([
    ['value("a") = "1"', { target: "VALUE", result: "EQUAL", value: bytes("1") }],
    ['val("a") != "x y"', { target: "VALUE", result: "NOT_EQUAL", value: bytes("x y") }],
    ['mod("a") > "0"', { target: "MOD", result: "GREATER", modRevision: 0 }],
    ["create(a) == 12", { target: "CREATE", result: "EQUAL", createRevision: 12 }],
    ["  version( 'a' ) <3  ", { target: "VERSION", result: "LESS", version: 3 }],
    ['lease("a") = "7f"', { target: "LEASE", result: "EQUAL", lease: 127n }],
  ])("reads %s", (line, expected) => {
    expect(parseCompare(line)).toMatchObject({ key: bytes("a"), ...expected });
  });

  it.each([
    'value("a")',
    'value("a") = ',
    'value(a b) = "1"',
    'size("a") = "1"',
    'mod("a") = "x"',
    'mod("a") = "-1"',
    'value("a") = "1" "2"',
    'toString("a") = "1"',
    'value("a) = "1"',
  ])("refuses %s, showing it", (line) => {
    expect(() => parseCompare(line)).toThrow(`cannot read the condition: ${line}`.trim());
  });
});

describe("parseOperation", () => {
  it("reads put, get and del with their flags", () => {
    expect(parseOperation('put "a b" -- -1')).toMatchObject({
      kind: "put",
      request: { key: bytes("a b"), value: bytes("-1") },
    });
    expect(parseOperation("get a --prefix --limit 3")).toMatchObject({
      kind: "range",
      request: { key: bytes("a"), rangeEnd: bytes("b"), limit: 3 },
    });
    expect(parseOperation("del a z --prev-kv")).toMatchObject({
      kind: "delete-range",
      request: { key: bytes("a"), rangeEnd: bytes("z"), prevKv: true },
    });
  });

  it.each([
    ["put a", 'put "a" needs a value'],
    ["put a b c", "too many arguments"],
    ["put", "missing required argument 'key'"],
    ["get a --nope", "unknown option '--nope'"],
    ["watch a", "it is none of put, get and del"],
    ["constructor a", "it is none of put, get and del"],
    ['put a "b', "a quote does not end"],
  ])("refuses %s", (line, text) => {
    expect(() => parseOperation(line)).toThrow(text);
    expect(() => parseOperation(line)).toThrow(CliError);
  });
});

describe("TxnReader", () => {
  it("reads three parts, each ended by an empty line", () => {
    const reader = new TxnReader();
    const lines = ['mod("a") > "0"', "", "put a 1", "get a", "", "del a", ""];
    expect(lines.map((line) => reader.push(line))).toEqual([
      ...Array.from({ length: 6 }, () => true),
      false,
    ]);
    const { compare, success, failure } = reader.finish();
    expect(compare).toHaveLength(1);
    expect(success.map(({ kind }) => kind)).toEqual(["put", "range"]);
    expect(failure.map(({ kind }) => kind)).toEqual(["delete-range"]);
  });

  it("takes the end of the input for the end of all parts", () => {
    const reader = new TxnReader();
    for (const line of ["", "put a 1"]) reader.push(line);
    expect(reader.section).toBe(1);
    expect(reader.finish()).toMatchObject({ compare: [], success: [{ kind: "put" }], failure: [] });
  });
});
