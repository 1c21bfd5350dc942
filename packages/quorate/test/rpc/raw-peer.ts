import { http2Frame, prefaceText, RawSocket } from "./echo-server.ts";

/** For tests: a client of HTTP/2 that sends the frames it is told, right or wrong. */

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const emptySettings: Buffer = http2Frame(4, 0, 0, new Uint8Array(0));

/** A literal header that enters no table. */
export function literal(name: string, value: string): Buffer {
  const text = (part: string): Buffer => {
    if (part.length < 127) return Buffer.from([part.length, ...Buffer.from(part, "latin1")]);
    const left = part.length - 127;
    const length = [127, (left & 127) | 128, ((left >> 7) & 127) | 128, left >> 14];
    return Buffer.concat([Buffer.from(length), Buffer.from(part, "latin1")]);
  };
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

/** The headers of a call as a block. */
export function callHeaders(
  path = "/test.Echo/Echo",
  extra: readonly (readonly [string, string])[] = [],
): Buffer {
  const fields = [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "a"],
    ["content-type", "application/grpc"],
    ...extra,
  ] as const;
  return Buffer.concat(fields.map(([name, value]) => literal(name, value)));
}

export const flags = { endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export function headersFrame(stream: number, block: Uint8Array = callHeaders(), end = 0): Buffer {
  return http2Frame(1, flags.endHeaders | end, stream, block);
}

export function dataFrame(
  stream: number,
  payload: Uint8Array,
  end: number = flags.endStream,
): Buffer {
  return http2Frame(0, end, stream, payload);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export class RawPeer {
  readonly raw: RawSocket;

  constructor(port: number, settings: Uint8Array = emptySettings) {
    this.raw = new RawSocket(port);
    this.raw.socket.write(Buffer.concat([Buffer.from(prefaceText), settings]));
  }

  send(...frames: readonly Uint8Array[]): void {
    this.raw.socket.write(Buffer.concat(frames));
  }

  /** The whole frames received so far. */
  frames(): RawFrame[] {
    const { received } = this.raw;
    const list: RawFrame[] = [];
    for (let at = 0; at + 9 <= received.length; ) {
      const end = at + 9 + received.readUIntBE(at, 3);
      if (end > received.length) break;
      list.push({
        type: received[at + 3] ?? 0,
        flags: received[at + 4] ?? 0,
        stream: received.readUInt32BE(at + 5),
        payload: received.subarray(at + 9, end),
      });
      at = end;
    }
    return list;
  }

  /** Resolves with the first frame that satisfies `test`; rejects if the connection ends before. */
  async until(test: (frame: RawFrame) => boolean): Promise<RawFrame> {
    const isOver = this.raw.closed.then(() => true);
    for (;;) {
      const found = this.frames().find(test);
      if (found !== undefined) return found;
      const more = new Promise<false>((resolve) =>
        this.raw.socket.once("data", () => resolve(false)),
      );
      if ((await Promise.race([isOver, more])) && !this.frames().some(test)) {
        throw new Error("the connection ended before the frame came");
      }
    }
  }

  /** All DATA of a stream so far, joined. */
  dataOf(stream: number): Buffer {
    const own = this.frames().filter((frame) => frame.type === 0 && frame.stream === stream);
    return Buffer.concat(own.map(({ payload }) => payload));
  }

  /** Sends a ping and resolves when it is answered: all that was sent before has been read. */
  async sync(text = "01234567"): Promise<void> {
    this.send(http2Frame(6, 0, 0, Buffer.from(text)));
    await this.until(
      ({ type, flags: f, payload }) => type === 6 && f === 1 && payload.equals(Buffer.from(text)),
    );
  }

  /** The code of the GOAWAY that ended the connection, or null if it ended without. */
  async goawayCode(): Promise<number | null> {
    await this.raw.closed;
    const goaway = this.frames().find(({ type }) => type === 7);
    return goaway === undefined ? null : goaway.payload.readUInt32BE(4);
  }

  close(): void {
    this.raw.socket.destroy();
  }
}
