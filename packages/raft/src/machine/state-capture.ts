/**
 * How the state of a machine becomes bytes while the machine goes on, and comes back. Implemented
 * by machines, driven by `machine-set.ts`; everything is synchronous and in small portions, so that
 * whoever drives it decides how long it takes at a time.
 */
import { ByteWriter } from "../base/index.ts";

/**
 * The state of a machine as it was at one moment, to be written out piece by piece. Commands
 * applied in the meantime do not show in it. One at a time for each machine.
 */
export interface StateCapture {
  /**
   * The next bytes, 1 to `maxBytes` of them, or null after the last. Takes a few milliseconds at
   * most, however large the state is. The bytes are not changed afterwards by anybody.
   *
   * @invariant equal states give equal bytes on every member, whatever led to them: one that was
   * restored gives the bytes that it was restored from. How they are cut into pieces does not
   * matter.
   */
  next(maxBytes: number): Uint8Array | null;
  /** Lets go of what is kept for it: called once, after the last piece or before. */
  release(): void;
}

/** Takes the bytes of a capture, in order, in pieces that are cut anywhere. */
export interface StateRestore {
  /**
   * `bytes` is a view that is only good during the call.
   *
   * @throws FormatError, or anything else, for bytes that no capture gives; the member stops
   */
  write(bytes: Uint8Array): void;
  /** After the last piece: from here on the machine is what the capture saw. @throws as `write` */
  finish(): void;
}

/**
 * Steps of a walk, at most, for one piece: 8,192 values take 2 to 5 ms, so a piece of small values
 * ends before it is full.
 */
export const pieceStepsMax = 8_192;

const firstPieceBytes = 64 * 1024;
const noBytes = new Uint8Array(0);

/**
 * A capture from a walk. `step` writes a little, or nothing, and says whether more may follow; what
 * it writes at once may be larger than a piece.
 */
export class PieceSource implements StateCapture {
  readonly #step: (writer: ByteWriter) => boolean;
  readonly #onRelease: () => void;
  #rest: Uint8Array = noBytes;
  #isOver = false;
  /** Of the last piece that was made: what it cost. For tests. */
  stepsOfPiece = 0;

  constructor(step: (writer: ByteWriter) => boolean, onRelease: () => void = () => {}) {
    this.#step = step;
    this.#onRelease = onRelease;
  }

  next(maxBytes: number): Uint8Array | null {
    while (this.#rest.length === 0 && !this.#isOver) this.#fill(maxBytes);
    if (this.#rest.length === 0) return null;
    const piece = this.#rest.subarray(0, maxBytes);
    this.#rest = this.#rest.subarray(maxBytes);
    return piece;
  }

  release(): void {
    this.#isOver = true;
    this.#rest = noBytes;
    this.#onRelease();
  }

  #fill(maxBytes: number): void {
    const writer = new ByteWriter(Math.min(maxBytes, firstPieceBytes));
    this.stepsOfPiece = 0;
    while (!this.#isOver && writer.length < maxBytes && this.stepsOfPiece < pieceStepsMax) {
      this.stepsOfPiece++;
      this.#isOver = !this.#step(writer);
    }
    this.#rest = writer.view();
  }
}
