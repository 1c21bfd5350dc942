/** Tells a person who pointed another program at the peer port what happened. */

export interface Foreign {
  readonly what: string;
  /** Bytes that the other program can show; null: just close. */
  readonly answer: Uint8Array | null;
}

const methodPattern = /^(GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT|TRACE|PRI) /;

/** What the first bytes of a connection look like; null: nothing known. */
export function recogniseForeign(bytes: Uint8Array): Foreign | null {
  if (methodPattern.test(String.fromCharCode(...bytes))) {
    return { what: "an HTTP client", answer: httpAnswer() };
  }
  if (bytes[0] === 0x16 && bytes[1] === 0x03) return { what: "a TLS client", answer: null };
  return null;
}

function httpAnswer(): Uint8Array {
  const body =
    "This is the peer port of quorate, for other members only. Use the client port instead.\n";
  const head = [
    "HTTP/1.1 400 Bad Request",
    "content-type: text/plain",
    `content-length: ${body.length}`,
    "connection: close",
  ];
  return new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`);
}
