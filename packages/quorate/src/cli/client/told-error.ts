/**
 * What our servers say beside etcd's error: the trailer `quorate-error`. Untrusted: it came over
 * the network.
 */

export interface ToldError {
  readonly code: string;
  readonly outcome: "not-applied" | "applied" | "unknown";
  readonly hint: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Null if it is not there or not in this form. */
export function parseToldError(text: string | undefined): ToldError | null {
  if (text === undefined) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { code, outcome, hint, message, details } = value;
  if (typeof code !== "string" || typeof hint !== "string" || typeof message !== "string") {
    return null;
  }
  if (outcome !== "not-applied" && outcome !== "applied" && outcome !== "unknown") return null;
  return { code, outcome, hint, message, details: isRecord(details) ? details : {} };
}

/** The names in a field of the details; none if it has another form. */
export function namesOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** Whether an untrusted value is an object with fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
