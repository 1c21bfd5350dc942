/** How a check of a turn fails. */
import { ModelViolation } from "../model.ts";
import type { Turn } from "./turn.ts";

/** @throws ModelViolation with the invariant's id, unless it `holds` */
export function check(id: string, holds: boolean, turn: Turn, detail: () => string): void {
  if (!holds) throw new ModelViolation(`${id}: member ${turn.place}: ${detail()}`);
}
