/**
 * JSON on stdout, as etcdctl writes it: 64-bit ids as numbers, bytes as base64, no fields for zero
 * or nothing.
 */

export type JsonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** One line without its line end; a `bigint` becomes a number with all its digits. */
export function formatJson(value: JsonValue): string {
  if (typeof value === "bigint") return value.toString();
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(formatJson).join(",")}]`;
  const pairs = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}:${formatJson(each)}`,
  );
  return `{${pairs.join(",")}}`;
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Leaves out zero, false, null and what is empty, as Go's `omitempty` does. */
export function omitEmpty(fields: Readonly<Record<string, JsonValue>>): Record<string, JsonValue> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: JsonValue): boolean {
  if (value === null || value === 0 || value === 0n || value === false || value === "") return true;
  return typeof value === "object" && isList(value) && value.length === 0;
}

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
