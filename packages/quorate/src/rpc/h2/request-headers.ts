import type { RpcLimits } from "../limits.ts";
import type { MethodTable } from "../service.ts";
import type { ConnectionFault } from "./faults.ts";
import { HeaderCache } from "./header-cache.ts";
import type { HeaderField } from "./header-field.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HpackError } from "./hpack-error.ts";
import { errorCodes, headerTableBytes } from "./protocol.ts";
import { createRequestHead, type RequestHead } from "./request-head.ts";

/** The header blocks of a connection: gathered from their frames, decoded, remembered. */

/** A block whose end has not come. */
export interface OpenBlock {
  readonly streamId: number;
  readonly endStream: boolean;
}

/** Frames that one block may be cut into; a client has no reason for more. */
const continuationsMax = 64;

export class RequestHeaders {
  /** While this is set, nothing else may come on the connection. */
  open: OpenBlock | null = null;
  readonly #limits: RpcLimits;
  readonly #methods: MethodTable;
  readonly #decoder: HpackDecoder;
  readonly #cache: HeaderCache = new HeaderCache();
  #pieces: Buffer[] = [];
  #pieceBytes = 0;

  constructor(limits: RpcLimits, methods: MethodTable) {
    this.#limits = limits;
    this.#methods = methods;
    this.#decoder = new HpackDecoder(headerTableBytes, limits.headerListBytesMax);
  }

  /** Begins a block that goes on in CONTINUATION frames. */
  begin(open: OpenBlock, bytes: Buffer, start: number, end: number): ConnectionFault | null {
    this.open = open;
    this.#pieces = [];
    this.#pieceBytes = 0;
    return this.append(bytes, start, end);
  }

  /** Takes the payload of a CONTINUATION frame. */
  append(bytes: Buffer, start: number, end: number): ConnectionFault | null {
    // Copies: a view would keep the whole chunk, of which this may be one byte.
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
    this.#pieceBytes += end - start;
    const isFlood =
      this.#pieces.length > continuationsMax || this.#pieceBytes > this.#limits.headerListBytesMax;
    return isFlood ? { code: errorCodes.enhanceYourCalm, text: "endless headers" } : null;
  }

  /** The whole block that was begun. */
  finish(): Buffer {
    const block = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.open = null;
    return block;
  }

  /** The headers of a request. */
  readHead(bytes: Buffer, start: number, end: number): RequestHead | ConnectionFault {
    const { generation } = this.#decoder;
    const known = this.#cache.find(bytes, start, end, generation);
    if (known !== null) return known;
    const fields = this.readFields(bytes, start, end);
    if (!Array.isArray(fields)) return fields;
    const { headerListBytesMax } = this.#limits;
    const { listBytes } = this.#decoder;
    const head = createRequestHead(fields, listBytes, headerListBytesMax, this.#methods);
    if (this.#decoder.generation === generation) {
      this.#cache.add(bytes, start, end, generation, head);
    }
    return head;
  }

  /** Any header block; it must be decoded even if nobody wants it, for the sake of the table. */
  readFields(bytes: Buffer, start: number, end: number): HeaderField[] | ConnectionFault {
    try {
      return this.#decoder.decode(bytes, start, end);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      return { code: errorCodes.compressionError, text: error.message };
    }
  }
}
