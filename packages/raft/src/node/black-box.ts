/**
 * The recordings of a member: the newest inputs of its core as text, into a file on request, and
 * when something breaks the core. Called by `member.ts`.
 */
import { QuorateError } from "../base/index.ts";
import type { Clock } from "../ports/index.ts";
import { noRecording } from "./errors.ts";
import { describeThrown, type Logger } from "./logger.ts";
import type { FlightRecorder } from "./recorder/flight-recorder.ts";
import { type RecordingPlace, saveRecording } from "./recorder/save-recording.ts";

export interface BlackBoxParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Null: nobody keeps inputs. */
  readonly recorder: FlightRecorder | null;
  /** Where recordings are written; null without a directory. */
  readonly recordings: RecordingPlace | null;
}

export class BlackBox {
  readonly #parts: BlackBoxParts;

  constructor(parts: BlackBoxParts) {
    this.#parts = parts;
  }

  /** `ended`: what ended the member, or null. Null: inputs are not kept. */
  read(ended: Error | null): string | null {
    return this.#parts.recorder?.encode(this.#parts.clock.wallMs(), ended) ?? null;
  }

  /** Writes `read()` into the directory; `done` gets the path, or why there is none. */
  save(ended: Error | null, done: (error: QuorateError | null, path?: string) => void): void {
    const { recordings, clock } = this.#parts;
    const text = this.#tryRead(ended);
    if (recordings === null || text === null) {
      clock.defer(() => done(noRecording(text === null ? "recorder" : "dir")));
    } else {
      saveRecording(recordings, clock.wallMs(), text, done);
    }
  }

  /** A core that is broken may not be printable: that is no reason to end otherwise. */
  #tryRead(ended: Error | null): string | null {
    try {
      return this.read(ended);
    } catch (error) {
      this.#parts.logger.warn({}, `There is no recording of it: ${describeThrown(error)}`);
      return null;
    }
  }

  /** What broke the core must be there to be run again. Not for what is no fault of it. */
  saveLast(ended: Error | null, done: () => void): void {
    const { recordings, logger, recorder } = this.#parts;
    if (ended === null || isNoFault(ended) || recordings === null || recorder === null) {
      done();
      return;
    }
    this.save(ended, (failed, path) => {
      if (failed === null) logger.error({ path }, `What led to it is in ${path}: quorate replay`);
      else logger.warn({ error: failed.message }, failed.message);
      done();
    });
  }
}

/** A disk that has just failed takes no file. */
function isNoFault(error: Error): boolean {
  return error instanceof QuorateError && error.code === "STORAGE_FAILED";
}
