/** Tells HTTP/2 with prior knowledge from HTTP/1 by the first bytes of a connection. Pure. */

const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** `undecided`: all bytes so far could begin HTTP/2, and more are needed. */
export type Protocol = "http1" | "http2" | "undecided";

/**
 * Decides by the whole preface: a method that merely begins like it is HTTP/1, whose parser then
 * says what is wrong.
 */
export function sniffProtocol(head: Uint8Array): Protocol {
  const count = Math.min(head.length, preface.length);
  for (let i = 0; i < count; i++) {
    if (head[i] !== preface[i]) return "http1";
  }
  return count === preface.length ? "http2" : "undecided";
}
