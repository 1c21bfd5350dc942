/**
 * A header block that cannot be decoded: both sides' tables now differ, so the connection must end.
 */
export class HpackError extends Error {
  override readonly name: string = "HpackError";
}
