/**
 * The node's refusals as `QuorateError`s: one constructor each, so that texts and outcomes stand in
 * one place.
 */
import { type ErrorDetails, type Outcome, QuorateError } from "../base/index.ts";
import {
  ForeignDirectoryError,
  StorageDamage,
  StorageError,
  UnfinishedRestoreError,
  UnknownFormatError,
} from "../storage/index.ts";

/** Who is in contact, who is not, and why. */
export type Reachability = ErrorDetails["NO_QUORUM"];
export type PeerCause = Reachability["causes"][number];

export function noQuorum(action: string, waitedMs: number, who: Reachability): QuorateError {
  const total = who.reachable.length + who.unreachable.length;
  const inContact = who.reachable.length;
  const down =
    who.unreachable.length === 0 ? "" : `; no connection to ${who.unreachable.join(", ")}`;
  return new QuorateError(
    "NO_QUORUM",
    `Cannot ${action}: no leader for ${Math.round(waitedMs)} ms; ${inContact} of ${total} ` +
      `voters are in contact, ${who.needed} are needed${down}`,
    {
      outcome: "not-applied",
      retry: "after",
      hint:
        who.unreachable.length === 0
          ? "Try again: an election may be under way."
          : `Start ${who.unreachable.join(" or ")}, or wait until it can be reached.`,
      details: who,
    },
  );
}

export function timedOut(action: string, waitedMs: number, outcome: Outcome): QuorateError {
  return new QuorateError(
    "TIMEOUT",
    `Cannot ${action} in time: no answer for ${Math.round(waitedMs)} ms`,
    {
      outcome,
      retry: outcome === "unknown" ? "never" : "after",
      hint:
        outcome === "unknown"
          ? "Read the state before you send the command again: it may yet be applied."
          : "Try again, or give it more time with timeoutMs.",
      details: { waitedMs },
    },
  );
}

/** `reason`: the signal's. */
export function aborted(outcome: Outcome, reason: unknown): QuorateError {
  return new QuorateError("ABORTED", "Cannot wait any longer: the caller's signal was aborted", {
    outcome,
    retry: "never",
    hint:
      outcome === "unknown"
        ? "Read the state before you send the command again: it may yet be applied."
        : "Call again when the answer is wanted.",
    details: {},
    cause: reason,
  });
}

export function overwritten(term: number): QuorateError {
  return new QuorateError(
    "LEADERSHIP_LOST",
    `Cannot apply the command: the leader of term ${term} was replaced before it was committed`,
    {
      outcome: "not-applied",
      retry: "now",
      hint: "Send the command again.",
      details: { term },
    },
  );
}

export function leaderLost(term: number): QuorateError {
  return new QuorateError(
    "LEADERSHIP_LOST",
    `Cannot tell what became of the command: the connection to the leader of term ${term} was lost`,
    {
      outcome: "unknown",
      retry: "never",
      hint: "Read the state before you send the command again: it may yet be applied.",
      details: { term },
    },
  );
}

/** The same refusal, of a command of which an earlier attempt may be in a log. */
export function uncertain(error: QuorateError): QuorateError {
  return new QuorateError(error.code, error.message, {
    outcome: "unknown",
    retry: "never",
    hint: "Read the state before you send the command again: an earlier attempt may be applied.",
    details: error.details,
    cause: error,
  });
}

/**
 * `outcome`: `not-applied` for a command that was sent at most once, and was refused for its
 * session.
 */
export function sessionExpired(
  session: number,
  sequence: number | null,
  outcome: Outcome,
): QuorateError {
  const hint =
    outcome === "unknown"
      ? "Open another session, and read the state before you send the command again."
      : "Open another session with node.session() and send the command there.";
  return new QuorateError(
    "SESSION_EXPIRED",
    `Cannot apply the command: session ${session} has ended, because it was silent for its ttlMs ` +
      "or was closed",
    { outcome, retry: "never", hint, details: { session, sequence } },
  );
}

export function replyLost(session: number, sequence: number): QuorateError {
  return new QuorateError(
    "REPLY_LOST",
    `Cannot return the command's result: session ${session} applied its command ${sequence} at ` +
      "an earlier attempt, and could not keep the reply",
    {
      outcome: "applied",
      retry: "never",
      hint: "Read the state instead of the result.",
      details: { session, sequence },
    },
  );
}

