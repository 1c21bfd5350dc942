/** One header of a request, judged once when it is decoded: tables hand out the same object. */

export interface HeaderField {
  readonly name: string;
  readonly value: string;
  /** Its size as HPACK counts it: 32 bytes more than its characters. */
  readonly bytes: number;
  /** What HTTP/2 forbids about it, or null. */
  readonly flaw: string | null;
}

/** Bytes that each header counts besides its characters. */
const overheadBytes = 32;

/** Makes a header of strings with one character a byte. */
export function createHeaderField(name: string, value: string): HeaderField {
  const bytes = name.length + value.length + overheadBytes;
  return { name, value, bytes, flaw: findFlaw(name, value) };
}

const namePattern = /^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const forbiddenInValue = /[\0\r\n]/;

/** Headers that speak of one connection of HTTP/1. */
const connectionHeaders: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** The rules of RFC 9113, §8.2. */
function findFlaw(name: string, value: string): string | null {
  if (!namePattern.test(name)) return `the header name ${JSON.stringify(name)} is not allowed`;
  if (forbiddenInValue.test(value)) return `the value of ${name} has a forbidden character`;
  if (connectionHeaders.has(name)) return `the header ${name} is not for HTTP/2`;
  if (name === "te" && value !== "trailers") return "te may only say trailers";
  return null;
}
