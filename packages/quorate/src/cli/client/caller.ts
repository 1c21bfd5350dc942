/**
 * Calls members for a command; what goes wrong becomes a `CliError` that says what became of the
 * command.
 */
import { createClient, type RpcClient, RpcError, type StreamOptions } from "../../rpc/index.ts";
import type { ClientSettings } from "./client-settings.ts";
import { type CallPurpose, describeCallError } from "./describe-call-error.ts";

export interface Caller {
  /** A call that changes nothing: it may be tried at every endpoint. */
  read(path: string, request: Uint8Array): Promise<Uint8Array>;
  /** A call that must not be repeated once a member may have seen it. */
  write(path: string, request: Uint8Array): Promise<Uint8Array>;
  /**
   * A call with many answers that changes nothing, however long it takes: the time of the settings
   * is that of a silence. @returns the endpoint
   */
  stream(
    path: string,
    request: Uint8Array,
    onMessage: (message: Uint8Array) => Promise<void>,
  ): Promise<string>;
  /** The same, for a change of the members. */
  change(path: string, request: Uint8Array): Promise<Uint8Array>;
  /** The same, for handing over the leadership. */
  transfer(path: string, request: Uint8Array): Promise<Uint8Array>;
}

/** Runs `use` with a caller whose connections are closed when it is done. */
export async function withCaller<Result>(
  settings: ClientSettings,
  use: (caller: Caller) => Promise<Result>,
): Promise<Result> {
  const client = createClient(settings.endpoints);
  const { timeoutMs } = settings;
  try {
    return await use({
      read: (path, request) => call(client, path, request, timeoutMs, "read"),
      write: (path, request) => call(client, path, request, timeoutMs, "write"),
      change: (path, request) => call(client, path, request, timeoutMs, "change"),
      transfer: (path, request) => call(client, path, request, timeoutMs, "transfer"),
      stream: (path, request, onMessage) => {
        return callStream(client, path, request, { silenceMs: timeoutMs, onMessage });
      },
    });
  } finally {
    client.close();
  }
}

async function call(
  client: RpcClient,
  path: string,
  request: Uint8Array,
  timeoutMs: number,
  purpose: CallPurpose,
): Promise<Uint8Array> {
  try {
    const options = { timeoutMs, idempotent: purpose === "read" };
    const { message } = await client.unary(path, request, options);
    return message;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw await describeCallError(error, purpose);
  }
}

async function callStream(
  client: RpcClient,
  path: string,
  request: Uint8Array,
  options: StreamOptions,
): Promise<string> {
  try {
    return (await client.stream(path, request, options)).endpoint;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw await describeCallError(error, "read");
  }
}
