/** gRPC's statuses and how they travel in HTTP headers. Pure. */

/** The codes of gRPC by name. */
export const statusCodes = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export type StatusName = keyof typeof statusCodes;
export type StatusCode = (typeof statusCodes)[StatusName];

/** How a call that failed ended. Clients match on the text as well as on the code. */
export interface Status {
  readonly code: StatusCode;
  readonly message: string;
  /** More for those who look: metadata by lower-case key; values may hold any text. */
  readonly trailers?: Readonly<Record<string, string>>;
}

/** Makes a status from the name of its code. */
export function status(name: StatusName, message: string): Status {
  return { code: statusCodes[name], message };
}

const names = Object.keys(statusCodes) as readonly StatusName[]; // keys of a literal

/** The name of a code that came from outside; codes that gRPC does not know count as unknown. */
export function statusNameOf(code: number): StatusName {
  return names[code] ?? "unknown";
}

const utf8 = new TextEncoder();
const plainText = /^[\x20-\x24\x26-\x7e]*$/;

/** Percent-encodes the value of `grpc-message`: all but printable ASCII, and the percent sign. */
export function encodeStatusMessage(message: string): string {
  if (plainText.test(message)) return message;
  let encoded = "";
  for (const byte of utf8.encode(message)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : percent(byte);
  }
  return encoded;
}

/** Undoes `encodeStatusMessage`; what is not well-formed stays as it is. */
export function decodeStatusMessage(encoded: string): string {
  if (!encoded.includes("%")) return encoded;
  const bytes: number[] = [];
  for (let i = 0; i < encoded.length; i++) {
    const hex = encoded.slice(i + 1, i + 3);
    if (encoded[i] === "%" && /^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      i += 2;
    } else {
      bytes.push(...utf8.encode(encoded[i]));
    }
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}
