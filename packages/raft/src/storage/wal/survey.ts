/**
 * What can still be read of a damaged log, wherever it lies: not to be taken over, but to judge
 * whether the rest may come from others. Pure but for reading. Called by `repair.ts`.
 */
import { type Crc32, FormatError, noIndex, noTerm } from "../../base/index.ts";
import type { Entry } from "../../core/index.ts";
import { closeFile, openFile, pathIn, readReadable } from "../files.ts";
import { sectorBytes } from "../sealed-block.ts";
import type { Task } from "../task.ts";
import type { LogDirectory } from "./log-directory.ts";
import { decodeRecords, type LogRecord, UnknownRecordError } from "./records.ts";
import { parseSegmentFileName } from "./segment-header.ts";
import {
  identitySeed,
  parseUnitHeader,
  type UnitHeader,
  unitBytes,
  unitHeaderBytes,
} from "./unit.ts";

/** Of all units that are sound by themselves, before and behind the damage. */
export interface Survey {
  /** The newest configuration, encoded, and the index of its entry; null: none was found. */
  readonly configuration: { readonly index: number; readonly data: Uint8Array } | null;
  /** The highest term of an entry, and the highest index. */
  readonly termMax: number;
  readonly indexMax: number;
}

/** Reads all segments that are there, oldest first. @throws DiskError, but not for bad sectors */
export function* surveyLog(log: LogDirectory, names: readonly string[]): Task<Survey> {
  const seed = identitySeed(log.identity, log.crc32);
  let survey: Survey = { configuration: null, termMax: noTerm, indexMax: noIndex };
  for (const name of [...names].sort()) {
    const segment = parseSegmentFileName(name);
    if (segment === null) continue;
    const file = yield* openFile(log.disk, pathIn(log.directory, name), "existing");
    const { bytes } = yield* readReadable(file);
    yield* closeFile(file);
    survey = surveySegment(survey, bytes, segment, seed, log.crc32);
  }
  return survey;
}

/** Headers are bound to directory, segment and offset: nothing else can pass for one. */
function surveySegment(
  before: Survey,
  bytes: Uint8Array,
  segment: number,
  seed: number,
  crc32: Crc32,
): Survey {
  let survey = before;
  let at = sectorBytes;
  while (at < bytes.length) {
    const parsed = parseUnitHeader(bytes, at, segment, seed, crc32);
    const body = parsed.kind === "header" ? bodyOf(bytes, at, parsed.header, crc32) : null;
    if (parsed.kind !== "header" || body === null) {
      at += sectorBytes;
      continue;
    }
    for (const record of recordsOf(body, parsed.header)) {
      if (record.kind === "entry") survey = withEntry(survey, record.entry);
    }
    at += unitBytes(parsed.header.bodyBytes);
  }
  return survey;
}

function bodyOf(
  bytes: Uint8Array,
  at: number,
  header: UnitHeader,
  crc32: Crc32,
): Uint8Array | null {
  const start = at + unitHeaderBytes;
  const end = at + unitBytes(header.bodyBytes);
  if (end > bytes.length || crc32(bytes.subarray(start, end)) !== header.bodyChecksum) return null;
  return bytes.subarray(start, start + header.bodyBytes);
}

/** What a later version wrote is not needed here: who takes the log over refuses it. */
function recordsOf(body: Uint8Array, header: UnitHeader): readonly LogRecord[] {
  try {
    return decodeRecords(body, header.recordCount);
  } catch (error) {
    if (error instanceof UnknownRecordError || error instanceof FormatError) return [];
    throw error;
  }
}

/** Units come in the order of writing, so the last configuration is the newest. */
function withEntry(survey: Survey, { index, term, kind, data }: Entry): Survey {
  const isConfiguration = kind === "configuration";
  return {
    configuration: isConfiguration ? { index, data: data.slice() } : survey.configuration,
    termMax: Math.max(survey.termMax, term),
    indexMax: Math.max(survey.indexMax, index),
  };
}
