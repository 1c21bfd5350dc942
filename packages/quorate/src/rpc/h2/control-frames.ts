import type { Connection } from "./connection.ts";
import { type ConnectionFault, overflow, protocolFault, sizeFault } from "./faults.ts";
import * as frames from "./frame-writer.ts";
import { errorCodes, frameFlags, readUint31, windowBytesMax } from "./protocol.ts";

/**
 * The frames that carry no request. Each handler returns why the connection must end, if it must;
 * what is wrong with one stream only resets that.
 */
export class ControlFrames {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  onReset(id: number, length: number): ConnectionFault | null {
    if (id === 0 || this.#connection.isIdle(id)) return protocolFault(`RST_STREAM on stream ${id}`);
    if (length !== 4) return sizeFault("RST_STREAM");
    const stream = this.#connection.streams.get(id);
    if (stream === undefined) return this.#connection.countControl();
    this.#connection.remove(stream);
    stream.cancel("cancelled-by-client");
    return this.#connection.countReset();
  }

  onSettings(
    flags: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): ConnectionFault | null {
    if (id !== 0) return protocolFault(`SETTINGS on stream ${id}`);
    if ((flags & frameFlags.ack) !== 0) {
      return end > start
        ? sizeFault("the acknowledgement of SETTINGS")
        : this.#connection.countControl();
    }
    this.#connection.hasSettings = true;
    const windowBefore = this.#connection.peer.windowBytes;
    const fault = this.#connection.peer.apply(bytes, start, end);
    if (fault !== null) return fault;
    const change = this.#connection.peer.windowBytes - windowBefore;
    for (const stream of change === 0 ? [] : this.#connection.streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > windowBytesMax) return overflow("SETTINGS");
      this.#connection.sending.add(stream);
    }
    frames.writeSettingsAck(this.#connection.output);
    this.#connection.flushLater();
    return this.#connection.countControl();
  }

  onPing(
    flags: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): ConnectionFault | null {
    if (id !== 0) return protocolFault(`PING on stream ${id}`);
    if (end - start !== 8) return sizeFault("PING");
    if ((flags & frameFlags.ack) === 0) {
      frames.writePing(this.#connection.output, frameFlags.ack, bytes, start);
      this.#connection.flushLater();
    }
    return this.#connection.countControl();
  }

  onGoaway(id: number, length: number): ConnectionFault | null {
    if (id !== 0) return protocolFault(`GOAWAY on stream ${id}`);
    if (length < 8) return sizeFault("GOAWAY");
    this.#connection.close();
    return this.#connection.countControl();
  }

  /** Priorities are not used; only their size is checked, as the standard asks for. */
  onPriority(id: number, length: number): ConnectionFault | null {
    if (id === 0) return protocolFault("PRIORITY on stream 0");
    if (length === 5) return this.#connection.countControl();
    const stream = this.#connection.streams.get(id);
    if (stream === undefined) return sizeFault("PRIORITY");
    this.#connection.breakStream(stream, errorCodes.frameSizeError);
    return this.#connection.resetFault();
  }

  onWindowUpdate(id: number, bytes: Buffer, start: number, end: number): ConnectionFault | null {
    if (end - start !== 4) return sizeFault("WINDOW_UPDATE");
    const increment = readUint31(bytes, start);
    if (id === 0) return this.#onConnectionWindow(increment);
    if (this.#connection.isIdle(id))
      return protocolFault(`WINDOW_UPDATE on stream ${id}, which is idle`);
    const stream = this.#connection.streams.get(id);
    if (stream === undefined) return null;
    if (increment === 0) this.#connection.breakStream(stream, errorCodes.protocolError);
    else if (stream.sendWindow + increment > windowBytesMax) {
      this.#connection.breakStream(stream, errorCodes.flowControlError);
    } else {
      stream.sendWindow += increment;
      this.#connection.sending.add(stream);
    }
    return this.#connection.resetFault();
  }

  #onConnectionWindow(increment: number): ConnectionFault | null {
    if (increment === 0) return protocolFault("WINDOW_UPDATE of nothing");
    this.#connection.sending.window += increment;
    return this.#connection.sending.window > windowBytesMax ? overflow("WINDOW_UPDATE") : null;
  }
}
