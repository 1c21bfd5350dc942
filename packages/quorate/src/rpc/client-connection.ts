import { type ClientHttp2Session, connect } from "node:http2";
import type { CallFailure } from "./client-error.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * One connection of a client: opened by the first call, shared by the next ones, opened again after
 * it was lost. A call begins only after the server's SETTINGS came, so that a port that speaks
 * something else is found out before anything is sent.
 */

export type Connected =
  | { readonly kind: "connected"; readonly session: ClientHttp2Session }
  | { readonly kind: "failed"; readonly failure: CallFailure };

export class ClientConnection {
  readonly endpoint: Endpoint;
  #opening: Promise<Connected> | null = null;
  #session: ClientHttp2Session | null = null;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  /** Gives a session that is ready for calls; callers at the same time share the attempt. */
  open(timeoutMs: number): Promise<Connected> {
    // While it is being opened there is a session too, but not yet one for calls.
    if (this.#opening !== null) return this.#opening;
    const session = this.#session;
    if (session !== null && !session.closed && !session.destroyed) {
      return Promise.resolve({ kind: "connected", session });
    }
    this.#opening = this.#connect(timeoutMs).finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  close(): void {
    this.#session?.destroy();
    this.#session = null;
  }

  #connect(timeoutMs: number): Promise<Connected> {
    const { host, port, text } = this.endpoint;
    const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    return new Promise((resolve) => {
      const session = connect(`http://${authority}`, { settings: { enablePush: false } });
      this.#session = session;
      let isConnected = false;
      const fail = (code: string): void => {
        clearTimeout(timer);
        session.destroy();
        const failure: CallFailure = isConnected
          ? {
              kind: "protocol",
              endpoint: text,
              wasSent: false,
              fact: `it does not answer in HTTP/2 (${code})`,
            }
          : { kind: "connect", endpoint: text, wasSent: false, code };
        resolve({ kind: "failed", failure });
      };
      const timer = setTimeout(() => fail("CONNECT_TIMEOUT"), timeoutMs);
      session.once("connect", () => {
        isConnected = true;
      });
      session.once("remoteSettings", () => {
        clearTimeout(timer);
        resolve({ kind: "connected", session });
      });
      // Both stay for the session's life; after it was ready they change nothing.
      session.on("error", (error) => fail(codeOf(error)));
      session.on("close", () => fail("closed"));
    });
  }
}

/** The code of a system or HTTP/2 error; of several addresses tried, that of the first. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  if (error instanceof Error) {
    return "code" in error && typeof error.code === "string" ? error.code : error.message;
  }
  return String(error);
}
