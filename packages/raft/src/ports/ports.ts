import type { Crc32 } from "../base/index.ts";
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { Network } from "./network.ts";
import type { Random } from "./random.ts";

/** The four doors together, and a checksum that the host may do faster than TypeScript can. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  readonly crc32: Crc32;
}
