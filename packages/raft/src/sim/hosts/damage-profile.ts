/** What may happen to a disk at rest, and what did. */

export type DamageKind =
  /** Bits flipped in sectors. */
  | "rotten"
  /** Sectors that read as zeros. */
  | "zeroed"
  /** Sectors that read as before they were last written: the last write never arrived. */
  | "stale"
  /** All that the last sync of a file wrote is gone, its length included: a sync that lied. */
  | "lost-sync"
  /** What was last written to a sector lies in another one, of this or another file. */
  | "misdirected"
  /** The file ends sooner. */
  | "cut-short"
  /** The file is gone. */
  | "lost-file";

export interface DamageProfile {
  /** How likely each kind is, relative to the others; what is left out never happens. */
  readonly weights: Readonly<Partial<Record<DamageKind, number>>>;
  /** Sectors in a row at most, for the kinds that have a length. Default 4. */
  readonly sectorsMax?: number;
  /** The share of damages aimed at what a file's last sync wrote. Default 0.5. */
  readonly recentShare?: number;
  /** Leaves alone what a file's last sync wrote, and files of which that is not known. */
  readonly sparesRecent?: boolean;
  /** Begins within so many sectors of a file's end, unless aimed at what was synced last. */
  readonly lastSectors?: number;
  /** Files that may be hit; all unless given. */
  readonly files?: (path: string) => boolean;
}

/** Sectors of a file that no longer hold what they should. */
export interface DamagedRange {
  readonly path: string;
  readonly firstSector: number;
  readonly sectorCount: number;
  /**
   * Whether a sync had covered any of it, so that something may rest on it. False: it was not yet
   * promised, and a member must get over it without anybody's help.
   */
  readonly wasSynced: boolean;
}

export interface DamageReport {
  readonly kind: DamageKind;
  readonly host: string;
  readonly atMs: number;
  /** Two when misdirected: where it lies now, and where it is missing. */
  readonly ranges: readonly DamagedRange[];
  /** Whether that is so of any range: whether it counts against the budget. */
  readonly wasSynced: boolean;
}
