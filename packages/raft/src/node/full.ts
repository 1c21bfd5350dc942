/** Why a command finds no room, said so that the limit can be found. Called by `proposals.ts`. */
import type { QuorateError } from "../base/index.ts";
import { hasRoomFor, type Raft } from "../core/index.ts";
import { overloaded } from "./errors.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** What a leader has no room for: elsewhere only the leader knows why. */
export function leaderFull(
  raft: Raft,
  memory: MemoryBudget | null,
  data: Uint8Array,
): QuorateError {
  const { uncommittedBytesMax, backlogBytesMax } = raft.settings;
  if (raft.leadership === null || hasRoomFor(raft, [data])) {
    return overloaded("uncommittedBytesMax", uncommittedBytesMax);
  }
  if (raft.backlog.isTight && memory !== null) return memoryFull(memory);
  return overloaded("backlogBytesMax", backlogBytesMax);
}

/** What all members of the process hold together is too much. */
export function memoryFull({ bytesMax }: MemoryBudget): QuorateError {
  return overloaded("memory.bytesMax", bytesMax);
}
