import type { Compare, CompareResult, CompareTarget } from "../../proto/index.ts";
import { usageError } from "../cli-error.ts";
import { splitWords } from "./words.ts";

/** One condition of a transaction, such as `value("a") = "1"` or `mod("a") > "0"`. */

const results: Readonly<Record<string, CompareResult>> = {
  "=": "EQUAL",
  "==": "EQUAL",
  "!=": "NOT_EQUAL",
  ">": "GREATER",
  "<": "LESS",
};

/** Each with the short form that etcdctl has. */
const targets: Readonly<Record<string, CompareTarget>> = {
  value: "VALUE",
  val: "VALUE",
  version: "VERSION",
  ver: "VERSION",
  create: "CREATE",
  c: "CREATE",
  mod: "MOD",
  m: "MOD",
  lease: "LEASE",
};

const form = /^\s*([a-z]+)\s*\(\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^"')]*?)\s*\)\s*(==?|!=|<|>)\s*(.*)$/;

/** @throws CliError that shows the line and the form */
export function parseCompare(line: string): Compare {
  const match = form.exec(line);
  const [, name = "", quotedKey = "", sign = "", quotedValue = ""] = match ?? [];
  const target = Object.hasOwn(targets, name) ? targets[name] : undefined;
  const result = results[sign];
  const keys = splitWords(quotedKey) ?? [];
  const values = splitWords(quotedValue) ?? [];
  const [key] = keys;
  const [value] = values;
  if (target === undefined || result === undefined || keys.length !== 1 || values.length !== 1) {
    throw badCompare(line);
  }
  if (key === undefined || value === undefined) throw badCompare(line);
  const compare: Compare = {
    result,
    target,
    key: new TextEncoder().encode(key),
    rangeEnd: new Uint8Array(),
    version: 0,
    createRevision: 0,
    modRevision: 0,
    value: new Uint8Array(),
    lease: 0n,
  };
  return fillIn(compare, value, line);
}

function fillIn(compare: Compare, text: string, line: string): Compare {
  switch (compare.target) {
    case "VALUE":
      return { ...compare, value: new TextEncoder().encode(text) };
    case "VERSION":
      return { ...compare, version: parseRevision(text, line) };
    case "CREATE":
      return { ...compare, createRevision: parseRevision(text, line) };
    case "MOD":
      return { ...compare, modRevision: parseRevision(text, line) };
    case "LEASE":
      if (!/^[0-9a-f]{1,16}$/i.test(text)) throw badCompare(line);
      return { ...compare, lease: BigInt(`0x${text}`) };
  }
}

function parseRevision(text: string, line: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw badCompare(line);
  return value;
}

function badCompare(line: string): Error {
  return usageError(
    `cannot read the condition: ${line.trim()}`,
    'Write:  value("KEY") = "VALUE"   or  mod|create|version("KEY") =|!=|<|> "NUMBER"',
    "An empty line ends the conditions.",
  );
}