export function resultDropped(keptMax: number): QuorateError {
  return new QuorateError(
    "OVERLOADED",
    "Cannot return the command's result: it was applied, but more results than " +
      `keptResultsMax (${keptMax}) came before the leader's answer`,
    {
      outcome: "applied",
      retry: "never",
      hint: "Read the state instead of the result.",
      details: { limit: "keptResultsMax", limitValue: keptMax },
    },
  );
}

/** What was asked for may be in the entries that a snapshot has taken the place of. */
export function inSnapshot(term: number, index: number): QuorateError {
  return new QuorateError(
    "LEADERSHIP_LOST",
    "Cannot tell what became of the request: this member was behind, and took a snapshot in the " +
      `place of the entries up to ${index}, where it may be`,
    {
      outcome: "unknown",
      retry: "never",
      hint: "Read the state before you send it again: it may have been applied.",
      details: { term },
    },
  );
}

/** `by`: the member that would have had to append it. */
export function unknownMachine(machine: string, by: string): QuorateError {
  return new QuorateError(
    "UNKNOWN_COMMAND",
    `Cannot propose: member ${by} has no machine "${machine}", or an older version of it that ` +
      "does not know this command",
    {
      outcome: "not-applied",
      retry: "never",
      hint: `Start member ${by} with the same machines as this one.`,
      details: { machine, command: null },
    },
  );
}

export function tooLarge(bytes: number, bytesMax: number): QuorateError {
  return new QuorateError(
    "TOO_LARGE",
    `Cannot propose a command of ${bytes} bytes: the limit is ${bytesMax}`,
    {
      outcome: "not-applied",
      retry: "never",
      hint: "Split it, or keep the bulk elsewhere and propose a reference.",
      details: { bytes, bytesMax },
    },
  );
}

export function overloaded(limit: string, limitValue: number): QuorateError {
  return new QuorateError(
    "OVERLOADED",
    `Cannot take more work: ${limit} (${limitValue}) is reached`,
    {
      outcome: "not-applied",
      retry: "after",
      hint: "Send fewer at a time, and this one again later.",
      details: { limit, limitValue },
    },
  );
}

export function badConfig(option: string, value: string, fact: string, hint: string): QuorateError {
  return new QuorateError("BAD_CONFIG", `Cannot start with ${option} ${value}: ${fact}`, {
    outcome: "not-applied",
    retry: "never",
    hint,
    details: { option, value },
  });
}

export function stoppedError(outcome: Outcome, cause?: unknown): QuorateError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new QuorateError("STOPPED", `Cannot go on: this member has stopped${why}`, {
    outcome,
    retry: "never",
    hint: "Ask another member, or start this one again.",
    details: {},
    cause,
  });
}

export function wrongCluster(message: string, expected: string, found: string): QuorateError {
  return new QuorateError("WRONG_CLUSTER", message, {
    outcome: "not-applied",
    retry: "never",
    hint: "Use the directory of this member and cluster, or an empty one for a new cluster.",
    details: { expected, found },
  });
}

/** What opening a directory was refused for, at the public edge. */
export function fromOpenError(error: Error, directory: string): QuorateError {
  if (error instanceof ForeignDirectoryError) {
    return wrongCluster(error.message, error.expected, error.found);
  }
  if (error instanceof StorageDamage) return corrupt(error);
  if (error instanceof UnfinishedRestoreError) return unfinishedRestore(error);
  if (error instanceof UnknownFormatError) {
    return new QuorateError("CORRUPT", error.message, {
      outcome: "not-applied",
      retry: "never",
      hint: "Start the version of the program that wrote it.",
      details: { file: error.file, offset: error.offset, record: null },
      cause: error,
    });
  }
  if (error instanceof StorageError) {
    return error.systemCode === "ELOCKED" ? inUse(error, directory) : storageFailed(error);
  }
  throw error;
}

function unfinishedRestore(error: UnfinishedRestoreError): QuorateError {
  return new QuorateError("BAD_CONFIG", error.message, {
    outcome: "not-applied",
    retry: "never",
    hint: "Run the same restore again, or delete the directory.",
    details: { option: "dir", value: error.directory },
    cause: error,
  });
}

