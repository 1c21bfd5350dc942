import { type CallDecision, decideCall, refuseHeaderList } from "../call-rules.ts";
import type { MethodTable } from "../service.ts";
import type { HeaderField } from "./header-field.ts";

/**
 * The headers of one request, checked and decided upon. It depends on nothing else, so requests
 * with the same headers share one.
 */
export interface RequestHead {
  readonly path: string;
  readonly fields: readonly HeaderField[];
  /** Why the request is malformed: it is reset, not answered. */
  readonly flaw: string | null;
  readonly decision: CallDecision;
  /** What `content-length` promises, or -1. */
  readonly contentLength: number;
}

/** The headers that matter here, by name. */
interface Collected {
  ":method": string | null;
  ":path": string | null;
  ":scheme": string | null;
  ":authority": string | null;
  "content-type": string | null;
  "content-length": string | null;
  "grpc-encoding": string | null;
  "grpc-timeout": string | null;
}

/**
 * Checks the headers of a request. `:authority` may be anything: etcdctl writes URLs into it.
 *
 * @param listBytes The size of the whole list, of which `fields` holds what fits
 */
export function createRequestHead(
  fields: readonly HeaderField[],
  listBytes: number,
  listBytesMax: number,
  methods: MethodTable,
): RequestHead {
  const collected = createCollected();
  const flaw = collect(fields, collected);
  const path = collected[":path"] ?? "";
  const contentLength = parseContentLength(collected["content-length"]);
  if (listBytes > listBytesMax) {
    const decision = refuseHeaderList(listBytes, listBytesMax);
    return { path, fields, flaw, decision, contentLength: -1 };
  }
  const decision = decideCall(
    {
      method: collected[":method"],
      path,
      contentType: collected["content-type"],
      encoding: collected["grpc-encoding"],
      timeout: collected["grpc-timeout"],
    },
    methods,
  );
  const missing = flaw ?? findMissing(collected, contentLength);
  return { path, fields, flaw: missing, decision, contentLength };
}

/** The value of a header that is not of HTTP/2 itself; the first if it came more than once. */
export function metadataOf({ fields }: RequestHead, key: string): string | null {
  if (key.startsWith(":")) return null;
  for (const field of fields) {
    if (field.name === key) return field.value;
  }
  return null;
}

/** Why fields cannot be the trailers of a request, or null. */
export function findTrailerFlaw(fields: readonly HeaderField[]): string | null {
  for (const { name, flaw } of fields) {
    if (flaw !== null) return flaw;
    if (name.startsWith(":")) return `${name} among the trailers`;
  }
  return null;
}

function createCollected(): Collected {
  return {
    ":method": null,
    ":path": null,
    ":scheme": null,
    ":authority": null,
    "content-type": null,
    "content-length": null,
    "grpc-encoding": null,
    "grpc-timeout": null,
  };
}

/** Returns the first flaw. */
function collect(fields: readonly HeaderField[], collected: Collected): string | null {
  let hasRegular = false;
  for (const { name, value, flaw } of fields) {
    if (flaw !== null) return flaw;
    const isPseudo = name.startsWith(":");
    if (isPseudo && hasRegular) return `${name} after other headers`;
    hasRegular ||= !isPseudo;
    if (!isCollected(name, collected)) {
      if (isPseudo) return `${name} is not for requests`;
    } else if (collected[name] === null) {
      collected[name] = value;
    } else if (isPseudo || name === "content-length") {
      return `${name} came twice`;
    }
  }
  return null;
}

function isCollected(name: string, collected: Collected): name is keyof Collected {
  return Object.hasOwn(collected, name);
}

function findMissing(collected: Collected, contentLength: number): string | null {
  if (collected[":method"] === null) return ":method is missing";
  if (collected[":scheme"] === null) return ":scheme is missing";
  if (collected[":path"] === null || collected[":path"] === "") return ":path is missing";
  if (contentLength < -1) return "content-length is no number";
  return null;
}

/** -1 without one, -2 if it is none. */
function parseContentLength(value: string | null): number {
  if (value === null) return -1;
  return /^\d{1,15}$/.test(value) ? Number(value) : -2;
}
