/** A server of Maintenance.Snapshot alone, to be told what to do wrong. */
import { createServer, type ServerHttp2Stream } from "node:http2";
import { crc32 } from "node:zlib";
import { openSnapshotFile, runTask, type SnapshotReader } from "@quorate/raft/storage";
import { MemoryDisk } from "@quorate/raft/testing";
import type { ResponseHeader } from "../../src/proto/index.ts";
import { type SnapshotSource, streamSnapshot } from "../../src/server/index.ts";

const pieceBytes = 256 * 1024;

const header: ResponseHeader = { clusterId: 1n, memberId: 2n, revision: 3, raftTerm: 4 };

/** What the server does with a message before it is sent; null: nothing more is sent. */
export type Spoil = (message: Uint8Array, number: number) => Uint8Array | null;

export interface SnapshotServer {
  readonly endpoint: string;
  spoil: Spoil;
  /** What a call ends with, unless it is cut off. */
  status: { readonly code: number; readonly message: string };
  /** Calls that came. */
  count: number;
  close(): Promise<void>;
}

/** Opens a snapshot on a disk in memory whose answers come by themselves. */
export function openReader(bytes: Uint8Array): Promise<SnapshotReader> {
  const disk = new MemoryDisk({ defer: (callback) => void setImmediate(callback) });
  disk.put("/saved/snapshot", bytes);
  const clock = {
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    after: () => ({ cancel: () => undefined }),
    defer: (callback: () => void) => void setImmediate(callback),
  };
  return new Promise((resolve, reject) => {
    runTask(openSnapshotFile({ disk, clock, crc32 }, "/saved/snapshot"), (error, opened) => {
      if (opened === undefined) reject(error);
      else resolve(opened.reader);
    });
  });
}

export async function startSnapshotServer(snapshot: Uint8Array): Promise<SnapshotServer> {
  const http = createServer();
  const state: SnapshotServer = {
    endpoint: "",
    spoil: (message) => message,
    status: { code: 0, message: "" },
    count: 0,
    close: () => new Promise((resolve) => http.close(() => resolve())),
  };
  http.on("stream", (stream, headers) => {
    state.count++;
    stream.on("error", () => undefined); // a client that goes away
    stream.resume();
    if (headers[":path"] !== "/etcdserverpb.Maintenance/Snapshot") {
      end(stream, { code: 12, message: "unknown method" });
    } else void answer(stream, state, snapshot);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  const port = address === null || typeof address === "string" ? 0 : address.port;
  return Object.assign(state, { endpoint: `127.0.0.1:${port}` });
}

async function answer(
  stream: ServerHttp2Stream,
  state: SnapshotServer,
  snapshot: Uint8Array,
): Promise<void> {
  const { status } = state;
  if (status.code !== 0) {
    end(stream, status);
    return;
  }
  const reader = await openReader(snapshot);
  stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  let number = 0;
  const sink = {
    send: (message: Uint8Array): Promise<boolean> => {
      return new Promise((resolve) => {
        stream.once("close", () => resolve(false));
        const bytes = state.spoil(message, number++);
        if (bytes === null) return;
        const prefix = Buffer.alloc(5);
        prefix.writeUInt32BE(bytes.length, 1);
        stream.write(Buffer.concat([prefix, bytes]), () => resolve(!stream.destroyed));
      });
    },
  };
  stream.setMaxListeners(0); // one for each message
  await streamSnapshot(sourceOf(reader), header, sink);
  reader.close(() => undefined);
  stream.end();
}

/** In pieces as members give them. */
export function sourceOf(reader: SnapshotReader): SnapshotSource {
  const { bytes } = reader.description.identity;
  async function* readAll(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes; at += pieceBytes) {
      yield await new Promise<Uint8Array>((resolve, reject) => {
        reader.readBytes(at, Math.min(pieceBytes, bytes - at), (error, data) => {
          if (data === undefined) reject(error);
          else resolve(data);
        });
      });
    }
  }
  return { bytes, [Symbol.asyncIterator]: readAll };
}

function end(
  stream: ServerHttp2Stream,
  status: { readonly code: number; readonly message: string },
): void {
  const told = { "grpc-status": String(status.code), "grpc-message": status.message };
  stream.respond({ "content-type": "application/grpc", ...told }, { endStream: true });
}