function corrupt(error: StorageDamage): QuorateError {
  const { file, offset, unit, firstIndex, lastIndex } = error.place;
  const entries = firstIndex === null ? "" : ` (entries ${firstIndex} to ${lastIndex})`;
  return new QuorateError("CORRUPT", error.message, {
    outcome: "not-applied",
    retry: "never",
    hint:
      "Keep the directory for inspection. Where other members have the data, replace this one " +
      "(quorate member replace OLD NEW --address HOST:PORT).",
    details: { file, offset, record: unit === null ? null : `unit ${unit}${entries}` },
    cause: error,
  });
}

/** An entry is whole, and this version cannot read it. */
export function unreadableLog(error: Error, directory: string): QuorateError {
  return new QuorateError("CORRUPT", `Cannot read the log in ${directory}: ${error.message}`, {
    outcome: "not-applied",
    retry: "never",
    hint: "Start the version of the program that wrote it.",
    details: { file: directory, offset: null, record: null },
    cause: error,
  });
}

function inUse(error: StorageError, directory: string): QuorateError {
  return new QuorateError("DATA_DIR_IN_USE", error.message, {
    outcome: "not-applied",
    retry: "never",
    hint: "Stop the other process, or give this member a directory of its own.",
    details: { directory },
    cause: error,
  });
}

/** Of a disk that refuses an operation, at the start or later: then it ends the member. */
export function storageFailed(error: StorageError): QuorateError {
  return new QuorateError("STORAGE_FAILED", error.message, {
    outcome: "not-applied",
    retry: "never",
    hint: "Repair the disk or its permissions, then start the member again.",
    details: { file: error.file, systemCode: error.systemCode },
    cause: error,
  });
}

/** `machines`: those that have neither capture nor restore. */
export function cannotSnapshot(machines: readonly string[]): QuorateError {
  const names = machines.join(", ");
  const fact = `the machines ${names} have no capture and restore`;
  return new QuorateError("BAD_CONFIG", `Cannot open a snapshot: ${fact}`, {
    outcome: "not-applied",
    retry: "never",
    hint: "Give them both calls: see docs/machines.md.",
    details: { option: "machines", value: names },
  });
}

/** What was to be written is gone again. */
export function noSpace(action: string, error: StorageError): QuorateError {
  return new QuorateError("NO_SPACE", `Cannot ${action}: ${error.message}`, {
    outcome: "not-applied",
    retry: "after",
    hint: "Free space on that disk: as much as the state takes, and some.",
    details: { file: error.file, systemCode: error.systemCode },
    cause: error,
  });
}

/** `option`: what would have to be set. */
export function noRecording(option: "recorder" | "dir"): QuorateError {
  const fact = option === "dir" ? "this member has no directory" : "the recorder is off";
  return new QuorateError("BAD_CONFIG", `Cannot save a recording: ${fact}`, {
    outcome: "not-applied",
    retry: "never",
    hint:
      option === "dir"
        ? "Take the text of recording() instead."
        : "Start the member with recorder: true.",
    details: { option, value: option === "dir" ? "(memory)" : "false" },
  });
}

/** `agreeing`: the majority that has another state at `index`. */
export function diverged(self: string, index: number, agreeing: readonly string[]): QuorateError {
  const others = agreeing.join(", ");
  const text = `Cannot go on: the state of ${self} at entry ${index} is not that of ${others}`;
  return new QuorateError("DIVERGED", text, {
    outcome: "unknown",
    retry: "never",
    hint: "Find what a reducer or machine uses besides its arguments; replace this member.",
    details: { index, agreeing },
  });
}

/** Its log and a snapshot that the leader offered contradict each other in what is committed. */
export function snapshotConflict(self: string, index: number, snapshot: string): QuorateError {
  const text = `Cannot go on: what ${self} knows to be committed is not what is in ${snapshot}`;
  return new QuorateError("DIVERGED", text, {
    outcome: "unknown",
    retry: "never",
    hint: "Keep the directory for inspection, and replace this member.",
    details: { index, agreeing: [] },
  });
}

/** The log begins behind a snapshot that cannot be used. `index`: of the entry before the log. */
export function noState(directory: string, index: number): QuorateError {
  const text = `Cannot start from ${directory}: the log begins behind entry ${index}`;
  return new QuorateError("CORRUPT", `${text}, and no snapshot of it or later is sound`, {
    outcome: "not-applied",
    retry: "never",
    hint: "Keep the directory for inspection, and replace this member: the others have the data.",
    details: { file: directory, offset: null, record: null },
  });
}
