import type { Socket } from "node:net";

/**
 * What is to be written to one connection: small frames are gathered in blocks, large pieces stay
 * where they are. All that gathers while one write is under way is the next one.
 */

/** Bytes of a block. */
export const blockBytes = 16_384;
/** Blocks that are kept for reuse: 1 MiB. */
const spareBlocksMax = 64;

/** Blocks that no connection is using, for all connections of a server. */
export class BlockPool {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
  }

  give(block: Buffer): void {
    if (this.#spare.length < spareBlocksMax) this.#spare.push(block);
  }
}

export class Output {
  /** The block to write into, at `at`, after `reserve`. */
  block: Buffer = noBlock;
  at = 0;
  /** Called when a write has left; not after the connection broke. */
  onWritten: () => void = () => {};
  /** Bytes of answers whose last byte is in here; told to `onReleased` when they have left. */
  responseBytes = 0;
  onReleased: (bytes: number) => void = () => {};
  readonly #socket: Socket;
  readonly #pool: BlockPool;
  /** Where the part of the block begins that is in no segment yet. */
  #from = 0;
  #segments: Uint8Array[] = [];
  #segmentBytes = 0;
  /** Blocks that are full. */
  #full: Buffer[] = [];
  #writing: Write | null = null;

  constructor(socket: Socket, pool: BlockPool) {
    this.#socket = socket;
    this.#pool = pool;
  }

  /** Bytes that have not left. */
  get bytes(): number {
    return this.#segmentBytes + (this.at - this.#from) + (this.#writing?.bytes ?? 0);
  }

  get isEmpty(): boolean {
    return this.#writing === null && this.#segmentBytes === 0 && this.at === this.#from;
  }

  /** Makes room for so many bytes, at most `blockBytes`, in one piece. */
  reserve(bytes: number): void {
    if (this.at + bytes <= this.block.length) return;
    this.#closeSegment();
    if (this.block !== noBlock) this.#full.push(this.block);
    this.block = this.#pool.take();
    this.at = 0;
    this.#from = 0;
  }

  /** Appends bytes that nobody changes until they have left, without copying them. */
  appendView(bytes: Uint8Array): void {
    this.#closeSegment();
    this.#segments.push(bytes);
    this.#segmentBytes += bytes.length;
  }

  /** Writes all, or waits until the write under way is done. */
  flush(): void {
    if (this.#writing !== null) return;
    this.#closeSegment();
    const segments = this.#segments;
    const last = segments.pop();
    if (last === undefined) return;
    this.#writing = this.#startWrite();
    const socket = this.#socket;
    if (segments.length > 0) socket.cork();
    for (const segment of segments) socket.write(segment);
    socket.write(last, this.#onLeft);
    if (segments.length > 0) socket.uncork();
  }

  /** Tells what it holds of answers as released: the connection is gone. */
  drop(): void {
    const bytes = this.responseBytes + (this.#writing?.responseBytes ?? 0);
    this.responseBytes = 0;
    this.#writing = null;
    this.#segments = [];
    this.#segmentBytes = 0;
    this.#full = [];
    this.block = noBlock;
    this.at = 0;
    this.#from = 0;
    this.onReleased(bytes);
  }

  #closeSegment(): void {
    if (this.at === this.#from) return;
    this.#segments.push(this.block.subarray(this.#from, this.at));
    this.#segmentBytes += this.at - this.#from;
    this.#from = this.at;
  }

  /** Takes along all that is in segments. */
  #startWrite(): Write {
    const blocks = this.#full;
    if (this.block !== noBlock) blocks.push(this.block);
    const { responseBytes } = this;
    const write = { blocks, bytes: this.#segmentBytes, responseBytes };
    this.#full = [];
    this.block = noBlock;
    this.at = 0;
    this.#from = 0;
    this.#segments = [];
    this.#segmentBytes = 0;
    this.responseBytes = 0;
    return write;
  }

  readonly #onLeft = (error?: Error | null): void => {
    const write = this.#writing;
    // The kernel may still read the blocks of a write that failed: they are not used again.
    if (write === null || (error !== null && error !== undefined)) return;
    this.#writing = null;
    for (const block of write.blocks) this.#pool.give(block);
    if (write.responseBytes > 0) this.onReleased(write.responseBytes);
    this.onWritten();
  };
}

const noBlock = Buffer.alloc(0);

interface Write {
  readonly blocks: Buffer[];
  readonly bytes: number;
  readonly responseBytes: number;
}
