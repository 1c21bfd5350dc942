/** Where a member serves its clients. Pure. */

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** `host:port`, for messages. */
  readonly text: string;
}

const defaultPort = 2379;

/**
 * Reads `host:port`, `host`, `[v6]:port` or `http://host:port`.
 *
 * @throws Error that names the text and says what to give.
 */
export function parseEndpoint(text: string): Endpoint {
  const url = text.includes("://") ? text : `http://${text}`;
  if (!URL.canParse(url)) throw refuse(text, "it is not host:port");
  const { protocol, hostname, port, pathname } = new URL(url);
  if (protocol === "https:") throw refuse(text, "TLS is not supported yet");
  if (protocol !== "http:") throw refuse(text, `unknown scheme ${protocol}//`);
  if (hostname === "" || (pathname !== "/" && pathname !== "")) {
    throw refuse(text, "it is not host:port");
  }
  // The URL leaves out http's own port 80 where the text may have named it.
  const isPort80 = port === "" && /:80\/?$/.test(url);
  const number = port === "" ? (isPort80 ? 80 : defaultPort) : Number(port);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: number, text: `${hostname}:${number}` };
}

function refuse(text: string, fact: string): Error {
  return new Error(`Cannot use endpoint ${JSON.stringify(text)}: ${fact}; give http://host:port`);
}
