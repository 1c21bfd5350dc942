/** Plain data as text: equal texts are equal data, their order included. */

export function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" && Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(describeValue).join(", ")}]`;
  if (value instanceof Map) {
    const parts = Array.from(
      value,
      ([key, one]) => `${describeValue(key)} => ${describeValue(one)}`,
    );
    return `Map{${parts.join(", ")}}`;
  }
  if (value instanceof Set) return `Set{${Array.from(value, describeValue).join(", ")}}`;
  if (value instanceof Uint8Array) return `bytes(${value.join(" ")})`;
  const parts = Object.entries(value).map(([key, one]) => `${key}: ${describeValue(one)}`);
  return `{${parts.join(", ")}}`;
}

/** Characters shown around the first difference. */
const before = 40;
const after = 60;

/** The first place where two texts differ, with what stands there in each. */
export function describeDifference(here: string, there: string): string {
  let at = 0;
  while (at < here.length && here[at] === there[at]) at++;
  const cut = (text: string): string => {
    const start = Math.max(0, at - before);
    const piece = text.slice(start, at + after);
    const head = start > 0 ? "…" : "";
    return `${head}${piece}${text.length > at + after ? "…" : ""}`;
  };
  return `${cut(here)} against ${cut(there)}`;
}
