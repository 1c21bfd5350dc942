/** Snapshots in whole members (H8, H13, H14). */
import { bug, lines, patch, type TrapBug } from "./trap-bug.ts";

export const memberSnapshotBugs: readonly TrapBug[] = [
  bug(
    "H8",
    "The log goes before the snapshot that takes its place counts.",
    patch(
      "storage/wal/write-ahead-log.ts",
      lines(
        "    yield* this.snapshots.publish(sealed);",
        "    if (isReplaced) yield* this.#replaceLog(sealed.description.identity.position);",
      ),
      lines(
        "    if (isReplaced) yield* this.#replaceLog(sealed.description.identity.position);",
        "    yield* this.snapshots.publish(sealed);",
      ),
    ),
  ),
  bug(
    "H13",
    "A snapshot that could not be written counts as under way for ever.",
    patch(
      "node/snapshots/snapshot-taker.ts",
      lines("    this.#end();", "    if (taking.deliver === null) this.#host.onFailed("),
      "    if (taking.deliver === null) this.#host.onFailed(",
    ),
  ),
  bug(
    "H13",
    "A snapshot that was written counts as under way for ever.",
    patch(
      "node/snapshots/snapshot-taker.ts",
      lines("          this.#end();", "          this.#host.onSaved("),
      "          this.#host.onSaved(",
    ),
  ),
  bug(
    "H14",
    "Entries are applied before the machines have the snapshot.",
    patch(
      "node/member.ts",
      "onInstalled: (effect) => this.#onPersisted(effect),",
      lines(
        "onInstalled: (effect) => {",
        "        this.#onPersisted(effect);",
        "        this.#onRestored(effect.position);",
        "      },",
      ),
    ),
  ),
];
