/**
 * etcd's `Maintenance.Snapshot`: the asked member's state as it is now, streamed as a file. As in
 * etcd it is what this member knows, without a quorum: a backup must be possible when that is lost.
 *
 * @etcd server/etcdserver/api/v3rpc/maintenance.go
 */
import type { OpenedSnapshot } from "@quorate/raft";
import { decodeSnapshotRequest } from "../proto/index.ts";
import type { MethodTable, StreamingCall } from "../rpc/index.ts";
import { type Backend, createHeader } from "./backend.ts";
import { statusOfError } from "./server-errors.ts";
import { streamSnapshot } from "./stream-snapshot.ts";

/**
 * Milliseconds to write the state to the disk, before the first byte is sent: ten minutes, for
 * eight gigabytes on a disk that writes 14 MB/s. A client that waits less goes earlier.
 */
const writeMsMax = 600_000;

export function registerSnapshot(methods: MethodTable, backend: Backend): void {
  methods.register("/etcdserverpb.Maintenance/Snapshot", {
    kind: "server-streaming",
    handle: (request, call) => {
      decodeSnapshotRequest(request);
      new SnapshotAnswer(backend, call).run();
    },
  });
}

class SnapshotAnswer {
  readonly #backend: Backend;
  readonly #call: StreamingCall;
  readonly #gone = new AbortController();
  /** Told that the message on its way will not be followed by another. */
  #onGone: () => void = () => undefined;

  constructor(backend: Backend, call: StreamingCall) {
    this.#backend = backend;
    this.#call = call;
    call.onCancelled(() => {
      this.#gone.abort();
      this.#onGone();
    });
  }

  run(): void {
    this.#answer().then(
      (isWhole) => {
        if (isWhole) this.#call.end();
      },
      (error: unknown) => {
        if (!this.#call.isCancelled) this.#call.fail(statusOfError(error));
      },
    );
  }

  async #answer(): Promise<boolean> {
    const { node } = this.#backend;
    const options = { timeoutMs: writeMsMax, signal: this.#gone.signal };
    const snapshot: OpenedSnapshot = await node.openSnapshot(options);
    try {
      const header = createHeader(this.#backend, 0);
      return await streamSnapshot(snapshot, header, { send: (message) => this.#send(message) });
    } finally {
      await snapshot.close();
    }
  }

  #send(message: Uint8Array): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#call.isCancelled) {
        resolve(false);
        return;
      }
      this.#onGone = () => resolve(false);
      this.#call.send(message, () => resolve(true));
    });
  }
}
