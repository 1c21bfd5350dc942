import type { Call } from "../rpc/index.ts";
import type { Backend } from "./backend.ts";

/** Milliseconds of a client's deadline that are kept for the way back. */
const answerMsMax = 100;

/**
 * Milliseconds for the node: the server's own limit, or a little less than the client waits, so
 * that it hears why it gets nothing, and what it gave up on is not done later.
 */
export function timeoutOf(
  { requestTimeoutMs }: Pick<Backend, "requestTimeoutMs">,
  { deadlineMs }: Pick<Call, "deadlineMs">,
): number {
  if (deadlineMs === null) return requestTimeoutMs;
  const answerMs = Math.min(answerMsMax, deadlineMs / 10);
  return Math.max(1, Math.min(requestTimeoutMs, deadlineMs - answerMs));
}
