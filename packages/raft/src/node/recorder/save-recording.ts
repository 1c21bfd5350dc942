/**
 * Puts recordings into a member's directory and keeps their number small. Called by `member.ts`.
 */
import { QuorateError } from "../../base/index.ts";
import { type Disk, DiskError } from "../../ports/index.ts";
import { pathIn, perform, replaceFile, runTask, type Task } from "../../storage/index.ts";
import { isRecordingFileName, recordingFileName } from "./flight-recorder.ts";

/** Files; a member that fails at each start must not fill its disk. The oldest goes first. */
const recordingsMax = 8;

export interface RecordingPlace {
  readonly disk: Disk;
  readonly directory: string;
}

/** `done` gets the path, or why there is none; on disk when it runs. */
export function saveRecording(
  place: RecordingPlace,
  wallMs: number,
  text: string,
  done: (error: QuorateError | null, path?: string) => void,
): void {
  runTask(save(place, wallMs, text), (error, path) => {
    if (path !== undefined) done(null, path);
    else done(notSaved(place, error));
  });
}

function* save({ disk, directory }: RecordingPlace, wallMs: number, text: string): Task<string> {
  const name = recordingFileName(wallMs);
  const names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  const others = names.filter((one) => isRecordingFileName(one) && one !== name);
  for (const old of others.slice(0, Math.max(0, others.length - recordingsMax + 1))) {
    yield* perform((done) => disk.remove(pathIn(directory, old), done));
  }
  yield* replaceFile(disk, directory, name, new TextEncoder().encode(text));
  return pathIn(directory, name);
}

function systemCodeOf(error: Error | null): string {
  return error instanceof DiskError ? error.code : "-";
}

function notSaved({ directory }: RecordingPlace, error: Error | null): QuorateError {
  const why = error === null ? "" : `: ${error.message}`;
  return new QuorateError("STORAGE_FAILED", `Cannot save a recording in ${directory}${why}`, {
    outcome: "not-applied",
    retry: "never",
    hint: "Free space or correct the permissions; the member itself is not concerned.",
    details: { file: directory, systemCode: systemCodeOf(error) },
    cause: error,
  });
}
